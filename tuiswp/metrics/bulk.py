"""Decode a thousand lines at once, when they are all alike: the same flat keys, strict JSON.

A shortcut and nothing more: whatever `rows` would read differently, or not at all, makes `decode`
return None, and the caller goes line by line. Measured, it is about ten times faster than that.
"""

import math
import operator
import struct
from array import array
from collections.abc import Callable, Iterable, Sequence
from enum import IntFlag
from functools import lru_cache
from itertools import islice
from typing import Any, NamedTuple

import msgspec

from tuiswp.metrics.rows import BESIDE, NAME_MAX, PROGRESS, STEP_KEYS
from tuiswp.metrics.series import Floats

_KEYS_MAX = 64

# A line feed becomes a separator that is legal between the objects of an array and nowhere inside
# one: `,null,` cannot stand between two members, and a raw line feed not in a string. As no value
# may be an array or object, no row can then run over a line feed, and as many values as lines means
# one on each line.
_BETWEEN = b",null,\n"


class Kind(IntFlag):
    """What was seen under a key: nothing but null, numbers, text (also true and false), other."""

    NULL = 0
    NUMBER = 1
    TEXT = 2
    NESTED = 4


class Column(NamedTuple):
    """The finite values of one metric in a block, with their steps."""

    name: str
    steps: Floats
    values: Floats


class Block(NamedTuple):
    """What many lines hold. `ordered`: the steps of every column strictly increase.

    `beside`: what is no metric and says where in the run a line is (`rows.BESIDE`).
    """

    rows: int
    last_step: float
    stepped: bool
    progress: float | None
    ordered: bool
    columns: list[Column]
    beside: list[Column]


class Layout:
    """The keys a file has shown so far, and the decoder for lines made of them.

    `wanted`: which metrics to hand out.
    """

    def __init__(self, wanted: Callable[[str], bool]) -> None:
        self._wanted = wanted
        self._kinds: dict[str, Kind] = {}
        self._possible = True
        self._shape: _Shape | None = None

    def learn(self, found: dict[str, Any]) -> None:
        """Take note of a parsed line."""
        if not self._possible:
            return
        kinds = self._kinds
        for key, value in found.items():
            kind = _KIND.get(type(value), Kind.NESTED)
            known = kinds.get(key)
            if known is kind:  # as nearly always, and cheaper than to unite them
                continue
            if known is None or known | kind != known:
                kinds[key] = kind if known is None else known | kind
                self._shape = None
                self._possible = (
                    not kind & Kind.NESTED and len(kinds) <= _KEYS_MAX and len(key) <= NAME_MAX
                )

    def decode(self, head: bytes, rest: memoryview, row: int | None) -> Block | None:
        """Read `head` + `rest`, whole lines without the last line feed; None: go line by line.

        `row`: number of the first row, for lines without a step; None: such lines are not expected.
        """
        if not self._possible or not self._kinds:
            return None
        if self._shape is None:
            self._shape = _shape(tuple(self._kinds.items()))
            self._possible = self._shape is not None
        return (
            None
            if self._shape is None
            else self._shape.decode(b"".join((b"[", head, rest, b"]")), row, self._wanted)
        )


class _Shape:
    """A msgspec struct with one field a key: `f0`, `f1`, … in the order the keys were first seen.

    Raises ValueError if msgspec cannot have such a key.
    """

    def __init__(self, kinds: tuple[tuple[str, Kind], ...]) -> None:
        row = msgspec.defstruct(
            "Row",
            [(f"f{i}", _FIELD_TYPE[kind], None) for i, (_, kind) in enumerate(kinds)],
            rename={f"f{i}": key for i, (key, _) in enumerate(kinds)},
            forbid_unknown_fields=True,
            gc=False,  # holds numbers and text: no cycles
        )
        self._decoder: msgspec.json.Decoder[list[Any]] = msgspec.json.Decoder(list[row | None])  # type: ignore[valid-type]  # made at run time
        places = {key: i for i, (key, kind) in enumerate(kinds) if kind & Kind.NUMBER}
        step_key = next((key for key in STEP_KEYS if key in places), None)
        self._step = None if step_key is None else places[step_key]
        self._step_is_number = step_key is None or dict(kinds)[step_key] == Kind.NUMBER
        self._progress = places.get(PROGRESS)
        self._metrics = [
            (key, i, dict(kinds)[key])
            for key, i in places.items()
            if key[:1] != "_" and key != PROGRESS and key not in STEP_KEYS
        ]
        self._beside = [(key, places[key], dict(kinds)[key]) for key in BESIDE if key in places]

    def decode(self, listed: bytes, row: int | None, wanted: Callable[[str], bool]) -> Block | None:
        """`listed`: the lines with brackets around all of them."""
        if not self._step_is_number:
            return None
        text = listed.replace(b"\n", _BETWEEN)
        feeds = (len(text) - len(listed)) // (len(_BETWEEN) - 1)
        try:
            found = self._decoder.decode(text)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
            return None
        if len(found) != 2 * feeds + 1:
            return None
        rows = found[::2]
        step_list = self._steps_of(rows, row)
        if step_list is None:
            return None
        steps = _pack(step_list)
        if steps is None:
            return None
        return Block(
            rows=len(rows),
            last_step=steps[-1],
            stepped=self._step is not None,
            progress=self._last_progress(rows),
            ordered=increases(step_list),
            columns=_columns(rows, steps, (one for one in self._metrics if wanted(one[0]))),
            beside=_columns(rows, steps, (one for one in self._beside if wanted(one[0]))),
        )

    def _steps_of(self, rows: list[Any], row: int | None) -> list[Any] | None:
        """The step of each row; None if there is something else than rows, or none is allowed."""
        if self._step is not None:
            try:
                return _column(self._step)(rows)
            except AttributeError:  # a line `null`
                return None
        if row is None or not all(rows):
            return None
        return [float(number) for number in range(row, row + len(rows))]

    def _last_progress(self, rows: list[Any]) -> float | None:
        if self._progress is None:
            return None
        name = f"f{self._progress}"
        for row in reversed(rows):
            value = getattr(row, name)
            if type(value) is float and 0.0 <= value <= 1.0:
                return value
        return None


def increases(steps: list[float]) -> bool:
    """True if the (finite) steps strictly increase.

    Nearly always they have one stride, and that is seen three times as fast as by comparing each
    pair: of n differences that add up to `total`, the squares add up to at least total² / n, and to
    at least total² / (n - 1) if one of them is zero or negative.
    """
    differences = len(steps) - 1
    if differences < 1:
        return True
    total = steps[-1] - steps[0]
    if total <= 0.0:
        return False
    if total < 1e100:
        distance = math.dist(steps[1:], steps[:-1])
        if distance * distance * differences < total * total * (1.0 + 0.5 / differences):
            return True
    return all(map(operator.lt, steps, islice(steps, 1, None)))


def _pack(values: Sequence[object]) -> Floats | None:
    """`values`, floats and None, as an array; None if one of them is None."""
    try:
        # Three times as fast as array.fromlist.
        return array("d", struct.pack(f"{len(values)}d", *values))
    except struct.error:
        return None


def _columns(
    rows: list[Any], steps: Floats, chosen: Iterable[tuple[str, int, Kind]]
) -> list[Column]:
    found = (_select(name, steps, _column(place)(rows), kind) for name, place, kind in chosen)
    return [column for column in found if column is not None]


def _select(name: str, steps: Floats, values: list[Any], kind: Kind) -> Column | None:
    if kind == Kind.NUMBER and values[0] is not None:
        packed = _pack(values)
        if packed is not None:
            return Column(name, steps, packed)
    present = [(s, v) for s, v in zip(steps, values, strict=True) if type(v) is float]
    if not present:
        return None
    return Column(name, array("d", [s for s, _ in present]), array("d", [v for _, v in present]))


@lru_cache(maxsize=_KEYS_MAX)
def _column(place: int) -> Callable[[list[Any]], list[Any]]:
    """A function from rows to their field number `place`.

    Compiled with the attribute's name in it: attrgetter and getattr take twice the time, and this
    is where a quarter of the reading goes.
    """
    function: Callable[[list[Any]], list[Any]] = eval(
        f"lambda rows: [row.f{place:d} for row in rows]"
    )
    return function


@lru_cache(maxsize=64)
def _shape(kinds: tuple[tuple[str, Kind], ...]) -> _Shape | None:
    """Shared by all files with the same keys: making a struct type takes as long as 1,000 rows."""
    try:
        return _Shape(kinds)
    except ValueError:  # a key with a quote, a backslash or a control character
        return None


_KIND: dict[type, Kind] = {
    float: Kind.NUMBER, int: Kind.NUMBER, str: Kind.TEXT, bool: Kind.TEXT, type(None): Kind.NULL,
}  # fmt: skip
_FIELD_TYPE: dict[Kind, Any] = {
    Kind.NULL: None,
    Kind.NUMBER: float | None,
    Kind.TEXT: str | bool | None,
    Kind.NUMBER | Kind.TEXT: float | str | bool | None,
}
