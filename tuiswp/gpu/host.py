"""The machine beside its GPUs: cores, memory, process trees. The rest of the door to psutil."""

import os
import time
from contextlib import suppress
from pathlib import Path

import msgspec
from msgspec.structs import replace

from tuiswp import proc
from tuiswp.model.sweep import Resources
from tuiswp.model.trial import Process

_MIB = 1024 * 1024
_CGROUPS = Path("/sys/fs/cgroup")


class TreeProcess(msgspec.Struct, frozen=True):
    """One process of a tree; None for what may not be read, or is not known yet.

    `depth`: 0 for the root. `cpu_percent`: of one core, since the look before. `command`: its argv
    as it says itself, raw.
    """

    pid: int
    parent: int
    name: str | None
    user: str | None
    rss_mib: int | None
    depth: int = 0
    age_s: float | None = None
    cpu_percent: float | None = None
    command: tuple[str, ...] | None = None


def cpu_count() -> int:
    """Cores this process may use: its affinity, and its control group's quota; at least 1."""
    cores = len(os.sched_getaffinity(0))
    for group in _own_groups():
        with suppress(OSError, ValueError, ZeroDivisionError):
            quota, period = (group / "cpu.max").read_text().split()
            if quota != "max":
                cores = min(cores, int(quota) // int(period))
    return max(1, cores)


def cpu_slots(resources: Resources) -> int:
    """How many trials run at once where there is no GPU: `max_parallel`, else half the cores."""
    return resources.max_parallel or max(1, cpu_count() // 2)


def memory_total_mib() -> int:
    """Memory this process may use: the machine's, or its control group's limit."""
    import psutil

    total = int(psutil.virtual_memory().total)
    for group in _own_groups():
        with suppress(OSError, ValueError):
            total = min(total, int((group / "memory.max").read_text()))  # "max": no limit
    return total // _MIB


def tree(pid: int) -> list[TreeProcess]:
    """`pid` and its descendants, each after its parent; empty if it is gone."""
    import psutil

    try:
        root = psutil.Process(pid)
        members = {one.pid: one for one in (root, *root.children(recursive=True))}
    except psutil.Error:
        return []
    found: dict[int, TreeProcess] = {}
    now = time.time()
    for member in members.values():
        with suppress(psutil.NoSuchProcess), member.oneshot():
            info = member.as_dict(
                ["ppid", "name", "username", "memory_info", "create_time", "cmdline"]
            )
            memory, born = info["memory_info"], info["create_time"]
            found[member.pid] = TreeProcess(
                member.pid,
                info["ppid"],
                info["name"],
                info["username"],
                None if memory is None else memory.rss // _MIB,
                age_s=None if born is None else max(0.0, now - born),
                command=tuple(info["cmdline"]) if info["cmdline"] else None,
            )
    return _in_order(found, pid)


def _in_order(found: dict[int, TreeProcess], root: int) -> list[TreeProcess]:
    """Each after its parent, with its depth; one whose parent has just gone stands below the root.

    Written without recursion: a training may nest its processes deeper than Python's stack.
    """
    below: dict[int, list[int]] = {}
    for pid, one in found.items():
        if pid != root:
            below.setdefault(one.parent if one.parent in found else root, []).append(pid)
    ordered: list[TreeProcess] = []
    waiting = [(root, 0)] if root in found else []
    while waiting:
        pid, depth = waiting.pop()
        ordered.append(replace(found[pid], depth=depth))
        waiting += [(child, depth + 1) for child in sorted(below.get(pid, ()), reverse=True)]
    return ordered


class TreeWatch:
    """Look at one tree again and again: how busy its processes are shows from the second look on.

    A process is told by pid and birth, so that a new one under an old pid starts from unknown.
    """

    def __init__(self, root: Process) -> None:
        self.root = root
        self._before: dict[int, tuple[float, float, float]] = {}  # birth, cpu seconds, when

    def look(self) -> list[TreeProcess]:
        """The tree now; empty if the root is gone or is another process by now."""
        import psutil

        if not proc.is_alive(self.root):
            return []
        found = tree(self.root.pid)
        before, self._before = self._before, {}
        now = time.monotonic()
        busy: list[TreeProcess] = []
        for one in found:
            percent = None
            with suppress(psutil.Error):
                process = psutil.Process(one.pid)
                times, born = process.cpu_times(), process.create_time()
                used = times.user + times.system
                self._before[one.pid] = (born, used, now)
                known = before.get(one.pid)
                if known is not None and known[0] == born and now > known[2]:
                    percent = max(0.0, 100.0 * (used - known[1]) / (now - known[2]))
            busy.append(replace(one, cpu_percent=percent))
        return busy


def _own_groups() -> list[Path]:
    """Directories of this process's control group and its parents (version 2), if readable."""
    try:
        lines = Path("/proc/self/cgroup").read_text().splitlines()
    except OSError:
        return []
    for line in lines:
        if line.startswith("0::/"):
            group = _CGROUPS / line.removeprefix("0::/")
            inside = [group, *group.parents]
            return [path for path in inside if path.is_relative_to(_CGROUPS)]
    return []
