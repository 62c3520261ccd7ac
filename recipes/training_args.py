"""Arguments of a recipe that trains with transformers' `Trainer`: its own, and any of Trainer's.

A token `key=value` whose key is no field of the recipe may be a field of `TrainingArguments`; what
the recipe manages itself is refused. transformers is loaded only if such a key is met.
"""

import difflib
import json
import math
from collections.abc import Sequence
from dataclasses import fields
from typing import Any, TypeVar, get_args, get_type_hints

from recipes.arguments import BEST, fail, parse, read_best

ConfigT = TypeVar("ConfigT")

ALIASES = {"epochs": "num_train_epochs", "batch_size": "per_device_train_batch_size"}
LENGTHS = {"max_steps", "num_train_epochs"}
# What the recipe decides for itself, and what to give instead.
MANAGED = {
    "output_dir": "give log_path=DIR",
    "report_to": "metrics go to metrics.jsonl",
    "load_best_model_at_end": "the best model is always kept, where there is data to judge by",
    "metric_for_best_model": "the metric of the sweep file decides",
    "greater_is_better": "the goal in the sweep file decides",
}


def parse_with_training(
    kind: type[ConfigT], argv: Sequence[str], *, about: str | None = None
) -> tuple[ConfigT, dict[str, Any]]:
    """A `kind` of the tokens it has fields for, and the other tokens as `TrainingArguments`.

    `training_args={"adam_beta2": 0.95}` gives several at once. `epochs=` and `batch_size=` are
    short names. `best_config=FILE` stands for what is in a sweep's best.json, `metric` too if the
    recipe has one; a token of its own wins over it. Leaves with exit code 2, naming the nearest
    there is, as `arguments.parse` does.
    """
    own = {field.name for field in fields(kind)}  # type: ignore[arg-type]  # see arguments.parse
    ours: list[str] = []
    theirs: dict[str, Any] = {}
    faults: list[str] = []
    for token in _with_best(argv, own):
        key, equals, text = token.removeprefix("--").partition("=")
        key = _full(key, own)
        if token in ("help", "-h", "--help") or not equals:
            ours.append(token)
        elif key in MANAGED:
            faults.append(f"{key} is managed by the recipe: {MANAGED[key]}")
        elif key in own:
            ours.append(f"{key}={text}")
        elif key == "training_args":
            given = _several(text, faults)
            for name, value in given.items():
                name = _full(name, own)
                if name in own and not isinstance(value, dict | list):
                    ours.append(f"{name}={_as_text(value)}")
                else:
                    _take(name, value, theirs, own, faults)
        else:
            _take(key, text, theirs, own, faults)
    if faults:
        fail("\nerror: ".join(faults))
    return parse(kind, ours, about=about), theirs


def _full(key: str, own: set[str]) -> str:
    return key if key in own else ALIASES.get(key, key)


def _with_best(argv: Sequence[str], own: set[str]) -> list[str]:
    """The tokens, with those that `best_config=FILE` stands for before all others.

    A length of the run that is given beside it replaces the one in the file, however it is said.
    """
    given = [token for token in argv if not token.removeprefix("--").startswith(f"{BEST}=")]
    named = {_full(token.removeprefix("--").partition("=")[0], own) for token in given}
    found: list[str] = []
    for token in argv:
        if token in given:
            continue
        chosen, metric = read_best(token.partition("=")[2])
        if metric and "metric" in own:
            chosen.setdefault("metric", metric)
        for name, value in chosen.items():
            if not (_full(name, own) in LENGTHS and named & LENGTHS):
                found.append(f"{name}={_as_text(value)}")
    return found + given


def _several(text: str, faults: list[str]) -> dict[str, Any]:
    try:
        found = json.loads(text)
    except ValueError as fault:
        faults.append(f"training_args={text[:80]!r} is no JSON object ({fault})")
        return {}
    if isinstance(found, dict):
        return found
    faults.append(f"training_args={text[:80]!r} is no JSON object")
    return {}


def _as_text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def _take(key: str, value: Any, theirs: dict[str, Any], own: set[str], faults: list[str]) -> None:
    """Put one field of `TrainingArguments` into `theirs`, or say what is wrong with it."""
    if key in MANAGED:
        faults.append(f"{key} is managed by the recipe: {MANAGED[key]}")
        return
    known = training_fields()
    if key not in known:
        near = difflib.get_close_matches(key, [*own, *known, *ALIASES], n=1)
        hint = f"did you mean {near[0]!r}?" if near else f"known: {', '.join(sorted(own))}"
        faults.append(f"unknown parameter {key!r}; {hint} (any TrainingArguments field is taken)")
        return
    try:
        theirs[key] = _converted(known[key], value)
    except ValueError as fault:
        faults.append(f"{key}={str(value)[:80]!r} is not {fault}")


def training_fields() -> dict[str, Any]:
    """Name and type of every field of the installed transformers' `TrainingArguments`."""
    from transformers import TrainingArguments

    hints = get_type_hints(TrainingArguments)
    return {field.name: hints[field.name] for field in fields(TrainingArguments) if field.init}


def _converted(hint: Any, value: Any) -> Any:
    """The text (or the JSON value) as the field wants it; ValueError says what it wants."""
    if not isinstance(value, str):
        return value
    kinds = set(get_args(hint)) or {hint}
    if type(None) in kinds and value.lower() in ("none", "null"):
        return None
    if bool in kinds and value.lower() in ("true", "false"):
        return value.lower() == "true"
    for kind in (int, float):
        if kind in kinds:
            try:
                number = kind(value)
            except ValueError:
                continue
            if math.isfinite(number):
                return number
    if value[:1] in ("{", "[") and any(_is_container(kind) for kind in kinds):
        try:
            return json.loads(value)
        except ValueError as fault:
            raise ValueError(f"JSON ({fault})") from fault
    if kinds <= {int, float, bool, type(None)}:
        names = {int: "a whole number", float: "a finite number", bool: "true or false"}
        raise ValueError(" or ".join(text for kind, text in names.items() if kind in kinds))
    return value


def _is_container(kind: Any) -> bool:
    return (getattr(kind, "__origin__", None) or kind) in (dict, list)
