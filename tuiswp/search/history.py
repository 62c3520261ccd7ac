"""What a sampler that learns is told: how every trial ended, in that order, and what still runs."""

import math
from collections.abc import Iterable
from typing import Literal

import msgspec

from tuiswp.model.space import Params
from tuiswp.model.sweep import Goal
from tuiswp.model.trial import Ended, Trial


class Told(msgspec.Struct, frozen=True):
    """One ended trial. `value`: the objective, None if it has none.

    `how`: `done`, its value counts as it is; `pruned`, its value was seen at a kill point;
    `failed`, it has none that counts. A number below 0: of an earlier sweep.
    """

    number: int
    params: Params
    how: Literal["done", "pruned", "failed"]
    value: float | None = None


class Flying(msgspec.Struct, frozen=True):
    """A trial that was proposed and has not ended."""

    number: int
    params: Params


class History(msgspec.Struct, frozen=True):
    """`told` in the order in which the trials ended, `flying` by number."""

    told: tuple[Told, ...] = ()
    flying: tuple[Flying, ...] = ()


def history_of(trials: Iterable[Trial]) -> History:
    """What the trials of a sweep tell: what waits, runs or is paused is under way."""
    ended: list[tuple[float, Told]] = []
    flying = []
    for trial in trials:
        if isinstance(trial.status, Ended):
            ended.append((trial.status.at, _told(trial)))
        else:
            flying.append(Flying(trial.number, trial.params))
    ended.sort(key=lambda pair: (pair[0], pair[1].number))
    flying.sort(key=lambda one: one.number)
    return History(tuple(one for _, one in ended), tuple(flying))


def _told(trial: Trial) -> Told:
    how: Literal["done", "pruned", "failed"] = "failed"
    if trial.value is not None and trial.state == "done":
        how = "done"
    elif trial.value is not None and trial.state == "pruned":
        how = "pruned"
    return Told(trial.number, trial.params, how, trial.value)


def scores(told: Iterable[Told], goal: Goal) -> list[float | None]:
    """What each ended trial counts for a sampler that minimizes; None: nothing is known yet.

    A failed trial counts as the worst seen until then, so that it is avoided and not forgotten
    (W&B's `impute: worst`). A pruned one counts with the value it was stopped at, but never as
    better than the best that came to its end: it was not.
    """
    sign = 1.0 if goal == "minimize" else -1.0
    found: list[float | None] = []
    best, worst = math.inf, -math.inf
    for one in told:
        value = None if one.value is None or not math.isfinite(one.value) else sign * one.value
        if value is not None and one.how == "done":
            best = min(best, value)
        elif value is not None and one.how == "pruned":
            value = max(value, best) if math.isfinite(best) else value
        else:
            value = worst if math.isfinite(worst) else None
        if value is not None:
            worst = max(worst, value)
        found.append(value)
    return found
