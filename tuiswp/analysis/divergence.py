"""Tell trials that diverged from trials that merely failed or reported under another name.

A diverged trial is evidence: it is the right arm of a learning-rate curve. A crash is not, and is
never called one: what cannot be told apart stays a failure.
"""

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from statistics import median

import msgspec

from tuiswp.analysis.axes import is_learning_rate, number
from tuiswp.analysis.optimum import Judgement, badness, finite
from tuiswp.metrics.names import find
from tuiswp.model.space import Parameter
from tuiswp.model.sweep import Objective, Sweep
from tuiswp.model.trial import Ended, Trial
from tuiswp.spec.params import flatten, swept

_SAID = re.compile(r"\b(nan|infinity|inf|diverg\w*|non-?finite|not finite)\b", re.IGNORECASE)
# Ends that come from the training itself; a full disk or a dead GPU says nothing about the values.
_OWN_END = ("done", "exit-code", "signal", "diverged")

_JUDGED = 6  # points of a curve before it can be said to have run away


class Diverged(msgspec.Struct, frozen=True):
    """A trial whose loss ran away, and how that is known. `how` is safe to print."""

    trial: Trial
    how: str


def known_diverged(
    found: Iterable[Diverged], curves: Mapping[int, Sequence[float]], objective: Objective | None
) -> dict[int, str]:
    """By trial number how it is known: what `diverged` found, and the curves that ran away."""
    lost = {
        number: "its curve stands worse than it began, by more than it had gained"
        for number, values in curves.items()
        if ran_away(values, [y for y in values if finite(y)], objective)
    }
    return lost | {one.trial.number: one.how for one in found}


def ran_away(
    values: Sequence[float], extremes: Sequence[float], objective: Objective | None
) -> bool:
    """The curve stands worse than it began, by more than it had ever gained and by half its start.

    Medians of three points speak for the start and the end, so that one wild value is no verdict.
    `extremes`: finite values that hold the best of the curve; one of few points is not judged.
    """
    if objective is None or len(values) < _JUDGED or not extremes:
        return False
    ends = [[y for y in part if y - y == 0.0] for part in (values[:3], values[-3:])]
    if not all(ends):
        return False
    start, end = (badness(median(part), objective.goal) for part in ends)
    best = min(badness(y, objective.goal) for y in extremes)
    return end - start > max(start - best, 0.5 * abs(start))


def diverged(
    sweep: Sweep,
    judgement: Judgement,
    *,
    seen_metrics: Mapping[int, Collection[str]] | None = None,
    first_values: Mapping[int, float] | None = None,
) -> tuple[Diverged, ...]:
    """The diverged trials of `judgement`, by number.

    Known by: it ended by itself, reported something, and left no finite objective while others did;
    or its end says so (`loss is nan`); or it ended worse than it began (`first_values`); or it lies
    far above the rest at a learning rate above the best one.
    """
    objective = sweep.objective
    if objective is None:
        return ()
    others_report = bool(judgement.ranked)
    found: list[Diverged] = []
    runaways = _runaways(sweep, judgement)
    for trial in judgement.trials:
        if not isinstance(trial.status, Ended) or trial.status.cause not in _OWN_END:
            continue
        names = (seen_metrics or {}).get(trial.number)
        if not finite(trial.value):
            reported = trial.step is not None or trial.progress is not None
            missing = names is not None and find(objective.metric, names) is None
            if trial.status.cause == "diverged" and trial.state == "done":
                found.append(Diverged(trial, "it reported, and its objective is not finite"))
            elif trial.state == "failed" and _SAID.search(trial.status.evidence):
                found.append(Diverged(trial, "its end speaks of a value that is not finite"))
            elif trial.state in ("done", "failed") and reported and others_report and not missing:
                found.append(Diverged(trial, "it reported, and its objective is not finite"))
            continue
        start = (first_values or {}).get(trial.number)
        if finite(start) and badness(trial.value, objective.goal) > badness(start, objective.goal):
            found.append(Diverged(trial, f"it ended at {trial.value:.4g}, from {start:.4g}"))
        elif trial.number in runaways:
            found.append(Diverged(trial, f"it ended at {trial.value:.4g}, far above the rest"))
    return tuple(found)


def _runaways(sweep: Sweep, judgement: Judgement) -> set[int]:
    """Trials far above the rest, right of the best learning rate.

    Left of it a bad result is under-training, and without a learning rate it may be anything.
    """
    rate = next((p for p in swept(sweep) if is_learning_rate(p)), None)
    if rate is None or sweep.objective is None or judgement.optimum is None:
        return set()
    goal = sweep.objective.goal
    bad = {t.number: badness(t.value, goal) for t in judgement.ranked if finite(t.value)}
    level = runaway_level(bad.values())
    best = _rate_of(judgement.optimum, rate)
    if level is None or best is None:
        return set()
    return {
        trial.number
        for trial in judgement.ranked
        if bad[trial.number] >= level and (x := _rate_of(trial, rate)) is not None and x > best
    }


def _rate_of(trial: Trial, rate: Parameter) -> float | None:
    return number(flatten(trial.params, (rate,)).get(rate.path))


def runaway_level(bads: Iterable[float]) -> float | None:
    """From which badness a result is far above the rest; None when none is.

    The rest are the best three or more. Far: more than three times their spread above the worst of
    them, and more than 5 % of the best where they are most of the results. Where they are not,
    the others may be the arm of a U whose floor is flat, so far is more than half of the best.
    """
    ordered = sorted(bads)
    for at in range(2, len(ordered) - 1):
        step = ordered[at + 1] - ordered[at]
        spread = ordered[at] - ordered[0]
        share = 0.05 if 2 * (at + 1) > len(ordered) else 0.5
        if step > 3 * spread and step > share * abs(ordered[0]):
            return ordered[at + 1]
    return None
