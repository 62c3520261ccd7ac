"""Values and points as a person types them: `lr=1e-3,bs=32` → typed as the sweep's parameters.

A value of the wrong type is refused with the range that is allowed; one outside the range is a
person's to choose and only told. Pure: reads no files.
"""

import json
import math
import re
from collections.abc import Iterable, Mapping, Sequence

from tuiswp.errors import UsageError
from tuiswp.model.space import (
    Beta,
    Categorical,
    Constant,
    Distribution,
    IntUniform,
    LogNormal,
    Normal,
    Parameter,
    Params,
    Path,
    Value,
)
from tuiswp.spec.distributions import bounds, distinct, value_key
from tuiswp.spec.params import flatten, label, near_miss, nest, value_label
from tuiswp.spec.scalars import as_number, resolve
from tuiswp.spec.scale import is_logarithmic
from tuiswp.text import visible

_NEXT = re.compile(r",(?=[^,=\s\[\]{}\"']+=)")  # a comma that begins another name=value


def find_parameter(parameters: Sequence[Parameter], name: str) -> Parameter:
    """The parameter of that name (nested ones joined by dots). Raises UsageError naming near ones.

    The last part of a nested name will do where only one parameter has it.
    """
    for parameter in parameters:
        if parameter.name == name:
            return parameter
    short = [parameter for parameter in parameters if parameter.path[-1] == name]
    if len(short) == 1:
        return short[0]
    known = [parameter.name for parameter in parameters]
    raise UsageError(
        f"no parameter is called {visible(name, limit=60)!r}", hint=near_miss(name, known)
    )


def parse_point(parameters: Sequence[Parameter], words: Iterable[str]) -> Params:
    """`["lr=1e-3", "bs=32"]`, or `["lr=1e-3,bs=32"]`, → one point, which may be a part.

    Raises UsageError for an unknown name, one that is given twice, or a value of a wrong type.
    """
    given: dict[Path, Value] = {}
    for word in words:
        for piece in _NEXT.split(word):
            name, sign, text = piece.partition("=")
            if not sign or not name.strip():
                shown = visible(piece, limit=60)
                raise UsageError(f"{shown!r} sets nothing", hint="write name=value")
            parameter = find_parameter(parameters, name.strip())
            if parameter.path in given:
                raise UsageError(f"{visible(parameter.name, limit=60)} is given twice")
            given[parameter.path] = parse_value(parameter, text)
    return nest(given.items())


def parse_value(parameter: Parameter, text: str) -> Value:
    """One value as typed, in the parameter's own type. Raises UsageError naming what is allowed."""
    text = text.strip()
    match parameter.distribution:
        case Categorical() | Constant() as choice:
            return check_value(parameter, _chosen(parameter, choice, text))
    number = as_number(text)
    if number is None:
        raise _wrong(parameter, text)
    return check_value(parameter, number)


def _chosen(parameter: Parameter, choice: Categorical | Constant, text: str) -> Value:
    """One of the listed values by any of its spellings, else what the text means by itself."""
    listed = _listed(choice)
    for value in listed:
        if text in (parameter.spelling.get(value_key(value)), value):
            return value
    if not all(isinstance(value, str) for value in listed) and text:
        key = value_key(resolve(text).value)
        for value in listed:  # 8 for a listed 8.0
            if value_key(value) == key:
                return value
    for value in listed:
        if text == value_label(parameter, value, limit=4096):
            return value
    if text[:1] in ("[", "{", '"'):
        try:
            plain: Value = json.loads(text)
        except ValueError:
            raise _wrong(parameter, text) from None
        return plain
    if all(isinstance(value, str) for value in listed):
        return text
    return resolve(text).value if text else None


def typed(parameter: Parameter, value: Value) -> str:
    """What a person would type for `value`: as its author did, else what reads back as it."""
    spelled = parameter.spelling.get(value_key(value))
    return spelled or (value if isinstance(value, str) else json.dumps(value))


def check_value(parameter: Parameter, value: Value) -> Value:
    """`value` in the parameter's own type. Raises UsageError naming what is allowed."""
    match parameter.distribution:
        case Categorical() | Constant() as choice:
            if _kind(value) not in {_kind(one) for one in _listed(choice)}:
                raise _wrong(parameter, value)
            return value
        case IntUniform():
            if _kind(value) != "number" or not _finite(value) or value != int(value):  # type: ignore[arg-type]
                raise _wrong(parameter, value)
            return int(value)
    if _kind(value) != "number" or not _finite(value):
        raise _wrong(parameter, value)
    q = getattr(parameter.distribution, "q", None)
    return value if isinstance(q, int) else float(value)  # type: ignore[arg-type]


def check_point(parameters: Sequence[Parameter], point: Params) -> dict[Path, Value]:
    """The values of a point, or a part of one, each in its type.

    Raises UsageError for a wrong type, or something in it that is no parameter.
    """
    flat = flatten(point, parameters)
    if value_key(nest(flat.items())) != value_key(point):
        strange = sorted(set(point) - {parameter.path[0] for parameter in parameters})
        name = strange[0] if strange else sorted(point)[0]
        known = [parameter.name for parameter in parameters]
        raise UsageError(
            f"no parameter is called {visible(name, limit=60)!r}", hint=near_miss(name, known)
        )
    by_path = {parameter.path: parameter for parameter in parameters}
    return {path: check_value(by_path[path], value) for path, value in flat.items()}


def lies_inside(parameter: Parameter, value: Value) -> bool:
    """Whether the search itself could propose this value, steps of `q` aside."""
    match parameter.distribution:
        case Categorical() | Constant() as choice:
            return value_key(value) in {value_key(one) for one in _listed(choice)}
        case Normal() | LogNormal():
            return True
    ends = bounds(parameter.distribution)
    number = isinstance(value, int | float) and not isinstance(value, bool)
    return ends is None or (number and ends[0] <= value <= ends[1])  # type: ignore[operator]


def outside(parameters: Sequence[Parameter], params: Params) -> tuple[str, ...]:
    """Names of the parameters whose value the search would not propose."""
    flat = flatten(params, parameters)
    return tuple(
        parameter.name
        for parameter in parameters
        if parameter.path in flat and not lies_inside(parameter, flat[parameter.path])
    )


def allowed(parameter: Parameter) -> str:
    """`1e-5 to 1e-1`, `a whole number from 1 to 8`, `one of adam, sgd`: for a message."""
    match parameter.distribution:
        case Categorical() | Constant() as choice:
            shown = [value_label(parameter, value) for value in _listed(choice)[:8]]
            more = ", …" if len(_listed(choice)) > 8 else ""
            return shown[0] if len(shown) == 1 else f"one of {', '.join(shown)}{more}"
        case IntUniform(min=low, max=high):
            return f"a whole number from {label(low)} to {label(high)}"
    return span(parameter.distribution, log=is_logarithmic(parameter))


def span(distribution: Distribution, *, log: bool) -> str:
    """`1e-5 to 1e-1`; what a law without ends gives is any number."""
    ends = bounds(distribution)
    match distribution:
        case Normal():
            return "any number"
        case LogNormal():
            return "any positive number"
        case Beta():
            return "0 to 1"
    if ends is None:
        return "any number"
    return f"{label(ends[0], log=log)} to {label(ends[1], log=log)}"


def differences(
    parameters: Sequence[Parameter], old: Params, new: Params, *, limit: int = 6
) -> str:
    """`lr 1e-3, bs 32`: where `new` differs from `old`, as values of `new`; empty: nowhere."""
    before, after = flatten(old, parameters), flatten(new, parameters)
    changed = [
        f"{visible(parameter.name, limit=60)}={value_label(parameter, after[parameter.path])}"
        for parameter in parameters
        if parameter.path in after
        and (
            parameter.path not in before
            or value_key(before[parameter.path]) != value_key(after[parameter.path])
        )
    ]
    more = f" and {len(changed) - limit} more" if len(changed) > limit else ""
    return ", ".join(changed[:limit]) + more


def overlaid(params: Params, values: Mapping[Path, Value]) -> Params:
    """A copy of `params` with some values in place of its own."""
    copy: Params = dict(params)
    for path, value in values.items():
        level = copy
        for part in path[:-1]:
            below = level.get(part)
            inner: Params = dict(below) if isinstance(below, dict) else {}
            level[part] = inner
            level = inner
        level[path[-1]] = value
    return copy


def _listed(choice: Categorical | Constant) -> list[Value]:
    return [choice.value] if isinstance(choice, Constant) else distinct(choice)


def _kind(value: Value) -> str:
    match value:
        case None:
            return "null"
        case bool():
            return "boolean"
        case int() | float():
            return "number"
        case str():
            return "text"
        case list():
            return "list"
    return "mapping"


def _finite(value: Value) -> bool:
    return isinstance(value, int) or (isinstance(value, float) and math.isfinite(value))


def _wrong(parameter: Parameter, value: Value) -> UsageError:
    shown = visible(value if isinstance(value, str) else json.dumps(value), limit=60)
    return UsageError(
        f"{visible(parameter.name, limit=60)}: {shown!r} does not fit",
        hint=f"it takes {allowed(parameter)}",
    )
