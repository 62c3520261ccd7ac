"""Which metric files of a sweep are read, how far, and in which order. It judges and draws nothing.

Trials that run or are looked at are followed whole. Of a large sweep's other trials the objective
is read once, when they have ended, the best of them first; nobody writes those files any more.
"""

import time
from collections import deque
from collections.abc import Collection, Iterable, Sequence

from tuiswp.controller.client import SweepView
from tuiswp.controller.directory import SweepDirectory
from tuiswp.controller.reducer import SweepState
from tuiswp.metrics.follow import Follower
from tuiswp.model.sweep import DerivedMetric

WHOLE_FILES = 64  # of sweeps up to this size every metric of every trial is kept
_VISIT_BYTES = 1 << 20


class Following:
    """`files`: what is read, by trial. `behind`: there is more to read than was read by now."""

    def __init__(self) -> None:
        self.files: Follower[int] = Follower()
        self._whole: dict[int, None] = {}  # the one looked at last comes last
        self._only: tuple[str, ...] = ()
        self._derived: tuple[DerivedMetric, ...] = ()
        self._state: SweepState | None = None
        self._past: deque[int] | None = None  # ended, and not read yet; None: to be found out

    @property
    def behind(self) -> bool:
        return self._past is None or bool(self._past) or self.files.behind

    def poll(
        self,
        view: SweepView,
        looked_at: Collection[int],
        only: Sequence[str],
        *,
        first: Iterable[int] = (),
        budget_s: float,
    ) -> set[int]:
        """Read on; the trials whose files said something new.

        `only`: the metrics to keep of trials nobody looks at. `first`: of the trials that ended,
        those to read before the others.
        """
        deadline = time.monotonic() + budget_s
        self._derived = view.sweep.derived
        few = len(view.state.trials) <= WHOLE_FILES
        if view.state is not self._state or tuple(only) != self._only:
            self._sort_out(view.state, tuple(only), few=few)
        trials = view.state.trials
        wanted = trials if few else (*(trial.number for trial in view.state.live()), *looked_at)
        place = SweepDirectory(view.directory)
        for number in wanted:
            if number in trials and trials[number].attempts:
                self._follow_whole(place, number)
                if not few and trials[number].state != "running":
                    self.files.rest(number)
        if not few:
            self._forget(len(wanted))
        changed = self.files.poll(budget_s=budget_s)
        if not few and only:
            changed |= self._look_back(place, view.state, first, deadline)
        else:
            self._past = deque()
        return changed

    def _sort_out(self, state: SweepState, only: tuple[str, ...], *, few: bool) -> None:
        """After something happened in the sweep, or other metrics are asked for."""
        before, self._state = self._state, state
        if only != self._only:
            self._only = only
            for number in [number for number in self.files if number not in self._whole]:
                self.files.remove(number)
        self._past = None
        if before is None:
            return
        for number, trial in state.trials.items():
            if trial is before.trials.get(number) or number not in self.files:
                continue
            if trial.state == "running":
                self.files.wake(number)
            elif not few:
                self.files.rest(number)

    def _follow_whole(self, place: SweepDirectory, number: int) -> None:
        if number not in self._whole:
            self.files.add(number, place.metrics(number), derived=self._derived)
        else:
            del self._whole[number]
        self._whole[number] = None

    def _forget(self, wanted: int) -> None:
        """Of those looked at before, keep a few whole; of the others the objective will do."""
        for number in list(self._whole)[: max(0, len(self._whole) - wanted - WHOLE_FILES)]:
            del self._whole[number]
            self.files.remove(number)
            if self._past is not None:
                self._past.append(number)

    def _look_back(
        self, place: SweepDirectory, state: SweepState, first: Iterable[int], deadline: float
    ) -> set[int]:
        """Read the files of ended trials until the time is over."""
        if self._past is None:
            order = dict.fromkeys((*first, *state.trials))
            self._past = deque(
                number
                for number in order
                if number not in self.files
                and (trial := state.trials.get(number)) is not None
                and trial.attempts
                and trial.state != "running"
            )
        changed: set[int] = set()
        while self._past and time.monotonic() < deadline:
            number = self._past.popleft()
            file = self.files.get(number)
            if file is None:
                path = place.metrics(number)
                file = self.files.add(number, path, only=self._only, derived=self._derived)
                self.files.rest(number)
            file.poll(max_bytes=_VISIT_BYTES)
            if not file.behind:
                self.files.let_alone(number)
            changed.add(number)
        return changed
