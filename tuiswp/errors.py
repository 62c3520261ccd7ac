"""The failures a user may see, each with its exit code; a fault of ours keeps its traceback.

TuiswpError               1
├── SpecError             2   the sweep file is wrong
│   └── SpecErrors        2   all faults of one file together
├── UsageError            2   the call is wrong
├── NoResult              4   the sweep is over, or was left, without a best trial
├── SweepPaused           1   tuiswp paused the sweep: something has to be mended
├── SweepHeld             5   another controller holds the sweep
├── JournalError          1   the journal cannot be written or is damaged
├── LauncherError         1   tmux is missing, too old or does not answer
└── EnvironmentFault      1   disk, permissions, another machine's directory
"""

from collections.abc import Sequence
from enum import IntEnum


class ExitCode(IntEnum):
    """What `tuiswp` tells the shell. Stable: scripts rely on it."""

    OK = 0
    FAULT = 1
    USAGE = 2
    SOME_FAILED = 3
    NO_RESULT = 4
    HELD = 5
    INTERRUPTED = 130


class TuiswpError(Exception):
    """Something a person can act on: what happened, where, and what next.

    `str()` gives the one line shown: ``where: what; hint``.
    """

    exit_code: ExitCode = ExitCode.FAULT

    def __init__(self, what: str, *, where: str | None = None, hint: str | None = None) -> None:
        self.what = what
        self.where = where
        self.hint = hint
        super().__init__(what)

    def __str__(self) -> str:
        text = self.what if self.where is None else f"{self.where}: {self.what}"
        return text if self.hint is None else f"{text}; {self.hint}"


class SpecError(TuiswpError):
    """One fault of a sweep file; `where` is ``file:line: key.path`` as far as it is known."""

    exit_code = ExitCode.USAGE


class SpecErrors(SpecError):
    """All faults of one sweep file, reported together. `faults` is never empty."""

    def __init__(self, faults: Sequence[SpecError]) -> None:
        self.faults = tuple(faults)
        super().__init__("\n".join(str(fault) for fault in faults))


class UsageError(TuiswpError):
    """The command line asks for something that is not there."""

    exit_code = ExitCode.USAGE


class NoResult(TuiswpError):
    """The sweep has no best trial to give."""

    exit_code = ExitCode.NO_RESULT


class SweepPaused(TuiswpError):
    """tuiswp itself paused the sweep, and nobody is there to mend the cause."""


class SweepHeld(TuiswpError):
    """Another controller holds the sweep."""

    exit_code = ExitCode.HELD


class JournalError(TuiswpError):
    """The journal cannot be written, or what it holds cannot be believed."""


class LauncherError(TuiswpError):
    """Nothing can be launched: tmux is missing, too old, or does not answer."""


class EnvironmentFault(TuiswpError):
    """The machine refuses: disk full, permissions, a directory that is not ours."""
