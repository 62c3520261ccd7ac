"""Colours and markers of charts: Okabe and Ito's set, which people of any colour vision tell apart.

A line is known by its slot, a small number. Colours repeat after seven slots and markers after
eight, so that the first 56 slots differ in one or the other. Without colour the marker alone tells.
"""

from functools import lru_cache
from typing import Literal, TypeAlias

from rich.style import Style

Ink: TypeAlias = str  # "" plain, a role of `_ROLES`, or what `line_ink` returns
Weight: TypeAlias = Literal["dim", "normal", "front"]

# Okabe and Ito (2008) without black, which a dark terminal cannot show; the readable ones first.
COLOURS = ("#56b4e9", "#e69f00", "#009e73", "#f0e442", "#cc79a7", "#d55e00", "#0072b2")
MARKERS = ("●", "○", "◆", "◇", "▲", "△", "■", "□")
ASCII_MARKERS = ("*", "o", "+", "x", "#")

_ROLES = {
    "axis": Style(dim=True),
    "note": Style(dim=True),
    "title": Style(bold=True),
    "chosen": Style(bold=True, reverse=True),
    "cursor": Style(bold=True),
    "kill": Style(color="#d55e00", bold=True),
}
_PLAIN = Style()


def marker(slot: int, *, ascii: bool = False) -> str:
    """The marker of a slot, one column wide."""
    markers = ASCII_MARKERS if ascii else MARKERS
    return markers[slot % len(markers)]


def colour(slot: int) -> str:
    """The colour of a slot, as `#rrggbb`."""
    return COLOURS[slot % len(COLOURS)]


def line_ink(slot: int, weight: Weight = "normal") -> Ink:
    """The name of the style a line of this slot is drawn with."""
    return f"{weight} {slot % len(COLOURS)}"


@lru_cache(maxsize=256)
def style(ink: Ink, *, colour: bool = True) -> Style:
    """The style of an ink; without `colour` only weight is left: dim, plain, bold."""
    if ink in _ROLES:
        role = _ROLES[ink]
        return role if colour else role.without_color
    weight, _, slot = ink.partition(" ")
    if not slot.isdecimal():
        return _PLAIN
    hue = COLOURS[int(slot) % len(COLOURS)] if colour else None
    return Style(color=hue, dim=weight == "dim" or None, bold=weight == "front" or None)
