"""Choose the optimum: which trials may win, which wins, and how far it is from the default.

Pure and light: the controller imports it. It reads no file, and it never lets a trial win that has
no finite value, that did not end well, or that did not run to the end.
"""

import math
from collections.abc import Iterable, Sequence
from typing import Literal, TypeAlias, TypeGuard

import msgspec
from msgspec.structs import replace

from tuiswp.analysis.competing import Scored, compete
from tuiswp.model.ids import trial_id
from tuiswp.model.sweep import Goal, Objective, Sweep
from tuiswp.model.trial import Ended, Trial
from tuiswp.spec.phased import comparable
from tuiswp.text import visible

# waiting: not over yet. stopped-early: done, but short of `complete_at`. ended-badly: failed,
# killed, pruned or lost. no-value: ran to the end and left no finite objective. no-metric: the
# sweep names no objective at all.
# not-comparable: another phase decides. not-kept: better, but not by as much as its phase asks.
LeftOutCode: TypeAlias = Literal[
    "waiting", "stopped-early", "ended-badly", "no-value", "no-metric", "not-comparable", "not-kept"
]  # fmt: skip


class LeftOut(msgspec.Struct, frozen=True):
    """A trial that cannot win, and why. `reason` is safe to print."""

    trial: Trial
    code: LeftOutCode
    reason: str


class Judgement(msgspec.Struct, frozen=True):
    """What the results say.

    `ranked`: the trials that may win, best first, equal values by number. `ties`: others with
    exactly the best value. `gap`: how much worse the runner-up is, in the metric's unit, >= 0.
    `reference`: the baseline's value if it may be compared with (it ran to the end).
    `improvement_pct`: of the optimum over the baseline, positive is better; None when there is no
    judged baseline or its value is 0. `repeats`: how many of the first in `ranked` are repeats of a
    phase that validates; they are ordered by the means of their settings. `why_none`: why there is
    no optimum, safe to print.
    """

    ranked: tuple[Trial, ...] = ()
    left_out: tuple[LeftOut, ...] = ()
    optimum: Trial | None = None
    runner_up: Trial | None = None
    gap: float | None = None
    ties: tuple[Trial, ...] = ()
    baseline: Trial | None = None
    reference: float | None = None
    improvement_pct: float | None = None
    why_none: str | None = None
    include_partial: bool = False
    repeats: int = 0

    @property
    def trials(self) -> tuple[Trial, ...]:
        """Every trial that was judged, by number."""
        found = [*self.ranked, *(left.trial for left in self.left_out)]
        return tuple(sorted(found, key=lambda trial: trial.number))


def judge(sweep: Sweep, trials: Iterable[Trial], *, include_partial: bool = False) -> Judgement:
    """Rank `trials` by the sweep's objective and choose the optimum.

    A trial may win when it is done, complete and its value is finite. With `include_partial`, any
    finite value may. Equal best values: the lowest number wins and the others are in `ties`.
    """
    trials = sorted(trials, key=lambda trial: trial.number)
    objective = sweep.objective
    eligible: list[tuple[float, Trial]] = []
    left_out: list[LeftOut] = []
    for trial in trials:
        left = _why_left_out(trial, sweep, include_partial=include_partial)
        if left is not None:
            left_out.append(left)
        elif objective is not None and finite(trial.value):
            eligible.append((badness(trial.value, objective.goal), trial))
    eligible.sort(key=lambda pair: (pair[0], pair[1].number))
    setting: dict[int, int] = {}
    if sweep.phases:
        eligible, barred, setting = _competing(sweep, trials, eligible)
        left_out = sorted([*left_out, *barred], key=lambda left: left.trial.number)
    ranked = tuple(trial for _, trial in eligible)
    baseline = next((trial for trial in trials if trial.origin == "baseline"), None)
    if not ranked or objective is None:
        return Judgement(
            left_out=tuple(left_out),
            baseline=baseline,
            why_none=_why_none(sweep, left_out),
            include_partial=include_partial,
        )
    best = eligible[0][0]
    reference = _reference(sweep, ranked[0], baseline, left_out)
    first = setting.get(ranked[0].number)
    rival = next(
        (p for p in eligible[1:] if first is None or setting.get(p[1].number) != first), None
    )
    return Judgement(
        ranked=ranked,
        left_out=tuple(left_out),
        optimum=ranked[0],
        runner_up=None if rival is None else rival[1],
        gap=None if rival is None else max(0.0, rival[0] - best),
        ties=tuple(trial for bad, trial in eligible[1:] if bad == best and first is None),
        baseline=baseline,
        reference=reference,
        improvement_pct=_change(ranked[0].value, reference, objective.goal),
        include_partial=include_partial,
        repeats=len(setting),
    )


def _competing(
    sweep: Sweep, trials: Sequence[Trial], eligible: Sequence[Scored]
) -> tuple[list[Scored], list[LeftOut], dict[int, int]]:
    found = compete(sweep, trials, eligible)
    return list(found.ranked), [LeftOut(*one) for one in found.barred], found.settings


def _reference(
    sweep: Sweep, best: Trial, baseline: Trial | None, left_out: Sequence[LeftOut]
) -> float | None:
    """The baseline's value, where it can be compared with the best."""
    if baseline is None or not comparable(sweep, best.params, [baseline]):
        return None
    unfit = any(
        left.trial.number == baseline.number and left.code not in ("not-comparable", "not-kept")
        for left in left_out
    )
    return None if unfit else baseline.value


def with_newest(sweep: Sweep, judgement: Judgement, trials: Iterable[Trial]) -> Judgement:
    """The same verdict with what the files of trials that are not over say by now."""
    newest = {trial.number: trial for trial in trials}
    left_out = tuple(
        _why_left_out(
            newest.get(left.trial.number, left.trial),
            sweep,
            include_partial=judgement.include_partial,
        )
        or left
        if left.code == "waiting"
        else left
        for left in judgement.left_out
    )
    return replace(judgement, left_out=left_out)


def best_so_far(sweep: Sweep, trials: Iterable[Trial]) -> Trial | None:
    """The trial `judge` would choose, in one pass and without the table around it."""
    if sweep.objective is None:
        return None
    if sweep.phases:
        return judge(sweep, trials).optimum
    best: Trial | None = None
    least = (math.inf, 0)
    for trial in trials:
        if may_win(trial) and finite(trial.value):
            place = (badness(trial.value, sweep.objective.goal), trial.number)
            if best is None or place < least:
                best, least = trial, place
    return best


def may_win(trial: Trial) -> bool:
    """Done, complete, and with a finite value."""
    return trial.state == "done" and trial.complete and finite(trial.value)


def finite(value: float | None) -> TypeGuard[float]:
    """A number that can be compared; None, NaN and Infinity cannot."""
    return value is not None and math.isfinite(value)


def badness(value: float, goal: Goal) -> float:
    """`value` turned so that smaller is better, whatever the goal."""
    return value if goal == "minimize" else -value


def change_pct(value: float, reference: float, goal: Goal) -> float | None:
    """How much better `value` is than `reference`, in percent of |reference|; negative: worse.

    None when the reference is 0 or the result is not a number.
    """
    if reference == 0:
        return None
    difference = badness(reference, goal) - badness(value, goal)
    change = 100.0 * difference / abs(reference)
    return change if math.isfinite(change) else None


def from_baseline_pct(sweep: Sweep, judgement: Judgement, trial: Trial) -> float | None:
    """Distance of `trial` from the default, positive is better; None when either has no value.

    A baseline that did not run to the end is not compared with, unless partial results count.
    """
    if sweep.objective is None or not finite(trial.value):
        return None
    return _change(trial.value, judgement.reference, sweep.objective.goal)


def objective_text(objective: Objective) -> str:
    """The objective in words, `train_mean_nll (mean of last 10)`. Safe to print."""
    name = visible(objective.metric, limit=80)
    match objective.reduce:
        case "last":
            return name
        case "best":
            return f"{name} (best of the run)"
        case "mean" | "median" as rule:
            return f"{name} ({rule} of last {objective.window})"


def percent(share: float, *, digits: int = 1) -> str:
    """A share of 1 as percent, rounded down: 0.9799 never reads as 98 %."""
    scale = 10**digits
    return f"{math.floor(100 * share * scale + 1e-9) / scale:g} %"


def name_trials(trials: Sequence[Trial], *, limit: int = 8) -> str:
    """`t0001, t0004 and 3 more`."""
    names = ", ".join(trial.id for trial in trials[:limit])
    rest = len(trials) - limit
    return f"{names} and {rest} more" if rest > 0 else names


def _why_left_out(trial: Trial, sweep: Sweep, *, include_partial: bool) -> LeftOut | None:
    if sweep.objective is None:
        return LeftOut(trial, "no-metric", "the sweep names no metric")
    if include_partial and finite(trial.value):
        return None
    match trial.state:
        case "queued":
            return LeftOut(trial, "waiting", "waits for its turn")
        case "running":
            return LeftOut(trial, "waiting", f"still running{_at(trial)}")
        case "paused":
            return LeftOut(trial, "waiting", f"paused{_at(trial)}")
        case "failed" | "killed" | "pruned" | "lost" as state:
            return LeftOut(trial, "ended-badly", f"{state}{_at(trial)}{_evidence(trial)}")
        case "done":
            if not trial.complete:
                need = percent(sweep.complete_at)
                return LeftOut(trial, "stopped-early", f"ended{_at(trial)}, complete from {need}")
            if not finite(trial.value):
                name = objective_text(sweep.objective)
                return LeftOut(trial, "no-value", f"has no finite value of {name}")
            return None


def _at(trial: Trial) -> str:
    if trial.progress is None or not math.isfinite(trial.progress):
        return "" if trial.state != "done" else " without reporting its progress"
    return f" at {percent(trial.progress)}"


def _evidence(trial: Trial) -> str:
    if not isinstance(trial.status, Ended):
        return ""
    evidence = visible(trial.status.evidence, limit=160)
    cause = "" if trial.status.cause == trial.status.state else f" ({trial.status.cause})"
    return f"{cause}: {evidence}" if evidence else cause


def _change(value: float | None, reference: float | None, goal: Goal) -> float | None:
    return None if value is None or reference is None else change_pct(value, reference, goal)


def _why_none(sweep: Sweep, left_out: Sequence[LeftOut]) -> str:
    if sweep.objective is None:
        return "the sweep file names no metric, so nothing can be judged"
    if not left_out:
        return "no trial has been started"
    waiting = sum(left.code == "waiting" for left in left_out)
    if waiting == len(left_out):
        return f"none of the {waiting} trials has ended yet"
    last = next(left for left in left_out if left.code != "waiting")
    return (
        f"none of the {len(left_out)} trials ended complete with a finite value of "
        f"{objective_text(sweep.objective)} (for example {trial_id(last.trial.number)}: "
        f"{last.reason})"
    )
