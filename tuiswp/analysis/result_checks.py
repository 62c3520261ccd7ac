"""What the trials themselves show: who is missing, who failed or diverged, what never differed."""

from collections.abc import Collection, Mapping, Sequence

from tuiswp.analysis.axes import is_learning_rate, measured, shown_name, spell
from tuiswp.analysis.divergence import Diverged
from tuiswp.analysis.findings import Diagnosis, Severity
from tuiswp.analysis.optimum import (
    Judgement,
    badness,
    finite,
    name_trials,
    objective_text,
)
from tuiswp.analysis.shape import numeric_swept, value_of
from tuiswp.analysis.space_checks import tuned
from tuiswp.metrics.derived import DerivedFault
from tuiswp.metrics.names import find, near
from tuiswp.model.space import Parameter
from tuiswp.model.sweep import Sweep
from tuiswp.model.trial import Trial
from tuiswp.spec.distributions import support_count, value_key
from tuiswp.spec.params import flatten, value_label
from tuiswp.text import visible


def no_valid_result(judgement: Judgement) -> list[Diagnosis]:
    """`no-valid-result`: something ended, and nothing can win."""
    if judgement.optimum is not None:
        return []
    over = [left.trial for left in judgement.left_out if left.code != "waiting"]
    if judgement.left_out and not over:
        return []  # nothing has ended yet: no news is not bad news
    if any(left.code == "no-metric" for left in judgement.left_out):
        what_next = "Add `metric: {name: …, goal: minimize}` to the sweep file."
    elif over:
        first = over[0].id
        what_next = f"See why with `tuiswp explain {first}` and `tuiswp logs {first}`."
    else:
        what_next = "Start the sweep with `tuiswp --batch` and its file."
    why = judgement.why_none or "no trial has a result"
    return [Diagnosis("no-valid-result", "error", f"No optimum: {why}.", what_next)]


def metric_missing(
    sweep: Sweep,
    trials: Sequence[Trial],
    judgement: Judgement,
    seen_metrics: Mapping[int, Collection[str]] | None,
) -> list[Diagnosis]:
    """`metric-missing`: trials that finished without the metric, and the names they logged."""
    if sweep.objective is None:
        return []
    wanted = objective_text(sweep.objective)
    silent = [trial for trial in trials if trial.state == "done" and not finite(trial.value)]
    if seen_metrics is None:
        if not silent or judgement.ranked:
            return []
        return [
            Diagnosis(
                "metric-missing",
                "warning",
                f"No finished trial left a finite value of {wanted}.",
                f"Check the names it logs: `tuiswp logs {silent[0].id}`, and metrics.jsonl in its "
                "directory.",
            )
        ]
    name = sweep.objective.metric
    missing = [
        trial
        for trial in silent
        if (names := seen_metrics.get(trial.number)) is not None and find(name, names) is None
    ]
    if not missing:
        return []
    logged = sorted({seen for t in missing for seen in seen_metrics.get(t.number, ())})
    shown = ", ".join(visible(one, limit=60) for one in logged[:8])
    rest = f" and {len(logged) - 8} more" if len(logged) > 8 else ""
    close = near(name, logged)
    computed = next((one for one in sweep.derived if one.name == name), None)
    if computed is not None:
        shown_expr = visible(computed.expr, limit=120)
        what_next = f"It is computed: {shown_expr}. Correct the names in it (tuiswp.metrics)."
    elif close:
        what_next = f"Set `metric.name: {visible(close[0], limit=80)}` if that is what you mean."
    elif logged:
        what_next = "Set `metric.name` to one of the logged names."
    else:
        what_next = "The script has to append JSON lines to metrics.jsonl in $TUISWP_TRIAL_DIR."
    return [
        Diagnosis(
            "metric-missing",
            "warning",
            f"{name_trials(missing)} finished without {wanted}; "
            f"logged: {shown or 'nothing'}{rest}.",
            what_next,
        )
    ]


def expression_faults(
    trials: Sequence[Trial], faults: Mapping[int, Sequence[DerivedFault]]
) -> list[Diagnosis]:
    """`expression-faults`: where a metric of the person's own could not be computed, and why."""
    alike: dict[tuple[str, int, str], list[Trial]] = {}
    for trial in trials:
        for metric, fault in faults.get(trial.number, ()):
            alike.setdefault((metric, fault.at, fault.what), []).append(trial)
    return [
        Diagnosis(
            "expression-faults",
            "warning",
            f"{visible(metric, limit=60)} has gaps in {name_trials(flagged)}: column {at}: "
            f"{visible(what, limit=120)}.",
            f"`tuiswp explain {flagged[0].id}` says at which steps; where(condition, a, b) in the "
            "expression can guard it.",
        )
        for (metric, at, what), flagged in alike.items()
    ]


def incomplete(sweep: Sweep, judgement: Judgement) -> list[Diagnosis]:
    """`incomplete-trials`: who is left out of the verdict, each with its reason."""
    waiting = [left for left in judgement.left_out if left.code == "waiting"]
    # Who is not comparable or not kept came to its end: the table says why it cannot win.
    fine = ("waiting", "no-metric", "not-comparable", "not-kept")
    pruned = [left.trial for left in judgement.left_out if left.trial.state == "pruned"]
    short = [
        left
        for left in judgement.left_out
        if left.code not in fine and left.trial.state != "pruned"
    ]
    if not waiting and not short and not pruned:
        return []
    alike: dict[str, list[Trial]] = {}
    for left in short:
        alike.setdefault(left.reason, []).append(left.trial)
    parts = [
        f"{name_trials(trials)}{':' if len(trials) > 1 else ''} {reason}"
        for reason, trials in list(alike.items())[:6]
    ]
    if len(alike) > 6:
        parts.append(f"{sum(map(len, list(alike.values())[6:]))} more")
    if pruned:  # as was meant: each verdict is in `explain`
        parts.append(f"{len(pruned)} stopped early ({name_trials(pruned, limit=3)})")
    if waiting:
        names = name_trials([left.trial for left in waiting])
        parts.append(f"{names} not over yet")
    message = f"Left out of the verdict: {'; '.join(parts)}."
    foreign = not sweep.run.command and sweep.run.program is None  # not ours to launch again
    optimum = judgement.optimum
    ahead = [
        left.trial
        for left in judgement.left_out
        if left.code not in fine[2:]
        if optimum is not None and _better(sweep, left.trial, optimum)
    ]
    if ahead:
        best = min(ahead, key=lambda trial: (_bad(sweep, trial), trial.number))
        message += (
            f" {best.id} stands better than the optimum so far "
            f"({measured(best.value or 0.0)}), and may not win unfinished."
        )
        # A paused or running trial has only to go on.
        verb = {"paused": "resume", "running": "attach", "queued": "explain"}.get(
            best.state, "restart"
        )
        what_next = f"`tuiswp {verb} {best.id}`, or `tuiswp results --include-partial`."
        if foreign:
            what_next = "`tuiswp results --include-partial` lets it win."
    elif short and foreign:
        what_next = "These runs were launched by something else: go on with them there."
    elif short:
        first = short[0].trial.id
        what_next = f"`tuiswp explain {first}` says why; `tuiswp restart {first}` runs it again."
    elif waiting:
        what_next = "`tuiswp status` shows how far they are."
    else:
        what_next = f"`tuiswp explain {pruned[0].id}` says by what; nothing is to be done."
    severity: Severity = "warning" if short else "info"
    return [Diagnosis("incomplete-trials", severity, message, what_next)]


def gone_astray(sweep: Sweep, lost: Sequence[Diverged]) -> list[Diagnosis]:
    """`diverged`: whose loss ran away, and at which learning rates."""
    if not lost:
        return []
    trials = [one.trial for one in lost]
    where = ""
    rates = [parameter for parameter in numeric_swept(sweep) if is_learning_rate(parameter)]
    if rates:
        xs = sorted(x for trial in trials if (x := value_of(trial, rates[0])) is not None)
        if xs:
            ends = spell(xs[0], log=True)
            if xs[-1] != xs[0]:
                ends += f" to {spell(xs[-1], log=True)}"
            where = f" at {shown_name(rates[0])} {ends}"
    return [
        Diagnosis(
            "diverged",
            "warning",
            f"{name_trials(trials)} diverged{where} ({lost[0].how}).",
            "Above a stable learning rate this is the right arm and is expected; otherwise lower "
            f"it or clip gradients. `tuiswp logs {trials[0].id}` shows the end.",
        )
    ]


def identical(sweep: Sweep, trials: Sequence[Trial], judgement: Judgement) -> list[Diagnosis]:
    """`identical-values`: what is swept does not differ, or does not reach the training."""
    sampled = [trial for trial in trials if trial.origin != "baseline"]
    found: list[Diagnosis] = []
    for parameter in tuned(sweep):
        values = [flatten(trial.params, (parameter,)).get(parameter.path) for trial in sampled]
        if len({value_key(v) for v in values}) == 1 and _implausible(sweep, parameter, len(values)):
            found.append(
                Diagnosis(
                    "identical-values",
                    "warning",
                    f"All {len(values)} trials took the same {shown_name(parameter)}, "
                    f"{value_label(parameter, values[0])}, although it is swept.",
                    "Check its values in the sweep file with `tuiswp check`.",
                )
            )
    results = {trial.value for trial in judgement.ranked}
    points = {value_key(trial.params) for trial in judgement.ranked}
    if len(judgement.ranked) >= 3 and len(results) == 1 and len(points) > 1:
        names = ", ".join(shown_name(parameter) for parameter in tuned(sweep)[:4])
        found.append(
            Diagnosis(
                "identical-values",
                "warning",
                f"{len(judgement.ranked)} trials with different parameters ended with exactly the "
                f"same value: {names or 'what is swept'} most likely never reaches the training.",
                f"Compare the command in `tuiswp explain {judgement.ranked[0].id}` with what the "
                "script reads.",
            )
        )
    return found


def _implausible(sweep: Sweep, parameter: Parameter, times: int) -> bool:
    """Can the same value, drawn `times` times, not be chance? A grid has its own order."""
    if sweep.method == "grid" or times < 2:
        return False
    choices = support_count(parameter.distribution)
    return choices is None or choices ** (times - 1) > 1000


def ties(judgement: Judgement) -> list[Diagnosis]:
    """`tie`: equal best values, decided by number."""
    if not judgement.ties or judgement.optimum is None:
        return []
    return [
        Diagnosis(
            "tie",
            "info",
            f"{name_trials(judgement.ties)} reached exactly the best value too; the first, "
            f"{judgement.optimum.id}, is taken.",
            "Choose by cost, or repeat them with other seeds.",
        )
    ]


def _bad(sweep: Sweep, trial: Trial) -> float:
    goal = "minimize" if sweep.objective is None else sweep.objective.goal
    return badness(trial.value, goal) if finite(trial.value) else float("inf")


def _better(sweep: Sweep, trial: Trial, optimum: Trial) -> bool:
    return _bad(sweep, trial) < _bad(sweep, optimum)
