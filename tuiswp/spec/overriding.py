"""A sweep file with some of it said otherwise: by a flag, or in the call of a function.

The text itself is changed, so what is frozen with the sweep says what ran. Comments, order and the
spelling of numbers stay. What a key means is the business of `spec.load`, which reads the result.
"""

import io
import json
import math
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from tuiswp.errors import UsageError
from tuiswp.model.sweep import Goal
from tuiswp.spec.scalars import resolve
from tuiswp.text import visible

_DEPTH_MAX = 32


class Overrides(msgspec.Struct, frozen=True):
    """What to say otherwise; None and empty: as the file has it.

    `parameters` by name, nested ones joined by dots: a mapping is as in a sweep file, a list is
    the values to try, anything else the one value it has.
    """

    parameters: Mapping[str, Any] = {}
    program: str | None = None
    command: Sequence[str] | None = None
    method: str | None = None
    metric: str | None = None
    goal: Goal | None = None
    count: int | None = None

    def __bool__(self) -> bool:
        return self != Overrides()


def fixed(words: Sequence[str]) -> dict[str, Any]:
    """`["model=a/b", "epochs=3"]` → parameters with the one value each. Raises UsageError."""
    found: dict[str, Any] = {}
    for word in words:
        name, sign, text = word.partition("=")
        name = name.strip()
        if not sign or not name:
            raise UsageError(f"{visible(word)!r} fixes nothing", hint="write --fix name=value")
        if name in found:
            raise UsageError(f"{visible(name)!r} is fixed twice")
        found[name] = resolve(text).value
    return found


def written(content: Mapping[str, Any]) -> bytes:
    """A sweep that was never a file, as one. Raises UsageError for what no file can hold."""
    return json.dumps(_plain(content, "the sweep"), indent=2, ensure_ascii=False).encode() + b"\n"


def override(data: bytes, overrides: Overrides) -> bytes:
    """`data`, a sweep file that was read without a fault, with `overrides`. Raises UsageError."""
    if not overrides:
        return data
    text = data.decode("utf-16" if data[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig")
    try:
        root = json.loads(text)
    except ValueError:
        return _in_yaml(text, overrides)
    _apply(root, overrides)
    return written(root)


def _in_yaml(text: str, overrides: Overrides) -> bytes:
    from ruamel.yaml import YAML

    yaml = YAML()
    yaml.preserve_quotes = True
    yaml.width = 1_000_000  # no line is broken that was not
    root = yaml.load(text)
    _apply(root, overrides)
    out = io.BytesIO()
    yaml.dump(root, out)
    return out.getvalue()


def _apply(root: Any, overrides: Overrides) -> None:
    for key, value in (
        ("program", overrides.program),
        ("method", overrides.method),
        ("run_cap", overrides.count),
    ):
        if value is not None:
            root[key] = value
    if overrides.command is not None:
        root["command"] = [str(token) for token in overrides.command]
    if overrides.metric is not None or overrides.goal is not None:
        _judge(root, overrides)
    for key, value in overrides.parameters.items():
        name = str(key)
        _put(root, name, _as_entry(_plain(value, f"parameters: {name}")))


def _judge(root: Any, overrides: Overrides) -> None:
    metric = root.setdefault("metric", {})
    if overrides.metric is not None:
        if overrides.goal is None and metric.get("name") not in (None, overrides.metric):
            metric.pop("goal", None)  # of another metric: it says nothing of this one
        metric["name"] = overrides.metric
    if overrides.goal is not None:
        metric["goal"] = overrides.goal


def _put(root: Any, name: str, entry: dict[str, Any]) -> None:
    """Set the parameter, in the place where the file has it."""
    level = root.setdefault("parameters", {})
    rest = name
    while rest not in level and "." in rest:
        head, _, tail = rest.partition(".")
        inner = level.get(head)
        if not isinstance(inner, dict) or not isinstance(inner.get("parameters"), dict):
            break
        level, rest = inner["parameters"], tail
    level[rest] = entry


def _as_entry(value: Any) -> dict[str, Any]:
    if isinstance(value, dict):
        return value
    return {"values": value} if isinstance(value, list) else {"value": value}


def _plain(value: Any, where: str, depth: int = 0) -> Any:
    """`value` as JSON has it: numbers of numpy and torch as numbers, tuples and ranges as lists."""
    if depth > _DEPTH_MAX:
        raise UsageError(f"is nested deeper than {_DEPTH_MAX} levels", where=visible(where))
    if isinstance(value, Mapping):
        return {str(k): _plain(v, f"{where}.{k}", depth + 1) for k, v in value.items()}
    if isinstance(value, list | tuple | range):
        return [_plain(one, where, depth + 1) for one in value]
    if value is None or isinstance(value, bool | int | str):
        return value
    if isinstance(value, float):
        if math.isfinite(value):
            return float(value)
        raise UsageError(f"{value} is no value a sweep can have", where=visible(where))
    for method in ("item", "tolist", "__fspath__"):
        found = getattr(value, method, None)
        if callable(found):
            try:
                return _plain(found(), where, depth + 1)
            except (ValueError, RuntimeError):  # an array of many: its list, next
                continue
    raise UsageError(
        f"a {type(value).__name__} is nothing a sweep file can hold",
        where=visible(where),
        hint="give numbers, texts, lists and mappings",
    )
