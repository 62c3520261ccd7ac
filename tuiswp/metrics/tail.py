"""Follow one file: hand its new bytes to a source, its rows to the curves. Never fatal.

The file belongs to a training script, or to several writing at once, or to nobody's good will: it
may be torn, cut, replaced, endless or no file at all. What could not be read is counted in `flags`.
It is opened for each change and closed again, so hundreds can be followed with few descriptors.
"""

import os
import stat
from collections.abc import Callable

import msgspec

from tuiswp.metrics.bulk import Block
from tuiswp.metrics.curves import Curves
from tuiswp.metrics.rows import Row
from tuiswp.metrics.sources.base import Sink, Source
from tuiswp.text import visible

WHOLE_MAX = 64 << 20  # bytes of a file that is read whole each time

_SLICE = 128 << 10  # what fits into a core's own cache is decoded fastest
_MARK = 64
_EXCERPT = 80


class BadLine(msgspec.Struct, frozen=True):
    """`line` counts from 1 (in a binary file: records, or bytes); `excerpt` is safe to show."""

    line: int
    reason: str
    excerpt: str


class Flags(msgspec.Struct, frozen=True):
    """What was wrong with a metrics file, for a person to see.

    Counted over the file as it is now: `bad_lines` that are no row (`too_long` among them),
    `non_finite` numbers, `dropped` values whose name is too long or one too many. Counted since it
    is followed: how often it was `truncated` or `replaced` (then it is read again from its start).
    True now: `missing`, `not_regular` (a symbolic link, FIFO, directory or device), `unreadable`
    with the system's reason.
    """

    bad_lines: int = 0
    too_long: int = 0
    non_finite: int = 0
    dropped: int = 0
    truncated: int = 0
    replaced: int = 0
    missing: bool = False
    not_regular: bool = False
    unreadable: str | None = None
    first_bad: BadLine | None = None


class Tail:
    """One file, read by one source. It is that source's sink.

    `run`: which run of the trial the file is of, see `metrics.curves`.
    """

    def __init__(
        self, path: str, source: Callable[[Sink], Source], curves: Curves, *, run: int = 0
    ) -> None:
        self.path = path
        self.rows = 0  # in the file as it is now
        self.stepped = False  # a row had a step
        self.flags = Flags()
        self.behind = False  # the last poll stopped at `max_bytes`; more is there
        self.grew = False  # in the last poll
        self.watched = False  # and it was looked at before
        self.written_at = 0.0  # time.time() by which what was read had been written
        self._curves = curves
        self._run = run
        self._last_step: float | None = None
        self._file: tuple[int, int] | None = None  # device and inode
        self._seen: tuple[int, int, int, int] | None = None  # with size and mtime; None: look again
        self._offset = 0
        self._mark = b""  # the bytes before `_offset`, to notice a file written anew
        self._source = source(self)

    @property
    def is_there(self) -> bool:
        """Something was written there that can be read."""
        return self._seen is not None and self._seen[2] > 0

    def poll(self, max_bytes: int) -> None:
        """Read what is new, at most about `max_bytes`; one stat if nothing is."""
        self.grew = self.watched = False
        try:
            found = os.lstat(self.path)
            if not stat.S_ISREG(found.st_mode):
                self._place(not_regular=True)
            elif self.behind or _identity(found) != self._seen:
                self._open(max_bytes)
        except (FileNotFoundError, NotADirectoryError):
            self._place(missing=True)
        except (OSError, ValueError) as error:  # ValueError: a NUL in the path
            self._place(unreadable=getattr(error, "strerror", None) or "not a path")

    def end(self) -> None:
        """Nobody writes any more."""
        if not self.behind:
            self._source.end()

    def _place(
        self, *, missing: bool = False, not_regular: bool = False, unreadable: str | None = None
    ) -> None:
        """Note what is at the path now."""
        flags = self.flags
        if (flags.missing, flags.not_regular, flags.unreadable) != (
            missing, not_regular, unreadable,
        ):  # fmt: skip
            self._flag(missing=missing, not_regular=not_regular, unreadable=unreadable)
        if missing or not_regular or unreadable is not None:
            self._seen = None
            self.behind = False

    def _flag(self, **changes: object) -> None:
        self.flags = msgspec.structs.replace(self.flags, **changes)
        self._curves.revision += 1

    def _open(self, max_bytes: int) -> None:
        # O_NONBLOCK: a FIFO put here since the lstat must not hang us. O_NOFOLLOW: nor a link lead
        # us out of the trial directory.
        fd = os.open(self.path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW | os.O_CLOEXEC)
        try:
            found = os.fstat(fd)
            if not stat.S_ISREG(found.st_mode):
                self._place(not_regular=True)
                return
            self._place()
            # What was there before we looked tells nothing about the time between two growths.
            watched = self._seen is not None and not self.behind
            (self._read_whole if self._source.whole else self._read)(fd, found, max_bytes)
            self.watched = watched and self.grew
            self.written_at = found.st_mtime
            self._seen = _identity(found)
        finally:
            os.close(fd)

    def _read_whole(self, fd: int, found: os.stat_result, max_bytes: int) -> None:
        """A file that is rewritten: all of it, however long since the last time."""
        self._start_anew()
        if found.st_size > WHOLE_MAX:
            self.bad(1, f"larger than {WHOLE_MAX >> 20} MiB")
            return
        parts: list[bytes] = []
        while part := os.read(fd, _SLICE):
            parts.append(part)
        self.grew = bool(parts)
        self._source.feed(b"".join(parts))

    def _read(self, fd: int, found: os.stat_result, max_bytes: int) -> None:
        size = found.st_size
        file = (found.st_dev, found.st_ino)
        data = b""
        if self._file is not None and file != self._file:
            self._start_anew(replaced=self.flags.replaced + 1)
        elif size < self._offset:
            self._start_anew(truncated=self.flags.truncated + 1)
        elif self._mark:
            # One read for the bytes that should still be there and for those that are new.
            known = len(self._mark)
            new = min(_SLICE, max_bytes, size - self._offset)
            data = os.pread(fd, known + new, self._offset - known)
            if data[:known] == self._mark:
                data = data[known:]
            else:
                self._start_anew(replaced=self.flags.replaced + 1)
                data = b""
        self._file = file
        end = min(size, self._offset + max_bytes)
        while data or self._offset < end:
            data = data or os.pread(fd, min(_SLICE, end - self._offset), self._offset)
            if not data:  # cut while we read; the next poll sees it
                break
            self.grew = True
            self._offset += len(data)
            self._mark = (self._mark + data[-_MARK:])[-_MARK:]
            self._source.feed(data)
            data = b""
        self.behind = self._offset < size

    def _start_anew(self, **counts: int) -> None:
        """Read from the start again; known points stay and are overwritten step by step."""
        self._flag(bad_lines=0, too_long=0, non_finite=0, dropped=0, first_bad=None, **counts)
        self.rows = self._offset = 0
        self._mark = b""
        self.stepped = False
        self._source.restart()

    def wanted(self, name: str) -> bool:
        return self._curves.wanted(name)

    def bad(self, at: int, reason: str, excerpt: bytes = b"", *, too_long: bool = False) -> None:
        text = excerpt[:_EXCERPT].decode("utf-8", "replace")
        self._flag(
            bad_lines=self.flags.bad_lines + 1,
            too_long=self.flags.too_long + too_long,
            first_bad=self.flags.first_bad or BadLine(at, reason, visible(text, limit=_EXCERPT)),
        )

    def take_row(self, row: Row) -> None:
        """A row without a step belongs to the last step before it; before any, they are counted."""
        if row.step is not None:
            step = row.step
            self.stepped = True
        elif self.stepped and self._last_step is not None:
            step = self._last_step
        else:
            step = float(self.rows)
        self._last_step = step
        self.rows += 1
        if row.non_finite:
            self._flag(non_finite=self.flags.non_finite + row.non_finite)
        if self._curves.begin(self._run, step):
            dropped = self._curves.take_row(step, row)
            if dropped:
                self._flag(dropped=self.flags.dropped + dropped)

    def take_block(self, block: Block) -> None:
        self.rows += block.rows
        self._last_step = block.last_step
        self.stepped = self.stepped or block.stepped
        if self._curves.begin(self._run, block.last_step):
            dropped = self._curves.take_block(block)
            if dropped:
                self._flag(dropped=self.flags.dropped + dropped)


def _identity(found: os.stat_result) -> tuple[int, int, int, int]:
    return found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns
