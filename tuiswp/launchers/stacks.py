"""Where the processes of an attempt stand: Python's stacks by py-spy, and what the kernel says.

It runs as a process of its own (`stack_look` starts and ends it), for what it reads can hang with
what it looks at. It stops nobody: py-spy reads the memory of a process that
goes on. Before it looks, the process must be the attempt's by boot, pid, start and token.
"""

import os
import re
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import msgspec

from tuiswp import proc, trust
from tuiswp.launchers.base import StartRecord
from tuiswp.launchers.vitals import family, members
from tuiswp.plain import read_plain
from tuiswp.text import visible

STACK = "stack.txt"  # in the directory of the attempt
MOST_BYTES = 64 * 1024  # of the whole text
PROCESSES = 8  # whose stacks are taken
THREADS = 16  # of each, as the kernel tells them
PY_SPY_S = 8.0
INSTALL = "pip install py-spy (or pip install 'tuiswp[stacks]') to have its Python stack here"

_FRAME = re.compile(r"^    (?P<name>.+) \((?P<file>.*?)(?::(?P<line>\d+))?\)$")
_THREAD = re.compile(r'^Thread .*"MainThread"')
# Frames of what a person did not write.
_OTHERS = re.compile(r"/(?:site|dist)-packages/|/lib/python\d|/lib64/python\d|^<frozen")
_REFUSED = re.compile(r"permission denied|operation not permitted", re.IGNORECASE)


class Order(msgspec.Struct, frozen=True):
    """What to look at; `py_spy`: its absolute path, None where there is none."""

    start: StartRecord
    py_spy: str | None = None


class Stack(msgspec.Struct, frozen=True):
    """`where`: the main thread in one line, empty if nothing tells. `text`: all, safe to show."""

    where: str = ""
    text: str = ""


def find_py_spy() -> str | None:
    """Absolute path of py-spy, beside this interpreter or in an absolute entry of PATH.

    One that others could have put there is not run.
    """
    folders = [str(Path(sys.executable).parent)]
    folders += os.environ.get("PATH", os.defpath).split(os.pathsep)
    found = trust.program("py-spy", {"PATH": os.pathsep.join(folders)})
    if found is None:
        return None
    with suppress(OSError):
        status = Path(found).stat()
        if status.st_uid in (0, os.getuid()) and not status.st_mode & 0o022:
            return found
    return None


def take(order: Order) -> Stack:
    """Everything that can be told now; an empty Stack if the processes are not the attempt's."""
    start = order.start
    if not proc.is_alive(start.training) or proc.token_of(start.training.pid) != start.token:
        return Stack()
    pids = members(start, family())
    lines = ["(it was not stopped for this look)"]
    wheres: list[str] = []
    python = [pid for pid in pids if _is_python(pid)][:PROCESSES]
    notes: list[str] = []
    for pid in python if order.py_spy is not None else []:
        assert order.py_spy is not None
        said, fault = _py_spy(order.py_spy, pid)
        if said:
            lines += ["", *said.splitlines()]
            wheres.append(where_of(said))
        elif fault not in notes:
            notes.append(fault)
    if python and order.py_spy is None:
        notes.append(f"py-spy is not installed: {INSTALL}")
    lines += ["", *notes] if notes else []
    kernel = [_kernel(pid) for pid in pids[:PROCESSES]]
    lines += ["", "what the kernel says:", *(line for told in kernel for line in told)]
    where = next((one for one in wheres if one), "")
    text = visible("\n".join(lines), limit=MOST_BYTES, keep_newlines=True)
    return Stack(where, text.encode()[:MOST_BYTES].decode("utf-8", "ignore") + "\n")


def read_stack(attempt: Path) -> list[str]:
    """The lines of stack.txt after its head, safe to show; empty if there is none to be read."""
    try:
        text = read_plain(attempt / STACK, 2 * MOST_BYTES).decode("utf-8", "replace")
    except OSError:
        return []
    lines = [visible(line, limit=400) for line in text.splitlines()[1:]]
    return [line for line in lines if line.strip()]


def where_of(said: str) -> str:
    """The main thread of what py-spy printed: where it waits, and who of the person's called it.

    >>> where_of('Thread 1 (idle): "MainThread"\\n    wait (/usr/lib/python3.11/threading.py:1)\\n'
    ...          '    train (/home/a/train.py:7)\\n')
    'wait (threading.py:1), called by train (train.py:7)'
    """
    frames: list[re.Match[str]] = []
    inside = False
    for line in said.splitlines():
        if line.startswith("Thread "):
            inside = _THREAD.match(line) is not None
        elif inside and (frame := _FRAME.match(line)) is not None:
            frames.append(frame)
    if not frames:
        return ""
    own = next((one for one in frames if not _OTHERS.search(one["file"])), frames[0])
    if own is frames[0]:
        return _frame(own)
    return f"{_frame(frames[0])}, called by {_frame(own)}"


def _frame(frame: re.Match[str]) -> str:
    name = visible(frame["name"], limit=80)
    file = visible(frame["file"].rpartition("/")[2], limit=60)
    place = f"{file}:{frame['line']}" if frame["line"] else file
    return place if name == "<module>" else f"{name} ({place})"


def _is_python(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/exe").readlink().name.startswith(("python", "pypy"))
    except OSError:
        return False


def _py_spy(program: str, pid: int) -> tuple[str, str]:
    """What it printed, else why it did not. The process is not stopped for it."""
    ticks = proc.start_ticks(pid)
    argv = [program, "dump", "--nonblocking", "--full-filenames", "--pid", str(pid)]
    env = {"PATH": os.defpath, "LC_ALL": "C.UTF-8"}
    fault = ""
    for _ in range(3):  # of one that works, a stack may be caught half way
        try:
            ran = subprocess.run(
                argv, capture_output=True, timeout=PY_SPY_S, check=False, env=env,
                stdin=subprocess.DEVNULL,
            )  # fmt: skip
        except subprocess.TimeoutExpired:
            return "", f"py-spy did not answer within {PY_SPY_S:g} s"
        except OSError as error:
            return "", f"py-spy cannot be run: {error.strerror}"
        if ticks is None or proc.start_ticks(pid) != ticks:
            return "", f"process {pid} ended meanwhile"
        if ran.returncode == 0 and ran.stdout:
            return ran.stdout[:MOST_BYTES].decode("utf-8", "replace"), ""
        fault = _fault(ran.stderr.decode("utf-8", "replace"))
    return "", fault


def _fault(said: str) -> str:
    if _REFUSED.search(said):
        refused = "the kernel refused; in a container, --cap-add=SYS_PTRACE allows it"
        return f"py-spy may not look: {hindrance() or refused}"
    line = next((one.strip() for one in said.splitlines() if one.strip()), "it said nothing")
    return f"py-spy could not tell: {visible(line, limit=200)}"


def hindrance() -> str | None:
    """Why this kernel would let nobody but root look at a trial, and what allows it; None: it lets.

    Yama's rule, which some distributions switch on: only a parent may look.
    """
    try:
        scope = int(Path("/proc/sys/kernel/yama/ptrace_scope").read_text())
    except (OSError, ValueError):
        return None
    if scope == 0 or os.geteuid() == 0:
        return None
    return (
        f"the kernel lets only parents look (kernel.yama.ptrace_scope is {scope}); "
        "`sudo sysctl kernel.yama.ptrace_scope=0` allows it"
    )


def _kernel(pid: int) -> list[str]:
    """State, threads, and where each sleeps; what may not be read is left out."""
    status = _read(f"/proc/{pid}/status")
    known = dict(line.split(":", 1) for line in status.splitlines() if ":" in line)
    state, name = known.get("State", "?").strip(), known.get("Name", "?").strip()
    lines = [f"process {pid} ({name}): {state}, {known.get('Threads', '?').strip()} threads"]
    try:
        threads = sorted(int(one) for one in os.listdir(f"/proc/{pid}/task"))  # noqa: PTH208
    except OSError:
        return lines
    for thread in threads[:THREADS]:
        place = f"/proc/{pid}/task/{thread}"
        comm, wchan = _read(f"{place}/comm").strip(), _read(f"{place}/wchan").strip()
        call = _read(f"{place}/syscall").split(" ")[0].strip()
        told = f"  thread {thread} ({comm})"
        told += f", sleeps in {wchan}" if wchan not in ("", "0") else ""
        told += f", system call {call}" if call.isdecimal() else f", {call}" if call else ""
        lines.append(told)
    if len(threads) > THREADS:
        lines.append(f"  and {len(threads) - THREADS} threads more")
    stack = _read(f"/proc/{pid}/stack").splitlines()
    return [*lines, *(f"    {line}" for line in stack[:12])]


def _read(path: str) -> str:
    try:
        with open(path, "rb") as file:  # noqa: PTH123
            return file.read(8192).decode("utf-8", "replace")
    except OSError:
        return ""


def main() -> None:
    order = msgspec.json.decode(sys.stdin.buffer.read(), type=Order)
    sys.stdout.buffer.write(msgspec.json.encode(take(order)))
    sys.stdout.buffer.flush()
