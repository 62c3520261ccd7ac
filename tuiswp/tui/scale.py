"""Which axes a chart of many curves gets: what is in sight, on the scale, and in its place before.

One trial that diverged must not flatten the others, and what is on screen stays on it. Pure.
"""

import math
from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from typing import TypeAlias

import msgspec

from tuiswp.tui.axis import LARGEST, Axis, exact, x_axis, y_axis
from tuiswp.tui.raster import Points

Span: TypeAlias = tuple[float, float]

_SAMPLE = 32  # values a line that decide what is off the scale
_OFF_SCALE, _OFF_LOG_SCALE = 3.0, 1.0  # times the spread of ordinary values, beyond its ends
_ODD_LINE, _ODD_LOG_LINE = 30.0, 3.0  # times the usual reach: such a line has no say in the scale


class AxesAsked(msgspec.Struct, frozen=True):
    """What is asked of the axes, and what they were: None for everything, or for the first time."""

    log_x: bool
    log_y: bool
    x_range: Span | None
    y_range: Span | None
    x_before: Axis | None
    y_before: Axis | None


class Scale(msgspec.Struct, frozen=True):
    """The axes. `whole_x`: without zoom. `dropped`: values without a place on a log axis."""

    x: Axis
    whole_x: Axis
    y: Axis
    dropped: int


def scale(curves: Sequence[Points], asked: AxesAsked) -> Scale | None:
    """The axes for these curves; None if no number has a place."""
    found = [ends for curve in curves if (ends := _x_ends(curve, asked.log_x)) is not None]
    if not found:
        return None
    low, high = min(ends[0] for ends in found), max(ends[1] for ends in found)
    whole = x_axis(low, high, log=asked.log_x, previous=asked.x_before)
    zoomed = exact(*asked.x_range, log=asked.log_x) if asked.x_range is not None else None
    fixed = exact(*asked.y_range, log=asked.log_y) if asked.y_range is not None else None
    limits, dropped = _y_ends(curves, asked, zoomed.ends() if zoomed is not None else None)
    if asked.log_x:
        dropped += sum(bisect_right(xs, 0.0) for xs, _ in curves)
    if fixed is not None:
        return Scale(zoomed or whole, whole, fixed, dropped)
    if limits is None:
        return None
    y = y_axis(*limits, log=asked.log_y, previous=asked.y_before)
    return Scale(zoomed or whole, whole, y, dropped)


def _x_ends(curve: Points, log: bool) -> Span | None:
    xs = curve[0]
    if not xs or not curve[1]:
        return None
    if math.isfinite(sum(xs)) and (not log or xs[0] > 0.0):
        return xs[0], xs[-1]
    kept = [value for value in xs if math.isfinite(value) and (value > 0.0 or not log)]
    return (min(kept), max(kept)) if kept else None


def _y_ends(
    curves: Sequence[Points], asked: AxesAsked, sight: Span | None
) -> tuple[Span | None, int]:
    """Lowest and highest value on the scale, and how many have no place on a log axis."""
    ends: list[tuple[float, float, Sequence[float]]] = []
    middles: list[Span] = []
    dropped = 0
    for xs, all_ys in curves:
        ys = all_ys if sight is None else _cut(xs, all_ys, sight)
        if asked.log_x and sight is None:
            ys = ys[bisect_right(xs, 0.0) :]
        if not ys:
            continue
        low, high = min(ys), max(ys)
        if not math.isfinite(sum(ys)) or (asked.log_y and low <= 0.0):
            kept = [value for value in ys if math.isfinite(value)]
            ys = [value for value in kept if value > 0.0] if asked.log_y else kept
            dropped += len(kept) - len(ys)
            if not ys:
                continue
            low, high = min(ys), max(ys)
        ends.append((low, high, ys))
        middles.append(_middle(ys, asked.log_y))
    if not ends:
        return None, dropped
    least, most = _scale_limits(middles, asked.log_y, asked.y_before)
    lows, highs = [low for low, _, _ in ends], [high for _, high, _ in ends]
    if min(lows) >= least and max(highs) <= most:
        return (min(lows), max(highs)), dropped
    inside = [value for _, _, ys in ends for value in ys if least <= value <= most]
    return ((min(inside), max(inside)) if inside else (min(lows), max(highs))), dropped


def _cut(xs: Sequence[float], ys: Sequence[float], sight: Span) -> Sequence[float]:
    """The values in sight, and one on each side: lines run off the edge."""
    start = max(0, bisect_left(xs, sight[0]) - 1)
    return ys[start : bisect_right(xs, sight[1]) + 1]


def _middle(ys: Sequence[float], log: bool) -> Span:
    """Where a line starts and the middle 80 % of its values lie, as the axis counts."""
    sample = sorted(ys[:: max(1, len(ys) // _SAMPLE)])
    tenth = len(sample) // 10
    low, high = min(sample[tenth], ys[0]), max(sample[-1 - tenth], ys[0])
    if log:
        return math.log10(low), math.log10(high)
    return max(low, -LARGEST), min(high, LARGEST)


def _scale_limits(middles: Sequence[Span], log: bool, old: Axis | None) -> Span:
    """Beyond these a value is off the scale, so that one diverged trial does not flatten the rest.

    The scale is that of all lines but those much further out than the one in the middle; what is on
    screen stays on it.
    """
    base = sorted(low for low, _ in middles)[(len(middles) - 1) // 2]
    reach = [max(abs(low - base), abs(high - base)) for low, high in middles]
    usual = sorted(reach)[(len(reach) - 1) // 2] * (_ODD_LOG_LINE if log else _ODD_LINE)
    ordinary = [span for span, far in zip(middles, reach, strict=True) if far <= usual or not usual]
    low, high = min(low for low, _ in ordinary), max(high for _, high in ordinary)
    room = (high - low) * (_OFF_LOG_SCALE if log else _OFF_SCALE)
    if room == 0.0:
        return -math.inf, math.inf
    least, most = low - room, high + room
    if log:
        least, most = 10.0 ** max(least, -323.0), 10.0 ** min(most, 308.0)
    if old is not None:
        shown = old.ends()
        least, most = min(least, shown[0]), max(most, shown[1])
    return least, most
