"""GPUs that fall ill and get well in any order: what is placed, and under which number. Pure."""

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from tuiswp.gpu.continuity import carry_on
from tuiswp.gpu.health import judged
from tuiswp.gpu.inventory import GpuProcess, GpuReading, Health, Inventory
from tuiswp.gpu.placement import Place, place
from tuiswp.gpu.released import Release
from tuiswp.gpu.xids import Xid
from tuiswp.model.sweep import Resources

COUNT = 3
STRANGER = GpuProcess(4711, "alice", "python", 9000)
STATES = (
    "well", "lost", "nameless", "silent", "vanished", "memory ?", "processes ?", "stranger", "mig",
    "pending", "ecc", "reset", "busy ?", "slow",
)  # fmt: skip
USABLE = ("well", "busy ?", "slow")
EVENTS = ("xid 79", "xid 48", "xid 31", "xid 92", "loaded", "release", "nothing")


class Moment(msgspec.Struct, frozen=True):
    """How each GPU is, where each stands on the bus, what the kernel says and of which GPU."""

    states: tuple[str, ...]
    order: tuple[int, ...]
    event: str
    target: int
    whole: bool


moments = st.builds(
    Moment,
    st.tuples(*[st.sampled_from(STATES)] * COUNT),
    st.permutations(range(COUNT)).map(tuple),
    st.sampled_from(EVENTS),
    st.integers(0, COUNT - 1),
    st.sampled_from([True, True, True, True, False]),
)


def reading(number: int, place: int, state: str, at: float) -> GpuReading | None:
    well = GpuReading(
        f"GPU-{number}",
        place,
        memory_total_mib=80_000,
        memory_used_mib=0,
        memory_free_mib=80_000,
        utilization=0,
        processes=(),
        at=at,
        pci=f"0000:0{number}:00",
    )
    match state:
        case "vanished":
            return None
        case "lost":
            return replace(well, problem="is lost", faulty=True, memory_free_mib=None)
        case "silent":
            return replace(well, problem="does not answer (3 s)", at=at - 10)
        case "memory ?":
            return replace(well, memory_free_mib=None)
        case "processes ?":
            return replace(well, processes=None)
        case "stranger":
            return replace(well, processes=(STRANGER,))
        case "mig":
            return replace(well, mig=True, problem="has MIG mode on and no MIG device")
        case "pending":
            return replace(well, health=Health(remap_pending=True, remapped=1))
        case "ecc":
            return replace(well, health=Health(memory_errors=1))
        case "reset":
            return replace(well, health=Health(action=1))
        case "slow":
            return replace(well, health=Health(slowed=("heat",)))
        case "busy ?":
            return replace(well, utilization=None)
    return well


class Machine:
    """What a watch would know, and, beside it, what is true."""

    def __init__(self) -> None:
        self.known: Inventory | None = None
        self.said: list[Xid] = []
        self.releases: dict[str, Release] = {}
        self.seq = 0
        self.at = 100.0
        self.last: dict[int, GpuReading] = {}  # what was read at each place of the bus

    def live(self, moment: Moment) -> Inventory:
        self.at += 10
        self._hear(moment)
        places = {number: place for place, number in enumerate(moment.order)}
        there: list[GpuReading] = []
        for number in moment.order:
            gpu = self._read(number, places[number], moment.states[number])
            if gpu is not None:
                there.append(gpu)
        now = Inventory(tuple(there) if moment.whole else (), "nvml", None)
        self.known = carry_on(self.known, now)
        return judged(self.known, self.said, self.releases)

    def _read(self, number: int, place: int, state: str) -> GpuReading | None:
        """As `gpu.nvml` does: a place that does not say who is there is told as it was."""
        if state == "nameless":
            before = self.last.get(place, GpuReading("", place))
            return replace(before, problem="is lost", faulty=True, memory_free_mib=None)
        found = reading(number, place, state, self.at)
        if found is not None:
            self.last[place] = found
        return found

    def _hear(self, moment: Moment) -> None:
        uuid, pci = f"GPU-{moment.target}", f"0000:0{moment.target}:00"
        self.seq += 1
        if moment.event.startswith("xid"):
            code = int(moment.event.split()[1])
            self.said.append(Xid(self.seq, self.at - 1, pci, code, seen=self.at - 1))
        elif moment.event == "loaded":
            self.said.clear()
        elif moment.event == "release":
            self.releases[uuid] = Release(uuid, "boot", self.seq)

    def accused(self, number: int) -> bool:
        release = self.releases.get(f"GPU-{number}")
        return any(
            one.code in (79, 48) and one.pci == f"0000:0{number}:00"
            for one in self.said
            if release is None or one.seq > release.seq
        )


@settings(deadline=None, max_examples=150)
@given(st.lists(moments, min_size=1, max_size=8))
def test_whatever_befalls_the_gpus_only_well_ones_are_used_and_none_is_renumbered(
    history: list[Moment],
) -> None:
    machine, labels = Machine(), dict[str, str]()
    healthy = Moment(("well",) * COUNT, tuple(range(COUNT)), "loaded", 0, True)
    for moment in [healthy, *history, healthy]:
        found = machine.live(moment)
        for gpu in found.gpus:
            if gpu.uuid:
                assert labels.setdefault(gpu.uuid, gpu.label) == gpu.label
        known = [gpu.label for gpu in found.gpus if gpu.uuid]
        assert len(known) == len(set(known)), "two GPUs of one name"
        good = {
            f"GPU-{number}"
            for number, state in enumerate(moment.states)
            if moment.whole and state in USABLE and not machine.accused(number)
        }
        for wanted in (1, len(good) or 1, len(good) + 1):
            verdict = place(
                Resources(gpus_per_trial=wanted), found, [], own_tokens=(), cpu_slots=9, running=0
            )
            used = {one.uuid for one in verdict.leases} if isinstance(verdict, Place) else set()
            assert used <= good, (moment, found)
            assert bool(used) == (0 < wanted <= len(good)), (moment, found, verdict)
