"""What stands around the curves of a chart: title, axes, labels at the right ends. Pure."""

from collections.abc import Mapping, Sequence

from rich.cells import set_cell_size

from tuiswp.tui.grid import Grid, Row, Run
from tuiswp.tui.palette import line_ink, marker
from tuiswp.tui.plot import Frame, Plot, Stroke, plain, tail
from tuiswp.tui.raster import Layer
from tuiswp.tui.units import Unit

_NUDGE = (0, 1, -1, 2, -2)


def framed(
    grid: Grid,
    plot: Plot,
    frame: Frame,
    unit: Unit,
    ticks: Sequence[tuple[float, str]],
    labels: Mapping[int, Run],
    right: int,
) -> list[Row]:
    """The rows of the curves between the y axis and `labels`, and the x axis below them."""
    if not frame.left:
        return grid.rows()
    side, tick_side = ("|", "+") if plot.ascii else ("│", "┤")
    gutter = [" " * (frame.left - 1) + side] * frame.height
    for value, text in ticks:
        row = frame.row_of(value)
        if row is not None:
            gutter[row - frame.top] = text.rjust(frame.left - 1) + tick_side
    rows: list[Row] = []
    for row, (text, runs) in enumerate(zip(gutter, grid.rows(), strict=True)):
        label = labels.get(row, (" " * right, ""))
        rows.append(((text, "axis"), *runs, *((label,) if right else ())))
    return [*rows, _bottom(plot, frame, unit, right)]


def _bottom(plot: Plot, frame: Frame, unit: Unit, right: int) -> Row:
    """The x axis with its labels in the line itself: one row for both."""
    corner, dash = ("+", "-") if plot.ascii else ("└", "─")
    line = [dash] * frame.width
    free = 0
    for value in unit.ticks(frame.x, max(2, frame.width // 9)):
        text = unit.label(value)
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
    return (axis, "axis"), (set_cell_size(f" {unit.name}", right), "note")


def label_width(plot: Plot, unit: Unit) -> int:
    """Columns for the lines' labels with their markers, and the x axis' name below them."""
    widest = max((len(tail(line.label, ascii=plot.ascii)) for line in plot.lines), default=0)
    return max(widest, len(unit.name)) + 1 if widest else 0


def labels(
    plot: Plot, frame: Frame, right: int, layers: Sequence[tuple[Stroke, Layer]]
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
                text = marker(line.slot, ascii=plot.ascii) + tail(line.label, ascii=plot.ascii)
                placed[row] = (set_cell_size(text, right), line_ink(line.slot, stroke.weight))
                break
    return placed


def title(plot: Plot, unit: Unit, dropped: int, width: int, *, named: bool, said: str = "") -> Row:
    """The first row: whose curves, how they are drawn, `said`. `named`: the x axis has its name."""
    notes = [
        "log y" if plot.log_y else "",
        "log x" if plot.log_x else "",
        f"ema {plot.smooth:g}" if plot.smooth > 0.0 else "",
        "zoomed" if plot.x_range is not None else "",
        f"{dropped} not shown: <= 0" if dropped else "",
        "" if named else f"by {unit.name}",
        said or plain(plot.note, ascii=plot.ascii),
    ]
    name = plain(plot.title, ascii=plot.ascii)
    if len(name) >= width:
        return ((name[:width], "title"),)
    rest = set_cell_size("  ".join(["", *filter(None, notes)]), width - len(name))
    return ((name, "title"), (rest, "note")) if name else ((rest, "note"),)
