"""The best of a sweep beside the best of another one: found twice, or not. Pure.

It claims agreement only of searches that knew nothing of each other; else it says why it cannot.
"""

import math
from collections.abc import Sequence

from tuiswp.analysis.agreement import across, tolerance
from tuiswp.analysis.axes import measured, shown_name
from tuiswp.analysis.findings import Diagnosis
from tuiswp.analysis.optimum import Judgement
from tuiswp.analysis.space_checks import tuned
from tuiswp.errors import UsageError
from tuiswp.metrics.names import same
from tuiswp.model.sweep import Sweep
from tuiswp.model.trial import Trial
from tuiswp.spec.params import flatten, value_label
from tuiswp.text import visible

_SEARCHED = ("grid", "random", "bayes")
_ALIKE = 0.5  # share of points in common from which two searches are one


def against(sweep: Sweep, judgement: Judgement, other: Sweep, theirs: Judgement) -> Diagnosis:
    """`found-twice` or `found-apart`. Raises UsageError where the two prove nothing."""
    name = visible(other.name, limit=60)
    here, there = sweep.objective, other.objective
    if (
        here is None
        or there is None
        or here.goal != there.goal
        or not same(here.metric, there.metric)
    ):
        raise UsageError(f"{name} is judged by another metric or goal", hint="add --metric NAME")
    best, second = judgement.optimum, theirs.optimum
    if best is None or second is None:
        raise UsageError(f"{name if second is None else 'this sweep'} has no optimum yet")
    axes = tuned(sweep)
    known = flatten(second.params, axes)
    if lacking := [shown_name(one) for one in axes if one.path not in known]:
        raise UsageError(f"{name} has no value of {', '.join(lacking[:4])}")
    if tolerance(axes) is None:
        raise UsageError("with so few values the same best would be no surprise")
    if _same_points(judgement.ranked, theirs.ranked):
        raise UsageError(
            f"{name} tried the same points, so it is no second search",
            hint="give it another tuiswp.seed",
        )
    found = across(sweep, best, second)
    who = f"{best.id} here ({measured(best.value or 0.0)}) and {second.id} of {name}"
    who += f" ({measured(second.value or 0.0)})"
    if found is not None:
        return Diagnosis(
            "found-twice",
            "info",
            f"Two searches have their best at the same place: {who}; by chance that happens once "
            f"in {max(1, math.floor(1 / found.chance)):,} times.",
            "This speaks for the optimum. Repeat it with other seeds to know how far it holds.",
        )
    ours = flatten(best.params, axes)
    places = [
        f"{shown_name(one)} {' and '.join(value_label(one, at[one.path]) for at in (ours, known))}"
        for one in axes[:4]
        if one.path in ours
    ]
    return Diagnosis(
        "found-apart",
        "warning",
        f"Two searches have their bests at different places: {who}: {'; '.join(places)}.",
        "The optimum is flat there, or noise chose: run both settings with the same new seeds, "
        "`tuiswp add` and `tuiswp replicate`.",
    )


def _same_points(ours: Sequence[Trial], theirs: Sequence[Trial]) -> bool:
    mine = {trial.key for trial in ours if trial.origin in _SEARCHED}
    drawn = [trial.key for trial in theirs if trial.origin in _SEARCHED]
    return bool(drawn) and sum(key in mine for key in drawn) > _ALIKE * len(drawn)
