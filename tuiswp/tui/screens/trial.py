"""One trial: what it was given, how each launch went, its curves, what it prints. Draws only."""

from typing import ClassVar

from rich.cells import cell_len
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Container, Vertical
from textual.content import Content
from textual.screen import Screen
from textual.widgets import Input, Static

from tuiswp.analysis import words as say
from tuiswp.analysis.axes import measured
from tuiswp.controller.client import SweepView
from tuiswp.model.ids import trial_id
from tuiswp.model.trial import Trial
from tuiswp.text import visible
from tuiswp.tui import actions
from tuiswp.tui.pieces import Line, Piece, fitted, shorten
from tuiswp.tui.screens.facts import attempt_lines, command_of, parameter_rows
from tuiswp.tui.screens.plots import overlay
from tuiswp.tui.screens.steering import elsewhere, steer, toggle_full
from tuiswp.tui.snapshot import Snapshot, TrialRow, Want
from tuiswp.tui.widgets.chart import Chart
from tuiswp.tui.widgets.footer import KeyFooter
from tuiswp.tui.widgets.lines import Lines
from tuiswp.tui.widgets.prose import Prose, wrapped

_FOOTER = (
    "help", "metric_next", "crosshair", "full_pane", "terminate", "restart", "attach", "palette",
)  # fmt: skip
_WIDE = 110  # columns from which the facts stand beside the chart


class TrialScreen(Screen[None]):
    """`number`: whose screen it is. `wants` says what the next snapshot must hold for it."""

    DEFAULT_CSS = """
    TrialScreen { layout: vertical; overflow: hidden; }
    TrialScreen .trial--title { height: 1; width: 100%; text-style: bold; }
    TrialScreen #body { layout: vertical; height: 1fr; width: 100%; }
    TrialScreen #facts { height: 1fr; }
    TrialScreen #seen { height: 2fr; width: 100%; }
    TrialScreen Chart { height: 1fr; width: 100%; }
    TrialScreen .trial--rule { height: 1; width: 100%; color: $text-muted; }
    TrialScreen Input {
        height: 1; border: none; padding: 0; display: none; background: $boost;
    }
    TrialScreen Input.shown { display: block; }
    TrialScreen.wide #body { layout: horizontal; }
    TrialScreen.wide #facts { width: 2fr; height: 100%; }
    TrialScreen.wide #seen { width: 3fr; height: 100%; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        *actions.bindings("trial", "view", "act"),
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
        self.metric = 0

    def compose(self) -> ComposeResult:
        yield Static(classes="trial--title", markup=False)
        with Container(id="body"):
            yield Prose(id="facts", colour=self.colour, ascii=self.ascii)
            with Vertical(id="seen"):
                yield Chart()
                yield Static(classes="trial--rule", markup=False)
                yield Input(compact=True, placeholder="only lines with…")
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
        names = () if self.snapshot is None else self.snapshot.metrics[self.metric :][:1]
        return Want(metrics=tuple(names), trials=(self.number,), log_of=self.number)

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
        self.query_one(".trial--title", Static).update(
            Content(_title(row, self.number)), layout=False
        )
        facts = self.query_one("#facts", Prose)
        facts.show(fact_lines(snapshot, self.number, max(1, facts.text_width)))
        if snapshot.metrics:
            self.metric %= len(snapshot.metrics)
            self._draw_chart(snapshot, snapshot.metrics[self.metric])
        self._draw_log(snapshot)

    def _draw_chart(self, snapshot: Snapshot, metric: str) -> None:
        plot = overlay(snapshot, metric, (self.number,), colour=self.colour, ascii=self.ascii)
        self.query_one(Chart).plot = plot

    def _draw_log(self, snapshot: Snapshot) -> None:
        pane = self.query_one("#log", Lines)
        log = snapshot.log
        known = log is not None and log.trial == self.number
        pane.empty = "nothing printed" if known else "no output is known"
        lines = log.lines if log is not None and known else ()
        pane.show(lines)
        said = f"output of attempt {log.attempt}" if log is not None and known else "output"
        if self.query_one(Input).value:
            said += f", {len(pane.shown)} of {len(lines)} lines"
        state = "following" if pane.following else "held"
        rule = self.query_one(".trial--rule", Static)
        rule.update(Content(f"{said}   f {state}   / filter   n N metric"), layout=False)

    def on_resize(self) -> None:
        self.set_class(self.size.width >= _WIDE, "wide")
        self.call_after_refresh(self.redraw)  # when the panes have their new widths

    def on_lines_followed(self, event: Lines.Followed) -> None:
        event.stop()
        self.redraw()

    def on_input_changed(self, event: Input.Changed) -> None:
        event.stop()
        self.query_one("#log", Lines).filter(event.value)
        self.redraw()

    def on_input_submitted(self, event: Input.Submitted) -> None:
        event.stop()
        self.query_one("#log", Lines).focus()

    def action_do(self, action_id: str) -> None:
        """One action of the registry; what is not this screen's own is the app's."""
        line = self.query_one(Input)
        match action_id:
            case "trial_follow":
                pane = self.query_one("#log", Lines)
                pane.follow(not pane.following)
            case "trial_filter" | "filter":
                line.add_class("shown")
                line.focus()
            case "trial_copy" if isinstance(self.focused, Chart):
                self.query_one(Chart).toggle_log_y()
            case "trial_copy" | "copy":
                self._copy()
            case "full_pane":
                toggle_full(self)
            case "metric_next" | "metric_previous":
                self.metric += 1 if action_id == "metric_next" else -1
                self.redraw()
            case "back" if self.maximized is not None:
                self.minimize()
            case "back" if line.has_class("shown"):
                line.value = ""
                line.remove_class("shown")
                self.query_one("#log", Lines).focus()
            case "back":
                self.dismiss()
            case _:
                if not steer(self.query_one(Chart), action_id):
                    elsewhere(self, action_id)

    def _copy(self) -> None:
        if self.snapshot is None or self.number not in self.snapshot.view.state.trials:
            return
        view = self.snapshot.view
        command = command_of(view, view.state.trials[self.number])
        if command is not None:
            self.app.copy_to_clipboard(command)
            self.notify("the command line is in the clipboard", markup=False)


def _title(row: TrialRow | None, number: int) -> str:
    if row is None:
        return f"{trial_id(number)} is not in this sweep"
    parts = [row.id, row.state + (f" ({row.cause})" if row.cause else "")]
    if row.step is not None:
        parts.append(f"step {say.step(row.step)}")
    if row.progress is not None:
        parts.append(say.share(row.progress))
    if row.eta_s is not None:
        parts.append(f"{say.duration(row.eta_s)} left")
    if row.value is not None:
        parts.append(f"value {measured(row.value)}")
    return visible("  ".join([*parts, *(part for part in (row.place, *row.flags) if part)]))


def fact_lines(snapshot: Snapshot, number: int, width: int) -> list[Line]:
    """Parameters, attempts and command, for `width` columns."""
    view = snapshot.view
    trial = view.state.trials.get(number)
    if trial is None:
        return [(("nothing is known of this trial", "dim"),)]
    lines: list[Line] = [(("parameters", "accent"),), *_parameters(view, trial, width)]
    lines += [(), (("attempts, newest first", "accent"),)]
    for text in attempt_lines(trial, snapshot.at):
        inside = len(text) - len(text.lstrip())
        margin: Piece = (" " * inside, "plain")
        lines += [(margin, *line) for line in wrapped(text.strip(), width - inside, indent=2)]
    if trial.kill is not None:
        by, reason = visible(trial.kill.by, limit=80), visible(trial.kill.why, limit=200)
        lines += wrapped(f"asked to end by {by}: {reason}", width, "warn", indent=2)
    command = command_of(view, trial)
    told = "unknown: something else launched this trial" if command is None else visible(command)
    return [*lines, (), (("command", "accent"),), *wrapped(told, width, indent=2)]


def _parameters(view: SweepView, trial: Trial, width: int) -> list[Line]:
    """Name, value and type; swept ones first and strong."""
    rows = parameter_rows(view, trial)
    wide = min(max((cell_len(name) for name, *_ in rows), default=0), max(8, width // 3))
    lines: list[Line] = []
    for name, value, kind, is_swept in rows:
        first, *rest = wrapped(f"{value}  {kind}", width - wide - 1)
        shown = fitted(shorten(name, wide), wide) + " "
        lines.append(((shown, "strong" if is_swept else "plain"), *first))
        lines += [((" " * (wide + 1), "plain"), *line) for line in rest]
    return lines
