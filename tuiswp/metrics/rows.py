"""One line of a metrics file → one row: its step, its progress, its numbers. No files, no state.

The line is hostile text: what cannot be read raises BadRow with the reason and never anything else.
Numbers that are not finite, also as the bare words NaN and Infinity, are gaps.

What a row's keys mean: the first of `STEP_KEYS` with a finite number is its step, `progress` in
0..1 how far the run is, a key that starts with "_" is a logger's own. Every other number is a
metric; nested objects are named by their path, `{"loss": {"train": 1}}` is `loss/train`. Text,
true and false, null and lists are no metrics. What says where in the run a row is (`BESIDE`:
progress, epoch, a logger's clocks) is kept apart from them.
"""

import json
from typing import Any, NamedTuple

import msgspec

STEP_KEYS = ("step", "_step", "global_step", "iteration", "epoch")
PROGRESS = "progress"
BESIDE = (PROGRESS, "epoch", "_runtime", "_timestamp")
DEPTH_MAX = 16
NAME_MAX = 512  # characters; a longer name is no name

_GAP = float("nan")
_DECODE = msgspec.json.Decoder().decode


class BadRow(Exception):
    """The line is no row; `str()` is the reason, in words of ours only."""


class Row(NamedTuple):
    """`values`: metric → value, NaN for a gap. `non_finite`: numbers that were not finite.

    `beside`: the finite numbers of `BESIDE` that the row has.
    """

    step: float | None
    progress: float | None
    values: dict[str, float]
    non_finite: int
    beside: dict[str, float]


def parse(line: bytes) -> dict[str, Any] | None:
    """The JSON object on `line` (without its line feed); None if the line is blank.

    Raises BadRow.
    """
    if not line or line.isspace():
        return None
    try:
        found = _DECODE(line)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        found = _parse_leniently(line)
    if not isinstance(found, dict):
        raise BadRow("not a JSON object")
    return found


def read(found: dict[str, Any]) -> Row:
    """What the keys of a parsed line mean. Raises BadRow if objects nest deeper than DEPTH_MAX."""
    values: dict[str, float] = {}
    beside: dict[str, float] = {}
    non_finite = 0
    progress: float | None = None
    for key, raw in found.items():
        if type(raw) is float or type(raw) is int:
            number = _float(raw)
            if number != number:
                non_finite += 1
        elif type(raw) is dict and key[:1] != "_":
            non_finite += _flatten(raw, key, values, 2)
            continue
        else:
            continue
        if key in BESIDE and number == number:
            beside[key] = number
        if key == PROGRESS:
            progress = number if 0.0 <= number <= 1.0 else None
        elif key[:1] != "_" and key not in STEP_KEYS:
            values[key] = number
    return Row(_step(found), progress, values, non_finite, beside)


def _step(found: dict[str, Any]) -> float | None:
    for key in STEP_KEYS:
        raw = found.get(key)
        if type(raw) is int or type(raw) is float:
            step = _float(raw)
            if step == step:
                return step
    return None


def _flatten(nested: dict[str, Any], prefix: str, values: dict[str, float], depth: int) -> int:
    """Put the numbers of `nested` into `values`; return how many were not finite."""
    if depth > DEPTH_MAX:
        raise BadRow(f"objects nested deeper than {DEPTH_MAX}")
    non_finite = 0
    for key, raw in nested.items():
        name = f"{prefix}/{key}"
        if type(raw) is float or type(raw) is int:
            values[name] = number = _float(raw)
            if number != number:
                non_finite += 1
        elif type(raw) is dict:
            non_finite += _flatten(raw, name, values, depth + 1)
    return non_finite


def _float(raw: int | float) -> float:
    try:
        number = float(raw)
    except OverflowError:  # an integer beyond the largest float
        return _GAP
    return number if number - number == 0.0 else _GAP


def _parse_leniently(line: bytes) -> object:
    """What strict JSON refuses and real writers write: NaN, Infinity, 1e999, a byte order mark."""
    try:
        text = line.decode("utf-8")
    except UnicodeDecodeError:
        raise BadRow("not UTF-8") from None
    try:
        return _LENIENT.decode(text.lstrip("\ufeff"))
    except RecursionError:
        raise BadRow("nested too deep") from None
    except ValueError:
        raise BadRow("not JSON") from None


def _int(text: str) -> int | float:
    # Python refuses to read thousands of digits as an int; as a float they are infinite.
    return int(text) if len(text) < 400 else float(text)


_LENIENT = json.JSONDecoder(parse_int=_int)
