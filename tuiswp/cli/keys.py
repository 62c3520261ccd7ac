"""`tuiswp --help-keys`: every key of the full screen as a table, from the one list of actions.

Prints; starts nothing. What stands here is what the screens are bound to: both read `tui.actions`.
"""

from collections.abc import Iterator

from tuiswp.cli import output
from tuiswp.errors import ExitCode
from tuiswp.tui import actions

# Where a group of actions works, as a person would say it; the order is that of the table.
PLACES: dict[str, str] = {
    "app": "everywhere",
    "home": "list of sweeps",
    "sweep": "sweep",
    "table": "table of trials",
    "columns": "choice of columns",
    "view": "charts and tables",
    "chart": "chart, focused",
    "act": "on trials and the sweep",
    "steer": "on the whole search",
    "trial": "one trial",
    "compare": "comparison",
    "landscape": "map of the search space",
    "results": "results",
    "events": "events",
}


def run() -> int:
    output.say(*lines(ascii=not output.speaks_unicode()))
    return ExitCode.OK


def lines(*, ascii: bool = False) -> Iterator[str]:
    """The table: a heading for each place, then key, what it does, and the command that does so."""
    used = {action.scope for action in actions.ACTIONS}
    shown = [actions.keys(action, ascii=ascii) for action in actions.ACTIONS]
    wide = max(map(len, shown), default=0) + 2
    for place in sorted(used, key=_rank):
        yield PLACES.get(place, place)
        for action in actions.of_scope(place):
            keys = actions.keys(action, ascii=ascii) or "(palette)"
            yield f"  {keys:{wide}}{action.help}"
            if action.command is not None:
                named = action.command.format(sweep="SWEEP", trials="TRIAL…")
                named = named.replace("…", "...") if ascii else named
                yield f"  {'':{wide}}  {named}"
        yield ""
    yield "Lower case looks, UPPER case touches a process and asks first; `t` pins and lets go."


def _rank(scope: str) -> tuple[int, str]:
    known = list(PLACES)
    return (known.index(scope) if scope in known else len(known), scope)
