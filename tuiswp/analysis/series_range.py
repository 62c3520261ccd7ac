"""Make curves drawable: thin long ones, and find the range of values worth showing.

Plain lists in and out; it draws nothing.
"""

import math
import statistics
from collections.abc import Iterable, Sequence

_POINTS = 600  # more than a picture's width in pixels adds only bytes


def thinned(
    steps: Sequence[float], values: Sequence[float], *, points: int = _POINTS
) -> tuple[list[float], list[float]]:
    """The curve with at most about `points` points, keeping each stretch's lowest and highest.

    A value that is not finite becomes NaN, which a plot leaves as a gap.
    """
    count = min(len(steps), len(values))
    if count <= points:
        ys = [float(values[at]) for at in range(count)]
        return [float(steps[at]) for at in range(count)], [_or_gap(y) for y in ys]
    keep: list[int] = []
    stretch = math.ceil(2 * count / points)
    for start in range(0, count, stretch):
        at = range(start, min(start + stretch, count))
        good = [n for n in at if math.isfinite(values[n])]
        ends = {min(good, key=values.__getitem__), max(good, key=values.__getitem__)}
        keep += sorted(ends) if good else [start]
    return [float(steps[n]) for n in keep], [_or_gap(float(values[n])) for n in keep]


def smoothed(values: Sequence[float]) -> list[float] | None:
    """The running mean over about a fortieth of the curve; None when it is too short to need one.

    Gaps stay gaps, and spread to what their window touches.
    """
    half = len(values) // 80
    if half < 1:
        return None
    windows = (values[max(0, at - half) : at + half + 1] for at in range(len(values)))
    return [_or_gap(sum(window) / len(window)) for window in windows]


def shown_range(curves: Iterable[Sequence[float]]) -> tuple[float, float] | None:
    """The range of nearly all values, so that one runaway curve does not flatten the rest.

    Quartiles and three times their distance (Tukey's far fence). None without a finite value.
    """
    values = sorted(y for ys in curves for y in ys if math.isfinite(y))
    if not values:
        return None
    if len(values) < 4:
        return padded(values[0], values[-1])
    first, _, third = statistics.quantiles(values, n=4)
    fence = 3 * (third - first)
    if not math.isfinite(fence):
        fence = 0.0
    inside = [y for y in values if first - fence <= y <= third + fence]
    return padded(inside[0], inside[-1]) if inside else padded(values[0], values[-1])


def padded(
    low: float, high: float, *, below: float = 0.06, above: float = 0.06
) -> tuple[float, float] | None:
    """The range with some air; None when it is too wide to be drawn."""
    span = high - low or abs(high) * 0.1 or 1.0
    low, high = low - below * span, high + above * span
    return (low, high) if math.isfinite(low) and math.isfinite(high) else None


def _or_gap(value: float) -> float:
    return value if math.isfinite(value) else math.nan
