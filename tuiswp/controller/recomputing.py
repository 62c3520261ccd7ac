"""A second, simple way from the files of trials to the optimum, to hold the first one against.

On purpose it shares nothing with `metrics` and `analysis` but the words of the promise: Python's
own `json`, one dictionary of step to value, `min`. It is slow, reads whole files, decides nothing.
"""

import json
import math
import os
import stat
import statistics
from collections.abc import Iterable, Iterator
from pathlib import Path

from tuiswp.model.sweep import Objective

_STEPS = ("step", "_step", "global_step", "iteration", "epoch")
_LINE = 1 << 20  # a longer line is no row


def value_in(path: Path, objective: Objective) -> float | None:
    """The objective of the trial whose metrics are at `path`; None if they have none.

    Raises OSError if it is no regular file that can be read.
    """
    curves: dict[str, dict[float, float]] = {}
    for step, name, value in _points(path):
        if name.replace("/", "_") == objective.metric.replace("/", "_"):
            curves.setdefault(name, {})[step] = value  # the last write to a step wins
    curve = curves.get(objective.metric) or next(iter(curves.values()), {})
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


def best_of(values: Iterable[tuple[int, float]], objective: Objective) -> tuple[int, float] | None:
    """Trial and value of the best among (trial, value); of equal ones the earliest trial."""
    sign = 1 if objective.goal == "minimize" else -1
    finite = [(number, value) for number, value in values if math.isfinite(value)]
    return min(finite, key=lambda one: (sign * one[1], one[0]), default=None)


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
