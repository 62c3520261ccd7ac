"""Which GPUs the next trial gets, or why it waits. Pure: no clock, no disk, no NVML.

A wrong yes kills a neighbour's run, so what is unknown never fits. Never ends a stranger's process.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import TypeAlias

import msgspec

from tuiswp.gpu.environment import CPU
from tuiswp.gpu.inventory import GpuProcess, GpuReading, Inventory
from tuiswp.gpu.leases import HeldLease, safe_name
from tuiswp.model.sweep import Resources
from tuiswp.model.trial import Lease
from tuiswp.text import visible


class Place(msgspec.Struct, frozen=True):
    """The trial can start on these leases."""

    leases: tuple[Lease, ...]


class Wait(msgspec.Struct, frozen=True):
    """It cannot start now; `reason` is a sentence that names the nearest obstacle."""

    reason: str


class Fit(msgspec.Struct, frozen=True):
    """One GPU can take the trial: its next share, how many leases it has, memory left in MiB."""

    share: int
    tenants: int
    room_mib: int


class Obstacle(msgspec.Struct, frozen=True):
    """Why one GPU cannot: a sentence about it. The lower `distance`, the sooner it may pass."""

    distance: int
    reason: str
    room_mib: int = -1


_TAKEN, _FULL, _OTHER_SWEEP, _STRANGER, _SET_ASIDE, _UNKNOWN, _SICK, _NEVER = range(8)
Verdict: TypeAlias = Fit | Obstacle


def place(
    resources: Resources,
    inventory: Inventory,
    leases: Collection[HeldLease],
    *,
    own_tokens: Collection[str],
    cpu_slots: int,
    running: int,
    closed: Mapping[str, str] | None = None,
) -> Place | Wait:
    """Find `gpus_per_trial` GPUs (or a CPU slot) for one more trial.

    `leases`: all that are held on this host, and this sweep's CPU leases, which exist nowhere else.
    `own_tokens`: tokens of this sweep's attempts, those whose GPU still cools down too.
    `running`: how many of its trials run. `closed`: by UUID, why a GPU is to get nothing now.
    """
    if resources.max_parallel is not None and running >= resources.max_parallel:
        return Wait(f"{running} of at most {resources.max_parallel} trials run (max_parallel)")
    if inventory.source == "none" or resources.gpus_per_trial < 1:
        return _cpu_slot(leases, own_tokens, cpu_slots, running)
    if inventory.problem is not None:
        return Wait(visible(inventory.problem))
    needed = resources.gpus_per_trial
    if needed > len(inventory.gpus):
        return Wait(
            f"needs {_gpus(needed)} for one trial, {_gpus(len(inventory.gpus))} can be used"
        )
    verdicts = _verdicts(resources, inventory, leases, own_tokens, closed)
    fitting = [(gpu, fit) for gpu, fit in verdicts if isinstance(fit, Fit)]
    if len(fitting) >= needed:
        # Spread over GPUs before doubling up, and then the emptiest first.
        fitting.sort(key=lambda one: (one[1].tenants, -one[1].room_mib, one[0].index))
        return Place(tuple(Lease(gpu.uuid, fit.share, gpu.label) for gpu, fit in fitting[:needed]))
    nearest = _nearest(
        [(gpu, one) for gpu, one in verdicts if isinstance(one, Obstacle)],
        resources.gpu_memory_mib or 0,
    )
    if needed == 1:
        return Wait(nearest)
    free = ", ".join(gpu.label for gpu, _ in fitting) or "none"
    return Wait(f"needs {_gpus(needed)} at once, free: {free}; {nearest}")


def explain_all(
    resources: Resources,
    inventory: Inventory,
    leases: Collection[HeldLease],
    *,
    own_tokens: Collection[str],
    closed: Mapping[str, str] | None = None,
) -> list[str]:
    """One sentence for each GPU: free for a trial, or what is in the way. For `tuiswp explain`."""
    return [
        f"{gpu.label} is free: {verdict.room_mib} MiB"
        if isinstance(verdict, Fit)
        else verdict.reason
        for gpu, verdict in _verdicts(resources, inventory, leases, own_tokens, closed)
    ]


def capacity(resources: Resources, inventory: Inventory, cpu_slots: int) -> int:
    """How many trials could run at once if every healthy GPU were free: for plans only.

    0: a trial can never run here.
    """
    if inventory.source == "none" or resources.gpus_per_trial < 1:
        most = cpu_slots
    else:
        shares = [
            _shares(gpu.memory_total_mib, resources)
            for gpu in inventory.gpus
            if gpu.problem is None and (resources.gpus_per_trial == 1 or not gpu.mig)
        ]
        most = _together(shares, resources.gpus_per_trial)
    return most if resources.max_parallel is None else min(most, resources.max_parallel)


def strangers(gpu: GpuReading, welcome: Collection[str]) -> list[GpuProcess]:
    """Processes that compute on this GPU and whose tokens are not among those welcome there."""
    return [
        process
        for process in gpu.processes or ()
        if not process.graphics and (process.token is None or process.token not in welcome)
    ]


class Misplaced(msgspec.Struct, frozen=True):
    """An attempt computes on a GPU it does not hold: its script chose by itself."""

    attempt: str
    gpu: GpuReading
    pid: int

    @property
    def text(self) -> str:
        return (
            f"{self.attempt} computes on {self.gpu.label}, which it does not hold "
            f"(pid {self.pid}); its script overrides CUDA_VISIBLE_DEVICES"
        )


def misplaced(
    inventory: Inventory, holders: Mapping[str, tuple[str, Collection[str]]]
) -> list[Misplaced]:
    """Who computes where it holds nothing. `holders`: attempt and UUIDs of each live token."""
    found: list[Misplaced] = []
    for gpu in inventory.gpus:
        for process in gpu.processes or ():
            attempt, uuids = holders.get(process.token or "", ("", ()))
            if attempt and not process.graphics and not {gpu.uuid, gpu.share_of} & set(uuids):
                found.append(Misplaced(attempt, gpu, process.pid))
    return found


def _shares(total_mib: int | None, resources: Resources) -> int:
    if total_mib is None:
        return 0
    need = resources.gpu_memory_mib
    return (
        resources.trials_per_gpu if not need else min(resources.trials_per_gpu, total_mib // need)
    )


def _together(shares: Sequence[int], each: int) -> int:
    """The most trials that fit at once, where one trial takes `each` shares of different GPUs."""
    trials = 0
    while sum(min(share, trials + 1) for share in shares) >= each * (trials + 1):
        trials += 1
    return trials


def _cpu_slot(
    leases: Collection[HeldLease], own_tokens: Collection[str], cpu_slots: int, running: int
) -> Place | Wait:
    taken = {one.share for one in leases if one.uuid == CPU and one.token in own_tokens}
    busy = max(running, len(taken))
    if busy >= cpu_slots:
        return Wait(f"{busy} of {cpu_slots} CPU slots are busy")
    share = next(share for share in range(len(taken) + 1) if share not in taken)
    return Place((Lease(CPU, share, f"{CPU}{share}"),))


def _verdicts(
    resources: Resources,
    inventory: Inventory,
    leases: Collection[HeldLease],
    own_tokens: Collection[str],
    closed: Mapping[str, str] | None,
) -> list[tuple[GpuReading, Verdict]]:
    holders = {lease.token for lease in leases if lease.problem is None}
    live = holders | set(own_tokens)
    verdicts: list[tuple[GpuReading, Verdict]] = []
    for gpu in inventory.gpus:
        held = _on(gpu, leases)
        # Who holds another GPU has no business here: it is where it should not be.
        strayed = holders - {lease.token for lease in held}
        verdict = _verdict(gpu, resources, held, live - strayed, own_tokens, closed)
        verdicts.append((gpu, verdict))
    return verdicts


def _nearest(obstacles: Sequence[tuple[GpuReading, Obstacle]], need: int) -> str:
    """The sentence about the obstacle that may pass soonest."""
    gpu, nearest = min(obstacles, key=lambda one: (one[1].distance, -one[1].room_mib))
    if nearest.distance == _TAKEN and len(obstacles) > 1:
        if all(one.distance == _TAKEN for _, one in obstacles):
            return f"all {len(obstacles)} GPUs are taken by this sweep's own trials"
    elif nearest.distance == _FULL:
        label, room = gpu.label, nearest.room_mib
        return f"needs {need} MiB free on one GPU; the emptiest, {label}, has {room}"
    return nearest.reason


def _on(gpu: GpuReading, leases: Iterable[HeldLease]) -> list[HeldLease]:
    safe = safe_name(gpu.uuid)
    return [one for one in leases if one.uuid == (gpu.uuid if one.problem is None else safe)]


def _verdict(
    gpu: GpuReading,
    resources: Resources,
    held: Sequence[HeldLease],
    welcome: Collection[str],
    own_tokens: Collection[str],
    closed: Mapping[str, str] | None,
) -> Verdict:
    """All rules for one GPU, the lasting obstacles first. `welcome`: tokens that may be on it."""
    label = gpu.label
    if gpu.problem is not None or not gpu.uuid:
        return Obstacle(_SICK, f"{label} {visible(gpu.problem or 'does not tell its UUID')}")
    if gpu.mig and resources.gpus_per_trial > 1:
        return Obstacle(_NEVER, f"{label} is a MIG device, and CUDA gives a process only one")
    if gpu.memory_total_mib is None or gpu.memory_free_mib is None:
        return Obstacle(_UNKNOWN, f"{label} does not report its free memory")
    need = resources.gpu_memory_mib or 0
    if need > gpu.memory_total_mib:
        return Obstacle(_NEVER, _too_small(gpu, need), gpu.memory_total_mib)
    if closed is not None and gpu.uuid in closed:
        return Obstacle(_SET_ASIDE, closed[gpu.uuid])
    for lease in held:
        if lease.problem is not None:
            return Obstacle(_UNKNOWN, f"{label}: lease file {visible(lease.problem)}")
        if lease.token not in own_tokens:
            who = f"{visible(lease.sweep_dir, limit=200)}, {visible(lease.attempt, limit=40)}"
            return Obstacle(_OTHER_SWEEP, f"{label} is held by another sweep ({who})")
    if not resources.share_busy:
        if gpu.processes is None:
            return Obstacle(_UNKNOWN, f"{label} does not report its processes")
        foreign = strangers(gpu, welcome)
        if foreign:
            return Obstacle(_STRANGER, _used_by(label, foreign))
    room = gpu.memory_free_mib - sum(_outstanding(lease, gpu) for lease in held)
    taken = {lease.share for lease in held}
    share = next((one for one in range(resources.trials_per_gpu) if one not in taken), None)
    if share is None or len(held) >= resources.trials_per_gpu:
        return Obstacle(_TAKEN, _taken(label, held), room)
    if room < need:
        return Obstacle(_FULL, _lacks(gpu, need, room), room)
    return Fit(share, len(held), room)


def _outstanding(lease: HeldLease, gpu: GpuReading) -> int:
    """Memory promised to a lease that its processes do not use yet."""
    used = sum(
        process.memory_mib or 0
        for process in gpu.processes or ()
        if process.token is not None and process.token == lease.token
    )
    return max(0, (lease.promised_mib or 0) - used)


def _too_small(gpu: GpuReading, need: int) -> str:
    return f"{gpu.label} has {gpu.memory_total_mib} MiB in all, and a trial needs {need}"


def _lacks(gpu: GpuReading, need: int, room: int) -> str:
    promised = (gpu.memory_free_mib or 0) - room
    note = f", {promised} more are promised to running trials" if promised else ""
    return f"{gpu.label} has {room} MiB free and a trial needs {need}{note}"


def _taken(label: str, held: Sequence[HeldLease]) -> str:
    shown = ", ".join(visible(lease.attempt, limit=40) for lease in held[:4])
    more = f" and {len(held) - 4} more" if len(held) > 4 else ""
    return f"{label} is taken by this sweep's own {shown}{more}"


def _used_by(label: str, foreign: Sequence[GpuProcess]) -> str:
    one = foreign[0]
    if one.user is None and one.name is None:
        who = "gone, or of another container"
    else:
        who = f"{visible(one.user or '?', limit=40)}, {visible(one.name or '?', limit=40)}"
    more = f" and {len(foreign) - 1} more" if len(foreign) > 1 else ""
    why = "not ours" if one.token is None else "which does not hold it"
    return f"{label} is used by pid {one.pid} ({who}){more}, {why}"


def _gpus(count: int) -> str:
    return f"{count} GPU" if count == 1 else f"{count} GPUs"
