"""Become the training: from the fork to its exec. Nothing of it runs before the gate opens."""

# pathlib and contextlib would cost time at every start.
# ruff: noqa: PTH118, PTH123

from __future__ import annotations

import errno
import fcntl
import os
import signal
import termios

TYPE_CHECKING = False  # typing costs as much time as all of this
if TYPE_CHECKING:
    from typing import Any, NoReturn


def as_bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")


def environment_of(spec: dict[str, Any]) -> dict[bytes, bytes]:
    """The training's environment: the job's, its token, and the terminal it really has."""
    env = {**spec["env"], "TUISWP_TOKEN": spec["token"]}
    if os.isatty(0) and os.environ.get("TERM"):
        env["TERM"] = os.environ["TERM"]
    return {as_bytes(name): as_bytes(value) for name, value in env.items()}


def exec_program(argv: list[bytes], env: dict[bytes, bytes]) -> NoReturn:
    """Become the program, looked for in the PATH of `env`; returns only by an exception."""
    program = argv[0]
    if not program:
        raise FileNotFoundError(errno.ENOENT, "the program's name is empty")
    if b"/" in program:
        os.execve(program, argv, env)
    denied = None
    for folder in env.get(b"PATH", b"/usr/local/bin:/usr/bin:/bin").split(b":"):
        try:
            os.execve(os.path.join(folder or b".", program), argv, env)
        except (FileNotFoundError, NotADirectoryError):
            continue
        except PermissionError as error:
            denied = error
    raise denied or FileNotFoundError(errno.ENOENT, "not found in PATH", os.fsdecode(program))


def become_training(
    spec: dict[str, Any], slave: int, gate: int, fault: int, umask: int
) -> NoReturn:
    """In the forked child: wait at the gate, then exec; a failure is written to `fault`."""
    code, doing = 126, "cannot be started"
    try:
        argv, env = [as_bytes(word) for word in spec["argv"]], environment_of(spec)
        os.setsid()
        fcntl.ioctl(slave, termios.TIOCSCTTY, 0)
        for fd in (0, 1, 2):
            os.dup2(slave, fd)
        if not os.read(gate, 1):  # no start.json, or no supervisor: nothing of the training runs
            os._exit(125)
        be_killed_first()
        os.umask(umask)
        doing = "cannot enter the working directory"
        os.chdir(as_bytes(spec["cwd"]))
        doing = "cannot run the program"
        for number in signal.valid_signals() - {signal.SIGKILL, signal.SIGSTOP}:
            signal.signal(number, signal.SIG_DFL)
        signal.pthread_sigmask(signal.SIG_SETMASK, set())
        try:
            exec_program(argv, env)
        except FileNotFoundError:
            code = 127
            raise
    except BaseException as error:
        why = str(error)
        if isinstance(error, OSError):
            why = f"{error.strerror}" + (f": {error.filename!r}" if error.filename else "")
        os.write(fault, f"{doing}: {why}".encode("utf-8", "backslashreplace")[:2000])
    finally:
        os._exit(code)


def be_killed_first() -> None:
    """When memory runs out the kernel should take the training, not what watches it."""
    try:
        with open("/proc/self/oom_score_adj", "r+") as file:
            wanted = min(1000, int(file.read()) + 500)
            file.seek(0)
            file.write(str(wanted))
    except (OSError, ValueError):
        pass
