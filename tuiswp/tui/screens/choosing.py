"""Which columns the table of trials has, and in which order. Answers with the choice; no I/O."""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import msgspec
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.screen import ModalScreen, Screen
from textual.widgets import Input, Static

from tuiswp.text import visible
from tuiswp.tui import actions
from tuiswp.tui.columns import METRIC, PARAM, called, is_extra
from tuiswp.tui.pieces import Line
from tuiswp.tui.screens.steering import elsewhere
from tuiswp.tui.snapshot import Snapshot
from tuiswp.tui.widgets.footer import KeyFooter
from tuiswp.tui.widgets.picks import Pick, Picks
from tuiswp.tui.widgets.prose import matches
from tuiswp.tui.widgets.trials import Trials

_FOOTER = ("column_shown", "column_earlier", "column_later", "columns_reset", "columns_keep")


class Choice(msgspec.Struct, frozen=True):
    """The keys of the columns in order; None: as many as fit, by priority."""

    columns: tuple[str, ...] | None


class ChooseColumns(ModalScreen[Choice]):
    """`known`: every column there is, by key; `shown`: those shown now, in order. esc: no change.

    `automatic`: nobody has chosen yet, the width of the screen decides.
    """

    DEFAULT_CSS = """
    ChooseColumns { align: center middle; }
    ChooseColumns > Vertical {
        width: 90%; max-width: 76; height: 80%; border: round $accent; background: $surface;
    }
    ChooseColumns.ascii > Vertical { border: ascii $accent; }
    ChooseColumns Static { height: 1; width: 100%; text-style: bold; }
    ChooseColumns Input {
        height: 1; border: none; padding: 0; display: none; background: $boost;
    }
    ChooseColumns Input.shown { display: block; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        *actions.bindings("columns"),
        Binding("escape", "do('back')", "back"),
        Binding("q", "do('back')", "back"),
    ]
    AUTO_FOCUS = "Picks"

    def __init__(
        self,
        known: Sequence[str],
        shown: Sequence[str],
        metric: str,
        *,
        automatic: bool = False,
        colour: bool = True,
        ascii: bool = False,
    ) -> None:
        super().__init__(classes="ascii" if ascii else None)
        self.colour, self.ascii, self._metric = colour, ascii, metric
        self._shown = set(shown)
        first = () if automatic else tuple(key for key in shown if key in known)
        self._order = list(dict.fromkeys([*first, *known]))
        self._known = tuple(known)
        self._automatic = automatic

    def compose(self) -> ComposeResult:
        with Vertical():
            yield Static(markup=False)
            yield Input(compact=True, placeholder="only columns with…")
            yield Picks(colour=self.colour, ascii=self.ascii)
            yield KeyFooter(colour=self.colour, ascii=self.ascii)

    def on_mount(self) -> None:
        self.query_one(KeyFooter).show(actions.footer(*_FOOTER))
        self._draw()

    def on_key_footer_pressed(self, event: KeyFooter.Pressed) -> None:
        event.stop()
        pressed = actions.by_key(event.key, "columns")
        if pressed is not None:
            self.action_do(pressed.id)

    def on_input_changed(self, event: Input.Changed) -> None:
        event.stop()
        self._draw()

    def on_input_submitted(self, event: Input.Submitted) -> None:
        event.stop()
        self.query_one(Picks).focus()

    def on_picks_picked(self, event: Picks.Picked) -> None:
        event.stop()
        self.action_do("column_shown")

    def action_do(self, action_id: str) -> None:
        """One action of the registry; what is not this screen's own is the app's."""
        line, key = self.query_one(Input), self.query_one(Picks).cursor
        match action_id:
            case "column_shown" if key is not None:
                self._shown ^= {key}
                self._automatic = False
            case "column_earlier" | "column_later" if key is not None:
                self._move(key, -1 if action_id == "column_earlier" else 1)
                self._automatic = False
            case "columns_reset":
                self._automatic = True
                self._order = list(self._known)
                self._shown = {key for key in self._known if not is_extra(key)}
            case "columns_filter":
                line.add_class("shown")
                line.focus()
            case "columns_keep":
                chosen = tuple(key for key in self._order if key in self._shown)
                self.dismiss(Choice(None if self._automatic else chosen))
                return
            case "back" if line.has_class("shown"):
                line.value = ""
                line.remove_class("shown")
                self.query_one(Picks).focus()
            case "back":
                self.dismiss()
                return
            case _:
                elsewhere(self, action_id)
        self._draw()

    def _move(self, key: str, by: int) -> None:
        """Swap with the neighbour in sight."""
        seen = self._seen()
        at = seen.index(key) + by
        if 0 <= at < len(seen):
            here, there = self._order.index(key), self._order.index(seen[at])
            self._order[here], self._order[there] = self._order[there], self._order[here]

    def _seen(self) -> list[str]:
        words = self.query_one(Input).value
        return [key for key in self._order if matches(called(key, self._metric), words)]

    def _draw(self) -> None:
        count = sum(key in self._shown for key in self._order)
        how = "as many as fit" if self._automatic else f"{count} of {len(self._order)}"
        self.query_one(Static).update(Content(f" Columns: {how}"), layout=False)
        self.query_one(Picks).show([Pick(key, self._line(key)) for key in self._seen()])

    def _line(self, key: str) -> Line:
        on = key in self._shown
        mark = " [ ]  " if not on else " auto " if self._automatic else " [x]  "
        return ((mark, "good" if on else "dim"), (called(key, self._metric), "plain"))

    def update(self, snapshot: Snapshot) -> None:
        """Nothing changes under the choice."""


def every_column(automatic: Sequence[str], snapshot: Snapshot) -> tuple[str, ...]:
    """The keys of every column there can be, in the order of the table.

    Parameters that have taken one value so far come after those that vary; metrics that were logged
    stand beside the objective.
    """
    objective = snapshot.view.sweep.objective
    first = snapshot.metrics[:1] if objective is not None else ()
    logged = [METRIC + name for name in snapshot.metrics if name not in first]
    varies = {
        PARAM + name
        for index, name in enumerate(snapshot.columns)
        if len({row.params[index] for row in snapshot.rows if index < len(row.params)}) > 1
    }
    params = [key for key in automatic if key.startswith(PARAM)]
    ordered = iter(sorted(params, key=lambda key: key not in varies))
    beside = {"step": ["progress"], "value": logged}
    found: list[str] = []
    for key in automatic:
        found += [next(ordered) if key.startswith(PARAM) else key, *beside.get(key, ())]
    return tuple(dict.fromkeys([*found, "progress", *logged]))


def choose_columns(screen: Screen[Any], snapshot: Snapshot, look: Mapping[str, bool]) -> None:
    """Ask which columns the screen's table is to have."""
    table = screen.query_one(Trials)
    objective = snapshot.view.sweep.objective
    metric = visible(objective.metric, limit=40) if objective is not None else "value"
    known = every_column(table.every_column, snapshot)

    def chosen(choice: Choice | None) -> None:
        if choice is not None:
            table.choose(choice.columns)

    automatic = table.chosen is None
    asked = ChooseColumns(known, table.columns, metric, automatic=automatic, **look)
    screen.app.push_screen(asked, chosen)
