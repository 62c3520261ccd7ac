"""A list to pick from: one line an entry, a cursor that belongs to the entry. Draws; no I/O.

What a line says is its owner's; it is given anew whenever it changes, and only lines that differ
are drawn again.
"""

from collections.abc import Sequence
from typing import ClassVar, NamedTuple

from rich.style import Style
from textual.binding import Binding, BindingType
from textual.events import Click, Resize
from textual.geometry import Size
from textual.message import Message
from textual.scroll_view import ScrollView
from textual.strip import Strip

from tuiswp.tui.pieces import Line, only_ascii, strip


class Pick(NamedTuple):
    """One entry; `key` tells it from the others for as long as the list lives."""

    key: str
    line: Line


class Picks(ScrollView, can_focus=True):
    """`show` it entries made for `text_width` columns."""

    ALLOW_SELECT = False
    DEFAULT_CSS = """
    Picks {
        height: 1fr; width: 100%; overflow-x: hidden; overflow-y: auto;
        scrollbar-size-vertical: 1; scrollbar-gutter: stable;
    }
    Picks > .picks--cursor { background: $foreground 10%; }
    Picks:focus > .picks--cursor { background: $primary 45%; }
    """
    COMPONENT_CLASSES: ClassVar[set[str]] = {"picks--cursor"}
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up,k", "move(-1)", "Up", show=False),
        Binding("down,j", "move(1)", "Down", show=False),
        Binding("pageup", "page(-1)", "Page up", show=False),
        Binding("pagedown", "page(1)", "Page down", show=False),
        Binding("home,g", "move(-1000000000)", "First", show=False),
        Binding("end,G", "move(1000000000)", "Last", show=False),
    ]

    class Moved(Message):
        """The cursor came to another entry."""

    class Picked(Message):
        """A click on the entry that had the cursor."""

    def __init__(self, *, id: str | None = None, colour: bool = True, ascii: bool = False) -> None:
        super().__init__(id=id)
        self.colour, self.ascii = colour, ascii
        self._empty: tuple[Line, ...] = ()
        self._picks: tuple[Pick, ...] = ()
        self._at: int = 0

    @property
    def text_width(self) -> int:
        """Columns a line has, the scrollbar left out."""
        return self.scrollable_content_region.width

    @property
    def cursor(self) -> str | None:
        """The key of the entry under the cursor; None: there is none."""
        return self._picks[self._at].key if self._picks else None

    @property
    def keys(self) -> tuple[str, ...]:
        """The entries shown, from the top."""
        return tuple(pick.key for pick in self._picks)

    def show(self, picks: Sequence[Pick], empty: Sequence[Line] = ()) -> None:
        """Draw these, or `empty`; the cursor stays on its entry, else on its line."""
        before, cursor = (self._picks, self._empty), self.cursor
        self._picks, self._empty = tuple(picks), tuple(empty)
        keys = self.keys
        if cursor in keys:
            self._at = keys.index(cursor)
        self._at = max(0, min(self._at, len(keys) - 1))
        moved = len(before[0]) != len(keys) or self.cursor != cursor
        if moved or (not keys and before[1] != self._empty):
            self.virtual_size = Size(self.text_width, max(len(keys), len(self._empty)))
            self.refresh()
            self._reveal()
            return
        for y, (old, new) in enumerate(zip(before[0], self._picks, strict=True)):
            if old != new:
                self.refresh_line(y)

    def select(self, key: str) -> None:
        """Put the cursor on an entry, if it is there."""
        if key in self.keys:
            self.action_move(self.keys.index(key) - self._at)

    def action_move(self, by: int) -> None:
        """Move the cursor by some entries, down if positive."""
        before = self._at
        self._at = max(0, min(before + by, len(self._picks) - 1))
        if before != self._at:
            self.refresh_line(before)
            self.refresh_line(self._at)
            self.post_message(self.Moved())
        self._reveal()

    def action_page(self, by: int) -> None:
        self.action_move(by * max(1, self.scrollable_content_region.height - 1))

    def on_click(self, event: Click) -> None:
        at = event.get_content_offset(self)
        if at is None or not 0 <= (index := at.y + self.scroll_offset.y) < len(self._picks):
            return
        known = index == self._at
        self.action_move(index - self._at)
        if known and event.chain > 1:
            self.post_message(self.Picked())

    def on_resize(self, event: Resize) -> None:
        self._reveal()

    def render_line(self, y: int) -> Strip:
        index, width, base = y + self.scroll_offset.y, self.size.width, self.rich_style
        if not self._picks:
            line: Line = self._empty[index] if index < len(self._empty) else ()
        elif index >= len(self._picks):
            line = ()
        else:
            line = self._picks[index].line
            if index == self._at:
                base = self._on_cursor()
        if self.ascii:
            line = tuple((only_ascii(text), tone) for text, tone in line)
        return strip(line, width, base, colour=self.colour)

    def _on_cursor(self) -> Style:
        plain = Style(bold=True, reverse=not self.colour and self.has_focus)
        return self.get_component_rich_style("picks--cursor") + plain

    def _reveal(self) -> None:
        """Scroll as little as needed to see the cursor."""
        top, height = self.scroll_offset.y, max(1, self.scrollable_content_region.height)
        if not top <= self._at < top + height:
            # Forced: the scroll bar that would allow it appears only with the next repaint.
            to = self._at if self._at < top else self._at - height + 1
            self.scroll_to(y=to, animate=False, force=True)
