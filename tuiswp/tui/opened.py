"""Which screen an action opens. Each is imported when it is first opened, after the first frame.

It decides nothing else; what the screen shows is the screen's own.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from textual.screen import Screen

from tuiswp.tui.snapshot import Snapshot

PLACES = {
    "TrialScreen": "trial",
    "ResultsScreen": "results",
    "EventsScreen": "events",
    "CompareScreen": "compare",
    "HomeScreen": "home",
    "ChooseColumns": "columns",
    "LandscapeScreen": "landscape",
}


def bring() -> None:
    """Import what is opened most, where nobody waits for it: the first time is as quick as others.

    For the thread that reads, once it has read all there was.
    """
    from tuiswp.tui.screens import confirm, help, results, trial  # noqa: F401


def screen_for(
    action_id: str,
    chosen: Sequence[int],
    snapshot: Snapshot | None,
    look: Mapping[str, bool],
    place: str,
) -> Screen[Any] | None:
    """A new screen; None if the action opens none. `chosen`: the trials selected, at `place`."""
    match action_id:
        case "help":
            from tuiswp.tui.screens.help import HelpScreen

            return HelpScreen(place, snapshot, **look)
        case "results":
            from tuiswp.tui.screens.results import ResultsScreen

            return ResultsScreen(snapshot, **look)
        case "events":
            from tuiswp.tui.screens.events import EventsScreen

            return EventsScreen(snapshot, **look)
        case "open" | "log" if chosen:
            from tuiswp.tui.screens.trial import TrialScreen

            return TrialScreen(chosen[-1], snapshot, **look)
        case "landscape":
            from tuiswp.tui.screens.landscape import LandscapeScreen

            return LandscapeScreen(chosen[-1] if chosen else None, snapshot, **look)
        case "compare" if len(chosen) > 1:
            from tuiswp.tui.screens.compare import CompareScreen

            return CompareScreen(tuple(chosen), snapshot, **look)
    return None
