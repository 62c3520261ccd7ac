"""What a look at the GPUs found, as data. Asks nobody; unknown is None and never counts as room.

An `Inventory` travels as JSON from the child that asks NVML (`gpu.child`) to whoever decides.
"""

from typing import Literal, TypeAlias

import msgspec

Source: TypeAlias = Literal["nvml", "sim", "none"]

SIMULATED_PREFIX = "SIM-"


class GpuProcess(msgspec.Struct, frozen=True):
    """A process that NVML lists on a GPU.

    `user` and `name` are None if it is not visible from here (it is gone, or lives in another
    container). `token` is its attempt's, or that of the nearest ancestor that has one. `graphics`:
    it draws and does not compute (an X server), and disturbs nobody.
    """

    pid: int
    user: str | None = None
    name: str | None = None
    memory_mib: int | None = None
    token: str | None = None
    graphics: bool = False


class Health(msgspec.Struct, frozen=True):
    """What NVML says of a GPU's condition; None for what it does not say, which is no fault.

    `memory_errors`: uncorrectable ones since its last reset. `remapped`: rows of memory that were
    replaced; `remap_pending`, `remap_failed`: some wait for a reset to be, or could not be;
    `pages_pending`: as much of pages.
    `action`: what the driver asks for, NVML_GPU_RECOVERY_ACTION_*. `slowed`: why its clocks are
    held back.
    """

    memory_errors: int | None = None
    remapped: int | None = None
    remap_pending: bool | None = None
    remap_failed: bool | None = None
    pages_pending: bool | None = None
    action: int | None = None
    slowed: tuple[str, ...] = ()


class GpuReading(msgspec.Struct, frozen=True):
    """One GPU or MIG device at one moment; None for what NVML does not say.

    `uuid` is opaque, and empty if it could not be read. `index` is the place in PCI bus order, as
    nvidia-smi numbers them; `mig_index` counts within it. `processes` None: not readable.
    `problem`: why it cannot be used now; `faulty`: because NVML or the kernel reported a fault of
    it. `share_of`: UUID of the GPU a MIG device is a part of. `pci`: its place, `0000:41:00`.
    `news`: what is worth knowing and no problem.
    `at`: when it was read, in CLOCK_MONOTONIC seconds, which all processes of a boot share.
    """

    uuid: str
    index: int
    name: str | None = None
    memory_total_mib: int | None = None
    memory_used_mib: int | None = None
    memory_free_mib: int | None = None
    utilization: int | None = None  # percent
    temperature_c: int | None = None
    power_w: float | None = None
    power_limit_w: float | None = None
    processes: tuple[GpuProcess, ...] | None = None
    problem: str | None = None
    mig: bool = False
    share_of: str | None = None
    mig_index: int | None = None
    at: float = 0.0
    faulty: bool = False
    pci: str | None = None
    health: Health = Health()
    news: tuple[str, ...] = ()

    @property
    def label(self) -> str:
        """What people call it: `G0`, or `G0.1` for a MIG device."""
        return f"G{self.index}" if self.mig_index is None else f"G{self.index}.{self.mig_index}"

    @property
    def unaccounted_mib(self) -> int | None:
        """Used memory that no listed process owns up to; some is normal (driver, ECC)."""
        if self.memory_used_mib is None or self.processes is None:
            return None
        claimed = sum(process.memory_mib or 0 for process in self.processes)
        return max(0, self.memory_used_mib - claimed)


class Inventory(msgspec.Struct, frozen=True):
    """All GPUs of this machine at one moment.

    `source` "none": there is no NVML here, work runs in CPU slots. `problem`: why the whole cannot
    be believed now (source "nvml"), or why there is none (source "none"). `notes`: restrictions in
    force, for people. `taken_at`: wall seconds.
    """

    gpus: tuple[GpuReading, ...]
    source: Source
    problem: str | None = None
    driver: str | None = None
    taken_at: float = 0.0
    notes: tuple[str, ...] = ()

    @property
    def simulated(self) -> bool:
        return self.source == "sim"

    def gpu(self, uuid: str) -> GpuReading | None:
        """The reading of one GPU, None if it is not listed."""
        return next((gpu for gpu in self.gpus if gpu.uuid == uuid), None)
