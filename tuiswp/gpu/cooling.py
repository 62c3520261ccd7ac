"""When a GPU may be given away after an attempt: nobody of it is left and its memory is back. Pure.

The attempt's processes are already gone (`leases.gone`); here NVML has to agree.
"""

from typing import TypeAlias

import msgspec

from tuiswp.gpu.environment import CPU
from tuiswp.gpu.inventory import SIMULATED_PREFIX, GpuReading
from tuiswp.gpu.placement import Wait
from tuiswp.text import visible

PATIENCE_S = 30.0
_SLACK_MIB = 512
# Without a reading from before: what a driver keeps for itself (0.5 to 1.5 GiB on large GPUs).
_RESERVED_MIB = 1024


class Free(msgspec.Struct, frozen=True):
    """Give the lease back."""


class Drained(msgspec.Struct, frozen=True):
    """Not for a long time: nothing more is started there until it turns out `Free` after all."""

    reason: str


Verdict: TypeAlias = Free | Wait | Drained


class Cooling(msgspec.Struct, frozen=True):
    """A GPU whose attempt ended at `since` (CLOCK_MONOTONIC seconds).

    `unaccounted_mib` and `bystanders` (pids) are from the last reading before the attempt, if any.
    `shared`: another attempt of ours is on the GPU, so its memory moves for reasons of its own.
    """

    uuid: str
    token: str
    since: float
    unaccounted_mib: int | None = None
    bystanders: frozenset[int] = frozenset()
    shared: bool = False

    def check(self, reading: GpuReading | None, now: float) -> Verdict:
        """Judge the newest reading of this GPU (None: it is not listed). `now` is monotonic.

        Wait: not yet, look again at the next reading.
        """
        if self.uuid == CPU or self.uuid.startswith(SIMULATED_PREFIX):
            return Free()
        reason = self._in_the_way(reading)
        if reason is None:
            return Free()
        waited = now - self.since
        if waited < PATIENCE_S:
            return Wait(reason)
        return Drained(f"{reason}, {waited:.0f} s after the trial ended")

    def _in_the_way(self, reading: GpuReading | None) -> str | None:
        if reading is None:
            return "the GPU is not listed"
        label = reading.label
        if reading.problem is not None:
            return f"{label} {visible(reading.problem)}"
        if reading.at <= self.since:
            return f"{label} was not read since the trial ended"
        for process in reading.processes or ():
            if process.token == self.token:
                return f"pid {process.pid} of the ended trial is still on {label}"
            unknown = process.user is None and not process.graphics
            if unknown and process.pid not in self.bystanders:
                return f"pid {process.pid} on {label} cannot be told from the ended trial"
        if self.shared:
            return None
        return self._memory_missing(reading)

    def _memory_missing(self, reading: GpuReading) -> str | None:
        now_mib = reading.unaccounted_mib
        if now_mib is None:
            now_mib = reading.memory_used_mib
        if now_mib is None:
            return f"{reading.label} does not report its memory"
        normal = self.unaccounted_mib
        if normal is None:
            normal = _RESERVED_MIB + (reading.memory_total_mib or 0) // 100
        if now_mib <= normal + _SLACK_MIB:
            return None
        return (
            f"{now_mib} MiB of {reading.label} are used by no process that is listed "
            f"({normal} is normal)"
        )
