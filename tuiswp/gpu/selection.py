"""Which GPUs may be used: TUISWP_GPUS, and an inherited CUDA_VISIBLE_DEVICES. Pure.

TUISWP_GPUS is `sim:4x80` (four simulated GPUs of 80 GiB), `none` (CPU slots), or a list of indices
in PCI bus order and UUIDs. CUDA_VISIBLE_DEVICES narrows what is left, and is read the same way.
"""

import re
import time
from collections.abc import Mapping
from typing import TypeAlias

import msgspec

from tuiswp.errors import UsageError
from tuiswp.gpu.inventory import SIMULATED_PREFIX, GpuReading, Inventory
from tuiswp.text import visible

VARIABLE = "TUISWP_GPUS"
CUDA = "CUDA_VISIBLE_DEVICES"

_SIMULATED = re.compile(r"sim:(\d{1,4})x(\d{1,5})")
_MAX_SIMULATED = 256
_INDEX = re.compile(r"\d{1,4}")
_UUID = re.compile(r"(?:GPU|MIG)-[A-Za-z0-9/-]{1,90}")
_HINT = f"{VARIABLE} is sim:4x80, none, or a list such as 0,2 or GPU-8932f937"


class Only(msgspec.Struct, frozen=True):
    """Only GPUs that `names` (indices and UUIDs) name; `setting` says who asks for it."""

    names: tuple[str, ...]
    setting: str
    note: str = ""


class Real(msgspec.Struct, frozen=True):
    """The machine's GPUs, as far as every filter lets them through."""

    filters: tuple[Only, ...] = ()


class Simulated(msgspec.Struct, frozen=True):
    count: int
    gib: int


class Nothing(msgspec.Struct, frozen=True):
    """No GPU is wanted: CPU slots."""

    why: str


Selection: TypeAlias = Real | Simulated | Nothing


def choose(environ: Mapping[str, str]) -> Selection:
    """Read the two variables. Raises UsageError if TUISWP_GPUS cannot be understood."""
    wanted = environ.get(VARIABLE, "").strip()
    setting = f"{VARIABLE}={visible(wanted, limit=60)}"
    if wanted == "none":
        return Nothing(setting)
    if wanted.startswith("sim"):
        return _simulated(wanted, setting)
    filters: list[Only] = []
    if wanted:
        names = tuple(name.strip() for name in wanted.split(","))
        for name in names:
            if not (_INDEX.fullmatch(name) or _UUID.fullmatch(name)):
                shown = visible(name, limit=40)
                raise UsageError(f"{shown!r} names no GPU", where=VARIABLE, hint=_HINT)
        filters.append(Only(names, setting))
    inherited = environ.get(CUDA)
    if inherited is not None:
        only = _inherited(inherited, environ.get("CUDA_DEVICE_ORDER", ""))
        if not only.names:
            return Nothing(only.setting)
        filters.append(only)
    return Real(tuple(filters))


def _simulated(wanted: str, setting: str) -> Simulated:
    found = _SIMULATED.fullmatch(wanted)
    count, gib = (int(found[1]), int(found[2])) if found else (0, 0)
    if not (0 < count <= _MAX_SIMULATED and gib > 0):
        raise UsageError(
            f"{setting!r} is not sim:COUNTxGIB with 1 to {_MAX_SIMULATED} GPUs of at least 1 GiB",
            where=VARIABLE,
            hint="write sim:4x80 for four GPUs of 80 GiB",
        )
    return Simulated(count, gib)


def _inherited(value: str, order: str) -> Only:
    """As CUDA reads it: the list ends at the first name that is none."""
    names: list[str] = []
    for name in value.split(","):
        if not (_INDEX.fullmatch(name.strip()) or _UUID.fullmatch(name.strip())):
            break
        names.append(name.strip())
    counted = any(name.isdecimal() for name in names) and order != "PCI_BUS_ID"
    note = "; its numbers are read in PCI bus order" if counted else ""
    return Only(tuple(names), f"{CUDA}={visible(value, limit=60)}", note)


def _names(name: str, gpu: GpuReading) -> bool:
    """An index, or the beginning of a UUID; a whole GPU also names its MIG devices."""
    if name.isdecimal():
        return int(name) == gpu.index
    return any(
        uuid.lower().startswith(name.lower()) for uuid in (gpu.uuid, gpu.share_of or "") if uuid
    )


def restrict(inventory: Inventory, selection: Real) -> Inventory:
    """Leave out the GPUs that may not be used, and say so in the notes.

    If nothing is left of a machine that has GPUs, that is a problem and not a machine without.
    """
    gpus, notes, problem = inventory.gpus, list(inventory.notes), inventory.problem
    for only in selection.filters if inventory.gpus else ():
        left = tuple(gpu for gpu in gpus if any(_names(name, gpu) for name in only.names))
        notes.append(f"{only.setting}: {len(left)} of {len(gpus)} GPUs may be used{only.note}")
        notes += [
            f"{only.setting}: this machine has no GPU {visible(name)}"
            for name in only.names
            if not any(_names(name, gpu) for gpu in inventory.gpus)
        ]
        if gpus and not left:
            problem = problem or f"{only.setting} leaves none of this machine's GPUs"
        gpus = left
    return msgspec.structs.replace(inventory, gpus=gpus, notes=tuple(notes), problem=problem)


def without_nvml(selection: Simulated | Nothing) -> Inventory:
    """The inventory that needs no look at the machine."""
    if isinstance(selection, Nothing):
        note = f"{selection.why}: no GPU is used"
        return Inventory((), "none", note, taken_at=time.time(), notes=(note,))
    mib = selection.gib * 1024
    gpus = tuple(
        GpuReading(
            f"{SIMULATED_PREFIX}0000-{index:04d}",
            index,
            f"simulated {selection.gib} GiB",
            memory_total_mib=mib,
            memory_used_mib=0,
            memory_free_mib=mib,
            utilization=0,
            processes=(),
            at=time.monotonic(),
        )
        for index in range(selection.count)
    )
    return Inventory(gpus, "sim", taken_at=time.time(), notes=("these GPUs are simulated",))
