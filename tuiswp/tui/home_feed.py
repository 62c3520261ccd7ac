"""The thread that looks which sweeps lie here, once a second. Writes nothing."""

import threading
from collections.abc import Callable
from pathlib import Path
from typing import TypeAlias

from tuiswp.controller.here import FoundSweep, Here

PERIOD_S = 1.0
Found: TypeAlias = tuple[FoundSweep, ...]


class HomeFeed(threading.Thread):
    """Calls `post` in this thread when the list has changed; `fail` with what ended it."""

    def __init__(
        self, folder: Path, post: Callable[[Found], None], fail: Callable[[str], None]
    ) -> None:
        super().__init__(name="home-feed", daemon=True)
        self._here = Here(folder)
        self._post, self._fail = post, fail
        self._over = threading.Event()

    def close(self) -> None:
        self._over.set()
        if self.is_alive():
            self.join(timeout=2.0)

    def run(self) -> None:
        shown: Found | None = None
        try:
            while not self._over.is_set():
                found = self._here.look()
                if found != shown:
                    shown = found
                    self._post(found)
                self._over.wait(PERIOD_S)
        except Exception as error:
            if not self._over.is_set():
                self._fail(f"{type(error).__name__}: {error}")
                raise
