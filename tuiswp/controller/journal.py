"""The append-only file of facts: one checksummed record a line. It decides nothing.

A line is a JSON array, ``["5f3a9c01",{"v":1,"seq":1,"t":…,"event":{…}}]``: CRC-32 of the record's
bytes, then the record, so that `jq '.[1]'` reads the file and a flipped bit does not pass. Written
means on disk: `append` returns after one write and one fdatasync. A torn last line was never
acknowledged; it is set aside and cut before the first append. Damage further in stops writing,
never reading.
"""

import errno
import gc
import logging
import os
import stat
import time
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

import msgspec

from tuiswp import trust
from tuiswp.controller.directory import sync_directory
from tuiswp.errors import EnvironmentFault, JournalError
from tuiswp.model.events import JOURNAL_VERSION, Event, Record, version_of

_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(Record).decode
_PREFIX = b'["'
_COPY = 1 << 20
_TORN_KEPT, _TORN_BYTES = 20, 1 << 20  # files set aside, and of each the first bytes
_END = 16 << 10  # of a journal: its last facts
log = logging.getLogger("tuiswp.controller")
_HEAD = len('["00000000",')


class Damage(msgspec.Struct, frozen=True):
    """A line that cannot be believed: `line` counts from 1; 0 is the file as a whole."""

    line: int
    reason: str

    @property
    def where(self) -> str:
        return f"journal.jsonl:{self.line}" if self.line else "journal.jsonl"


class Scan(msgspec.Struct, frozen=True):
    """What a journal holds. `end`: bytes up to which lines are whole; `torn`: what follows."""

    records: tuple[Record, ...]
    end: int
    torn: bytes
    damage: tuple[Damage, ...]
    newer: int | None  # the version of records that this tuiswp does not know, and leaves out
    unread: int = 0  # how many those are


def encode_line(record: Record) -> bytes:
    body = _encode(record)
    return b'["%08x",%s]\n' % (zlib.crc32(body), body)


def decode_line(line: bytes) -> Record:
    """Read one line without its newline. Raises ValueError with the reason."""
    body = line[_HEAD:-1]
    if line[:2] != _PREFIX or line[-1:] != b"]" or b'["%08x",' % zlib.crc32(body) != line[:_HEAD]:
        raise ValueError("the checksum does not fit")
    return _decode(body)


class _VersionProbe(msgspec.Struct):
    v: int


def _version(line: bytes) -> int | None:
    """Version of a record whose checksum fits, even when its type is unknown."""
    body = line[_HEAD:-1]
    if b'["%08x",' % zlib.crc32(body) != line[:_HEAD]:
        return None
    try:
        return msgspec.json.decode(body, type=_VersionProbe).v
    except msgspec.DecodeError:
        return None


def scan(data: bytes, *, first_seq: int = 1) -> Scan:
    """Read every whole line of `data`; pure. `first_seq`: the sequence number expected first.

    A record of a newer version is left out even where it could be read: it may mean something else.
    """
    end = data.rfind(b"\n") + 1
    records: list[Record] = []
    damage: list[Damage] = []
    newer: int | None = None
    unread = 0
    expected: int | None = first_seq
    for number, line in enumerate(data[:end].split(b"\n")[:-1], 1):
        try:
            record = decode_line(line)
        except (ValueError, msgspec.DecodeError, RecursionError) as error:
            version = _version(line)
            expected = None  # whatever follows a hole is read as it is
            if version is not None and version > JOURNAL_VERSION:
                newer, unread = max(newer or 0, version), unread + 1
            else:
                damage.append(Damage(number, str(error)))
            continue
        if record.v > JOURNAL_VERSION:
            newer, unread, expected = max(newer or 0, record.v), unread + 1, None
            continue
        if expected is not None and record.seq != expected:
            damage.append(Damage(number, f"record {record.seq} follows record {expected - 1}"))
        expected = record.seq + 1
        records.append(record)
    return Scan(tuple(records), end, data[end:], tuple(damage), newer, unread)


def read(path: Path) -> Scan:
    """Read a whole journal; a missing one is empty. Never writes.

    Raises EnvironmentFault if it is not a regular file.
    """
    try:
        fd = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except FileNotFoundError:
        return Scan((), 0, b"", (), None)
    except OSError as error:
        raise EnvironmentFault(f"cannot be read: {error.strerror}", where=str(path)) from error
    if not stat.S_ISREG(os.fstat(fd).st_mode):
        os.close(fd)  # not by a file object: there is none of a directory
        raise EnvironmentFault("is not a regular file", where=str(path))
    with os.fdopen(fd, "rb") as file, no_collection():
        return scan(file.read())


@contextmanager
def no_collection() -> Iterator[None]:
    """Let the cyclic collector rest while many records, none of them in a cycle, are made.

    Halves the time to read a long journal.
    """
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


class Journal:
    """The one writer. Hold the sweep's lock before opening it.

    Raises JournalError if the file is damaged inside or written by a newer tuiswp: doubt stops
    writing. `torn` tells how many bytes of a torn tail were set aside at opening.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        found = read(path)
        if found.newer is not None:
            raise JournalError(
                f"was written by a newer tuiswp (journal version {found.newer}, this one writes "
                f"{JOURNAL_VERSION})",
                where=str(path),
                hint="use that version; status and results still work, and tell what they can read",
            )
        if found.damage:
            first = found.damage[0]
            raise JournalError(
                f"line {first.line}: {first.reason}; {len(found.damage)} damaged in all",
                where=str(path),
                hint="nothing is written to it; status and results still work",
            )
        self.records = found.records
        self.torn = len(found.torn)
        created = not path.exists()
        try:
            self._fd = os.open(
                path,
                os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW,
                0o600,
            )
            why = trust.flaw(os.fstat(self._fd))
            if why is not None:
                os.close(self._fd)
                raise JournalError(why, where=str(path), hint=trust.mend(path))
            if found.torn:
                self._set_aside(found.torn)
                os.ftruncate(self._fd, found.end)
                os.fsync(self._fd)
            if created:
                sync_directory(path.parent)
        except OSError as error:
            raise JournalError(f"cannot be opened: {error.strerror}", where=str(path)) from error
        self._end = found.end
        self._seq = found.records[-1].seq if found.records else 0
        self._broken = False
        self.slowest_s = 0.0  # that an append took

    def _set_aside(self, torn: bytes) -> None:
        place = self.path.with_name(f"journal.torn-{time.time_ns()}")
        place.touch(mode=0o600)
        place.write_bytes(torn[:_TORN_BYTES])
        # No more than a curious person would look at: a machine may die a thousand times.
        for old in sorted(self.path.parent.glob("journal.torn-*"))[:-_TORN_KEPT]:
            with suppress(OSError):
                old.unlink()

    def append(self, events: Sequence[Event], *, at: float) -> tuple[Record, ...]:
        """Make `events` durable, all or none, in one write; `at` is the wall time.

        Raises JournalError if the disk refuses; then nothing was recorded.
        """
        self.verify()
        if self._broken:
            self._cut_back()
        records = tuple(
            Record(version_of(event), self._seq + n, at, event) for n, event in enumerate(events, 1)
        )
        data = b"".join(map(encode_line, records))
        try:
            began = time.monotonic()
            _write_all(self._fd, data)
            os.fdatasync(self._fd)
            self.slowest_s = max(self.slowest_s, time.monotonic() - began)
        except OSError as error:
            self._broken = True
            self._cut_back()
            raise JournalError(
                f"cannot be written: {error.strerror}", where=str(self.path), hint=_hint(error)
            ) from error
        self._end += len(data)
        self._seq += len(records)
        return records

    def verify(self) -> None:
        """See that what is written is what others read: the file is still at its path, and ours.

        One that was removed is put back from the open descriptor. Raises JournalError if another
        file took its place, somebody else wrote or cut it, or it cannot be put back.
        """
        here = os.fstat(self._fd)
        try:
            there = self.path.lstat()
        except FileNotFoundError:
            self._put_back()
            return
        except OSError as error:
            raise JournalError(f"cannot be seen: {error.strerror}", where=str(self.path)) from error
        if (here.st_dev, here.st_ino) != (there.st_dev, there.st_ino):
            raise JournalError(
                "was replaced by another file while a controller wrote it",
                where=str(self.path),
                hint="end the controller; the next one reads the file that is there",
            )
        if not self._broken and here.st_size != self._end:
            how = "cut" if here.st_size < self._end else "written"
            raise JournalError(
                f"was {how} by somebody else while a controller wrote it "
                f"({here.st_size} bytes instead of {self._end})",
                where=str(self.path),
                hint="end the controller; `tuiswp verify` says what is left of it",
            )

    def probe(self) -> None:
        """See whether the disk would take a fact, with none to record. Raises JournalError.

        A disk that went read-only at an error may say so to nobody who does not ask.
        """
        began = time.monotonic()
        try:
            os.fdatasync(self._fd)
        except OSError as error:
            raise JournalError(
                f"could not be written now: {error.strerror}",
                where=str(self.path),
                hint="launching stops, running trials go on",
            ) from error
        self.slowest_s = max(self.slowest_s, time.monotonic() - began)

    def _put_back(self) -> None:
        draft = self.path.with_name(f".{self.path.name}.{os.getpid()}")
        flags = os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC | os.O_NOFOLLOW
        try:
            fd = os.open(draft, flags, 0o600)
            try:
                for at in range(0, self._end, _COPY):
                    _write_all(fd, os.pread(self._fd, min(_COPY, self._end - at), at))
                os.fsync(fd)
                draft.replace(self.path)
                sync_directory(self.path.parent)
            except OSError:
                os.close(fd)
                raise
        except OSError as error:
            raise JournalError(
                f"was removed and cannot be put back: {error.strerror}", where=str(self.path)
            ) from error
        os.close(self._fd)
        self._fd = fd
        log.warning("%s was removed; it is put back, nothing is lost", self.path)

    def _cut_back(self) -> None:
        """Undo what a failed append may have left, before anything else is written."""
        try:
            os.ftruncate(self._fd, self._end)
        except OSError as error:
            raise JournalError(
                f"cannot be cut back after a failed write: {error.strerror}", where=str(self.path)
            ) from error
        self._broken = False

    def close(self) -> None:
        os.close(self._fd)


def _hint(error: OSError) -> str | None:
    full = error.errno in (errno.ENOSPC, errno.EDQUOT)
    return "make room; launching stops, running trials go on" if full else None


def _write_all(fd: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(fd, view) :]


def last_records(path: Path) -> list[Record]:
    """What stands at the end of a journal, in order; none if a line of it cannot be believed."""
    try:
        fd = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        return []
    try:
        size = os.fstat(fd).st_size
        data = os.pread(fd, _END, max(0, size - _END))
    except OSError:
        return []
    finally:
        os.close(fd)
    if not data.endswith(b"\n"):
        return []
    lines = data.split(b"\n")[1 if size > _END else 0 : -1]  # whole ones
    try:
        records = [decode_line(line) for line in lines]
    except (ValueError, msgspec.DecodeError):
        return []
    return records if all(record.v <= JOURNAL_VERSION for record in records) else []


class JournalReader:
    """Follow a journal another process writes: `poll` gives what is new since the last call.

    `damage`: what could not be believed so far, and why it cannot be read now, if it cannot.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._offset = 0
        self._seq = 0
        self._lines: list[Damage] = []
        self._whole: str | None = None
        self._newer = 0
        self._unread = 0

    @property
    def damage(self) -> list[Damage]:
        whole = [] if self._whole is None else [Damage(0, self._whole)]
        if self._unread:
            facts = "1 fact" if self._unread == 1 else f"{self._unread} facts"
            whole.append(
                Damage(0, f"holds {facts} of a newer tuiswp (version {self._newer}), not read here")
            )
        return [*whole, *self._lines]

    def poll(self) -> Iterator[Record]:
        try:
            fd = os.open(self._path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
        except FileNotFoundError:
            # Until its controller has begun, a sweep has none.
            began = self._offset or any(self._path.parent.glob("trials/*"))
            self._whole = "is missing" if began else None
            return
        except OSError as error:
            self._whole = f"cannot be read: {error.strerror}"
            return
        if not stat.S_ISREG(os.fstat(fd).st_mode):
            os.close(fd)
            self._whole = "is not a regular file"
            return
        self._whole = None
        with os.fdopen(fd, "rb") as file:
            file.seek(self._offset)
            found = scan(file.read(), first_seq=self._seq + 1)
        self._lines.extend(found.damage)
        self._newer, self._unread = max(self._newer, found.newer or 0), self._unread + found.unread
        self._offset += found.end
        if found.records:
            self._seq = found.records[-1].seq
        yield from found.records
