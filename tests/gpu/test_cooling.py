"""A GPU is given away only when NVML agrees that nobody is left and the memory is back."""

import msgspec
import pytest

from tuiswp.gpu.cooling import PATIENCE_S, Cooling, Drained, Free
from tuiswp.gpu.inventory import GpuProcess, GpuReading
from tuiswp.gpu.placement import Wait

TOKEN = "a" * 32
BEFORE = Cooling("GPU-0", TOKEN, since=100.0, unaccounted_mib=600)


def reading(used: int | None, *processes: GpuProcess, at: float = 101.0) -> GpuReading:
    return GpuReading(
        "GPU-0", 0, memory_total_mib=81_920, memory_used_mib=used, processes=processes, at=at
    )


def test_memory_that_is_back_frees_the_gpu() -> None:
    assert BEFORE.check(reading(650), 101.5) == Free()


def test_an_old_reading_proves_nothing() -> None:
    assert isinstance(BEFORE.check(reading(650, at=99.0), 101.5), Wait)


def test_a_process_with_the_token_holds_the_gpu() -> None:
    found = BEFORE.check(reading(650, GpuProcess(7, "me", "python", 50, TOKEN)), 101.5)
    assert found == Wait("pid 7 of the ended trial is still on G0")


def test_an_unknown_process_holds_the_gpu_unless_it_was_there_before() -> None:
    unknown = reading(650, GpuProcess(31337))
    assert isinstance(BEFORE.check(unknown, 101.5), Wait)
    tolerated = msgspec.structs.replace(BEFORE, bystanders=frozenset({31337}))
    assert tolerated.check(unknown, 101.5) == Free()


def test_memory_that_does_not_come_back_drains_the_gpu_until_it_does() -> None:
    leaked = reading(40_000)
    assert isinstance(BEFORE.check(leaked, 100 + PATIENCE_S - 1), Wait)
    drained = BEFORE.check(leaked, 100 + PATIENCE_S + 12)
    assert drained == Drained(
        "40000 MiB of G0 are used by no process that is listed (600 is normal), "
        "42 s after the trial ended"
    )
    assert BEFORE.check(reading(600), 500) == Free()


def test_memory_of_a_listed_neighbour_is_not_ours_to_wait_for() -> None:
    assert BEFORE.check(reading(40_600, GpuProcess(9, "alice", "python", 40_000)), 101) == Free()


def test_without_a_reading_from_before_the_usual_reserve_is_normal() -> None:
    fresh = msgspec.structs.replace(BEFORE, unaccounted_mib=None)
    assert fresh.check(reading(1200), 101) == Free()
    assert isinstance(fresh.check(reading(9000), 101), Wait)


def test_a_shared_gpu_waits_for_processes_only() -> None:
    shared = msgspec.structs.replace(BEFORE, shared=True)
    assert shared.check(reading(40_000), 101) == Free()
    assert isinstance(shared.check(reading(40_000, GpuProcess(7, token=TOKEN)), 101), Wait)


@pytest.mark.parametrize(
    "unknown",
    [None, reading(None), msgspec.structs.replace(reading(0), problem="is lost")],
    ids=["not listed", "memory unknown", "lost"],
)
def test_what_is_unknown_is_never_free(unknown: GpuReading | None) -> None:
    assert isinstance(BEFORE.check(unknown, 101), Wait)
    assert isinstance(BEFORE.check(unknown, 200), Drained)


@pytest.mark.parametrize("uuid", ["cpu", "SIM-0000-0001"])
def test_cpu_slots_and_simulated_gpus_need_no_cooling(uuid: str) -> None:
    assert Cooling(uuid, TOKEN, since=100.0).check(None, 100.0) == Free()
