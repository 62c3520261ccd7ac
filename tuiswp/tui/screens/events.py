"""What the journal says, newest first: launches, ends with their causes, requests and who asked."""

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.screen import Screen
from textual.widgets import Input, Static

from tuiswp.tui import actions
from tuiswp.tui.screens.steering import elsewhere
from tuiswp.tui.snapshot import Snapshot
from tuiswp.tui.widgets.lines import Lines, plain


class EventsScreen(Screen[None]):
    """One line an event; `/` keeps those that hold the words."""

    DEFAULT_CSS = """
    EventsScreen { layout: vertical; overflow: hidden; }
    EventsScreen > Static { height: 1; width: 100%; text-style: bold; }
    EventsScreen > Input { height: 1; border: none; padding: 0; display: none; background: $boost; }
    EventsScreen > Input.shown { display: block; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        *actions.bindings("events"),
        Binding("escape", "do('back')", "back"),
        Binding("q", "do('back')", "back"),
    ]
    AUTO_FOCUS = "Lines"

    def __init__(
        self, snapshot: Snapshot | None = None, *, colour: bool = True, ascii: bool = False
    ) -> None:
        super().__init__()
        self.snapshot = snapshot
        self.colour, self.ascii = colour, ascii

    def compose(self) -> ComposeResult:
        yield Static(markup=False)
        yield Input(compact=True, placeholder="only events with… (t0007, killed, a name)")
        yield Lines(newest_first=True, colour=self.colour, ascii=self.ascii)

    def on_mount(self) -> None:
        self.redraw()

    def update(self, snapshot: Snapshot) -> None:
        """Draw another moment; where the person has scrolled to stays."""
        self.snapshot = snapshot
        self.redraw()

    def redraw(self) -> None:
        if self.snapshot is None or not self.query(Lines):
            return
        pane = self.query_one(Lines)
        pane.show(self.snapshot.events[::-1])
        count = f"{len(self.snapshot.events)}"
        if self.query_one(Input).value:
            count = f"{len(pane.shown)} of {count}"
        title = f"Events: {count}, newest first   / filter   y copy   esc back"
        self.query_one(Static).update(Content(title), layout=False)

    def on_input_changed(self, event: Input.Changed) -> None:
        event.stop()
        self.query_one(Lines).filter(event.value)
        self.redraw()

    def on_input_submitted(self, event: Input.Submitted) -> None:
        event.stop()
        self.query_one(Lines).focus()

    def action_do(self, action_id: str) -> None:
        """One action of the registry; what is not this screen's own is the app's."""
        line = self.query_one(Input)
        match action_id:
            case "events_filter" | "filter":
                line.add_class("shown")
                line.focus()
            case "events_copy":
                shown = self.query_one(Lines).shown
                self.app.copy_to_clipboard("\n".join(plain(row) for row in shown))
            case "back" if line.has_class("shown"):
                line.value = ""
                line.remove_class("shown")
                self.query_one(Lines).focus()
            case "back":
                self.dismiss()
            case _:
                elsewhere(self, action_id)
