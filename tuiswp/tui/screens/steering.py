"""What the registry's chart actions do to a chart: the same keys on every screen that has one."""

from typing import Any

from textual.screen import Screen

from tuiswp.tui.widgets.chart import Chart

_ZOOM = 1.5
_PAN = 0.2


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
        case _:
            return False
    return True


def sideways(chart: Chart, direction: int) -> None:
    """Move the cross-hair if it is on, else what is in sight."""
    if chart.shown.cursor is None:
        chart.pan(direction * _PAN)
    else:
        chart.cursor_move(direction)


def toggle_full(screen: Screen[None]) -> None:
    """Give the focused pane the whole screen, or give it back."""
    if screen.maximized is not None:
        screen.minimize()
    elif screen.focused is not None:
        screen.maximize(screen.focused)


def elsewhere(screen: Screen[Any], action_id: str) -> None:
    """What is not a screen's own is the app's."""
    do = getattr(screen.app, "action_do", None)
    if do is not None:
        do(action_id)
