"""Which trials of a sweep in phases compete for the optimum, and in which order. Pure.

Only what was held to the same measure competes: the newest phase that has a result says which one
(runs of 200 steps are not compared with runs of 1000). Once a phase has run the best settings again
with other seeds, one of these wins, by its mean; the lucky runs that chose them count no more.
"""

import statistics
from collections import defaultdict
from collections.abc import Sequence
from typing import Literal, NamedTuple

from tuiswp.model.space import Parameter
from tuiswp.model.sweep import Phase, Sweep
from tuiswp.model.trial import Trial
from tuiswp.spec.params import flatten, value_label
from tuiswp.spec.phased import measure, measure_key
from tuiswp.text import visible

# A trial and how bad its value is: smaller is better, whatever the goal.
Scored = tuple[float, Trial]


class Barred(NamedTuple):
    trial: Trial
    code: Literal["not-comparable", "not-kept"]
    reason: str


class Competition(NamedTuple):
    """`ranked` best first. `settings`: trial → its setting's place, where seeds were repeated."""

    ranked: tuple[Scored, ...]
    barred: tuple[Barred, ...]
    settings: dict[int, int]


def compete(sweep: Sweep, trials: Sequence[Trial], eligible: Sequence[Scored]) -> Competition:
    """What of `eligible` competes; the rest is barred with a reason."""
    barred = [Barred(t, "not-kept", visible(t.not_kept)) for _, t in eligible if t.not_kept]
    left = [(bad, trial) for bad, trial in eligible if not trial.not_kept]
    left, more = _without_half_validated(sweep, trials, left)
    barred += more
    if not left:
        return Competition((), tuple(barred), {})
    newest = max(left, key=lambda one: (_phase(one[1]), one[1].number))[1]
    left, more = _same_measure(sweep, newest, left)
    barred += more
    phase = _phase_of(sweep, newest)
    if phase is not None and phase.validate is not None:
        return _validated(sweep, phase, newest, left, barred)
    ranked = sorted(left, key=lambda one: (one[0], one[1].number))
    return Competition(tuple(ranked), tuple(barred), {})


def validation_over(sweep: Sweep, trials: Sequence[Trial], index: int) -> bool:
    """Every repeat of this phase came to an end, and there are as many as one setting takes."""
    validate = sweep.phases[index].validate
    mine = [trial for trial in trials if trial.phase == index and trial.origin == "replicate"]
    waits = any(trial.state in ("queued", "running", "paused") for trial in mine)
    return validate is not None and not waits and len(mine) >= validate.seeds


def _phase(trial: Trial) -> int:
    return -1 if trial.phase is None else trial.phase


def _phase_of(sweep: Sweep, trial: Trial) -> Phase | None:
    known = trial.phase is not None and trial.phase < len(sweep.phases)
    return sweep.phases[trial.phase] if known and trial.phase is not None else None


def _without_half_validated(
    sweep: Sweep, trials: Sequence[Trial], left: Sequence[Scored]
) -> tuple[list[Scored], list[Barred]]:
    kept: list[Scored] = []
    barred: list[Barred] = []
    over = {
        index: validation_over(sweep, trials, index)
        for index, phase in enumerate(sweep.phases)
        if phase.validate is not None
    }
    for one in left:
        if over.get(_phase(one[1]), True):
            kept.append(one)
        else:
            barred.append(Barred(one[1], "not-comparable", "counts when all repeats have ended"))
    return kept, barred


def _same_measure(
    sweep: Sweep, newest: Trial, left: Sequence[Scored]
) -> tuple[list[Scored], list[Barred]]:
    by = measure(sweep)
    key = measure_key(by, newest.params)
    kept: list[Scored] = []
    barred: list[Barred] = []
    for one in left:
        if measure_key(by, one[1].params) == key:
            kept.append(one)
            continue
        reason = f"ran with {_values(by, one[1])}, and what decides has {_values(by, newest)}"
        barred.append(Barred(one[1], "not-comparable", reason))
    return kept, barred


def _values(by: Sequence[Parameter], trial: Trial) -> str:
    flat = flatten(trial.params, by)
    return ", ".join(
        f"{visible(one.name, limit=40)}={value_label(one, flat[one.path])}"
        for one in by
        if one.path in flat
    )


def _validated(
    sweep: Sweep,
    phase: Phase,
    newest: Trial,
    left: Sequence[Scored],
    barred: Sequence[Barred],
) -> Competition:
    """Repeated settings by their mean, in each first the run nearest to it; then what was not."""
    assert phase.validate is not None
    others = [one for one in sweep.parameters if one.path != phase.validate.seed]
    groups: dict[tuple[str, ...], list[Scored]] = defaultdict(list)
    out = list(barred)
    others_left: list[Scored] = []
    for one in left:
        trial = one[1]
        if trial.phase == newest.phase and trial.origin == "replicate":
            groups[measure_key(others, trial.params)].append(one)
        else:
            others_left.append(one)
    name = visible(phase.name, limit=40)
    reason = f"chosen for its value; phase {name} ran its setting again, and these runs decide"
    rest = sorted(others_left, key=lambda one: (one[0], one[1].number))
    chosen = [one for one in rest if measure_key(others, one[1].params) in groups]
    out += [Barred(trial, "not-comparable", reason) for _, trial in chosen]
    means = {key: statistics.fmean(bad for bad, _ in runs) for key, runs in groups.items()}
    order = sorted(groups, key=lambda key: (means[key], groups[key][0][1].number))
    ranked: list[Scored] = []
    settings: dict[int, int] = {}
    for place, key in enumerate(order):
        runs = sorted(groups[key], key=lambda one: (one[0], one[1].number))
        middle = min(runs, key=lambda one: (abs(one[0] - means[key]), one[1].number))
        for one in (middle, *(run for run in runs if run is not middle)):
            ranked.append(one)
            settings[one[1].number] = place
    ranked += [one for one in rest if measure_key(others, one[1].params) not in groups]
    return Competition(tuple(ranked), tuple(out), settings)
