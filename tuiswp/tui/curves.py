"""The curves a screen wants, from the files followed: placed, smoothed and thinned. No I/O."""

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from typing import TypeAlias

from tuiswp.metrics.file import MetricFile
from tuiswp.metrics.names import find
from tuiswp.metrics.series import Series
from tuiswp.model.sweep import Goal
from tuiswp.tui.along import Along, Points, Ruler, XKind, ruler
from tuiswp.tui.decimate import Thinner
from tuiswp.tui.snapshot import Curve, CurveKey, Want

_LEAST = 16  # buckets
_Key: TypeAlias = tuple[object, ...]
_Kept: TypeAlias = tuple[Series, Thinner]


class CurveMaker:
    """Thins each curve at the cost of what is new; what is no more in sight is forgotten."""

    def __init__(self) -> None:
        self._thinners: dict[_Key, _Kept] = {}
        self._rulers: dict[tuple[int, XKind], tuple[MetricFile, Ruler]] = {}

    def curves(
        self, files: Mapping[int, MetricFile], metrics: Sequence[str], want: Want
    ) -> dict[CurveKey, Curve]:
        """The curves of these metrics that these trials logged, as `want` asks for them."""
        found: dict[CurveKey, Curve] = {}
        before, self._thinners = self._thinners, {}
        rulers, self._rulers = self._rulers, {}
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
                thinned = self._thinner((number, metric), series, placed, want, before).thin()
                found[number, metric] = Curve(
                    thinned.xs, thinned.ys, series.count, want.x, thinned.smoothed, want.smooth
                )
        return found

    def _ruler(
        self,
        number: int,
        file: MetricFile,
        x: XKind,
        before: Mapping[tuple[int, XKind], tuple[MetricFile, Ruler]],
    ) -> Ruler | None:
        if x == "step":
            return None
        known = before.get((number, x))
        if known is None or known[0] is not file:
            made = ruler(file, x)
            if made is None:
                return None
            known = file, made
        self._rulers[number, x] = known
        return known[1]

    def _thinner(
        self,
        curve: CurveKey,
        series: Series,
        placed: Ruler | None,
        want: Want,
        before: Mapping[_Key, _Kept],
    ) -> Thinner:
        buckets = max(_LEAST, want.points // 4)
        key: _Key = (*curve, buckets, want.x, want.span, want.log_x, want.smooth)
        known = before.get(key)
        if known is None or known[0] is not series:
            points: Points = series if placed is None else Along(series, placed)
            made = Thinner(points, buckets, span=want.span, log=want.log_x, smooth=want.smooth)
            known = series, made
        self._thinners[key] = known
        return known[1]


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
