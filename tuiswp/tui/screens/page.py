"""A screen that is one pane under a title, with a filter line that comes with `/`.

What the pane says is its subclass's; it draws what it is given and reads nothing.
"""

from collections.abc import Sequence
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.screen import Screen
from textual.widget import Widget
from textual.widgets import Input, Static

from tuiswp.tui.moments import told
from tuiswp.tui.pieces import Line, only_ascii
from tuiswp.tui.screens.steering import elsewhere, write_line
from tuiswp.tui.snapshot import Snapshot
from tuiswp.tui.widgets.filter_line import FilterLine
from tuiswp.tui.widgets.prose import Prose


class Page(Screen[None]):
    """Subclasses give `heading` and `texts`, asked again with each snapshot and size.

    One whose pane is no text to scroll overrides `make_pane` and `draw`.
    """

    DEFAULT_CSS = """
    Page { layout: vertical; overflow: hidden; }
    Page > .page--title { height: 1; width: 100%; text-style: bold; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "do('back')", "back"),
        Binding("q", "do('back')", "back"),
        Binding("slash", "do('filter')", "filter"),
    ]
    AUTO_FOCUS = ".page--pane"
    FILTER = "only lines with…"

    def __init__(
        self, snapshot: Snapshot | None = None, *, colour: bool = True, ascii: bool = False
    ) -> None:
        super().__init__()
        self.snapshot = snapshot
        self.colour, self.ascii = colour, ascii

    def compose(self) -> ComposeResult:
        yield Static(classes="page--title", markup=False)
        yield FilterLine(only_ascii(self.FILTER) if self.ascii else self.FILTER)
        pane = self.make_pane()
        pane.add_class("page--pane")
        yield pane

    def make_pane(self) -> Widget:
        """What fills the screen under the title."""
        return Prose(colour=self.colour, ascii=self.ascii)

    def on_mount(self) -> None:
        self.redraw()

    def heading(self) -> str:
        raise NotImplementedError

    def texts(self, width: int, words: str) -> Sequence[Line]:
        """The lines, made for `width` columns; `words`: what the person filters by."""
        raise NotImplementedError

    def draw(self, words: str) -> None:
        """Show the snapshot in the pane."""
        pane = self.query_one(Prose)
        pane.show(self.texts(max(1, pane.text_width), words))

    def update(self, snapshot: Snapshot) -> None:
        """Draw another moment; where the person has scrolled to stays."""
        self.snapshot = snapshot
        self.redraw()

    def redraw(self) -> None:
        if not self.is_mounted or not self.size.width:
            return
        self.draw(self.query_one(FilterLine).value)
        heading = self.heading()
        if self.snapshot is not None and self.snapshot.as_of is not None:
            heading = f"{told(self.snapshot.as_of)}   {heading}"
        heading = only_ascii(heading) if self.ascii else heading
        write_line(self.query_one(".page--title", Static), heading)

    def on_resize(self) -> None:
        self.call_after_refresh(self.redraw)  # when the panes have their new widths

    def on_input_changed(self, event: Input.Changed) -> None:
        event.stop()
        self.redraw()

    def on_input_submitted(self, event: Input.Submitted) -> None:
        event.stop()
        self._to_pane()

    def _to_pane(self) -> None:
        self.query_one(".page--pane").focus()

    def action_do(self, action_id: str) -> None:
        """One action of the registry; what is not this page's own is the app's."""
        match action_id:
            case "filter" | "events_filter":
                self.query_one(FilterLine).open()
            case "back" if self.query_one(FilterLine).close():
                self._to_pane()
            case "back":
                self.dismiss()
            case _:
                elsewhere(self, action_id)
