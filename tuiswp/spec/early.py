"""Early stopping as a sweep file asks for it: W&B's `early_terminate`, and `tuiswp.early_stop`.

`early_terminate` is W&B's hyperband and counts reports of the metric, as W&B does. Ours names its
rule and its resource: {type: asha, resource: step, min_resource: 500}. Without a `type` it changes
the resource of the `early_terminate` beside it.
"""

import re
from collections.abc import Mapping

from tuiswp.errors import SpecErrors, UsageError
from tuiswp.model.stopper import (
    Asha,
    Bound,
    Hyperband,
    Patience,
    Percentile,
    Resource,
    Rule,
    Schedule,
    Wilcoxon,
)
from tuiswp.spec.reader import Reader, Section, kind_of
from tuiswp.spec.scalars import as_number
from tuiswp.spec.tree import Items, Keyed, Leaf, Node, parse
from tuiswp.text import visible

_HYPERBAND = ("min_iter", "max_iter", "s", "eta", "strict")
_RANKED = ("startup", "warmup", "interval")
# type → its keys, besides type and resource
_TYPES: Mapping[str, tuple[str, ...]] = {
    "hyperband": _HYPERBAND,
    "asha": ("min_resource", "eta"),
    "median": _RANKED,
    "percentile": ("percentile", *_RANKED),
    "schedule": ("bounds",),
    "patience": ("patience", "min_delta", "warmup"),
    "wilcoxon": ("p_threshold", "startup"),
}
_RESOURCES: Mapping[str, Resource] = {
    "report": "report", "step": "step", "progress": "progress", "epoch": "epoch",
}  # fmt: skip
_ETA_HINT = "write 3: at each kill point about one in three goes on"
_RESOURCE_HINTS = {
    "iteration": "write report (the n-th value of the metric) or step",
    "iterations": "write report (the n-th value of the metric) or step",
    "evaluation": "write report", "evaluations": "write report", "reports": "write report",
    "steps": "write step", "epochs": "write epoch", "fraction": "write progress",
}  # fmt: skip


def read_rule(early_terminate: Section | None, early_stop: Section | None) -> Rule | None:
    """The rule of a file; None if it has none, or after a fault, which the reader then holds."""
    theirs = None if early_terminate is None else _wandb(early_terminate)
    if early_stop is None:
        if theirs is not None and early_terminate is not None:
            early_terminate.reader.note(
                "early_terminate counts the values logged of the metric, as W&B does, not steps; "
                "`tuiswp: {early_stop: {resource: step}}` counts steps"
            )
        return theirs
    if "type" in early_stop:
        if early_terminate is not None:
            hint = "remove one; early_stop: {resource: …} alone changes what early_terminate counts"
            early_stop.fault("type", "stands beside early_terminate", hint)
            return None
        return _ours(early_stop)
    if early_terminate is None:
        hint = f"write type: {', '.join(_TYPES)}"
        early_stop.reader.fault(early_stop.node.line, early_stop.path, "type is missing", hint)
        return None
    early_stop.unknown(("resource",), dict.fromkeys(_HYPERBAND, "write it in early_terminate"))
    resource = _resource(early_stop, "report")
    if theirs is None or resource is None:
        return None
    if resource == "progress":
        hint = "write early_stop: {type: hyperband, resource: progress, min_iter: 0.05}"
        early_stop.fault("resource", "whole numbers of early_terminate are no progress", hint)
        return None
    return Hyperband(
        theirs.min_iter, theirs.max_iter, theirs.s, theirs.eta, theirs.strict, resource
    )


def rule_of(text: str) -> Rule | None:
    """A rule as a person types it: `{type: asha, min_resource: 3}`, `asha:min_resource=3,eta=3`.

    `none` is no rule. Raises UsageError.
    """
    if text.strip().lower() in ("none", "no", "off"):
        return None
    short = re.fullmatch(r"([a-z_]+)(?::(.*))?", text.strip(), re.DOTALL)
    if short is not None:
        pairs = [part.replace("=", ": ", 1) for part in (short[2] or "").split(",") if part.strip()]
        text = f"{{type: {', '.join([short[1], *pairs])}}}"
    reader = Reader("the rule")
    try:
        node, faults = parse(text, "the rule")
        reader.faults.extend(faults)
        rule = None
        if isinstance(node, Keyed):
            rule = read_rule(None, Section(reader, node, ("early_stop",)))
        elif not faults:
            reader.fault(None, ("early_stop",), f"must be a mapping, not {kind_of(node)}")
    except SpecErrors as errors:
        raise UsageError(str(errors), hint=_RULE_HINT) from None
    if rule is None:
        raise UsageError("; ".join(map(str, reader.faults)) or "is no rule", hint=_RULE_HINT)
    return rule


def typed_rule(rule: Rule | None) -> str:
    """A rule as `rule_of` reads it back; `none`.

    >>> typed_rule(Asha(3.0, 4.0, "step"))
    'asha:min_resource=3,eta=4,resource=step'
    """
    if rule is None:
        return "none"
    kind = type(rule).__name__.lower()
    given = [
        (name, value)
        for name in rule.__struct_fields__
        if (value := getattr(rule, name)) is not None
    ]
    if isinstance(rule, Schedule):
        bounds = ", ".join(f"{_plain(one.at)}: {_plain(one.worse_by)}" for one in rule.bounds)
        return f"{{type: schedule, resource: {rule.resource}, bounds: {{{bounds}}}}}"
    if isinstance(rule, Percentile) and rule.percentile == 50.0:
        kind, given = "median", [(name, value) for name, value in given if name != "percentile"]
    return f"{kind}:{','.join(f'{name}={_plain(value)}' for name, value in given)}"


def _plain(value: object) -> str:
    """`3`, `0.1`, `true`, `step`."""
    if isinstance(value, bool):
        return str(value).lower()
    return repr(value).removesuffix(".0") if isinstance(value, float) else str(value)


_RULE_HINT = "write asha:min_resource=3,eta=3 or '{type: hyperband, min_iter: 3}'"


def _wandb(section: Section) -> Hyperband | None:
    section.unknown(("type", *_HYPERBAND), {"metric": "the rule always judges metric.name"})
    before = len(section.reader.faults)
    if "type" not in section:
        section.fault("type", "is missing", "write type: hyperband")
    hints = {name: f"W&B knows hyperband; write tuiswp: {{early_stop: {{type: {name}}}}}"
             for name in _TYPES if name != "hyperband"}  # fmt: skip
    section.choice("type", ("hyperband",), hints)
    rule = _hyperband(section, "report")
    return rule if len(section.reader.faults) == before else None


def _ours(section: Section) -> Rule | None:
    before = len(section.reader.faults)
    hints = {"successive_halving": "write asha", "sha": "write asha", "threshold": "write schedule"}
    kind = section.choice("type", _TYPES, hints)
    if kind is None:
        return None
    section.unknown(("type", "resource", *_TYPES[kind]))
    resource = _resource(section, "progress" if kind == "schedule" else "report")
    if resource is None:
        return None
    rule = _rule(section, kind, resource)
    return rule if len(section.reader.faults) == before else None


def _resource(section: Section, default: Resource) -> Resource | None:
    if "resource" not in section:
        return default
    name = section.choice("resource", _RESOURCES, _RESOURCE_HINTS)
    return None if name is None else _RESOURCES[name]


def _rule(section: Section, kind: str, resource: Resource) -> Rule | None:
    match kind:
        case "hyperband":
            return _hyperband(section, resource)
        case "asha":
            lowest = _amount(section, "min_resource", resource)
            eta = _or(section.number("eta", above=1, hint=_ETA_HINT), 4.0)
            return None if lowest is None else Asha(lowest, eta, resource)
        case "median" | "percentile":
            return _percentile(section, kind, resource)
        case "schedule":
            return _schedule(section, resource)
        case "patience":
            patience = _amount(section, "patience", resource)
            delta = _or(section.number("min_delta", minimum=0), 0.0)
            warmup = _or(section.number("warmup", minimum=0), 0.0)
            return None if patience is None else Patience(patience, delta, warmup, resource)
    threshold = _or(section.number("p_threshold", above=0, maximum=1), 0.1)
    startup = section.integer("startup", minimum=2)
    return Wilcoxon(threshold, 8 if startup is None else startup, resource)


def _hyperband(section: Section, resource: Resource) -> Hyperband | None:
    whole = resource == "report"
    min_iter = _iterations(section, "min_iter", whole)
    max_iter = _iterations(section, "max_iter", whole)
    s = section.integer("s", minimum=1)
    eta = _or(section.number("eta", above=1, hint=_ETA_HINT), 3.0)
    strict = section.boolean("strict")
    if "min_iter" not in section and not ("max_iter" in section and "s" in section):
        what = "needs min_iter, or max_iter and s"
        section.reader.fault(section.node.line, section.path, what, "write min_iter: 3")
        return None
    by_max = max_iter is not None and s is not None
    name = section.path[-1]
    if by_max and min_iter is not None:
        section.reader.note(f"{name}: max_iter and s are given, so min_iter is not used")
    elif min_iter is not None and (s is not None or max_iter is not None):
        section.reader.note(f"{name}: min_iter decides; s and max_iter need each other")
    if max_iter is not None and by_max and resource != "progress" and max_iter / eta < 1:
        section.fault("max_iter", f"{max_iter:g} / {eta:g} is below 1: no band", "raise max_iter")
        return None
    return Hyperband(
        None if by_max else min_iter,
        max_iter if by_max else None,
        s if by_max else None,
        eta,
        True if strict is None else strict,
        resource,
    )


def _iterations(section: Section, key: str, whole: bool) -> float | None:
    number = section.integer(key, minimum=1) if whole else section.number(key, above=0)
    return None if number is None else float(number)


def _percentile(section: Section, kind: str, resource: Resource) -> Percentile | None:
    percentile = _or(section.number("percentile", above=0), 50.0) if kind == "percentile" else 50.0
    if percentile >= 100:
        section.fault("percentile", f"must be below 100, got {percentile:g}", "the best q percent")
    if kind == "percentile" and "percentile" not in section:
        section.fault("type", "percentile needs percentile", "write percentile: 25")
    startup = section.integer("startup", minimum=1)
    part = resource == "progress"
    warmup = _or(section.number("warmup", minimum=0), 0.1 if part else 10.0)
    interval = _or(section.number("interval", above=0), 0.01 if part else 1.0)
    return Percentile(percentile, 5 if startup is None else startup, warmup, interval, resource)


def _amount(section: Section, key: str, resource: Resource) -> float | None:
    """An amount of the resource that must be given."""
    number = section.number(key, above=0)
    if number is None:
        if key not in section:
            unit = {"report": "values", "step": "steps", "epoch": "epochs"}.get(resource, "the run")
            example = "0.1" if resource == "progress" else "10"
            section.reader.fault(
                section.node.line, section.path, f"{key} is missing", f"{key}: {example} ({unit})"
            )
        return None
    if resource == "progress" and number >= 1:
        section.fault(key, f"must be below 1 for progress, got {number:g}")
    return float(number)


def _schedule(section: Section, resource: Resource) -> Schedule | None:
    """`bounds: {0.05: 15%, 0.2: 0.05}`: at so much, no more than so much worse than the best."""
    hint = "write bounds: {0.05: 15%, 0.2: 5%}"
    node = section.get("bounds")
    if node is None:
        section.reader.fault(section.node.line, section.path, "bounds is missing", hint)
        return None
    if isinstance(node, Items) or not isinstance(node, Keyed) or not node.entries:
        section.fault("bounds", f"must be a mapping, not {kind_of(node)}", hint)
        return None
    bounds = []
    inner = Section(section.reader, node, section.at("bounds"))
    for key, entry in node.entries.items():
        at, worse_by = as_number(key), _part(entry)
        if at is None or at <= 0 or (resource == "progress" and at >= 1):
            upto = " and below 1" if resource == "progress" else ""
            inner.fault(key, f"{visible(key, limit=40)} is no {resource} above 0{upto}", hint)
        elif worse_by is None or worse_by <= 0:
            inner.fault(key, f"{kind_of(entry)} is no fraction above 0", "write 15% or 0.15")
        else:
            bounds.append(Bound(float(at), worse_by))
    bounds.sort(key=lambda bound: bound.at)
    return Schedule(tuple(bounds), resource) if bounds else None


def _part(node: Node) -> float | None:
    """`15%` or 0.15."""
    text = node.text.strip() if isinstance(node, Leaf) else ""
    number = as_number(text.removesuffix("%").strip())
    if number is None:
        return None
    return number / 100.0 if text.endswith("%") else float(number)


def _or(number: float | int | None, default: float) -> float:
    return default if number is None else float(number)
