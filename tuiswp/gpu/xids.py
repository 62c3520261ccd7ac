"""What the NVIDIA driver tells the kernel log about a GPU: one line read, one meaning. Pure.

Codes and what is to be done about them are from NVIDIA's Xid catalog for Ampere and newer
(docs.nvidia.com/deploy/xid-errors/analyzing-xid-catalog.html) and its pages on memory errors
(docs.nvidia.com/deploy/a100-gpu-mem-error-mgmt). Where those let work go on until a reset is
convenient (63, 94), nothing new is started here all the same; who knows better can release the GPU.
A line may quote the name of a process, which is whatever the process likes: only what stands before
it is believed.
"""

import re
from typing import Literal, TypeAlias

import msgspec

# "reset", "reboot": nothing new is started there, and what is to be done. "application": the
# program that met it is at fault or at a loss, the GPU is not. "news": worth a line of the GPU.
# "told": worth nothing by itself.
Grade: TypeAlias = Literal["reset", "reboot", "application", "news", "told"]

FELL_OFF = 79
RECOVERY_CHANGED = 154
_TEXT_LIMIT = 300


class Kind(msgspec.Struct, frozen=True):
    """One code of the table: what the GPU did or met, and what follows.

    `linked`: since driver 565 the driver's own recovery action tells whether it still matters.
    """

    what: str
    grade: Grade
    linked: bool = False


KINDS: dict[int, Kind] = {
    13: Kind("met a graphics engine exception", "application"),
    31: Kind("met a memory page fault", "application"),
    32: Kind("met an invalid push buffer", "application"),
    43: Kind("stopped the work of a program", "application"),
    45: Kind("removed the work of a program", "told"),  # what follows a death, not what causes it
    46: Kind("stopped processing", "reset"),
    48: Kind("had an uncorrectable memory error", "reset", linked=True),
    62: Kind("halted", "reset", linked=True),
    63: Kind("has bad memory that a reset will replace", "reset", linked=True),
    64: Kind("has bad memory that could not be replaced", "reset", linked=True),
    69: Kind("met a graphics class error", "application"),
    74: Kind("had an NVLink error", "reset", linked=True),
    79: Kind("fell off the bus", "reboot", linked=True),
    92: Kind("corrects many memory errors", "news"),
    94: Kind("had a contained memory error", "reset", linked=True),
    95: Kind("had an uncontained memory error", "reset", linked=True),
    109: Kind("timed out between two programs", "reset", linked=True),
    110: Kind("had a security fault", "reset", linked=True),
    119: Kind("gets no answer from its firmware", "reset"),
    120: Kind("had an error of its firmware", "reset", linked=True),
    136: Kind("failed to train its NVLink", "reset", linked=True),
    140: Kind("had an unrecovered memory error", "reset"),
    143: Kind("could not be initialised", "reset", linked=True),
    156: Kind("has a part that a reset will retire", "reset", linked=True),
    158: Kind("had a fatal timeout", "reset"),
}
# Not in the table: programs meet most of them; those that are only news are no evidence.
_UNLISTED = Kind("reported a fault", "application")
_NOTHING = Kind("said something", "told")
_ONLY_NEWS = frozenset({14, 37, 38, 44, 66, 67, 93, 106, 107, 108, 121, 137, 141, 157, 160, 161})


class Xid(msgspec.Struct, frozen=True):
    """One such line.

    `seq`: its number in the kernel log. `at`: CLOCK_MONOTONIC seconds, `seen`: when it was read.
    `pci`: place of its GPU, `0000:41:00`. `pid`: the process it names. `text`: the line, raw.
    """

    seq: int
    at: float
    pci: str
    code: int
    pid: int | None = None
    text: str = ""
    seen: float = 0.0

    @property
    def kind(self) -> Kind:
        known = KINDS.get(self.code)
        if self.code == RECOVERY_CHANGED:
            return _recovery(self.text)
        if known is None:
            return _NOTHING if self.code in _ONLY_NEWS else _UNLISTED
        return known

    @property
    def hurts(self) -> bool:
        """Whether a program may end for it; 63 only notes for later what another one did."""
        return self.kind.grade in ("reset", "reboot", "application") and self.code != 63

    @property
    def well(self) -> bool:
        """The driver says that nothing needs to be done any more."""
        return self.code == RECOVERY_CHANGED and self.kind.grade == "told"

    @property
    def words(self) -> str:
        """What follows its GPU's name: `had an uncorrectable memory error (Xid 48)`."""
        return f"{self.kind.what} (Xid {self.code})"


class DriverLoaded(msgspec.Struct, frozen=True):
    """The driver began anew: what it said before is over."""

    seq: int


Message: TypeAlias = Xid | DriverLoaded

_PLACE = rb"(?:PCI:)?([0-9A-Fa-f]{4,8}):([0-9A-Fa-f]{2}):([0-9A-Fa-f]{2})(?:\.[0-7])?"
_XID = re.compile(
    rb"NVRM: Xid \(" + _PLACE + rb"(?: GPU-I:[0-9A-Fa-f]{1,4})?\): (\d{1,4})(?!\d)"
    rb"(?:, pid='?(\d{1,10})(?!\d))?"
)
_FELL_OFF = re.compile(rb"NVRM: GPU (?:at )?" + _PLACE + rb":? (?:GPU )?has fallen off the bus")
_LOADED = re.compile(rb"NVRM: loading NVIDIA ")
_ACTION = re.compile(r"recovery action changed from 0x[0-9a-fA-F]+ \([^)]*\) to 0x([0-9a-fA-F]+)")
# prefix of /dev/kmsg: priority and facility, number, microseconds, flags, whatever comes; text
_PREFIX = re.compile(rb"(\d{1,5}),(\d{1,20}),(\d{1,20}),[^;\n]{0,200};")
_KERNEL = 0


def message(record: bytes, *, seen: float = 0.0) -> Message | None:
    """What a record of /dev/kmsg says of the driver; None if nothing.

    Only the kernel's own are believed: others can write there, but under their own facility.
    """
    prefix = _PREFIX.match(record)
    if prefix is None or int(prefix[1]) >> 3 != _KERNEL:
        return None
    seq, at, text = int(prefix[2]), int(prefix[3]) / 1e6, record[prefix.end() :]
    if _LOADED.match(text):
        return DriverLoaded(seq)
    found = _XID.match(text)
    if found is not None:
        code, pid = int(found[4]), None if found[5] is None else int(found[5])
    elif (found := _FELL_OFF.match(text)) is not None:
        code, pid = FELL_OFF, None
    else:
        return None
    line = text.split(b"\n", 1)[0][:_TEXT_LIMIT].decode("ascii", "backslashreplace")
    return Xid(seq, at, place(found[1], found[2], found[3]), code, pid, line, seen)


def place(domain: bytes, bus: bytes, device: bytes) -> str:
    """A place on the PCI bus as everything here writes it: `0000:41:00`."""
    return f"{int(domain, 16):04x}:{int(bus, 16):02x}:{int(device, 16):02x}"


def _recovery(text: str) -> Kind:
    """What the driver itself asks for (its values are NVML's NVML_GPU_RECOVERY_ACTION_*)."""
    found = _ACTION.findall(text)  # the last: a process may have such a name
    return recovery(int(found[-1], 16) if found else 1)


def recovery(action: int) -> Kind:
    """A recovery action of the driver, by its number."""
    if action == 0:
        return Kind("needs nothing done, its driver says", "told", linked=True)
    if action in (2, 7):
        return Kind("cannot go on, its driver says", "reboot", linked=True)
    return Kind("cannot go on as it is, its driver says", "reset", linked=True)
