"""The trials table: a line of the screen a trial, on Textual's line API. Draws; does no I/O.

Only what is in sight is drawn, and only lines that changed are drawn again. It knows no clock: a
move counts from the `now` given with it, or else from the next `show`.
"""

from collections.abc import Iterable, Sequence
from typing import ClassVar, NamedTuple

from rich.segment import Segment
from rich.style import Style
from textual.binding import Binding, BindingType
from textual.events import Click, Resize
from textual.geometry import Region, Size
from textual.message import Message
from textual.scroll_view import ScrollView
from textual.strip import Strip

from tuiswp.model.sweep import Goal
from tuiswp.model.trial import State
from tuiswp.text import visible
from tuiswp.tui.changes import NEAR_TEXT, changed
from tuiswp.tui.columns import METRIC, Column, Layout, Sheet
from tuiswp.tui.ordering import Ordering
from tuiswp.tui.pieces import Tone, only_ascii, style
from tuiswp.tui.snapshot import TrialRow

_STATE_TONES: dict[State, Tone] = {
    "queued": "dim",
    "running": "run",
    "paused": "warn",
    "done": "good",
    "failed": "bad",
    "killed": "accent",
    "pruned": "accent",
    "lost": "bad",
}
_GOOD_FLAGS, _BAD_FLAGS = {"BEST"}, {"NaN", "DIVERG", "STALL", "SLOW", "EXPR"}
_KEPT = 1024
_UNSORTED = {"mark", "trend"}


class _Made(NamedTuple):
    """What a layout was made for."""

    version: int = -1
    width: int = -1
    chosen: tuple[str, ...] | None = None
    offset: int = 0


class _Look(NamedTuple):
    """Everything that is seen of a row: a line is drawn again only when this changes."""

    number: int
    texts: tuple[str, ...]
    state: State
    flags: tuple[str, ...]
    cursor: bool
    marked: bool


class Trials(ScrollView, can_focus=True):
    """`show` it rows; it keeps sort, filter, marks, the cursor and which columns were chosen.

    `colour` and `ascii` say what the terminal can do; set them before the first `show`. `ordering`
    may be read for what to remember of a view: its `sort`, `down`, `query`, `marks`.
    """

    ALLOW_SELECT = False
    DEFAULT_CSS = """
    Trials {
        height: 1fr;
        overflow-x: hidden;
        overflow-y: auto;
        scrollbar-size-vertical: 1;
        scrollbar-gutter: stable;
    }
    Trials > .trials--header { text-style: bold; color: $text-muted; }
    Trials > .trials--cursor { background: $foreground 10%; }
    Trials:focus > .trials--cursor { background: $primary 45%; }
    """
    COMPONENT_CLASSES: ClassVar[set[str]] = {"trials--header", "trials--cursor"}
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up,k", "move(-1)", "Up", show=False),
        Binding("down,j", "move(1)", "Down", show=False),
        Binding("pageup", "page(-1)", "Page up", show=False),
        Binding("pagedown", "page(1)", "Page down", show=False),
        Binding("home,g", "move(-1000000000)", "First", show=False),
        Binding("end,G", "move(1000000000)", "Last", show=False),
        Binding("enter", "open", "Open", show=False),
    ]

    class Highlighted(Message):
        """The cursor came to another trial; None: there is no row."""

        def __init__(self, number: int | None) -> None:
            super().__init__()
            self.number = number

    class Opened(Message):
        """Enter, or a click on the row that had the cursor."""

        def __init__(self, number: int) -> None:
            super().__init__()
            self.number = number

    class MarksChanged(Message):
        """Read them with `selection`."""

    class ViewChanged(Message):
        """Sort or filter changed: `summary` says something else."""

    def __init__(self, *, id: str | None = None, colour: bool = True, ascii: bool = False) -> None:
        super().__init__(id=id)
        self.colour, self.ascii = colour, ascii
        self.chosen: tuple[str, ...] | None = None  # the keys of columns; None: by priority
        self._offset = 0
        self.ordering = Ordering()
        self._sheet = Sheet((), "", ascii=ascii)
        self._layout, self._made_for = Layout((), 0), _Made()
        self._strips: dict[int, tuple[_Look, Style, Strip]] = {}
        self._texts: dict[int, tuple[TrialRow, tuple[str, ...]]] = {}
        self._seen: dict[int, _Look | None] = {}  # what was drawn last, by line
        self._base = Style()
        self._highlighted: int | None = None

    def show(
        self,
        rows: Sequence[TrialRow],
        columns: Sequence[str],
        metric_name: str,
        goal: Goal,
        now: float,
        logged: Sequence[str] = (),
    ) -> None:
        """Draw `rows`. `columns`: names of their parameters; `now`: seconds of any steady clock.

        `logged`: names of the metrics that rows have values of.
        """
        sheet = self._sheet
        known = (sheet.names, sheet.metric, sheet.logged, sheet.ascii) == (
            tuple(columns), metric_name, tuple(logged), self.ascii,
        )  # fmt: skip
        changed: Sequence[TrialRow] = self.ordering.show(rows, columns, goal, now, logged)
        if not known:
            self._sheet = Sheet(columns, metric_name, logged=logged, ascii=self.ascii)
            self._made_for = _Made()
            changed = rows
        self._sheet.take(changed)
        self._settle()

    def choose(self, columns: Sequence[str] | None) -> None:
        """Show these columns, by key, in this order; None: by priority."""
        self.chosen = None if columns is None else tuple(columns)
        self._offset = 0
        self._settle(view=True)

    def sideways(self, by: int) -> None:
        """Move by columns to those that are out of sight; the id stays."""
        if by < 0 or self._layout.after:
            self._offset = max(0, self._layout.before + by)
            self._settle(view=True)

    @property
    def columns(self) -> list[str]:
        """The keys of the columns behind the id, in sight or not."""
        return self._sheet.arranged(self.chosen)

    @property
    def every_column(self) -> list[str]:
        """The keys of the columns there are where nobody chose."""
        return self._sheet.arranged(None)

    @property
    def metrics(self) -> tuple[str, ...]:
        """The logged metrics among the chosen columns: rows must have their values."""
        chosen = self.chosen or ()
        return tuple(key.removeprefix(METRIC) for key in chosen if key.startswith(METRIC))

    def sort_by(self, name: str) -> bool:
        """Sort by a column's key or a parameter's name, ascending or the best first."""
        found = self.ordering.sort_by(name)
        self._settle(view=True)
        return found

    def sort_beside(self, step: int) -> None:
        """Sort by the column to the right of the one sorted by (1), or to the left (-1)."""
        keys = [column.key for column in self._layout.columns if column.key not in _UNSORTED]
        if keys:
            here = keys.index(self.ordering.sort) if self.ordering.sort in keys else 0
            self.sort_by(keys[(here + step) % len(keys)])

    def reverse(self) -> None:
        """Turn the order round; rows without a value stay at the end."""
        self.ordering.reverse()
        self._settle(view=True)

    def filter(self, text: str) -> str | None:
        """Show only what matches (see `tuiswp.tui.query`); else why not, and the old rows stay."""
        fault = self.ordering.filter(text)
        if fault is None:
            self._settle(view=True)
        return None if fault is None else visible(fault, limit=200)

    def move(self, by: int, now: float | None = None) -> None:
        """Move the cursor by some rows, down if positive."""
        self.ordering.move_to(self.ordering.line + by, now)
        self._reveal()

    def select(self, number: int, now: float | None = None) -> bool:
        """Put the cursor on a trial; False if it is not shown."""
        place = self.ordering.place.get(number)
        if place is None:
            return False
        self.ordering.move_to(place, now)
        self._reveal()
        return True

    def toggle_mark(self) -> None:
        """Mark or unmark the cursor's trial."""
        self.ordering.toggle_mark()
        self._settle(marks=True)

    def mark(self, numbers: Iterable[int]) -> None:
        """Mark these of the trials there are, and no others."""
        self.ordering.marks = set(numbers) & self.ordering.rows.keys()
        self._settle(marks=True)

    def mark_range(self) -> None:
        """Mark from the trial marked last to the cursor."""
        self.ordering.mark_range()
        self._settle(marks=True)

    def invert_marks(self) -> None:
        """Mark what is not marked among the rows shown, and the other way round."""
        self.ordering.invert_marks()
        self._settle(marks=True)

    def clear_marks(self) -> None:
        """Unmark everything."""
        self.ordering.clear_marks()
        self._settle(marks=True)

    def selection(self) -> tuple[int, ...]:
        """What an action acts on: the marked trials, by number, or that of the cursor."""
        return self.ordering.selection()

    @property
    def cursor(self) -> int | None:
        """The number of the trial under the cursor."""
        return self.ordering.cursor

    @property
    def order(self) -> tuple[int, ...]:
        """The trials shown, from the top."""
        return tuple(self.ordering.order)

    @property
    def summary(self) -> str:
        """`34/47  sort val_loss ↑  filter status:run  3 marked  2 rows would move`."""
        rows = self.ordering
        title = next((c.title for c in self._layout.columns if c.key == rows.sort), rows.sort)
        arrow = ("v" if rows.down else "^") if self.ascii else ("↓" if rows.down else "↑")
        parts = [f"{len(rows.order)}/{len(rows.rows)}", f"sort {title} {arrow}"]
        parts += [f"filter {visible(rows.query, limit=60)}"] if rows.query else []
        parts += [f"{len(rows.marks)} marked"] if rows.marks else []
        parts += [rows.hint] if rows.hint else []
        parts += [self._elsewhere] if self._elsewhere else []
        text = "  ".join(parts)
        return only_ascii(text) if self.ascii else text

    @property
    def _elsewhere(self) -> str:
        """`← 2 columns 3 →`: how many are out of sight on either side."""
        before, after = self._layout.before, self._layout.after
        if not before and not after:
            return ""
        left, right = ("<", ">") if self.ascii else ("←", "→")
        one = before + after == 1
        words = ([f"{left} {before}"] if before else [], [f"{after} {right}"] if after else [])
        return " ".join([*words[0], "column" if one else "columns", *words[1]])

    def render_lines(self, crop: Region) -> list[Strip]:
        """The lines of a part of the screen; the style of the widget is worked out once for all."""
        self._base = self.rich_style
        return super().render_lines(crop)

    def render_line(self, y: int) -> Strip:
        """The header, then a row a line."""
        width = self.size.width
        base = self._base
        if y == 0:
            head = self.get_component_rich_style("trials--header")
            titles = self._sheet.titles(self._layout, self.ordering.sort, down=self.ordering.down)
            return _whole([Segment(" ".join(titles), head)], self._layout, width, head)
        look = self._seen[y] = self._look(y)
        if look is None:
            return Strip.blank(width, base)
        if look.cursor:
            base = self.get_component_rich_style("trials--cursor")
            base += Style(bold=True, reverse=not self.colour and self.has_focus)
        kept = self._strips.get(look.number)
        if kept is not None and kept[2].cell_length == width and kept[:2] == (look, base):
            return kept[2]
        strip = _row_strip(look, self._layout, width, base, colour=self.colour)
        if len(self._strips) >= _KEPT:
            self._strips.clear()
        self._strips[look.number] = (look, base, strip)
        return strip

    action_move = move

    def action_page(self, by: int) -> None:
        self.move(by * max(1, self.scrollable_content_region.height - 2))

    def action_open(self) -> None:
        if self.ordering.cursor is not None:
            self.post_message(self.Opened(self.ordering.cursor))

    def on_click(self, event: Click) -> None:
        """A click on the header sorts by it, or turns the order; one on a row goes there."""
        at = event.get_content_offset(self)
        if at is None:
            return
        if at.y == 0:
            column = self._layout.at(at.x)
            if column is not None and column.key == self.ordering.sort:
                self.reverse()
            elif column is not None:
                self.sort_by(column.key)
            return
        look = self._look(at.y)
        if look is not None and look.cursor and event.chain > 1:
            self.action_open()
        elif look is not None:
            self.select(look.number)

    def on_resize(self, event: Resize) -> None:
        self._seen.clear()
        self._reveal()

    def _reveal(self) -> None:
        """Scroll as little as needed to see the cursor."""
        line, top = self.ordering.line, self.scroll_offset.y
        height = max(1, self.scrollable_content_region.height - 1)
        self._settle()
        if not top <= line < top + height:
            # Forced: the scroll bar that would allow it appears only with the next repaint.
            self.scroll_to(y=line if line < top else line - height + 1, animate=False, force=True)

    def _settle(self, *, view: bool = False, marks: bool = False) -> None:
        """After any change: lay out, redraw the lines that differ, tell who listens."""
        size = Size(self.scrollable_content_region.width, len(self.ordering.order) + 1)
        if size != self.virtual_size:
            self.virtual_size = size
        wanted = _Made(
            self._sheet.version, self.scrollable_content_region.width, self.chosen, self._offset
        )
        if wanted != self._made_for:
            hidden = self._layout.before, self._layout.after
            self._layout = self._sheet.layout(wanted.width, wanted.chosen, wanted.offset)
            view = view or hidden != (self._layout.before, self._layout.after)
            self._made_for = wanted
            self._strips.clear()
            self._texts.clear()
            self.refresh()
        elif view:
            self.refresh(Region(0, 0, self.size.width, 1))
        for y in range(1, self.size.height):
            look, seen = self._look(y), self._seen.get(y)
            if y not in self._seen or seen != look:
                spans = _spans(seen, look, self.size.width)
                self.refresh(*(Region(start, y, end - start, 1) for start, end in spans))
        if self.ordering.cursor != self._highlighted:
            self._highlighted = self.ordering.cursor
            self.post_message(self.Highlighted(self._highlighted))
        if view:
            self.post_message(self.ViewChanged())
        if marks:
            self.post_message(self.MarksChanged())

    def _look(self, y: int) -> _Look | None:
        """What the screen line `y` shows; None below the last row."""
        rows, index = self.ordering, y - 1 + self.scroll_offset.y
        if index >= len(rows.order):
            return None
        number = rows.order[index]
        row = rows.rows[number]
        kept = self._texts.get(number)
        if kept is None or (kept[0] is not row and kept[0] != row):
            if len(self._texts) >= _KEPT:
                self._texts.clear()
            kept = self._texts[number] = row, self._sheet.cells(row, self._layout)
        return _Look(
            number, kept[1], row.state, row.flags, number == rows.cursor, number in rows.marks
        )


def _spans(old: _Look | None, new: _Look | None, width: int) -> list[tuple[int, int]]:
    """The columns of a line to draw again: all of them, unless only texts differ."""
    if old is None or new is None or old[2:] != new[2:]:
        return [(0, width)]
    before, after = ([(" ".join(look.texts).ljust(width), "")] for look in (old, new))
    return changed(before, after, width, NEAR_TEXT)


def _row_strip(look: _Look, layout: Layout, width: int, base: Style, *, colour: bool) -> Strip:
    """One row in the colours of its state, exactly `width` cells."""
    runs: list[tuple[Tone, list[str]]] = []  # neighbours of one tone are one piece: fewer bytes
    for column, text in zip(layout.columns, look.texts, strict=True):
        if column.key == "mark":
            text = (">" if look.cursor else " ") + ("*" if look.marked else " ")
            text = text[: column.width]
        tone = _tone(look, column)
        if runs:
            runs[-1][1].append(" ")
        if runs and (runs[-1][0] == tone or not text.strip(" ")):
            runs[-1][1].append(text)
        else:
            runs.append((tone, [text]))
    segments = [Segment("".join(texts), base + style(tone, colour=colour)) for tone, texts in runs]
    return _whole(segments, layout, width, base)


def _whole(segments: list[Segment], layout: Layout, width: int, base: Style) -> Strip:
    """The cells of a layout as a strip of exactly `width`."""
    last = layout.columns[-1] if layout.columns else None
    used = last.start + last.width if last is not None else 0
    strip = Strip([segment for segment in segments if segment.text], used)
    return strip.adjust_cell_length(width, base)


def _tone(look: _Look, column: Column) -> Tone:
    match column.key:
        case "state":
            return _STATE_TONES[look.state]
        case "flags":
            flags = set(look.flags)
            return "bad" if flags & _BAD_FLAGS else "good" if flags & _GOOD_FLAGS else "warn"
        case "mark":
            return "strong"
        case "value":
            return "good" if "BEST" in look.flags else "plain"
        case "trend":
            return "run" if look.state == "running" else "dim"
        case "age" | "attempt" | "left":
            return "dim"
    return "plain"
