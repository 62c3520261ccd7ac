"""GPUs that a trial holds and does not use. Pure but for the moment it is given.

Unknown is unknown: a GPU whose use is not read neither idles nor works, and its time starts anew.
"""

from collections.abc import Iterable

import msgspec
from msgspec.structs import replace

from tuiswp.gpu.inventory import Inventory
from tuiswp.model.trial import Running, Trial
from tuiswp.tui.snapshot import TrialRow

LONG_S = 60.0  # loading a model and compiling it may take about so long


class Idle(msgspec.Struct, frozen=True):
    """A running trial holds a GPU that did nothing `since` (wall seconds)."""

    trial: int
    uuid: str
    label: str
    since: float


class IdleWatch:
    """Told what is read, it says which trials have let their GPU idle for long."""

    def __init__(self) -> None:
        self._since: dict[tuple[int, str], float] = {}

    def look(
        self, inventory: Inventory | None, trials: Iterable[Trial], now: float
    ) -> tuple[Idle, ...]:
        """Those idle for `LONG_S` or more, by trial."""
        if inventory is None or inventory.simulated:  # nothing ever works on a simulated one
            self._since.clear()
            return ()
        before, self._since = self._since, {}
        found: list[Idle] = []
        for trial in trials:
            if not isinstance(trial.status, Running):
                continue
            for lease in trial.status.leases:
                gpu = inventory.gpu(lease.uuid)
                if gpu is None or gpu.utilization is None or gpu.utilization > 0:
                    continue
                key = trial.number, lease.uuid
                since = self._since[key] = max(before.get(key, now), trial.status.since)
                if now - since >= LONG_S:
                    found.append(Idle(trial.number, lease.uuid, gpu.label, since))
        return tuple(found)


def flagged(rows: tuple[TrialRow, ...], found: Iterable[Idle]) -> tuple[TrialRow, ...]:
    """The rows of the table, those of the trials found with a flag more."""
    idle = {one.trial for one in found}
    if not idle:
        return rows
    return tuple(
        replace(row, flags=(*row.flags, "IDLE")) if row.number in idle else row for row in rows
    )
