"""Whether tmux can draw on this terminal, and by which name. Touches no terminal.

tmux refuses a TERM that this machine has no description of, and those of new terminals (kitty,
ghostty, foot, alacritty) seldom come over SSH. All of them understand xterm's.
"""

from collections.abc import Mapping

from tuiswp.errors import UsageError

UNDERSTOOD = "xterm-256color"


def environment(given: Mapping[str, str]) -> dict[str, str]:
    """`given` with a TERM that tmux takes. Raises UsageError if the terminal can draw nothing."""
    name = given.get("TERM", "")
    drawn = _draws(name)
    if drawn is False or not name:
        raise UsageError(
            f"TERM={name or '(not set)'} says that this terminal cannot draw",
            hint=f"in one that can, `TERM={UNDERSTOOD} tuiswp attach ...`",
        )
    return {**given, "TERM": UNDERSTOOD if drawn is None else name}


def _draws(name: str) -> bool | None:
    """Whether the terminal of this name can be cleared; None if nothing is known of it.

    A process has one terminal: after the first answer curses looks up no other name.
    """
    try:
        import curses  # not in every build of Python
    except ImportError:
        return True
    try:
        curses.setupterm(name, 1)
    except curses.error:
        return None
    return curses.tigetstr("clear") is not None
