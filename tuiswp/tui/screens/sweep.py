"""The sweep: every trial in a table, curves overlaid, the GPUs, what the chosen one prints."""

from typing import ClassVar, cast

from msgspec.structs import replace
from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Container, Vertical
from textual.content import Content
from textual.geometry import Size
from textual.message import Message
from textual.screen import Screen
from textual.widget import Widget
from textual.widgets import Input, Static

from tuiswp.gpu.host import cpu_slots
from tuiswp.text import visible
from tuiswp.tui import actions
from tuiswp.tui.remembered import Memory, Remembered
from tuiswp.tui.screens.leaving import Recalled, left, recall
from tuiswp.tui.screens.steering import elsewhere, toggle_full
from tuiswp.tui.snapshot import Snapshot, Want
from tuiswp.tui.widgets.chart import Chart
from tuiswp.tui.widgets.chart_grid import ChartGrid
from tuiswp.tui.widgets.footer import KeyFooter
from tuiswp.tui.widgets.gpus import GpuStrip, tenants
from tuiswp.tui.widgets.header import SweepHeader
from tuiswp.tui.widgets.lines import Lines
from tuiswp.tui.widgets.trials import Trials

_WIDE = 120  # columns from which charts stand beside the table
_TALL = 34  # rows from which the log has a pane
_OVERLAID = 50
_BEST = 8  # how many of the best are overlaid when nothing runs
_FOOTER = {
    "table": (
        "open",
        "mark",
        "filter",
        "sort",
        "terminate",
        "restart",
        "attach",
        "results",
        "help",
    ),
    "chart": (
        "crosshair",
        "zoom_in",
        "log_y",
        "x_kind",
        "smooth_more",
        "metric_next",
        "full_pane",
        "help",
    ),
}
_PANES = {
    "pane_1": "#table",
    "pane_2": "#charts",
    "pane_3": "#gpus",
    "pane_4": "#output",
}


class SweepScreen(Screen[None]):
    """`wants` says what the next snapshot must hold for it; `selected` whom an action touches."""

    DEFAULT_CSS = """
    SweepScreen { layout: vertical; overflow: hidden; }
    SweepScreen #body { layout: vertical; height: 1fr; width: 100%; }
    SweepScreen #table { height: 3fr; width: 100%; }
    SweepScreen #charts { height: 2fr; width: 100%; }
    SweepScreen #output { height: 25%; width: 100%; display: none; }
    SweepScreen .rule { height: 1; width: 100%; color: $text-muted; }
    SweepScreen Input { height: 1; border: none; padding: 0; display: none; background: $boost; }
    SweepScreen Input.shown { display: block; }
    SweepScreen.wide #body { layout: horizontal; }
    SweepScreen.wide #table { width: 6fr; height: 100%; }
    SweepScreen.wide #charts { width: 5fr; height: 100%; }
    SweepScreen.tall #output { display: block; }
    SweepScreen .away { display: none; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        *actions.bindings("table", "view", "act", "steer", "sweep"),
        Binding("Y", "do('log_x')", show=False),
        Binding("left", "do('left')", show=False),
        Binding("right", "do('right')", show=False),
        Binding("home", "do('first')", show=False),
        Binding("end", "do('last')", show=False),
        Binding("escape", "do('back')", show=False),
    ]
    AUTO_FOCUS = "Trials"

    def __init__(
        self, *, memory: Memory | None = None, colour: bool = True, ascii: bool = False
    ) -> None:
        super().__init__()
        self.memory = memory
        self.remembers = False  # how it looks is the person's, and kept
        self._recalled: Remembered | None = None
        self.snapshot: Snapshot | None = None
        self.colour, self.ascii = colour, ascii
        self._fault = ""
        self._said: dict[str, str] = {}

    def compose(self) -> ComposeResult:
        colour, ascii = self.colour, self.ascii
        self._fit(self.app.size)  # now, for later everything inside would be styled twice
        yield SweepHeader(colour=colour, ascii=ascii)
        yield GpuStrip(id="gpus", colour=colour, ascii=ascii)
        with Container(id="body"):
            with Vertical(id="table"):
                yield Static(classes="rule", id="summary", markup=False)
                yield Input(compact=True, placeholder="lr>=1e-4 status:run,ok t0007 …")
                yield Trials(colour=colour, ascii=ascii)
            yield ChartGrid(id="charts", colour=colour, ascii=ascii)
        with Vertical(id="output"):
            yield Static(classes="rule", id="printed", markup=False)
            yield Lines(id="log", colour=colour, ascii=ascii)
        yield KeyFooter(colour=colour, ascii=ascii)

    # -- what it shows

    @property
    def selected(self) -> tuple[int, ...]:
        return self.query_one(Trials).selection()

    @property
    def wants(self) -> Want:
        """Curves of the marked trials, else of all that run and the one under the cursor."""
        cursor = self.query_one(Trials).cursor
        return replace(
            self.query_one(ChartGrid).wants(self._overlaid()),
            compare=cursor,
            log_of=cursor if self.has_class("tall") else None,
            logged=self.query_one(Trials).metrics,
        )

    def _overlaid(self) -> tuple[int, ...] | None:
        if self.snapshot is None:
            return None
        table = self.query_one(Trials)
        marked = table.selection()
        if len(marked) > 1:
            return marked[:_OVERLAID]
        running = [row.number for row in self.snapshot.rows if row.state == "running"]
        best = [trial.number for trial in self.snapshot.judgement.ranked]
        others = [*best[:1], *running] if running else best[:_BEST]
        return tuple(dict.fromkeys([*marked, *others]))[:_OVERLAID]

    def update(self, snapshot: Snapshot) -> None:
        """Draw another moment."""
        self.snapshot = snapshot
        if self.is_mounted and self.size.width:
            self.redraw()
            self._keep()

    def redraw(self) -> None:
        snapshot = self.snapshot
        if snapshot is None:
            return
        sweep = snapshot.view.sweep
        objective = sweep.objective
        self.query_one(SweepHeader).show(snapshot)
        strip = self.query_one(GpuStrip)
        gpus = len(snapshot.inventory.gpus) if snapshot.inventory is not None else 0
        strip.styles.height = max(1, min(gpus, 8 if self.has_class("tall") else 1))
        strip.show(
            snapshot.inventory,
            tenants(
                snapshot.view.trials,
                (one.trial for one in snapshot.idle),
                snapshot.view.state.health,
            ),
            cpu_slots(sweep.resources),
        )
        self.query_one(Trials).show(
            snapshot.rows,
            snapshot.columns,
            visible(objective.metric, limit=40) if objective is not None else "value",
            objective.goal if objective is not None else "minimize",
            snapshot.at,
            snapshot.logged,
        )
        self._draw_summary()
        self.query_one(ChartGrid).show(
            snapshot, self._overlaid() or (), front=self.query_one(Trials).cursor
        )
        self._draw_log(snapshot)

    def _draw_summary(self) -> None:
        said = self._fault or self.query_one(Trials).summary
        if self.snapshot is not None and self.snapshot.view.unread:
            read, unread = len(self.snapshot.rows), self.snapshot.view.unread
            said = f"reading {read:,} of {read + unread:,}  {said}"
        self._say("#summary", said)

    def _draw_log(self, snapshot: Snapshot) -> None:
        log = snapshot.log
        said = f"t{log.trial:04d} attempt {log.attempt}" if log is not None else ""
        self._say("#printed", f"output  {said}")
        self.query_one("#log", Lines).show(log.lines if log is not None else ())

    def _say(self, where: str, text: str) -> None:
        """Write a line, if it says something else than before: writing it repaints it."""
        if self._said.get(where) != text:
            self._said[where] = text
            self.query_one(where, Static).update(Content(text), layout=False)

    def _draw_footer(self) -> None:
        place = "chart" if isinstance(self.focused, Chart) else "table"
        shown = [actions.BY_ID[name] for name in _FOOTER[place]]
        self.query_one(KeyFooter).show(
            [(actions.keys(action).split()[0], action.label) for action in shown]
        )

    # -- what happens to it

    def on_mount(self) -> None:
        self.query_one("#log", Lines).follow(True)
        self._draw_footer()
        if self.memory is not None:
            self.memory.open(lambda view: cast(None, self.post_message(Recalled(view))))

    def on_unmount(self) -> None:
        if self.memory is not None:
            self.memory.close()

    def on_resize(self) -> None:
        self._fit(self.size)
        self.redraw()
        self.app.call_after_refresh(self._ask)

    def _fit(self, size: Size) -> None:
        self.set_class(size.width >= _WIDE, "wide")
        self.set_class(size.height >= _TALL, "tall")

    def on_descendant_focus(self) -> None:
        self._draw_footer()

    def _ask(self) -> None:
        """Tell the feed what is now in sight."""
        want = getattr(self.app, "want", None)
        if want is not None and self.is_mounted:
            want(self.wants)
        self._keep()

    def _keep(self) -> None:
        """Look as the person left it, as soon as there is something to see; from then on, keep."""
        if self.snapshot is None or self.memory is None or not self.is_mounted:
            return
        if self._recalled is not None and recall(self, self._recalled, self.snapshot):
            self._recalled, self.remembers = None, True
            self.redraw()
        if self.remembers:
            self.memory.keep(left(self))

    @on(Trials.Highlighted)
    @on(Trials.MarksChanged)
    @on(Trials.ViewChanged)
    @on(ChartGrid.Changed)
    def _look_changed(self, event: Message) -> None:
        event.stop()
        self._draw_summary()
        self._ask()

    @on(Recalled)
    def _bring_back(self, event: Recalled) -> None:
        self._recalled = event.view
        self._keep()

    def on_trials_opened(self, event: Trials.Opened) -> None:
        event.stop()
        self.action_do("open")

    def on_gpu_strip_chosen(self, event: GpuStrip.Chosen) -> None:
        event.stop()
        table = self.query_one(Trials)
        if table.select(event.number):
            table.focus()
            self.action_do("open")

    def on_key_footer_pressed(self, event: KeyFooter.Pressed) -> None:
        event.stop()
        place = "chart" if isinstance(self.focused, Chart) else "table"
        found = actions.by_key(event.key, *actions.CHAINS[place])
        if found is not None:
            self.action_do(found.id)

    def on_input_changed(self, event: Input.Changed) -> None:
        event.stop()
        self._fault = self.query_one(Trials).filter(event.value) or ""
        self._draw_summary()

    def on_input_submitted(self, event: Input.Submitted) -> None:
        event.stop()
        self.query_one(Trials).focus()

    # -- what a person does

    def action_do(self, action_id: str) -> None:
        """One action of the registry; what is not this screen's own is the app's."""
        table, charts, line = (
            self.query_one(Trials),
            self.query_one(ChartGrid),
            self.query_one(Input),
        )
        match action_id:
            case "copy" if isinstance(self.focused, Chart):
                charts.do("log_y")
            case "filter":
                line.add_class("shown")
                line.focus()
            case "sort":
                table.sort_beside(0)
            case "sort_reverse":
                table.reverse()
            case "column_left" | "column_right":
                table.sort_beside(-1 if action_id == "column_left" else 1)
            case "columns" if self.snapshot is not None:
                from tuiswp.tui.screens.choosing import choose_columns

                look = {"colour": self.colour, "ascii": self.ascii}
                choose_columns(self, self.snapshot, look)
            case "left" | "right" if self.focused is table and not charts.is_steered:
                table.sideways(-1 if action_id == "left" else 1)
            case "mark":
                table.toggle_mark()
            case "mark_range":
                table.mark_range()
            case "mark_invert":
                table.invert_marks()
            case "reference" if table.cursor is not None:
                charts.refer_to(table.cursor)
            case "full_pane":
                toggle_full(self)
            case "pane_1" | "pane_2" | "pane_3" | "pane_4":
                self.query_one(_PANES[action_id], Widget).toggle_class("away")
            case "back":
                self._back(table, line)
            case _:
                if not charts.do(action_id):
                    elsewhere(self, action_id)
        self._keep()

    def _back(self, table: Trials, line: Input) -> None:
        """Undo one thing: a full pane, the filter, the marks."""
        if self.snapshot is not None and self.snapshot.as_of is not None:
            elsewhere(self, "scrub_live")
        elif self.maximized is not None:
            self.minimize()
        elif line.has_class("shown"):
            line.value = ""
            line.remove_class("shown")
            table.focus()
        elif table.ordering.marks:
            table.clear_marks()
        else:
            elsewhere(self, "back")
