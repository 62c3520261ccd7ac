"""Which moment a press of `[` or `]` goes to, and how it is told. Pure: no clock."""

import time

from tuiswp.tui.snapshot import AsOf

_STEPS_S = (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400, 43200, 86400)
_PRESSES = 60  # about so many from the end of a sweep to its beginning


def moved(moment: float | None, by: int, begin: float, end: float) -> float | None:
    """The moment `by` steps on (back, if negative) from `moment`, None being now; None: live again.

    A step is round and the whole sweep about sixty of them.
    """
    span = max(0.0, end - begin)
    size = next((one for one in _STEPS_S if one * _PRESSES >= span), _STEPS_S[-1])
    there = (end if moment is None else moment) + by * size
    return None if there >= end else max(begin, there)


def told(as_of: AsOf) -> str:
    """`AS OF 14:02:10 (-35 min, approximate)`."""
    behind = max(0.0, as_of.end - as_of.at)
    far = (
        f"{behind:.0f} s" if behind < 120 else f"{behind / 60:.0f} min"
        if behind < 7200 else f"{behind / 3600:.1f} h" if behind < 172800
        else f"{behind / 86400:.1f} d"
    )  # fmt: skip
    clock = time.strftime("%H:%M:%S", time.localtime(as_of.at))
    about = ", curves approximate" if as_of.approximate else ""
    return f"AS OF {clock} (-{far}{about})"
