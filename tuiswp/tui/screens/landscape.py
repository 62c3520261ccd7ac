"""The search space as a map: where trials are, how good, what runs; the cursor is on one of them.

With one varying parameter it is the curve over it. It judges nothing itself.
"""

from collections.abc import Sequence
from functools import partial
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.screen import Screen
from textual.widgets import Static

from tuiswp.analysis import words
from tuiswp.analysis.axes import is_seed, measured
from tuiswp.analysis.shape import numeric_swept
from tuiswp.model.ids import trial_id
from tuiswp.model.space import Parameter
from tuiswp.model.sweep import Sweep
from tuiswp.spec.params import swept
from tuiswp.text import visible
from tuiswp.tui import actions
from tuiswp.tui.pieces import only_ascii
from tuiswp.tui.plane import KINDS, Plane, draw, title
from tuiswp.tui.screens.steering import elsewhere
from tuiswp.tui.snapshot import Snapshot, Want
from tuiswp.tui.widgets.plane import PlanePane
from tuiswp.tui.widgets.trials import Trials


class LandscapeScreen(Screen[None]):
    """`cursor`: the trial chosen, which is chosen in the table too when one comes back."""

    DEFAULT_CSS = """
    LandscapeScreen { layout: vertical; overflow: hidden; }
    LandscapeScreen Static { height: 1; width: 100%; }
    LandscapeScreen .landscape--title { text-style: bold; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        *actions.bindings("landscape", "act", "steer"),
        Binding("escape", "do('back')", "back"),
        Binding("q", "do('back')", "back"),
    ]
    AUTO_FOCUS = "PlanePane"

    def __init__(
        self,
        cursor: int | None,
        snapshot: Snapshot | None = None,
        *,
        colour: bool = True,
        ascii: bool = False,
    ) -> None:
        super().__init__()
        self.cursor = cursor
        self.snapshot = snapshot
        self.colour, self.ascii = colour, ascii
        self._axes = [0, 1]

    def compose(self) -> ComposeResult:
        yield Static(classes="landscape--title", markup=False)
        yield PlanePane(colour=self.colour, ascii=self.ascii)
        yield Static(id="legend", markup=False)
        yield Static(id="about", markup=False)

    def on_mount(self) -> None:
        self.redraw()

    @property
    def wants(self) -> Want:
        """No curves."""
        return Want(trials=())

    @property
    def selected(self) -> tuple[int, ...]:
        """Whom an action touches here."""
        return () if self.cursor is None else (self.cursor,)

    def update(self, snapshot: Snapshot) -> None:
        """Draw another moment, if a fact or a value is new in it; the cursor stays on its trial."""
        old, self.snapshot = self.snapshot, snapshot
        if old is None or _told(old) != _told(snapshot):
            self.redraw()

    def redraw(self) -> None:
        snapshot = self.snapshot
        if snapshot is None or not self.is_mounted or not self.size.width:
            return
        sweep = snapshot.view.sweep
        choice = axes(sweep)
        if not choice:
            self._say(".landscape--title", "Map: no parameter varies   esc back")
            return
        x = choice[self._axes[0] % len(choice)]
        y = choice[self._axes[1] % len(choice)] if len(choice) > 1 else None
        if y is x:
            y = None
        if self.cursor is None and snapshot.judgement.optimum is not None:
            self.cursor = snapshot.judgement.optimum.number
        make = partial(_plane, snapshot, x, y, self.ascii)
        self.query_one(PlanePane).show(make, self.cursor)
        self._say(
            ".landscape--title", f"Map: {visible(title(sweep, x, y))}   x y axes   enter open"
        )
        self._draw_legend(snapshot)

    def _draw_legend(self, snapshot: Snapshot) -> None:
        shown = [f"{one.ascii if self.ascii else one.glyph} {one.about}" for one in KINDS]
        plane = self.query_one(PlanePane).plane
        out = "" if plane is None or not plane.out else f"   {len(plane.out)} have no place here"
        self._say("#legend", "  ".join(shown) + out)
        self._say("#about", about(snapshot, self.cursor))

    def _say(self, where: str, text: str) -> None:
        shown = only_ascii(text) if self.ascii else text
        self.query_one(where, Static).update(Content(shown), layout=False)

    def on_resize(self) -> None:
        self.call_after_refresh(self.redraw)  # when the panes have their new widths

    def on_plane_pane_moved(self, event: PlanePane.Moved) -> None:
        event.stop()
        self.cursor = event.number
        self.redraw()

    def on_plane_pane_opened(self, event: PlanePane.Opened) -> None:
        event.stop()
        self.cursor = event.number
        elsewhere(self, "open")

    def action_do(self, action_id: str) -> None:
        """One action of the registry; what is not this screen's own is the app's."""
        match action_id:
            case "axis_x" | "axis_y":
                self._axes[action_id == "axis_y"] += 1
                self.redraw()
            case "back":
                self._choose_in_table()
                self.dismiss()
            case _:
                elsewhere(self, action_id)

    def _choose_in_table(self) -> None:
        """Whom one found here is under the cursor there."""
        below = self.app.screen_stack[-2] if len(self.app.screen_stack) > 1 else None
        if below is not None and self.cursor is not None:
            for table in below.query(Trials):
                table.select(self.cursor)


def axes(sweep: Sweep) -> Sequence[Parameter]:
    """What can stand on an axis: numeric parameters first, learning rates before all; no seeds."""
    numeric = list(numeric_swept(sweep))
    paths = {parameter.path for parameter in numeric}
    others = [p for p in swept(sweep) if p.path not in paths and not is_seed(p)]
    return [*numeric, *others]


def _told(snapshot: Snapshot) -> object:
    """What the map rests on: the facts, and what the chosen trial's line says."""
    return snapshot.view.state.seq, snapshot.rows


def _plane(
    snapshot: Snapshot,
    x: Parameter,
    y: Parameter | None,
    ascii: bool,
    width: int,
    height: int,
    cursor: int | None,
) -> Plane:
    view = snapshot.view
    return draw(
        view.sweep, snapshot.judgement, view.trials, x, y, width, height,
        cursor=cursor, ascii=ascii,
    )  # fmt: skip


def about(snapshot: Snapshot, number: int | None) -> str:
    """The chosen trial in a line."""
    row = next((row for row in snapshot.rows if row.number == number), None)
    if number is None or row is None:
        return "no trial is chosen"
    parts = [
        trial_id(number),
        row.state + (f" ({row.cause})" if row.cause not in ("", row.state) else ""),
    ]
    parts += [
        f"{name}={value}"
        for name, value in zip(snapshot.columns, row.params, strict=False)
        if value
    ]
    if row.value is not None:
        parts.append(f"value {measured(row.value)}")
    if row.state == "running" and row.progress is not None:
        parts.append(words.share(row.progress))
    return visible("  ".join([*parts, *row.flags]))
