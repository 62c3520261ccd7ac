"""What one plain YAML scalar means: YAML 1.2, with a remark wherever W&B (YAML 1.1) differs.

The rule for numbers: whatever either version reads as a number is a number here. Where W&B would
have seen text (`1e-4`), the author's spelling is kept for the command line, because some scripts
use the text. Nothing here knows of keys or files.
"""

import math
import re
from dataclasses import dataclass
from typing import Literal, TypeAlias

Scalar: TypeAlias = bool | int | float | str | None
Remark: TypeAlias = Literal["number", "octal", "word", "sexagesimal", "underscore", "binary"]

_MAX_DIGITS = 40  # what no counter and no seed needs; beyond it int() itself becomes a burden

_INT = re.compile(r"[-+]?[0-9]+")
_FLOAT = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?")
_BASED = re.compile(r"0(?:o[0-7]+|x[0-9a-fA-F]+)")
_INFINITY = re.compile(r"[-+]?\.(?:inf|Inf|INF)")
_NAN = re.compile(r"\.(?:nan|NaN|NAN)")

# PyYAML's resolver, which W&B uses (YAML 1.1).
_INT_11 = re.compile(r"[-+]?(?:0b[0-1_]+|0[0-7_]+|(?:0|[1-9][0-9_]*)|0x[0-9a-fA-F_]+)")
_FLOAT_11 = re.compile(
    r"[-+]?(?:[0-9][0-9_]*)\.[0-9_]*(?:[eE][-+][0-9]+)?|\.[0-9][0-9_]*(?:[eE][-+][0-9]+)?"
)
_SEXAGESIMAL_11 = re.compile(r"[-+]?[0-9][0-9_]*(?::[0-5]?[0-9])+(?:\.[0-9_]*)?")
_OCTAL_11 = re.compile(r"[-+]?0[0-7_]+")
_WORD_11 = re.compile(r"yes|Yes|YES|no|No|NO|on|On|ON|off|Off|OFF")

_NULL = frozenset({"", "~", "null", "Null", "NULL"})
_TRUE = frozenset({"true", "True", "TRUE"})
_FALSE = frozenset({"false", "False", "FALSE"})


@dataclass(frozen=True, slots=True)
class Reading:
    """A scalar as read. `spelled`: the text itself must reach the command line."""

    value: Scalar
    remark: Remark | None = None
    spelled: bool = False


def resolve(text: str) -> Reading:
    """Read a plain (unquoted) scalar; what is neither null, boolean nor number stays text."""
    if text in _NULL:
        return Reading(None)
    if text in _TRUE:
        return Reading(True)
    if text in _FALSE:
        return Reading(False)
    if text[0] not in "+-.0123456789":
        return Reading(text, "word") if _WORD_11.fullmatch(text) else Reading(text)
    return _numeric(text) or Reading(text)


def _numeric(text: str) -> Reading | None:
    if _INT.fullmatch(text):
        return _whole(text)
    if _BASED.fullmatch(text) and len(text) <= _MAX_DIGITS:
        foreign = text[1] == "o"
        return Reading(int(text, 0), "number" if foreign else None, foreign)
    if _FLOAT.fullmatch(text):
        foreign = not _FLOAT_11.fullmatch(text)
        return Reading(float(text), "number" if foreign else None, foreign)
    if _INFINITY.fullmatch(text):
        return Reading(-math.inf if text[0] == "-" else math.inf)
    if _NAN.fullmatch(text):
        return Reading(math.nan)
    if _SEXAGESIMAL_11.fullmatch(text):
        return Reading(text, "sexagesimal")
    bare = text.replace("_", "")
    if _INT_11.fullmatch(text) and len(bare) <= _MAX_DIGITS:
        if "0b" in text:
            return Reading(int(bare, 2), "binary")
        if "0x" in text:
            return Reading(int(bare, 16), "underscore")
        return Reading(int(bare), "underscore") if _INT.fullmatch(bare) else None
    if _FLOAT_11.fullmatch(text) and _FLOAT.fullmatch(bare):
        return Reading(float(bare), "underscore")
    return None


def _whole(text: str) -> Reading | None:
    if len(text) > _MAX_DIGITS:
        return None
    if _OCTAL_11.fullmatch(text):
        return Reading(int(text), "octal")
    if not _INT_11.fullmatch(text):  # 08: neither octal nor decimal to YAML 1.1, so text
        return Reading(int(text), "number", True)
    return Reading(int(text))


def as_number(text: str) -> int | float | None:
    """The finite number a quoted text spells (`"1e-3"`, `" 5 "`), None if it spells none."""
    stripped = text.strip()
    if not stripped or stripped[0] not in "+-.0123456789":
        return None
    value = resolve(stripped).value
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        return None
    return value


_EXPONENT = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)[eE][-+]?[0-9]+")


def exponent_form(text: str) -> bool:
    """True for `1e-4` and the like: nobody means text by it, even in quotes."""
    return _EXPONENT.fullmatch(text) is not None
