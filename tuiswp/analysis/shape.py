"""Read the shape of the objective over one parameter: a full U, or the side that is missing.

It describes what the points show and draws nothing. Falling and rising speak of badness: the loss,
or the negated score when the goal is to maximize.
"""

import statistics
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from itertools import pairwise
from typing import Literal, TypeAlias

import msgspec
from msgspec.structs import replace

from tuiswp.analysis.axes import (
    Side,
    beyond,
    is_learning_rate,
    is_logarithmic,
    is_seed,
    listed,
    measured,
    number,
    shown_name,
    spell,
)
from tuiswp.analysis.divergence import diverged
from tuiswp.analysis.optimum import Judgement, badness
from tuiswp.model.space import Categorical, Constant, Parameter
from tuiswp.model.sweep import Sweep
from tuiswp.model.trial import Trial
from tuiswp.spec.params import flatten, swept

Verdict: TypeAlias = Literal[
    "full-u", "left-edge", "right-edge", "monotone-falling", "monotone-rising", "flat",
    "scattered", "too-few",
]  # fmt: skip

_ARM = 0.01  # an arm is a rise of more than 1 % of the best: less is inside noise
_ROUGH = 0.3  # share of the arms' height that may run the wrong way
_SMOOTH_FROM = 10  # points from which a running median takes out noise before reading the shape


class Point(msgspec.Struct, frozen=True):
    """One value of the parameter. `y` is the objective there; None: every trial there diverged."""

    x: float
    y: float | None
    trials: tuple[int, ...]


class Shape(msgspec.Struct, frozen=True):
    """The objective over one parameter.

    `points` by x. `together`: how several trials at one x became one point (`mean` when nothing but
    the seed differs, `best` when other parameters do). `add`: values to try next, by side.
    `message` and `suggestion` are safe to print.
    """

    parameter: Parameter
    log: bool
    points: tuple[Point, ...]
    together: Literal["single", "mean", "best"]
    verdict: Verdict
    message: str
    best: Point | None = None
    left_arm: bool = False
    right_arm: bool = False
    expand: tuple[Side, ...] = ()
    add: Mapping[Side, tuple[float, ...]] = {}
    suggestion: str | None = None

    @property
    def values_to_add(self) -> tuple[float, ...]:
        return tuple(sorted(x for side in self.expand for x in self.add.get(side, ())))

    @property
    def best_at(self) -> Side | None:
        """At which end of the values tried the best lies; None inside, or with a single value."""
        if self.best is None or len(self.points) < 2:
            return None
        if self.best.x == self.points[0].x:
            return "left"
        return "right" if self.best.x == self.points[-1].x else None


def numeric_swept(sweep: Sweep) -> tuple[Parameter, ...]:
    """The swept parameters that have a numeric axis, seeds left out; learning rates first."""
    found = [
        parameter
        for parameter in swept(sweep)
        if not is_seed(parameter) and parameter_is_numeric(parameter)
    ]
    return tuple(sorted(found, key=lambda parameter: not is_learning_rate(parameter)))


def parameter_is_numeric(parameter: Parameter) -> bool:
    """Every value it lists is a number; distributions over a range are."""
    match parameter.distribution:
        case Categorical(values=values):
            return all(number(value) is not None for value in values)
        case Constant():
            return False
        case _:
            return True


def value_of(trial: Trial, parameter: Parameter) -> float | None:
    """The parameter's value in `trial` as a number; None when it has none."""
    return number(flatten(trial.params, (parameter,)).get(parameter.path))


def shape(
    sweep: Sweep,
    judgement: Judgement,
    parameter: Parameter,
    *,
    seen_metrics: Mapping[int, Collection[str]] | None = None,
) -> Shape:
    """The shape of the objective over `parameter`, from the trials of `judgement`.

    Ranked trials are points; diverged ones count as evidence that their side is bad.
    """
    points, together = _points(sweep, judgement, parameter, seen_metrics)
    xs = [point.x for point in points]
    log = is_logarithmic(parameter) and min(xs, default=0.0) > 0
    draft = Shape(parameter, log, points, together, "too-few", "")
    finite = [point for point in points if point.y is not None]
    name = shown_name(parameter)
    if sweep.objective is None or not finite:
        return replace(draft, message=f"No result to draw over {name} yet.")
    goal = sweep.objective.goal
    best = min(finite, key=lambda point: badness(point.y or 0.0, goal))
    draft = replace(draft, best=best)
    if len(points) < 3:
        some = "1 value" if len(points) == 1 else f"{len(points)} values"
        message = f"{some} of {name} cannot show a shape; three is the least."
        draft = replace(draft, message=message)
        return _expanded(draft, [draft.best_at] if draft.best_at else ["left", "right"])
    bads = _filled([None if p.y is None else badness(p.y, goal) for p in points])
    verdict, left, right = _verdict(bads, points.index(best))
    draft = replace(draft, verdict=verdict, left_arm=left, right_arm=right)
    draft = replace(draft, message=_message(draft, sweep))
    return _expanded(draft, _missing_sides(draft))


def _points(
    sweep: Sweep,
    judgement: Judgement,
    parameter: Parameter,
    seen_metrics: Mapping[int, Collection[str]] | None,
) -> tuple[tuple[Point, ...], Literal["single", "mean", "best"]]:
    at: dict[float, list[Trial]] = defaultdict(list)
    for trial in judgement.ranked:  # best first
        if (x := value_of(trial, parameter)) is not None:
            at[x].append(trial)
    lost: dict[float, list[Trial]] = defaultdict(list)
    for one in diverged(sweep, judgement, seen_metrics=seen_metrics):
        x = value_of(one.trial, parameter)
        if x is not None and one.trial not in at.get(x, ()):
            lost[x].append(one.trial)
    others = [p for p in swept(sweep) if p.path != parameter.path and not is_seed(p)]
    several = any(len(trials) > 1 for trials in at.values())
    together: Literal["single", "mean", "best"] = (
        "single" if not several else "best" if others else "mean"
    )
    points = []
    for x in sorted({*at, *lost}):
        values = [trial.value for trial in at.get(x, ()) if trial.value is not None]
        y = None if not values else values[0] if others else statistics.fmean(values)
        numbers = sorted(trial.number for trial in (*at.get(x, ()), *lost.get(x, ())))
        points.append(Point(x, y, tuple(numbers)))
    return tuple(points), together


def _filled(bads: Sequence[float | None]) -> list[float]:
    """Badness with every diverged point at a ceiling, and everything above the ceiling cut to it.

    So one runaway value neither hides the rest nor counts for more than "bad".
    """
    known = sorted(bad for bad in bads if bad is not None)
    best, middle = known[0], statistics.median(known)
    ceiling = best + 4 * (middle - best) if middle > best else known[-1]
    if None in bads:
        ceiling = max(ceiling, best + max(0.1 * abs(best), 1e-12))
    return [ceiling if bad is None else min(bad, ceiling) for bad in bads]


def _smoothed(bads: Sequence[float]) -> list[float]:
    if len(bads) < _SMOOTH_FROM:
        return list(bads)
    half = min(50, max(1, len(bads) // 10))
    return [statistics.median(bads[max(0, at - half) : at + half + 1]) for at in range(len(bads))]


def _verdict(bads: Sequence[float], best: int) -> tuple[Verdict, bool, bool]:
    """The verdict, and whether the left and the right arm are seen. `bads` has three or more."""
    smooth = _smoothed(bads)
    floor = min(smooth)
    arm = _ARM * (abs(floor) or max(bads) - min(bads))
    left = max(smooth[:best], default=floor) - floor > arm
    right = max(smooth[best + 1 :], default=floor) - floor > arm
    if not left and not right:
        return "flat", False, False
    turn = smooth.index(floor)
    steps = [b - a for a, b in pairwise(smooth)]
    wrong = sum(max(0.0, step) for step in steps[:turn])
    wrong += sum(max(0.0, -step) for step in steps[turn:])
    height = (max(smooth[: turn + 1]) - floor) + (max(smooth[turn:]) - floor)
    if wrong > _ROUGH * height:
        return "scattered", left, right
    if left and right:
        return "full-u", left, right
    if left:
        falling = best == len(bads) - 1 and wrong <= arm
        return ("monotone-falling" if falling else "right-edge"), left, right
    rising = best == 0 and wrong <= arm
    return ("monotone-rising" if rising else "left-edge"), left, right


def _missing_sides(shape: Shape) -> list[Side]:
    match shape.verdict:
        case "full-u":
            return []
        case "flat":
            return ["left", "right"]
        case "left-edge" | "monotone-rising":
            return ["left"]
        case "right-edge" | "monotone-falling":
            return ["right"]
        case "scattered" | "too-few":
            return [shape.best_at] if shape.best_at else []


def _expanded(shape: Shape, sides: Sequence[Side]) -> Shape:
    """`shape` with the sides to expand and the values that continue its pattern there."""
    tried = [point.x for point in shape.points]
    pattern = tried
    if isinstance(shape.parameter.distribution, Categorical):
        # What the file lists, since an off-grid default would break the pattern.
        listed_values = shape.parameter.distribution.values
        pattern = [x for value in listed_values if (x := number(value)) is not None]
        if shape.log:
            pattern = [x for x in pattern if x > 0]
    add: dict[Side, tuple[float, ...]] = {}
    for side in sides:
        edge = min(tried) if side == "left" else max(tried)
        found = beyond(shape.parameter, pattern, side, log=shape.log, count=4)
        past = [x for x in found if (x < edge if side == "left" else x > edge)]
        add[side] = tuple(past[-2:] if side == "left" else past[:2])
    suggestion = _suggestion(shape, add)
    return replace(shape, expand=tuple(sides), add=add, suggestion=suggestion)


def _suggestion(shape: Shape, add: Mapping[Side, tuple[float, ...]]) -> str | None:
    name = shown_name(shape.parameter)
    if shape.verdict == "full-u" or not add:
        return None
    values = sorted(x for found in add.values() for x in found)
    if not values:
        ends = " and ".join(spell(_end(shape, side), log=shape.log) for side in add)
        return f"{ends} is the natural end of {name}, so there is nothing to add there."
    text = f"Add {listed(values, log=shape.log)} to {name}"
    if shape.verdict == "flat":
        return f"{text} to see where it begins to matter, or leave it at its default."
    return f"{text}."


def _end(shape: Shape, side: Side) -> float:
    return shape.points[0 if side == "left" else -1].x


def _message(shape: Shape, sweep: Sweep) -> str:
    name = shown_name(shape.parameter)
    word = measure(sweep)
    best = shape.best
    assert best is not None and best.y is not None
    first, last = shape.points[0], shape.points[-1]
    at = _told(best, shape)
    falls, rises = ("falls", "rises") if _minimizes(sweep) else ("rises", "falls")
    rate = is_learning_rate(shape.parameter)
    under, unstable = (" (under-trained)", " (unstable or diverged)") if rate else ("", "")
    full, floor = ("full U", "floor") if _minimizes(sweep) else ("full (inverted) U", "peak")
    match shape.verdict:
        case "full-u":
            return (
                f"The {full} is visible over {name}: left arm{under} from {_told(first, shape)}, "
                f"{floor} at {at}, right arm{unstable} to {_told(last, shape)}."
            )
        case "monotone-falling":
            return (
                f"The {word} {falls} all the way to the right end of {name}, {at}: only the left "
                f"arm{under} is visible, neither the {floor} nor the right arm."
            )
        case "monotone-rising":
            return (
                f"The {word} {rises} all the way from the left end of {name}, {at}: only the right "
                f"arm{unstable} is visible, neither the {floor} nor the left arm."
            )
        case "right-edge" | "left-edge":
            side, end = ("right", last) if shape.verdict == "right-edge" else ("left", first)
            seen = "the last value tried" if best == end else "where it is already flat"
            return f"The best {name} is {at}, {seen} on the {side}: there is no {side} arm."
        case "flat":
            return (
                f"The {word} hardly changes over {name}: from {spell(first.x, log=shape.log)} to "
                f"{spell(last.x, log=shape.log)} all results lie within noise."
            )
        case "scattered":
            why = (
                "other swept parameters move the points too"
                if len(numeric_swept(sweep)) > 1
                else "the results are noisy, or what differs is not this parameter"
            )
            return f"No shape over {name}: the {word} goes up and down; {why}."
        case "too-few":
            return shape.message


def _told(point: Point, shape: Shape) -> str:
    outcome = "diverged" if point.y is None else measured(point.y)
    return f"{spell(point.x, log=shape.log)} ({outcome})"


def measure(sweep: Sweep) -> str:
    """What the objective is in one word: `loss` or `score`."""
    return "loss" if _minimizes(sweep) else "score"


def _minimizes(sweep: Sweep) -> bool:
    return sweep.objective is None or sweep.objective.goal == "minimize"
