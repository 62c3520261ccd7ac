"""From curves to rows of styled cells: a chart of many trials. Pure; no Textual, no clock, no I/O.

Whatever the numbers are, a drawing has exactly the rows and columns asked for. Given the drawing
before it, axes stay where they were and only lines that changed are drawn again.
"""

import math
from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence
from typing import Literal, TypeAlias

import msgspec
from rich.cells import cell_len, set_cell_size

from tuiswp.model.sweep import Goal
from tuiswp.text import visible
from tuiswp.tui.axis import Axis, short
from tuiswp.tui.grid import Grid, Row, Run
from tuiswp.tui.palette import Ink, Weight, line_ink, marker
from tuiswp.tui.raster import Layer, Points, layer, longer
from tuiswp.tui.scale import AxesAsked, Scale, scale

Edge: TypeAlias = Literal["start", "end"]
Span: TypeAlias = tuple[float, float]

_MARK_EVERY = 12  # columns between markers along a line without colour
_LABEL_MOST, _LABELLED_FROM = 12, 34  # columns
_NUDGE = (0, 1, -1, 2, -2)
_CORNER_MOST = 8  # lines of the read-out inside the chart


class Line(msgspec.Struct, frozen=True):
    """One curve: `xs` ascending numbers, NaN in `ys` is a gap.

    `key`: trial number. `slot`: which colour and marker. `dim` lines are drawn first, `front` last
    and thicker in ink. Lines given earlier keep their label when there is no room for all.
    """

    key: int
    label: str
    xs: Sequence[float]
    ys: Sequence[float]
    slot: int = 0
    dim: bool = False
    front: bool = False


class Plot(msgspec.Struct, frozen=True):
    """A chart to be drawn. Ranges are None for all there is; `cursor` is an x.

    `smooth`: weight of an exponential moving average, 0 to 0.99, for evenly spaced points; the raw
    curve stays dim behind. `kill_points`: (x, y) where early stopping ended a trial. `corner`: show
    the read-out inside the chart.
    """

    title: str = ""
    lines: tuple[Line, ...] = ()
    log_x: bool = False
    log_y: bool = False
    smooth: float = 0.0
    x_range: Span | None = None
    y_range: Span | None = None
    cursor: float | None = None
    kill_points: tuple[tuple[float, float], ...] = ()
    x_label: str = "step"
    goal: Goal = "minimize"
    corner: bool = True
    ascii: bool = False
    colour: bool = True


class Reading(msgspec.Struct, frozen=True):
    """What one line says at the cross-hair: its last point at or before it.

    `ended`: the line has no point further on. `smoothed` is None without smoothing.
    """

    key: int
    label: str
    slot: int
    x: float
    y: float
    smoothed: float | None
    ended: bool


class Readout(msgspec.Struct, frozen=True):
    """All lines at the cross-hair, the best first by the goal, NaN last. `x`: the nearest point."""

    x: float
    readings: tuple[Reading, ...]


class Frame(msgspec.Struct, frozen=True):
    """Where the plot lies in a drawing (cells) and what its axes show; `whole_x`: not zoomed."""

    left: int
    top: int
    width: int
    height: int
    x: Axis
    y: Axis
    whole_x: Axis

    def column_of(self, x: float) -> int | None:
        """The column of the drawing that shows `x`; None if out of sight."""
        if math.isnan(x) or (self.x.log and x <= 0.0):
            return None
        dot = math.floor(self.x.fraction(x) * (2 * self.width - 1) + 0.5)
        return self.left + (dot >> 1) if 0 <= dot < 2 * self.width else None

    def x_at(self, column: int) -> float:
        """The largest x shown in a column of the drawing; columns outside count as the nearest."""
        inside = min(max(column - self.left, 0), self.width - 1)
        return self.x.value(min(1.0, (2 * inside + 1.45) / (2 * self.width - 1)))

    def row_of(self, y: float) -> int | None:
        """The row of the drawing that shows `y`; None if off the scale."""
        if math.isnan(y) or (self.y.log and y <= 0.0):
            return None
        dot = math.floor((1.0 - self.y.fraction(y)) * (4 * self.height - 1) + 0.5)
        return self.top + (dot >> 2) if 0 <= dot < 4 * self.height else None

    def y_at(self, row: int) -> float:
        """The value in the middle of a row of the drawing; rows outside count as the nearest."""
        inside = min(max(row - self.top, 0), self.height - 1)
        return self.y.value(min(1.0, max(0.0, 1.0 - (4 * inside + 1.5) / (4 * self.height - 1))))


class Drawing(msgspec.Struct, frozen=True):
    """A drawn plot: `rows` of runs (text, ink). `frame` is None where there is nothing to point at.

    `layers`: what `draw` may use again, by line and whether smoothed; of no meaning to others.
    """

    rows: tuple[Row, ...]
    frame: Frame | None
    readout: Readout | None
    title: str
    layers: Mapping[tuple[int, bool], tuple[Points, Layer]]


class _Stroke(msgspec.Struct, frozen=True):
    """One curve as drawn: a line, raw or smoothed."""

    line: Line
    smoothed: bool
    points: Points
    weight: Weight


def draw(plot: Plot, width: int, height: int, previous: Drawing | None = None) -> Drawing:
    """Draw `plot` into `width` x `height` cells; `previous`: what is on screen now, if anything."""
    width, height = max(0, width), max(0, height)
    before = previous.frame if previous is not None and previous.title == plot.title else None
    titled, has_axis = height >= 5, height >= 4
    axes = _scale(plot, before)
    if axes is None:
        return _nothing(plot, width, height, titled)
    ticks = [
        (value, short(value)) for value in axes.y.ticks(max(2, (height - titled - has_axis) // 3))
    ]
    left = max(5, *(len(text) + 1 for _, text in ticks)) if ticks else 5
    right = _label_width(plot) if width >= _LABELLED_FROM else 0
    if not has_axis or width < left + 8:
        left = right = 0
    frame = Frame(
        left,
        int(titled),
        width - left - right,
        height - titled - (left > 0),
        axes.x,
        axes.y,
        axes.whole_x,
    )
    if frame.width < 1 or frame.height < 1:
        return Drawing(_blank(width, height), None, None, plot.title, {})
    layers = _layers(plot, frame, previous if frame == before else None)
    grid = _compose(plot, frame, layers)
    readout = read(plot, plot.cursor) if plot.cursor is not None else None
    if plot.cursor is not None:
        _cross_hair(grid, plot, frame, readout)
    rows = [_title(plot, axes.dropped, width, right)] if titled else []
    rows += _framed(grid, plot, frame, ticks, right, layers)
    return Drawing(
        tuple(rows),
        frame,
        readout,
        plot.title,
        {(stroke.line.key, stroke.smoothed): (stroke.points, one) for stroke, one in layers},
    )


def read(plot: Plot, x: float) -> Readout:
    """Every line at `x`, ranked by the goal."""
    readings: list[Reading] = []
    for line in plot.lines:
        at = bisect_right(line.xs, x) - 1
        if at < 0 or not math.isfinite(line.xs[at]):
            continue
        smoothed = _smoothed(line, plot.smooth)[1][at] if plot.smooth > 0.0 else None
        ended = at == len(line.xs) - 1
        readings.append(
            Reading(line.key, line.label, line.slot, line.xs[at], line.ys[at], smoothed, ended)
        )
    sign = 1.0 if plot.goal == "minimize" else -1.0
    readings.sort(key=lambda one: (math.isnan(one.y), 0.0 if math.isnan(one.y) else sign * one.y))
    return Readout(max((one.x for one in readings), default=x), tuple(readings))


def _scale(plot: Plot, before: Frame | None) -> Scale | None:
    asked = AxesAsked(
        plot.log_x,
        plot.log_y,
        plot.x_range,
        plot.y_range,
        before.whole_x if before is not None else None,
        before.y if before is not None and before.y.log == plot.log_y else None,
    )
    return scale([(line.xs, line.ys) for line in plot.lines], asked)


# -- lines -------------------------------------------------------------------------------------


def _smoothed(line: Line, weight: float) -> Points:
    """The debiased moving average; where points are closer than usual each counts for less."""
    weight = min(weight, 0.99)
    usual = (line.xs[-1] - line.xs[0]) / max(1, len(line.xs) - 1)
    total = share = 0.0
    before: float | None = None
    out: list[float] = []
    for x, y in zip(line.xs, line.ys, strict=False):
        if not math.isfinite(y):
            out.append(y)
            continue
        gap = (x - before) / usual if before is not None and usual > 0.0 else 1.0
        keep = weight ** min(gap, 1e6) if gap >= 0.0 else weight
        total = keep * total + (1.0 - keep) * y
        share = keep * share + (1.0 - keep)
        out.append(total / share if share > 0.0 else y)
        before = x
    return line.xs, out


def _strokes(plot: Plot) -> Iterable[_Stroke]:
    """Curves in the order they are drawn: what matters most comes last."""
    order = sorted(plot.lines, key=lambda line: (line.front, not line.dim))
    if plot.smooth > 0.0:
        for line in order:
            yield _Stroke(line, False, (line.xs, line.ys), "dim")
    for line in order:
        weight: Weight = "front" if line.front else "dim" if line.dim else "normal"
        if plot.smooth <= 0.0:
            yield _Stroke(line, False, (line.xs, line.ys), weight)
        elif line.xs:
            yield _Stroke(line, True, _smoothed(line, plot.smooth), weight)


def _layers(plot: Plot, frame: Frame, previous: Drawing | None) -> list[tuple[_Stroke, Layer]]:
    """Each curve drawn by itself; what is unchanged of it is taken from `previous`."""
    old = previous.layers if previous is not None else {}
    found: list[tuple[_Stroke, Layer]] = []
    place = frame.x, frame.y, frame.width, frame.height
    for stroke in _strokes(plot):
        kept = old.get((stroke.line.key, stroke.smoothed))
        if kept is not None and kept[0] == stroke.points:
            found.append((stroke, kept[1]))
            continue
        grown = longer(kept[1], kept[0], stroke.points, *place) if kept is not None else None
        found.append((stroke, grown or layer(stroke.points, *place)))
    return found


def _compose(plot: Plot, frame: Frame, layers: Sequence[tuple[_Stroke, Layer]]) -> Grid:
    grid = Grid(frame.width, frame.height)
    for stroke, one in layers:
        ink = line_ink(stroke.line.slot, stroke.weight)
        behind = plot.smooth > 0.0 and not stroke.smoothed
        mark = "." if behind else marker(stroke.line.slot, ascii=True)
        grid.add(one.dots, ink, stroke.weight, mark if plot.ascii else None)
    apart = not plot.colour and not plot.ascii and len(plot.lines) > 1
    above, below = ("^", "v") if plot.ascii else ("▲", "▼")
    for stroke, one in layers:
        if plot.smooth > 0.0 and not stroke.smoothed:
            continue
        slot, ink = stroke.line.slot, line_ink(stroke.line.slot, stroke.weight)
        mark = marker(slot, ascii=plot.ascii)
        if apart and not stroke.line.dim:
            for cell in _along(one, frame.width, slot):
                grid.put(cell, mark, ink)
        for column in one.above:
            grid.put(column, above, ink)
        for column in one.below:
            grid.put((frame.height - 1) * frame.width + column, below, ink)
        if one.end is not None:
            grid.put(one.end, mark, ink)
    for x, y in plot.kill_points:
        at_column, at_row = frame.column_of(x), frame.row_of(y)
        if at_column is not None and at_row is not None:
            grid.put_at(
                at_column - frame.left, at_row - frame.top, "X" if plot.ascii else "×", "kill"
            )
    return grid


def _along(one: Layer, width: int, slot: int) -> Iterable[int]:
    """Cells at fixed columns of the chart, other columns for each slot."""
    seen: set[int] = set()
    for cell in one.dots:
        column = cell % width
        if column % _MARK_EVERY == slot * 5 % _MARK_EVERY and column not in seen:
            seen.add(column)
            yield cell


def _cross_hair(grid: Grid, plot: Plot, frame: Frame, readout: Readout | None) -> None:
    column = frame.column_of(plot.cursor) if plot.cursor is not None else None
    if column is None or readout is None:
        return
    column -= frame.left
    grid.upright(column, "|" if plot.ascii else "┆", "cursor")
    dim = {line.key for line in plot.lines if line.dim}
    for one in reversed(readout.readings):
        row = frame.row_of(one.y if one.smoothed is None else one.smoothed)
        if row is not None and not one.ended and one.key not in dim:
            ink = line_ink(one.slot, "front")
            grid.put_at(column, row - frame.top, marker(one.slot, ascii=plot.ascii), ink)
    if not plot.corner:
        return
    lines: list[tuple[str, Ink]] = [(f"at {short(readout.x)}", "title")]
    most = min(_CORNER_MOST, frame.height - 1)
    for one in readout.readings[:most]:
        value = short(one.y) if one.smoothed is None else f"{short(one.smoothed)} ({short(one.y)})"
        ended = f" @{short(one.x)}" if one.x != readout.x else ""
        mark = marker(one.slot, ascii=plot.ascii)
        lines.append((f"{mark}{_tail(one.label)} {value}{ended}", line_ink(one.slot)))
    room = max(len(text) for text, _ in lines)
    if room + 1 > frame.width // 2:
        return  # it would hide the curve it is about
    start = frame.width - room if column < frame.width // 2 else 1
    for row, (text, ink) in enumerate(lines[: frame.height]):
        grid.text(start, row, text.ljust(room), ink)


# -- the frame around --------------------------------------------------------------------------


def _framed(
    grid: Grid,
    plot: Plot,
    frame: Frame,
    ticks: Sequence[tuple[float, str]],
    right: int,
    layers: Sequence[tuple[_Stroke, Layer]],
) -> list[Row]:
    if not frame.left:
        return grid.rows()
    side, tick_side = ("|", "+") if plot.ascii else ("│", "┤")
    gutter = [" " * (frame.left - 1) + side] * frame.height
    for value, text in ticks:
        row = frame.row_of(value)
        if row is not None:
            gutter[row - frame.top] = text.rjust(frame.left - 1) + tick_side
    labels = _labels(plot, frame, right, layers) if right else {}
    rows: list[Row] = []
    for row, (text, runs) in enumerate(zip(gutter, grid.rows(), strict=True)):
        label = labels.get(row, (" " * right, ""))
        rows.append(((text, "axis"), *runs, *((label,) if right else ())))
    return [*rows, _bottom(plot, frame, right)]


def _bottom(plot: Plot, frame: Frame, right: int) -> Row:
    """The x axis with its labels in the line itself: one row for both."""
    corner, dash = ("+", "-") if plot.ascii else ("└", "─")
    line = [dash] * frame.width
    free = 0
    for value in frame.x.ticks(max(2, frame.width // 9)):
        text = short(value)
        column = frame.column_of(value)
        if column is None:
            continue
        centre = column - frame.left - len(text) // 2
        start = min(max(0, centre), frame.width - len(text))
        if start < free:
            continue
        line[start : start + len(text)] = text
        free = start + len(text) + 2
    axis = " " * (frame.left - 1) + corner + "".join(line)
    if not right:
        return ((axis, "axis"),)
    return (axis, "axis"), (set_cell_size(f" {_tail(plot.x_label)}", right), "note")


def _label_width(plot: Plot) -> int:
    """Columns for the lines' labels with their markers, and the x axis' name below them."""
    widest = max((len(_tail(line.label)) for line in plot.lines), default=0)
    return max(widest, len(_tail(plot.x_label))) + 1 if widest else 0


def _labels(
    plot: Plot, frame: Frame, right: int, layers: Sequence[tuple[_Stroke, Layer]]
) -> dict[int, Run]:
    """Label by row of the plot: each at its line's last value, near it, or not at all."""
    rank = {line.key: place for place, line in enumerate(plot.lines)}
    ended = [
        (not stroke.line.front, stroke.line.dim, rank[stroke.line.key], one.end_row, stroke)
        for stroke, one in layers
        if one.end_row is not None and stroke.smoothed == (plot.smooth > 0.0)
    ]
    placed: dict[int, Run] = {}
    for _, _, _, wanted, stroke in sorted(ended, key=lambda entry: entry[:3]):
        line = stroke.line
        for nudge in _NUDGE:
            row = wanted + nudge
            if 0 <= row < frame.height and row not in placed:
                text = marker(line.slot, ascii=plot.ascii) + _tail(line.label)
                placed[row] = (set_cell_size(text, right), line_ink(line.slot, stroke.weight))
                break
    return placed


def _tail(label: str) -> str:
    """A label safe to show and short enough; its end tells trials apart."""
    safe = visible(label)
    if cell_len(safe) == len(safe) <= _LABEL_MOST:
        return safe
    one_column = "".join(char if cell_len(char) == 1 else "?" for char in safe)
    return one_column[-_LABEL_MOST:]


def _title(plot: Plot, dropped: int, width: int, right: int) -> Row:
    notes = [
        "log y" if plot.log_y else "",
        "log x" if plot.log_x else "",
        f"ema {plot.smooth:g}" if plot.smooth > 0.0 else "",
        "zoomed" if plot.x_range is not None else "",
        f"{dropped} not shown: <= 0" if dropped else "",
        "" if right else f"by {visible(plot.x_label)}",
    ]
    title = visible(plot.title)
    if cell_len(title) >= width:
        return ((set_cell_size(title, width), "title"),)
    rest = set_cell_size("  ".join(["", *filter(None, notes)]), width - cell_len(title))
    return ((title, "title"), (rest, "note")) if title else ((rest, "note"),)


def _nothing(plot: Plot, width: int, height: int, titled: bool) -> Drawing:
    points = sum(len(line.ys) for line in plot.lines)
    text = f"{points} points, none has a place here" if points else "no data yet"
    rows = list(_blank(width, height))
    if rows and width:
        rows[height // 2] = ((set_cell_size(text.center(width), width), "note"),)
        if titled:
            rows[0] = _title(plot, 0, width, 1)
    return Drawing(tuple(rows), None, None, plot.title, {})


def _blank(width: int, height: int) -> tuple[Row, ...]:
    return (((" " * width, ""),) if width else (),) * height
