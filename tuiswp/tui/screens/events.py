"""What the journal says, newest first: every fact, who asked for what and what came of it.

`x` leaves the commands that were run, to be copied as they were.
"""

from collections.abc import Sequence
from typing import ClassVar

from textual.binding import BindingType
from textual.widget import Widget

from tuiswp.tui import actions
from tuiswp.tui.screens.page import Page
from tuiswp.tui.snapshot import EventLine
from tuiswp.tui.widgets.lines import Lines, plain


class EventsScreen(Page):
    """One line an event; `/` keeps those that hold the words."""

    BINDINGS: ClassVar[list[BindingType]] = [*actions.bindings("events")]
    FILTER = "only events with… (t0007, request, a name)"
    _commands = False

    def make_pane(self) -> Widget:
        return Lines(newest_first=True, colour=self.colour, ascii=self.ascii)

    def heading(self) -> str:
        pane = self.query_one(Lines)
        rows = self._rows()
        count = f"{len(rows)}" if not pane.wanted else f"{len(pane.shown)} of {len(rows)}"
        if self._commands:
            return f"Commands run: {count}, newest first   x all events   / filter   y copy"
        return f"Events: {count}, newest first   x commands   / filter   y copy   esc back"

    def draw(self, words: str) -> None:
        pane = self.query_one(Lines)
        if pane.wanted != words:
            pane.filter(words)
        pane.show(self._rows())

    def _rows(self) -> Sequence[EventLine]:
        if self.snapshot is None:
            return ()
        ran = getattr(self.app, "ran", ())  # what this interface itself has run
        rows = [*self.snapshot.events, *ran]
        if ran:
            rows.sort(key=lambda row: row.at)
        return [row for row in reversed(rows) if row.command or not self._commands]

    def action_do(self, action_id: str) -> None:
        match action_id:
            case "events_copy":
                shown = self.query_one(Lines).shown
                self.app.copy_to_clipboard("\n".join(map(self._copied, shown)))
                self.notify(f"{len(shown)} lines are in the clipboard", markup=False)
            case "events_commands":
                self._commands = not self._commands
                self.redraw()
            case _:
                super().action_do(action_id)

    def _copied(self, row: str | EventLine) -> str:
        """A command as it was run; of everything else what is seen."""
        return row.command if self._commands and isinstance(row, EventLine) else plain(row)
