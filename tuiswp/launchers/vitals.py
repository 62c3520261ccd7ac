"""What the processes of one attempt do, as the kernel tells it. Reads /proc; touches nobody.

Nothing here can block on a process that hangs: `stat`, `io`, `wchan` and `syscall` are answered by
the kernel alone. `cmdline` and `environ` are not, so nobody asks for them here.
"""

import os
import re
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path

import msgspec

from tuiswp import proc
from tuiswp.launchers.base import StartRecord
from tuiswp.text import visible

MOST = 64  # processes of one attempt that are looked at
_TICK_S = 1.0 / os.sysconf("SC_CLK_TCK")
# Numbers of read, and of select and pselect6 (what a line editor waits in), by machine.
_CALLS = {"x86_64": (0, (23, 270)), "aarch64": (63, (72,))}
_READ, _SELECTS = _CALLS.get(os.uname().machine, (-1, ()))
# What Python's debuggers and shells leave at the end of the output while they wait.
_PROMPT = re.compile(rb"(?:\((?:Pdb|Pdb\+\+|rdb|gdb)\)|ipdb>|ipdbg>|>>>|In \[\d+\]:) ?\Z")
_STOPS = {"T": "by a signal (SIGSTOP)", "t": "by a debugger"}


class Vitals(msgspec.Struct, frozen=True):
    """At one moment. None: not readable. `states`: a letter a process, the training's first.

    `cpu_s`, `moved`: CPU seconds, and bytes read and written, of all of them and of what they
    waited for. `stopped`, `input`: in words, empty if it is not so or not known.
    """

    pids: tuple[int, ...]
    states: str
    cpu_s: float | None
    moved: int | None
    waits: str
    stopped: str
    input: str


class _Stat(msgspec.Struct, frozen=True):
    state: str
    parent: int
    ticks: int
    cpu_s: float


def family() -> dict[int, list[int]]:
    """Every process's children, by one scan of /proc, for all attempts that are looked at."""
    children: dict[int, list[int]] = {}
    with suppress(OSError), os.scandir("/proc") as entries:
        for entry in entries:
            if entry.name.isdecimal() and (seen := _stat(int(entry.name))) is not None:
                children.setdefault(seen.parent, []).append(int(entry.name))
    return children


def look(start: StartRecord, children: Mapping[int, Sequence[int]], tail: bytes) -> Vitals | None:
    """The attempt's processes now; None if they are not to be seen, or are not the attempt's.

    `tail`: the end of what it printed.
    """
    if not proc.is_alive(start.training):
        return None
    pids = members(start, children)
    seen = {pid: stat for pid in pids if (stat := _stat(pid)) is not None}
    seen = {pid: stat for pid, stat in seen.items() if stat.state not in "ZXx"}
    if not seen:
        return None
    moved = [_moved(pid) for pid in seen]
    main = _working(seen, children, start.training.pid)
    return Vitals(
        pids=tuple(seen),
        states="".join(stat.state for stat in seen.values()),
        cpu_s=sum(stat.cpu_s for stat in seen.values()),
        moved=None if None in moved else sum(one or 0 for one in moved),
        waits=_word(main, "wchan"),
        stopped=_stopped(seen, main),
        input=_input(seen, tail),
    )


def members(start: StartRecord, children: Mapping[int, Sequence[int]]) -> list[int]:
    """The training and what it started, also what lost its parent and came to the supervisor."""
    todo = [start.training.pid]
    if proc.is_alive(start.supervisor):
        ours = {start.training.pid, start.relay.pid if start.relay is not None else -1}
        todo += [pid for pid in children.get(start.supervisor.pid, ()) if pid not in ours]
    found: list[int] = []
    while todo and len(found) < MOST:
        pid = todo.pop(0)
        found.append(pid)
        todo += children.get(pid, ())
    return list(dict.fromkeys(found))


def _working(
    seen: Mapping[int, _Stat], children: Mapping[int, Sequence[int]], training: int
) -> int:
    """The training itself, or, while a shell only waits for it, the one it waits for."""
    main = training
    while _word(main, "wchan") == "do_wait":
        below = [pid for pid in children.get(main, ()) if pid in seen]
        if len(below) != 1:
            break
        main = below[0]
    return main


def _stat(pid: int) -> _Stat | None:
    try:
        text = Path(f"/proc/{pid}/stat").read_bytes()
    except OSError:
        return None
    fields = text[text.rfind(b")") + 2 :].split()  # the name may hold anything, ")" included
    if len(fields) < 20:
        return None
    used = sum(int(one) for one in fields[11:15])  # its own, and of children it waited for
    return _Stat(
        fields[0].decode("ascii", "replace"), int(fields[1]), int(fields[19]), used * _TICK_S
    )


def _moved(pid: int) -> int | None:
    try:
        lines = Path(f"/proc/{pid}/io").read_text("ascii").splitlines()
        return sum(
            int(one.partition(":")[2]) for one in lines if one.startswith(("rchar", "wchar"))
        )
    except (OSError, ValueError):
        return None


def _word(pid: int, name: str) -> str:
    """What /proc says in one word; empty where it may not be read."""
    try:
        text = Path(f"/proc/{pid}/{name}").read_text("ascii", "replace").strip()
    except OSError:
        return ""
    return "" if text == "0" else visible(text, limit=80)


def _stopped(seen: Mapping[int, _Stat], main: int) -> str:
    for pid in dict.fromkeys((main, *seen)):
        how = _STOPS.get(seen[pid].state) if pid in seen else None
        if how is not None:
            again = f"; `kill -CONT {pid}` lets it go on" if seen[pid].state == "T" else ""
            return f"process {pid} is stopped {how}{again}"
    if "freez" in _word(main, "wchan"):
        return f"process {main} is frozen with its control group"
    return ""


def _input(seen: Mapping[int, _Stat], tail: bytes) -> str:
    """Whether somebody has to type: by the call its process is in, or by the prompt it left."""
    prompt = _PROMPT.search(tail[-200:])
    for pid in seen:
        called = _word(pid, "syscall").split()
        reads = _is_terminal_read(pid, called)
        if reads:
            said = (
                f", after {visible(prompt[0].decode('ascii', 'replace').strip())}" if prompt else ""
            )
            return f"process {pid} waits for input on its terminal{said}"
    if prompt and not any(stat.state == "R" for stat in seen.values()):
        shown = visible(prompt[0].decode("ascii", "replace").strip())
        return f"its output ends in {shown}, so it waits for input on its terminal"
    return ""


def _is_terminal_read(pid: int, called: Sequence[str]) -> bool:
    try:
        number, first = int(called[0]), int(called[1], 16)
    except (IndexError, ValueError):  # it runs, or the call may not be read
        return False
    if number == _READ:
        return _is_terminal(pid, first)
    return number in _SELECTS and first == 1 and _is_terminal(pid, 0)  # it waits for nothing else


def _is_terminal(pid: int, fd: int) -> bool:
    try:
        return str(Path(f"/proc/{pid}/fd/{fd}").readlink()).startswith(("/dev/pts/", "/dev/tty"))
    except OSError:
        return False
