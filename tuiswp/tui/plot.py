"""A chart as data: the plot to be drawn, and what was drawn and where. Pure; no Textual."""

import math
from collections.abc import Mapping, Sequence
from typing import Literal, TypeAlias

import msgspec
from rich.cells import cell_len

from tuiswp.model.sweep import Goal
from tuiswp.text import visible
from tuiswp.tui.along import XKind
from tuiswp.tui.axis import Axis
from tuiswp.tui.grid import Row
from tuiswp.tui.palette import Weight
from tuiswp.tui.raster import Layer, Points
from tuiswp.tui.snapshot import KillPoint

Edge: TypeAlias = Literal["start", "end"]
Span: TypeAlias = tuple[float, float]

_LABEL_MOST = 12  # columns


class Line(msgspec.Struct, frozen=True):
    """One curve: `xs` ascending numbers, NaN in `ys` is a gap.

    `key`: trial number. `slot`: which colour and marker. `dim` lines are drawn first, `front` last
    and thicker in ink. Lines given earlier keep their label when there is no room for all.
    `smoothed`: its moving average at each point, with the weight `smooth`. `count`: how many points
    it stands for, 0 if just these. `pruned`: it was ended early.
    """

    key: int
    label: str
    xs: Sequence[float]
    ys: Sequence[float]
    slot: int = 0
    dim: bool = False
    front: bool = False
    smoothed: Sequence[float] | None = None
    smooth: float = 0.0
    count: int = 0
    pruned: bool = False


class Plot(msgspec.Struct, frozen=True):
    """A chart to be drawn. Ranges are None for all there is; `cursor` is an x.

    `smooth`: weight of an exponential moving average, 0 to 0.99; the raw curve stays dim behind.
    `kill_points` of another x axis than `x` are not drawn. `reference`: the key of the line the
    read-out compares with. `corner`: show the read-out inside the chart. `note`: for the title
    row. `empty`: what to say where there is nothing to draw.
    """

    title: str = ""
    lines: tuple[Line, ...] = ()
    x: XKind = "step"
    log_x: bool = False
    log_y: bool = False
    smooth: float = 0.0
    x_range: Span | None = None
    y_range: Span | None = None
    cursor: float | None = None
    kill_points: tuple[KillPoint, ...] = ()
    goal: Goal = "minimize"
    reference: int | None = None
    note: str = ""
    empty: str = "no data yet"
    corner: bool = True
    ascii: bool = False
    colour: bool = True


class Reading(msgspec.Struct, frozen=True):
    """What one line says at the cross-hair: its last point at or before it.

    `ended`: the line has no point further on. `smoothed` is None without smoothing. `better`: by
    which share of the reference's value there, negative if it is worse; None if not to be told.
    """

    key: int
    label: str
    slot: int
    x: float
    y: float
    smoothed: float | None
    ended: bool
    better: float | None = None


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
    x: XKind
    layers: Mapping[tuple[int, bool], tuple[Points, Layer]]


class Stroke(msgspec.Struct, frozen=True):
    """One curve as drawn: a line, raw or smoothed."""

    line: Line
    smoothed: bool
    points: Points
    weight: Weight


def plain(text: str, *, ascii: bool) -> str:
    """A text safe to show, each character one column wide."""
    safe = visible(text)
    if ascii:
        return safe.encode("ascii", "replace").decode()
    if cell_len(safe) == len(safe):
        return safe
    return "".join(char if cell_len(char) == 1 else "?" for char in safe)


def tail(label: str, *, ascii: bool) -> str:
    """A label short enough for its place; its end tells trials apart."""
    return plain(label, ascii=ascii)[-_LABEL_MOST:]
