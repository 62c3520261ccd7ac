"""From the points of one line to the braille dots of the cells it touches. Pure; no Textual.

A line runs from left to right, so each column of dots holds one upright stroke of it. Strokes are
found first, dots after: that is what makes fifty curves a matter of milliseconds.
"""

import math
from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from typing import TypeAlias

import msgspec

from tuiswp.tui.axis import LARGEST, Axis

Points: TypeAlias = tuple[Sequence[float], Sequence[float]]

_MANY = 3  # points a column of dots, above which only the extremes are drawn
_FAR = 1 << 20  # rows; what is further out is as good as there


class Layer(msgspec.Struct, frozen=True):
    """One line drawn by itself: the bits of each cell (row * width + column) it touches.

    `above`, `below`: the columns where the line leaves at the top, at the bottom. `end`: the cell
    of its last number, None if that is out of sight. `end_row`: the row of that number, cut to the
    chart, whether in sight or not. `top`, `bottom`: the stroke in each column of dots.
    """

    dots: dict[int, int]
    above: tuple[int, ...]
    below: tuple[int, ...]
    end: int | None
    end_row: int | None
    top: list[int]
    bottom: list[int]


def layer(points: Points, x: Axis, y: Axis, width: int, height: int) -> Layer:
    """Draw a line into `width` x `height` cells; `xs` ascending, NaN in `ys` is a gap.

    What has no place on a logarithmic axis is a gap as well; infinities leave at the edge.
    """
    columns, rows = 2 * width, 4 * height
    xs, ys = _in_sight(points, x)
    top, bottom = [rows] * columns, [-1] * columns  # of the stroke in each column of dots
    last: tuple[int, int] | None = None
    for part_x, part_y in _parts(xs, ys, y.log):
        if last is not None and part_x[0] > x.value(1.0):
            break
        places, values = _by_column(part_x, part_y, x, columns)
        last = _strokes(places, _rows(values, y, rows), top, bottom, columns - 1)
    return _cells(top, bottom, width, height, last)


def longer(
    old: Layer, before: Points, points: Points, x: Axis, y: Axis, width: int, height: int
) -> Layer | None:
    """The layer of `points` if they are those `old` was drawn of and some more; else None.

    Only what is new is drawn; width, height and axes must be those of `old`.
    """
    xs, ys = points
    count = len(before[0])
    if not 0 < count < len(xs) or xs[:count] != before[0] or ys[:count] != before[1]:
        return None
    if xs[count - 1] > x.value(1.0):
        return old  # it had left the chart already
    new_x, new_y = xs[count - 1 :], ys[count - 1 :]  # from where the line stood
    if not (math.isfinite(sum(new_x)) and math.isfinite(sum(new_y))):
        return None
    if (x.log and new_x[0] <= 0.0) or (y.log and min(new_y) <= 0.0):
        return None
    top, bottom = old.top.copy(), old.bottom.copy()
    places, values = _by_column(new_x, new_y, x, 2 * width)
    last = _strokes(places, _rows(values, y, 4 * height), top, bottom, 2 * width - 1)
    return _cells(top, bottom, width, height, last)


def _in_sight(points: Points, x: Axis) -> Points:
    """The points whose x has a place on the axis and is a number."""
    xs, ys = points
    if math.isfinite(sum(xs)) and (not x.log or not xs or xs[0] > 0.0):
        return points
    kept = [
        (at, value)
        for at, value in zip(xs, ys, strict=False)
        if math.isfinite(at) and (at > 0.0 or not x.log)
    ]
    return [at for at, _ in kept], [value for _, value in kept]


def _parts(xs: Sequence[float], ys: Sequence[float], log: bool) -> list[Points]:
    """Cut a line at its gaps."""
    if not ys:
        return []
    total = sum(ys)
    if math.isfinite(total) and (not log or min(ys) > 0.0):
        return [(xs, ys)]
    parts: list[tuple[list[float], list[float]]] = [([], [])]
    for at, value in zip(xs, ys, strict=True):
        if math.isnan(value) or (log and value <= 0.0):
            if parts[-1][0]:
                parts.append(([], []))
            continue
        parts[-1][0].append(at)
        parts[-1][1].append(value)
    return [(part_x, part_y) for part_x, part_y in parts if part_x]


def _by_column(
    xs: Sequence[float], ys: Sequence[float], axis: Axis, columns: int
) -> tuple[list[int], Sequence[float]]:
    """The column of dots and the value of each point, or of the few that show in each column.

    By column and not by count: a new point changes no column but its own.
    """
    start = max(0, bisect_left(xs, axis.value(0.0)) - 1)  # one beyond each edge: lines run off it
    stop = min(len(xs), bisect_right(xs, axis.value(1.0)) + 1)
    if stop - start <= _MANY * columns:
        return _places(xs[start:stop], axis, columns), ys[start:stop]
    places, values = _places(xs[start : start + 1], axis, columns), [ys[start]]
    edges = [axis.value((column + 0.5) / (columns - 1)) for column in range(columns)]
    low = start + 1
    for column, edge in enumerate(edges):
        high = bisect_left(xs, edge, low, stop)
        if high > low:
            part = ys[low:high]
            places += (column,) * 4
            values += (part[0], min(part), max(part), part[-1])
            low = high
    return places + _places(xs[low:stop], axis, columns), [*values, *ys[low:stop]]


def _places(xs: Sequence[float], axis: Axis, columns: int) -> list[int]:
    """The column of dots of each x; those out of sight on their side."""
    if not xs:
        return []
    scale = (columns - 1) / (axis.high - axis.low)
    offset = 0.5 - axis.low * scale
    if axis.log:
        log10 = math.log10
        return [math.floor(log10(value) * scale + offset) for value in xs]
    if abs(offset) < _FAR and xs[0] * scale > -_FAR and xs[-1] * scale < _FAR:
        offset += _FAR  # int() cuts towards zero; what is left of the axis must stay left
        return [int(value * scale + offset) - _FAR for value in xs]
    low = axis.low
    return [int(min(max((value - low) * scale + 0.5, -_FAR), _FAR)) for value in xs]


def _rows(ys: Sequence[float], axis: Axis, rows: int) -> list[int]:
    """The row of dots of each y, 0 at the top; far outside is cut to `_FAR`."""
    scale = (rows - 1) / (axis.high - axis.low)
    offset = axis.high * scale + 0.5
    least, most = min(ys), max(ys)
    if axis.log:
        log10 = math.log10
        if math.isfinite(most):
            floor = math.floor
            return [floor(offset - log10(value) * scale) for value in ys]
        return [
            math.floor(offset - log10(value) * scale) if value < math.inf else -_FAR for value in ys
        ]
    if abs(offset) < _FAR and least * scale > -_FAR and most * scale < _FAR:
        offset += _FAR
        return [int(offset - value * scale) - _FAR for value in ys]
    high = axis.high
    found: list[int] = []
    for value in ys:
        place = (high - min(max(value, -LARGEST), LARGEST)) * scale + 0.5
        found.append(math.floor(min(max(place, -_FAR), _FAR)))
    return found


def _strokes(
    places: list[int], rows: list[int], top: list[int], bottom: list[int], right: int
) -> tuple[int, int]:
    """Widen each column's stroke by the line through these dots; return the last dot."""
    before, row_before = places[0], rows[0]
    if 0 <= before <= right:
        top[before] = min(top[before], row_before)
        bottom[before] = max(bottom[before], row_before)
    inside = before >= 0 and max(places) <= right
    for column, row in zip(places, rows, strict=True):
        if not inside or not 0 <= column - before <= 1:
            _slope(before, row_before, column, row, top, bottom, right)
        elif row > row_before:  # down: the left column takes the upper half of the piece
            if column != before:
                middle = (row_before + row) >> 1
                if middle > bottom[before]:
                    bottom[before] = middle
                if middle < top[column]:
                    top[column] = middle + 1
            if row > bottom[column]:
                bottom[column] = row
        else:
            if column != before:
                middle = (row_before + row) >> 1
                if middle < top[before]:
                    top[before] = middle
                if middle > bottom[column]:
                    bottom[column] = max(middle - 1, row)
            if row < top[column]:
                top[column] = row
        before, row_before = column, row
    return before, row_before


def _slope(
    x0: int, y0: int, x1: int, y1: int, top: list[int], bottom: list[int], right: int
) -> None:
    """The strokes of one slanted piece: each column's part, without a break between columns."""
    rise, run = y1 - y0, x1 - x0
    if run <= 0:  # upright; or not ascending, which only its end is drawn of
        if 0 <= x1 <= right:
            top[x1] = min(top[x1], y1 if run else min(y0, y1))
            bottom[x1] = max(bottom[x1], y1 if run else max(y0, y1))
        return
    step = 1 if rise > 0 else -1
    first = max(0, x0)
    # The row at which the piece crosses from one column of dots to the next.
    crossing = y0 + rise * (2 * (first - x0) - 1) // (2 * run) if first > x0 else None
    for column in range(first, min(x1, right) + 1):
        leave = y0 + rise * (2 * (column - x0) + 1) // (2 * run) if column < x1 else y1
        enter = y0 if crossing is None else crossing if crossing == leave else crossing + step
        least, most = (enter, leave) if step > 0 else (leave, enter)
        if least < top[column]:
            top[column] = least
        if most > bottom[column]:
            bottom[column] = most
        crossing = leave


def _stroke_bits() -> tuple[tuple[tuple[int, ...], ...], ...]:
    """Braille bits by [column in cell][first row in cell][last row in cell]."""
    dots = ((0x01, 0x02, 0x04, 0x40), (0x08, 0x10, 0x20, 0x80))
    return tuple(
        tuple(tuple(sum(column[first : last + 1]) for last in range(4)) for first in range(4))
        for column in dots
    )


_BITS = _stroke_bits()


def _cells(
    top: list[int], bottom: list[int], width: int, height: int, last: tuple[int, int] | None
) -> Layer:
    rows = 4 * height
    dots: dict[int, int] = {}
    get = dots.get
    above: list[int] = []
    below: list[int] = []
    for column, (first, final) in enumerate(zip(top, bottom, strict=True)):
        if final < first:
            continue
        place = column >> 1
        if first < 0:
            above.append(place)
            if final < 0:
                continue
            first = 0
        if final >= rows:
            below.append(place)
            if first >= rows:
                continue
            final = rows - 1
        bits = _BITS[column & 1]
        upper, lower = first >> 2, final >> 2
        cell = upper * width + place
        if upper == lower:
            dots[cell] = get(cell, 0) | bits[first & 3][final & 3]
            continue
        dots[cell] = get(cell, 0) | bits[first & 3][3]
        end_cell = lower * width + place
        for between in range(cell + width, end_cell, width):
            dots[between] = get(between, 0) | bits[0][3]
        dots[end_cell] = get(end_cell, 0) | bits[0][final & 3]
    end = end_row = None
    if last is not None:
        column, row = last
        end_row = min(max(row, 0), rows - 1) >> 2
        if 0 <= column < 2 * width and 0 <= row < rows:
            end = (row >> 2) * width + (column >> 1)
    leaving = tuple(dict.fromkeys(above)), tuple(dict.fromkeys(below))
    return Layer(dots, *leaving, end, end_row, top, bottom)
