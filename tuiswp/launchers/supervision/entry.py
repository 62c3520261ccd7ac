"""Claim one attempt, run it, and keep the traceback of a fault of ours."""

# pathlib would cost time at every start.
# ruff: noqa: PTH108, PTH123

from __future__ import annotations

import ctypes
import fcntl
import json
import os
import signal
import sys
import time

from tuiswp.launchers.supervision.records import exists, forget_environment, poke, write_record
from tuiswp.launchers.supervision.watch import LISTENED, Supervisor

TYPE_CHECKING = False  # typing costs as much time as all of this
if TYPE_CHECKING:
    from typing import Any

PR_SET_CHILD_SUBREAPER = 36
EX_SOFTWARE, EX_IOERR, EX_TEMPFAIL = 70, 74, 75  # sysexits.h: for whoever runs it by hand
IGNORED = (signal.SIGHUP, signal.SIGPIPE, signal.SIGTSTP, signal.SIGTTIN, signal.SIGTTOU)


def claim(attempt_dir: str, launch_file: str | None) -> int | None:
    """The attempt's open directory, or None if another supervisor has or had it.

    The launch file is the right to start: whoever removes it may, and it can be revoked. The lock
    is on a second opening of the directory, held as long as this process lives.
    """
    if launch_file is not None:
        try:
            os.unlink(launch_file)
        except FileNotFoundError:
            return None
    folder = os.open(attempt_dir, os.O_RDONLY | os.O_DIRECTORY)
    lock = os.open(attempt_dir, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return None
    except OSError:  # a file system without locks: the launch file has decided
        pass
    if exists(folder, "start.json") or exists(folder, "exit.json"):
        return None
    return folder


def read_spec(folder: int) -> Any:
    fd = os.open("spec.json", os.O_RDONLY | os.O_NOFOLLOW, dir_fd=folder)
    with open(fd, "rb") as file:
        return json.loads(file.read())


def main(argv: list[str]) -> int:
    os.closerange(3, 4096)  # what the window's parents left open is not for the training
    signal.pthread_sigmask(signal.SIG_BLOCK, LISTENED)
    for number in IGNORED:
        signal.signal(number, signal.SIG_IGN)
    umask = os.umask(0o077)
    ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    try:
        folder = claim(argv[1], argv[2] if len(argv) > 2 else None)
    except OSError as error:  # nothing of it ran; the right to start stays, and can be revoked
        print(f"the attempt cannot be claimed: {error}", file=sys.stderr)
        return EX_IOERR
    if folder is None:
        return EX_TEMPFAIL
    try:
        spec = read_spec(folder)
        try:
            wanted = spec.get("umask")  # the window has that of whoever started tmux
            supervisor = Supervisor(spec, folder, umask if wanted is None else wanted)
            supervisor.launch()
        except OSError as error:
            give_up(spec, folder, error)
            return EX_IOERR
        supervisor.wait_for_end()
        supervisor.finish()
    except Exception:
        report_fault(folder)
        return EX_SOFTWARE
    return 0


def give_up(spec: dict[str, Any], folder: int, error: OSError) -> None:
    """Nothing of the training ran, start.json could not be written: say so if there is room."""
    forget_environment(folder, spec)
    now = time.time()
    record = {"v": 1, "token": spec["token"], "requested": None, "code": 126, "signal": None}
    record |= {"error": f"could not be started: {error}"}
    record |= {"started": now, "ended": now, "duration_s": 0.0}
    for pause in (0.1, 0.5, 1.0):
        try:
            write_record(folder, "exit.json", record)
            break
        except OSError:
            time.sleep(pause)
    poke(spec.get("wake"))


def report_fault(folder: int) -> None:
    """A fault of ours keeps its traceback: the window closes, the file stays."""
    import traceback

    text = traceback.format_exc().encode("utf-8", "backslashreplace")
    flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW
    fd = os.open("supervisor.err", flags, 0o600, dir_fd=folder)
    os.write(fd, text)
    os.close(fd)
