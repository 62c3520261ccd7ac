"""What a picture of the objective over one parameter shows, as plain data.

It chooses points, ticks and ranges; `pictures` draws them.
"""

import math
from collections.abc import Sequence

import msgspec

from tuiswp.analysis.axes import is_seed, measured, spell
from tuiswp.analysis.divergence import diverged, runaway_level
from tuiswp.analysis.optimum import Judgement, badness, finite
from tuiswp.analysis.series_range import padded
from tuiswp.analysis.shape import Shape, parameter_is_numeric, shape, value_of
from tuiswp.model.space import Parameter, Value
from tuiswp.model.sweep import Goal, Sweep
from tuiswp.model.trial import Trial
from tuiswp.spec.distributions import value_key
from tuiswp.spec.params import flatten, swept, value_label

_MAX_LABELS = 24
_MAX_TICKS = 11
_TICK_ROOM = 0.075  # share of the axis one tick label needs

XY = tuple[float, float]


class Panel(msgspec.Struct, frozen=True):
    """One parameter's axis and everything on it.

    `line` joins the points where that says something. `diverged` and `failed` are places on the x
    axis. `labels`: names of the places 0, 1, … of a parameter that is not numeric.
    """

    parameter: Parameter
    log: bool
    minimize: bool
    complete: tuple[XY, ...] = ()
    partial: tuple[XY, ...] = ()
    diverged: tuple[float, ...] = ()
    failed: tuple[float, ...] = ()
    line: tuple[XY, ...] = ()
    best: XY | None = None
    best_text: str = ""
    default: XY | None = None
    default_text: str = ""
    y_range: tuple[float, float] | None = None
    x_range: tuple[float, float] = (0.0, 1.0)
    ticks: tuple[float, ...] = ()
    labels: tuple[str, ...] = ()


def panels(sweep: Sweep, judgement: Judgement) -> list[Panel]:
    """A panel for each swept parameter that has a place for its trials, numeric ones first."""
    found: list[Panel] = []
    if sweep.objective is None:
        return found
    parameters = [parameter for parameter in swept(sweep) if not is_seed(parameter)]
    for parameter in sorted(parameters, key=lambda p: not parameter_is_numeric(p)):
        panel = _panel(sweep, judgement, parameter, alone=len(parameters) == 1)
        if panel is not None:
            found.append(panel)
    if len(found) > 1:  # one legend serves all panels, so it cannot say where on each axis
        found = [
            msgspec.structs.replace(
                panel,
                best_text=_result(judgement.optimum),
                default_text=_result(judgement.baseline),
            )
            for panel in found
        ]
    return found


def _panel(
    sweep: Sweep, judgement: Judgement, parameter: Parameter, *, alone: bool
) -> Panel | None:
    assert sweep.objective is not None
    goal = sweep.objective.goal
    numeric = parameter_is_numeric(parameter)
    labels: tuple[str, ...] = ()
    at: dict[int, float] = {}
    if numeric:
        one: Shape | None = shape(sweep, judgement, parameter)
        at = {t.number: x for t in judgement.trials if (x := value_of(t, parameter)) is not None}
    else:
        one = None
        at, labels = _named_places(judgement.trials, parameter)
    log = one is not None and one.log and all(x > 0 for x in at.values())
    if not at or len(labels) > _MAX_LABELS:
        return None
    level = runaway_level(
        [badness(t.value, goal) for t in judgement.ranked if t.number in at and finite(t.value)]
    )
    complete, partial, off_scale = _placed(judgement, at, goal, level)
    lost = {found.trial.number for found in diverged(sweep, judgement)}
    failed = [
        at[left.trial.number]
        for left in judgement.left_out
        if left.trial.number in at
        and left.trial.number not in lost
        and left.trial.state == "failed"
        and not finite(left.trial.value)
    ]
    best, default = judgement.optimum, judgement.baseline
    line: tuple[XY, ...] = ()
    if one is not None and (alone or sweep.method == "grid"):
        line = tuple(
            (p.x, p.y) for p in one.points if p.y is not None and not _off(p.y, goal, level)
        )
    shown_best = _point(best, at)
    shown_default = None
    if default is not None and (best is None or default.number != best.number):
        shown_default = _point(default, at, off=off_scale)
    ys = [y for _, y in (*complete, *partial)]
    low_room, high_room = (0.1, 0.16) if goal == "minimize" else (0.16, 0.1)
    xs = sorted(set(at.values()))
    return Panel(
        parameter=parameter,
        log=log,
        minimize=goal == "minimize",
        complete=tuple(complete),
        partial=tuple(partial),
        diverged=tuple(sorted({*(at[n] for n in lost if n in at), *off_scale})),
        failed=tuple(sorted(set(failed))),
        line=line,
        best=shown_best,
        best_text=_legend(best, parameter, log=log),
        default=shown_default,
        default_text=_legend(default, parameter, log=log),
        y_range=padded(min(ys), max(ys), below=low_room, above=high_room) if ys else None,
        x_range=_x_range(xs, log=log),
        ticks=() if labels else ticks(xs, log=log),
        labels=labels,
    )


def ticks(xs: Sequence[float], *, log: bool) -> tuple[float, ...]:
    """Values to write under the axis: those tried when they fit, else a few round ones.

    Empty: leave it to the drawing library.
    """
    places = [math.log10(x) for x in xs] if log else list(xs)
    span = places[-1] - places[0] if places else 0.0
    if span <= 0 or not math.isfinite(span):
        return tuple(xs[:1])
    kept: list[int] = []
    # Round values first, so that an off-grid default gives way to the grid around it.
    for at in sorted(range(len(xs)), key=lambda n: (len(spell(xs[n], log=log)), n)):
        if all(abs(places[at] - places[k]) >= _TICK_ROOM * span for k in kept):
            kept.append(at)
        if len(kept) > _MAX_TICKS:
            break
    if len(xs) <= 2 * _MAX_TICKS and len(kept) <= _MAX_TICKS and len(kept) >= len(xs) / 2:
        return tuple(xs[at] for at in sorted(kept))
    if not log:
        return ()
    low, high = math.ceil(2 * places[0] - 0.3), math.floor(2 * places[-1] + 0.3)
    by = 1 if high - low < 10 else 2 * math.ceil((high - low) / 20)
    start = low if by == 1 else low + low % 2
    return tuple(float(f"{3 if n % 2 else 1}e{n // 2}") for n in range(start, high + 1, by))


def _placed(
    judgement: Judgement, at: dict[int, float], goal: Goal, level: float | None
) -> tuple[list[XY], list[XY], list[float]]:
    """Complete points, incomplete points, and the places of what is too bad to be in the range."""
    complete: list[XY] = []
    partial: list[XY] = []
    off_scale: list[float] = []
    whole = {trial.number for trial in judgement.ranked if trial.state == "done" and trial.complete}
    for trial in judgement.trials:
        if trial.number not in at or not finite(trial.value):
            continue
        point = (at[trial.number], trial.value)
        if _off(trial.value, goal, level):
            off_scale.append(point[0])
        elif trial.number in whole:
            complete.append(point)
        else:
            partial.append(point)
    return complete, partial, off_scale


def _off(value: float, goal: Goal, level: float | None) -> bool:
    return level is not None and badness(value, goal) >= level


def _named_places(
    trials: Sequence[Trial], parameter: Parameter
) -> tuple[dict[int, float], tuple[str, ...]]:
    listed: tuple[Value, ...] = getattr(parameter.distribution, "values", ())
    places = {value_key(value): n for n, value in enumerate(listed)}
    names = [value_label(parameter, value) for value in listed]
    at: dict[int, float] = {}
    for trial in trials:
        values = flatten(trial.params, (parameter,))
        if parameter.path not in values:
            continue
        value = values[parameter.path]
        key = value_key(value)
        if key not in places:
            places[key] = len(names)
            names.append(value_label(parameter, value))
        at[trial.number] = float(places[key])
    return at, tuple(names)


def _point(trial: Trial | None, at: dict[int, float], *, off: Sequence[float] = ()) -> XY | None:
    if trial is None or trial.number not in at or not finite(trial.value):
        return None
    return None if at[trial.number] in off else (at[trial.number], trial.value)


def _legend(trial: Trial | None, parameter: Parameter, *, log: bool) -> str:
    if trial is None:
        return ""
    value = flatten(trial.params, (parameter,)).get(parameter.path)
    x = value_of(trial, parameter)
    where = spell(x, log=log) if x is not None else value_label(parameter, value)
    return _result(trial, f", {where}")


def _result(trial: Trial | None, where: str = "") -> str:
    if trial is None:
        return ""
    result = measured(trial.value) if finite(trial.value) else "no value"
    return f"{trial.id}{where} → {result}"


def _x_range(xs: Sequence[float], *, log: bool) -> tuple[float, float]:
    low, high = xs[0], xs[-1]
    if log:
        room = (high / low) ** 0.05 if high > low else 2.0
        return low / room, high * room
    return padded(low, high) or (low, high)
