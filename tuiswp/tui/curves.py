"""The curves a screen wants, from the files followed: placed, smoothed and thinned. No I/O."""

from bisect import bisect_right
from collections.abc import Collection, Mapping, Sequence
from typing import NamedTuple, TypeAlias

from tuiswp.metrics.file import MetricFile
from tuiswp.metrics.names import find
from tuiswp.metrics.series import Series
from tuiswp.model.sweep import Goal
from tuiswp.tui.along import Along, Points, Ruler, XKind, ruler
from tuiswp.tui.decimate import Thinner
from tuiswp.tui.snapshot import Curve, CurveKey, Want

_LEAST = 16  # buckets
_AT_ONCE = 24  # curves made anew in one reading, or those of one metric
_Key: TypeAlias = tuple[object, ...]


class _Kept(NamedTuple):
    series: Series
    thinner: Thinner
    curve: Curve


class CurveMaker:
    """Thins each curve at the cost of what is new; what is no more in sight is forgotten.

    Where many trials are shown in many metrics, the first metric and the others take turns: drawing
    them all each time would cost a slow link more than it can carry.
    """

    def __init__(self) -> None:
        self._kept: dict[_Key, _Kept] = {}
        self._turn = 0
        self._rulers: dict[tuple[int, XKind], tuple[MetricFile, int, Ruler]] = {}

    def curves(
        self, files: Mapping[int, MetricFile], metrics: Sequence[str], want: Want
    ) -> dict[CurveKey, Curve]:
        """The curves of these metrics that these trials logged, as `want` asks for them."""
        found: dict[CurveKey, Curve] = {}
        before, self._kept = self._kept, {}
        rulers, self._rulers = self._rulers, {}
        due = self._due(metrics, len(files))
        for number, file in files.items():
            placed = self._ruler(number, file, want.x, rulers)
            for metric in metrics:
                name = find(metric, file.metrics)
                if name is None:
                    continue
                series = file.metrics[name]
                if want.x != "step" and placed is None:
                    found[number, metric] = Curve((), (), series.count, want.x)
                    continue
                buckets = max(_LEAST, want.points // 4)
                key = number, metric, buckets, want.x, want.span, want.log_x, want.smooth
                known = before.get(key)
                if known is None or known.series is not series:
                    points: Points = series if placed is None else Along(series, placed)
                    thinner = Thinner(
                        points, buckets, span=want.span, log=want.log_x, smooth=want.smooth
                    )
                    known = _Kept(series, thinner, _curve(series, thinner, want))
                elif metric in due:
                    known = known._replace(curve=_curve(series, known.thinner, want))
                self._kept[key] = known
                found[number, metric] = known.curve
        return found

    def _due(self, metrics: Sequence[str], trials: int) -> Collection[str]:
        """Which metrics' curves are made anew this time: the first every other time at least."""
        room = max(1, _AT_ONCE // max(1, trials))
        if room >= len(metrics):
            return metrics
        self._turn += 1
        others = metrics[1:]
        if room == 1 and self._turn % 2:
            return metrics[:1]
        each = max(1, room - 1)
        start = (self._turn if room > 1 else self._turn // 2) * each % len(others)
        chosen = [*others, *others][start : start + each]
        return chosen if room == 1 else [metrics[0], *chosen]

    def _ruler(
        self,
        number: int,
        file: MetricFile,
        x: XKind,
        before: Mapping[tuple[int, XKind], tuple[MetricFile, int, Ruler]],
    ) -> Ruler | None:
        if x == "step":
            return None
        known = before.get((number, x))
        if known is None or known[0] is not file or known[1] != file.epoch:
            made = ruler(file, x)
            if made is None:
                return None
            known = file, file.epoch, made
        self._rulers[number, x] = known
        return known[2]


def _curve(series: Series, thinner: Thinner, want: Want) -> Curve:
    thinned = thinner.thin()
    return Curve(thinned.xs, thinned.ys, series.count, want.x, thinned.smoothed, want.smooth)


def same_step(
    running: Series | None, best: Series | None, goal: Goal
) -> tuple[float, float, float, float | None] | None:
    """Step and value of the newest number of `running`, what `best` had there, how much better.

    None if either has no number there.
    """
    newest = None if running is None else _number_at(running, len(running.steps()) - 1)
    if newest is None or best is None:
        return None
    other = _number_at(best, bisect_right(best.steps(), newest[0]) - 1)
    if other is None:
        return None
    ahead = other[1] - newest[1] if goal == "minimize" else newest[1] - other[1]
    return *newest, other[1], ahead / abs(other[1]) if other[1] else None


def _number_at(series: Series, index: int) -> tuple[float, float] | None:
    """The point of this index or the last before it that has a number."""
    steps, values = series.steps(), series.values()
    while index >= 0 and values[index] != values[index]:
        index -= 1
    return (steps[index], values[index]) if index >= 0 else None
