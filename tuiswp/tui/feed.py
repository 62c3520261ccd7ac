"""The thread that reads: one frozen snapshot twice a second, and at once when asked.

A screen says what it is about to show (`want`), and the next snapshot has it.
"""

import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec.structs import replace

from tuiswp.errors import TuiswpError
from tuiswp.text import visible
from tuiswp.tui import collector, opened
from tuiswp.tui.snapshot import Snapshot, Want

if TYPE_CHECKING:
    from tuiswp.tui.reading import Reading

PERIOD_S = 0.5
HURRY_S = 0.02  # while a large folder is read for the first time
REST_S = 10.0  # for which a first reading, however long it takes, may go without collecting


class Feed(threading.Thread):
    """Makes a `Snapshot` twice a second, and at once when something else is wanted.

    `post` is called in this thread with each snapshot; `fail` with the text of what ended it.
    """

    def __init__(
        self,
        path: Path,
        post: Callable[[Snapshot], None],
        fail: Callable[[str], None],
        *,
        clock: Callable[[], float] = time.time,
    ) -> None:
        super().__init__(name="feed", daemon=True)
        self._path, self._clock = path, clock
        self._reading: Reading | None = None
        self._post = post
        self._fail = fail
        self._changed = threading.Condition()
        self._want = Want()
        self._due = True
        self._over = False

    def want(self, want: Want) -> None:
        """Say what is about to be shown; the next snapshot, which comes at once, has it."""
        with self._changed:
            if want != self._want:
                self._want = want
                self._wake()

    def refresh(self) -> None:
        with self._changed:
            self._wake()

    def _wake(self) -> None:
        self._due = True
        self._changed.notify_all()

    def close(self) -> None:
        with self._changed:
            self._over = True
            self._changed.notify_all()
        if self.is_alive():
            self.join(timeout=2.0)
        if self._reading is not None:
            self._reading.close()

    def _taken(self, reading: "Reading", want: Want, last: Snapshot | None) -> Snapshot:
        """What is there now; where it cannot be read for a while, the last with the reason."""
        try:
            return reading.take(want)
        except (OSError, TuiswpError) as error:
            if last is None:  # there is nothing to show: whoever opened this is told why
                raise
            why = error.what if isinstance(error, TuiswpError) else error.strerror or str(error)
            return replace(last, trouble=visible(f"CANNOT READ: {why}", limit=80))

    def run(self) -> None:
        try:
            # Here, where the screen does not wait for it: it brings all that reads and judges.
            from tuiswp.tui.reading import Reading

            reading = self._reading = Reading(self._path, clock=self._clock)
            snapshot: Snapshot | None = None
            brought, rested_until = False, time.monotonic() + REST_S
            while not self._over:
                with self._changed:
                    want, self._due = self._want, False
                snapshot = self._taken(reading, want, snapshot)
                self._post(snapshot)
                if not brought and (not reading.behind or time.monotonic() > rested_until):
                    brought = True
                    opened.bring()
                    collector.settle()
                hurry = snapshot.view.unread or (
                    snapshot.look is not None and snapshot.look.found is None
                )
                wait_s = HURRY_S if hurry else PERIOD_S
                with self._changed:
                    self._changed.wait_for(lambda: self._due or self._over, wait_s)
        except Exception as error:
            if not self._over:
                self._fail(f"{type(error).__name__}: {error}")
                raise
