"""What the lines of a chart say at one x: ranked, and compared with the one to beat. Pure."""

import math
from bisect import bisect_right
from collections.abc import Sequence

from tuiswp.tui.axis import short
from tuiswp.tui.decimate import Average
from tuiswp.tui.grid import Run
from tuiswp.tui.palette import line_ink, marker
from tuiswp.tui.plot import Line, Plot, Reading, Readout, tail
from tuiswp.tui.raster import Points
from tuiswp.tui.units import Unit

_HEAVIEST = 0.99


def read(plot: Plot, x: float) -> Readout:
    """Every line at `x`, ranked by the goal."""
    readings: list[Reading] = []
    for line in plot.lines:
        at = bisect_right(line.xs, x) - 1
        if at < 0 or not math.isfinite(line.xs[at]):
            continue
        mean = smoothed(line, plot.smooth)[1][at] if plot.smooth > 0.0 else None
        ended = at == len(line.xs) - 1
        readings.append(
            Reading(line.key, line.label, line.slot, line.xs[at], line.ys[at], mean, ended)
        )
    sign = 1.0 if plot.goal == "minimize" else -1.0
    readings.sort(key=lambda one: (math.isnan(one.y), 0.0 if math.isnan(one.y) else sign * one.y))
    at_x = max((one.x for one in readings), default=x)
    to_beat = next((one for one in readings if one.key == plot.reference), None)
    return Readout(at_x, tuple(_compared(one, to_beat, at_x, sign) for one in readings))


def _compared(one: Reading, other: Reading | None, x: float, sign: float) -> Reading:
    """Only what is at the same place is compared: a line that ended before says nothing there."""
    if other is None or other.key == one.key or not math.isfinite(other.y) or not other.y:
        return one
    if any(reading.ended and reading.x != x for reading in (one, other)):
        return one
    better = sign * (other.y - one.y) / abs(other.y)
    return one if not math.isfinite(better) else _with_better(one, better)


def _with_better(one: Reading, better: float) -> Reading:
    return Reading(one.key, one.label, one.slot, one.x, one.y, one.smoothed, one.ended, better)


def smoothed(line: Line, weight: float) -> Points:
    """The moving average of a line: the one it brought along, else that of the points it has.

    Each of those counts as often as points were left out for it.
    """
    weight = min(weight, _HEAVIEST)
    if line.smoothed is not None and line.smooth == weight:
        return line.xs, line.smoothed
    each = max(1.0, line.count / max(1, len(line.ys)))
    return line.xs, Average().over(line.ys, weight**each)[1]


def corner(readout: Readout, plot: Plot, unit: Unit, most: int, width: int) -> Sequence[Run]:
    """The lines of the read-out inside a chart, none if even the short ones are too wide."""
    for with_share in (True, False):
        lines: list[Run] = [(f"at {unit.text(readout.x)}", "title")]
        for one in readout.readings[:most]:
            share = f" {says(one.better)}" if with_share and one.better is not None else ""
            ended = f" @{unit.text(one.x)}" if one.x != readout.x else ""
            lines.append((f"{_named(one, plot)}{share}{ended}", line_ink(one.slot)))
        if max(len(text) for text, _ in lines) <= width:
            return lines
    return ()


def in_a_line(readout: Readout, plot: Plot, unit: Unit) -> str:
    """The same for one line of text, the best first."""
    return "  ".join([f"at {unit.text(readout.x)}", *(_named(r, plot) for r in readout.readings)])


def _named(one: Reading, plot: Plot) -> str:
    value = short(one.y) if one.smoothed is None else f"{short(one.smoothed)} ({short(one.y)})"
    return f"{marker(one.slot, ascii=plot.ascii)}{tail(one.label, ascii=plot.ascii)} {value}"


def says(better: float) -> str:
    """How much better, in per cent: `9% better`, `12% worse`, `same`."""
    share = abs(100.0 * better)
    if share < 0.05:
        return "same"
    told = f"{share:.2g}" if share < 99.5 else f"{share:.0f}"
    return f"{told}% {'better' if better > 0.0 else 'worse'}"
