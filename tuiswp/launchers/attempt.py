"""Read what an attempt's directory and /proc say about it, and ask its processes to leave.

Everything in that directory can be written by the training: a record counts only if it is a plain
file of ours that holds exactly what the supervisor of this token writes. The same for every
launcher that runs attempts under `launchers.supervisor` on this machine.
"""

import json
import os
import signal
import stat
from collections.abc import Collection, Iterable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TypeVar

import msgspec

from tuiswp import proc
from tuiswp.errors import LauncherError
from tuiswp.launchers.base import ExitRecord, Firmness, Job, Liveness, StartRecord
from tuiswp.launchers.supervision import records
from tuiswp.model.trial import Process
from tuiswp.plain import read_plain

_RECORD_LIMIT = 256 * 1024  # bytes; ours are under 20 kB even with 1000 leftovers
_SUPERVISOR_SIGNAL = {
    "interrupt": signal.SIGINT,
    "terminate": signal.SIGTERM,
    "kill": signal.SIGQUIT,
}
_ORPHAN_SIGNAL = {
    "interrupt": signal.SIGINT,
    "terminate": signal.SIGTERM,
    "kill": signal.SIGKILL,
}

_Record = TypeVar("_Record", StartRecord, ExitRecord)


class _Junk(Exception):
    """A file is there and cannot be believed; the text says why."""


def write_spec(job: Job) -> bool:
    """Write `attempt_dir/spec.json` (0600); False if this very token was written there before.

    Raises LauncherError if it cannot be written or the directory belongs to another attempt.
    """
    path = Path(job.attempt_dir) / "spec.json"
    # ASCII JSON by json, not msgspec: argv may hold bytes that are not UTF-8, as lone surrogates.
    data = json.dumps(msgspec.to_builtins(job), allow_nan=False).encode()
    try:
        fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
    except FileExistsError:
        if _token_in(path) == job.token:
            return False
        raise LauncherError(
            f"cannot start {job.id} there: the directory belongs to another attempt",
            where=job.attempt_dir,
            hint="start a new attempt",
        ) from None
    except OSError as error:
        raise LauncherError(
            f"cannot write spec.json: {error.strerror}", where=job.attempt_dir
        ) from error
    try:
        with os.fdopen(fd, "wb") as file:
            file.write(data)
    except OSError as error:
        path.unlink()
        raise LauncherError(
            f"cannot write spec.json: {error.strerror}", where=job.attempt_dir
        ) from error
    return True


def forget_environment(attempt_dir: Path) -> None:
    """Take the environment out of the spec.json of an attempt whose supervisor never could."""
    with suppress(OSError, ValueError):
        spec = json.loads(read_plain(attempt_dir / "spec.json"))
        if not isinstance(spec, dict) or not isinstance(spec.get("env"), dict):
            return
        folder = os.open(attempt_dir, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
        try:
            records.forget_environment(folder, spec)
        finally:
            os.close(folder)


def copied_from(attempt_dir: Path, token: str) -> Path | None:
    """Where this attempt was started and still lies, if that is elsewhere: here is a copy of it."""
    with suppress(OSError, ValueError):
        spec = json.loads(read_plain(attempt_dir / "spec.json"))
        home = spec.get("attempt_dir") if isinstance(spec, dict) else None
        if isinstance(home, str) and _token_in(Path(home, "spec.json")) == token:
            return None if Path(home).samefile(attempt_dir) else Path(home)
    return None


def _token_in(path: Path) -> object:
    with suppress(OSError, ValueError):
        spec = json.loads(read_plain(path))
        return spec.get("token") if isinstance(spec, dict) else None
    return None


def read_start(attempt_dir: Path, token: str) -> StartRecord | None:
    """`start.json` of this token; None if there is none that can be believed (`flaws` says why)."""
    try:
        return _read(attempt_dir, "start.json", token, StartRecord)
    except _Junk:
        return None


def read_exit(attempt_dir: Path, token: str) -> ExitRecord | None:
    """`exit.json` of this token; None if there is none that can be believed (`flaws` says why)."""
    try:
        return _read_exit(attempt_dir, token)
    except _Junk:
        return None


def flaws(attempt_dir: Path, token: str) -> dict[str, str]:
    """Why a record that is there is not believed, by file name; empty if all is well."""
    found: dict[str, str] = {}
    try:
        _read(attempt_dir, "start.json", token, StartRecord)
    except _Junk as junk:
        found["start.json"] = str(junk)
    try:
        _read_exit(attempt_dir, token)
    except _Junk as junk:
        found["exit.json"] = str(junk)
    return found


def _read(attempt_dir: Path, name: str, token: str, kind: type[_Record]) -> _Record | None:
    data = _plain_file(attempt_dir / name, _RECORD_LIMIT + 1)
    if data is None:
        return None
    if len(data) > _RECORD_LIMIT:
        raise _Junk(f"is larger than {_RECORD_LIMIT} bytes")
    try:
        record = msgspec.json.decode(data, type=kind)
    except (msgspec.MsgspecError, ValueError, RecursionError) as error:
        raise _Junk(f"cannot be read: {error}") from error
    if record.token != token:
        raise _Junk("belongs to another attempt")
    return record


def _read_exit(attempt_dir: Path, token: str) -> ExitRecord | None:
    record = _read(attempt_dir, "exit.json", token, ExitRecord)
    if record is not None and (record.code is None) == (record.signal is None):
        raise _Junk("does not say how it ended: it needs either a code or a signal")
    return record


def _plain_file(path: Path, limit: int, tail: bool = False) -> bytes | None:
    """At most `limit` bytes of a regular file of this user; None if there is no file."""
    try:
        fd = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise _Junk(f"cannot be opened: {error.strerror}") from error
    try:
        found = os.fstat(fd)
        if not stat.S_ISREG(found.st_mode) or found.st_uid != os.getuid() or found.st_nlink != 1:
            raise _Junk("is not a plain file of yours with one name")
        if tail:
            os.lseek(fd, max(0, found.st_size - limit), os.SEEK_SET)
        parts: list[bytes] = []
        while limit > 0 and (part := os.read(fd, limit)):
            parts.append(part)
            limit -= len(part)
        return b"".join(parts)
    except OSError as error:
        raise _Junk(f"cannot be read: {error.strerror}") from error
    finally:
        os.close(fd)


def log_tail(attempt_dir: Path, limit_bytes: int = 65536) -> bytes:
    """The newest `limit_bytes` the training printed, raw; empty if it printed nothing."""
    tail = b""
    for name in ("output.log", "output.log.1"):
        with suppress(_Junk):
            tail = (
                _plain_file(attempt_dir / name, limit_bytes - len(tail), tail=True) or b""
            ) + tail
        if len(tail) >= limit_bytes:
            break
    return tail


def quotable(attempt_dir: Path, record: ExitRecord) -> bytes:
    """`log_tail` of an ended attempt, without the secrets that its supervisor found in it."""
    tail = log_tail(attempt_dir)
    pieces: list[bytes] = []
    rest = 0
    for name, before_end, length in sorted(record.hidden, key=lambda place: -place[1]):
        start = len(tail) - before_end
        if rest <= start and 0 < length <= before_end:
            pieces += [tail[rest:start], f"‹{name}›".encode()]
            rest = start + length
    return b"".join([*pieces, tail[rest:]])


def liveness(starts: Iterable[StartRecord]) -> dict[str, Liveness]:
    """What still runs of each attempt, by token; /proc is scanned once, and only if it must be."""
    found: dict[str, Liveness] = {}
    unsure: list[StartRecord] = []
    for start in starts:
        if proc.is_alive(start.supervisor):
            found[start.token] = "supervised"
        elif proc.is_alive(start.training):
            found[start.token] = "orphaned"
        else:
            unsure.append(start)
    carriers = proc.with_tokens() if unsure else {}
    for start in unsure:
        found[start.token] = "orphaned" if _strays(start, carriers) else "dead"
    return found


def _strays(start: StartRecord, carriers: dict[str, list[Process]]) -> list[Process]:
    """Live processes of an attempt beside its supervisor and relay: the training's own."""
    ours = (start.supervisor, start.relay)
    return [process for process in carriers.get(start.token, []) if process not in ours]


def find(tokens: Collection[str]) -> set[str]:
    """Those of `tokens` that a live process of this user carries, by one scan of /proc."""
    return set(tokens) & proc.with_tokens().keys()


def ask_to_leave(start: StartRecord, firmness: Firmness) -> bool:
    """Ask an attempt's supervisor to end it, or, if that is gone, its processes themselves.

    The supervisor waits out the grace and kills what is left; orphans just get the signal. Only
    processes whose identity or token is the attempt's are signalled. False if nothing is left.
    """
    if proc.send(start.supervisor, _SUPERVISOR_SIGNAL[firmness]):
        proc.send(start.supervisor, signal.SIGCONT)  # it may have been stopped
        return True
    strays = _strays(start, proc.with_tokens())
    led = proc.is_alive(start.training)
    if led:  # also members of its group that dropped the token from their environment
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(start.training.pid, _ORPHAN_SIGNAL[firmness])
            os.killpg(start.training.pid, signal.SIGCONT)
        strays = [process for process in strays if process != start.training]
    return _signal_all(strays, firmness) or led


def _signal_all(processes: Sequence[Process], firmness: Firmness) -> bool:
    """Signal each one that is still itself; True if any was."""
    reached = [proc.send(process, _ORPHAN_SIGNAL[firmness]) for process in processes]
    for process in processes:
        proc.send(process, signal.SIGCONT)
    return any(reached)
