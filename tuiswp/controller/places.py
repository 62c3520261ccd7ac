"""Where trials may run: this sweep's leases, taken before a launch, given back on proof.

A CPU slot is free the moment its attempt has ended. A GPU is free when nothing of the attempt
lives and NVML agrees that its memory is back; until then it cools.
"""

import time
from collections.abc import Collection, Iterable, Mapping
from pathlib import Path

from tuiswp import proc
from tuiswp.controller.core import log
from tuiswp.controller.directory import SweepDirectory
from tuiswp.gpu.cooling import Cooling, Drained, Free
from tuiswp.gpu.environment import CPU, environment
from tuiswp.gpu.host import cpu_slots
from tuiswp.gpu.inventory import Inventory
from tuiswp.gpu.leases import HeldLease, LeaseBook, gone
from tuiswp.gpu.placement import Place, Wait, capacity, place
from tuiswp.gpu.probe import GpuWatch
from tuiswp.gpu.xids import Xid
from tuiswp.model.ids import attempt_id
from tuiswp.model.sweep import Resources
from tuiswp.model.trial import Launching, Lease, Running, Trial

FIRST_ANSWER_S = 0.5
REASSERT_S = 5.0


class _Hold:
    """The leases of one attempt; `cooling` once it has ended."""

    def __init__(self, held: tuple[HeldLease, ...]) -> None:
        self.held = held
        self.cooling: list[Cooling] | None = None
        self.reason: str | None = None


class Places:
    """One sweep's leases. Single-threaded; NVML is asked by `GpuWatch`, beside it."""

    def __init__(
        self, directory: SweepDirectory, resources: Resources, watch: GpuWatch | None = None
    ) -> None:
        self._directory = directory
        self._resources = resources
        self._watch = watch or GpuWatch()
        self._book = LeaseBook(proc.runtime_dir() / "leases")
        self._owner = proc.myself()
        self._cpu_slots = cpu_slots(resources)
        self._holds: dict[str, _Hold] = {}
        self._next_reassert = 0.0

    def follow(self, resources: Resources) -> None:
        """Place by these from now on; what runs stays where it is."""
        self._resources = resources
        self._cpu_slots = cpu_slots(resources)

    def inventory(self) -> Inventory | None:
        return self._watch.latest()

    def said(self) -> tuple[Xid, ...]:
        """What the NVIDIA driver told the kernel, of any GPU and at any time."""
        return self._watch.said()

    def never_fits(self) -> str | None:
        """Why no trial can ever start on this machine as it is; None if one can, or if unknown."""
        inventory = self._watch.latest()
        if inventory is None or inventory.problem is not None or inventory.source == "none":
            return None
        needed, known = self._resources.gpus_per_trial, inventory.gpus
        if needed <= len(known) and any(
            gpu.problem is not None or gpu.memory_total_mib is None for gpu in known
        ):
            return None  # a GPU that is sick or unread now may be well later
        if capacity(self._resources, inventory, self._cpu_slots) > 0:
            return None
        each = self._resources.gpu_memory_mib
        memory = f" with {each} MiB" if each else ""
        gpus = f"{needed} {'GPU' if needed == 1 else 'GPUs'}"
        there = ", ".join(f"{gpu.label} {gpu.memory_total_mib or '?'} MiB" for gpu in known)
        return (
            f"one trial needs {gpus}{memory} and this machine offers {there or 'none'}: nothing "
            "will ever start here; start it under another --name with a smaller "
            "tuiswp.gpus_per_trial or tuiswp.gpu_memory, or make more GPUs visible"
        )

    def adopt(self, trials: Iterable[Trial]) -> None:
        """Take over what live attempts hold, and give back what no known attempt holds."""
        for trial in trials:
            if isinstance(trial.status, Launching | Running):
                status, attempt = trial.status, trial.attempts[-1].number
                self._holds[status.token] = self._hold(
                    status.leases,
                    status.token,
                    attempt_id(trial.number, attempt),
                    self._directory.attempt(trial.number, attempt),
                    {},
                )
        self._book.release_others(self._directory.root, set(self._holds))
        self._reassert()

    def usable(self) -> set[str]:
        """UUIDs of the GPUs that could take a trial if they were free."""
        inventory = self._watch.latest()
        gpus = () if inventory is None or inventory.problem is not None else inventory.gpus
        return {gpu.uuid for gpu in gpus if gpu.problem is None and gpu.uuid}

    def others_than(self, uuids: Collection[str]) -> bool:
        """Whether a trial runs or could start on GPUs that are not among these."""
        for hold in self._holds.values():
            held = {lease.uuid for lease in hold.held} - {CPU}
            if held and held.isdisjoint(uuids):
                return True
        inventory = self._watch.latest()
        if inventory is None or inventory.source == "none":
            return False
        return isinstance(self._place(inventory, dict.fromkeys(uuids, "")), Place)

    def take(
        self, token: str, attempt: str, attempt_dir: Path, closed: Mapping[str, str] | None = None
    ) -> tuple[Lease, ...] | str:
        """Leases for one more attempt, or the sentence why it waits.

        `closed`: by UUID, why a GPU is to get nothing now.
        """
        inventory = self._watch.latest() or self._watch.wait_first(FIRST_ANSWER_S)
        if inventory is None:
            return "the GPUs have not been read yet"
        verdict = self._place(inventory, closed)
        if not isinstance(verdict, Place):
            return verdict.reason
        try:
            taken = self._book.acquire(
                verdict.leases,
                token=token,
                attempt=attempt,
                attempt_dir=attempt_dir,
                sweep_dir=self._directory.root,
                owner=self._owner,
                promised_mib=self._resources.gpu_memory_mib,
                unaccounted_mib=_unaccounted(inventory, verdict.leases),
            )
        except OSError as error:
            return f"the lease directory cannot be used: {error.strerror}"
        if not taken:
            return "another sweep was faster; looking again"
        self._holds[token] = self._hold(
            verdict.leases, token, attempt, attempt_dir, _unaccounted(inventory, verdict.leases)
        )
        return verdict.leases

    def _place(self, inventory: Inventory, closed: Mapping[str, str] | None) -> Place | Wait:
        mine = [lease for hold in self._holds.values() for lease in hold.held]
        held = [lease for lease in mine if lease.uuid == CPU]
        if inventory.source != "none":
            on_disk = self._book.held()
            known = {(lease.uuid, lease.share, lease.token) for lease in on_disk}
            held += on_disk
            held += [
                lease
                for lease in mine
                if lease.uuid != CPU and (lease.uuid, lease.share, lease.token) not in known
            ]
        return place(
            self._resources,
            inventory,
            held,
            own_tokens=set(self._holds),
            cpu_slots=self._cpu_slots,
            running=sum(1 for hold in self._holds.values() if hold.cooling is None),
            closed=closed,
        )

    def _hold(
        self,
        leases: tuple[Lease, ...],
        token: str,
        attempt: str,
        attempt_dir: Path,
        unaccounted: dict[str, int | None],
    ) -> _Hold:
        return _Hold(
            tuple(
                HeldLease(
                    lease.uuid,
                    lease.share,
                    token,
                    attempt,
                    str(self._directory.root),
                    str(attempt_dir),
                    self._owner,
                    self._resources.gpu_memory_mib,
                    time.time(),
                    unaccounted.get(lease.uuid),
                )
                for lease in leases
            )
        )

    def environment(self, leases: tuple[Lease, ...]) -> dict[str, str]:
        inventory = self._watch.latest()
        return environment(leases, simulated=inventory is not None and inventory.simulated)

    def release(self, token: str) -> None:
        """The attempt is over: free its CPU slot, let its GPUs cool."""
        hold = self._holds.get(token)
        if hold is None:
            return
        gpus = [lease for lease in hold.held if lease.uuid != CPU]
        if not gpus:
            del self._holds[token]
            return
        inventory = self._watch.latest()
        now = time.monotonic()
        others = {
            lease.uuid for other, its in self._holds.items() if other != token for lease in its.held
        }
        hold.cooling = []
        for lease in gpus:
            reading = inventory.gpu(lease.uuid) if inventory is not None else None
            bystanders = frozenset(
                process.pid
                for process in (reading.processes or () if reading is not None else ())
                if process.token is None
            )
            hold.cooling.append(
                Cooling(
                    lease.uuid, token, now, lease.unaccounted_mib, bystanders, lease.uuid in others
                )
            )
        self._watch.refresh()
        self.tick()

    def tick(self) -> None:
        """Give back what has cooled, and keep our lease files where they are."""
        now = time.monotonic()
        cooling = [(t, h) for t, h in self._holds.items() if h.cooling is not None]
        if cooling:
            inventory = self._watch.latest()
            for token, hold in cooling:
                self._cool(token, hold, inventory, now)
        if now >= self._next_reassert:
            self._reassert()

    def _cool(self, token: str, hold: _Hold, inventory: Inventory | None, now: float) -> None:
        assert hold.cooling is not None
        if not gone(token, None):
            hold.reason = "processes of the ended trial still live"
            return
        for one in hold.cooling:
            reading = inventory.gpu(one.uuid) if inventory is not None else None
            verdict = one.check(reading, now)
            if not isinstance(verdict, Free):
                if isinstance(verdict, Drained) and hold.reason != verdict.reason:
                    log.warning("a GPU is not given away: %s", verdict.reason)
                hold.reason = verdict.reason
                return
        if self._book.release(token):
            del self._holds[token]

    def _reassert(self) -> None:
        self._next_reassert = time.monotonic() + REASSERT_S
        held = [lease for hold in self._holds.values() for lease in hold.held]
        try:
            for lost in self._book.reassert(held, owner=self._owner):
                log.error("%s lost its lease on %s to another sweep", lost.attempt, lost.uuid)
        except OSError as error:
            log.error("the lease directory cannot be used: %s", error)

    def close(self) -> None:
        """Stop asking NVML. Leases stay: they belong to the attempts, which go on."""
        self._watch.close()


def _unaccounted(inventory: Inventory, leases: tuple[Lease, ...]) -> dict[str, int | None]:
    readings = {lease.uuid: inventory.gpu(lease.uuid) for lease in leases}
    return {
        uuid: reading.unaccounted_mib for uuid, reading in readings.items() if reading is not None
    }
