"""One trial: what it was given, how each launch went, its curves, what it prints. Draws only.

Number keys go to its sections; on a small terminal the one that is focused gets the room.
"""

from collections.abc import Mapping
from typing import ClassVar

from msgspec.structs import replace
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Container, Vertical
from textual.geometry import Size
from textual.screen import Screen
from textual.widgets import Input, Static

from tuiswp.tui import actions
from tuiswp.tui.moments import told
from tuiswp.tui.pieces import Line, only_ascii
from tuiswp.tui.screens.about import Section, sections, title
from tuiswp.tui.screens.facts import command_of
from tuiswp.tui.screens.steering import elsewhere, toggle_full, write_line
from tuiswp.tui.snapshot import Snapshot, Want
from tuiswp.tui.widgets.chart import Chart
from tuiswp.tui.widgets.chart_grid import ChartGrid
from tuiswp.tui.widgets.filter_line import FilterLine
from tuiswp.tui.widgets.footer import KeyFooter
from tuiswp.tui.widgets.lines import Lines
from tuiswp.tui.widgets.prose import Prose

_FOOTER = (
    "help", "metric_next", "crosshair", "full_pane", "terminate", "restart", "attach", "palette",
)  # fmt: skip
_WIDE = 110  # columns from which the facts stand beside the chart
_SECTIONS: Mapping[str, Section] = {
    "trial_parameters": "parameters",
    "trial_attempts": "attempts",
    "trial_command": "command",
    "trial_processes": "processes",
}


class TrialScreen(Screen[None]):
    """`number`: whose screen it is. `wants` says what the next snapshot must hold for it."""

    DEFAULT_CSS = """
    TrialScreen { layout: vertical; overflow: hidden; }
    TrialScreen .trial--title { height: 1; width: 100%; text-style: bold; }
    TrialScreen #body { layout: vertical; height: 1fr; width: 100%; }
    TrialScreen #facts { height: 1fr; }
    TrialScreen #facts:focus { height: 2fr; }
    TrialScreen #seen { height: 2fr; width: 100%; }
    TrialScreen ChartGrid { height: 1fr; width: 100%; }
    TrialScreen ChartGrid:focus-within { height: 2fr; }
    TrialScreen #log { height: 1fr; }
    TrialScreen #log:focus { height: 2fr; }
    TrialScreen .trial--rule { height: 1; width: 100%; color: $text-muted; }
    TrialScreen.wide #body { layout: horizontal; }
    TrialScreen.wide #facts { width: 2fr; height: 100%; }
    TrialScreen.wide #seen { width: 3fr; height: 100%; }
    TrialScreen.wide ChartGrid { height: 2fr; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        *actions.bindings("trial", "view", "act", "steer"),
        Binding("Y", "do('log_x')", "log x"),
        Binding("left", "do('left')", show=False),
        Binding("right", "do('right')", show=False),
        Binding("escape", "do('back')", "back"),
        Binding("q", "do('back')", "back"),
        Binding("tab", "app.focus_next", show=False),
        Binding("shift+tab", "app.focus_previous", show=False),
    ]
    AUTO_FOCUS = "#facts"

    def __init__(
        self,
        number: int,
        snapshot: Snapshot | None = None,
        *,
        colour: bool = True,
        ascii: bool = False,
    ) -> None:
        super().__init__()
        self.number = number
        self.snapshot = snapshot
        self.colour, self.ascii = colour, ascii
        self._starts: dict[Section, int] = {}  # at which line of the facts each section begins

    def compose(self) -> ComposeResult:
        self._fit(self.app.size)  # now, for later everything inside would be styled twice
        yield Static(classes="trial--title", markup=False)
        with Container(id="body"):
            yield Prose(id="facts", colour=self.colour, ascii=self.ascii)
            with Vertical(id="seen"):
                yield ChartGrid(colour=self.colour, ascii=self.ascii)
                yield Static(classes="trial--rule", markup=False)
                yield FilterLine("only lines with...", id="filter")
                yield FilterLine("highlight...", id="highlight")
                yield Lines(id="log", colour=self.colour, ascii=self.ascii)
        yield KeyFooter(colour=self.colour, ascii=self.ascii)

    def on_mount(self) -> None:
        self.query_one(KeyFooter).show(actions.footer(*_FOOTER))
        self.redraw()

    def on_key_footer_pressed(self, event: KeyFooter.Pressed) -> None:
        event.stop()
        action = actions.by_key(event.key, *actions.CHAINS["trial"])
        if action is not None:
            self.action_do(action.id)

    @property
    def wants(self) -> Want:
        """What the feed should read for this screen."""
        return replace(
            self.query_one(ChartGrid).wants((self.number,)),
            compare=self.number,
            log_of=self.number,
            processes_of=self.number,
        )

    @property
    def selected(self) -> tuple[int, ...]:
        """Whom an action touches here."""
        return (self.number,)

    def update(self, snapshot: Snapshot) -> None:
        """Draw another moment; where the person has scrolled to stays."""
        self.snapshot = snapshot
        self.redraw()

    def redraw(self) -> None:
        snapshot = self.snapshot
        if snapshot is None or not self.is_mounted or not self.size.width:
            return
        row = next((row for row in snapshot.rows if row.number == self.number), None)
        when = "" if snapshot.as_of is None else f"{told(snapshot.as_of)}   "
        self._say(".trial--title", when + title(row, self.number))
        self._draw_facts(snapshot)
        self.query_one(ChartGrid).show(snapshot, (self.number,), front=self.number)
        self._draw_log(snapshot)

    def _say(self, where: str, text: str) -> None:
        shown = only_ascii(text) if self.ascii else text
        write_line(self.query_one(where, Static), shown)

    def _draw_facts(self, snapshot: Snapshot) -> None:
        pane = self.query_one("#facts", Prose)
        lines: list[Line] = []
        for name, part in sections(snapshot, self.number, max(1, pane.text_width)):
            self._starts[name] = len(lines)
            lines += part
        pane.show(lines)

    def _draw_log(self, snapshot: Snapshot) -> None:
        pane = self.query_one("#log", Lines)
        log = snapshot.log
        known = log is not None and log.trial == self.number
        pane.empty = "nothing printed" if known else "no output is known"
        lines = log.lines if log is not None and known else ()
        pane.show(lines)
        said = f"6 output of attempt {log.attempt}" if log is not None and known else "6 output"
        if pane.wanted:
            said += f", {len(pane.shown)} of {len(lines)} lines"
        if pane.highlighted:
            said += f", {pane.found} with {pane.highlighted!r}"
        state = "following" if pane.following else "held"
        self._say(".trial--rule", f"{said}   f {state}   / filter   & highlight   n N metric")

    def on_resize(self) -> None:
        self._fit(self.size)
        self.call_after_refresh(self.redraw)  # when the panes have their new widths

    def _fit(self, size: Size) -> None:
        self.set_class(size.width >= _WIDE, "wide")

    def on_chart_grid_changed(self, event: ChartGrid.Changed) -> None:
        """The feed is asked at once for what is now in sight."""
        event.stop()
        want = getattr(self.app, "want", None)
        if want is not None and self.is_mounted:
            want(self.wants)

    def on_lines_followed(self, event: Lines.Followed) -> None:
        event.stop()
        self.redraw()

    def on_input_changed(self, event: Input.Changed) -> None:
        event.stop()
        log = self.query_one("#log", Lines)
        if event.input.id == "filter":
            log.filter(event.value)
        else:
            log.highlight(event.value)
        self.redraw()

    def on_input_submitted(self, event: Input.Submitted) -> None:
        event.stop()
        self.query_one("#log", Lines).focus()

    def action_do(self, action_id: str) -> None:
        """One action of the registry; what is not this screen's own is the app's."""
        match action_id:
            case "trial_follow":
                pane = self.query_one("#log", Lines)
                pane.follow(not pane.following)
            case "trial_filter" | "filter":
                self.query_one("#filter", FilterLine).open()
            case "trial_highlight":
                self.query_one("#highlight", FilterLine).open()
            case "trial_copy" if isinstance(self.focused, Chart):
                self.query_one(ChartGrid).do("log_y")
            case "trial_copy" | "copy":
                self._copy()
            case "trial_curves":
                self.query_one(ChartGrid).active.focus()
            case "trial_log":
                self.query_one("#log", Lines).focus()
            case section if section in _SECTIONS:
                self._go_to(_SECTIONS[section])
            case "full_pane":
                toggle_full(self)
            case "back":
                self._back()
            case _:
                if not self.query_one(ChartGrid).do(action_id):
                    elsewhere(self, action_id)

    def _go_to(self, section: Section) -> None:
        """Scroll the facts to where a section begins, as far as there is text below it."""
        pane = self.query_one("#facts", Prose)
        pane.focus()
        # When the pane has the room that the focus gives it.
        line = self._starts.get(section, 0)
        self.call_after_refresh(pane.scroll_to, y=line, animate=False, force=True)

    def _back(self) -> None:
        """Undo one thing: a full pane, the filter, the highlight; else leave."""
        closed = [line.close() for line in self.query(FilterLine)]
        if self.maximized is not None:
            self.minimize()
        elif any(closed):
            self.query_one("#log", Lines).focus()
        else:
            self.dismiss()

    def _copy(self) -> None:
        if self.snapshot is None or self.number not in self.snapshot.view.state.trials:
            return
        view = self.snapshot.view
        command = command_of(view, view.state.trials[self.number])
        if command is not None:
            self.app.copy_to_clipboard(command)
            self.notify("the command line is in the clipboard", markup=False)
