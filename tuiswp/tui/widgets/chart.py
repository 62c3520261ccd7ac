"""A chart on the line API: draws the plot it is given, writes only the cells that changed.

Keys belong to the screen; what they do to the view (zoom, cross-hair, axes, smoothing) is here.
What a person changed stays when the next plot comes, and is told to the screen once.
"""

from typing import ClassVar

import msgspec
from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.geometry import Region
from textual.message import Message
from textual.reactive import reactive
from textual.strip import Strip
from textual.widget import Widget

from tuiswp.tui import palette
from tuiswp.tui.axis import Axis
from tuiswp.tui.changes import changed
from tuiswp.tui.draw import draw
from tuiswp.tui.grid import Row
from tuiswp.tui.plot import Drawing, Edge, Plot, Readout, Span

SMOOTHING = (0.0, 0.3, 0.6, 0.8, 0.9, 0.95, 0.98, 0.99)
_WHEEL = 1.25
_CLOSEST = 1e-6  # of the whole axis: nobody zooms in further


class View(msgspec.Struct, frozen=True):
    """What a person chose for a chart; None leaves it to the plot. Charts may share one view."""

    x_range: Span | None = None
    cursor: float | None = None
    log_x: bool | None = None
    log_y: bool | None = None
    smooth: float | None = None

    def over(self, plot: Plot) -> Plot:
        """`plot` with these choices in place of its own."""
        choices = msgspec.structs.asdict(self).items()
        given = {name: value for name, value in choices if value is not None}
        return msgspec.structs.replace(plot, **given) if given else plot


class Chart(Widget, can_focus=True):
    """Any number of curves; `plot` is what to draw and `view` what a person made of it."""

    DEFAULT_CSS = """
    Chart {
        width: 1fr;
        height: 1fr;
        min-height: 1;
    }
    """
    ALLOW_SELECT: ClassVar[bool] = False

    plot: reactive[Plot] = reactive(Plot(), repaint=False)
    view: reactive[View] = reactive(View(), repaint=False)

    class ViewChanged(Message):
        """A person changed the view; `span` is the x in sight, None for all."""

        def __init__(self, chart: "Chart", view: View) -> None:
            super().__init__()
            self.chart = chart
            self.view = view

        @property
        def control(self) -> "Chart":
            """The chart, for `@on(Chart.ViewChanged, "#id")`."""
            return self.chart

        @property
        def span(self) -> Span | None:
            """The x in sight; the feed may be asked for a finer curve of it."""
            return self.view.x_range

    def __init__(
        self, plot: Plot | None = None, *, id: str | None = None, classes: str | None = None
    ) -> None:
        super().__init__(id=id, classes=classes)
        self._drawing: Drawing | None = None
        self._drawn_size = (0, 0)
        self._strips: dict[int, Strip] = {}
        self._base: Style | None = None
        if plot is not None:
            self.set_reactive(Chart.plot, plot)

    @property
    def shown(self) -> Plot:
        """The plot as it is drawn: with the person's choices."""
        return self.view.over(self.plot)

    @property
    def is_steered(self) -> bool:
        """True if left and right have something to move here: the cross-hair, or what is zoomed."""
        return self.shown.cursor is not None or self.view.x_range is not None

    @property
    def readout(self) -> Readout | None:
        """What the lines say at the cross-hair, ranked; None while it is off."""
        return self._current().readout

    # -- what keys do ------------------------------------------------------------------------

    def zoom(self, factor: float, at: float | None = None) -> None:
        """Show 1/`factor` of the x in sight, around `at`, else the cross-hair, else the middle."""
        frame = self._current().frame
        if frame is None or factor <= 0.0:
            return
        axis = frame.x
        centre = at if at is not None else self.shown.cursor
        inside = centre is not None and frame.column_of(centre) is not None
        part = axis.fraction(centre) if inside and centre is not None else 0.5
        extent = (axis.high - axis.low) / factor
        if extent < _CLOSEST * (frame.whole_x.high - frame.whole_x.low):
            return
        low = axis.low + part * (axis.high - axis.low - extent)
        self._change(x_range=_within(frame.whole_x, low, extent))

    def pan(self, fraction: float) -> None:
        """Move what is in sight by a part of its width; without zoom there is nowhere to go."""
        frame = self._current().frame
        if frame is not None and self.view.x_range is not None:
            extent = frame.x.high - frame.x.low
            low = frame.x.low + fraction * extent
            self._change(x_range=_within(frame.whole_x, low, extent, keep=True))

    def reset_zoom(self) -> None:
        """Show everything."""
        self._change(x_range=None)

    def toggle_log_y(self) -> None:
        """Switch the y axis between linear and logarithmic."""
        self._change(log_y=not self.shown.log_y)

    def toggle_log_x(self) -> None:
        """Switch the x axis between linear and logarithmic; the zoom is let go."""
        self._change(log_x=not self.shown.log_x, x_range=None)

    def smooth(self, step: int) -> None:
        """Smooth more (+1) or less (-1) by so many of `SMOOTHING`."""
        now = min(range(len(SMOOTHING)), key=lambda n: abs(SMOOTHING[n] - self.shown.smooth))
        self._change(smooth=SMOOTHING[min(max(0, now + step), len(SMOOTHING) - 1)])

    def cursor_toggle(self) -> None:
        """Switch the cross-hair off, or on at the newest point in sight."""
        if self.shown.cursor is None:
            self.cursor_to("end")
        else:
            self._change(cursor=None)

    def cursor_to(self, edge: Edge) -> None:
        """Put the cross-hair on the first or the last point in sight."""
        frame = self._current().frame
        if frame is None:
            return
        ends = [
            x
            for line in self.plot.lines
            for x in (line.xs if self.view.x_range else (*line.xs[:1], *line.xs[-1:]))
            if frame.column_of(x) is not None
        ]
        if ends:
            self._change(cursor=min(ends) if edge == "start" else max(ends))

    def cursor_move(self, columns: int) -> None:
        """Move the cross-hair by columns; at the edge of a zoomed chart the view goes along."""
        frame, cursor = self._current().frame, self.shown.cursor
        if cursor is None:
            self.cursor_to("end")
            return
        if frame is None:
            return
        first, last = frame.left, frame.left + frame.width - 1
        now = frame.column_of(cursor)
        if now is None:
            now = first if cursor < frame.x.ends()[0] else last
        target = now + columns
        over = target - min(max(target, first), last)
        if over and self.view.x_range is not None:
            self.pan(over / frame.width)
            frame = self._current().frame or frame
        self._change(cursor=frame.x_at(target))

    # -- drawing -----------------------------------------------------------------------------

    def watch_plot(self, old: Plot, new: Plot) -> None:
        """Draw again, and mark what came out different."""
        if old.colour != new.colour:
            self._drawing = None  # the same rows in other styles
        self._redraw()

    def watch_view(self) -> None:
        """Draw again, and mark what came out different."""
        self._redraw()

    def render_line(self, y: int) -> Strip:
        """One row of the chart."""
        base = self.visual_style.rich_style
        if base != self._base:
            self._base = base
            self._strips.clear()
        rows = self._current().rows
        kept = self._strips.get(y)
        if kept is None:
            row = rows[y] if y < len(rows) else ()
            kept = self._strips[y] = self._strip(row, base, chosen=y == 0 and self.has_focus)
        return kept

    def _strip(self, row: Row, base: Style, *, chosen: bool) -> Strip:
        colour = self.plot.colour
        inks = [("chosen" if chosen and ink == "title" else ink) for _, ink in row]
        return Strip(
            [
                Segment(text, base + palette.style(ink, colour=colour))
                for (text, _), ink in zip(row, inks, strict=True)
            ],
            self.size.width if row else 0,
        )

    def on_focus(self) -> None:
        """Show in the title that keys go here."""
        self._title_again()

    def on_blur(self) -> None:
        """Show that they no longer do."""
        self._title_again()

    def _title_again(self) -> None:
        self._strips.pop(0, None)
        self.refresh(Region(0, 0, self.size.width, 1))

    def _current(self) -> Drawing:
        """The drawing for the size there is now."""
        size = (self.size.width, self.size.height)
        if self._drawing is None or self._drawn_size != size:
            self._drawing = draw(self.shown, *size, self._drawing)
            self._drawn_size = size
            self._strips.clear()
        return self._drawing

    def _redraw(self) -> None:
        before = self._drawing
        size = (self.size.width, self.size.height)
        if before is None or self._drawn_size != size:
            self._drawing = None
            self.refresh()
            return
        self._drawing = draw(self.shown, *size, before)
        for row, (old, new) in enumerate(zip(before.rows, self._drawing.rows, strict=True)):
            if old != new:
                self._strips.pop(row, None)
                spans = changed(old, new, size[0])
                self.refresh(*(Region(start, row, end - start, 1) for start, end in spans))

    # -- the mouse -----------------------------------------------------------------------------

    def on_mouse_scroll_up(self, event: events.MouseScrollUp) -> None:
        """Zoom in where the mouse is."""
        self._wheel(event, _WHEEL)

    def on_mouse_scroll_down(self, event: events.MouseScrollDown) -> None:
        """Zoom out where the mouse is."""
        self._wheel(event, 1.0 / _WHEEL)

    def on_click(self, event: events.Click) -> None:
        """Put the cross-hair there."""
        x = self._x_under(event)
        if x is not None:
            event.stop()
            self._change(cursor=x)

    def _wheel(self, event: events.MouseEvent, factor: float) -> None:
        event.stop()
        self.zoom(factor, self._x_under(event))

    def _x_under(self, event: events.MouseEvent) -> float | None:
        frame, offset = self._current().frame, event.get_content_offset(self)
        if frame is None or offset is None or not 0 <= offset.x - frame.left < frame.width:
            return None
        return frame.x_at(offset.x)

    def _change(self, **choices: Span | float | bool | None) -> None:
        view = msgspec.structs.replace(self.view, **choices)
        if view != self.view:
            self.view = view
            self.post_message(self.ViewChanged(self, view))


def _within(whole: Axis, low: float, extent: float, *, keep: bool = False) -> Span | None:
    """The values from `low`, as the axis counts, inside the whole axis; None: that is all of it."""
    if extent >= (whole.high - whole.low) * (1.0 - 1e-9) and not keep:
        return None
    extent = min(extent, whole.high - whole.low)
    low = min(max(low, whole.low), whole.high - extent)
    return Axis(low, low + extent, whole.log).ends()
