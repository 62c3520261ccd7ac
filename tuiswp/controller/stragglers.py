"""Measure how fast each attempt goes, and say once of each that is far slower than its like.

Speed is steps a second (rows, where no step is logged) between growths of its metrics, so a start,
a silence and time in which nobody watched slow nobody down. Ends nothing.
"""

import time
from collections import deque
from collections.abc import Callable

from tuiswp.analysis.pace import OTHERS, Pace, costly, pace_key, slow_gpus, stragglers
from tuiswp.controller.core import Core
from tuiswp.controller.watched import WatchedTime
from tuiswp.controller.watching import Observed, Watcher
from tuiswp.gpu.environment import CPU
from tuiswp.model.events import TrialSlow
from tuiswp.model.space import Parameter
from tuiswp.spec.params import swept

LOOK_S = 5.0
WINDOW_S = 120.0  # of which a running trial is judged by the newest
LEAST_S, LEAST_GROWTHS = 60.0, 20  # before its speed is believed


class _Course:
    """How one attempt has advanced: (watched seconds, steps) at growths of its metrics."""

    def __init__(self, rows: tuple[int, int]) -> None:
        self.rows = rows
        self.growths = 0
        self.first: tuple[float, float] | None = None
        self.points: deque[tuple[float, float]] = deque()

    def anew(self) -> None:
        """What was seen so far says nothing of its speed."""
        self.growths, self.first = 0, None
        self.points.clear()

    def grew(self, at: float, done: float) -> None:
        if self.points and done < self.points[-1][1]:  # it began again
            self.anew()
        self.growths += 1
        self.first = self.first or (at, done)
        self.points.append((at, done))
        while len(self.points) > 2 and self.points[1][0] <= at - WINDOW_S:
            self.points.popleft()

    @property
    def rates(self) -> tuple[float, float] | None:
        """Lately and over all; None while too little was seen."""
        if self.first is None or self.growths < LEAST_GROWTHS:
            return None
        (began, none_done), (ended, done) = self.first, self.points[-1]
        earlier, then = self.points[0]
        if ended - began < LEAST_S or ended <= earlier:
            return None
        return (done - then) / (ended - earlier), (done - none_done) / (ended - began)


class Stragglers:
    """Looks once a round, judges every few seconds. `clock`: monotonic seconds."""

    def __init__(
        self, core: Core, watcher: Watcher, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._core, self._watcher = core, watcher
        self._time = WatchedTime(clock)
        self._next = 0.0
        self._courses: dict[tuple[int, int], _Course] = {}

    def look(self) -> None:
        """Raises JournalError."""
        self._time.passes()
        for one in self._watcher.observed():
            self._follow(one)
        if self._time.now < self._next:
            return
        self._next = self._time.now + LOOK_S
        self._judge()

    def _follow(self, one: Observed) -> None:
        key, rows = (one.trial, one.attempt), (one.file.rows, one.file.growths)
        course = self._courses.get(key)
        if course is None:
            self._courses[key] = _Course(rows)
            return
        if self._core.trial(one.trial).silent is not None:
            course.anew()
        if rows != course.rows:
            course.rows = rows
            step = one.file.last_step
            course.grew(self._time.now, float(one.file.rows) if step is None else step)

    def _judge(self) -> None:
        state = self._core.state
        same = costly(swept(self._core.whole))
        paces = [
            pace
            for (number, attempt), course in self._courses.items()
            if (pace := self._pace(number, attempt, course, same)) is not None
        ]
        if len(paces) <= OTHERS:
            return
        for slow in stragglers(paces, same):
            trial = state.trials[slow.trial]
            if trial.slow is None and trial.kill is None:
                attempt = trial.attempts[-1].number
                self._core.record(TrialSlow(slow.trial, attempt, slow.share, slow.evidence))
        for gpu in slow_gpus(paces):
            self._core.warn(f"slow-gpu-{gpu.uuid}", gpu.message)

    def _pace(
        self, number: int, attempt: int, course: _Course, same: tuple[Parameter, ...]
    ) -> Pace | None:
        trial = self._core.state.trials.get(number)
        if trial is None or not trial.attempts or (rates := course.rates) is None:
            return None
        launch = next((one for one in trial.attempts if one.number == attempt), None)
        leases = () if launch is None else launch.leases
        alone = leases[0] if len(leases) == 1 and leases[0].uuid != CPU else None
        newest = trial.attempts[-1].number == attempt
        return Pace(
            number,
            pace_key(same, trial.params),
            rates[0],
            rates[1],
            running=newest and trial.state == "running" and trial.silent is None,
            gpu="" if alone is None else alone.uuid,
            place=" ".join(one.name for one in leases),
        )
