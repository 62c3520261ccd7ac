"""Placement: what fits, what waits and why, and what never happens whatever the machine says."""

from collections.abc import Mapping

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from tuiswp.gpu.inventory import GpuProcess, GpuReading, Inventory
from tuiswp.gpu.leases import HeldLease
from tuiswp.gpu.placement import Place, Wait, capacity, explain_all, misplaced, place
from tuiswp.model.sweep import Resources
from tuiswp.model.trial import Lease, Process

NOBODY = Process("boot", 1, 1)
ALICE = GpuProcess(4242, "alice", "python", 9000)


def gpu(index: int, free: int | None = 80_000, *processes: GpuProcess) -> GpuReading:
    return GpuReading(
        f"GPU-{index}",
        index,
        "FAKE",
        memory_total_mib=81_920,
        memory_used_mib=None if free is None else 81_920 - free,
        memory_free_mib=free,
        processes=processes,
    )


def machine(*gpus: GpuReading) -> Inventory:
    return Inventory(gpus, "nvml")


def held(uuid: str, token: str, share: int = 0, promised: int | None = None) -> HeldLease:
    return HeldLease(uuid, share, token, f"t000{share}.1", "/sweeps/x", "", NOBODY, promised)


def ask(
    inventory: Inventory,
    *leases: HeldLease,
    resources: Resources | None = None,
    own: tuple[str, ...] = (),
    cpu_slots: int = 2,
    running: int = 0,
    closed: Mapping[str, str] | None = None,
) -> Place | Wait:
    return place(
        resources or Resources(),
        inventory,
        leases,
        own_tokens=own,
        cpu_slots=cpu_slots,
        running=running,
        closed=closed,
    )


def reason(found: Place | Wait) -> str:
    assert isinstance(found, Wait)
    return found.reason


def test_the_emptiest_gpu_is_taken() -> None:
    found = ask(machine(gpu(0, 1000), gpu(1, 5000), gpu(2, 3000)))
    assert found == Place((Lease("GPU-1", 0, "G1"),))


def test_trials_spread_over_gpus_before_they_double_up() -> None:
    resources = Resources(trials_per_gpu=2)
    inventory = machine(gpu(0), gpu(1, 10_000))
    one = held("GPU-0", "a")
    two = held("GPU-1", "b")
    assert ask(inventory, one, resources=resources, own=("a",)) == Place((Lease("GPU-1", 0, "G1"),))
    assert ask(inventory, one, two, resources=resources, own=("a", "b")) == Place(
        (Lease("GPU-0", 1, "G0"),)
    )
    leases = (one, two, held("GPU-0", "c", 1), held("GPU-1", "d", 1))
    assert (
        reason(ask(inventory, *leases, resources=resources, own=("a", "b", "c", "d")))
        == "all 2 GPUs are taken by this sweep's own trials"
    )


def test_a_trial_of_two_gpus_gets_two_or_waits() -> None:
    resources = Resources(gpus_per_trial=2)
    assert ask(machine(gpu(0), gpu(1), gpu(2, 90_000)), resources=resources) == Place(
        (Lease("GPU-2", 0, "G2"), Lease("GPU-0", 0, "G0"))
    )
    assert (
        reason(ask(machine(gpu(0, 80_000, ALICE), gpu(1)), resources=resources))
        == "needs 2 GPUs at once, free: G1; G0 is used by pid 4242 (alice, python), not ours"
    )
    assert (
        reason(ask(machine(gpu(0)), resources=resources))
        == "needs 2 GPUs for one trial, 1 GPU can be used"
    )


def test_the_nearest_obstacle_is_named() -> None:
    resources = Resources(gpu_memory_mib=40_960)
    crowded = machine(gpu(0, 20_000), gpu(1, 20_113), gpu(2, 80_000, ALICE))
    assert (
        reason(ask(crowded, resources=resources))
        == "needs 40960 MiB free on one GPU; the emptiest, G1, has 20113"
    )
    assert (
        reason(ask(machine(gpu(0, 80_000, ALICE)), resources=resources))
        == "G0 is used by pid 4242 (alice, python), not ours"
    )
    sick = msgspec.structs.replace(gpu(0), problem="is lost")
    assert reason(ask(machine(sick))) == "G0 is lost"
    assert "all, and a trial needs 99999" in reason(
        ask(machine(gpu(0)), resources=Resources(gpu_memory_mib=99_999))
    )


def test_every_gpu_is_explained() -> None:
    inventory = machine(
        gpu(0), gpu(1, 80_000, ALICE), gpu(2, 20_000), gpu(3, None), gpu(4), gpu(5), gpu(6)
    )
    told = explain_all(
        Resources(gpu_memory_mib=40_960),
        inventory,
        [held("GPU-4", "else"), held("GPU-5", "mine")],
        own_tokens=["mine"],
        closed={"GPU-6": "G6 is quarantined"},
    )
    assert told == [
        "G0 is free: 80000 MiB",
        "G1 is used by pid 4242 (alice, python), not ours",
        "G2 has 20000 MiB free and a trial needs 40960",
        "G3 does not report its free memory",
        "G4 is held by another sweep (/sweeps/x, t0000.1)",
        "G5 is taken by this sweep's own t0000.1",
        "G6 is quarantined",
    ]


def test_promised_memory_counts_until_it_is_used() -> None:
    resources = Resources(trials_per_gpu=3, gpu_memory_mib=30_000)
    starting = held("GPU-0", "a", promised=60_000)
    assert isinstance(ask(machine(gpu(0)), starting, resources=resources, own=("a",)), Wait)
    running = GpuProcess(9, "me", "python", 55_000, "a")
    now = gpu(0, 80_000 - 55_000, running)
    assert isinstance(ask(machine(now), starting, resources=resources, own=("a",)), Wait)
    small = GpuProcess(9, "me", "python", 10_000, "b")
    modest = held("GPU-0", "b", promised=12_000)
    assert isinstance(
        ask(machine(gpu(0, 70_000, small)), modest, resources=resources, own=("b",)), Place
    )


def test_a_leftover_of_our_own_without_a_lease_is_a_stranger() -> None:
    leftover = GpuProcess(77, "me", "python", 100, "token-of-the-past")
    assert "pid 77 (me, python)" in reason(ask(machine(gpu(0, 80_000, leftover))))


def test_share_busy_tolerates_strangers_but_not_another_sweep() -> None:
    resources = Resources(share_busy=True)
    assert isinstance(ask(machine(gpu(0, 80_000, ALICE)), resources=resources), Place)
    taken = ask(machine(gpu(0)), held("GPU-0", "x"), resources=resources)
    assert "held by another sweep" in reason(taken)


def test_a_process_of_another_container_is_a_stranger() -> None:
    found = ask(machine(gpu(0, 80_000, GpuProcess(31337))))
    assert reason(found) == "G0 is used by pid 31337 (gone, or of another container), not ours"


def test_an_x_server_disturbs_nobody() -> None:
    xorg = GpuProcess(900, "root", "Xorg", 4, graphics=True)
    assert isinstance(ask(machine(gpu(0, 80_000, xorg))), Place)


def test_an_unreadable_lease_keeps_its_gpu_busy() -> None:
    damaged = HeldLease("GPU-0", 0, "", "", "", "", NOBODY, problem="/x/GPU-0.0 cannot be read")
    assert "G0: lease file /x/GPU-0.0 cannot be read" in reason(ask(machine(gpu(0)), damaged))


def test_max_parallel_caps_everything() -> None:
    resources = Resources(max_parallel=1)
    assert "1 of at most 1 trials run" in reason(
        ask(machine(gpu(0)), resources=resources, running=1)
    )


def test_without_nvml_there_are_cpu_slots() -> None:
    none = Inventory((), "none", "no NVIDIA driver library")
    assert ask(none) == Place((Lease("cpu", 0, "cpu0"),))
    second = held("cpu", "b", 1)
    assert ask(none, second, own=("b",), running=1) == Place((Lease("cpu", 0, "cpu0"),))
    assert (
        reason(ask(none, second, own=("b",), cpu_slots=1, running=1)) == "1 of 1 CPU slots are busy"
    )


def test_the_cpu_slots_of_another_sweep_are_not_ours() -> None:
    none = Inventory((), "none")
    assert ask(none, held("cpu", "x"), cpu_slots=1) == Place((Lease("cpu", 0, "cpu0"),))


def test_a_silent_nvml_never_means_cpu_slots_or_old_values() -> None:
    silent = Inventory((gpu(0),), "nvml", "NVML does not answer (12 s)")
    assert reason(ask(silent)) == "NVML does not answer (12 s)"
    assert reason(ask(Inventory((), "nvml", "NVML does not answer (2 s)"))).startswith("NVML")


def test_cuda_gives_a_process_only_one_mig_device() -> None:
    parts = [
        msgspec.structs.replace(gpu(0), uuid=f"MIG-{n}", mig=True, mig_index=n) for n in range(2)
    ]
    assert ask(machine(*parts)) == Place((Lease("MIG-0", 0, "G0.0"),))
    assert "CUDA gives a process only one" in reason(
        ask(machine(*parts), resources=Resources(gpus_per_trial=2))
    )


def test_hostile_names_are_shown_and_not_obeyed() -> None:
    odd = GpuProcess(1, "al\x1b]52;c;x\x07ice", "py\nthon")
    assert reason(ask(machine(gpu(0, 80_000, odd)))).isprintable()


def test_a_trial_on_a_gpu_it_does_not_hold_is_noticed() -> None:
    inventory = machine(gpu(0), gpu(1, 80_000, GpuProcess(5, "me", "python", 10, "a")))
    (told,) = misplaced(inventory, {"a": ("t0000.1", ["GPU-0"])})
    assert told.text.startswith("t0000.1 computes on G1, which it does not hold (pid 5)")
    assert misplaced(inventory, {"a": ("t0000.1", ["GPU-1"])}) == []
    assert misplaced(inventory, {"b": ("t0000.1", ["GPU-0"])}) == []


def test_where_a_misplaced_trial_computes_nothing_else_starts() -> None:
    """Its own GPU is its own; the one it strayed to is not free for a sister of it either."""
    inventory = machine(gpu(0), gpu(1, 80_000, GpuProcess(5, "me", "python", 10, "a")))
    found = place(
        Resources(),
        inventory,
        [held("GPU-0", "a")],
        own_tokens=["a"],
        cpu_slots=1,
        running=1,
    )
    assert isinstance(found, Wait)
    assert explain_all(Resources(), inventory, [held("GPU-0", "a")], own_tokens=["a"]) == [
        "G0 is taken by this sweep's own t0000.1",
        "G1 is used by pid 5 (me, python), which does not hold it",
    ]


def test_capacity_is_what_could_run_at_once() -> None:
    four = machine(*(gpu(i) for i in range(4)))
    assert capacity(Resources(), four, 1) == 4
    assert capacity(Resources(trials_per_gpu=3), four, 1) == 12
    assert capacity(Resources(trials_per_gpu=3, gpu_memory_mib=40_000), four, 1) == 8
    assert capacity(Resources(gpus_per_trial=3), four, 1) == 1
    assert capacity(Resources(gpus_per_trial=3, trials_per_gpu=3), four, 1) == 4
    assert capacity(Resources(gpus_per_trial=5), four, 1) == 0
    assert capacity(Resources(gpu_memory_mib=100_000), four, 1) == 0
    assert capacity(Resources(max_parallel=2), four, 1) == 2
    assert capacity(Resources(), Inventory((), "none"), 3) == 3


# Whatever a machine says: random GPUs, filled up trial by trial.

processes = st.builds(
    GpuProcess,
    pid=st.integers(1, 99),
    user=st.sampled_from(["alice", None]),
    name=st.sampled_from(["python", None]),
    memory_mib=st.sampled_from([None, 0, 5_000]),
    token=st.sampled_from([None, "own-0", "own-1", "past"]),
    graphics=st.booleans(),
)
memory = st.sampled_from([45_000, 50_000, 81_920, 10_000, 9_999, 0, None])


@st.composite
def readings(draw: st.DrawFn, index: int) -> GpuReading:
    return GpuReading(
        draw(st.sampled_from([f"GPU-{index}"] * 9 + [""])),
        index,
        memory_total_mib=draw(st.sampled_from([81_920, 81_920, 81_920, None])),
        memory_free_mib=draw(memory),
        processes=draw(st.just(()) | st.none() | st.lists(processes, max_size=2).map(tuple)),
        problem=draw(st.sampled_from([None, None, None, "is lost"])),
    )


machines = st.integers(0, 4).flatmap(
    lambda count: st.tuples(*(readings(index) for index in range(count)))
)
wishes = st.builds(
    Resources,
    gpus_per_trial=st.integers(1, 3),
    trials_per_gpu=st.integers(1, 3),
    gpu_memory_mib=st.sampled_from([40_000, 10_000, None]),
    max_parallel=st.none() | st.integers(1, 6),
    share_busy=st.booleans(),
)


@settings(deadline=None, max_examples=200)
@given(
    machines,
    wishes,
    st.lists(st.tuples(st.sampled_from(["GPU-0", "GPU-1"]), st.integers(0, 1)), max_size=2),
    st.sets(st.sampled_from(["GPU-0", "GPU-2"]), max_size=1),
)
def test_no_gpu_is_ever_overfilled_and_nothing_unknown_ever_fits(
    gpus: tuple[GpuReading, ...],
    resources: Resources,
    others: list[tuple[str, int]],
    quarantined: set[str],
) -> None:
    inventory = Inventory(gpus, "nvml")
    foreign = [held(uuid, "foreign", share) for uuid, share in others]
    leases = list(foreign)
    own: list[str] = []
    for number in range(20):
        found = place(
            resources,
            inventory,
            leases,
            own_tokens=own,
            cpu_slots=1,
            running=len(own),
            closed=dict.fromkeys(quarantined, "not this one"),
        )
        if isinstance(found, Wait):
            assert found.reason
            break
        assert len({lease.uuid for lease in found.leases}) == resources.gpus_per_trial
        own.append(f"own-{number}")
        for lease in found.leases:
            leases.append(held(lease.uuid, own[-1], lease.share, resources.gpu_memory_mib))
            _is_sound(lease, inventory, resources, {one.uuid for one in foreign} | quarantined)
    else:
        raise AssertionError("it never stops")
    mine = [lease for lease in leases if lease not in foreign]
    assert len({(lease.uuid, lease.share) for lease in mine}) == len(mine)
    assert resources.max_parallel is None or len(own) <= resources.max_parallel
    for one in gpus:
        promised = sum(lease.promised_mib or 0 for lease in mine if lease.uuid == one.uuid)
        already = sum(p.memory_mib or 0 for p in one.processes or () if p.token in own)
        assert promised <= (one.memory_free_mib or 0) + already


def _is_sound(
    lease: Lease, inventory: Inventory, resources: Resources, forbidden: set[str]
) -> None:
    one = inventory.gpu(lease.uuid)
    assert one is not None
    assert one.uuid
    assert one.problem is None
    assert one.memory_total_mib is not None and one.memory_free_mib is not None
    assert 0 <= lease.share < resources.trials_per_gpu
    assert lease.uuid not in forbidden
    if not resources.share_busy:
        assert one.processes is not None
        for process in one.processes:
            assert process.graphics or (process.token or "").startswith("own-")
