"""The processes of one running trial, looked at every two seconds by the thread that reads.

What is not known stays unknown: a trial on another machine, GPU memory that NVML does not give.
"""

import time
from collections.abc import Sequence
from pathlib import Path

from msgspec.structs import replace

from tuiswp import proc
from tuiswp.gpu.environment import CPU
from tuiswp.gpu.host import TreeProcess, TreeWatch
from tuiswp.gpu.inventory import GpuProcess, Inventory
from tuiswp.launchers.stacks import read_stack
from tuiswp.model.trial import Launching, Process, Running, Trial
from tuiswp.text import shell_line, visible
from tuiswp.tui.snapshot import ProcessLine, ProcessTree

PERIOD_S = 2.0
MOST = 64  # lines: a training with more workers says how many more there are


class ProcessWatch:
    """`look` again and again at one trial, and another when another is on the screen."""

    def __init__(self) -> None:
        self._watch: TreeWatch | None = None
        self._made: tuple[float, Process, ProcessTree] | None = None

    def look(
        self, trial: Trial | None, inventory: Inventory | None, attempt_dir: Path | None = None
    ) -> ProcessTree | None:
        """Its processes; None where there is no such trial or it does not run."""
        if trial is None or not isinstance(trial.status, Launching | Running):
            self._made = None
            return None
        attempt = trial.attempts[-1]
        if isinstance(trial.status, Launching):
            return ProcessTree(trial.number, attempt.number, (), "it has not started yet")
        if attempt.host and attempt.host != proc.hostname():
            where = visible(attempt.host, limit=60)
            return ProcessTree(trial.number, attempt.number, (), f"they run on {where}, not here")
        root, now = trial.status.training, time.monotonic()
        made = self._made
        if made is not None and made[1] == root and now - made[0] < PERIOD_S:
            return made[2]
        if self._watch is None or self._watch.root != root:
            self._watch = TreeWatch(root)
        tree = _told(trial, self._watch.look(), inventory)
        if trial.silent is not None and attempt_dir is not None:
            tree = replace(tree, stack=tuple(read_stack(attempt_dir)))
        self._made = (now, root, tree)
        return tree


def _told(trial: Trial, found: Sequence[TreeProcess], inventory: Inventory | None) -> ProcessTree:
    attempt = trial.attempts[-1].number
    if not found:
        return ProcessTree(trial.number, attempt, (), "none is left of what was started")
    held = {lease.uuid for lease in trial.attempts[-1].leases} - {CPU}
    on_gpu = _listed(held, inventory)
    lines = [
        ProcessLine(
            one.pid,
            one.depth,
            one.age_s,
            one.cpu_percent,
            one.rss_mib,
            _gpu_mib(one.pid, on_gpu) if held else 0,
            visible(_spoken(one), limit=400),
        )
        for one in found[:MOST]
    ]
    more = f"and {len(found) - MOST} more" if len(found) > MOST else ""
    return ProcessTree(trial.number, attempt, tuple(lines), more)


def _spoken(one: TreeProcess) -> str:
    """The command without the folder of its program, which says little and takes the room."""
    if not one.command:
        return one.name or "?"
    program, *rest = one.command
    return shell_line((program.rpartition("/")[2] or program, *rest))


def _listed(held: set[str], inventory: Inventory | None) -> list[GpuProcess] | None:
    """Who is on the trial's GPUs; None if that is not known of all of them."""
    gpus = [None if inventory is None else inventory.gpu(uuid) for uuid in held]
    listed: list[GpuProcess] = []
    for gpu in gpus:
        if gpu is None or gpu.processes is None:
            return None
        listed += gpu.processes
    return listed


def _gpu_mib(pid: int, listed: Sequence[GpuProcess] | None) -> int | None:
    """What a process holds there; None if unknown, for one when its number may mean another."""
    if listed is None:
        return None
    own = [process.memory_mib for process in listed if process.pid == pid]
    if own:
        return None if None in own else sum(size or 0 for size in own)
    # A process that cannot be seen from here may be this one, under another container's number.
    return None if any(process.name is None for process in listed) else 0
