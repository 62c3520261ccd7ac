"""Every action, those that work here first: key, meaning, command line. Reads nothing."""

from collections.abc import Sequence

from tuiswp.text import visible
from tuiswp.tui import actions
from tuiswp.tui.actions import ACTIONS, Action
from tuiswp.tui.pieces import Line, Piece, Tone
from tuiswp.tui.screens.page import Page
from tuiswp.tui.snapshot import Snapshot
from tuiswp.tui.widgets.prose import wrapped

_KEYS = 12


class HelpScreen(Page):
    """`place`: where `?` was pressed, one of `actions.CHAINS`."""

    FILTER = "a key, or words of what it does"

    def __init__(
        self,
        place: str,
        snapshot: Snapshot | None = None,
        *,
        colour: bool = True,
        ascii: bool = False,
    ) -> None:
        super().__init__(snapshot, colour=colour, ascii=ascii)
        self.place = place

    def heading(self) -> str:
        return f"Help: what the keys do in {self.place}   / filter   esc back"

    def texts(self, width: int, words: str) -> Sequence[Line]:
        return help_lines(self.place, width, words, ascii=self.ascii)


def help_lines(place: str, width: int, words: str = "", *, ascii: bool = False) -> list[Line]:
    """The list as lines: first what works in `place`, then the rest; only what `words` finds."""
    here = actions.reachable(place)
    rest = [action for action in ACTIONS if action not in here]
    lines: list[Line] = []
    groups: tuple[tuple[str, Sequence[Action]], ...] = (
        (f"Here: {place}", here),
        ("Elsewhere", rest),
    )
    for title, group in groups:
        chosen = list(actions.found(group, words)) if words.strip() else list(group)
        if not chosen:
            continue
        lines.append(((title, "accent"),))
        for action in chosen:
            lines += _entry(action, width, ascii=ascii)
        lines.append(())
    if not lines:
        lines = [
            (
                (
                    f"No action has {visible(words, limit=60)!r} in its key, words or command.",
                    "plain",
                ),
            )
        ]
    lines.append(
        (("Lower case looks, UPPER case touches a process and asks first; t pins.", "dim"),)
    )
    return lines


def _entry(action: Action, width: int, *, ascii: bool) -> list[Line]:
    keys = actions.keys(action, ascii=ascii) or "(palette)"
    said = wrapped(action.help, width - _KEYS)
    tone: Tone = "warn" if action.touches_process else "strong"
    space: Piece = (" " * _KEYS, "plain")
    lines: list[Line] = [((f"{keys:<{_KEYS - 1}} ", tone), *said[0])]
    lines += [(space, *line) for line in said[1:]]
    if action.command is not None:
        form = action.command.format(sweep="SWEEP", trials="TRIAL...")
        lines.append((space, (form, "dim")))
    return lines
