"""Who a GPU process is: user, name and attempt token. Reads /proc; signals nobody."""

import os
import pwd
from collections.abc import Mapping
from contextlib import suppress

from tuiswp import proc
from tuiswp.gpu.inventory import GpuProcess

_GENERATIONS = 32


class Owners:
    """Names processes; remembers user names, which may come slowly from a network directory."""

    def __init__(self) -> None:
        self._users: dict[int, str] = {}

    def of(
        self, listed: Mapping[int, tuple[int | None, bool]] | None
    ) -> tuple[GpuProcess, ...] | None:
        """Pid → (memory in MiB, draws only), as processes with their owners, by pid."""
        if listed is None:
            return None
        return tuple(self._process(pid, *listed[pid]) for pid in sorted(listed))

    def _process(self, pid: int, memory_mib: int | None, graphics: bool) -> GpuProcess:
        try:
            uid = os.stat(f"/proc/{pid}").st_uid  # noqa: PTH116 - a path of one number
        except OSError:  # gone, or of another container
            return GpuProcess(pid, memory_mib=memory_mib, graphics=graphics)
        token = _token(pid) if uid == os.getuid() else None
        return GpuProcess(pid, self._user(uid), _name(pid), memory_mib, token, graphics)

    def _user(self, uid: int) -> str:
        if uid not in self._users:
            self._users[uid] = str(uid)
            with suppress(KeyError):
                self._users[uid] = pwd.getpwuid(uid).pw_name
        return self._users[uid]


def _name(pid: int) -> str | None:
    import psutil

    try:
        name = psutil.Process(pid).name()
    except psutil.Error:
        return None
    # A process may call itself anything, and the answer is JSON.
    return name.encode("utf-8", "backslashreplace").decode()


def _token(pid: int) -> str | None:
    """The token of the process, else of its nearest ancestor that has one.

    A training may start workers with a clean environment; they are still its own.
    """
    import psutil

    found = proc.token_of(pid)
    with suppress(psutil.Error):
        for _ in range(_GENERATIONS):
            if found is not None or pid <= 1:
                break
            pid = psutil.Process(pid).ppid()
            found = proc.token_of(pid)
    return found
