"""Has a sweep found enough? Each stop rule says how near it is, with its numbers. Pure.

A rule that knows nothing yet (no best, no GPU) is never reached. Time counts while trials ran: a
night in which nothing ran uses up no budget, and an hour of one GPU is one GPU-hour whoever shared
it. Only the sweep and its trials matter, so whoever replays the journal reads the same.
"""

from collections import Counter
from collections.abc import Collection, Iterable, Sequence

import msgspec

from tuiswp.analysis.axes import measured
from tuiswp.analysis.optimum import badness, best_so_far, change_pct, may_win, objective_text
from tuiswp.gpu.environment import CPU
from tuiswp.model.stop import StopRule
from tuiswp.model.sweep import Sweep
from tuiswp.model.trial import Ended, Trial
from tuiswp.text import visible

HOUR = 3600.0
SEARCHING: tuple[StopRule, ...] = ("min_improvement", "same_best", "all_worse")


class Near(msgspec.Struct, frozen=True):
    """How near one rule is. `text`: `same best for 12 of 20 trials`. `why`: once it is reached."""

    rule: StopRule
    text: str
    reached: bool = False
    why: str = ""


def why_enough(
    sweep: Sweep, trials: Iterable[Trial], now: float, overruled: Collection[str] = ()
) -> Near | None:
    """The first rule that is reached; `overruled` ones do not count. None: go on."""
    near = nearness(sweep, trials, now)
    return next((one for one in near if one.reached and one.rule not in overruled), None)


def nearness(sweep: Sweep, trials: Iterable[Trial], now: float) -> tuple[Near, ...]:
    """Every rule of the sweep, in the order of the file format."""
    trials = sorted(trials, key=lambda trial: trial.number)
    found = [_target(sweep, trials), *_searching(sweep, trials), *_spent(sweep, trials, now)]
    found.append(_failures(sweep, trials))
    return tuple(one for one in found if one is not None)


def rule_lines(sweep: Sweep) -> list[str]:
    """Every rule as it will be read, before anything runs."""
    rules, found = sweep.stop, list[str]()
    if sweep.objective is not None and sweep.objective.target is not None:
        found.append(f"{objective_text(sweep.objective)} reaches {sweep.objective.target:g}")
    if rules.min_improvement is not None:
        found.append(
            f"the last {rules.over} trials improved the best by less than "
            f"{100 * rules.min_improvement:g}% each"
        )
    if rules.same_best is not None:
        found.append(f"the best has not changed for {rules.same_best} trials")
    if rules.all_worse is not None:
        found.append(f"{rules.all_worse} trials in a row, failed ones too, are worse than the best")
    if rules.hours is not None:
        found.append(f"trials ran for {rules.hours:g} hours")
    if rules.gpu_hours is not None:
        found.append(f"{rules.gpu_hours:g} GPU-hours are spent")
    if rules.failures is not None:
        found.append(f"{rules.failures} trials failed")
    return found


def _target(sweep: Sweep, trials: Sequence[Trial]) -> Near | None:
    objective = sweep.objective
    if objective is None or objective.target is None:
        return None
    best = best_so_far(sweep, trials)
    name = objective_text(objective)
    goal = f"{name} {objective.target:g}"
    if best is None or best.value is None:
        return Near("target", f"target {goal}")
    sign = 1 if objective.goal == "minimize" else -1
    why = f"target reached: {best.id} has {name} {measured(best.value)}, asked was {goal}"
    return Near(
        "target",
        f"target {goal}, the best is {measured(best.value)}",
        sign * best.value <= sign * objective.target,
        why,
    )


# ── diminishing returns ──────────────────────────────────────────────────────────────────────────


def _searching(sweep: Sweep, trials: Sequence[Trial]) -> list[Near | None]:
    """In phases, only what the phase did counts."""
    if sweep.phase is not None:
        trials = [trial for trial in trials if trial.phase == sweep.phase]
    rules = sweep.stop
    if rules.min_improvement is None and rules.same_best is None and rules.all_worse is None:
        return []
    ended = in_order(trials)
    return [_improvement(sweep, ended), _same_best(sweep, ended), _all_worse(sweep, ended)]


def in_order(trials: Iterable[Trial]) -> list[Trial]:
    """The trials that are over, in the order in which they ended."""
    ended = [(t.status.at, t.number, t) for t in trials if isinstance(t.status, Ended)]
    return [trial for _, _, trial in sorted(ended, key=lambda one: one[:2])]


def _tells(trial: Trial) -> bool:
    """It came to its end, or was stopped because it was worse: it says something of the search."""
    return trial.state in ("done", "pruned")


def _improvement(sweep: Sweep, ended: Sequence[Trial]) -> Near | None:
    """The best of all against the best without the last `over`, per trial of these."""
    least, over = sweep.stop.min_improvement, sweep.stop.over
    if least is None or sweep.objective is None:
        return None
    goal = f"{100 * least:g}% per trial"
    told = [trial for trial in ended if _tells(trial)]
    before, now = best_so_far(sweep, told[:-over]), best_so_far(sweep, told)
    if before is None or now is None or before.value is None or now.value is None:
        return Near("min_improvement", f"improvement below {goal}: known after {over} more trials")
    gained = change_pct(now.value, before.value, sweep.objective.goal)
    if gained is None:
        return Near("min_improvement", f"improvement below {goal}: the best was 0, no share of it")
    each = gained / over
    text = f"the last {over} trials improved the best by {each:.3g}% each"
    return Near("min_improvement", f"{text}, enough is below {goal}", each < 100 * least,
                f"{text}, less than {goal}: {_best(now)}")  # fmt: skip


def _same_best(sweep: Sweep, ended: Sequence[Trial]) -> Near | None:
    limit = sweep.stop.same_best
    if limit is None:
        return None
    best = best_so_far(sweep, ended)
    told = [trial for trial in ended if _tells(trial)]
    since = 0 if best is None else _since_best(sweep, told)
    text = f"same best for {min(since, limit)} of {limit} trials"
    if best is None:
        return Near("same_best", text)
    why = f"the best, {_best(best)}, has not changed for {since} trials"
    return Near("same_best", text, since >= limit, why)


def _since_best(sweep: Sweep, told: Sequence[Trial]) -> int:
    """How many ended after the trial that first reached the best value."""
    assert sweep.objective is not None
    least, place = None, 0
    for number, trial in enumerate(told, 1):
        if may_win(trial) and trial.value is not None:
            value = badness(trial.value, sweep.objective.goal)
            if least is None or value < least:
                least, place = value, number
    return len(told) - place


def _all_worse(sweep: Sweep, ended: Sequence[Trial]) -> Near | None:
    """How many in a row, failed ones too, did not reach the best before them."""
    limit = sweep.stop.all_worse
    if limit is None or sweep.objective is None:
        return None
    least: float | None = None
    worse = 0
    for trial in ended:
        if trial.state == "killed":  # by a person: it says nothing
            continue
        good = may_win(trial) and trial.value is not None
        value = (
            badness(trial.value, sweep.objective.goal) if good and trial.value is not None else None
        )
        if value is not None and (least is None or value <= least):
            least, worse = value, 0
        elif least is not None:
            worse += 1
    text = f"{min(worse, limit)} of {limit} trials in a row worse than the best"
    best = best_so_far(sweep, ended)
    if best is None:
        return Near("all_worse", text)
    why = f"the last {worse} trials, failed ones included, were all worse than {_best(best)}"
    return Near("all_worse", text, worse >= limit, why)


def _best(trial: Trial) -> str:
    return trial.id if trial.value is None else f"{trial.id} {measured(trial.value)}"


# ── budgets ──────────────────────────────────────────────────────────────────────────────────────


def _spent(sweep: Sweep, trials: Sequence[Trial], now: float) -> list[Near | None]:
    rules, found = sweep.stop, list[Near | None]()
    if rules.hours is not None:
        used = hours_used(trials, now)
        text = f"{used:.3g} of {rules.hours:g} hours"
        found.append(Near("hours", text, used >= rules.hours, f"{text} are spent"))
    if rules.gpu_hours is not None:
        used = gpu_hours_used(trials, now)
        text = f"{used:.3g} of {rules.gpu_hours:g} GPU-hours"
        found.append(Near("gpu_hours", text, used >= rules.gpu_hours, f"{text} are spent"))
    return found


def hours_used(trials: Iterable[Trial], now: float) -> float:
    """Hours in which at least one of them ran."""
    return _covered([span for trial in trials for span, _ in _spans(trial, now)]) / HOUR


def gpu_hours_used(trials: Iterable[Trial], now: float) -> float:
    """Hours that GPUs were held for them, summed over the GPUs; of CPU slots there are none."""
    held: dict[str, list[tuple[float, float]]] = {}
    for trial in trials:
        for span, uuids in _spans(trial, now):
            for uuid in uuids:
                held.setdefault(uuid, []).append(span)
    return sum(map(_covered, held.values())) / HOUR


def _spans(trial: Trial, now: float) -> Iterable[tuple[tuple[float, float], set[str]]]:
    for attempt in trial.attempts:
        end = now if attempt.ended_at is None else attempt.ended_at
        uuids = {lease.uuid for lease in attempt.leases if lease.uuid != CPU}
        yield (attempt.launched_at, max(attempt.launched_at, end)), uuids


def _covered(spans: list[tuple[float, float]]) -> float:
    """Seconds that at least one of the spans covers."""
    total, until = 0.0, float("-inf")
    for begin, end in sorted(spans):
        total += max(0.0, end - max(begin, until))
        until = max(until, end)
    return total


# ── failures ─────────────────────────────────────────────────────────────────────────────────────


def _failures(sweep: Sweep, trials: Sequence[Trial]) -> Near | None:
    limit = sweep.stop.failures
    if limit is None:
        return None
    failed = [trial for trial in trials if trial.state in ("failed", "lost")]
    text = f"{min(len(failed), limit)} of {limit} failures"
    if len(failed) < limit:
        return Near("failures", text)
    said = Counter(_evidence(trial) for trial in failed)
    common, count = said.most_common(1)[0]
    alike = (
        ", all alike" if count == len(failed) else f", {count} of them alike" if count > 1 else ""
    )
    example = next(trial for trial in failed if _evidence(trial) == common)
    why = f"{len(failed)} trials failed{alike}: {visible(common, limit=160)} ({example.id})"
    return Near("failures", text, True, why)


def _evidence(trial: Trial) -> str:
    return trial.status.evidence if isinstance(trial.status, Ended) else ""
