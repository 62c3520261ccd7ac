"""Between the screen of a sweep and what is remembered of it. Reads no file.

A view is applied to the first moment that is drawn; what no longer exists is passed over.
"""

from contextlib import suppress
from typing import Any, TypeAlias

import msgspec
from textual.message import Message
from textual.screen import Screen
from textual.widget import Widget
from textual.widgets import Input

from tuiswp.tui.remembered import Remembered
from tuiswp.tui.snapshot import Snapshot
from tuiswp.tui.widgets.chart import SMOOTHING
from tuiswp.tui.widgets.chart_grid import ChartGrid, ChartsView
from tuiswp.tui.widgets.trials import Trials

PANES = ("table", "charts", "gpus", "output")
AnyScreen: TypeAlias = Screen[Any]


class Recalled(Message):
    """How the person left this screen has been read."""

    def __init__(self, view: Remembered) -> None:
        super().__init__()
        self.view = view


def left(screen: AnyScreen) -> Remembered:
    """How the screen looks now."""
    table, rows = screen.query_one(Trials), screen.query_one(Trials).ordering
    chosen = msgspec.to_builtins(screen.query_one(ChartGrid).state)
    usual = msgspec.to_builtins(ChartsView())
    default = rows.is_usual
    return Remembered(
        sort="" if default else rows.sort,
        down=False if default else rows.down,
        columns=table.chosen,
        marks=tuple(sorted(rows.marks)),
        filter=rows.query,
        away=tuple(pane for pane in PANES if screen.query_one(f"#{pane}").has_class("away")),
        focus=_pane_of(screen.focused),
        charts={name: value for name, value in chosen.items() if value != usual[name]},
    )


def recall(screen: AnyScreen, view: Remembered, snapshot: Snapshot) -> bool:
    """Make the screen look so; False: not everything that takes is read yet, ask again."""
    table = screen.query_one(Trials)
    if view.columns != table.chosen:
        table.choose(view.columns)
    if snapshot.view.unread or set(table.metrics) - set(snapshot.logged):
        return False
    if view.sort and table.sort_by(view.sort) and table.ordering.down != view.down:
        table.reverse()
    if view.filter and table.filter(view.filter) is None:
        line = screen.query_one(Input)
        with line.prevent(Input.Changed):
            line.value = view.filter
        line.add_class("shown")
    if view.marks:
        table.mark(view.marks)
    for pane in view.away:
        if pane in PANES:
            screen.query_one(f"#{pane}").add_class("away")
    if view.charts:
        with suppress(msgspec.ValidationError):
            state = msgspec.convert(view.charts, ChartsView)
            known = state.smooth in (None, *SMOOTHING)
            grid = screen.query_one(ChartGrid)
            grid.state = state if known else msgspec.structs.replace(state, smooth=None)
    if view.focus in PANES and view.focus not in view.away:
        pane_widget = screen.query_one(f"#{view.focus}")
        within = [one for one in pane_widget.query(Widget) if one.can_focus and one.display]
        chosen = [one for one in within if not isinstance(one, Input)]
        if chosen:
            chosen[0].focus()
    return True


def _pane_of(widget: Widget | None) -> str:
    """The pane a widget stands in; "" for the table, where one begins."""
    names = [one.id for one in widget.ancestors_with_self] if widget is not None else []
    return next((name for name in names if name in PANES and name != "table"), None) or ""
