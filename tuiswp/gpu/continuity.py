"""Join what was known of the GPUs with a new look at them. Pure.

A GPU keeps its number while this process lives, and one that vanishes is not forgotten: the others
are not renumbered, and nobody takes a machine that lost its GPUs for one that never had any.
"""

import msgspec

from tuiswp.gpu.inventory import GpuReading, Inventory


def carry_on(before: Inventory | None, now: Inventory) -> Inventory:
    """`now`, with the numbers of `before` and with its vanished GPUs, each with its problem."""
    if before is None or not before.gpus:
        return now
    if not now.gpus:  # NVML itself is gone
        problem = now.problem or "NVML lists no GPU any more"
        return msgspec.structs.replace(before, problem=problem, taken_at=now.taken_at)
    # One that changed places is told twice while its old place cannot be read: the newer counts.
    fresh = {gpu.uuid: gpu for gpu in sorted(now.gpus, key=lambda gpu: gpu.at) if gpu.uuid}
    nameless = {gpu.index: gpu for gpu in now.gpus if not gpu.uuid}
    # A whole GPU that was cut up into MIG devices since is not lost: its parts are new devices.
    parts = {gpu.share_of for gpu in fresh.values()}
    wholes = {gpu.uuid for gpu in fresh.values()}
    gpus: list[GpuReading] = []
    for old in before.gpus:
        new = fresh.pop(old.uuid, None)
        if new is not None:
            gpus.append(msgspec.structs.replace(new, index=old.index, mig_index=old.mig_index))
        elif old.uuid and old.uuid not in parts and old.share_of not in (parts | wholes) - {None}:
            gpus.append(_missing(old, nameless.pop(old.index, None)))
    taken = {(gpu.index, gpu.mig_index) for gpu in gpus}
    for new in [*fresh.values(), *nameless.values()]:
        gpus.append(_numbered(new, taken))
        taken.add((gpus[-1].index, gpus[-1].mig_index))
    gpus.sort(key=lambda gpu: (gpu.index, -1 if gpu.mig_index is None else gpu.mig_index))
    return msgspec.structs.replace(now, gpus=tuple(gpus))


def _missing(old: GpuReading, nameless: GpuReading | None) -> GpuReading:
    """What is left of a GPU that no longer tells its UUID, or is not listed at all."""
    problem = "is no longer listed by NVML" if nameless is None else nameless.problem
    return msgspec.structs.replace(
        old,
        problem=problem,
        faulty=nameless is not None and nameless.faulty,
        processes=None,
        utilization=None,
    )


def _numbered(new: GpuReading, taken: set[tuple[int, int | None]]) -> GpuReading:
    """`new` under its own number, or the next free one if an older GPU has it."""
    index, part = new.index, new.mig_index
    while (index, part) in taken:
        if part is None:
            index += 1
        else:
            part += 1
    return msgspec.structs.replace(new, index=index, mig_index=part)
