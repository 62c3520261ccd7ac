"""Views on the values of a trial: nested and flat, type-true keys, short labels, the baseline.

Pure functions on plain data. A parameter is its path (a tuple): names may hold dots, so nothing
here ever joins a path into a key.
"""

import json
from collections.abc import Iterable, Sequence

from msgspec.structs import astuple

from tuiswp.errors import SpecError
from tuiswp.model.space import Categorical, Constant, LogUniform, Parameter, Params, Path, Value
from tuiswp.model.sweep import Sweep
from tuiswp.nearest import near_miss
from tuiswp.spec.distributions import distinct, is_single, value_key
from tuiswp.spec.scale import is_logarithmic, spell
from tuiswp.text import visible

__all__ = [
    "baseline_params", "complete_params", "describe", "flatten", "is_swept", "label", "near_miss",
    "nest", "only_value", "point_params", "same_space", "shown", "swept", "value_key",
    "value_label", "wandb_config",
]  # fmt: skip


def nest(pairs: Iterable[tuple[Path, Value]]) -> Params:
    """`[(("opt", "lr"), 0.1), (("a.b",), 1)]` → `{"opt": {"lr": 0.1}, "a.b": 1}`."""
    nested: Params = {}
    for path, value in pairs:
        level = nested
        for part in path[:-1]:
            below = level.setdefault(part, {})
            if not isinstance(below, dict):
                raise SpecError(f"{'.'.join(path)}: {part} is a value and a group at once")
            level = below
        level[path[-1]] = value
    return nested


def flatten(params: Params, parameters: Sequence[Parameter]) -> dict[Path, Value]:
    """The value of each of `parameters` that `params` holds; dict values stay whole."""
    flat: dict[Path, Value] = {}
    for parameter in parameters:
        level: Value = params
        for part in parameter.path:
            if not isinstance(level, dict) or part not in level:
                break
            level = level[part]
        else:
            flat[parameter.path] = level
    return flat


def is_swept(parameter: Parameter) -> bool:
    """True if the parameter can take more than one value."""
    return not is_single(parameter.distribution)


def swept(sweep: Sweep) -> tuple[Parameter, ...]:
    """The parameters that can take more than one value, in the order of the file."""
    return tuple(parameter for parameter in sweep.parameters if is_swept(parameter))


def baseline_params(sweep: Sweep) -> Params | None:
    """Parameters of the default trial: the baseline, completed by what has only one value.

    With what the rules of the sweep tie to it and without what does not exist there; that a rule
    forbids it does not matter. None without a baseline. Raises SpecError naming the swept
    parameters it leaves out.
    """
    if sweep.baseline is None:
        return None
    given = flatten(sweep.baseline, sweep.parameters)
    optional = {rule.path for rule in sweep.constraints.when}
    missing = [
        parameter.name
        for parameter in sweep.parameters
        if parameter.path not in given
        and only_value(parameter) is None
        and parameter.path not in optional
    ]
    if missing:
        raise SpecError(
            f"leaves out {', '.join(missing)}",
            where="tuiswp.baseline",
            hint="give the default value of each swept parameter",
        )
    return _by_the_rules(sweep, sweep.baseline)


def point_params(sweep: Sweep) -> list[Params]:
    """Parameters of the points to try first, completed as the baseline is."""
    return [_by_the_rules(sweep, point) for point in sweep.points]


def _by_the_rules(sweep: Sweep, given: Params) -> Params:
    from tuiswp.spec.constraints import Rules  # it stands on this module

    whole = complete_params(sweep.parameters, given)
    return Rules(sweep.parameters, sweep.constraints).complete(whole)


def complete_params(parameters: Sequence[Parameter], given: Params) -> Params:
    """`given` and the parameters that can take only one value, in the order of the file."""
    known = flatten(given, parameters)
    pairs: list[tuple[Path, Value]] = []
    for parameter in parameters:
        if parameter.path in known:
            pairs.append((parameter.path, known[parameter.path]))
        elif (single := only_value(parameter)) is not None:
            pairs.append((parameter.path, single[0]))
    return nest(pairs)


def only_value(parameter: Parameter) -> tuple[Value] | None:
    """The one value a parameter can take, in a tuple (it may be None); None if there are more."""
    match parameter.distribution:
        case Constant(value=value):
            return (value,)
        case Categorical() as choice if len(values := distinct(choice)) == 1:
            return (values[0],)
    return None


def label(value: Value, limit: int = 24, *, log: bool = False) -> str:
    """A short text for tables and axes: 4 significant digits, `1e-4` style, lists shortened.

    `log` writes every number below 1 as a power of ten, as a logarithmic axis does.
    """
    match value:
        case None:
            return "null"
        case bool():
            return str(value)
        case int():
            text = str(value)
            return text if len(text) <= 9 else _power(value)
        case float():
            return spell(value, log=log)
        case str():
            text = visible(value, limit=4096)
            return _shorten(text, limit) if text else '""'
        case list():
            return _shorten(f"[{', '.join(label(v, log=log) for v in value[:32])}]", limit)
    pairs = (f"{visible(k, limit=64)}: {label(v)}" for k, v in list(value.items())[:32])
    return _shorten(f"{{{', '.join(pairs)}}}", limit)


def value_label(parameter: Parameter, value: Value, limit: int = 24) -> str:
    """The one spelling of a parameter's value: tables, curves and findings write it alike."""
    return label(value, limit, log=is_logarithmic(parameter))


def _power(value: int) -> str:
    """A long whole number as a power of ten; it may be too long for a float."""
    digits = str(abs(value))
    lead = f"{digits[0]}.{digits[1:4]}".rstrip("0").rstrip(".")
    return f"{'-' if value < 0 else ''}{lead}e{len(digits) - 1}"


def _shorten(text: str, limit: int) -> str:
    if len(text) <= limit:
        return text
    head = (limit - 1) * 2 // 3
    return f"{text[:head]}…{text[-(limit - 1 - head) :]}"


def same_space(a: Sweep, b: Sweep) -> list[str]:
    """What makes `b` another search than `a`, one line each; empty if a resume may go on.

    Compared: method, seed (random only), metric and goal, parameters, baseline. Not compared: the
    command, resources and run_cap, which may change while a sweep goes on.
    """
    lines: list[str] = []
    if a.method != b.method:
        lines.append(f"method: {a.method} → {b.method}")
    elif a.method == "random" and a.seed != b.seed:
        lines.append(f"tuiswp.seed: {a.seed} → {b.seed}")
    lines.extend(_objective_differences(a, b))
    mine = {parameter.path: parameter for parameter in a.parameters}
    yours = {parameter.path: parameter for parameter in b.parameters}
    for path in sorted(mine.keys() | yours.keys()):
        old, new = mine.get(path), yours.get(path)
        name = visible(".".join(path), limit=60)
        if old is None:
            lines.append(f"parameters.{name}: new")
        elif new is None:
            lines.append(f"parameters.{name}: gone")
        elif _space_of(old) != _space_of(new):
            lines.append(f"parameters.{name}: {describe(old)} → {describe(new)}")
    lines.extend(_rule_differences(a, b))
    if _baseline_key(a) != _baseline_key(b):
        lines.append(f"tuiswp.baseline: {_baseline_text(a)} → {_baseline_text(b)}")
    return lines


def _objective_differences(a: Sweep, b: Sweep) -> list[str]:
    old = None if a.objective is None else (a.objective.metric, a.objective.goal)
    new = None if b.objective is None else (b.objective.metric, b.objective.goal)
    if old == new:
        mine, yours = _computed(a), _computed(b)
        if mine == yours:
            return []
        return [f"metric: {visible(mine or 'logged')} → {visible(yours or 'logged')}"]
    texts = ["none" if pair is None else f"{visible(pair[0])} ({pair[1]})" for pair in (old, new)]
    return [f"metric: {texts[0]} → {texts[1]}"]


def _computed(sweep: Sweep) -> str:
    """What the objective is computed by; nothing if it is logged."""
    names = {one.name: one.expr for one in sweep.derived}
    if sweep.objective is None or sweep.objective.metric not in names:
        return ""
    return "; ".join(f"{name} = {expr}" for name, expr in names.items())


def _rule_differences(a: Sweep, b: Sweep) -> list[str]:
    lines = []
    for key in ("when", "exclude", "tie"):
        old, new = (_rules_text(sweep, key) for sweep in (a, b))
        if old != new:
            lines.append(f"tuiswp.{key}: {old or 'none'} → {new or 'none'}")
    return lines


def _rules_text(sweep: Sweep, key: str) -> str:
    rules = getattr(sweep.constraints, key)
    texts = [rule if isinstance(rule, str) else " ".join(map(str, astuple(rule))) for rule in rules]
    return visible("; ".join(texts), limit=120)


def _space_of(parameter: Parameter) -> object:
    match parameter.distribution:
        case Constant(value=value):
            return ("values", (value_key(value),), None)
        case Categorical(values=values, probabilities=probabilities):
            return ("values", tuple(value_key(value) for value in values), probabilities)
        case other:
            return other


def describe(parameter: Parameter) -> str:
    """`1e-5, 1e-4, 1e-3`, `log_uniform_values min=1e-5 max=1e-1`: for people."""
    log = is_logarithmic(parameter)
    match parameter.distribution:
        case Constant(value=value):
            return label(value, log=log)
        case Categorical(values=values):
            shown = ", ".join(label(value, log=log) for value in values[:8])
            return f"{shown}, …" if len(values) > 8 else shown
        case other:
            ends: dict[str, float] = {}
            if isinstance(other, LogUniform):
                ends = dict(zip(("min", "max"), _written(other), strict=True))
            laws = {
                field: getattr(other, field)
                for field in other.__struct_fields__
                if not (ends and field in ("low", "high", "limits", "inverse"))
            }
            given = " ".join(
                f"{name}={label(x, log=log and name in ('min', 'max'))}"
                for name, x in {**ends, **laws}.items()
                if x is not None
            )
            return f"{parameter.kind} {given}"


def _written(dist: LogUniform) -> tuple[float, float]:
    """min and max as the file has them: limits, or exponents."""
    if dist.limits is not None:
        return dist.limits
    return (-dist.high, -dist.low) if dist.inverse else (dist.low, dist.high)


def _baseline_key(sweep: Sweep) -> str | None:
    return None if sweep.baseline is None else value_key(sweep.baseline)


def _baseline_text(sweep: Sweep) -> str:
    return "none" if sweep.baseline is None else label(sweep.baseline, limit=60)


def wandb_config(params: Params) -> dict[str, dict[str, Value]]:
    """`{name: {"value": value}}` at top level only, as W&B keeps a run's configuration."""
    return {name: {"value": value} for name, value in params.items()}


def shown(value: object, limit: int = 60) -> str:
    """A value as a message shows it: one line, inert, cut short."""
    text = json.dumps(value, ensure_ascii=False) if isinstance(value, str) else str(value)
    return visible(text, limit=limit)
