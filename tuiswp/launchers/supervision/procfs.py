"""What /proc says about processes and memory. Reads only; a process that is gone is None.

`tuiswp.proc` says the same to the controller; this is what fits into every window.
"""

# pathlib would double the time of a start.
# ruff: noqa: PTH110, PTH116, PTH118, PTH123, PTH208

from __future__ import annotations

import errno
import os

TYPE_CHECKING = False  # typing costs as much time as all of this
if TYPE_CHECKING:
    from typing import Any


def stat_of(pid: int) -> tuple[bytes, int, int] | None:
    """State letter, parent and start ticks of a process; None if it is gone."""
    try:
        with open(f"/proc/{pid}/stat", "rb") as file:
            text = file.read()
    except OSError:
        return None
    fields = text[text.rfind(b")") + 2 :].split()  # the name may hold anything, ")" included
    return fields[0], int(fields[1]), int(fields[19])


def identify(pid: int) -> dict[str, Any]:
    """The identity `tuiswp.proc` checks before it signals: boot, pid, start ticks, namespace."""
    path = os.environ.get("TUISWP_BOOT_ID_FILE") or "/proc/sys/kernel/random/boot_id"
    with open(path) as file:
        boot = file.read().strip()
    seen = stat_of(pid)
    if seen is None:
        raise OSError(errno.ESRCH, "ended before it was recorded", f"/proc/{pid}")
    found = {"boot_id": boot, "pid": pid, "ticks": seen[2]}
    try:
        found["pid_ns"] = os.stat("/proc/self/ns/pid").st_ino
    except OSError:
        pass
    return found


def family() -> dict[int, list[int]]:
    """Every process's children by one scan of /proc."""
    children: dict[int, list[int]] = {}
    for name in os.listdir("/proc"):
        seen = stat_of(int(name)) if name.isdecimal() else None
        if seen is not None:
            children.setdefault(seen[1], []).append(int(name))
    return children


def children_of(parent: int) -> list[int]:
    """Pids of a process's own children, zombies included."""
    try:
        with open(f"/proc/{parent}/task/{parent}/children", "rb") as file:
            return [int(pid) for pid in file.read().split()]
    except FileNotFoundError:  # it is gone, or the kernel is without CONFIG_PROC_CHILDREN
        return family().get(parent, [])


def descendants_of(parent: int) -> list[int]:
    """Pids of all living descendants."""
    known, found, todo = family(), [], [parent]
    while todo:
        for pid in known.get(todo.pop(), []):
            seen = stat_of(pid)
            todo.append(pid)
            if seen is not None and seen[0] not in (b"Z", b"X"):
                found.append(pid)
    return found


def oom_kills() -> int | None:
    """How often the kernel killed for memory here: this cgroup, else this machine."""
    places = ["/proc/vmstat"]
    try:
        with open("/proc/self/cgroup") as file:
            for line in file:
                if line.startswith("0::"):
                    group = line[3:].strip().lstrip("/")
                    places.insert(0, os.path.join("/sys/fs/cgroup", group, "memory.events"))
        for place in places:
            if os.path.exists(place):
                with open(place) as file:
                    for line in file:
                        if line.startswith("oom_kill "):
                            return int(line.split()[1])
    except (OSError, ValueError):
        pass
    return None
