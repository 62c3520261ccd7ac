"""Home: the sweeps found here, one line each. Draws what it is given; opening is the app's."""

import time
from collections.abc import Callable, Sequence
from typing import ClassVar, TypeAlias

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.screen import Screen
from textual.widgets import Input, Static

from tuiswp.analysis import words
from tuiswp.analysis.axes import measured
from tuiswp.controller.here import NOT_STARTED, UNREADABLE, FoundSweep
from tuiswp.text import visible
from tuiswp.tui import actions
from tuiswp.tui.pieces import Line, Piece, Tone, cells, fitted, only_ascii, shorten
from tuiswp.tui.screens.steering import elsewhere
from tuiswp.tui.widgets.footer import KeyFooter
from tuiswp.tui.widgets.picks import Pick, Picks
from tuiswp.tui.widgets.prose import matches, wrapped

_FOOTER = ("home_open", "home_filter", "home_sort", "home_reverse", "help", "palette", "quit")
_TICK_S = 10.0  # `3 min ago` is written anew
_TONES: dict[str, Tone] = {
    "running": "run", "finished": "good", "paused": "warn", "stopping": "warn", "stopped": "warn",
    "orphaned": "bad", "interrupted": "bad", UNREADABLE: "bad", "read-only": "dim",
    NOT_STARTED: "dim",
}  # fmt: skip
_NOTHING = (
    "No sweep lies here: nothing under ./sweeps, and no sweep file that could be started.",
    "",
    "tuiswp check sweep.yaml   read a sweep file and show what it would run",
    "tuiswp sweep.yaml         start it, and look at it",
    "tuiswp DIRECTORY          open a sweep, or a folder of runs, that lies elsewhere",
    "tuiswp doctor             what works on this machine",
)
_Cells: TypeAlias = tuple[str, ...]
# Title, the width it is content with, the most it takes; in the order of the screen.
_COLUMNS: tuple[tuple[str, int, int], ...] = (
    ("sweep", 20, 40), ("state", 11, 11), ("best", 18, 18), ("metric", 16, 24), ("trials", 18, 60),
    ("last", 12, 12), ("where", 14, 80),
)  # fmt: skip
_GOES_FIRST = ("where", "metric", "last", "best", "trials")


class HomeScreen(Screen[None]):
    """`show` it what was found; `chosen` is what enter opens."""

    DEFAULT_CSS = """
    HomeScreen { layout: vertical; overflow: hidden; }
    HomeScreen Static { height: 1; width: 100%; }
    HomeScreen #title { text-style: bold; background: $panel; }
    HomeScreen #head { color: $text-muted; text-style: bold; }
    HomeScreen #about { color: $text-muted; }
    HomeScreen Input { height: 1; border: none; padding: 0; display: none; background: $boost; }
    HomeScreen Input.shown { display: block; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        *actions.bindings("home"),
        Binding("escape", "do('back')", "back"),
    ]
    AUTO_FOCUS = "Picks"

    def __init__(self, *, colour: bool = True, ascii: bool = False) -> None:
        super().__init__()
        self.colour, self.ascii = colour, ascii
        self.clock: Callable[[], float] = time.time
        self._found: Sequence[FoundSweep] | None = None
        self._sort, self._down = 0, False

    def compose(self) -> ComposeResult:
        yield Static(id="title", markup=False)
        yield Input(compact=True, placeholder="only sweeps with…")
        yield Static(id="head", markup=False)
        yield Picks(colour=self.colour, ascii=self.ascii)
        yield Static(id="about", markup=False)
        yield KeyFooter(colour=self.colour, ascii=self.ascii)

    @property
    def chosen(self) -> FoundSweep | None:
        """The sweep under the cursor."""
        key = self.query_one(Picks).cursor
        return next((one for one in self._found or () if str(one.where) == key), None)

    def show(self, found: Sequence[FoundSweep]) -> None:
        """Draw another list."""
        self._found = found
        self.redraw()

    def redraw(self) -> None:
        """Everything anew; the widgets write only what differs."""
        if not self.is_mounted or not self.size.width:
            return
        pane, shown = self.query_one(Picks), self._seen()
        width = max(1, pane.text_width)
        now = self.clock()
        rows = [_cells(one, now) for one in shown]
        widths = fitting(rows, width)
        titles = tuple(title for title, _, _ in _COLUMNS)
        empty: Sequence[Line] = ()
        if self._found is not None:
            empty = [((" no sweep matches", "dim"),)] if self._found else nothing(width)
        pane.show(
            [
                Pick(str(one.where), _line(one, row, widths, ascii=self.ascii))
                for one, row in zip(shown, rows, strict=True)
            ],
            empty,
        )
        self._say("#head", _row(titles, widths, ascii=self.ascii) if shown else "")
        self._say("#title", self._title(len(shown)))
        self._about()

    def _title(self, count: int) -> str:
        if self._found is None:
            return " tuiswp: looking for sweeps…"
        of = "" if count == len(self._found) else f" of {len(self._found)}"
        arrow = ("v" if self._down else "^") if self.ascii else ("↓" if self._down else "↑")
        return f" tuiswp: {count}{of} found here   sort {_SORTS[self._sort][0]} {arrow}"

    def _about(self) -> None:
        """Where the chosen one lies, or what is wrong with it."""
        one = self.chosen
        text = "" if one is None else f" {one.where}"
        if one is not None and one.fault:
            text += f": {one.fault}"
        elif one is not None and one.is_file:
            text += ": a sweep file; enter asks, and starts it"
        self._say("#about", shorten(visible(text), self.size.width, ascii=self.ascii))

    def _say(self, where: str, text: str) -> None:
        shown = only_ascii(text) if self.ascii else text
        line = self.query_one(where, Static)
        if str(line.content) != shown:
            line.update(Content(shown), layout=False)

    def _seen(self) -> list[FoundSweep]:
        asked = self.query_one(Input).value
        text = asked.removeprefix("-")
        found = [one for one in self._found or () if matches(_all(one), text) is (text == asked)]
        key = _SORTS[self._sort][1]
        known = [one for one in found if key(one) is not None]
        known.sort(key=lambda one: key(one) or 0, reverse=self._down)
        return known + [one for one in found if key(one) is None]

    # -- what happens to it

    def on_mount(self) -> None:
        self.query_one(KeyFooter).show(actions.footer(*_FOOTER))
        self.set_interval(_TICK_S, self.redraw)
        self.redraw()

    def on_resize(self) -> None:
        self.call_after_refresh(self.redraw)  # when the panes have their new widths

    def on_picks_moved(self, event: Picks.Moved) -> None:
        event.stop()
        self._about()

    def on_picks_picked(self, event: Picks.Picked) -> None:
        event.stop()
        self.action_do("home_open")

    def on_key_footer_pressed(self, event: KeyFooter.Pressed) -> None:
        event.stop()
        pressed = actions.by_key(event.key, "home", "app")
        if pressed is not None:
            self.action_do(pressed.id)

    def on_input_changed(self, event: Input.Changed) -> None:
        event.stop()
        self.redraw()

    def on_input_submitted(self, event: Input.Submitted) -> None:
        event.stop()
        self.query_one(Picks).focus()

    def action_do(self, action_id: str) -> None:
        """One action of the registry; what is not this screen's own is the app's."""
        line = self.query_one(Input)
        match action_id:
            case "home_filter":
                line.add_class("shown")
                line.focus()
            case "home_sort":
                self._sort = (self._sort + 1) % len(_SORTS)
                self._down = False
                self.redraw()
            case "home_reverse":
                self._down = not self._down
                self.redraw()
            case "back" if line.has_class("shown"):
                line.value = ""
                line.remove_class("shown")
                self.query_one(Picks).focus()
            case _:
                elsewhere(self, action_id)


# What one sorts by: its name, and the key of a sweep, None for those that have none.
_SORTS: tuple[tuple[str, Callable[[FoundSweep], float | str | None]], ...] = (
    ("last", lambda one: None if one.at is None else -one.at),
    ("sweep", lambda one: one.name.casefold()),
    ("state", lambda one: one.word),
    ("best", lambda one: one.best),
)


def nothing(width: int) -> list[Line]:
    """What to do where there is no sweep."""
    lines: list[Line] = [()]
    for text in _NOTHING:
        lines += [((" ", "plain"), *line) for line in wrapped(text, width - 2, indent=26)]
    return lines


def _cells(one: FoundSweep, now: float) -> _Cells:
    """What is said of a sweep, by column; safe to show."""
    best = "" if one.best is None else f"{measured(one.best)} {one.best_trial}"
    trials = "" if one.is_file else words.tally(one.counts)
    if one.fault:
        trials = visible(one.fault, limit=100)
    elif one.runs:
        trials = words.several(one.runs, "run")
    return (
        visible(one.name, limit=60),
        one.word,
        best,
        visible(one.metric, limit=40),
        trials,
        "" if one.at is None else words.ago(one.at, now=now),
        visible(str(one.where), limit=200),
    )


def _all(one: FoundSweep) -> str:
    """What the filter looks at."""
    return " ".join((*_cells(one, 0.0)[:5], visible(str(one.where))))


def fitting(rows: Sequence[_Cells], width: int) -> list[int]:
    """The width of each column; 0 for those that have no room, which go in their order."""
    natural = [
        max(len(title), *(cells(((row[n], "plain"),)) for row in rows), 0)
        for n, (title, _, _) in enumerate(_COLUMNS)
    ]
    widths = [min(size, content) for size, (_, content, _) in zip(natural, _COLUMNS, strict=True)]
    titles = [title for title, _, _ in _COLUMNS]

    def room() -> int:
        return width - sum(widths) - 2 * sum(size > 0 for size in widths)

    for title in _GOES_FIRST:
        if room() < 0:
            widths[titles.index(title)] = 0
    if room() < 0:
        widths[0] = max(1, widths[0] + room())
    if room() < 0:
        widths[1] = 0
    for title in ("trials", "sweep", "metric", "where"):
        at = titles.index(title)
        if widths[at]:
            widths[at] += max(0, min(room(), min(natural[at], _COLUMNS[at][2]) - widths[at]))
    return widths


def _row(row: _Cells, widths: Sequence[int], *, ascii: bool) -> str:
    parts = [
        fitted(shorten(text, size, ascii=ascii), size)
        for text, size in zip(row, widths, strict=True)
        if size
    ]
    return " " + "  ".join(parts)


def _line(one: FoundSweep, row: _Cells, widths: Sequence[int], *, ascii: bool) -> Line:
    tone = _TONES.get(one.word, "plain")
    tones: tuple[Tone, ...] = ("strong", tone, "good", "dim", "plain", "dim", "dim")
    if one.fault:
        tones = ("strong", tone, "dim", "dim", "bad", "dim", "dim")
    out: list[Piece] = [(" ", "plain")]
    for text, size, kind in zip(row, widths, tones, strict=True):
        if size:
            out += [(fitted(shorten(text, size, ascii=ascii), size), kind), ("  ", "plain")]
    return tuple(out)
