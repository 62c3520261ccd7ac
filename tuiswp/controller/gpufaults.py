"""Which fault of a GPU concerns which attempt, and what the journal says of sick GPUs.

Decides no end and no place: it hands over evidence (`controller.ending` judges it) and warns once
of what a person should know. Ends nothing.
"""

from collections.abc import Mapping

from tuiswp.controller.core import Core
from tuiswp.controller.places import Places
from tuiswp.gpu.environment import CPU
from tuiswp.gpu.health import broken
from tuiswp.gpu.inventory import GpuReading, Inventory
from tuiswp.gpu.placement import misplaced
from tuiswp.gpu.xids import Xid
from tuiswp.model.ids import attempt_id
from tuiswp.model.trial import Launching, Process, Running, Trial
from tuiswp.text import visible

MISPLACED = "misplaced"
MOST_WARNINGS = 20  # of one GPU: a loose contact must not fill the journal
_PIDS = 4096


class GpuFaults:
    """Follows the GPUs of one sweep's trials."""

    def __init__(self, core: Core, places: Places) -> None:
        self._core = core
        self._places = places
        self._pids: dict[int, str] = {}  # token of each process that was seen on a GPU

    def evidence(self, trial: Trial, training: Process | None, since: float) -> str:
        """What was reported of its GPUs while it ran, for one that has just ended; else "".

        `since`: when it was launched, in CLOCK_MONOTONIC seconds.
        """
        uuids = {lease.uuid for lease in trial.attempts[-1].leases} - {CPU}
        inventory = self._places.inventory() if uuids else None
        if inventory is None or inventory.source != "nvml":
            return ""
        if training is not None:
            self._pids[training.pid] = trial.attempts[-1].token
        said = [xid for xid in self._places.said() if xid.hurts and xid.at >= since]
        found: dict[str, None] = {}
        for gpu in inventory.gpus:
            if gpu.uuid not in uuids:
                continue
            for xid in said:
                if xid.pci == gpu.pci and self._concerns(xid, gpu, inventory, trial):
                    found[f"{gpu.label} {xid.words}"] = None
            if broken(gpu):
                found[f"{gpu.label} {visible(gpu.problem or '').partition(';')[0]}"] = None
        return ", ".join(found)

    def _concerns(self, xid: Xid, gpu: GpuReading, inventory: Inventory, trial: Trial) -> bool:
        """A fault of the GPU concerns all on it, that of a program the one it names.

        A process that was never seen is taken for the attempt's where nobody else may be.
        """
        if xid.kind.grade != "application":
            return True
        owner = self._pids.get(xid.pid) if xid.pid is not None else None
        if owner is not None:
            return owner == trial.attempts[-1].token
        board = {part.uuid for part in inventory.gpus if part.pci == gpu.pci}
        alone = not self._core.sweep.resources.share_busy and not any(
            lease.uuid in board
            for other in self._core.state.live()
            if other.number != trial.number
            for lease in other.attempts[-1].leases
        )
        strangers = {process.pid for process in gpu.processes or () if process.token is None}
        return alone and xid.pid not in strangers

    def look(self) -> None:
        """Warn of what is new. Raises JournalError."""
        inventory = self._places.inventory()
        if inventory is None or inventory.source != "nvml":
            return
        for gpu in inventory.gpus:
            for process in gpu.processes or ():
                if process.token is not None:
                    self._pids[process.pid] = process.token
            self._warn_of(gpu)
        while len(self._pids) > _PIDS:
            del self._pids[next(iter(self._pids))]
        self._find_misplaced(inventory)

    def _warn_of(self, gpu: GpuReading) -> None:
        """Say when a GPU falls ill and when it is well again, in turns."""
        warned = self._core.state.warned
        name = gpu.uuid or gpu.label  # one that was lost before it was ever read
        for turn in range(MOST_WARNINGS):
            ill, well = f"gpu-ill-{name}-{turn}", f"gpu-well-{name}-{turn}"
            if ill not in warned:
                if gpu.faulty:
                    told = f"{gpu.label} {visible(gpu.problem or '')}; nothing new is started there"
                    self._core.warn(ill, told)
                return
            if well not in warned:
                if gpu.problem is None:
                    self._core.warn(well, f"{gpu.label} is well again")
                return

    def _find_misplaced(self, inventory: Inventory) -> None:
        for one in misplaced(inventory, self._holders()):
            self._core.warn(f"{MISPLACED}-{one.attempt}-{one.gpu.uuid}", one.text)

    def _holders(self) -> Mapping[str, tuple[str, frozenset[str]]]:
        return {
            trial.status.token: (
                attempt_id(trial.number, trial.attempts[-1].number),
                frozenset(lease.uuid for lease in trial.status.leases if lease.uuid != CPU),
            )
            for trial in self._core.state.live()
            if isinstance(trial.status, Launching | Running)
        }
