"""Read `key=value` arguments into a dataclass, strictly; never guess, never import what is heavy.

A recipe's configuration is a frozen dataclass of `str`, `int`, `float` and `bool` fields with
defaults. A sweep sends `learning_rate=1` for a float and `note=a=b` for a text: both are taken.
`best_config=FILE` takes what a sweep found best, its `best.json`, for all that is not named beside.
"""

import difflib
import json
import math
import sys
from collections.abc import Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any, NoReturn, TypeVar, get_type_hints

ConfigT = TypeVar("ConfigT")

BEST = "best_config"
# Of a best.json: how it was judged. All else in it is what was chosen.
JUDGED = ("metric_for_best_model", "greater_is_better", "optimization_metric")

_EXPECTED = {int: "a whole number", float: "a finite number", bool: "true or false"}


def fail(message: str) -> NoReturn:
    """Say what is wrong on one line of standard error and leave with exit code 2."""
    print(f"error: {message}", file=sys.stderr, flush=True)
    raise SystemExit(2)


def parse(kind: type[ConfigT], argv: Sequence[str], *, about: str | None = None) -> ConfigT:
    """Make a `kind` of `key=value` tokens; `--key=value` is the same, and the last of a key wins.

    `best_config=FILE` stands for the parameters in FILE; a token of its own wins over it. `--help`
    prints `about` with every field and its default, and leaves with 0. Raises SystemExit 2 after
    naming every token that is wrong, or after the ValueError of the dataclass's own
    `__post_init__`.
    """
    hints = get_type_hints(kind)
    if any(token in ("help", "-h", "--help") for token in argv):
        print((about or kind.__doc__ or "").strip(), end="\n\n")
        lines = [
            (f"{field.name}={field.default}", hints[field.name].__name__)
            for field in fields(kind)  # type: ignore[arg-type]  # no public bound for dataclasses
        ]
        lines.append((f"{BEST}=FILE", "the best.json of a sweep, for what is not given beside it"))
        width = max(len(left) for left, _ in lines)
        print("\n".join(f"  {left:<{width}}  {right}" for left, right in lines))
        raise SystemExit(0)
    values: dict[str, Any] = {}
    faults: list[str] = []
    best: dict[str, Any] = {}
    for token in argv:
        key, equals, text = token.removeprefix("--").partition("=")
        if not equals:
            faults.append(f"{token!r} is not key=value")
        elif key == BEST:
            best, wrong = _chosen(text, hints)
            faults += wrong
        elif key not in hints:
            faults.append(f"unknown parameter {key!r}; {_nearest(key, list(hints))}")
        else:
            try:
                values[key] = _convert(hints[key], text)
            except ValueError:
                faults.append(f"{key}={text!r} is not {_EXPECTED[hints[key]]}")
    if faults:
        fail("\nerror: ".join(faults))
    try:
        return kind(**{**best, **values})
    except ValueError as fault:
        fail(str(fault))


def read_best(file: str) -> tuple[dict[str, Any], str]:
    """The parameters in the `best.json` of a sweep, and the metric that chose them ("": not said).

    Leaves with exit code 2 if there is none.
    """
    try:
        found = json.loads(Path(file).expanduser().read_text("utf-8"))
    except OSError as fault:
        fail(f"{BEST}={file!r} cannot be read: {fault.strerror}")
    except (ValueError, RecursionError) as fault:
        fail(f"{BEST}={file!r} is not JSON: {fault!s:.200}")
    if not isinstance(found, dict):
        fail(f"{BEST}={file!r} holds no JSON object; a sweep writes one to its best.json")
    metric = found.get(JUDGED[0])
    chosen = {name: value for name, value in found.items() if name not in JUDGED}
    return chosen, metric if isinstance(metric, str) else ""


def _chosen(file: str, hints: dict[str, type]) -> tuple[dict[str, Any], list[str]]:
    """What a `best.json` says, typed as `hints` say, and what is wrong with it."""
    values: dict[str, Any] = {}
    faults: list[str] = []
    for name, value in read_best(file)[0].items():
        if name not in hints:
            faults.append(f"{file}: unknown parameter {name!r}; {_nearest(name, list(hints))}")
            continue
        try:
            values[name] = _convert(hints[name], value if isinstance(value, str) else str(value))
        except ValueError:
            faults.append(f"{file}: {name}={value!r} is not {_EXPECTED[hints[name]]}")
    return values, faults


def _convert(kind: type, text: str) -> str | int | float | bool:
    """Read `text` as `kind`. Raises ValueError; `1` is a float too, `1.0` is no whole number."""
    if kind is str:
        return text
    if kind is bool and text.lower() in ("true", "false"):
        return text.lower() == "true"
    if kind is int:
        return int(text)
    if kind is float and math.isfinite(float(text)):
        return float(text)
    raise ValueError(text)


def _nearest(key: str, known: Sequence[str]) -> str:
    near = difflib.get_close_matches(key, known, n=1)
    return f"did you mean {near[0]!r}?" if near else f"known: {', '.join(known)}"
