"""Signs in the results that a search is not sound, or that it is: one finding each, with numbers.

They say what the trials show. A sign that needs curves is not claimed without them.
"""

import math
import statistics
from collections.abc import Mapping, Sequence

from tuiswp.analysis.agreement import agreement
from tuiswp.analysis.axes import is_learning_rate, measured, shown_name, spell
from tuiswp.analysis.divergence import Diverged
from tuiswp.analysis.findings import Diagnosis, Remedy
from tuiswp.analysis.noise import TAIL, row_noise, tail, variation
from tuiswp.analysis.optimum import Judgement, finite, name_trials, percent
from tuiswp.analysis.shape import numeric_swept, value_of
from tuiswp.analysis.space_checks import range_of, tuned
from tuiswp.model.edits import RangeEdit
from tuiswp.model.space import Categorical, Constant, LogUniform, Parameter, Uniform
from tuiswp.model.sweep import Sweep
from tuiswp.model.trial import Trial

_NOISY = 0.1  # coefficient of variation over the last rows that counts as unstable
_PRUNED = 0.9
_PRUNED_FROM = 10  # ended trials
_FIRST_SHARE = 0.05  # of the run, where no epoch is logged
_EDGE = 0.01  # share of a range next to its end
_CHANCE = 1e-3


def noisy_loss(
    sweep: Sweep, judgement: Judgement, curves: Mapping[int, Sequence[float]] | None
) -> list[Diagnosis]:
    """`noisy-loss`: the objective's rows wobble by more than a tenth, or than first from second.

    The second is said only where the objective is one row (`last`): a mean is calmer than its rows.
    """
    if curves is None or sweep.objective is None:
        return []
    ends = {t.number: tail(curves[t.number]) for t in judgement.ranked if t.number in curves}
    shares = [share for end in ends.values() if (share := variation(end)) is not None]
    noises = [noise for end in ends.values() if (noise := row_noise(end)) is not None]
    if not shares or not noises:
        return []
    share, noise = statistics.median(shares), statistics.median(noises)
    gap, one_row = judgement.gap, sweep.objective.reduce == "last"
    hides = one_row and gap is not None and 0 < gap < noise
    if share <= _NOISY and not hides:
        return []
    said = (
        f"A single row of the objective wobbles by {measured(noise)} ({percent(share)} of it, over "
        f"the last {TAIL} rows)"
    )
    if hides and gap is not None:
        said += f"; first and second are {measured(gap)} apart"
    what_next = (
        "Judge by a mean: tuiswp: {objective: mean 10}, or evaluate on more data."
        if one_row
        else "Average over more rows, evaluate on more data, or lower the learning rate."
    )
    return [Diagnosis("noisy-loss", "warning", f"{said}.", what_next)]


def mostly_pruned(trials: Sequence[Trial]) -> list[Diagnosis]:
    """`mostly-pruned`: nine of ten ended trials were stopped early, so few curves saw the end."""
    over = [trial for trial in trials if trial.state in ("done", "pruned", "failed", "lost")]
    pruned = sum(trial.state == "pruned" for trial in over)
    if len(over) < _PRUNED_FROM or pruned < _PRUNED * len(over):
        return []
    done = sum(trial.state == "done" for trial in over)
    return [
        Diagnosis(
            "mostly-pruned",
            "warning",
            f"{pruned} of {len(over)} ended trials ({percent(pruned / len(over))}) were pruned, "
            f"and {done} came to the end: a slow starter that would win is most likely among them.",
            "Let the stopper wait longer (a later first kill point, a smaller eta), and see with "
            "`tuiswp replay` who would have lived.",
        )
    ]


def died_early(
    sweep: Sweep,
    trials: Sequence[Trial],
    lost: Sequence[Diverged],
    epochs: Mapping[int, float] | None,
) -> list[Diagnosis]:
    """`died-early`: diverged or crashed within the first epoch (else the first 5 % of the run)."""
    gone = {one.trial.number for one in lost}
    early = [
        trial
        for trial in trials
        if (trial.number in gone or trial.state in ("failed", "lost"))
        and _in_first_epoch(trial, (epochs or {}).get(trial.number))
    ]
    ended = [trial for trial in trials if trial.cause is not None]
    if not early or not ended:
        return []
    diverged = [trial for trial in early if trial.number in gone]
    crashed = len(early) - len(diverged)
    parts = [f"{len(diverged)} diverged"] * bool(diverged) + [f"{crashed} crashed"] * bool(crashed)
    when = "the first epoch" if epochs else f"the first {percent(_FIRST_SHARE)} of the run"
    message = (
        f"{len(early)} of {len(ended)} ended trials died in {when} ({', '.join(parts)}): "
        f"{name_trials(early)}."
    )
    remedy = _lower_top(sweep, trials, diverged)
    if remedy is not None:
        what_next = f"Nothing above lived: one request {remedy.told}. A longer warm-up may do too."
    elif diverged:
        what_next = "Lower the learning rate's upper end, lengthen the warm-up, or clip gradients."
    else:
        what_next = f"See why with `tuiswp explain {early[0].id}` and `tuiswp logs {early[0].id}`."
    return [Diagnosis("died-early", "warning", message, what_next, remedy)]


def _in_first_epoch(trial: Trial, epoch: float | None) -> bool:
    if epoch is not None:
        return epoch < 1
    if trial.progress is None:
        return False  # how far it came is not known
    return trial.progress <= _FIRST_SHARE


def _lower_top(sweep: Sweep, trials: Sequence[Trial], diverged: Sequence[Trial]) -> Remedy | None:
    """Narrow the learning rate's range to what lived, if all above the highest survivor died."""
    rate = next((p for p in numeric_swept(sweep) if is_learning_rate(p)), None)
    if rate is None or not diverged or not isinstance(rate.distribution, Uniform | LogUniform):
        return None
    dead = [x for trial in diverged if (x := value_of(trial, rate)) is not None]
    lived = [
        x
        for t in trials
        if t.state == "done" and t.complete and (x := value_of(t, rate)) is not None
    ]
    if len(dead) < 2 or not lived or min(dead) <= max(lived):
        return None
    top = float(f"{math.sqrt(max(lived) * min(dead)):.2g}")
    told = f"lowers the max of {shown_name(rate)} to {spell(top, log=True)}"
    return Remedy("extend", told, (RangeEdit(rate.path, "range", high=top),))


def at_bound(sweep: Sweep, trials: Sequence[Trial]) -> list[Diagnosis]:
    """`at-bound`: the search proposes values at an end of a range far more often than by chance.

    Under the range's own law a draw falls within 1 % of an end with probability 0.01, so k of n
    have the tail of Binomial(n, 0.01); it is said when that is under 0.001.
    """
    given = ("baseline", "point", "clone", "replicate")  # a repeat says nothing of where to look
    narrow = {n for n, phase in enumerate(sweep.phases) if phase.refine or phase.ranges}
    sampled = [one for one in trials if one.origin not in given and one.phase not in narrow]
    found: list[Diagnosis] = []
    for parameter in tuned(sweep):
        ends = range_of(parameter)
        if ends is None or isinstance(parameter.distribution, Categorical | Constant):
            continue
        places = [p for t in sampled if (p := _place(parameter, ends, t)) is not None]
        for side in ("low", "high"):
            near = sum(p <= _EDGE if side == "low" else p >= 1 - _EDGE for p in places)
            if near < 3 or binomial_tail(near, len(places), _EDGE) >= _CHANCE:
                continue
            end = spell(
                ends[0 if side == "low" else 1], log=isinstance(parameter.distribution, LogUniform)
            )
            found.append(
                Diagnosis(
                    "at-bound",
                    "warning",
                    f"{near} of {len(places)} trials took a {shown_name(parameter)} within 1 % of "
                    f"its {side} end, {end}; by chance it would be "
                    f"{max(1, round(_EDGE * len(places)))}: the search wants to go on there.",
                    f"Extend {shown_name(parameter)} beyond {end}, or say why it ends there.",
                )
            )
    return found


def binomial_tail(least: int, count: int, share: float) -> float:
    """P(X ≥ least) for X ~ Binomial(count, share)."""
    below = math.fsum(
        math.comb(count, k) * share**k * (1 - share) ** (count - k) for k in range(least)
    )
    return max(0.0, 1.0 - below)


def _place(parameter: Parameter, ends: tuple[float, float], trial: Trial) -> float | None:
    """Where in its range a value lies, 0 to 1, on a log scale where the range is one."""
    x, (low, high) = value_of(trial, parameter), ends
    if x is None or low >= high:
        return None
    if isinstance(parameter.distribution, LogUniform):
        return None if x <= 0 else math.log(x / low) / math.log(high / low)
    return (x - low) / (high - low)


def found_twice(sweep: Sweep, judgement: Judgement) -> list[Diagnosis]:
    """`found-twice`: two independent halves of a random search have their best at one place."""
    same = agreement(sweep, judgement)
    if same is None:
        return []
    first, second = same.first, same.second
    values = " and ".join(measured(t.value) for t in (first, second) if finite(t.value))
    return [
        Diagnosis(
            "found-twice",
            "info",
            f"Trials with even and with odd numbers searched independently, and both have their "
            f"best at the same place: {first.id} and {second.id} ({values}); by chance that "
            f"happens once in {max(1, math.floor(1 / same.chance)):,} times.",
            "This speaks for the optimum. Repeat it with other seeds to know how far it holds.",
        )
    ]
