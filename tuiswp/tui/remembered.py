"""How a person left the screen of a sweep: `view.json` in its directory, read and kept by a thread.

Never worth a failure. A file that is missing, damaged, of a newer version or no file at all is as
none; where nothing may be written (a folder of runs, another's directory, a full disk) the view
lives as long as the application. Two screens on one sweep: the last that changes wins.
"""

import os
import stat
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec

from tuiswp.controller.directory import SweepDirectory, write_atomically
from tuiswp.text import visible

FILE = "view.json"
VERSION = 1
CALM_S = 1.0  # a view that changes again and again is written once a second
_LIMIT = 256 << 10
_MOST_COLUMNS = 300


class Remembered(msgspec.Struct, frozen=True, omit_defaults=True):
    """What is remembered of a sweep's screen; a default says that nothing was chosen.

    `sort`: a column's key. `away`: the panes that are hidden; `focus`: the one with the focus.
    `charts`: what differs from a new `widgets.chart_grid.ChartsView`.
    """

    version: int = VERSION
    sort: str = ""
    down: bool = False
    columns: tuple[str, ...] | None = None
    marks: tuple[int, ...] = ()
    filter: str = ""
    away: tuple[str, ...] = ()
    focus: str = ""
    charts: dict[str, Any] = {}


class Memory:
    """The view of one sweep, from `open` to `close`: a thread reads and writes.

    `anew`: what was remembered before is forgotten. `before`: how this application left it last.
    """

    def __init__(
        self, directory: Path, *, anew: bool = False, before: Remembered | None = None
    ) -> None:
        self._directory = SweepDirectory(directory)
        self._anew = anew
        self._changed = threading.Condition()
        self._latest = before
        self._over = False
        self._thread: threading.Thread | None = None

    def open(self, recalled: Callable[[Remembered], None]) -> None:
        """Read it in a thread, which calls `recalled` once and then writes what is kept."""
        self._thread = threading.Thread(
            target=self._run, args=(recalled,), name="memory", daemon=True
        )
        self._thread.start()

    @property
    def latest(self) -> Remembered | None:
        """How it looks now, as far as it was told."""
        return self._latest

    def keep(self, view: Remembered) -> None:
        """This is how it looks now; written soon, if it differs from what is there."""
        with self._changed:
            if view != self._latest:
                self._latest = view
                self._changed.notify_all()

    def close(self) -> None:
        """Write what is not written yet."""
        with self._changed:
            self._over = True
            self._changed.notify_all()
        if self._thread is not None:
            self._thread.join(timeout=2.0)

    def _run(self, recalled: Callable[[Remembered], None]) -> None:
        found, writable = (None, True) if self._anew else load(self._directory.root)
        known = self._latest or found or Remembered()
        written = None if self._anew else found or Remembered()
        recalled(known)
        while True:
            with self._changed:
                self._changed.wait_for(
                    lambda: self._over or self._latest not in (None, written)  # noqa: B023
                )
                if not self._over:
                    self._changed.wait_for(lambda: self._over, CALM_S)
                view, over = self._latest, self._over
            if view is not None and view != written:
                written = view
                if writable:
                    self._write(view)
            if over:
                return

    def _write(self, view: Remembered) -> None:
        """Nothing is written where no sweep of ours lies; that it cannot be is no news."""
        try:
            if self._directory.exists():
                data = msgspec.json.format(msgspec.json.encode(view), indent=1)
                write_atomically(self._directory.root / FILE, data + b"\n")
        except OSError:
            pass


def load(directory: Path) -> tuple[Remembered | None, bool]:
    """What is remembered in a sweep directory, if it can be read, and whether it may be replaced.

    A newer tuiswp's view is neither read nor replaced.
    """
    try:
        # O_NONBLOCK: a FIFO there must not hang us. O_NOFOLLOW: nor a link lead elsewhere.
        flags = os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW | os.O_CLOEXEC
        fd = os.open(directory / FILE, flags)
    except OSError:
        return None, True
    try:
        if not stat.S_ISREG(os.fstat(fd).st_mode):
            return None, True
        data = os.read(fd, _LIMIT)
    except OSError:
        return None, True
    finally:
        os.close(fd)
    try:
        view = msgspec.json.decode(data, type=Remembered)
    except (msgspec.DecodeError, RecursionError, UnicodeError):
        return None, True
    if view.version > VERSION:
        return None, False
    return (view if _is_harmless(view) else None), True


def _is_harmless(view: Remembered) -> bool:
    """What is typed into a line must be what a person could have typed."""
    return visible(view.filter) == view.filter and len(view.columns or ()) <= _MOST_COLUMNS
