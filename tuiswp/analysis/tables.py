"""Rows of cells → aligned lines that fit a width. Pure; knows nothing of what the cells mean."""

import re
import unicodedata
from collections.abc import Sequence
from functools import lru_cache

_GAP = "  "
_LEAST = 6
# 9.014e-3, -10.64%, +0.51%, 0.02456
_NUMBER = re.compile(
    r"(?P<lead>(?P<sign>[+-]?)\d+\.(?P<digits>\d+))(?P<unit>(?:e[+-]?\d+)?(?: ?%)?)"
)


def table(
    headers: Sequence[str],
    rows: Sequence[Sequence[str]],
    *,
    width: int,
    right: Sequence[int] = (),
    indent: str = "",
) -> list[str]:
    """Aligned lines, headers first. Columns in `right` are set to the right.

    Columns without any content are left out. What does not fit is cut in the widest columns, with
    an ellipsis; no line is longer than `width` unless the columns cannot be that narrow.
    """
    kept = [n for n, _ in enumerate(headers) if any(row[n] for row in rows)]
    if not kept:
        return []
    lines = [[headers[n] for n in kept], *([row[n] for n in kept] for row in rows)]
    wide = [[columns(cell) for cell in line] for line in lines]
    sizes = [max(column) for column in zip(*wide, strict=True)]
    room = width - len(indent) - len(_GAP) * (len(kept) - 1)
    _shrink(sizes, room)
    to_right = [column in right for column in kept]
    return [
        (indent + _GAP.join(map(_fit, line, taken, sizes, to_right))).rstrip()
        for line, taken in zip(lines, wide, strict=True)
    ]


def columns(text: str) -> int:
    """How many columns of a terminal `text` takes: wide characters two, combining marks none."""
    return len(text) if text.isascii() else _wide(text)


@lru_cache(maxsize=4096)  # the same few words stand in every row
def _wide(text: str) -> int:
    return sum(_columns(char) for char in text)


def cut(text: str, size: int) -> str:
    """`text` in at most `size` columns; a number loses digits after the point, never its size."""
    if columns(text) <= size:
        return text
    rounded = _rounded(text, size)
    if rounded is not None:
        return rounded
    if text.isascii():
        return text[: size - 1] + "…"
    kept, used = "", 0
    for char in text:
        if used + _columns(char) > size - 1:
            break
        kept += char
        used += _columns(char)
    return kept + "…"


def _rounded(text: str, size: int) -> str | None:
    """A number with fewer digits, so that it fits; None where that would not be the number."""
    number = _NUMBER.fullmatch(text)
    if number is None:
        return None
    lead = float(number["lead"])
    for digits in range(len(number["digits"]) - 1, -1, -1):
        short = f"{lead:{number['sign']}.{digits}f}"
        if lead and not float(short):
            return None
        if len(short + number["unit"]) <= size:
            return short + number["unit"]
    return None


def _columns(char: str) -> int:
    if unicodedata.combining(char):
        return 0
    return 2 if unicodedata.east_asian_width(char) in "WF" else 1


def _fit(text: str, taken: int, size: int, at_right: bool) -> str:
    """`text`, which takes `taken` columns, in exactly `size`."""
    if taken > size:
        text = cut(text, size)
        taken = columns(text)
    space = " " * (size - taken)
    return space + text if at_right else text + space


def _shrink(sizes: list[int], room: int) -> None:
    """Narrow the widest columns until all fit, none below a readable least."""
    while sum(sizes) > room:
        widest = max(range(len(sizes)), key=sizes.__getitem__)
        if sizes[widest] <= _LEAST:
            return
        second = max((size for n, size in enumerate(sizes) if n != widest), default=0)
        excess = sum(sizes) - room
        sizes[widest] = max(_LEAST, sizes[widest] - excess, min(second, sizes[widest] - 1))
