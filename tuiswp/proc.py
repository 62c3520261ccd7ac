"""Which process is which: by boot id, pid namespace, pid, start ticks and token, from /proc.

A pid alone is nobody: pids are reused, and a zombie still has one. Nothing here signals without
checking first, and nothing here believes a process title.
"""

import errno
import fcntl
import os
import shlex
import signal
import socket
import stat
import time
from contextlib import suppress
from functools import lru_cache
from pathlib import Path

from tuiswp import trust
from tuiswp.errors import EnvironmentFault, UsageError
from tuiswp.model.trial import Process

TOKEN_VARIABLE = "TUISWP_TOKEN"
# exec takes a process's old arguments and environment away a moment before it gives the new ones.
_EXEC_PATIENCE_S = 0.25
_KERNEL_THREAD = 0x00200000  # PF_KTHREAD of include/linux/sched.h


@lru_cache(maxsize=1)
def _boot_id_of_kernel() -> str:
    return Path("/proc/sys/kernel/random/boot_id").read_text().strip()


def boot_id() -> str:
    """Id of this boot; `TUISWP_BOOT_ID_FILE` names a stand-in (tests of reboots)."""
    stand_in = os.environ.get("TUISWP_BOOT_ID_FILE")
    return Path(stand_in).read_text().strip() if stand_in else _boot_id_of_kernel()


def hostname() -> str:
    """This machine's name for itself.

    `TUISWP_HOSTNAME` names another: for machines whose name changes, and tests of two hosts.
    """
    return os.environ.get("TUISWP_HOSTNAME") or socket.gethostname()


def machine() -> str:
    """What tells two machines of one name apart, a digest of /etc/machine-id; "" if unknown.

    Unknown as well where TUISWP_HOSTNAME gives the name: who sets it says what is one machine.
    `TUISWP_MACHINE_ID_FILE` names a stand-in (tests of two hosts).
    """
    if os.environ.get("TUISWP_HOSTNAME"):
        return ""
    return _machine(os.environ.get("TUISWP_MACHINE_ID_FILE", "/etc/machine-id"))


@lru_cache(maxsize=4)
def _machine(path: str) -> str:
    import hashlib  # few ask

    try:
        said = Path(path).read_text().strip()
    except (OSError, ValueError):
        return ""
    # The id itself is not for other eyes (machine-id(5)).
    return hashlib.sha256(f"tuiswp {said}".encode()).hexdigest()[:8] if said else ""


@lru_cache(maxsize=1)
def pid_namespace() -> int | None:
    """The namespace in which this process sees pids; None if the kernel does not say."""
    try:
        return Path("/proc/self/ns/pid").stat().st_ino
    except OSError:
        return None


def is_of_this_namespace(process: Process) -> bool:
    """Whether /proc here can tell of `process` at all; old records do not say, and are believed."""
    return process.pid_ns is None or process.pid_ns == pid_namespace()


def _stat_fields(pid: int) -> list[str] | None:
    try:
        text = Path(f"/proc/{pid}/stat").read_bytes()
    except OSError:
        return None
    # The name in parentheses may hold anything, also ")": what follows the last one is ours.
    return text[text.rfind(b")") + 2 :].decode("ascii", "replace").split()


def start_ticks(pid: int) -> int | None:
    """Start time of a live process in clock ticks since boot; None if gone or a zombie."""
    fields = _stat_fields(pid)
    if fields is None or len(fields) < 20 or fields[0] in "ZXx":
        return None
    return int(fields[19])


def identify(pid: int) -> Process | None:
    """The identity of a live process, None if it is gone or a zombie."""
    ticks = start_ticks(pid)
    return None if ticks is None else Process(boot_id(), pid, ticks, pid_namespace())


def myself() -> Process:
    """The identity of this process."""
    me = identify(os.getpid())
    if me is None:  # /proc is not mounted
        raise EnvironmentFault("cannot read /proc/self/stat", hint="tuiswp needs a mounted /proc")
    return me


def is_alive(process: Process) -> bool:
    """True if exactly this process runs here: same boot, pid and start. Zombies are dead.

    False also for one that cannot be seen from here: see `is_of_this_namespace`.
    """
    return (
        process.boot_id == boot_id()
        and is_of_this_namespace(process)
        and start_ticks(process.pid) == process.ticks
    )


def is_locked(folder: Path) -> bool:
    """Whether anybody on this kernel, in whatever container, holds a lock on `folder`."""
    try:
        fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC | os.O_NOFOLLOW)
    except OSError:
        return False
    try:
        fcntl.flock(fd, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except OSError:
        return True
    finally:
        os.close(fd)
    return False


def age_s(process: Process) -> float:
    """Seconds since a process of this boot started, by a clock that nobody can set."""
    since_boot = time.clock_gettime(time.CLOCK_BOOTTIME)
    return since_boot - process.ticks / os.sysconf("SC_CLK_TCK")


def token_of(pid: int) -> str | None:
    """The attempt token in a process's environment; None if it has none or is not ours to read."""
    try:
        environment = _environment(pid)
    except OSError:
        return None
    prefix = TOKEN_VARIABLE.encode() + b"="
    for entry in environment.split(b"\0"):
        if entry.startswith(prefix):
            return entry[len(prefix) :].decode("ascii", "replace")
    return None


def environment_of(pid: int) -> dict[str, str]:
    """What a process of ours was started with; empty if it is gone or not ours to read."""
    try:
        entries = _environment(pid).split(b"\0")
    except OSError:
        return {}
    pairs = (os.fsdecode(entry).partition("=") for entry in entries)
    return {name: value for name, _, value in pairs if name}


def _environment(pid: int) -> bytes:
    """What /proc says; an empty answer is believed only of a process that is not in exec."""
    path = Path(f"/proc/{pid}/environ")
    if not (environment := path.read_bytes()) and not _is_program(pid):
        return environment  # at once: most processes of root are threads of the kernel
    until = None
    believed = 0
    while not environment and believed < 3:
        if not _in_exec(pid):
            believed += 1
        else:
            now = time.monotonic()
            until = until or now + _EXEC_PATIENCE_S
            if now > until:
                break
            time.sleep(0.0005)
        environment = path.read_bytes()
    return environment


def _in_exec(pid: int) -> bool:
    """True while `pid` has no arguments either, though it is a program that lives."""
    return not Path(f"/proc/{pid}/cmdline").read_bytes() and _is_program(pid)


def _is_program(pid: int) -> bool:
    """False for threads of the kernel and for zombies, which have no environment to wait for."""
    fields = _stat_fields(pid)
    if fields is None or len(fields) < 7 or fields[0] in "ZXx":
        return False
    return not int(fields[6]) & _KERNEL_THREAD


def with_tokens() -> dict[str, list[Process]]:
    """Live processes of this user that carry an attempt token, by token: one scan of /proc."""
    found: dict[str, list[Process]] = {}
    uid = os.getuid()
    for entry in os.scandir("/proc"):
        if not entry.name.isdecimal():
            continue
        pid = int(entry.name)
        with suppress(OSError):
            if entry.stat().st_uid != uid:
                continue
            token = token_of(pid)
            process = identify(pid) if token is not None else None
            if token is not None and process is not None:
                found.setdefault(token, []).append(process)
    return found


def send(process: Process, signum: int) -> bool:
    """Signal exactly this process; False if it is gone. Race-free: the pidfd is taken first."""
    if process.boot_id != boot_id() or not is_of_this_namespace(process):
        return False
    try:
        fd = os.pidfd_open(process.pid)
    except (ProcessLookupError, PermissionError, OSError):
        return False
    try:
        if start_ticks(process.pid) != process.ticks:
            return False
        signal.pidfd_send_signal(fd, signum)
    except (ProcessLookupError, PermissionError):
        return False
    else:
        return True
    finally:
        os.close(fd)


def runtime_dir() -> Path:
    """A private directory of this user on this host for leases, wake-up FIFOs and launch files.

    Not XDG_RUNTIME_DIR: that one vanishes at the last logout, and trials outlive it. Raises
    UsageError if the place that TUISWP_RUNTIME_DIR names cannot be trusted or used; without it, or
    if the disk refuses, EnvironmentFault.
    """
    named = os.environ.get("TUISWP_RUNTIME_DIR")
    path = Path(named or f"/tmp/tuiswp-{os.getuid()}")
    wrong = UsageError if named else EnvironmentFault
    if not path.is_absolute():  # a lease must be seen from every directory
        raise wrong("is not an absolute path", where=str(path), hint="TUISWP_RUNTIME_DIR names it")
    try:
        with suppress(FileExistsError):
            path.mkdir(mode=0o700, parents=False)
        found = path.lstat()
    except OSError as error:
        sick = error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EIO)
        raise (EnvironmentFault if sick else wrong)(
            f"cannot be used: {error.strerror}",
            where=str(path),
            hint="set TUISWP_RUNTIME_DIR to a directory of yours",
        ) from error
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.getuid():
        raise wrong(
            "is not a directory of yours", where=str(path), hint="set TUISWP_RUNTIME_DIR to one"
        )
    loose = trust.open_parent(path)
    if loose is not None:
        raise wrong(
            f"lies in {loose}, where everybody may put another directory in its place",
            where=str(path),
            hint="set TUISWP_RUNTIME_DIR to a directory in one of yours",
        )
    if found.st_mode & 0o077:
        raise wrong(
            "can be written or read by others",
            where=str(path),
            hint=f"chmod 700 {shlex.quote(str(path))}",
        )
    return path
