"""The last thing before the terminal: no colour where none is wanted, only ASCII where no more is.

Widgets draw for their terminal; what Textual adds by itself (scroll bars, borders, notices, colours
of panes) passes here, and so does whatever a widget forgot. Reads nothing.
"""

from collections.abc import Sequence
from functools import lru_cache

from rich.segment import Segment
from rich.style import Style
from textual.color import Color
from textual.filter import LineFilter

from tuiswp.tui.pieces import only_ascii

# What Textual draws down the side of a notice or a field.
_SIDES = str.maketrans(dict.fromkeys("▌▐▊▎▏▕│┃", "|"))


class WithoutColour(LineFilter):
    """NO_COLOR: bold, dim and reverse stay, colours go. Textual's own filter leaves greys."""

    def apply(self, segments: list[Segment], background: Color) -> list[Segment]:
        return [Segment(text, style and _colourless(style)) for text, style, _ in segments]


class OnlyAscii(LineFilter):
    """--ascii: every cell is one that a terminal without UTF-8 can show."""

    def apply(self, segments: list[Segment], background: Color) -> list[Segment]:
        return [Segment(only_ascii(text.translate(_SIDES)), style) for text, style, _ in segments]


def for_terminal(given: Sequence[LineFilter], *, colour: bool, ascii: bool) -> list[LineFilter]:
    """The filters of a terminal that can do this; `given` are Textual's."""
    chosen: list[LineFilter] = list(given) if colour else [WithoutColour()]
    return [*chosen, OnlyAscii()] if ascii else chosen


@lru_cache(maxsize=1024)
def _colourless(style: Style) -> Style:
    plain = style.without_color  # which loses where a scroll bar can be taken hold of
    return plain + Style.from_meta(style.meta) if style.meta else plain
