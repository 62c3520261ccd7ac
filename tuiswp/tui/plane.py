"""The plane of two parameters with every trial in its place, or the curve over one. Pure.

Glyphs tell trials apart without colour: chosen, better and worse thirds, running, failed, waiting.
Where several share a cell the one that matters most is seen, and all can be reached.
"""

from collections.abc import Mapping, Sequence
from itertools import pairwise

import msgspec
from rich.cells import cell_len

from tuiswp.analysis.axes import is_logarithmic, number, shown_name, spell
from tuiswp.analysis.braille import Canvas
from tuiswp.analysis.optimum import Judgement
from tuiswp.analysis.space_checks import range_of
from tuiswp.model.space import Categorical, Parameter, Value
from tuiswp.model.sweep import Sweep
from tuiswp.model.trial import State, Trial
from tuiswp.spec.params import flatten, label, value_key
from tuiswp.tui.axis import Axis
from tuiswp.tui.pieces import Line, Piece, Tone, fitted

_MARGIN = 0.04  # of the axis at both ends, so that no trial lies on the frame
_GUTTER = 12
_TICK = 9  # columns a label of the x axis needs


class Kind(msgspec.Struct, frozen=True):
    """How a trial is drawn; `rank`: who is seen where several share a cell, the lowest first."""

    rank: int
    glyph: str
    ascii: str
    tone: Tone
    about: str


CHOSEN = Kind(0, "★", "*", "good", "chosen")
RUNNING = Kind(1, "▶", ">", "run", "running")
BEST = Kind(2, "●", "@", "good", "best third")
MIDDLE = Kind(3, "◐", "O", "warn", "middle")
WORST = Kind(4, "○", "o", "accent", "worst third")
FAILED = Kind(5, "×", "x", "bad", "failed")
PRUNED = Kind(6, "◌", "-", "dim", "stopped early")
WAITING = Kind(7, "·", ".", "dim", "waiting")
KINDS = (CHOSEN, RUNNING, BEST, MIDDLE, WORST, FAILED, PRUNED, WAITING)


class Scale(msgspec.Struct, frozen=True):
    """Where the values of a parameter lie; `names` of the places of one that is not numeric.

    `marks`: the values to name on the axis, if they are few; else round ones are.
    """

    axis: Axis
    names: Mapping[str, int] | None = None
    labels: tuple[str, ...] = ()
    marks: tuple[float, ...] = ()

    def fraction(self, value: Value) -> float | None:
        """0 at the low end, 1 at the high end; None where it has no place."""
        if self.names is not None:
            at = self.names.get(value_key(value))
            return None if at is None else self.axis.fraction(float(at))
        x = number(value)
        if x is None or x != x or (self.axis.log and x <= 0):
            return None
        return self.axis.fraction(x)

    def ticks(self, wanted: int) -> list[tuple[float, str]]:
        """(fraction, text), ascending."""
        if self.names is not None:
            return [(self.axis.fraction(float(at)), text) for at, text in enumerate(self.labels)]
        log = self.axis.log
        values = self.marks if 0 < len(self.marks) <= wanted else self.axis.ticks(wanted)
        return [(self.axis.fraction(x), spell(x, log=log)) for x in values if x > 0 or not log]


class Spot(msgspec.Struct, frozen=True):
    """A trial in its cell of the plane; row 0 is at the top."""

    number: int
    column: int
    row: int
    kind: Kind


class Plane(msgspec.Struct, frozen=True):
    """A drawn plane: lines of the whole size, and where each trial is (in cells of the lines)."""

    lines: tuple[Line, ...]
    spots: tuple[Spot, ...]
    out: tuple[int, ...] = ()  # trials that have no place here

    def at(self, column: int, row: int) -> Spot | None:
        """The trial nearest to a cell, if one is near."""
        near = [s for s in self.spots if abs(s.column - column) <= 1 and s.row == row]
        return min(near, key=lambda s: (abs(s.column - column), s.kind.rank), default=None)

    def beside(self, number: int | None, dx: int, dy: int) -> int | None:
        """The nearest trial in a direction; in the same cell the next one, so none is unreachable.

        A row counts as two columns: cells are twice as high as wide.
        """
        here = next((s for s in self.spots if s.number == number), None)
        if here is None:
            return self.spots[0].number if self.spots else None
        same = [s for s in self.spots if (s.column, s.row) == (here.column, here.row)]
        later = [s for s in same if s.number > here.number]
        if later and (dx > 0 or dy > 0):
            return min(later, key=lambda s: s.number).number
        best: tuple[float, int, int] | None = None
        for spot in self.spots:
            x, y = spot.column - here.column, 2 * (spot.row - here.row)
            ahead, aside = (x * dx, abs(y)) if dx else (y * dy, abs(x))
            if ahead > 0:
                far = (ahead + 2.0 * aside, spot.kind.rank, spot.number)
                best = far if best is None or far < best else best
        return number if best is None else best[2]


def kinds(judgement: Judgement, trials: Sequence[Trial]) -> dict[int, Kind]:
    """How each trial is drawn. Thirds are of the ranked trials."""
    found: dict[int, Kind] = {}
    ranked = [trial.number for trial in judgement.ranked]
    for place, one in enumerate(ranked):
        found[one] = (BEST, MIDDLE, WORST)[3 * place // len(ranked)]
    for trial in trials:
        if trial.number not in found:
            found[trial.number] = _by_state(trial.state)
    if judgement.optimum is not None:
        found[judgement.optimum.number] = CHOSEN
    return found


def _by_state(state: State) -> Kind:
    if state == "running":
        return RUNNING
    if state == "pruned":
        return PRUNED
    return WAITING if state in ("queued", "paused") else FAILED


def scale_of(parameter: Parameter, values: Sequence[Value]) -> Scale | None:
    """The axis of a parameter for these values and those it may take; None if there are none.

    What may still come has its place from the start, so that trials do not move when it does.
    """
    values = [*values, *_possible(parameter)]
    numbers = [x for value in values if (x := number(value)) is not None and x - x == 0.0]
    if len(numbers) < len(values):
        keys = {value_key(value): value for value in values}
        ordered = sorted(keys)
        labels = tuple(label(keys[key], 20) for key in ordered)
        axis = Axis(-0.5, len(ordered) - 0.5)
        return Scale(axis, {key: at for at, key in enumerate(ordered)}, labels) if ordered else None
    if not numbers:
        return None
    log = is_logarithmic(parameter) and min(numbers) > 0
    return Scale(_around(numbers, log=log), marks=tuple(sorted(set(numbers))))


def _possible(parameter: Parameter) -> Sequence[Value]:
    if isinstance(parameter.distribution, Categorical):
        return parameter.distribution.values
    return range_of(parameter) or ()


def _around(numbers: Sequence[float], *, log: bool) -> Axis:
    plain = Axis(0.0, 1.0, log)
    low, high = plain.scaled(min(numbers)), plain.scaled(max(numbers))
    room = (high - low) * _MARGIN if high > low else max(abs(low) * _MARGIN, 0.5)
    return Axis(low - room, high + room, log)


def draw(
    sweep: Sweep,
    judgement: Judgement,
    trials: Sequence[Trial],
    x: Parameter,
    y: Parameter | None,
    width: int,
    height: int,
    *,
    cursor: int | None = None,
    ascii: bool = False,
) -> Plane:
    """`y` None: the objective over `x`. Any size; too small a one has no axes."""
    xs = _values(trials, x)
    ys = _values(trials, y) if y is not None else _objective(sweep, trials)
    x_scale = scale_of(x, list(xs.values()))
    y_scale = scale_of(y, list(ys.values())) if y is not None else _value_scale(ys)
    framed = width >= _GUTTER + 16 and height >= 6
    left, below = (_GUTTER, 2) if framed else (0, 0)
    inside = (max(0, width - left), max(0, height - below))
    if x_scale is None or y_scale is None or not all(inside):
        note: Line = (("nothing to draw yet", "dim"),)
        return Plane((note, *([()] * (height - 1))), (), tuple(t.number for t in trials))
    drawn_as = kinds(judgement, trials)
    spots, out = [], []
    for trial in trials:
        n = trial.number
        at_x = x_scale.fraction(xs[n]) if n in xs else None
        at_y = y_scale.fraction(ys[n]) if n in ys else None
        if at_y is None and y is None and at_x is not None:
            ended_badly = drawn_as[n] in (FAILED, PRUNED)
            at_y = 1.0 if ended_badly else 0.0  # no value: at the edge, told by its glyph
        if at_x is None or at_y is None:
            out.append(n)
            continue
        column, row = _cell(at_x, inside[0]), inside[1] - 1 - _cell(at_y, inside[1])
        spots.append(Spot(n, left + column, row, drawn_as[n]))
    canvas = Canvas(*inside, ascii=ascii)
    if y is None:
        _join(canvas, judgement, xs, ys, x_scale, y_scale)
    lines = _inside(canvas, spots, left, cursor, ascii=ascii)
    if framed:
        gutter = _gutter(y_scale, inside[1], ascii=ascii)
        lines = [(side, *line) for side, line in zip(gutter, lines, strict=True)]
        lines += _bottom(x_scale, inside[0], ascii=ascii)
    return Plane(tuple(lines), tuple(spots), tuple(out))


def _cell(fraction: float, size: int) -> int:
    return min(size - 1, max(0, int(fraction * size)))


def _values(trials: Sequence[Trial], parameter: Parameter) -> dict[int, Value]:
    flat = {trial.number: flatten(trial.params, (parameter,)) for trial in trials}
    return {n: one[parameter.path] for n, one in flat.items() if parameter.path in one}


def _objective(sweep: Sweep, trials: Sequence[Trial]) -> dict[int, Value]:
    if sweep.objective is None:
        return {}
    return {t.number: t.value for t in trials if t.value is not None and t.value - t.value == 0.0}


def _value_scale(values: Mapping[int, Value]) -> Scale | None:
    numbers = [x for value in values.values() if (x := number(value)) is not None]
    return Scale(_around(numbers, log=False)) if numbers else None


def _join(
    canvas: Canvas,
    judgement: Judgement,
    xs: Mapping[int, Value],
    ys: Mapping[int, Value],
    x_scale: Scale,
    y_scale: Scale,
) -> None:
    """A line through what was judged, from left to right."""
    dots = []
    for trial in judgement.ranked:
        at_x = x_scale.fraction(xs.get(trial.number))
        at_y = y_scale.fraction(ys.get(trial.number))
        if at_x is not None and at_y is not None:
            dots.append((at_x * (2 * canvas.width - 1), (1 - at_y) * (4 * canvas.height - 1)))
    dots.sort()
    for (x0, y0), (x1, y1) in pairwise(dots):
        canvas.line(x0, y0, x1, y1)


def _inside(
    canvas: Canvas, spots: Sequence[Spot], left: int, cursor: int | None, *, ascii: bool
) -> list[Line]:
    """The cells inside the frame; the cursor's trial is seen whatever shares its cell."""
    seen: dict[tuple[int, int], Spot] = {}
    for spot in sorted(spots, key=lambda s: (s.number != cursor, s.kind.rank, s.number)):
        seen.setdefault((spot.row, spot.column - left), spot)
    lines: list[Line] = []
    for row, text in enumerate(canvas.rows()):
        pieces: list[Piece] = []
        done = 0
        for (_, column), spot in sorted(item for item in seen.items() if item[0][0] == row):
            glyph = spot.kind.ascii if ascii else spot.kind.glyph
            tone: Tone = "found" if spot.number == cursor else spot.kind.tone
            pieces += [(text[done:column], "dim"), (glyph, tone)]
            done = column + 1
        pieces.append((text[done:], "dim"))
        lines.append(tuple(piece for piece in pieces if piece[0]))
    return lines


def _gutter(scale: Scale, height: int, *, ascii: bool) -> list[Piece]:
    side, tick = ("|", "+") if ascii else ("│", "┤")
    pieces: list[Piece] = [(" " * (_GUTTER - 1) + side, "dim")] * height
    for fraction, text in scale.ticks(max(2, height // 3)):
        if 0 <= fraction <= 1:
            shown = fitted(text, _GUTTER - 2).rstrip().rjust(_GUTTER - 2)
            pieces[height - 1 - _cell(fraction, height)] = (f"{shown} {tick}", "dim")
    return pieces


def _bottom(scale: Scale, width: int, *, ascii: bool) -> list[Line]:
    corner, dash, tick = ("+", "-", "+") if ascii else ("└", "─", "┬")
    line, labels = [dash] * width, [" "] * width
    free = 0
    for fraction, text in scale.ticks(max(2, width // _TICK)):
        column = _cell(fraction, width)
        start = min(max(0, column - len(text) // 2), width - len(text))
        if not 0 <= fraction <= 1 or start < free or cell_len(text) != len(text):
            continue
        line[column] = tick
        labels[start : start + len(text)] = text
        free = start + len(text) + 1
    margin = " " * (_GUTTER - 1)
    return [((margin + corner + "".join(line), "dim"),), ((f"{margin} {''.join(labels)}", "dim"),)]


def title(sweep: Sweep, x: Parameter, y: Parameter | None) -> str:
    """What stands on which axis."""
    if y is None:
        metric = "value" if sweep.objective is None else sweep.objective.metric
        return f"{metric} over {shown_name(x)}"
    return f"x {shown_name(x)}   y {shown_name(y)}"
