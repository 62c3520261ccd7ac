"""The verdict as text for a terminal: the three lines of the answer, and the rows of the table.

Every string is safe to print. It may still hold `[brackets]`: print it without markup.
"""

from collections.abc import Mapping

import msgspec

from tuiswp.analysis.axes import is_learning_rate, is_seed, measured, number, shown_name, words
from tuiswp.analysis.optimum import (
    Judgement,
    finite,
    from_baseline_pct,
    objective_text,
    percent,
)
from tuiswp.analysis.training import Health
from tuiswp.model.space import Parameter
from tuiswp.model.sweep import Objective, Sweep
from tuiswp.model.trial import Trial
from tuiswp.spec.params import flatten, label, swept, value_label
from tuiswp.spec.scale import is_logarithmic
from tuiswp.text import visible

_LOSSES = {"loss", "nll", "ce", "xent", "perplexity", "ppl", "bpb"}


class Row(msgspec.Struct, frozen=True):
    """One line of the table; `cells` match `columns(sweep)`."""

    trial: Trial
    cells: tuple[str, ...]
    best: bool = False
    baseline: bool = False


def headline(sweep: Sweep, judgement: Judgement) -> list[str]:
    """The answer in a few lines: where the optimum is, its value, the gain over the default."""
    best, objective = judgement.optimum, sweep.objective
    if best is None or objective is None or best.value is None:
        return [f"No optimum: {judgement.why_none or 'no trial has a result'}."]
    values = flatten(best.params, sweep.parameters)
    lines = [
        f"Optimal {_parameter_label(parameter)}: {_optimal(parameter, best)}"
        for parameter in swept(sweep)
        if parameter.path in values and not is_seed(parameter)
    ]
    if not lines:
        lines = [f"Best trial: {best.id}"]
    if judgement.include_partial and not (best.state == "done" and best.complete):
        share = "" if best.progress is None else f", {percent(best.progress)}"
        lines.append(f"Partial: {best.id} did not run to the end ({best.state}{share})")
    lines.append(_best_value(objective, best.value))
    lines.append(f"Improvement over default: {_improvement(judgement)}")
    return lines


def is_loss(objective: Objective) -> bool:
    """Does the metric look like a loss to be minimized: `train_mean_nll`, `eval/loss`?"""
    return objective.goal == "minimize" and bool(words(objective.metric) & _LOSSES)


def columns(sweep: Sweep) -> tuple[str, ...]:
    """Headers of `rows`."""
    value = "value" if sweep.objective is None else objective_text(sweep.objective)
    names = (shown_name(parameter) for parameter in swept(sweep))
    phase = ("phase",) if sweep.phases else ()
    end = ("vs default", "progress", "state", "training", "note")
    return ("#", "trial", *phase, *names, value, *end)


def phase_name(sweep: Sweep, trial: Trial) -> str | None:
    """The name of the phase a trial came to be in, safe to print; None without one."""
    if trial.phase is None or not 0 <= trial.phase < len(sweep.phases):
        return None
    return visible(sweep.phases[trial.phase].name, limit=20)


def rows(
    sweep: Sweep,
    judgement: Judgement,
    *,
    most: int | None = None,
    health: Mapping[int, Health] | None = None,
) -> list[Row]:
    """The table: ranked trials best first, then those left out by number, each with its reason.

    `most`: no more than so many rows, the first; None: all. `health`: of each training by trial
    number; where it is well or not known the cell is empty.
    """
    ill = {number: one.verdict for number, one in (health or {}).items() if one.is_ill}
    parameters = swept(sweep)
    logs = {p.path: is_logarithmic(p) for p in parameters}  # once: a list may have 1,000 values
    best = judgement.optimum
    reasons = {left.trial.number: left.reason for left in judgement.left_out}
    ties = {trial.number for trial in judgement.ties}
    ordered = [(str(rank), trial) for rank, trial in enumerate(judgement.ranked, start=1)]
    # In phases, those left out stand by phase, the newest first.
    others = sorted((left.trial for left in judgement.left_out), key=lambda one: -(one.phase or 0))
    ordered += [("-", trial) for trial in others]
    table = []
    for rank, trial in ordered[:most]:
        is_best = best is not None and trial.number == best.number
        is_baseline = trial.origin == "baseline"
        notes = ["best"] * is_best + ["tie"] * (trial.number in ties) + ["default"] * is_baseline
        if trial.number in reasons:
            notes.append(reasons[trial.number])
        values = flatten(trial.params, parameters)
        table.append(
            Row(
                trial,
                (
                    rank,
                    trial.id,
                    *((phase_name(sweep, trial) or "",) if sweep.phases else ()),
                    *(
                        label(values[p.path], log=logs[p.path]) if p.path in values else ""
                        for p in parameters
                    ),
                    measured(trial.value) if finite(trial.value) else "-",
                    ""  # a table leaves out a column that says nothing
                    if judgement.baseline is None
                    else signed_pct(from_baseline_pct(sweep, judgement, trial)),
                    "" if not finite(trial.progress) else percent(trial.progress),
                    trial.state,
                    ill.get(trial.number, ""),
                    ", ".join(notes),
                ),
                best=is_best,
                baseline=is_baseline,
            )
        )
    return table


def signed_pct(change: float | None) -> str:
    """`+1.20%`, `-3.00%`, `0.00%`; `-` when unknown."""
    if change is None:
        return "-"
    return "0.00%" if abs(change) < 0.005 else f"{change:+.2f}%"


def _parameter_label(parameter: Parameter) -> str:
    return "LR" if is_learning_rate(parameter) else shown_name(parameter)


def _optimal(parameter: Parameter, best: Trial) -> str:
    value = flatten(best.params, (parameter,))[parameter.path]
    x = number(value)
    return (
        f"{x:.2e}"
        if x is not None and is_learning_rate(parameter)
        else value_label(parameter, value)
    )


def _best_value(objective: Objective, value: float) -> str:
    if is_loss(objective) and objective.reduce != "best":
        # `reduce: last` needs no more words; another rule is named beside the number.
        name = visible(objective.metric, limit=80)
        rule = f" ({name}, {objective.reduce} of last {objective.window})"
        rule = "" if objective.reduce == "last" else rule
        return f"Best final loss: {measured(value)}{rule}"
    return f"Best {objective_text(objective)}: {measured(value)}"


def _improvement(judgement: Judgement) -> str:
    gain, best, baseline = judgement.improvement_pct, judgement.optimum, judgement.baseline
    if baseline is None:
        return "unknown (no default among the trials)"
    if gain is None:
        why = "its value is 0" if judgement.reference == 0 else "it has no complete result"
        for left in judgement.left_out:
            if left.trial.number == baseline.number and left.code == "not-comparable":
                why = left.reason
        return f"unknown (default {baseline.id}: {why})"
    is_default = best is not None and best.number == baseline.number
    return f"{gain:.2f}%" + (" (the default is the best)" if is_default else "")
