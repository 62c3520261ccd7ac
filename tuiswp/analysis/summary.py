"""The verdict as plain data: `results --json` and `best.json`. No pandas, no text for people.

Values are as recorded: nothing is filtered or rounded, so whoever prints them must.
"""

from collections.abc import Iterable, Mapping, Sequence

from tuiswp.analysis.findings import Diagnosis
from tuiswp.analysis.optimum import Judgement, finite, from_baseline_pct
from tuiswp.analysis.training import Health
from tuiswp.errors import UsageError
from tuiswp.model.space import Params, Value
from tuiswp.model.sweep import Sweep
from tuiswp.model.trial import Trial


def results_json(
    sweep: Sweep,
    judgement: Judgement,
    diagnoses: Sequence[Diagnosis],
    trials: Iterable[Trial],
    health: Mapping[int, Health] | None = None,
) -> dict[str, Value]:
    """The object `tuiswp results --json` prints; `trials` by number. Every number is finite.

    `health`: of each training, by trial number; without it nothing is said of it.
    """
    objective = sweep.objective
    ranks = {trial.number: rank for rank, trial in enumerate(judgement.ranked, start=1)}
    rows: list[Value] = []
    for trial in sorted(trials, key=lambda trial: trial.number):
        row: dict[str, Value] = {
            "id": trial.id,
            "state": trial.state,
            "cause": trial.cause,
            "origin": trial.origin,
            "phase": trial.phase,
            "params": trial.params,
            "value": _number(trial.value),
            "progress": _number(trial.progress),
            "step": _number(trial.step),
            "complete": trial.complete,
            "rank": ranks.get(trial.number),
            "from_baseline_pct": from_baseline_pct(sweep, judgement, trial),
        }
        if health is not None:
            row["training"] = health[trial.number].verdict if trial.number in health else "unknown"
        rows.append(row)
    found: list[Value] = [
        {
            "code": one.code,
            "severity": one.severity,
            "message": one.message,
            "suggestion": one.suggestion,
        }
        for one in diagnoses
    ]
    return {
        "sweep": sweep.name,
        "metric": None if objective is None else {"name": objective.metric, "goal": objective.goal},
        "optimum": _entry(judgement.optimum),
        "baseline": _entry(judgement.baseline),
        "improvement_pct": judgement.improvement_pct,
        "trials": rows,
        "diagnosis": found,
    }


def best_json(sweep: Sweep, judgement: Judgement) -> Params:
    """The best configuration: the optimum's parameters beside the metric that chose it.

    `metric_for_best_model` is the name as a Hugging Face trainer spells it (`eval_loss` for
    `eval/loss`). Should a parameter bear one of the three names, the metric's entry wins.

    Raises UsageError when there is no optimum.
    """
    if judgement.optimum is None or sweep.objective is None:
        raise UsageError(
            f"there is no best configuration: {judgement.why_none or 'no optimum'}",
            hint="`tuiswp results` says more",
        )
    name, goal = sweep.objective.metric, sweep.objective.goal
    return {
        **judgement.optimum.params,
        "metric_for_best_model": name.replace("/", "_"),
        "greater_is_better": goal == "maximize",
        "optimization_metric": {"name": name, "goal": goal},
    }


def _entry(trial: Trial | None) -> Value:
    if trial is None:
        return None
    return {"trial": trial.id, "value": _number(trial.value), "params": trial.params}


def _number(value: float | None) -> float | None:
    return value if finite(value) else None
