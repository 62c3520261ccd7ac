"""From curves to rows of styled cells: a chart of many trials. Pure; no Textual, no clock, no I/O.

Whatever the numbers are, a drawing has exactly the rows and columns asked for. Given the drawing
before it, axes stay where they were and only lines that changed are drawn again.
"""

from collections.abc import Iterable, Sequence

from rich.cells import set_cell_size

from tuiswp.tui import surround
from tuiswp.tui.axis import short
from tuiswp.tui.grid import Grid, Row
from tuiswp.tui.palette import Weight, line_ink, marker
from tuiswp.tui.plot import Drawing, Frame, Plot, Readout, Stroke, plain
from tuiswp.tui.raster import Layer, layer, longer
from tuiswp.tui.readout import corner, in_a_line, read, smoothed
from tuiswp.tui.scale import AxesAsked, Scale, scale
from tuiswp.tui.units import Unit, unit

_MARK_EVERY = 12  # columns between markers along a line without colour
_LABELLED_FROM = 34  # columns
_KILL_LABEL_MOST = 16
_CORNER_MOST = 8  # lines of the read-out inside the chart


def draw(plot: Plot, width: int, height: int, previous: Drawing | None = None) -> Drawing:
    """Draw `plot` into `width` x `height` cells; `previous`: what is on screen now, if anything."""
    width, height = max(0, width), max(0, height)
    alike = previous is not None and (previous.title, previous.x) == (plot.title, plot.x)
    before = previous.frame if previous is not None and alike else None
    titled, has_axis = height >= 5, height >= 4
    axes = _scale(plot, before)
    if axes is None:
        return _nothing(plot, width, height, titled)
    counted = unit(plot.x, axes.x.ends()[1])
    ticks = [
        (value, short(value)) for value in axes.y.ticks(max(2, (height - titled - has_axis) // 3))
    ]
    left = max(5, *(len(text) + 1 for _, text in ticks)) if ticks else 5
    right = surround.label_width(plot, counted) if width >= _LABELLED_FROM else 0
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
        return Drawing(_blank(width, height), None, None, plot.title, plot.x, {})
    layers = _layers(plot, frame, previous if frame == before else None)
    grid = _compose(plot, frame, layers)
    readout = read(plot, plot.cursor) if plot.cursor is not None else None
    fits = readout is None or _cross_hair(grid, plot, frame, counted, readout)
    said = in_a_line(readout, plot, counted) if readout is not None and not fits else ""
    rows = (
        [surround.title(plot, counted, axes.dropped, width, named=right > 0, said=said)]
        if titled
        else []
    )
    labels = surround.labels(plot, frame, right, layers) if right else {}
    rows += surround.framed(grid, plot, frame, counted, ticks, labels, right)
    return Drawing(
        tuple(rows),
        frame,
        readout,
        plot.title,
        plot.x,
        {(stroke.line.key, stroke.smoothed): (stroke.points, one) for stroke, one in layers},
    )


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


def _strokes(plot: Plot) -> Iterable[Stroke]:
    """Curves in the order they are drawn: what matters most comes last."""
    order = sorted(plot.lines, key=lambda line: (line.front, not line.dim))
    if plot.smooth > 0.0:
        for line in order:
            yield Stroke(line, False, (line.xs, line.ys), "dim")
    for line in order:
        weight: Weight = "front" if line.front else "dim" if line.dim else "normal"
        if plot.smooth <= 0.0:
            yield Stroke(line, False, (line.xs, line.ys), weight)
        elif line.xs:
            yield Stroke(line, True, smoothed(line, plot.smooth), weight)


def _layers(plot: Plot, frame: Frame, previous: Drawing | None) -> list[tuple[Stroke, Layer]]:
    """Each curve drawn by itself; what is unchanged of it is taken from `previous`."""
    old = previous.layers if previous is not None else {}
    found: list[tuple[Stroke, Layer]] = []
    place = frame.x, frame.y, frame.width, frame.height
    for stroke in _strokes(plot):
        kept = old.get((stroke.line.key, stroke.smoothed))
        if kept is not None and kept[0] == stroke.points:
            found.append((stroke, kept[1]))
            continue
        grown = longer(kept[1], kept[0], stroke.points, *place) if kept is not None else None
        found.append((stroke, grown or layer(stroke.points, *place)))
    return found


def _compose(plot: Plot, frame: Frame, layers: Sequence[tuple[Stroke, Layer]]) -> Grid:
    grid = Grid(frame.width, frame.height)
    for stroke, one in layers:
        ink = line_ink(stroke.line.slot, stroke.weight)
        behind = plot.smooth > 0.0 and not stroke.smoothed
        mark = "." if behind else marker(stroke.line.slot, ascii=True)
        grid.add(one.dots, ink, stroke.weight, mark if plot.ascii else None)
    _kill_points(grid, plot, frame)
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
            cross = "X" if plot.ascii else "×"
            grid.put(one.end, cross if stroke.line.pruned else mark, ink)
    return grid


def _kill_points(grid: Grid, plot: Plot, frame: Frame) -> None:
    """Where trials are judged early: an upright through what is empty, named at the top."""
    upright, tick = (":", "|") if plot.ascii else ("┊", "⊣")
    free = [0] * frame.height
    for point in sorted(plot.kill_points, key=lambda one: one.at):
        column = frame.column_of(point.at) if point.x == plot.x else None
        if column is None:
            continue
        column -= frame.left
        grid.upright(column, upright, "kill")
        text = tick + plain(point.label, ascii=plot.ascii)[:_KILL_LABEL_MOST]
        for row in range(min(3, frame.height)):
            start = min(column, frame.width - len(text))
            if start >= free[row]:
                grid.text(start, row, text, "kill")
                free[row] = start + len(text) + 1
                break


def _along(one: Layer, width: int, slot: int) -> Iterable[int]:
    """Cells at fixed columns of the chart, other columns for each slot."""
    seen: set[int] = set()
    for cell in one.dots:
        column = cell % width
        if column % _MARK_EVERY == slot * 5 % _MARK_EVERY and column not in seen:
            seen.add(column)
            yield cell


def _cross_hair(grid: Grid, plot: Plot, frame: Frame, unit: Unit, readout: Readout) -> bool:
    """Draw it; False if its read-out found no room inside the chart."""
    column = frame.column_of(plot.cursor) if plot.cursor is not None else None
    if column is None:
        return True
    column -= frame.left
    grid.upright(column, "|" if plot.ascii else "┆", "cursor")
    dim = {line.key for line in plot.lines if line.dim}
    for one in reversed(readout.readings):
        row = frame.row_of(one.y if one.smoothed is None else one.smoothed)
        if row is not None and not one.ended and one.key not in dim:
            ink = line_ink(one.slot, "front")
            grid.put_at(column, row - frame.top, marker(one.slot, ascii=plot.ascii), ink)
    if not plot.corner:
        return True
    # More than half of the chart would hide the curve it is about.
    most = min(_CORNER_MOST, frame.height - 1)
    lines = corner(readout, plot, unit, most, frame.width // 2 - 1)
    room = max((len(text) for text, _ in lines), default=0)
    start = frame.width - room if column < frame.width // 2 else 1
    for row, (text, ink) in enumerate(lines[: frame.height]):
        grid.text(start, row, text.ljust(room), ink)
    return bool(lines)


def _nothing(plot: Plot, width: int, height: int, titled: bool) -> Drawing:
    points = sum(len(line.ys) for line in plot.lines)
    why = f"{points} points, none has a place here" if points else plot.empty
    text = plain(why, ascii=plot.ascii)
    rows = list(_blank(width, height))
    if rows and width:
        rows[height // 2] = ((set_cell_size(text.center(width), width), "note"),)
        if titled:
            rows[0] = surround.title(plot, unit(plot.x, 0.0), 0, width, named=True)
    return Drawing(tuple(rows), None, None, plot.title, plot.x, {})


def _blank(width: int, height: int) -> tuple[Row, ...]:
    return (((" " * width, ""),) if width else (),) * height
