"""The machine beside its GPUs: cores, memory, process trees. The rest of the door to psutil."""

import os
from contextlib import suppress
from pathlib import Path

import msgspec

from tuiswp import proc
from tuiswp.model.sweep import Resources
from tuiswp.model.trial import Process

_MIB = 1024 * 1024
_CGROUPS = Path("/sys/fs/cgroup")


class TreeProcess(msgspec.Struct, frozen=True):
    """One process of a tree; None for what may not be read."""

    pid: int
    parent: int
    name: str | None
    user: str | None
    rss_mib: int | None


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
    """`pid` and its descendants, parents first; empty if it is gone."""
    import psutil

    try:
        root = psutil.Process(pid)
        members = [root, *root.children(recursive=True)]
    except psutil.Error:
        return []
    found: list[TreeProcess] = []
    for member in members:
        with suppress(psutil.NoSuchProcess), member.oneshot():
            info = member.as_dict(["ppid", "name", "username", "memory_info"])
            memory = info["memory_info"]
            found.append(
                TreeProcess(
                    member.pid,
                    info["ppid"],
                    info["name"],
                    info["username"],
                    None if memory is None else memory.rss // _MIB,
                )
            )
    return found


def descendants_alive(token: str) -> list[Process]:
    """Live processes of this user that carry the token of an attempt, wherever they went."""
    return proc.with_tokens().get(token, [])


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
