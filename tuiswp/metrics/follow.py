"""Follow the metric files of many trials at once, fairly, within a time budget. Starts no thread.

Made to be called ten times a second: a file that did not change costs one stat.
"""

import time
from collections import deque
from collections.abc import Collection, Hashable, Iterator, Sequence
from pathlib import Path
from typing import Generic, TypeVar

from tuiswp.metrics.file import MetricFile
from tuiswp.model.sweep import DerivedMetric

Key = TypeVar("Key", bound=Hashable)

_VISIT_BYTES = 1 << 20  # a few milliseconds, then the next file has its turn


class Follower(Generic[Key]):
    """Metric files by key."""

    def __init__(self) -> None:
        self._files: dict[Key, MetricFile] = {}
        self._active: dict[Key, None] = {}  # those that a poll visits
        self._resting: set[Key] = set()  # of the active: only until they are read to the end
        self._unseen: set[Key] = set()  # never visited yet
        self._waiting: deque[Key] = deque()  # not visited when the budget of a poll ran out

    def add(
        self,
        key: Key,
        path: Path,
        *,
        only: Collection[str] | None = None,
        derived: Sequence[DerivedMetric] = (),
    ) -> MetricFile:
        """Follow `path` under `key`; a key already there gets a new start."""
        file = self._files[key] = MetricFile(path, only=only, derived=derived)
        self._unseen.add(key)
        self.wake(key)
        return file

    def rest(self, key: Key) -> None:
        """Nobody writes this file any more: it is read to its end, kept, and visited no more."""
        if key in self._active:
            self._resting.add(key)

    def let_alone(self, key: Key) -> None:
        """Keep what was read of this file, and do not visit it again."""
        self._active.pop(key, None)
        self._resting.discard(key)
        self._unseen.discard(key)

    def wake(self, key: Key) -> None:
        """Somebody writes this file (again): it is visited by each poll."""
        self._active[key] = None
        self._resting.discard(key)

    def remove(self, key: Key) -> None:
        """Forget `key`; harmless if it is not there."""
        self._files.pop(key, None)
        self.let_alone(key)

    def __getitem__(self, key: Key) -> MetricFile:
        return self._files[key]

    def get(self, key: Key) -> MetricFile | None:
        return self._files.get(key)

    def __contains__(self, key: object) -> bool:
        return key in self._files

    def __iter__(self) -> Iterator[Key]:
        return iter(self._files)

    def __len__(self) -> int:
        return len(self._files)

    @property
    def behind(self) -> bool:
        """True if some file was never visited, or is known to hold more than was read."""
        return bool(self._unseen) or any(self._files[key].behind for key in self._active)

    def is_read(self, key: Key) -> bool:
        """Whether what was there when it was looked at last is read."""
        return key not in self._unseen and not self._files[key].behind

    def poll(self, *, budget_s: float | None = None) -> set[Key]:
        """Read what is new everywhere; return the keys with new rows or flags.

        Every file has a turn before any has a second. When `budget_s` seconds are over the rest
        waits, and is first in the next call; at least one turn is taken. None: read everything.
        """
        deadline = None if budget_s is None else time.monotonic() + budget_s
        changed: set[Key] = set()
        first = dict.fromkeys(key for key in self._waiting if key in self._active)
        turns = deque([*first, *(key for key in self._active if key not in first)])
        while turns:
            key = turns.popleft()
            file = self._files[key]
            self._unseen.discard(key)
            if file.poll(max_bytes=_VISIT_BYTES):
                changed.add(key)
            if file.behind:
                turns.append(key)
            elif key in self._resting:
                self._resting.discard(key)
                del self._active[key]
            if deadline is not None and time.monotonic() >= deadline:
                break
        self._waiting = turns
        return changed
