"""A screen that is one long text: a title, a filter line that comes with `/`, and a pane to scroll.

What the text says is its subclass's; it draws what it is given and reads nothing.
"""

from collections.abc import Sequence
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.screen import Screen
from textual.widgets import Input, Static

from tuiswp.tui.pieces import Line
from tuiswp.tui.screens.steering import elsewhere
from tuiswp.tui.snapshot import Snapshot
from tuiswp.tui.widgets.prose import Prose


class Page(Screen[None]):
    """Subclasses give `heading` and `texts`; both are asked again with each snapshot and size."""

    DEFAULT_CSS = """
    Page { layout: vertical; overflow: hidden; }
    Page > .page--title { height: 1; width: 100%; text-style: bold; }
    Page > Input { height: 1; border: none; padding: 0; display: none; background: $boost; }
    Page > Input.shown { display: block; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "do('back')", "back"),
        Binding("q", "do('back')", "back"),
        Binding("slash", "do('filter')", "filter"),
    ]
    AUTO_FOCUS = "Prose"
    FILTER = "only lines with…"

    def __init__(
        self, snapshot: Snapshot | None = None, *, colour: bool = True, ascii: bool = False
    ) -> None:
        super().__init__()
        self.snapshot = snapshot
        self.colour, self.ascii = colour, ascii

    def compose(self) -> ComposeResult:
        yield Static(classes="page--title", markup=False)
        yield Input(compact=True, placeholder=self.FILTER)
        yield Prose(colour=self.colour, ascii=self.ascii)

    def on_mount(self) -> None:
        self.redraw()

    def heading(self) -> str:
        raise NotImplementedError

    def texts(self, width: int, words: str) -> Sequence[Line]:
        """The lines, made for `width` columns; `words`: what the person filters by."""
        raise NotImplementedError

    def update(self, snapshot: Snapshot) -> None:
        """Draw another moment; where the person has scrolled to stays."""
        self.snapshot = snapshot
        self.redraw()

    def redraw(self) -> None:
        if not self.is_mounted or not self.size.width:
            return
        self.query_one(".page--title", Static).update(Content(self.heading()), layout=False)
        pane = self.query_one(Prose)
        pane.show(self.texts(max(1, pane.text_width), self.query_one(Input).value))

    def on_resize(self) -> None:
        self.call_after_refresh(self.redraw)  # when the panes have their new widths

    def on_input_changed(self, event: Input.Changed) -> None:
        event.stop()
        self.redraw()

    def on_input_submitted(self, event: Input.Submitted) -> None:
        event.stop()
        self.query_one(Prose).focus()

    def action_do(self, action_id: str) -> None:
        """One action of the registry; what is not this page's own is the app's."""
        line = self.query_one(Input)
        match action_id:
            case "filter" | "events_filter":
                line.add_class("shown")
                line.focus()
            case "back" if line.has_class("shown"):
                line.value = ""
                line.remove_class("shown")
                self.query_one(Prose).focus()
            case "back":
                self.dismiss()
            case _:
                elsewhere(self, action_id)
