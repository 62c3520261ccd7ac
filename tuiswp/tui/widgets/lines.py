"""A pane of text lines, logs or events: follow, filter, scroll. Draws only what is in sight.

It is given whole tuples, a sliding window of what there is; it finds by itself how far they moved,
so that a person who reads higher up keeps the same lines before the eyes.
"""

import re
import time
from collections.abc import Callable, Sequence
from typing import ClassVar, TypeAlias

from rich.cells import cell_len
from textual.binding import Binding, BindingType
from textual.events import Resize
from textual.geometry import Size
from textual.message import Message
from textual.scroll_view import ScrollView
from textual.strip import Strip

from tuiswp.model.ids import trial_id
from tuiswp.text import visible
from tuiswp.tui.pieces import Line, Piece, Tone, only_ascii, strip
from tuiswp.tui.snapshot import EventLine

Row: TypeAlias = str | EventLine

_LEVELS: tuple[tuple[re.Pattern[str], Tone], ...] = (
    (re.compile(r"\b(error|critical|fatal|traceback|exception)\b|Error:", re.I), "bad"),
    (re.compile(r"\b(warn|warning)\b|Warning:", re.I), "warn"),
)
_TONES: dict[str, Tone] = {"plain": "run", "good": "good", "bad": "bad", "note": "warn"}
_LONGEST_SHIFT = 5000


class Lines(ScrollView, can_focus=True):
    """`show` it rows; `newest_first` for events. `following`: it stays where the newest appears."""

    ALLOW_SELECT = False
    DEFAULT_CSS = """
    Lines {
        height: 1fr;
        overflow-x: hidden;
        overflow-y: auto;
        scrollbar-size-vertical: 1;
        scrollbar-gutter: stable;
    }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("k", "scroll_up", "Up", show=False),
        Binding("j", "scroll_down", "Down", show=False),
        Binding("left", "sideways(-8)", "Left", show=False),
        Binding("right", "sideways(8)", "Right", show=False),
        Binding("g", "scroll_home", "First", show=False),
        Binding("G", "scroll_end", "Last", show=False),
    ]

    class Followed(Message):
        """Following began or ended."""

        def __init__(self, following: bool) -> None:
            super().__init__()
            self.following = following

    def __init__(
        self,
        *,
        id: str | None = None,
        newest_first: bool = False,
        colour: bool = True,
        ascii: bool = False,
    ) -> None:
        super().__init__(id=id)
        self.colour, self.ascii = colour, ascii
        self.wanted, self.empty = "", "nothing yet"
        self._newest_first = newest_first
        self._rows: Sequence[Row] = ()
        self._kept: Sequence[Row] = ()
        self.highlighted = ""
        self._mark: re.Pattern[str] | None = None
        self._test: Callable[[str], bool] | None = None
        self._following = True
        self._offset = 0
        self._drawn: dict[Row, Strip] = {}

    def show(self, rows: Sequence[Row]) -> None:
        """Draw `rows`: oldest first, or newest first if it was made so."""
        if rows is self._rows or rows == self._rows:
            return
        self._rows = rows
        self._take(self._matching())

    def filter(self, text: str, *, regex: bool = False) -> str | None:
        """Show only lines that hold `text`, in any case; else say why not and change nothing."""
        if regex:
            try:
                pattern = re.compile(text, re.IGNORECASE)
            except re.error as error:
                return visible(f"not a regular expression: {error}", limit=200)
            self._test = (lambda line: pattern.search(line) is not None) if text else None
        else:
            wanted = text.casefold()
            self._test = (lambda line: wanted in line.casefold()) if text else None
        self.wanted = text
        self._take(self._matching())
        return None

    def highlight(self, text: str) -> None:
        """Mark every place that holds `text`, in any case; "" marks none. All lines stay."""
        self.highlighted = text
        self._mark = re.compile(re.escape(text), re.IGNORECASE) if text else None
        self._drawn.clear()
        self.refresh()

    @property
    def found(self) -> int:
        """How many of the lines shown hold what is highlighted."""
        mark = self._mark
        return 0 if mark is None else sum(mark.search(plain(row)) is not None for row in self._kept)

    def follow(self, on: bool) -> None:
        """Stay at the newest line, or stop doing so."""
        if on != self._following:
            self._following = on
            self.post_message(self.Followed(on))
        if on:
            self._to_newest()

    @property
    def following(self) -> bool:
        return self._following

    @property
    def shown(self) -> Sequence[Row]:
        """The rows that match the filter."""
        return self._kept

    def render_line(self, y: int) -> Strip:
        width = self.size.width
        index = y + self.scroll_offset.y
        if index >= len(self._kept):
            note: Line = ((f" {self._note()}", "dim"),) if y == 0 and not self._kept else ()
            return strip(note, width, self.rich_style, colour=self.colour)
        row = self._kept[index]
        drawn = self._drawn.get(row)
        if drawn is None or drawn.cell_length < width + self._offset:
            if len(self._drawn) > 2048:
                self._drawn.clear()
            drawn = self._drawn[row] = self._draw(row, width)
        return drawn.crop(self._offset, self._offset + width)

    def action_sideways(self, by: int) -> None:
        """Move the text, by cells."""
        self._offset = max(0, self._offset + by)
        self.refresh()

    def watch_scroll_y(self, old_value: float, new_value: float) -> None:
        """A person who leaves the newest line stops following; who comes back to it follows."""
        super().watch_scroll_y(old_value, new_value)
        at_newest = new_value <= 0 if self._newest_first else new_value >= self.max_scroll_y
        if at_newest != self._following:
            self._following = at_newest
            self.post_message(self.Followed(at_newest))

    def on_resize(self, event: Resize) -> None:
        self._drawn.clear()
        if self._following:
            self._to_newest()

    def notify_style_update(self) -> None:
        super().notify_style_update()
        self._drawn.clear()

    def _matching(self) -> Sequence[Row]:
        test = self._test
        if test is None:
            return self._rows
        return [row for row in self._rows if test(plain(row))]

    def _take(self, rows: Sequence[Row]) -> None:
        old, self._kept = self._kept, rows
        following = self._following
        top = self.scroll_offset.y
        self.virtual_size = Size(self.scrollable_content_region.width, len(rows))
        if following:
            self._following = True
            self._to_newest()
        else:
            moved = shift(rows, old) if self._newest_first else -shift(old, rows)
            self.scroll_to(y=max(0, top + moved), animate=False, force=True)
        self.refresh()

    def _to_newest(self) -> None:
        # Forced: the scroll bar that would allow it appears only with the next repaint.
        end = 0 if self._newest_first else self.max_scroll_y
        self.scroll_to(y=end, animate=False, force=True)

    def _note(self) -> str:
        return "no line matches" if self.wanted and self._rows else self.empty

    def _draw(self, row: Row, width: int) -> Strip:
        line = pieces(row)
        if self._mark is not None:
            line = marked(line, self._mark)
        if self.ascii:
            line = tuple((only_ascii(text), tone) for text, tone in line)
        size = max(width + self._offset, sum(cell_len(text) for text, _ in line))
        return strip(line, size, self.rich_style, colour=self.colour)


def plain(row: Row) -> str:
    """What is seen of a row, as one text: this is what filters look at."""
    return row if isinstance(row, str) else "".join(text for text, _ in pieces(row))


def pieces(row: Row) -> Line:
    """A log line coloured by its level; an event as time, trial, kind and text."""
    if isinstance(row, str):
        text = visible(row)
        tone: Tone = next((tone for pattern, tone in _LEVELS if pattern.search(text)), "plain")
        return ((text, tone),)
    clock = time.strftime("%H:%M:%S", time.localtime(row.at))
    who = "sweep" if row.trial is None else trial_id(row.trial)
    return (
        (f"{clock} ", "dim"),
        (f"{who:<6} ", "strong"),
        (f"{row.kind:<10} ", _TONES[row.tone]),
        (row.text, "bad" if row.tone == "bad" else "plain"),
    )


def marked(line: Line, mark: re.Pattern[str]) -> Line:
    """`line` with what matches in another tone; a match that spans two pieces is not seen."""
    out: list[Piece] = []
    for text, tone in line:
        at = 0
        for match in mark.finditer(text):
            out += [(text[at : match.start()], tone), (match.group(), "found")]
            at = match.end()
        out.append((text[at:], tone))
    return tuple(piece for piece in out if piece[0])


def shift(old: Sequence[Row], new: Sequence[Row]) -> int:
    """How many rows `old` begins with that `new` no longer has, when `new` continues `old`.

    0 when they have nothing to do with each other.
    """
    if not new or not old:
        return 0
    for start in range(min(len(old), _LONGEST_SHIFT)):
        size = min(len(old) - start, len(new))
        if old[start] == new[0] and tuple(old[start : start + size]) == tuple(new[:size]):
            return start
    return 0
