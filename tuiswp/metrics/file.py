"""Follow one metrics file: read only its new bytes, keep the curves. Nothing in it is ever fatal.

The file belongs to a training script, or to several writing at once, or to nobody's good will: it
may be torn, cut, replaced, endless or no file at all. What could not be read is counted in `flags`.
It is opened for each change and closed again, so hundreds can be followed with few descriptors.
"""

import os
import stat
import time
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType

import msgspec

from tuiswp.metrics.bulk import Block, Layout
from tuiswp.metrics.derived import Derivation, DerivedFault, needed
from tuiswp.metrics.names import normal
from tuiswp.metrics.rows import NAME_MAX, BadRow, Row, parse, read
from tuiswp.metrics.series import Series
from tuiswp.model.sweep import DerivedMetric
from tuiswp.text import visible

LINE_MAX = 1 << 20  # bytes; a longer line is skipped without being held in memory
METRICS_MAX = 4_096  # names in one file
POLL_BYTES = 8 << 20

_SLICE = 128 << 10  # what fits into a core's own cache is decoded fastest
_BULK_MIN = 2_048
_LEARN = 16  # lines
_MARK = 64
_EXCERPT = 80


class BadLine(msgspec.Struct, frozen=True):
    """`line` counts from 1; `excerpt` is safe to show."""

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


class MetricFile:
    """The metrics of one trial. Call `poll` as often as you like; it costs one stat if nothing is
    new.

    `only`: keep just these metrics (`names.same` decides), besides step and progress. A row without
    a step belongs to the last step written before it; before any step, rows are numbered from 0.
    `derived`: metrics computed from them, in the order they build on each other; they appear like
    logged ones, and what they need is kept.
    """

    def __init__(
        self,
        path: Path | str,
        *,
        only: Collection[str] | None = None,
        derived: Sequence[DerivedMetric] = (),
    ) -> None:
        # As text: of ten thousand files, to make a Path of each takes longer than to open them.
        self._path = os.fspath(path)
        self.rows = 0  # in the file as it is now
        self.progress: float | None = None
        self.last_step: float | None = None  # of the row written last
        self.last_change: float | None = (
            None  # time.monotonic() when the file was last seen to grow
        )
        self.first_change: float | None = None  # likewise, for the first time
        self.changes = 0  # how often it was seen to grow after the first look
        self.behind = False  # the last poll stopped at `max_bytes`; more is there
        self._only: Collection[str] | None = None
        if only is not None:
            self._only, computed = needed(only, derived)
            derived = [one for one in derived if one.name in computed]
        self._series: dict[str, Series] = {}
        self._derivation = Derivation(derived) if derived else None
        self._every: tuple[int, dict[str, Series]] = -1, {}  # with the derived; of which revision
        self._beside: dict[str, Series] = {}
        self._layout = Layout(self._wanted)
        self._flags = Flags()
        self._revision = 0

        self._file: tuple[int, int] | None = None  # device and inode
        self._seen: tuple[int, int, int, int] | None = None  # with size and mtime; None: look again
        self._offset = 0
        self._mark = b""  # the bytes before `_offset`, to notice a file written anew
        self._tail = bytearray()  # a line whose end is not there yet
        self._skipping = False  # in a line that is too long
        self._line = 0  # lines read
        self._stepped = False  # a row had a step

    @property
    def path(self) -> Path:
        return Path(self._path)

    @property
    def metrics(self) -> Mapping[str, Series]:
        """The curves by name, in order of first appearance, the derived ones last.

        A live view, but for what is derived: ask again after a poll.
        """
        if self._derivation is None:
            return MappingProxyType(self._series)
        if self._every[0] != self._revision:
            self._every = self._revision, self._derivation.update(self._series)
        return MappingProxyType(self._every[1])

    @property
    def derived_faults(self) -> tuple[DerivedFault, ...]:
        """What went wrong where metrics were derived: a division by zero, a logarithm of -1."""
        return () if self._derivation is None or not self.metrics else self._derivation.faults

    @property
    def derived_missing(self) -> Mapping[str, tuple[str, ...]]:
        """By derived metric: the columns it needs that were not logged."""
        if self._derivation is None:
            return {}
        self._every = self._revision, self._derivation.update(self._series)
        return self._derivation.missing

    @property
    def beside(self) -> Mapping[str, Series]:
        """What is no metric and says where in the run a row is, by its key in `rows.BESIDE`.

        If `only` some metrics are kept, then those that are named among them.
        """
        return MappingProxyType(self._beside)

    @property
    def flags(self) -> Flags:
        return self._flags

    @property
    def interval_s(self) -> float | None:
        """Its own usual time between growths, as far as it was watched; None before the third."""
        if self.changes < 3 or self.first_change is None or self.last_change is None:
            return None
        return (self.last_change - self.first_change) / (self.changes - 1)

    def last_row(self) -> dict[str, float | None]:
        """The value written last of every metric; None where it was not finite."""
        return {name: series.latest for name, series in self.metrics.items()}

    def poll(self, *, max_bytes: int = POLL_BYTES, final: bool = False) -> bool:
        """Read what is new, at most about `max_bytes`; True if rows or flags changed.

        `final`: nobody writes any more, so a last line without line feed counts as a line.
        """
        before = self._revision
        try:
            found = os.lstat(self._path)
            if not stat.S_ISREG(found.st_mode):
                self._place(not_regular=True)
            elif self.behind or _identity(found) != self._seen:
                self._open(max_bytes)
        except (FileNotFoundError, NotADirectoryError):
            self._place(missing=True)
        except (OSError, ValueError) as error:  # ValueError: a NUL in the path
            self._place(unreadable=getattr(error, "strerror", None) or "not a path")
        if final and self._tail and not self.behind:
            line = bytes(self._tail)
            self._tail.clear()
            self._read_line(line)
        return self._revision != before

    def _place(
        self, *, missing: bool = False, not_regular: bool = False, unreadable: str | None = None
    ) -> None:
        """Note what is at the path now."""
        flags = self._flags
        if (flags.missing, flags.not_regular, flags.unreadable) != (
            missing, not_regular, unreadable,
        ):  # fmt: skip
            self._flag(missing=missing, not_regular=not_regular, unreadable=unreadable)
        if missing or not_regular or unreadable is not None:
            self._seen = None
            self.behind = False

    def _flag(self, **changes: object) -> None:
        self._flags = msgspec.structs.replace(self._flags, **changes)
        self._revision += 1

    def _open(self, max_bytes: int) -> None:
        # O_NONBLOCK: a FIFO put here since the lstat must not hang us. O_NOFOLLOW: nor a link lead
        # us out of the trial directory.
        fd = os.open(self._path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW | os.O_CLOEXEC)
        try:
            found = os.fstat(fd)
            if not stat.S_ISREG(found.st_mode):
                self._place(not_regular=True)
                return
            self._place()
            self._read(fd, found, max_bytes)
        finally:
            os.close(fd)

    def _read(self, fd: int, found: os.stat_result, max_bytes: int) -> None:
        size = found.st_size
        file = (found.st_dev, found.st_ino)
        data = b""
        if self._file is not None and file != self._file:
            self._start_anew(replaced=self._flags.replaced + 1)
        elif size < self._offset:
            self._start_anew(truncated=self._flags.truncated + 1)
        elif self._mark:
            # One read for the bytes that should still be there and for those that are new.
            known = len(self._mark)
            new = min(_SLICE, max_bytes, size - self._offset)
            data = os.pread(fd, known + new, self._offset - known)
            if data[:known] == self._mark:
                data = data[known:]
            else:
                self._start_anew(replaced=self._flags.replaced + 1)
                data = b""
        self._file = file
        end = min(size, self._offset + max_bytes)
        # What was there before we looked tells nothing about the time between two growths.
        watched = self._seen is not None and not self.behind
        grown = False
        while data or self._offset < end:
            data = data or os.pread(fd, min(_SLICE, end - self._offset), self._offset)
            if not data:  # cut while we read; the next poll sees it
                break
            self.last_change = time.monotonic()
            grown = True
            self._offset += len(data)
            self._mark = (self._mark + data[-_MARK:])[-_MARK:]
            self._feed(data)
            data = b""
        if grown and watched:
            self.changes += 1
            self.first_change = self.first_change or self.last_change
        self._seen = _identity(found)
        self.behind = self._offset < size

    def _start_anew(self, **counts: int) -> None:
        """Read from the start again; known points stay and are overwritten step by step."""
        self._flag(bad_lines=0, too_long=0, non_finite=0, dropped=0, first_bad=None, **counts)
        self.rows = self._line = self._offset = 0
        self._mark = b""
        self._tail.clear()
        self._skipping = self._stepped = False

    def _feed(self, data: bytes) -> None:
        """Take the next bytes of the file: whole lines are read, the rest is kept for later."""
        end = data.rfind(b"\n")
        if end < 0:
            self._keep(data)
            return
        start = 0
        if self._skipping:
            start = data.index(b"\n") + 1
            self._skipping = False
        elif self._tail:
            first = data.index(b"\n")
            if len(self._tail) + first > LINE_MAX:
                self._keep(data[:first])
                start = first + 1
                self._skipping = False
        if start <= end:
            tail = bytes(self._tail)
            self._tail.clear()
            self._read_lines(tail, memoryview(data)[start:end])
        self._keep(data[end + 1 :])

    def _keep(self, piece: bytes) -> None:
        """Keep a piece of a line, unless the line gets too long: then note it, once."""
        if self._skipping or not piece:
            return
        self._tail += piece
        if len(self._tail) > LINE_MAX:
            self._line += 1
            self._bad("longer than 1 MiB", bytes(self._tail[:_EXCERPT]), too_long=True)
            self._tail.clear()
            self._skipping = True

    def _read_lines(self, head: bytes, rest: memoryview) -> None:
        """Read whole lines, without the last line feed; the first may begin in `head`."""
        if self._read_in_bulk(head, rest):
            return
        lines = b"".join((head, rest)).split(b"\n")
        # A line or two at a time are never read in bulk: there is nothing to learn them for.
        learn = len(head) + len(rest) >= _BULK_MIN
        if len(lines) > 2 * _LEARN:
            # From a few lines the bulk reader learns the keys; then it may manage the others.
            for line in lines[:_LEARN]:
                self._read_line(line, learn=learn)
            lines = lines[_LEARN:]
            if self._read_in_bulk(b"", memoryview(b"\n".join(lines))):
                return
        for line in lines:
            self._read_line(line, learn=learn)

    def _read_in_bulk(self, head: bytes, rest: memoryview) -> bool:
        if len(head) + len(rest) < _BULK_MIN:
            return False
        block = self._layout.decode(head, rest, None if self._stepped else self.rows)
        if block is not None:
            self._take_block(block)
        return block is not None

    def _read_line(self, line: bytes, *, learn: bool = False) -> None:
        self._line += 1
        if b"\0" in line:
            # After a power loss a file system leaves NULs where a line was; what follows is whole.
            self._bad("NUL bytes", line)
            line = line.strip(b"\0")
        try:
            found = parse(line)
            if found is None:
                return
            row = read(found)
        except BadRow as reason:
            self._bad(str(reason), line)
            return
        if learn:
            self._layout.learn(found)
        self._take_row(row)

    def _bad(self, reason: str, line: bytes, *, too_long: bool = False) -> None:
        flags = self._flags
        excerpt = line[:_EXCERPT].decode("utf-8", "replace")
        self._flag(
            bad_lines=flags.bad_lines + 1,
            too_long=flags.too_long + too_long,
            first_bad=flags.first_bad
            or BadLine(self._line, reason, visible(excerpt, limit=_EXCERPT)),
        )

    def _take_row(self, row: Row) -> None:
        if row.step is not None:
            step = row.step
            self._stepped = True
        elif self._stepped and self.last_step is not None:
            step = self.last_step
        else:
            step = float(self.rows)
        self.last_step = step
        self.rows += 1
        self._revision += 1
        if row.progress is not None:
            self.progress = row.progress
        if row.non_finite:
            self._flag(non_finite=self._flags.non_finite + row.non_finite)
        for name, value in row.values.items():
            series = self._series.get(name) or self._new_series(name)
            if series is not None:
                series.append(step, value)
        for name, value in row.beside.items():
            if self._wanted(name):
                self._beside.setdefault(name, Series()).append(step, value)

    def _take_block(self, block: Block) -> None:
        self._line += block.rows
        self.rows += block.rows
        self._revision += 1
        self.last_step = block.last_step
        self._stepped = self._stepped or block.stepped
        if block.progress is not None:
            self.progress = block.progress
        for name, steps, values in block.columns:
            series = self._series.get(name) or self._new_series(name, dropped=len(steps))
            if series is not None:
                series.extend(steps, values, ordered=block.ordered)
        for name, steps, values in block.beside:
            self._beside.setdefault(name, Series()).extend(steps, values, ordered=block.ordered)

    def _wanted(self, name: str) -> bool:
        return self._only is None or normal(name) in self._only

    def _new_series(self, name: str, *, dropped: int = 1) -> Series | None:
        """A new curve; None if nobody asked for it or it would be one too many."""
        if not self._wanted(name):
            return None
        if len(self._series) >= METRICS_MAX or len(name) > NAME_MAX:
            self._flag(dropped=self._flags.dropped + dropped)
            return None
        series = self._series[name] = Series()
        return series


def read_whole(file: MetricFile, *, final: bool = True, size: int | None = None) -> None:
    """Read a file to where it ends now; one that grows faster than it is read has to wait.

    `size`: what it holds now, if that is known.
    """
    if size is None:
        size = file.path.stat().st_size if file.path.is_file() else 0
    for _ in range(1 + size // POLL_BYTES):
        file.poll(final=final)
        if not file.behind:
            return


def _identity(found: os.stat_result) -> tuple[int, int, int, int]:
    return found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns
