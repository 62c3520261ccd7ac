"""The look back at a search, one part at a time, made when it is looked at. Draws nothing.

A part may take seconds: it is made off the beat, again only when the verdict is another and some
time has gone by, and what it needs of a large sweep's files is read a little at a time.
"""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

import msgspec

from tuiswp.analysis.evidence import Curve
from tuiswp.analysis.optimum import Judgement
from tuiswp.analysis.review import Part, Review, columns_of, review
from tuiswp.controller.client import SweepView
from tuiswp.controller.directory import SweepDirectory
from tuiswp.metrics.file import MetricFile
from tuiswp.metrics.resource import columns
from tuiswp.model.trial import Trial
from tuiswp.tui import following
from tuiswp.tui.rows import objective_series

_SHARE = 20  # a part is made again after so many times as long as it took
_GROWS_S = 5.0  # and while trials run no sooner than this
_READ_S = 0.2
_LOGGED: tuple[Part, ...] = ("early", "gradients")  # the parts that read more than the objective


class Looked(msgspec.Struct, frozen=True):
    """One part of the look back; `found` None: it is being made, `note` says what is waited for."""

    part: Part
    found: Review | None
    note: str = ""


class Lookback:
    """`behind`: the part that is wanted is not there yet."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._last: Looked | None = None
        self._key: object = None  # of the verdict it was made for
        self._not_before = 0.0
        self._more: _Files | None = None
        self.behind = False

    def take(
        self,
        view: SweepView,
        trials: Sequence[Trial],
        judgement: Judgement,
        files: Mapping[int, MetricFile],
        part: Part | None,
        key: object,
        *,
        ready: bool,
    ) -> Looked | None:
        """The part that is wanted, as it is known now. `key`: differs with the verdict.

        `ready`: `files` have been read to their ends.
        """
        if part is None:
            self._last = self._more = None
            self.behind = False
            return None
        now = self._clock()
        if self._last is None or self._last.part != part:
            self._last, self._more, self._not_before = Looked(part, None), None, 0.0
        if any(trial.state == "running" for trial in trials):
            key = key, now // _GROWS_S
        if self._last.found is not None and (key == self._key or now < self._not_before):
            self.behind = False
            return self._last
        if not ready:
            return self._waits(part, "the metrics are being read")
        if part in _LOGGED and not view.foreign and len(view.state.trials) > following.WHOLE_FILES:
            self._more = self._more or _Files(view, part, judgement)
            if not self._more.read(now + _READ_S, self._clock):
                return self._waits(part, self._more.note)
            files = self._more.files
        curves = _Curves(view, files)
        found = review(view.sweep, judgement, trials, curves, files, parts=(part,))
        self._not_before = self._clock() + _SHARE * (self._clock() - now)
        self._key, self._more, self.behind = key, None, False
        self._last = Looked(part, found)
        return self._last

    def _waits(self, part: Part, note: str) -> Looked:
        self.behind = True
        found = None if self._last is None else self._last.found
        self._last = Looked(part, found, note)
        return self._last


class _Curves(Mapping[int, Curve]):
    """The objective of each trial, taken out of its file when it is asked for."""

    def __init__(self, view: SweepView, files: Mapping[int, MetricFile]) -> None:
        self._view, self._files = view, files

    def __getitem__(self, number: int) -> Curve:
        series = objective_series(self._view, self._files[number])
        if series is None:
            raise KeyError(number)
        return series.steps(), series.values()

    def __contains__(self, number: object) -> bool:
        if number not in self._files:
            return False
        assert isinstance(number, int)
        return objective_series(self._view, self._files[number]) is not None

    def __iter__(self) -> Iterator[int]:
        return (number for number in self._files if number in self)

    def __len__(self) -> int:
        return sum(1 for _ in self)


class _Files:
    """What one part needs of every trial's file; of the best all is read, for the names in it."""

    def __init__(self, view: SweepView, part: Part, judgement: Judgement) -> None:
        self._place = SweepDirectory(view.directory)
        self._derived = view.sweep.derived
        self.files: dict[int, MetricFile] = {}
        first = () if judgement.optimum is None else (judgement.optimum.number,)
        known = [trial.number for trial in view.trials if trial.attempts]
        self._left = list(dict.fromkeys((*known, *first)))[::-1]
        self._many = len(self._left)
        names = self._names(first[0] if first else self._left[0]) if self._left else ()
        objective = "" if view.sweep.objective is None else view.sweep.objective.metric
        unit = "step" if view.sweep.stopper is None else view.sweep.stopper.resource
        self._only = (*columns_of(part, names, objective), *columns(objective, unit)[1:])

    @property
    def note(self) -> str:
        return f"{self._many - len(self._left):,} of {self._many:,} files are read"

    def read(self, until: float, clock: Callable[[], float]) -> bool:
        """Read on; whether all is read."""
        while self._left:
            number = self._left.pop()
            file = MetricFile(self._path(number), only=self._only, derived=self._derived)
            _to_its_end(file)
            self.files[number] = file
            if clock() >= until:
                break
        return not self._left

    def _names(self, number: int) -> Sequence[str]:
        file = MetricFile(self._path(number), derived=self._derived)
        _to_its_end(file)
        return tuple(file.metrics)

    def _path(self, number: int) -> Path:
        return self._place.metrics(number)


def _to_its_end(file: MetricFile) -> None:
    while file.poll() and file.behind:
        pass
