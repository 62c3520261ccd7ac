"""Time that passes only while a controller looks, by a clock that nobody can set.

A controller that was stopped, a machine that slept, or a round that took an hour adds moments.
"""

import time
from collections.abc import Callable

ROUND_S = 5.0  # what longer passes between two looks was not watched


class WatchedTime:
    """`now` in watched seconds, as of the last `passes`. `clock`: monotonic seconds."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self.now = 0.0
        self._clock = clock
        self._last: float | None = None

    def passes(self) -> float:
        """Somebody looks now; the watched seconds since the last time."""
        at = self._clock()
        passed = 0.0 if self._last is None else min(max(0.0, at - self._last), ROUND_S)
        self._last = at
        self.now += passed
        return passed
