"""Read all GPUs through NVML. Runs only in the child process: any call here may hang for ever.

Each GPU is read in a thread of its own, so that one that hangs or is lost spoils no other. Never
changes a setting, resets a GPU or signals a process.
"""

import queue
import threading
import time
from collections.abc import Callable
from typing import Any, TypeVar

import msgspec
import pynvml

from tuiswp.gpu.inventory import GpuReading, Health, Inventory, Source
from tuiswp.gpu.owners import Owners

_MIB = 1024 * 1024
T = TypeVar("T")

# "This GPU does not tell": the value stays unknown, and the GPU is not sick.
_NOT_TOLD = frozenset({
    pynvml.NVML_ERROR_INVALID_ARGUMENT, pynvml.NVML_ERROR_NOT_SUPPORTED,
    pynvml.NVML_ERROR_NO_PERMISSION, pynvml.NVML_ERROR_NOT_FOUND,
    pynvml.NVML_ERROR_FUNCTION_NOT_FOUND, pynvml.NVML_ERROR_NO_DATA,
    pynvml.NVML_ERROR_ARGUMENT_VERSION_MISMATCH, pynvml.NVML_ERROR_DEPRECATED,
})  # fmt: skip

_SICK = {
    pynvml.NVML_ERROR_GPU_IS_LOST: "is lost (it fell off the bus); the machine needs a reboot",
    pynvml.NVML_ERROR_RESET_REQUIRED: "needs a reset by the machine's administrator",
}

# Why clocks are held back, where that says something of the machine.
_SLOWED = {
    0x20: "heat", 0x40: "heat", 0x80: "its power supply (power brake)",
}  # fmt: skip
_RECOVERY_ACTION = 230  # NVML_FI_DEV_GET_GPU_RECOVERY_ACTION, since driver 565
_INT, _LONG = 1, (2, 3)  # NVML_VALUE_TYPE_UNSIGNED_INT, _LONG and _LONG_LONG

_CANNOT_START = {
    pynvml.NVML_ERROR_LIBRARY_NOT_FOUND: "no NVIDIA driver library (libnvidia-ml.so.1) here",
    pynvml.NVML_ERROR_DRIVER_NOT_LOADED: "the NVIDIA driver is not loaded",
    pynvml.NVML_ERROR_LIB_RM_VERSION_MISMATCH: (
        "the NVIDIA driver and its library have different versions; reboot, "
        "or set TUISWP_GPUS=none to run on CPU slots"
    ),
}
# There is no GPU to use here. Anything else that keeps NVML from starting is a GPU machine that is
# sick, and running its trials on the CPU instead would be a wrong guess.
_NO_GPU_HERE = frozenset({
    pynvml.NVML_ERROR_LIBRARY_NOT_FOUND, pynvml.NVML_ERROR_DRIVER_NOT_LOADED,
})  # fmt: skip


class Nvml:
    """NVML as far as this child is concerned. `over`: it cannot be used; end the process."""

    def __init__(self) -> None:
        self.over = False
        self._started = False
        self._driver: str | None = None
        self._readers: list[_Reader] = []
        self._owners = Owners()

    def read(self, deadline: float) -> Inventory:
        """All GPUs in PCI bus order; those that do not answer by `deadline` (monotonic) are named.

        Starting NVML and counting is not bounded here: the parent ends a child that hangs.
        """
        try:
            if not self._started:
                pynvml.nvmlInit()
                self._started = True
                self._driver = _told(pynvml.nvmlSystemGetDriverVersion)
            count = pynvml.nvmlDeviceGetCount()
        except pynvml.NVMLError as error:
            self.over = True
            problem = _CANNOT_START.get(error.value) or f"NVML: {error}"
            source: Source = "none" if error.value in _NO_GPU_HERE else "nvml"
            return Inventory((), source, problem, self._driver, time.time())
        taken_at = time.time()
        if count == 0:
            self.over = True
            return Inventory((), "none", "NVML finds no GPU", self._driver, taken_at)
        while len(self._readers) < count:
            self._readers.append(_Reader(len(self._readers), self._owners))
        readers = self._readers[:count]
        for reader in readers:
            reader.ask()
        found = [reader.result(deadline) for reader in readers]
        return Inventory(_in_bus_order(found), "nvml", None, self._driver, taken_at)


class _Found(msgspec.Struct, frozen=True):
    """What one index held: its place on the bus and the devices it offers."""

    bus: tuple[int, int, int] | None
    gpus: tuple[GpuReading, ...]

    def sick(self, problem: str, *, faulty: bool = False) -> "_Found":
        """What was known, with the reason not to use it; of a faulty one what stays as it is."""
        known: dict[str, Any] = {"problem": problem, "faulty": faulty}
        if faulty:
            known |= {"memory_used_mib": None, "memory_free_mib": None, "processes": None}
            known |= {"utilization": None, "health": Health(), "news": ()}
        gpus = (msgspec.structs.replace(gpu, **known) for gpu in self.gpus)
        return _Found(self.bus, tuple(gpus))


def _in_bus_order(found: list[_Found]) -> tuple[GpuReading, ...]:
    """NVML counts in bus order already; sort only if every place is known, and renumber."""
    if all(one.bus is not None for one in found):
        found = sorted(found, key=lambda one: one.bus or (0, 0, 0))
    return tuple(
        msgspec.structs.replace(gpu, index=place)
        for place, one in enumerate(found)
        for gpu in one.gpus
    )


class _Reader:
    """Reads the GPU of one index in its own thread."""

    def __init__(self, index: int, owners: Owners) -> None:
        self._index = index
        self._owners = owners
        self._asked_at = 0.0
        self._requests: queue.SimpleQueue[None] = queue.SimpleQueue()
        self._idle = threading.Event()
        self._idle.set()
        self._last = _Found(None, (GpuReading("", index),))
        threading.Thread(target=self._run, daemon=True).start()

    def ask(self) -> None:
        """Start a reading, unless the last one has not come back."""
        if self._idle.is_set():
            self._idle.clear()
            self._asked_at = time.monotonic()
            self._requests.put(None)

    def result(self, deadline: float) -> _Found:
        """The reading, or the last one with the problem that the GPU is silent."""
        if self._idle.wait(max(0.0, deadline - time.monotonic())):
            return self._last
        silent = time.monotonic() - self._asked_at
        return self._last.sick(f"does not answer ({silent:.0f} s)")

    def _run(self) -> None:
        while True:
            self._requests.get()
            try:
                self._last = _read_index(self._index, self._owners)
            except Exception as fault:  # one GPU's oddity stays that GPU's
                self._last = self._last.sick(_why(fault), faulty=_is_fault(fault))
            self._idle.set()


def _why(fault: Exception) -> str:
    if isinstance(fault, pynvml.NVMLError):
        return _SICK.get(fault.value) or f"NVML: {fault}"
    return f"cannot be read: {type(fault).__name__}: {fault}"


def _is_fault(fault: Exception) -> bool:
    return isinstance(fault, pynvml.NVMLError) and fault.value in _SICK


def _told(ask: Callable[..., T], *arguments: Any) -> T | None:
    """The answer, None if this GPU does not tell. A sick GPU raises NVMLError."""
    try:
        return ask(*arguments)
    except pynvml.NVMLError as error:
        if error.value in _NOT_TOLD:
            return None
        raise
    except (pynvml.NVMLLibraryMismatchError, UnicodeDecodeError):
        return None


def _read_index(index: int, owners: Owners) -> _Found:
    """The GPU of this index, or its MIG devices if it is cut up. Raises NVMLError if it is lost."""
    at = time.monotonic()
    handle = pynvml.nvmlDeviceGetHandleByIndex(index)
    place = _told(pynvml.nvmlDeviceGetPciInfo, handle)
    bus = None if place is None else (place.domain, place.bus, place.device)
    pci = None if bus is None else "{:04x}:{:02x}:{:02x}".format(*bus)
    uuid = str(pynvml.nvmlDeviceGetUUID(handle))
    mig = _told(pynvml.nvmlDeviceGetMigMode, handle)
    if mig is None or mig[0] != 1:
        return _Found(bus, (_read_device(handle, GpuReading(uuid, index, at=at, pci=pci), owners),))
    parts: list[GpuReading] = []
    for number in range(_told(pynvml.nvmlDeviceGetMaxMigDeviceCount, handle) or 0):
        part = _told(pynvml.nvmlDeviceGetMigDeviceHandleByIndex, handle, number)
        if part is None:  # the place is empty
            continue
        blank = GpuReading(
            str(pynvml.nvmlDeviceGetUUID(part)),
            index,
            mig=True,
            share_of=uuid,
            mig_index=len(parts),
            at=at,
            pci=pci,
        )
        parts.append(_read_device(part, blank, owners, board=handle))
    if parts:
        return _Found(bus, tuple(parts))
    name = _told(pynvml.nvmlDeviceGetName, handle)
    problem = "has MIG mode on and no MIG device; create them or turn MIG off"
    return _Found(bus, (GpuReading(uuid, index, name, problem=problem, mig=True, at=at, pci=pci),))


def _read_device(
    handle: Any, blank: GpuReading, owners: Owners, board: Any | None = None
) -> GpuReading:
    """Fill in `blank`. Heat and power are the board's, also for a part of it."""
    board = handle if board is None else board
    known: dict[str, Any] = {}
    try:
        known["name"] = _told(pynvml.nvmlDeviceGetName, handle)
        memory = _told(pynvml.nvmlDeviceGetMemoryInfo, handle)
        if memory is not None:
            known["memory_total_mib"] = memory.total // _MIB
            known["memory_used_mib"] = -(-memory.used // _MIB)
            known["memory_free_mib"] = memory.free // _MIB
        known["processes"] = owners.of(_listed(handle))
        usage = _told(pynvml.nvmlDeviceGetUtilizationRates, handle)
        known["utilization"] = None if usage is None else usage.gpu
        known["temperature_c"] = _told(
            pynvml.nvmlDeviceGetTemperature, board, pynvml.NVML_TEMPERATURE_GPU
        )
        known["power_w"] = _watts(_told(pynvml.nvmlDeviceGetPowerUsage, board))
        known["power_limit_w"] = _watts(_told(pynvml.nvmlDeviceGetEnforcedPowerLimit, board))
        known["health"] = _health(board)
    except pynvml.NVMLError as error:
        known["problem"], known["faulty"] = _why(error), _is_fault(error)
    return msgspec.structs.replace(blank, **known)


def _health(board: Any) -> Health:
    """Its condition, as far as this card and this driver tell."""
    rows = _condition(pynvml.nvmlDeviceGetRemappedRows, board)
    pages = _condition(pynvml.nvmlDeviceGetRetiredPagesPendingStatus, board)
    errors = _condition(
        pynvml.nvmlDeviceGetTotalEccErrors,
        board,
        pynvml.NVML_MEMORY_ERROR_TYPE_UNCORRECTED,
        pynvml.NVML_VOLATILE_ECC,
    )
    reasons = _condition(pynvml.nvmlDeviceGetCurrentClocksEventReasons, board)
    if reasons is None:  # drivers before 535
        reasons = _condition(pynvml.nvmlDeviceGetCurrentClocksThrottleReasons, board)
    slowed = [why for bit, why in _SLOWED.items() if reasons is not None and reasons & bit]
    return Health(
        memory_errors=errors,
        remapped=None if rows is None else rows[0] + rows[1],
        remap_pending=None if rows is None else bool(rows[2]),
        remap_failed=None if rows is None else bool(rows[3]),
        pages_pending=None if pages is None else bool(pages),
        action=_action(board),
        slowed=tuple(dict.fromkeys(slowed)),
    )


def _condition(ask: Callable[..., T], *arguments: Any) -> T | None:
    """The answer, None for whatever else happens: many cards and drivers cannot tell.

    Only a GPU that is lost or asks for a reset raises NVMLError.
    """
    try:
        return ask(*arguments)
    except pynvml.NVMLError as error:
        if error.value in _SICK:
            raise
        return None


def _action(board: Any) -> int | None:
    values = _condition(pynvml.nvmlDeviceGetFieldValues, board, [_RECOVERY_ACTION])
    if not values or values[0].nvmlReturn != pynvml.NVML_SUCCESS:
        return None
    told = values[0]
    if told.valueType == _INT:
        return int(told.value.uiVal)
    return int(told.value.ullVal) if told.valueType in _LONG else None


def _watts(milliwatts: int | None) -> float | None:
    return None if milliwatts is None else milliwatts / 1000


def _listed(handle: Any) -> dict[int, tuple[int | None, bool]] | None:
    """Pid → (memory in MiB, draws only). None if computing processes cannot be listed."""
    computing = _told(pynvml.nvmlDeviceGetComputeRunningProcesses_v3, handle)
    if computing is None:  # drivers before 510
        computing = _told(pynvml.nvmlDeviceGetComputeRunningProcesses_v2, handle)
    if computing is None:
        return None
    drawing = _told(pynvml.nvmlDeviceGetGraphicsRunningProcesses_v3, handle) or []
    found: dict[int, tuple[int | None, bool]] = {}
    for processes, draws in ((drawing, True), (computing, False)):
        for process in processes:
            used = process.usedGpuMemory
            found[process.pid] = (None if used is None else -(-used // _MIB), draws)
    return found
