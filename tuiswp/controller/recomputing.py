"""A second, simple way from the files of trials to the optimum, to hold the first one against.

On purpose it shares nothing with `metrics` and `analysis` but the words of the promise: Python's
own `json`, one dictionary of step to value, `min`. Only what an expression means has one way: its
evaluator is the same, over rows read here. It is slow, reads whole files, decides nothing.
"""

import json
import math
import os
import stat
import statistics
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TypeAlias

from tuiswp.expression.checks import as_curve
from tuiswp.expression.curve import Evaluation
from tuiswp.expression.parser import parse
from tuiswp.model.space import Params
from tuiswp.model.space import Path as Place
from tuiswp.model.sweep import DerivedMetric, Objective, Sweep
from tuiswp.model.trial import Trial
from tuiswp.spec.distributions import value_key
from tuiswp.spec.phased import measure

_STEPS = ("step", "_step", "global_step", "iteration", "epoch")
_LINE = 1 << 20  # a longer line is no row

Curve: TypeAlias = dict[float, float]  # step → value


def value_in(
    path: Path, objective: Objective, derived: Sequence[DerivedMetric] = ()
) -> float | None:
    """The objective of the trial whose metrics are at `path`; None if they have none.

    `derived`: the metrics that are expressions, each after those it builds on. Raises OSError if
    the file is no regular one that can be read.
    """
    curves: dict[str, Curve] = {}
    for step, name, value in _points(path):
        curves.setdefault(name, {})[step] = value  # the last write to a step wins
    for one in derived:
        computed = _computed(one, curves)
        curves.pop(one.name, None)
        if computed:
            curves[one.name] = computed
    curve = _called(objective.metric, curves) or {}
    values = [curve[step] for step in sorted(curve)]
    finite = [value for value in values if math.isfinite(value)]
    if objective.reduce == "best":
        return (
            min(finite, default=None) if objective.goal == "minimize" else max(finite, default=None)
        )
    if not values or not math.isfinite(values[-1]):
        return None
    if objective.reduce == "last":
        return values[-1]
    window = [value for value in values[-max(1, objective.window) :] if math.isfinite(value)]
    return (
        statistics.median(window)
        if objective.reduce == "median"
        else math.fsum(window) / len(window)
    )


def _computed(metric: DerivedMetric, curves: Mapping[str, Curve]) -> Curve:
    """All rows anew, in the order of their steps; empty if a column was never logged."""
    evaluation = Evaluation(as_curve(parse(metric.expr), metric.expr), key=_plain)
    columns = [_called(name, curves) for name in evaluation.columns]
    logged = [column for column in columns if column is not None]
    if len(logged) < len(columns):
        return {}
    points: Curve = {}
    for step in sorted(set().union(*logged)):
        point = evaluation.push(step, [column.get(step) for column in logged])
        if point is not None:
            points[step] = point
    return points


def _called(name: str, curves: Mapping[str, Curve]) -> Curve | None:
    """The curve of exactly this name, else the first that means the same."""
    alike = (curve for other, curve in curves.items() if _plain(other) == _plain(name))
    return curves[name] if name in curves else next(alike, None)


def _plain(name: str) -> str:
    return name.replace("/", "_")


def best_of(values: Iterable[tuple[int, float]], objective: Objective) -> tuple[int, float] | None:
    """Trial and value of the best among (trial, value); of equal ones the earliest trial."""
    sign = 1 if objective.goal == "minimize" else -1
    finite = [(number, value) for number, value in values if math.isfinite(value)]
    return min(finite, key=lambda one: (sign * one[1], one[0]), default=None)


def best_of_phases(
    sweep: Sweep, trials: Sequence[Trial], values: Mapping[int, float], objective: Objective
) -> tuple[int, float] | None:
    """The best of `trials`, all of a sweep in phases; `values`: of those that may win, by number.

    What was held to the measure of the newest phase that has a result competes. Repeats decide by
    the mean of their setting, once all have ended: the run nearest to it stands for it.
    """
    may = [
        t for t in trials if t.number in values and not t.not_kept and _repeated(sweep, t, trials)
    ]
    if not may:
        return None
    newest = max(may, key=lambda trial: (_phase(trial), trial.number))
    held_to = [parameter.path for parameter in measure(sweep)]
    same_measure = [t for t in may if _values(t.params, held_to) == _values(newest.params, held_to)]
    validate = sweep.phases[newest.phase].validate if newest.phase is not None else None
    if validate is None:
        return best_of(((t.number, values[t.number]) for t in same_measure), objective)
    but_the_seed = [one.path for one in sweep.parameters if one.path != validate.seed]
    settings: dict[tuple[str, ...], list[int]] = defaultdict(list)
    for trial in same_measure:
        if trial.phase == newest.phase and trial.origin == "replicate":
            settings[_values(trial.params, but_the_seed)].append(trial.number)
    runs = list(settings.values())
    means = [math.fsum(values[n] for n in each) / len(each) for each in runs]
    # Of two settings as good as each other, the one that was run first.
    first = best_of(((n, mean) for (n, *_), mean in zip(runs, means, strict=True)), objective)
    if first is None:
        return best_of(((t.number, values[t.number]) for t in same_measure), objective)
    of = next(each for each in runs if each[0] == first[0])
    number = min(of, key=lambda n: (abs(values[n] - first[1]), n))
    return number, values[number]


def _repeated(sweep: Sweep, trial: Trial, trials: Sequence[Trial]) -> bool:
    """Whether all repeats of its phase have ended, if it is one that repeats."""
    if trial.phase is None or (validate := sweep.phases[trial.phase].validate) is None:
        return True
    mine = [one for one in trials if one.phase == trial.phase and one.origin == "replicate"]
    over = all(one.state not in ("queued", "running", "paused") for one in mine)
    return over and len(mine) >= validate.seeds


def _phase(trial: Trial) -> int:
    return -1 if trial.phase is None else trial.phase


def _values(params: Params, places: Iterable[Place]) -> tuple[str, ...]:
    found = []
    for place in places:
        value: object = params
        for key in place:
            value = value.get(key) if isinstance(value, dict) else None
        found.append(value_key(value))  # type: ignore[arg-type]
    return tuple(found)


def same(one: float | None, other: float | None) -> bool:
    """Whether two ways of adding up the same numbers came to the same."""
    if one is None or other is None:
        return one is other
    return math.isclose(one, other, rel_tol=1e-9, abs_tol=0.0)


def _points(path: Path) -> Iterator[tuple[float, str, float]]:
    """Step, metric and value of every number in the file, in the order they were written."""
    last: float | None = None
    for count, row in enumerate(_rows(path)):
        step = next((n for n in (_number(row.get(key)) for key in _STEPS) if _is(n)), None)
        if step is not None:
            last = step
        at = last if last is not None else float(count)
        for name, value in _named(row, ""):
            if name not in _STEPS and name != "progress" and not name.startswith("_"):
                yield at, name, value


def _rows(path: Path) -> Iterator[dict[str, object]]:
    fd = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    with os.fdopen(fd, "rb") as file:
        if not stat.S_ISREG(os.fstat(fd).st_mode):
            raise OSError(f"{path} is not a regular file")
        for line in file:
            if len(line) > _LINE:
                continue
            try:
                row = json.loads(line)
            except (ValueError, RecursionError):
                continue
            if isinstance(row, dict):
                yield row


def _named(row: dict[str, object], prefix: str) -> Iterator[tuple[str, float]]:
    for key, raw in row.items():
        if isinstance(raw, dict):
            if prefix or not key.startswith("_"):
                yield from _named(raw, f"{prefix}{key}/")
            continue
        value = _number(raw)
        if value is not None:
            yield f"{prefix}{key}", value


def _number(raw: object) -> float | None:
    if isinstance(raw, bool) or not isinstance(raw, int | float):
        return None
    try:
        return float(raw)
    except OverflowError:
        return math.nan


def _is(number: float | None) -> bool:
    return number is not None and math.isfinite(number)
