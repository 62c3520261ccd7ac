"""Charts beside each other: one metric a pane, the objective first, as many as there is room for.

All panes share one x axis, zoom and cross-hair, and one smoothing; log y is each metric's own. What
a person chose is in `state`, which the screen may keep. Reads nothing; `wants` says what to read.
"""

import math
from collections.abc import Sequence

import msgspec
from msgspec.structs import replace
from textual.app import ComposeResult
from textual.content import Content
from textual.message import Message
from textual.widget import Widget
from textual.widgets import Static

from tuiswp.tui.along import X_KINDS, XKind
from tuiswp.tui.plot import plain
from tuiswp.tui.screens.plots import beside, overlay
from tuiswp.tui.screens.steering import steer
from tuiswp.tui.snapshot import Snapshot, Want
from tuiswp.tui.widgets.chart import Chart, View

PANE_WIDTH, PANE_HEIGHT = 36, 9  # the least a chart can be read in
_LOW_WIDTH = (
    60  # and that of panes which have no other below them: a strip is read along its length
)
MOST = 3  # panes beside each other, and below each other
_SHAPE = 3.0  # columns to a row that a curve looks best in
_DOTS = 2  # to a column
_AROUND = 11  # columns of a pane that its axis and labels take
_FINEST = 512


class ChartsView(msgspec.Struct, frozen=True):
    """What a person chose of the charts: to be kept, and given back to `ChartGrid.state`.

    `metric`: the first in sight, "" for the objective. `log_y`: metrics. `reference`: the trial
    that others are compared with, None for the best.
    """

    metric: str = ""
    x: XKind = "step"
    smooth: float | None = None
    log_x: bool | None = None
    log_y: tuple[str, ...] = ()
    reference: int | None = None


def shape(width: int, height: int, count: int) -> tuple[int, int]:
    """Columns and rows of panes for `count` metrics in so much space; 1 by 1 at least."""
    most_rows = max(1, min(MOST, height // PANE_HEIGHT))
    most_columns = max(1, min(MOST, width // (PANE_WIDTH if most_rows > 1 else _LOW_WIDTH)))
    panes = max(1, min(count, most_columns * most_rows))

    def strangeness(one: tuple[int, int]) -> float:
        columns, rows = one
        looks = (max(1, width) / columns) / (max(1, height) / rows)
        return abs(math.log(looks / _SHAPE)) + (columns * rows - panes)

    fitting = [
        (columns, math.ceil(panes / columns))
        for columns in range(1, most_columns + 1)
        if math.ceil(panes / columns) <= most_rows
    ]
    return min(fitting, key=strangeness)


class ChartGrid(Widget):
    """`show` draws a moment; `wants` is what the next must hold."""

    DEFAULT_CSS = """
    ChartGrid {
        layout: grid; grid-size: 1 1; grid-gutter: 0 1; width: 1fr; height: 1fr; overflow: hidden;
    }
    ChartGrid > Chart.away { display: none; }
    ChartGrid > .caption { dock: top; height: 1; width: 100%; color: $text-muted; display: none; }
    ChartGrid.many > .caption { display: block; }
    """

    class Changed(Message):
        """A person changed what is in sight: the feed may be asked for it."""

        def __init__(self, grid: "ChartGrid") -> None:
            super().__init__()
            self.grid = grid

        @property
        def control(self) -> "ChartGrid":
            """The grid, for `@on(ChartGrid.Changed, "#id")`."""
            return self.grid

    def __init__(self, *, colour: bool = True, ascii: bool = False, id: str | None = None) -> None:
        super().__init__(id=id)
        self.colour, self.ascii = colour, ascii
        self.panes = [Chart()]
        self.snapshot: Snapshot | None = None
        self._state = ChartsView()
        self._view = View()  # what all panes share
        self._numbers: tuple[int, ...] = ()
        self._front: int | None = None
        self._room = 1  # panes in use
        self._said = ""
        self._inspecting = False  # the cross-hair comes back when the x axis is another

    def compose(self) -> ComposeResult:
        yield Static(classes="caption", markup=False)
        yield from self.panes

    # -- what it shows

    @property
    def state(self) -> ChartsView:
        """What a person chose."""
        return replace(self._state, smooth=self._view.smooth, log_x=self._view.log_x)

    @state.setter
    def state(self, state: ChartsView) -> None:
        self._state = state
        self._view = replace(self._view, smooth=state.smooth, log_x=state.log_x)
        self.redraw()

    @property
    def metrics(self) -> tuple[str, ...]:
        """Those in sight, one a pane."""
        return self._known[self._first : self._first + self._room]

    @property
    def active(self) -> Chart:
        """The pane that keys act on: the one with the focus, else the first."""
        return next((pane for pane in self.panes if pane.has_focus), self.panes[0])

    @property
    def is_steered(self) -> bool:
        """True if left and right have something to move here."""
        return self.active.is_steered

    def wants(self, numbers: Sequence[int] | None) -> Want:
        """What the next snapshot must hold for the curves of these trials."""
        if not self.display:
            return Want(trials=())
        reference = self._state.reference
        if numbers is not None and reference is not None:
            numbers = (*numbers, reference)
        widest = max((pane.size.width for pane in self.panes if pane.display), default=0)
        dots = 1 << math.ceil(math.log2(max(32, _DOTS * (widest - _AROUND))))
        return Want(
            metrics=self.metrics,
            trials=None if numbers is None else tuple(dict.fromkeys(numbers)),
            span=self._view.x_range,
            points=4 * min(dots, _FINEST),
            x=self._state.x,
            log_x=bool(self._view.log_x),
            smooth=self._view.smooth or 0.0,
        )

    def show(self, snapshot: Snapshot, numbers: Sequence[int], *, front: int | None = None) -> None:
        """Draw a moment of these trials, the most important first; `front` on top."""
        known = self.snapshot.metrics if self.snapshot is not None else ()
        self.snapshot, self._numbers, self._front = snapshot, tuple(numbers), front
        if len(known) != len(snapshot.metrics):
            self._lay_out()
        self.redraw()

    def redraw(self) -> None:
        """Draw the same moment again."""
        snapshot = self.snapshot
        if snapshot is None or not self.display:
            return
        note = self._note(snapshot)
        self._caption(note if self._room > 1 else "")
        for pane, metric in zip(self.panes, self.metrics, strict=False):
            plot = overlay(
                snapshot,
                metric,
                self._numbers,
                x=self._state.x,
                front=self._front,
                reference=self._state.reference,
                colour=self.colour,
                ascii=self.ascii,
            )
            if self._room == 1:
                plot = replace(plot, note="  ".join(filter(None, (note, plot.note))))
            pane.plot = plot
            pane.view = self._view_of(metric)
        placed = any(line.xs for line in self.active.plot.lines)
        if self._inspecting and placed and self.active.plot.x == self._state.x:
            self._inspecting = False
            self.active.cursor_to("end")

    def _caption(self, text: str) -> None:
        """Write above the panes what is said of them all, if it is something else than before."""
        if text != self._said and self.is_mounted:
            self._said = text
            shown = Content(plain(text, ascii=self.ascii))
            self.query_one(".caption", Static).update(shown, layout=False)

    def _note(self, snapshot: Snapshot) -> str:
        """Which page, and how the trial under the cursor does beside the best."""
        pages = math.ceil(len(self._known) / self._room)
        page = f"{self._first // self._room + 1}/{pages}" if pages > 1 else ""
        same = snapshot.same_step
        told = beside(same) if same is not None and same.trial == self._front else ""
        return "  ".join(filter(None, (page, told, snapshot.outlook)))

    def _view_of(self, metric: str) -> View:
        return replace(self._view, log_y=metric in self._state.log_y or None)

    @property
    def _known(self) -> tuple[str, ...]:
        return () if self.snapshot is None else self.snapshot.metrics

    @property
    def _first(self) -> int:
        known = self._known
        return known.index(self._state.metric) if self._state.metric in known else 0

    # -- the panes

    def on_resize(self) -> None:
        self._lay_out()
        self.redraw()

    def on_show(self) -> None:
        self.redraw()

    def _lay_out(self) -> None:
        """Have as many panes as there is room for, and metrics."""
        columns, rows = shape(*self.size, len(self._known))
        if columns * rows > 1:  # then one row is the caption's
            columns, rows = shape(self.size.width, self.size.height - 1, len(self._known))
        self._room = columns * rows
        self.set_class(self._room > 1, "many")
        self.styles.grid_size_columns, self.styles.grid_size_rows = columns, rows
        missing = [Chart() for _ in range(self._room - len(self.panes))]
        if missing:
            self.panes += missing
            self.mount(*missing)
        self._show_panes()

    def _show_panes(self) -> None:
        """Only panes that have a metric; the focus stays in sight."""
        count = max(1, len(self.metrics))
        focused = next((n for n, pane in enumerate(self.panes) if pane.has_focus), None)
        for place, pane in enumerate(self.panes):
            pane.set_class(place >= count, "away")
        if focused is not None and focused >= count:
            self.panes[count - 1].focus(scroll_visible=False)

    # -- what a person does

    def do(self, action_id: str) -> bool:
        """Carry out an action on charts; False if `action_id` is none."""
        match action_id:
            case "metric_next" | "metric_previous":
                self.page(1 if action_id == "metric_next" else -1)
            case "x_kind":
                self.next_x()
            case _:
                return steer(self.active, action_id)
        return True

    def page(self, direction: int) -> None:
        """Show the next metrics, or those before; round and round. A full pane goes one by one."""
        count = len(self._known)
        if not count:
            return
        step = 1 if self.screen.maximized in self.panes else self._room
        first = self._first + direction * step
        if first >= count:
            first = 0
        elif first < 0:
            first = 0 if self._first else (count - 1) // step * step
        self._choose(metric=self._known[first] if first else "")
        self._show_panes()

    def next_x(self) -> None:
        """Another measure on the x axis: step, time, progress. The zoom is let go."""
        self._inspecting = self._view.cursor is not None
        self._view = replace(self._view, x_range=None, cursor=None)
        self._choose(x=X_KINDS[(X_KINDS.index(self._state.x) + 1) % len(X_KINDS)])

    def refer_to(self, trial: int) -> None:
        """Compare the others with this trial and draw it on top; again: with the best."""
        self._choose(reference=None if self._state.reference == trial else trial)

    def _choose(self, **choices: str | int | None) -> None:
        self._state = msgspec.structs.replace(self._state, **choices)
        self.redraw()
        self.post_message(self.Changed(self))

    def on_chart_view_changed(self, event: Chart.ViewChanged) -> None:
        """What is done to one pane is done to all, but for log y."""
        event.stop()
        place = self.panes.index(event.chart)
        metric = self.metrics[place] if place < len(self.metrics) else ""
        others = [name for name in self._state.log_y if name != metric]
        log_y = tuple([*others, metric] if event.view.log_y else others)
        self._state = replace(self._state, log_y=log_y)
        self._view = replace(event.view, log_y=None)
        for pane, shown in zip(self.panes, self.metrics, strict=False):
            pane.view = self._view_of(shown)
        self.post_message(self.Changed(self))
