"""Follow the kernel log for what the NVIDIA driver says. Never waits, and writes nothing.

`/dev/kmsg` tells each record once to each who opens it, from the oldest that is kept. Where it may
not be read nothing is known, which `problem` says: it never means that all is well.
`TUISWP_KMSG` names a stand-in (tests of faults): a file of such records, one a line.
"""

import errno
import os
import stat
import threading
import time
from collections import deque
from pathlib import Path

from msgspec.structs import replace

from tuiswp.gpu.xids import DriverLoaded, Xid, message

VARIABLE = "TUISWP_KMSG"
_RECORD = 64 * 1024  # more than the kernel makes of any record
_BUDGET_S = 0.3  # of one look: a large log is read in pieces
_KEPT = 512
_RETRY_S = 10.0
_NEEDLE = b"NVRM: "


def log_path() -> Path:
    return Path(os.environ.get(VARIABLE) or "/dev/kmsg")


class KernelLog:
    """What the driver said since the machine started, or as far back as the log goes.

    Thread-safe. `problem`: why it cannot be read, None while it can be.
    """

    def __init__(self) -> None:
        self.problem: str | None = None
        self._path = log_path()
        self._lock = threading.Lock()
        self._fd: int | None = None
        self._file: tuple[int, int] | None = None  # a stand-in's identity
        self._lines = False
        self._rest = b""
        # Programs may bring about any number of lines; what a GPU did is kept whatever they do.
        self._faults: dict[tuple[str, int], Xid] = {}
        self._others: deque[Xid] = deque(maxlen=_KEPT)
        self._over = -1  # seq of the last start of the driver
        self._not_before = 0.0
        self._closed = False
        self._caught_up = False  # all that was there at first has been heard

    def look(self) -> tuple[Xid, ...]:
        """All that was said of any GPU, the oldest first, what a restarted driver forgot too."""
        with self._lock:
            self._read()
            return self._said()

    def standing(self) -> tuple[Xid, ...]:
        """What the driver that is loaded now said."""
        with self._lock:
            self._read()
            return tuple(xid for xid in self._said() if xid.seq > self._over)

    def close(self) -> None:
        with self._lock:
            self._closed = True
            self._forget_file()

    def _said(self) -> tuple[Xid, ...]:
        return tuple(sorted([*self._faults.values(), *self._others], key=lambda xid: xid.seq))

    def _read(self) -> None:
        if not self._open():
            return
        assert self._fd is not None
        until = time.monotonic() + _BUDGET_S
        while time.monotonic() < until:
            try:
                piece = os.read(self._fd, _RECORD)
            except BlockingIOError:
                self._caught_up = True
                return
            except OSError as error:
                if error.errno == errno.EPIPE:  # overwritten before we came: the next one is there
                    continue
                self._unreadable(error)
                return
            if not piece:
                self._caught_up = True
                return
            self._take(piece)

    def _take(self, piece: bytes) -> None:
        if not self._lines:  # a device gives one whole record at a time
            self._hear(piece)
            return
        *lines, self._rest = (self._rest + piece).split(b"\n")
        self._rest = self._rest[-_RECORD:]
        for line in lines:
            self._hear(line)

    def _hear(self, record: bytes) -> None:
        if _NEEDLE not in record:
            return
        now = time.monotonic()
        said = message(record, seen=now)
        if isinstance(said, DriverLoaded):
            self._over = said.seq
        elif said is not None:
            if self._caught_up:  # the kernel's own clock for its log drifts
                said = replace(said, at=now)
            if said.kind.grade in ("reset", "reboot") or said.well:
                self._faults[said.pci, said.code] = said
            else:
                self._others.append(said)

    def _open(self) -> bool:
        if self._fd is not None and self._file is not None and self._replaced():
            self._forget_file()
        if self._fd is not None:
            return True
        now = time.monotonic()
        if self._closed or now < self._not_before:
            return False
        try:
            self._fd = os.open(self._path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
            found = os.fstat(self._fd)
        except OSError as error:
            self._unreadable(error)
            return False
        self._lines = not stat.S_ISCHR(found.st_mode)
        if stat.S_ISREG(found.st_mode):
            self._file = found.st_dev, found.st_ino
        self.problem, self._rest, self._over, self._caught_up = None, b"", -1, False
        self._faults.clear()
        self._others.clear()
        return True

    def _replaced(self) -> bool:
        """A stand-in became another file or shorter: another boot's log."""
        assert self._fd is not None
        try:
            there = self._path.stat()
            here = os.lseek(self._fd, 0, os.SEEK_CUR)
        except OSError:
            return True
        return (there.st_dev, there.st_ino) != self._file or there.st_size < here

    def _forget_file(self) -> None:
        if self._fd is not None:
            os.close(self._fd)
        self._fd, self._file = None, None

    def _unreadable(self, error: OSError) -> None:
        self.problem = error.strerror or str(error)
        self._forget_file()  # what was heard until now stays
        self._not_before = time.monotonic() + _RETRY_S


def unreadable() -> str | None:
    """Why the kernel log cannot be read from here; None if it can."""
    log = KernelLog()
    log.look()
    log.close()
    return log.problem
