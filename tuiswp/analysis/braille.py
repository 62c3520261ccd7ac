"""Charts as plain lines of text in braille dots: a curve, a sparkline. No colour, no terminal.

Every function returns exactly the rows and columns it was asked for, whatever the numbers are.
`ascii=True` draws with `* o # ^ v x | + -` for terminals and files without Unicode.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise
from typing import Literal, NamedTuple, TypeAlias

Mark: TypeAlias = Literal["best", "baseline"]
_Dot: TypeAlias = tuple[float, float]

_DOTS = ((0x01, 0x08), (0x02, 0x10), (0x04, 0x20), (0x40, 0x80))  # [y % 4][x % 2]
_UPPER, _LOWER = 0x01 | 0x08 | 0x02 | 0x10, 0x04 | 0x20 | 0x40 | 0x80
_BARS, _ASCII_BARS = "▁▂▃▄▅▆▇█", "_.-=#"
_LARGEST = 1e300  # what is beyond is drawn there: differences must stay finite
_OFF_SCALE = 4.0
# Mantissas in every how many decades, from close to wide.
_LOG_TICKS = (((1, 2, 5), 1), ((1, 3), 1), *(((1,), n) for n in (1, 2, 3, 5, 10, 25, 100)))
_AXIS_ROWS = 2
_PLOT_MIN = 8  # columns; narrower charts have no labels


class _Glyphs(NamedTuple):
    point: str
    baseline: str
    best: str
    above: str
    below: str
    none: str
    dash: str
    sparse: str
    left: str
    tick_left: str
    corner: str
    bottom: str
    tick_bottom: str


_UNICODE = _Glyphs("●", "○", "★", "▲", "▼", "×", "┄", "·", "│", "┤", "└", "─", "┬")
_ASCII = _Glyphs("*", "o", "#", "^", "v", "x", "-", ".", "|", "+", "+", "-", "+")


class Canvas:
    """A grid of `width` x `height` cells, each 2 x 4 dots; dot (0, 0) is at the top left.

    A character put into a cell hides its dots. What lies outside is not drawn.
    """

    def __init__(self, width: int, height: int, *, ascii: bool = False) -> None:
        self.width, self.height = max(0, width), max(0, height)
        self._ascii = ascii
        self._dots = [[0] * self.width for _ in range(self.height)]
        self._chars: dict[tuple[int, int], str] = {}

    def set(self, x: int, y: int) -> None:
        """Set one dot."""
        if 0 <= x < 2 * self.width and 0 <= y < 4 * self.height:
            self._dots[y // 4][x // 2] |= _DOTS[y % 4][x % 2]

    def line(self, x0: float, y0: float, x1: float, y1: float) -> None:
        """Set the dots of a straight line, cut at the edges."""
        ends = _clip(x0, y0, x1, y1, 2.0 * self.width - 1.0, 4.0 * self.height - 1.0)
        if ends is None:
            return
        x0, y0, x1, y1 = ends
        steps = max(1, math.ceil(max(abs(x1 - x0), abs(y1 - y0))))
        for i in range(steps + 1):
            part = i / steps
            self.set(round(x0 + (x1 - x0) * part), round(y0 + (y1 - y0) * part))

    def put(self, column: int, row: int, char: str) -> None:
        """Put a character of one column into a cell."""
        if 0 <= column < self.width and 0 <= row < self.height:
            self._chars[column, row] = char

    def is_blank(self, column: int, row: int) -> bool:
        """True for a cell inside that shows nothing yet."""
        inside = 0 <= column < self.width and 0 <= row < self.height
        return inside and not self._dots[row][column] and (column, row) not in self._chars

    def rows(self) -> list[str]:
        """The picture: `height` strings of `width` characters."""
        return [
            "".join(
                self._chars.get((column, row)) or self._cell(bits)
                for column, bits in enumerate(line)
            )
            for row, line in enumerate(self._dots)
        ]

    def _cell(self, bits: int) -> str:
        if not bits:
            return " "
        if not self._ascii:
            return chr(0x2800 + bits)
        return ":" if bits & _UPPER and bits & _LOWER else "'" if bits & _UPPER else "."


def curve(
    points: Sequence[tuple[float, float]],
    *,
    width: int,
    height: int,
    log_x: bool = False,
    log_y: bool = False,
    marks: Mapping[int, Mark] | None = None,
    ascii: bool = False,
) -> list[str]:
    """A chart of `points` (x, y) with both axes: `height` strings of `width` characters.

    `marks` names points by index: the best is ★ with a dashed line and a label at its value, the
    baseline ○ on a sparser one, others ● (left out when there are more points than half the
    columns). A y that is not finite breaks the line and is shown as × at the top edge; a point that
    has no place on a logarithmic axis is left out likewise.

    The y axis is made for the points that matter, so that one diverged trial does not flatten the
    U: a point more than four times as far from the best (the smallest, if none is marked) as the
    median point is off the scale. It is ▲ at the top edge (▼ at the bottom), and the line leaves
    towards it. On a logarithmic axis these are distances of logarithms. With fewer than four
    points, or too many for markers, nothing is off the scale.
    """
    width, height, marks = max(0, width), max(0, height), marks or {}
    glyphs = _ASCII if ascii else _UNICODE
    shown = sorted(
        (x, y, i) for i, (x, y) in enumerate(points) if math.isfinite(x) and (x > 0 or not log_x)
    )
    placed = [(x, y, i) for x, y, i in shown if math.isfinite(y) and (y > 0 or not log_y)]
    if not placed:
        return _notice("no values to draw", width, height)
    best = next((y for _, y, i in placed if marks.get(i) == "best"), None)
    x_axis = _Axis.around([x for x, _, _ in shown], log=log_x)
    ys = [y for _, y, _ in placed]
    few = 4 <= len(shown) <= width // 2
    y_axis = _Axis.around(_on_scale(ys, best, log=log_y) if few else ys, log=log_y)

    y_values = [*y_axis.ticks(max(2, height // 3)), *([] if best is None else [best])]
    y_ticks = [(value, f"{value:.4g}") for value in y_values]
    gutter = max((len(text) for _, text in y_ticks), default=0) + 1
    framed = height >= _AXIS_ROWS + 2 and width >= gutter + _PLOT_MIN
    canvas = Canvas(
        width - gutter if framed else width, height - _AXIS_ROWS if framed else height, ascii=ascii
    )
    _draw(canvas, shown, x_axis, y_axis, marks, glyphs, every=len(shown) <= width // 2)
    for y in (y for _, y, i in placed if marks.get(i) == "baseline" and y != best):
        _dash(canvas, y_axis, y, glyphs.sparse, every=4)
    if best is not None:
        _dash(canvas, y_axis, best, glyphs.dash, every=2)
    if not framed:
        return canvas.rows()
    left = _left_axis(y_ticks, y_axis, gutter, canvas.height, glyphs)
    return [
        *(label + row for label, row in zip(left, canvas.rows(), strict=True)),
        *_bottom_axis(x_axis, gutter, canvas.width, glyphs),
    ]


def sparkline(values: Sequence[float], width: int, *, ascii: bool = False) -> str:
    """A row of bars, `width` characters: one a value, or one for the mean of neighbours.

    Fewer values than columns leave the rest blank, so does a value that is not finite.
    """
    bars = _ASCII_BARS if ascii else _BARS
    width = max(0, width)
    groups = (
        [[value] for value in values]
        if len(values) <= width
        else [
            values[i * len(values) // width : (i + 1) * len(values) // width] for i in range(width)
        ]
    )
    means = [_mean(group) for group in groups]
    finite = [mean for mean in means if mean is not None]
    if not finite:
        return " " * width
    axis = _Axis(min(finite), max(finite), log=False)
    chars = (
        " " if mean is None else bars[min(len(bars) - 1, int(axis.fraction(mean) * len(bars)))]
        for mean in means
    )
    return "".join(chars).ljust(width)


class _Axis(NamedTuple):
    """A range of values, `low` <= `high`; on a log axis both are logarithms to base 10.

    `only`: the one value there is.
    """

    low: float
    high: float
    log: bool
    only: float | None = None

    @classmethod
    def around(cls, values: Sequence[float], *, log: bool) -> "_Axis":
        """The axis on which all `values` have a place, with a little room at both ends."""
        scaled = [_scaled(value, log) for value in values]
        low, high = min(scaled), max(scaled)
        room = (high - low) * 0.05
        if high == low:
            room = 0.5 if log else abs(low) * 0.05 or 0.5
            return cls(low - room, high + room, log, values[0])
        return cls(low - room, high + room, log)

    def fraction(self, value: float) -> float:
        """Where `value` lies: 0 at the low end, 1 at the high end, beyond them outside."""
        span = self.high - self.low
        if span <= 0:
            return 0.5
        return (_scaled(value, self.log) - self.low) / span

    def ticks(self, wanted: int) -> list[float]:
        """About `wanted` round values inside the axis: decades on a log axis if it has two."""
        if self.only is not None:
            return [self.only]
        if not self.log:
            return _round_values(self.low, self.high, wanted)
        first, last = max(-300, math.floor(self.low)), min(300, math.ceil(self.high))
        for mantissas, every in _LOG_TICKS:
            found = [
                float(f"{mantissa}e{decade}")
                for decade in range(first - first % every, last + 1, every)
                for mantissa in mantissas
                if self.low <= decade + math.log10(mantissa) <= self.high
            ]
            if 2 <= len(found) <= max(2, wanted):
                return found
        return found or _round_values(10.0**self.low, 10.0 ** min(self.high, 300.0), wanted)


def _scaled(value: float, log: bool) -> float:
    value = min(max(value, -_LARGEST), _LARGEST)
    return math.log10(value) if log else value


def _on_scale(values: Sequence[float], best: float | None, *, log: bool) -> list[float]:
    """The values the y axis is made for; see `curve`."""
    scaled = sorted(_scaled(value, log) for value in values)
    end = scaled[0] if best is None else _scaled(best, log)
    reach = abs(scaled[len(scaled) // 2] - end) * _OFF_SCALE
    if reach == 0.0:
        return list(values)
    return [value for value in values if abs(_scaled(value, log) - end) <= reach]


def _draw(
    canvas: Canvas,
    shown: Sequence[tuple[float, float, int]],
    x_axis: _Axis,
    y_axis: _Axis,
    marks: Mapping[int, Mark],
    glyphs: _Glyphs,
    *,
    every: bool,
) -> None:
    """The line, then the markers, the best last; `every`: also those of ordinary points."""
    right, bottom = 2.0 * canvas.width - 1.0, 4.0 * canvas.height - 1.0
    stroke: list[_Dot] = []  # from a point of the column before through those of this one
    markers: list[tuple[int, int, int, str]] = []
    for x, y, i in shown:
        dot_x = x_axis.fraction(x) * right
        column = int(dot_x / 2)
        if not math.isfinite(y) or (y <= 0 and y_axis.log):
            _trace(canvas, stroke)
            stroke = []
            markers.append((0, column, 0, glyphs.none))
            continue
        dot_y = (1.0 - y_axis.fraction(y)) * bottom
        if not stroke and not every:
            canvas.set(round(dot_x), round(dot_y))
        if stroke and round(dot_x) != round(stroke[-1][0]):
            _trace(canvas, stroke)
            stroke = stroke[-1:]
        stroke.append((dot_x, dot_y))
        mark = marks.get(i)
        if dot_y < 0:
            markers.append((1, column, 0, glyphs.above))
        elif dot_y > bottom:
            markers.append((1, column, canvas.height - 1, glyphs.below))
        elif mark == "best":
            markers.append((4, column, int(dot_y / 4), glyphs.best))
        elif mark == "baseline":
            markers.append((3, column, int(dot_y / 4), glyphs.baseline))
        elif every:
            markers.append((2, column, int(dot_y / 4), glyphs.point))
    _trace(canvas, stroke)
    for _, column, row, glyph in sorted(markers):
        canvas.put(column, row, glyph)


def _trace(canvas: Canvas, stroke: Sequence[_Dot]) -> None:
    """A line through dots of which all but the first lie in one column.

    Where it turns between the highest and the lowest leaves no trace, so that ten thousand points
    take little longer than the columns they fall into.
    """
    inside = range(1, len(stroke))
    corners = {0, *inside[:1], *inside[-1:]}
    if inside:
        corners |= {
            min(inside, key=lambda i: stroke[i][1]),
            max(inside, key=lambda i: stroke[i][1]),
        }
    for before, after in pairwise(sorted(corners)):
        canvas.line(*stroke[before], *stroke[after])


def _dash(canvas: Canvas, axis: _Axis, value: float, glyph: str, *, every: int) -> None:
    row = _row_of(value, axis, canvas.height)
    for column in range(0, canvas.width, every):
        if canvas.is_blank(column, row):
            canvas.put(column, row, glyph)


def _row_of(value: float, axis: _Axis, height: int) -> int:
    return int((1.0 - axis.fraction(value)) * (4.0 * height - 1.0) / 4)


def _left_axis(
    ticks: Iterable[tuple[float, str]], axis: _Axis, gutter: int, height: int, glyphs: _Glyphs
) -> list[str]:
    rows = [" " * (gutter - 1) + glyphs.left] * height
    for value, text in ticks:
        rows[_row_of(value, axis, height)] = text.rjust(gutter - 1) + glyphs.tick_left
    return rows


def _bottom_axis(axis: _Axis, gutter: int, width: int, glyphs: _Glyphs) -> list[str]:
    """The x axis and its labels; a label that would touch its neighbour is left out, tick too."""
    line, labels = [glyphs.bottom] * width, [" "] * (gutter + width)
    free = 0
    ticks = axis.ticks(max(2, width // 10))
    powers = axis.log and not all(0.01 <= value < 1e5 for value in ticks)
    for value in ticks:
        column = int(axis.fraction(value) * (2.0 * width - 1.0) / 2)
        text = _power(value) if powers else f"{value:.4g}"
        start = min(max(0, gutter + column - len(text) // 2), gutter + width - len(text))
        if start < free:
            continue
        line[column] = glyphs.tick_bottom
        labels[start : start + len(text)] = text
        free = start + len(text) + 1
    return [" " * (gutter - 1) + glyphs.corner + "".join(line), "".join(labels)]


def _power(value: float) -> str:
    """`0.0003` → `3e-4`."""
    mantissa, exponent = f"{value:.3e}".split("e")
    return f"{float(mantissa):g}e{int(exponent)}"


def _round_values(low: float, high: float, wanted: int) -> list[float]:
    """Multiples of 1, 2 or 5 times a power of ten in [low, high], at most about `wanted`."""
    rough = (high - low) / max(1, wanted)
    if not rough > 1e-290:  # nothing, or too small to count in
        return [low]
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(
        factor * power for factor in (1.0, 2.0, 5.0, 10.0) if factor * power >= rough * 0.99
    )
    first = math.ceil(low / step)
    found = [(first + i) * step for i in range(math.floor(high / step) - first + 1)]
    if len(found) < 2 and wanted < 8:
        return _round_values(low, high, 2 * wanted)
    # Near the precision of a float the multiples no longer differ, or leave the axis.
    return [value for value in dict.fromkeys(found) if low <= value <= high] or [low]


def _mean(group: Sequence[float]) -> float | None:
    finite = [_scaled(value, False) for value in group if math.isfinite(value)]
    return sum(value / len(finite) for value in finite) if finite else None


def _notice(text: str, width: int, height: int) -> list[str]:
    rows = [" " * width] * height
    if height and width >= len(text):
        rows[height // 2] = text.center(width)
    return rows


def _clip(
    x0: float, y0: float, x1: float, y1: float, right: float, bottom: float
) -> tuple[float, float, float, float] | None:
    """The part of a line inside [0, right] x [0, bottom], by Liang and Barsky; None: no part."""
    if not all(map(math.isfinite, (x0, y0, x1, y1))) or right < 0 or bottom < 0:
        return None
    dx, dy = x1 - x0, y1 - y0
    enter, leave = 0.0, 1.0
    for change, room in ((-dx, x0), (dx, right - x0), (-dy, y0), (dy, bottom - y0)):
        if change == 0.0:
            if room < 0.0:
                return None
        elif change < 0.0:
            enter = max(enter, room / change)
        else:
            leave = min(leave, room / change)
    if enter > leave:
        return None
    return x0 + enter * dx, y0 + enter * dy, x0 + leave * dx, y0 + leave * dy
