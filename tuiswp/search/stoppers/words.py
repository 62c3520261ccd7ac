"""What a rule found, in a sentence, and when it will look, in every unit that is known. Pure."""

from collections.abc import Mapping, Sequence

import msgspec

from tuiswp.errors import SpecError
from tuiswp.model.ids import trial_id
from tuiswp.model.stopper import Judged, Resource, Rule
from tuiswp.model.sweep import Sweep
from tuiswp.search.stoppers.base import Plan
from tuiswp.search.stoppers.rules import stopper_for
from tuiswp.text import visible

_NAMED = 12  # kill points written out


def verdict_text(judged: Judged, metric: str) -> str:
    """`hyperband at report 9: loss 2.41 is worse than 1.98; rank 7 of 9`."""
    where = f"{judged.rule} at {judged.resource} {judged.kill_point:g}"
    name = visible(metric, limit=60)
    value = f"{name} {judged.value:.4g}"
    if judged.rule == "patience":
        return f"{where}: {value} is no improvement on {judged.threshold:.4g}"
    limit = f"{judged.threshold:.4g}"
    if f"{judged.value:.4g}" == limit:  # as close as that, digits are the difference
        value, limit = f"{name} {judged.value!r}", repr(judged.threshold)
    how = "is worse than" if judged.stop else "passes, the limit is"
    best = f", {trial_id(judged.others[0])} is best" if judged.others else ""
    return f"{where}: {value} {how} {limit}; rank {judged.rank} of {judged.of}{best}"


def rule_text(rule: Rule | None) -> str:
    """`asha(min_resource=3, eta=4, resource=step)`; `none`."""
    if rule is None:
        return "none"
    fields = msgspec.to_builtins(rule)
    shown = [f"{k}={v}" for k, v in fields.items() if k != "type" and v is not None]
    return f"{rule_name(rule)}({', '.join(shown)})"


def rule_name(rule: Rule) -> str:
    """`hyperband`, `median`."""
    name = type(rule).__name__.lower()
    return "median" if getattr(rule, "percentile", None) == 50.0 else name


def plan_of(rule: Rule, length: Mapping[Resource, float]) -> Plan | None:
    """The kill points of a run of this length; None if its length in the resource is not known."""
    upto = 1.0 if rule.resource == "progress" else length.get(rule.resource)
    return None if upto is None else stopper_for(rule).plan(upto)


def plan_lines(rule: Rule, length: Mapping[Resource, float]) -> list[str]:
    """Every kill point, in all units that a run's `length` allows to convert."""
    plan = plan_of(rule, length)
    unit = rule.resource
    if plan is None:
        stopper = stopper_for(rule)
        points = (stopper.plan(1e6).points or stopper.plan(1e18).points)[:_NAMED]
        return [f"{unit} {listed(points)}, …: how far a run gets is not known"]
    if not plan.points:
        return ["none: such a run ends before the first"] if plan.complete else ["when it can tell"]
    lines = [f"{unit} {listed(plan.points, plan)}"]
    whole = 1.0 if unit == "progress" else length[unit]
    for other, amount in {**length, "progress": 1.0}.items():
        if other != unit:
            factor = amount / whole
            converted = [point * factor for point in plan.points]
            lines.append(f"{other} {listed(converted, plan, factor)}")
    return lines


def before_launch(sweep: Sweep) -> list[str]:
    """The rule and every kill point before anything runs, in all units that can be told."""
    rule = sweep.stopper
    if rule is None:
        return []
    lines = [f"early stopping by {rule_name(rule)}; the baseline is never stopped"]
    for number, text in enumerate(plan_lines(rule, sweep.length)):
        lines.append(f"{' = ' if number else 'kill points: '}{text}")
    if len(sweep.length) == 0 and rule.resource != "progress":
        lines.append(
            "say how long a run is (`tuiswp: {length: {step: 2000, report: 200}}`) to see them in "
            "every unit"
        )
    return lines


def never_fires(sweep: Sweep) -> SpecError | None:
    """The fault of a rule whose first kill point lies beyond the end of a run; None: it can fire.

    Only where the file says how long a run is (`tuiswp.length`).
    """
    rule = sweep.stopper
    plan = None if rule is None else plan_of(rule, sweep.length)
    if rule is None or plan is None or plan.points or not plan.complete:
        return None
    unit = rule.resource
    whole = 1.0 if unit == "progress" else sweep.length[unit]
    first = next(iter(stopper_for(rule).plan(1e18).points), None)
    beyond = "" if first is None else f"its first kill point is {unit} {first:g}; "
    key = "early_terminate" if "early_terminate" in sweep.lines else "tuiswp"
    line = sweep.lines.get(key)
    return SpecError(
        f"{rule_name(rule)} can never stop a trial: {beyond}a run has {whole:g} {unit}s",
        where=f"{sweep.source}:{line}: {key}" if line is not None else sweep.source,
        hint="lower its first kill point, or correct tuiswp.length",
    )


def listed(points: Sequence[float], plan: Plan | None = None, factor: float = 1.0) -> str:
    """`25, 50, 100`, or the first ones with `every 10` or the last."""
    shown = [f"{point:.6g}" for point in points]
    if len(shown) <= _NAMED:
        return ", ".join(shown)
    if plan is not None and plan.every is not None:
        return f"{shown[0]}, then every {plan.every * factor:.6g}"
    return f"{', '.join(shown[: _NAMED - 2])}, … {shown[-1]}"
