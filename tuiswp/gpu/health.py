"""What NVML and the kernel log say together of each GPU's condition, and what follows. Pure.

A GPU with a fault gets nothing new and a sentence that says what a person has to do; what runs on
it goes on. It is well again when what spoke against it is gone: the driver asks for nothing any
more, the driver or the machine began anew, or a person has released it. Resets nothing.
"""

from collections.abc import Mapping, Sequence

from msgspec.structs import replace

from tuiswp.gpu.inventory import GpuReading, Inventory
from tuiswp.gpu.released import Release
from tuiswp.gpu.xids import Grade, Xid, recovery

# The driver's recovery action may follow what it says to the kernel log only after a while.
_LINK_LAG_S = 5.0
_BY_HAND = 4  # drain and reset: it works as it is, with less of its memory
_NEEDS = {
    "reset": "needs a reset (`nvidia-smi -r`, by an administrator)",
    "reboot": "the machine needs a reboot",
}


def judged(inventory: Inventory, said: Sequence[Xid], releases: Mapping[str, Release]) -> Inventory:
    """`inventory`, each GPU with the problem and the news that follow from its condition.

    `said`: what the driver that is loaded now told the kernel.
    """
    if inventory.source != "nvml" or not inventory.gpus:
        return inventory
    return replace(
        inventory,
        gpus=tuple(
            _judged(gpu, [xid for xid in said if xid.pci == gpu.pci], releases)
            for gpu in inventory.gpus
        ),
    )


def releasable(gpu: GpuReading) -> bool:
    """Whether a person may say that it is fit for work: it answers, and the driver lets it work."""
    return gpu.faulty and gpu.memory_free_mib is not None and gpu.health.action in (None, 0, 4)


def broken(gpu: GpuReading) -> bool:
    """Whether NVML itself says that nothing can be computed there."""
    return gpu.faulty and not releasable(gpu)


def _judged(gpu: GpuReading, said: Sequence[Xid], releases: Mapping[str, Release]) -> GpuReading:
    release = releases.get(gpu.share_of or gpu.uuid)
    new = [xid for xid in said if release is None or xid.seq > release.seq]
    standing = _standing(gpu, new)
    news = [*gpu.news, *(f"is slowed down by {why}" for why in gpu.health.slowed)]
    news += dict.fromkeys(xid.words for xid in new if xid.kind.grade == "news")
    if gpu.problem is not None:
        codes = ", ".join(dict.fromkeys(f"Xid {xid.code}" for xid in standing))
        problem = f"{gpu.problem} ({codes})" if codes else gpu.problem
        return replace(gpu, problem=problem, faulty=gpu.faulty or bool(codes), news=tuple(news))
    fault = _fault(gpu, standing, release)
    if fault is None:
        return replace(gpu, news=tuple(news))
    return replace(gpu, problem=fault, faulty=True, news=tuple(news))


def _standing(gpu: GpuReading, said: Sequence[Xid]) -> list[Xid]:
    """Those that still speak against the GPU, the oldest first."""
    standing: list[Xid] = []
    for xid in said:
        if xid.well:
            standing = [one for one in standing if not one.kind.linked]
        elif xid.kind.grade in ("reset", "reboot"):
            standing.append(xid)
    if gpu.problem is None and gpu.health.action == 0:  # as the driver sees it, all is well
        return [one for one in standing if not (one.kind.linked and _seen_later(gpu, one))]
    return standing


def _seen_later(gpu: GpuReading, xid: Xid) -> bool:
    return gpu.at > xid.seen and gpu.at - xid.at > _LINK_LAG_S


def _fault(gpu: GpuReading, standing: Sequence[Xid], release: Release | None) -> str | None:
    """The sentence about what is wrong and what to do, None if nothing is."""
    action = gpu.health.action
    if action and not (action == _BY_HAND and release is not None and release.action == action):
        kind = recovery(action)
        return _sentence(gpu, kind.what, kind.grade, standing)
    if standing:
        worst = next((xid for xid in standing if xid.kind.grade == "reboot"), standing[-1])
        return _sentence(gpu, worst.words, worst.kind.grade)
    what = _memory(gpu, release)
    return None if what is None else _sentence(gpu, what, "reset")


def _memory(gpu: GpuReading, release: Release | None) -> str | None:
    health = gpu.health
    if release is None or not release.memory or release.remapped != health.remapped:
        if health.remap_failed:
            return "has bad memory that could not be replaced"
        if health.remap_pending or health.pages_pending:
            return "has bad memory that a reset will replace"
    if health.memory_errors and (release is None or release.memory_errors != health.memory_errors):
        many = "error" if health.memory_errors == 1 else "errors"
        return f"has {health.memory_errors} uncorrectable memory {many} since its last reset"
    return None


def _sentence(gpu: GpuReading, what: str, grade: Grade, also: Sequence[Xid] = ()) -> str:
    codes = ", ".join(dict.fromkeys(f"Xid {xid.code}" for xid in also))
    told = f"{what} ({codes})" if codes else what
    if grade == "reset":
        label = gpu.label.partition(".")[0]
        return f"{told}; {_NEEDS[grade]}; `tuiswp gpus --release {label}` uses it as it is"
    return f"{told}; {_NEEDS[grade]}"
