"""Where on the x axis the points of a curve stand: by step, by time or by progress. Pure.

A point that nothing places is left out, and where nothing places any there is no curve: nothing is
invented.
"""

import math
from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Literal, Protocol, TypeAlias

from tuiswp.metrics.rows import PROGRESS

if TYPE_CHECKING:
    from tuiswp.metrics.file import MetricFile  # which the first frame needs none of
    from tuiswp.metrics.series import Floats, Series

XKind: TypeAlias = Literal["step", "time", "progress"]
X_KINDS: tuple[XKind, ...] = ("step", "time", "progress")
# The first number logged, the last, and how far that is.
_Stand: TypeAlias = tuple[float | None, float, float]
_Rule: TypeAlias = Literal["elapsed", "clock", "sum", "share"]

_WALL_CLOCK_FROM = 1e8  # seconds, in 1973: a `time` below this is somebody's duration
_SOURCES: Mapping[XKind, tuple[tuple[str, _Rule], ...]] = {
    "step": (),
    "time": (
        ("_runtime", "elapsed"),
        ("_timestamp", "clock"),
        ("timestamp", "clock"),
        ("time", "clock"),
        ("time_total", "sum"),
    ),
    "progress": ((PROGRESS, "share"),),
}


class Points(Protocol):
    """A growing curve: what `Series` and `Along` have in common.

    `rewritten`: how often anything but the end of it changed.
    """

    rewritten: int

    def steps(self) -> Sequence[float]:
        """The x of each point, ascending: a live view, to be asked for before `values`."""
        ...

    def values(self) -> Sequence[float]:
        """The y of each point."""
        ...


class Ruler:
    """The x at each logged step, made of what a script wrote beside its metrics.

    `steps` and `places` are as long as each other, and places never fall, whatever was logged.

    By rule: elapsed, seconds since the start, added up over restarts. clock, the wall clock less
    the first. sum, what each step took. share, 0 to 1.
    """

    def __init__(self, source: "Series", rule: _Rule) -> None:
        self.source = source
        self.rewritten = -1
        self.steps: Floats = array("d")
        self.places: Floats = array("d")
        self._rule = rule
        self._seen = -1
        self._now: _Stand = (None, 0.0, 0.0)
        self._before: _Stand = (
            self._now
        )  # without the newest point, which may still be written again

    def grow(self) -> None:
        """Take in what was logged since, at the cost of that."""
        steps, values = self.source.steps(), self.source.values()
        if self.source.rewritten != self._seen:
            self._seen = self.source.rewritten
            self.rewritten += 1
            self.steps, self.places = array("d"), array("d")
            self._now = (None, 0.0, 0.0)
        elif self.steps:
            self.steps.pop()
            self.places.pop()
            self._now = self._before
        for value in values[len(self.places) :]:
            self._before = self._now
            self._now = self._after(value)
            self.places.append(self._now[2])
        self.steps.extend(steps[len(self.steps) :])

    def _after(self, value: float) -> _Stand:
        first, last, at = self._now
        if value != value:  # NaN: as far as before
            return self._now
        if first is None:
            first = value
        match self._rule:
            case "elapsed":  # a number that falls is a new start: so long since then
                at += max(0.0, value - last if value >= last else value)
            case "clock":
                at = max(at, value - first)
            case "sum":
                at += max(0.0, value)
            case "share" if 0.0 <= value <= 1.0:
                at = max(at, value)
        return first, value, at


class Along:
    """A curve with its points where a ruler puts them: those before its first mark are left out."""

    def __init__(self, series: "Series", ruler: Ruler) -> None:
        self.series, self.ruler = series, ruler
        self.rewritten = -1
        self._seen = (-1, -1)
        self._skipped = 0
        self._settled = -math.inf  # places before this step are for good
        self._xs: Floats = array("d")

    def steps(self) -> Sequence[float]:
        """The x of each point that has a place."""
        self.ruler.grow()
        steps, marks, places = self.series.steps(), self.ruler.steps, self.ruler.places
        if (self.series.rewritten, self.ruler.rewritten) != self._seen:
            self._seen = self.series.rewritten, self.ruler.rewritten
            self.rewritten += 1
            self._settled, self._xs = -math.inf, array("d")
        if not marks:
            self._skipped = len(steps)
            return self._xs
        self._skipped = bisect_left(steps, marks[0])
        settled = bisect_left(steps, self._settled)
        known = max(self._skipped, min(settled, self._skipped + len(self._xs)))
        del self._xs[known - self._skipped :]
        self._settled = marks[-1]
        if marks == steps:  # each row has a mark, as nearly always
            self._xs.extend(places[known:])
            return self._xs
        at = bisect_right(marks, steps[known]) if known < len(steps) else 0
        for step in steps[known:]:
            while at < len(marks) and marks[at] <= step:
                at += 1
            self._xs.append(places[at - 1])
        return self._xs

    def values(self) -> Sequence[float]:
        """The values of the same points."""
        values = self.series.values()
        return values[self._skipped :] if self._skipped else values


def ruler(file: "MetricFile", x: XKind) -> Ruler | None:
    """What places the points of this file on such an axis; None if it logged nothing that could."""
    for name, rule in _SOURCES[x]:
        source = file.beside.get(name) or file.metrics.get(name)
        if source is None or source.latest is None:
            continue
        if rule == "clock" and name[0] != "_" and source.latest < _WALL_CLOCK_FROM:
            continue
        return Ruler(source, rule)
    return None
