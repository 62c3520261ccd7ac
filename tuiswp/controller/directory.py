"""The sweep directory: where everything of one sweep lies, and who may write there.

It knows names, modes and the lock; it does not know what a sweep means.
"""

import errno
import fcntl
import os
import shlex
import stat
from contextlib import suppress
from itertools import islice
from pathlib import Path

import msgspec

from tuiswp import proc, trust
from tuiswp.errors import EnvironmentFault, SweepHeld, UsageError
from tuiswp.model.ids import trial_id
from tuiswp.model.trial import Process
from tuiswp.plain import read_plain

_NETWORK = {"nfs", "nfs4", "cifs", "smb3", "smbfs", "lustre", "gpfs", "beegfs", "ceph", "9p", "afs"}
# A place where no sweep can be, whatever the state of the disk: the call names the wrong one.
_WRONG_PLACE = {
    errno.ENOTDIR, errno.EEXIST, errno.EISDIR, errno.EACCES, errno.EPERM, errno.EROFS, errno.ELOOP,
    errno.ENAMETOOLONG, errno.ENOENT,
}  # fmt: skip


def is_run_folder(path: Path) -> bool:
    """Whether something else launched runs here: `*/metrics.jsonl`, or files of other tools."""
    if any(path.glob("*/metrics.jsonl")):
        return True
    from tuiswp.metrics.sources.finding import holds_run  # few ask

    try:
        with os.scandir(path) as entries:
            folders = [one.path for one in islice(entries, 1_000) if one.is_dir()]
    except OSError:
        return False
    return any(holds_run(folder) for folder in folders)


class SweepDirectory:
    """Paths of one sweep. Making the object touches nothing."""

    def __init__(self, root: Path) -> None:
        self.root = root.absolute()
        self.journal = self.root / "journal.jsonl"
        self.requests = self.root / "requests"
        self.trials = self.root / "trials"
        self.best = self.root / "best.json"
        self.log = self.root / "controller.log"
        self.report = self.root / "report"
        self.provenance = self.root / "provenance.json"
        self.owner = self.root / "owner.json"

    @property
    def sweep_file(self) -> Path:
        return self.root / "sweep.yaml"

    def trial(self, number: int) -> Path:
        return Path(f"{self.trials}/{trial_id(number)}")  # one path, not one for each "/"

    def metrics(self, number: int) -> Path:
        return Path(f"{self.trials}/{trial_id(number)}/metrics.jsonl")

    def attempt(self, number: int, attempt: int) -> Path:
        return Path(f"{self.trials}/{trial_id(number)}/attempts/{attempt}")

    @property
    def id(self) -> str:
        """Short name, the same for every path to this directory: for sockets, FIFOs, sessions."""
        import hashlib  # brings a library of its own, and few ask

        return hashlib.sha256(os.fsencode(self.root.resolve())).hexdigest()[:12]

    @property
    def priors(self) -> Path:
        """What earlier sweeps told this one when it started."""
        return self.root / "prior.json"

    @property
    def range_test(self) -> Path:
        """The learning-rate range test that was run before this sweep."""
        return self.root / "lr_finder.json"

    @property
    def wake(self) -> Path:
        """FIFO that wakes the controller; kept outside, so that `cp -r` of a sweep is safe."""
        return proc.runtime_dir() / f"wake-{self.id}"

    @property
    def trouble(self) -> Path:
        """What holds its controller up, in the controller's words; on another disk, it is hoped."""
        return proc.runtime_dir() / f"trouble-{self.id}"

    def exists(self) -> bool:
        """Whether a sweep of ours lies here; a person's own sweep.yaml alone is none."""
        return self.journal.exists() or (self.sweep_file.exists() and self.provenance.exists())

    def create(self) -> None:
        """Make the directory (0700) and what must be in it.

        Raises UsageError if no sweep can be there (another file's place, other things in it, not
        writable), EnvironmentFault if it is somebody else's or the disk refuses.
        """
        try:
            _make_way(self.root.parent)
            self.root.mkdir(exist_ok=True, mode=0o700)
            self.check()
            for directory in (self.requests, self.trials):
                directory.mkdir(exist_ok=True, mode=0o700)
            sync_directory(self.root)
        except OSError as error:
            kind = UsageError if error.errno in _WRONG_PLACE else EnvironmentFault
            in_the_way = isinstance(error, FileExistsError)  # a file, or a link to nothing
            raise kind(
                "is not a directory" if in_the_way else f"cannot be written: {error.strerror}",
                where=str(self.root),
                hint="choose another place with --dir, or mend its owner and mode",
            ) from error

    def check(self) -> None:
        """Refuse a directory that is not ours, others can write, or that holds other things.

        Raises UsageError for the last and for what is no directory, else EnvironmentFault.
        """
        try:
            found = self.root.stat()
        except OSError as error:
            closed = trust.closed_by_root(self.root)
            raise EnvironmentFault(
                f"cannot be read: {error.strerror}",
                where=str(self.root),
                hint=None if closed is None else _given_back(closed),
            ) from error
        if not stat.S_ISDIR(found.st_mode):
            raise UsageError(
                "is not a directory", where=str(self.root), hint="choose another --dir"
            )
        check_ours(self.root, found)
        if not self.exists() and not self._is_begun():
            raise UsageError(
                "holds other files and no sweep", where=str(self.root), hint="choose another --dir"
            )

    def _is_begun(self) -> bool:
        """Whether nothing lies here but what `create` makes: empty, being made, or left half made.

        Who opens a sweep file at the same moment as somebody else may find it so; a crash may
        leave it so. A `sweep.yaml` of somebody's own, without our provenance, is not ours.
        """
        unnamed = tuple(f".{file.name}." for file in (self.sweep_file, self.provenance))
        for path in self.root.iterdir():
            if path == self.provenance or path.name.startswith(unnamed):
                continue
            if path not in (self.requests, self.trials) or any(path.iterdir()):
                return False
        return True

    def filesystem(self) -> str | None:
        """Type of the network file system this lies on, None for a local one or if unknown."""
        best, kind = "", ""
        with suppress(OSError):
            path = str(self.root.resolve())
            for line in Path("/proc/self/mountinfo").read_text().splitlines():
                left, _, right = line.partition(" - ")
                mount = left.split()[4].encode().decode("unicode_escape")
                inside = path == mount or path.startswith(mount.rstrip("/") + "/")
                if inside and len(mount) >= len(best):
                    best, kind = mount, right.split()[0]
        return kind if kind in _NETWORK or kind.startswith("fuse") else None


def check_ours(root: Path, found: os.stat_result) -> None:
    """Refuse a directory of somebody else, or one that others can write or put another in place of.

    Raises EnvironmentFault.
    """
    if found.st_uid != os.geteuid():
        whose, me = trust.user_name(found.st_uid), trust.user_name(os.geteuid())
        hint = f"sweeps run in a directory of your own; choose another place with --dir, {me}"
        if os.geteuid() == 0:
            hint = f"do it as {whose}: `sudo -u {whose} tuiswp …`; root would leave files there"
        elif found.st_uid == 0:
            hint = _given_back(root)
        raise EnvironmentFault(f"belongs to another user ({whose})", where=str(root), hint=hint)
    if trust.others_can_write(found):
        raise EnvironmentFault(
            "can be written by others", where=str(root), hint="chmod go-w it first"
        )
    loose = trust.open_parent(root)
    if loose is not None:
        raise EnvironmentFault(
            f"lies in {loose}, where everybody may put another directory in its place",
            where=str(root),
            hint=f"chmod o-w {shlex.quote(str(loose))} (or +t, as /tmp has), or use --dir",
        )


def _make_way(folder: Path) -> None:
    """Make what is missing on the way: for others to look into, if the umask says so, no more."""
    missing = [one for one in (folder, *folder.parents) if not one.is_dir()]
    for one in reversed(missing):
        with suppress(FileExistsError):
            one.mkdir(mode=0o755)


def _given_back(folder: Path) -> str:
    """What to do about a directory that root has left in a person's own."""
    me = trust.user_name(os.geteuid())
    return (
        f"was it made with sudo? `sudo chown -R {me} {shlex.quote(str(folder))}` gives it to you, "
        "or choose another place with --dir"
    )


def own_folder(path: Path) -> None:
    """Make a folder of ours (0700), or see that what is there is one.

    Raises EnvironmentFault for a link, another's, or one that others can write; OSError.
    """
    with suppress(FileExistsError):
        path.mkdir(mode=0o700)
    found = path.lstat()
    if not stat.S_ISDIR(found.st_mode):
        raise EnvironmentFault(
            "is not a directory", where=str(path), hint="move it away; a link is not followed"
        )
    if found.st_uid != os.geteuid() or trust.others_can_write(found):
        raise EnvironmentFault(
            "belongs to somebody else, or others can write it",
            where=str(path),
            hint="move it away, or mend its owner and mode",
        )


class Owner(msgspec.Struct, frozen=True):
    """Who holds the sweep: for the message only, never to decide."""

    process: Process
    host: str


class Lock:
    """The right to write a sweep: an exclusive flock on the directory itself.

    The directory cannot be removed while it is in use as a sweep's home, as a lock file could; the
    descriptor is not inherited, so a child cannot hold the lock after its parent.
    """

    def __init__(self, directory: SweepDirectory) -> None:
        self._directory = directory
        self._fd = os.open(directory.root, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:  # of what is locked, whatever the path leads to by now
            check_ours(directory.root, os.fstat(self._fd))
        except EnvironmentFault:
            os.close(self._fd)
            raise
        try:
            fcntl.flock(self._fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            os.close(self._fd)
            if error.errno not in (errno.EAGAIN, errno.EACCES):
                raise EnvironmentFault(
                    f"cannot be locked: {error.strerror}",
                    where=str(directory.root),
                    hint="put the sweep on a local disk with --dir",
                ) from error
            raise SweepHeld(
                f"another controller holds this sweep{_held_by(directory)}",
                where=str(directory.root),
                hint="look with `tuiswp status`, end it with `tuiswp stop`",
            ) from error
        with suppress(OSError):  # it is for a message only; a full disk is told by the journal
            write_atomically(
                directory.owner, msgspec.json.encode(Owner(proc.myself(), proc.hostname()))
            )

    @property
    def home(self) -> tuple[int, int]:
        """Device and inode of what is locked."""
        found = os.fstat(self._fd)
        return found.st_dev, found.st_ino

    def release(self) -> None:
        os.close(self._fd)


def _held_by(directory: SweepDirectory) -> str:
    try:
        owner = msgspec.json.decode(read_plain(directory.owner), type=Owner)
    except (OSError, msgspec.DecodeError):
        return ""
    if owner.host != proc.hostname():
        return f" (pid {owner.process.pid} on {owner.host})"
    return f" (pid {owner.process.pid})" if proc.is_alive(owner.process) else ""


def write_atomically(path: Path, data: bytes, *, durable: bool = False) -> None:
    """Replace `path` (0600) in one step: a reader sees the old bytes or the new ones."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    fd = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
    try:
        try:
            view = memoryview(data)
            while view:
                view = view[os.write(fd, view) :]
            if durable:
                os.fsync(fd)
        finally:
            os.close(fd)
        temporary.replace(path)
    except OSError:
        with suppress(OSError):  # what the disk refused first is what is told
            temporary.unlink(missing_ok=True)
        raise
    if durable:
        sync_directory(path.parent)


def sync_directory(directory: Path) -> None:
    """Make a new name in `directory` durable."""
    fd = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)
