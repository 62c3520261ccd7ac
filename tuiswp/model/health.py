"""What the ends of attempts say about their GPUs and about the sweep. Only data."""

from collections.abc import Mapping

import msgspec

from tuiswp.model.ids import attempt_id
from tuiswp.model.trial import Cause

STREAK_KEPT = 24  # failures in a row that are remembered


class Failure(msgspec.Struct, frozen=True):
    """An attempt that failed; `took_s`: from its launch to its end."""

    trial: int
    attempt: int
    cause: Cause
    evidence: str
    took_s: float

    @property
    def id(self) -> str:
        return attempt_id(self.trial, self.attempt)


class Quarantine(msgspec.Struct, frozen=True):
    """A GPU that gets no trial, except one to probe it now and then.

    `forgiven`: trials whose failures there were taken back. `failed_elsewhere`: those of them that
    failed on another GPU since; `cured`: whether one did well there. `probes`: attempts that failed
    on it since. `works`: an attempt that did well on it since.
    """

    at: float
    by: str
    why: str
    forgiven: tuple[int, ...] = ()
    failed_elsewhere: tuple[int, ...] = ()
    cured: bool = False
    probes: int = 0
    probed_at: float | None = None
    works: str | None = None


class GpuHealth(msgspec.Struct, frozen=True):
    """One GPU. `streak`: its failures since an attempt did well on it, oldest first.

    `overcome`: failures before that: an attempt did well on it afterwards, so they were not its.
    `elsewhere`: how many attempts had done well on other GPUs when the streak began (0 as long as
    none did well here). `cleared`: how often it turned out not to be the GPU.
    """

    uuid: str
    name: str
    done: int = 0
    overcome: int = 0
    streak: tuple[Failure, ...] = ()
    elsewhere: int = 0
    cleared: int = 0
    quarantine: Quarantine | None = None


class Health(msgspec.Struct, frozen=True):
    """GPUs by UUID, and the ends of trials since the sweep was last resumed.

    `done`, `failed`: trials; `fast`: those of the failed that did so at once. `well`: attempts that
    did well, ever; `last_well`: the newest, with the names of its GPUs. `alike`: by what an attempt
    raised, the trials that did, as long as none does well; `raised`: the same over all the time.
    `resumed`: how often it went on after tuiswp itself had paused it.
    """

    gpus: Mapping[str, GpuHealth] = {}
    done: int = 0
    failed: int = 0
    fast: int = 0
    well: int = 0
    last_well: str = ""
    alike: Mapping[str, tuple[int, ...]] = {}
    raised: Mapping[str, tuple[int, ...]] = {}
    resumed: int = 0

    @property
    def quarantined(self) -> dict[str, GpuHealth]:
        """The GPUs that are set aside, by UUID."""
        return {uuid: gpu for uuid, gpu in self.gpus.items() if gpu.quarantine is not None}
