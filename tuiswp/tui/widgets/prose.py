"""A pane of toned text to read and scroll: results, help, facts. Draws only what is in sight.

Where `Lines` follows what grows, this one holds a text that is made anew and stays where it was.
"""

import textwrap
from collections.abc import Sequence
from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.geometry import Size
from textual.scroll_view import ScrollView
from textual.strip import Strip

from tuiswp.tui.pieces import Line, Tone, only_ascii, strip


class Prose(ScrollView, can_focus=True):
    """`show` it lines made for `text_width` columns; an equal text costs nothing."""

    ALLOW_SELECT = False
    DEFAULT_CSS = """
    Prose {
        height: 1fr; width: 100%; overflow-x: hidden; overflow-y: auto;
        scrollbar-size-vertical: 1; scrollbar-gutter: stable;
    }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("k", "scroll_up", show=False),
        Binding("j", "scroll_down", show=False),
        Binding("g", "scroll_home", show=False),
        Binding("G", "scroll_end", show=False),
    ]

    def __init__(self, *, id: str | None = None, colour: bool = True, ascii: bool = False) -> None:
        super().__init__(id=id)
        self.colour, self.ascii = colour, ascii
        self._lines: tuple[Line, ...] = ()

    @property
    def text_width(self) -> int:
        """Columns a line has, the scrollbar left out."""
        return self.scrollable_content_region.width

    @property
    def plain(self) -> str:
        """The whole text, without its tones."""
        return "\n".join("".join(text for text, _ in line).rstrip() for line in self._lines)

    def show(self, lines: Sequence[Line]) -> None:
        """Draw these; the place that was scrolled to stays."""
        new = tuple(lines)
        old, self._lines = self._lines, new
        if len(old) != len(new):
            self.virtual_size = Size(self.text_width, len(new))
            self.refresh()
            return
        for y, (before, after) in enumerate(zip(old, new, strict=True)):
            if before != after:
                self.refresh_line(y)

    def render_line(self, y: int) -> Strip:
        index = y + self.scroll_offset.y
        line = self._lines[index] if index < len(self._lines) else ()
        if self.ascii:
            line = tuple((only_ascii(text), tone) for text, tone in line)
        return strip(line, self.size.width, self.rich_style, colour=self.colour)


def wrapped(text: str, width: int, tone: Tone = "plain", *, indent: int = 0) -> list[Line]:
    """`text` broken at words into lines of at most `width` characters, later ones indented."""
    parts = textwrap.wrap(text, max(8, width), subsequent_indent=" " * indent)
    return [((part, tone),) for part in parts] or [()]


def matches(text: str, words: str) -> bool:
    """Does `text` hold each of the words, whatever their case?"""
    low = text.casefold()
    return all(word in low for word in words.casefold().split())
