"""Who holds which GPU on this host: one small file a share, so that two sweeps never take one GPU.

A lease file outlives its controller on purpose: it ends by `release`, or as stale once its attempt
and its controller are provably gone. What cannot be read is held until it is plainly abandoned.
CPU slots are never written. Signals nobody.
"""

import fcntl
import hashlib
import os
import re
import stat
import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Protocol

import msgspec

from tuiswp import proc
from tuiswp.gpu import notes
from tuiswp.gpu.environment import CPU
from tuiswp.model.trial import Lease, Process

# Nobody works under the lock for longer; a holder that was stopped there must not stop the others.
LOCK_PATIENCE_S = 1.0
# A launch that is under way has no process yet; a controller killed just then is no proof.
LAUNCH_GRACE_S = 15.0
# Live controllers rewrite a damaged file of theirs every few seconds: older damage is nobody's.
ABANDONED_S = 60.0
# Live controllers touch theirs every hour, against cleaners of /tmp.
TOUCH_S = 3600.0
UNTOUCHED_S = 2 * TOUCH_S
_NAME = re.compile(r"([A-Za-z0-9_-]{1,120})\.(\d{1,4})")


class HeldLease(msgspec.Struct, frozen=True):
    """One GPU share and who holds it.

    `promised_mib`: memory its attempt asked for on this GPU. `unaccounted_mib`: used memory of the
    GPU that no process owned up to when the lease was taken. `at`: wall seconds. An unreadable
    file has no token and says so in `problem`.
    """

    uuid: str
    share: int
    token: str
    attempt: str
    sweep_dir: str
    attempt_dir: str
    owner: Process
    promised_mib: int | None = None
    at: float = 0.0
    unaccounted_mib: int | None = None
    problem: str | None = None
    v: int = 1


class Started(Protocol):
    """What `start.json` says, as far as it is needed here."""

    @property
    def supervisor(self) -> Process: ...
    @property
    def training(self) -> Process: ...


class _Start(msgspec.Struct, frozen=True):
    token: str
    supervisor: Process
    training: Process


def gone(token: str, start: Started | None) -> bool:
    """True if nothing of the attempt lives: neither those two nor any process with its token."""
    if start is not None and (proc.is_alive(start.supervisor) or proc.is_alive(start.training)):
        return False
    return not proc.with_tokens().get(token)


class LeaseBook:
    """The lease files in `directory` (made, with mode 0700, when first needed).

    Raises OSError only from `acquire` and `reassert`, and only if the directory cannot be used;
    a lock that somebody keeps means False, and try again.
    """

    def __init__(self, directory: Path) -> None:
        self._directory = directory

    def held(self) -> list[HeldLease]:
        """All live leases of this host and user, by GPU and share. Changes nothing."""
        return [lease for _, lease in self._read(_Living())]

    def acquire(
        self,
        leases: Sequence[Lease],
        *,
        token: str,
        attempt: str,
        attempt_dir: Path | str,
        sweep_dir: Path | str,
        owner: Process,
        promised_mib: int | None = None,
        unaccounted_mib: Mapping[str, int | None] | None = None,
    ) -> bool:
        """Take all `leases` or none; False if one is taken or its GPU held by another sweep.

        Stale leases are dropped on the way. Taking again what this token holds is True.
        """
        wanted = [
            HeldLease(
                lease.uuid,
                lease.share,
                token,
                attempt,
                _plain(sweep_dir),
                _plain(attempt_dir),
                owner,
                promised_mib,
                time.time(),
                (unaccounted_mib or {}).get(lease.uuid),
            )
            for lease in leases
            if lease.uuid != CPU
        ]
        if not wanted:
            return True
        with self._locked() as locked:
            if not locked:
                return False
            held = self._read(_Living(), drop=True)
            if any(_conflict(one, other) for one in wanted for _, other in held):
                return False
            self._write_all(wanted)
        return True

    def release(self, token: str) -> bool:
        """Give back all leases of `token`; False: not done, try again. Harmless twice."""
        return self._remove(lambda lease: lease.token == token)

    def release_others(self, sweep_dir: Path | str, keep: Collection[str]) -> bool:
        """Give back what this sweep holds for attempts it does not know (tokens not in `keep`).

        For a controller that starts: intent is durable before a launch, so an unknown token was
        never launched. Only the one controller of `sweep_dir` may say so.
        """
        return self._remove(
            lambda lease: lease.sweep_dir == _plain(sweep_dir) and lease.token not in keep
        )

    def _remove(self, which: Callable[[HeldLease], bool]) -> bool:
        try:
            with self._locked() as locked:
                if not locked:
                    return False
                for path in self._files():
                    lease = notes.read(path, HeldLease)
                    if lease is not None and which(lease):
                        path.unlink(missing_ok=True)
        except OSError:
            return False
        return True

    def reassert(self, leases: Collection[HeldLease], *, owner: Process) -> list[HeldLease]:
        """Write `leases` again where the file vanished, is damaged or names another controller.

        Returns those of `leases` whose GPU somebody else holds by now: they were lost, and two
        attempts may be on that GPU.
        """
        mine = [
            msgspec.structs.replace(lease, owner=owner) for lease in leases if lease.uuid != CPU
        ]
        if not mine or all(self._stands(lease) for lease in mine):
            return []
        lost: list[HeldLease] = []
        with self._locked():
            held = [lease for _, lease in self._read(_Living(), drop=True) if lease.problem is None]
            for lease in mine:
                if any(_conflict(lease, other) for other in held):
                    lost.append(lease)
                elif not self._stands(lease):
                    self._write(lease)
        return lost

    def _stands(self, lease: HeldLease) -> bool:
        path = self._path(lease)
        if notes.read(path, HeldLease) != lease:
            return False
        with suppress(OSError):  # cleaners of /tmp go by age
            if time.time() - path.lstat().st_mtime > TOUCH_S:
                os.utime(path)
        return True

    def _path(self, lease: HeldLease) -> Path:
        return self._directory / f"{safe_name(lease.uuid)}.{lease.share}"

    def _files(self) -> list[Path]:
        try:
            return sorted(p for p in self._directory.iterdir() if _NAME.fullmatch(p.name))
        except OSError:
            return []

    def _read(self, living: "_Living", *, drop: bool = False) -> list[tuple[Path, HeldLease]]:
        """Live leases; `drop` (under the lock only) removes the files of the others."""
        found: list[tuple[Path, HeldLease]] = []
        for path in self._files():
            lease = notes.read(path, HeldLease)
            if isinstance(lease, HeldLease) and path == self._path(lease):
                live = not living.stale(lease, path)
            else:
                lease, live = _unreadable(path), not _abandoned(path)
            if live:
                found.append((path, lease))
            elif drop:
                with suppress(OSError):  # a directory in place of a file stays and is no lease
                    path.unlink()
        return found

    def _write_all(self, leases: Sequence[HeldLease]) -> None:
        written: list[HeldLease] = []
        try:
            for lease in leases:
                written.append(lease)
                self._write(lease)
        except OSError:
            for lease in written:
                self._path(lease).unlink(missing_ok=True)
            raise

    def _write(self, lease: HeldLease) -> None:
        """Whole or not at all. Not synced: after a power cut its boot is over, and so is it."""
        notes.write(self._path(lease), lease)

    @contextmanager
    def _locked(self) -> Iterator[bool]:
        """One host-wide lock, on the directory itself: nobody can remove it and hold another.

        Yields False if somebody keeps it for longer than `LOCK_PATIENCE_S`.
        """
        until = time.monotonic() + LOCK_PATIENCE_S
        fd, locked = self._open(), False
        try:
            while locked := _flock(fd, until):
                if _is_the_same(fd, self._directory):
                    break
                os.close(fd)  # removed meanwhile
                fd = self._open()
            yield locked
        finally:
            os.close(fd)

    def _open(self) -> int:
        while True:
            self._directory.mkdir(mode=0o700, parents=True, exist_ok=True)
            with suppress(FileNotFoundError):
                return os.open(self._directory, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)


class _Living:
    """Tells whether a lease is stale; reads /proc at most once, and only if it must."""

    def __init__(self) -> None:
        self._tokens: dict[str, list[Process]] | None = None

    def stale(self, lease: HeldLease, path: Path) -> bool:
        """No process of its attempt lives, and no controller that would know better.

        While its controller lives, a lease is never stale: it may wait there for its GPU's memory.
        """
        if lease.owner.boot_id != proc.boot_id():
            return True
        if not proc.is_of_this_namespace(lease.owner):
            return _is_over_in_its_container(lease, path)
        if proc.is_alive(lease.owner):
            return False
        start = _start_of(lease)
        if start is None and abs(time.time() - lease.at) < LAUNCH_GRACE_S:
            return False
        if start is not None and any(map(proc.is_alive, (start.supervisor, start.training))):
            return False
        if self._tokens is None:
            self._tokens = proc.with_tokens()
        return lease.token not in self._tokens


def _is_over_in_its_container(lease: HeldLease, path: Path) -> bool:
    """Of another pid namespace nothing is seen but locks: its supervisor's, on the attempt."""
    age = _age_s(path)
    folder = Path(lease.attempt_dir)
    if not folder.is_dir():  # of its file system neither; its controller rewrites the file
        return age > UNTOUCHED_S
    return age > LAUNCH_GRACE_S and not proc.is_locked(folder)


def _age_s(path: Path) -> float:
    try:
        return abs(time.time() - path.lstat().st_mtime)
    except OSError:
        return 0.0


def safe_name(uuid: str) -> str:
    """A UUID as a file name: as it is if plain, else its plain characters and a hash."""
    if re.fullmatch(r"[A-Za-z0-9-]{1,100}", uuid):
        return uuid
    plain = re.sub(r"[^A-Za-z0-9-]", "_", uuid)[:80]
    return f"{plain}_{hashlib.sha256(uuid.encode('utf-8', 'surrogatepass')).hexdigest()[:16]}"


def _plain(path: Path | str) -> str:
    """A path as JSON can hold it; bytes that are no UTF-8 are spelled out."""
    return str(path).encode("utf-8", "backslashreplace").decode()


def _conflict(one: HeldLease, other: HeldLease) -> bool:
    """GPUs of another sweep are not shared, whatever either file says about sharing."""
    if other.problem is not None:
        return safe_name(one.uuid) == other.uuid
    if one.uuid != other.uuid or one.token == other.token:
        return False
    return one.sweep_dir != other.sweep_dir or one.share == other.share


def _start_of(lease: HeldLease) -> _Start | None:
    """The attempt's `start.json`, if it is there, can be read and is of this token."""
    start = notes.read(Path(lease.attempt_dir) / "start.json", _Start)
    return start if start is not None and start.token == lease.token else None


def _unreadable(path: Path) -> HeldLease:
    """Stands for a file that says nothing: its GPU is not free. `uuid` is the safe name."""
    name, _, share = path.name.rpartition(".")
    nobody = Process("", 0, 0)
    problem = f"{path} cannot be read; remove it if no sweep uses this GPU"
    return HeldLease(name, int(share), "", "", "", "", nobody, problem=problem)


def _abandoned(path: Path) -> bool:
    try:
        found = path.lstat()
    except OSError:
        return True
    return not stat.S_ISREG(found.st_mode) or abs(time.time() - found.st_mtime) > ABANDONED_S


def _flock(fd: int, until: float) -> bool:
    """Lock, or give up at `until` (monotonic seconds)."""
    while True:
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return True
        except BlockingIOError:
            if time.monotonic() >= until:
                return False
            time.sleep(0.002)


def _is_the_same(fd: int, path: Path) -> bool:
    try:
        here, there = os.fstat(fd), path.lstat()
    except OSError:
        return False
    return (here.st_dev, here.st_ino) == (there.st_dev, there.st_ino)
