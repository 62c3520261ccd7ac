"""Names of trials and attempts, `t0007` and `t0007.2`: the only names that reach tmux or a path."""

import re

from tuiswp.errors import UsageError

_TRIAL = re.compile(r"t?0*(\d{1,9})")


def trial_id(number: int) -> str:
    """`7` → `t0007`."""
    return f"t{number:04d}"


def attempt_id(number: int, attempt: int) -> str:
    """`(7, 2)` → `t0007.2`."""
    return f"t{number:04d}.{attempt}"


def parse_trial(text: str) -> int:
    """Read a trial as a person writes it: `7`, `t7`, `t0007`.

    Raises UsageError for anything else.
    """
    found = _TRIAL.fullmatch(text)
    if found is None:
        raise UsageError(f"{text!r} is not a trial", hint="write it as 7, t7 or t0007")
    return int(found.group(1))
