"""Why this optimum and no other, in sentences: the rule, the runner-up, the noise, the seeds. Pure.

Noise is the spread between seeds where settings were repeated; else a share of the best, said so.
"""

import statistics
from collections.abc import Sequence

import msgspec

from tuiswp.analysis import words
from tuiswp.analysis.axes import measured
from tuiswp.analysis.optimum import Judgement, badness, finite, name_trials, objective_text
from tuiswp.analysis.repeats import by_trial, pooled, settings
from tuiswp.model.sweep import Sweep
from tuiswp.model.trial import Trial

NOISE_PCT = 1.0  # of the best, where no setting was run twice


class Noise(msgspec.Struct, frozen=True):
    """How far two results may differ and mean the same, in the metric's unit.

    `repeats`: values of the optimum's setting, one a seed. `measured`: from seeds, not assumed.
    """

    size: float
    measured: bool
    repeats: tuple[float, ...] = ()


def noise(sweep: Sweep, judgement: Judgement) -> Noise | None:
    """The noise of these results; None without an optimum."""
    best = judgement.optimum
    if best is None or not finite(best.value):
        return None
    every = settings(sweep, judgement.ranked)
    mine = by_trial(every).get(best.number)
    repeats = () if mine is None else mine.values
    known = pooled(every)
    if known is not None:
        return Noise(known[0], True, repeats)
    return Noise(abs(best.value) * NOISE_PCT / 100, False, repeats)


def within_noise(sweep: Sweep, judgement: Judgement, size: float) -> tuple[Trial, ...]:
    """The others that are no further from the best than `size`, best first."""
    best, objective = judgement.optimum, sweep.objective
    if best is None or objective is None or not finite(best.value):
        return ()
    limit = badness(best.value, objective.goal) + size
    return tuple(
        trial
        for trial in judgement.ranked[1:]
        if finite(trial.value) and badness(trial.value, objective.goal) <= limit
    )


def why(sweep: Sweep, judgement: Judgement) -> list[str]:
    """The choice in sentences, most important first; none without an optimum."""
    best, objective = judgement.optimum, sweep.objective
    if best is None or objective is None:
        return []
    least = "lowest" if objective.goal == "minimize" else "highest"
    competed = words.several(len(judgement.ranked), "complete trial")
    said = [f"Why {best.id}: the {least} {objective_text(objective)} of {competed}."]
    if judgement.ties:
        others = words.several(len(judgement.ties), "other")
        said.append(f"{others} just as good: the first wins.")
    elif judgement.runner_up is not None and judgement.gap is not None:
        share = "" if not best.value else f", {100 * judgement.gap / abs(best.value):.2g} %"
        said.append(f"Runner-up {judgement.runner_up.id}: {measured(judgement.gap)} worse{share}.")
    if judgement.left_out:
        left = words.several(len(judgement.left_out), "trial")
        said.append(f"{left} could not win; see note.")
    return [" ".join(said), *_doubt(sweep, judgement)]


def _doubt(sweep: Sweep, judgement: Judgement) -> Sequence[str]:
    """How sure the choice is: seeds, and who else is as good within noise."""
    found = noise(sweep, judgement)
    if found is None or len(judgement.ranked) < 2:
        return ()
    count = len(found.repeats)
    if found.measured:
        spread = f"the spread between seeds, {measured(found.size)}"
        mean = measured(statistics.fmean(found.repeats))
        told = f"Its setting ran with n={count} seeds" if count > 1 else "Its setting ran once, n=1"
        told += f", mean {mean}." if count > 1 else "."
    else:
        spread = f"{NOISE_PCT:g} % of the best, assumed since no setting was repeated"
        told = "Every setting ran once, n=1."
    close = within_noise(sweep, judgement, found.size)
    if not close:
        return (f"{told} No other lies within noise ({spread}).",)
    return (f"{told} Within noise ({spread}): {name_trials(close)}.",)
