"""What clients ask of the controller: one file each, renamed into place. Decides nothing.

The controller reads them in the order of their names (time first), records the outcome in the
journal under the request's id, and removes the file. Asking twice with one id acts once.
"""

import getpass
import heapq
import os
import secrets
import time
from contextlib import suppress
from pathlib import Path
from typing import Literal, TypeAlias, get_args

import msgspec

from tuiswp import trust
from tuiswp.controller.directory import SweepDirectory, write_atomically
from tuiswp.errors import EnvironmentFault
from tuiswp.model.edits import RangeEdit, Settings
from tuiswp.model.ids import trial_id
from tuiswp.model.space import Params
from tuiswp.model.stopper import Rule

Verb: TypeAlias = Literal[
    "kill", "restart", "pause", "resume", "stop",
    "interrupt", "pin", "unpin", "front", "clone", "add", "extend", "set",
    "replicate", "clean", "release",
]  # fmt: skip
VERBS: tuple[str, ...] = get_args(Verb)
MOST_TOP, MOST_SEEDS = 20, 100  # settings to repeat, and runs of each
MOST = 64  # taken at once: who floods a sweep with requests does not keep it from its trials
REJECTED, MOST_REJECTED = ".rejected", 100
_SIZE_LIMIT = 16 << 20  # ten thousand points


class Request(msgspec.Struct, frozen=True):
    """`trials`: numbers; empty means the sweep (pause, resume, stop, add, extend, set).

    `now`: stop ends the running trials too; kill skips the grace. `fresh`: restart moves the old
    files under their attempt first. `points`: add makes a trial of each, and what one leaves out
    comes from the baseline, else from the best; clone makes one of each for each of `trials`, with
    what a point names in place of theirs (none: the same point again). `edits`: extend. `settings`:
    set, and extend for its `run_cap`. `stopper`: set. `top`, `seeds`: replicate, how many
    settings and runs of each; clean, how many of the best keep their checkpoints, which `patterns`
    name. `gpus`: release, names or UUIDs. `why`: the asker's words, for the journal.
    `spec.values` and `spec.edits` make these from what a person types.
    """

    id: str
    verb: Verb
    by: str
    at: float
    trials: tuple[int, ...] = ()
    now: bool = False
    fresh: bool = False
    points: tuple[Params, ...] = ()
    edits: tuple[RangeEdit, ...] = ()
    settings: Settings = {}
    why: str = ""
    v: int = 1
    stopper: Rule | Literal["none", "as it is"] = "as it is"
    top: int = 2
    seeds: int = 5
    patterns: tuple[str, ...] = ()
    gpus: tuple[str, ...] = ()

    @property
    def target(self) -> str:
        return " ".join(map(trial_id, self.trials)) or "the sweep"


def new_request(
    verb: Verb,
    trials: tuple[int, ...] = (),
    *,
    now: bool = False,
    fresh: bool = False,
    points: tuple[Params, ...] = (),
    edits: tuple[RangeEdit, ...] = (),
    settings: Settings | None = None,
    stopper: Rule | Literal["none", "as it is"] = "as it is",
    top: int = 2,
    seeds: int = 5,
    patterns: tuple[str, ...] = (),
    gpus: tuple[str, ...] = (),
    why: str = "",
) -> Request:
    """A request by this user, from this process."""
    at = time.time()
    by = me()
    return Request(
        id=f"{time.time_ns():020d}-{secrets.token_hex(4)}",
        verb=verb,
        by=by,
        at=at,
        trials=trials,
        now=now,
        fresh=fresh,
        points=points,
        edits=edits,
        settings=settings or {},
        stopper=stopper,
        top=top,
        seeds=seeds,
        patterns=patterns,
        gpus=gpus,
        why=why,
    )


def me() -> str:
    """Who asks, for people: this user and this process."""
    return f"{_user()}, pid {os.getpid()}"


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return f"uid {os.getuid()}"


def submit(directory: SweepDirectory, request: Request) -> None:
    """Put the request where the controller finds it, and wake it. Raises EnvironmentFault.

    Root asks as whose sweep it is: a file of root's would be one that its controller cannot read.
    """
    whose = trust.as_root_for(directory.root)
    if whose is not None:
        raise EnvironmentFault(
            f"belongs to {whose}, and its controller cannot read what root puts there",
            where=str(directory.root),
            hint=f"ask as {whose}: `sudo -u {whose} tuiswp …`",
        )
    try:
        directory.requests.mkdir(mode=0o700, exist_ok=True)
        write_atomically(
            directory.requests / f"{request.id}.json", msgspec.json.encode(request), durable=True
        )
    except OSError as error:
        withdraw(directory, request)  # its name may be there already: who hears no asks again
        raise EnvironmentFault(
            f"a request cannot be put there: {error.strerror}", where=str(directory.requests)
        ) from error
    wake(directory.wake)


def withdraw(directory: SweepDirectory, request: Request) -> None:
    """Take a request back that nobody has read."""
    with suppress(OSError):
        (directory.requests / f"{request.id}.json").unlink()


def wake(fifo: Path) -> None:
    """Tell the controller to look; harmless if nobody listens."""
    with suppress(OSError):
        fd = os.open(fifo, os.O_WRONLY | os.O_NONBLOCK | os.O_NOFOLLOW | os.O_CLOEXEC)
        try:
            os.write(fd, b"r")
        finally:
            os.close(fd)


def pending(directory: SweepDirectory, *, most: int = MOST) -> list[tuple[Path, Request | str]]:
    """Requests waiting, the `most` oldest first; a file that is none comes with the reason."""
    names: list[str] = []
    with suppress(OSError), os.scandir(directory.requests) as entries:
        for entry in entries:
            if not entry.name.startswith(".") and entry.name.endswith(".json"):
                names.append(entry.name)  # noqa: PERF401  a broken listing keeps the rest
    paths = (directory.requests / name for name in heapq.nsmallest(most, names))
    return [(path, _read(path)) for path in paths]


def reject(path: Path) -> None:
    """Set aside a file that is no request; of many, the oldest go."""
    with suppress(OSError):
        path.rename(path.with_suffix(REJECTED))
        kept = sorted(one for one in path.parent.iterdir() if one.suffix == REJECTED)
        for old in kept[:-MOST_REJECTED]:
            old.unlink()


def _read(path: Path) -> Request | str:
    try:
        fd = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as error:
        return f"cannot be read: {error.strerror}"
    try:
        status = os.fstat(fd)
        why = trust.flaw(status)
        if why is not None:
            return why
        data = os.read(fd, _SIZE_LIMIT)
    except OSError as error:
        return f"cannot be read: {error.strerror}"
    finally:
        os.close(fd)
    try:
        request = msgspec.json.decode(data, type=Request)
    except (msgspec.DecodeError, RecursionError) as error:
        return f"is not a request: {error}"
    return request if request.id == path.stem else "carries another request's id"


class WakeUp:
    """The controller's ear: a FIFO that supervisors and clients put a byte into.

    Raises EnvironmentFault where none can be made.
    """

    def __init__(self, path: Path) -> None:
        try:
            with suppress(FileNotFoundError):
                path.unlink()
            os.mkfifo(path, 0o600)
            self._path = path
            # Read-write, so that the last writer's leaving is not an end of file.
            self.fd = os.open(path, os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC)
        except OSError as error:
            raise EnvironmentFault(
                f"the pipe that wakes the controller cannot be made: {error.strerror}",
                where=str(path),
                hint="make room there, or set TUISWP_RUNTIME_DIR to another directory",
            ) from error

    def mend(self) -> bool:
        """Make the FIFO anew if it is no longer at its path; True if `fd` is another one now.

        Its number stays the same. Where it cannot be made, who puts something there is heard later.
        """
        here = os.fstat(self.fd)
        with suppress(OSError):
            there = self._path.lstat()
            if (here.st_dev, here.st_ino) == (there.st_dev, there.st_ino):
                return False
        try:
            other = WakeUp(self._path)
        except EnvironmentFault:
            return False
        os.dup2(other.fd, self.fd, inheritable=False)
        os.close(other.fd)
        return True

    def drain(self) -> None:
        with suppress(BlockingIOError):
            while len(os.read(self.fd, 4096)) == 4096:
                pass

    def close(self) -> None:
        os.close(self.fd)
        self.fd = -1  # a signal may still come, and its number may be another file's by then
        with suppress(OSError):
            self._path.unlink()
