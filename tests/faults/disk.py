"""A disk that fails when it is told to: at the n-th call by which this process changes a file.

It stands in front of the calls of `os`, so the code under test has no points of its own and pays
nothing for them. Only files below the given roots count; reading never fails here.
"""

import errno
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal, NamedTuple, TypeAlias

CRASHED = 86
WRITES = os.O_WRONLY | os.O_RDWR | os.O_CREAT
BY_PATH = ("mkdir", "unlink", "rmdir", "rename", "replace", "mkfifo", "link")
BY_FD = ("write", "fsync", "fdatasync", "ftruncate")

# crash: the process is gone before the call. torn: half of a write is on the disk, then it is gone.
# short: half of a write is taken and said so, as a full disk may. The others are raised.
Kind: TypeAlias = Literal["crash", "torn", "short", "ENOSPC", "EIO", "EROFS", "EDQUOT", "ESTALE"]


class Fault(NamedTuple):
    """What happens at the `at`-th change, and at the `lasts - 1` that follow it."""

    kind: Kind
    at: int
    lasts: int = 1


class Disk:
    """Installed for good in the process that calls `install`: use it in a forked one."""

    def __init__(self, roots: tuple[Path, ...], fault: Fault | None, told: Path) -> None:
        self._roots = tuple(str(root) for root in roots)
        self._fault = fault
        self._told = told
        self._aside = 0
        self.calls = 0

    @contextmanager
    def aside(self) -> Iterator[None]:
        """What others than the process under test write: neither counted nor failing."""
        self._aside += 1
        try:
            yield
        finally:
            self._aside -= 1

    def install(self) -> None:
        for name in (*BY_PATH, *BY_FD, "open"):
            setattr(os, name, self._in_front_of(name, getattr(os, name)))

    def point(self, name: str, path: str) -> bool:
        """One more change is about to happen; True if a write of it is to be cut short."""
        if self._aside or not path.startswith(self._roots):
            return False
        self.calls += 1
        if self._fault is None:
            return False
        at, lasts = self._fault.at, self._fault.lasts
        if not at <= self.calls < at + lasts:
            return False
        with self.aside():
            self._told.write_text(f"{self._fault.kind} at {self.calls}: {name} {path}")
        if self._fault.kind == "crash":
            self.crash()
        if self._fault.kind in ("torn", "short"):
            return name == "write"
        number = getattr(errno, self._fault.kind)
        raise OSError(number, os.strerror(number))

    def crash(self) -> None:
        os._exit(CRASHED)

    def _in_front_of(self, name: str, real: Callable[..., Any]) -> Callable[..., Any]:
        def by_path(path: Any, *rest: Any, **more: Any) -> Any:
            self.point(name, _below(path, more.get("dir_fd", more.get("src_dir_fd"))))
            return real(path, *rest, **more)

        def by_fd(fd: int, *rest: Any) -> Any:
            if self.point(name, _path_of(fd)):
                done = real(fd, bytes(rest[0])[: max(1, len(rest[0]) // 2)])
                if self._fault is not None and self._fault.kind == "torn":
                    self.crash()
                return done
            return real(fd, *rest)

        def opened(path: Any, flags: int, *rest: Any, **more: Any) -> Any:
            if flags & WRITES:
                self.point(name, _below(path, more.get("dir_fd")))
            return real(path, flags, *rest, **more)

        if name == "open":
            return opened
        return by_fd if name in BY_FD else by_path


def _below(path: Any, folder: int | None) -> str:
    """A path as it is meant: relative ones may start at an open directory."""
    return os.path.join("" if folder is None else _path_of(folder), os.fsdecode(path))  # noqa: PTH118


def _path_of(fd: int) -> str:
    try:
        return str(Path(f"/proc/self/fd/{fd}").readlink())
    except OSError:
        return ""
