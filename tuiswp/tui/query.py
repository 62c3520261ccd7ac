"""The filter of the trials table: `lr>=1e-4 status:run,ok t0007 text`. Pure.

Terms are joined by "and"; a comma inside a value means "or"; a `-` before a term negates it. A term
without a field is looked for in everything the row shows. A parameter named like a field is
reached as `param.NAME`.
"""

import math
import re
from collections.abc import Callable, Sequence
from typing import TypeAlias

from tuiswp.tui.columns import PARAM, state_text
from tuiswp.tui.snapshot import TrialRow

Test: TypeAlias = Callable[[TrialRow], bool]

FIELDS = ("id", "step", "value", "status", "gpu", "flag", "progress", "age", "attempt")
_TERM = re.compile(r"(-?)([^\s:<>=!]+)(>=|<=|!=|>|<|=|:)(.*)", re.DOTALL)
_WORDS = re.compile(r'(?:[^\s"]|"[^"]*")+')
_STATES = {"ok": "done", "fail": "failed", "x": "failed", "q": "queued", "run": "running"}


class QueryError(ValueError):
    """What a person typed cannot be read as a filter; the text says why."""


def parse(text: str, names: Sequence[str]) -> Test | None:
    """The test `text` stands for, None if it asks for nothing. `names`: the parameters.

    Raises QueryError.
    """
    if text.count('"') % 2:
        raise QueryError('a " is not closed')
    tests = [_term(word.replace('"', ""), names) for word in _WORDS.findall(text)]
    if not tests:
        return None
    return lambda row: all(test(row) for test in tests)


def number(text: str) -> float | None:
    """`text` as a number; None for anything else, NaN included."""
    try:
        value = float(text)
    except ValueError:
        return None
    return None if math.isnan(value) else value


def _term(word: str, names: Sequence[str]) -> Test:
    found = _TERM.fullmatch(word)
    if found is None:
        test = _anywhere(word.removeprefix("-") if len(word) > 1 else word)
        negative = len(word) > 1 and word.startswith("-")
    else:
        sign, field, operator, value = found.groups()
        test = _field(field, operator, value, names)
        negative = sign == "-"
    return (lambda row: not test(row)) if negative else test


def _anywhere(text: str) -> Test:
    wanted = text.casefold()

    def test(row: TrialRow) -> bool:
        shown = (row.id, state_text(row), row.place, *row.flags, *row.params)
        return any(wanted in part.casefold() for part in shown)

    return test


def _field(field: str, operator: str, value: str, names: Sequence[str]) -> Test:
    read = _reader(field, names)
    if not value:
        raise QueryError(f"{field}{operator} needs a value")
    if operator in ("<", "<=", ">", ">="):
        bound = number(value)
        if bound is None:
            raise QueryError(f"{field}{operator}{value}: {value} is no number")
        return _compared(read, operator, bound)
    wanted = [part for part in value.split(",") if part]
    if field == "status":
        wanted = [_STATES.get(part.casefold(), part) for part in wanted]
    equal = _equal(read, wanted, part_is_enough=operator == ":")
    return (lambda row: not equal(row)) if operator == "!=" else equal


def _compared(read: Callable[[TrialRow], tuple[str, ...]], operator: str, bound: float) -> Test:
    def test(row: TrialRow) -> bool:
        for text in read(row):
            value = number(text)
            if value is not None and _holds(value, operator, bound):
                return True
        return False

    return test


def _holds(value: float, operator: str, bound: float) -> bool:
    match operator:
        case "<":
            return value < bound
        case "<=":
            return value <= bound
        case ">":
            return value > bound
        case _:
            return value >= bound


def _equal(
    read: Callable[[TrialRow], tuple[str, ...]], wanted: Sequence[str], *, part_is_enough: bool
) -> Test:
    words = [(part.casefold(), number(part)) for part in wanted]

    def test(row: TrialRow) -> bool:
        for text in read(row):
            folded, value = text.casefold(), number(text)
            for word, bound in words:
                if value is not None and bound is not None:
                    if value == bound:
                        return True
                elif folded == word or (part_is_enough and folded.startswith(word)):
                    return True
        return False

    return test


def _reader(field: str, names: Sequence[str]) -> Callable[[TrialRow], tuple[str, ...]]:
    """What a field reads of a row, as texts; nothing where it is unknown."""
    name = field.removeprefix(PARAM)
    if name in names and (field not in FIELDS):
        index = list(names).index(name)
        return lambda row: row.params[index : index + 1]
    match field:
        case "id":
            return lambda row: (row.id, str(row.number))
        case "step":
            return lambda row: _known(row.step)
        case "value":
            return lambda row: _known(row.value)
        case "progress":
            return lambda row: _known(row.progress)
        case "age":
            return lambda row: _known(row.age_s)
        case "attempt":
            return lambda row: (str(row.attempt),)
        case "status":
            return lambda row: (row.state, row.cause) if row.cause else (row.state,)
        case "gpu":
            return lambda row: tuple(row.place.split())
        case "flag":
            return lambda row: row.flags
    raise QueryError(f"no field {field}; there are: {', '.join([*FIELDS, *names])}")


def _known(value: float | None) -> tuple[str, ...]:
    return () if value is None else (repr(value),)
