"""Which model a sweep trains, as far as its file says: size, family, LoRA or full. Opens no model.

What is not said is None, and what is said twice and differently as well.
"""

import re
from collections.abc import Iterator

import msgspec

from tuiswp.analysis.scaling import family_of
from tuiswp.model.space import Categorical, Constant, Parameter, Value
from tuiswp.model.sweep import Sweep
from tuiswp.spec.model_size import named_size
from tuiswp.spec.scale import words

_OPTION = re.compile(r"-{0,2}([A-Za-z0-9_.-]{1,80})(?:=(.*))?", re.DOTALL)
_NOT_THE_NAME = {"dir", "dim", "length", "max", "type", "dtype", "revision", "size"}


class Model(msgspec.Struct, frozen=True):
    """`size` in billions of parameters; `lora` False: full fine-tuning; None: not said."""

    size: float | None = None
    family: str | None = None
    lora: bool | None = None
    hidden_size: int | None = None


def model_of(sweep: Sweep) -> Model:
    """What the file says in `tuiswp.model_size`, in parameters, and in the command."""
    names = set(_model_names(sweep))
    sizes = {named_size(name) for name in names}
    families = {family_of(name) for name in names}
    size = sweep.model_size
    if size is None and len(sizes) == 1:
        size = sizes.pop()
    family = families.pop() if len(families) == 1 else None
    return Model(size, family, _lora(sweep), _hidden_size(sweep))


def _model_names(sweep: Sweep) -> Iterator[str]:
    for parameter in sweep.parameters:
        if _is_model(parameter.path[-1]):
            yield from (one for one in _values(parameter) if isinstance(one, str) and one)
    for name, value in _options(sweep):
        if _is_model(name) and value and not value.startswith(("-", "${")):
            yield value


def _options(sweep: Sweep) -> Iterator[tuple[str, str]]:
    """`--model=x`, `--model x` and `model=x` of the command, as name and value."""
    tokens = sweep.run.command
    for token, after in zip(tokens, (*tokens[1:], ""), strict=True):
        found = _OPTION.fullmatch(token)
        if found is None:
            continue
        if found[2] is not None:
            yield found[1], found[2]
        elif token.startswith("-"):
            yield found[1], after


def _is_model(name: str) -> bool:
    found = words(name)
    return "model" in found and not found & _NOT_THE_NAME


def _lora(sweep: Sweep) -> bool | None:
    """As `tuiswp.tuning` says; else LoRA if anything is named so, but for a switch that is off."""
    if sweep.tuning is not None:
        return sweep.tuning == "lora"
    said: set[bool] = set()
    for parameter in sweep.parameters:
        if "lora" in parameter.name.lower():
            said.update(one is not False for one in _values(parameter) or (True,))
    for name, value in _options(sweep):
        if "lora" in name.lower():
            said.add(value.lower() not in ("false", "no", "off"))
    return said.pop() if len(said) == 1 else None


def _hidden_size(sweep: Sweep) -> int | None:
    found: set[int] = set()
    for parameter in sweep.parameters:
        if parameter.path[-1] == "hidden_size":
            found.update(one for one in _values(parameter) if type(one) is int and one > 0)
    return found.pop() if len(found) == 1 else None


def _values(parameter: Parameter) -> tuple[Value, ...]:
    match parameter.distribution:
        case Constant(value=value):
            return (value,)
        case Categorical(values=values):
            return values
    return ()
