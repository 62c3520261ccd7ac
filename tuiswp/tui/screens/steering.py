"""What the registry's chart actions do to a chart: the same keys on every screen that has one."""

import math
from typing import Any

from textual.content import Content
from textual.screen import Screen
from textual.widgets import Static

from tuiswp.tui.widgets.chart import Chart

_ZOOM = 1.5
_PAN = 0.2
_FAR = 10  # columns


def steer(chart: Chart, action_id: str) -> bool:
    """Carry out a chart action; False if `action_id` is none."""
    match action_id:
        case "smooth_more":
            chart.smooth(1)
        case "smooth_less":
            chart.smooth(-1)
        case "zoom_in":
            chart.zoom(_ZOOM)
        case "zoom_out":
            chart.zoom(1.0 / _ZOOM)
        case "zoom_reset":
            chart.reset_zoom()
        case "crosshair":
            chart.cursor_toggle()
        case "log_x":
            chart.toggle_log_x()
        case "log_y":
            chart.toggle_log_y()
        case "left" | "right":
            sideways(chart, -1 if action_id == "left" else 1)
        case "far_left" | "far_right":
            sideways(chart, -_FAR if action_id == "far_left" else _FAR)
        case "first" | "last" if chart.shown.cursor is not None:
            chart.cursor_to("start" if action_id == "first" else "end")
        case _:
            return False
    return True


def sideways(chart: Chart, columns: int) -> None:
    """Move the cross-hair by so many columns if it is on, else what is in sight."""
    if chart.shown.cursor is None:
        chart.pan(math.copysign(_PAN if abs(columns) == 1 else 1.0, columns))
    else:
        chart.cursor_move(columns)


def toggle_full(screen: Screen[None]) -> None:
    """Give the focused pane the whole screen, or give it back."""
    if screen.maximized is not None:
        screen.minimize()
    elif screen.focused is not None:
        screen.maximize(screen.focused)


def write_line(line: Static, text: str) -> None:
    """Write a line, if it says something else than before: writing it repaints it."""
    new = Content(text)
    if line.content != new:
        line.update(new, layout=False)


def elsewhere(screen: Screen[Any], action_id: str) -> None:
    """What is not a screen's own is the app's."""
    do = getattr(screen.app, "action_do", None)
    if do is not None:
        do(action_id)
