"""What is concluded of a GPU from what NVML and the kernel say, and when it is well again."""

import pytest
from msgspec.structs import replace

from tuiswp.gpu.health import judged, releasable
from tuiswp.gpu.inventory import GpuReading, Health, Inventory
from tuiswp.gpu.placement import Place, place
from tuiswp.gpu.released import Release
from tuiswp.gpu.xids import KINDS, Xid
from tuiswp.model.sweep import Resources

PLACE = "0000:41:00"
WELL = GpuReading(
    "GPU-a",
    0,
    memory_total_mib=80_000,
    memory_used_mib=0,
    memory_free_mib=80_000,
    processes=(),
    pci=PLACE,
    at=1000.0,
)


def xid(code: int, seq: int = 1, text: str = "", pci: str = PLACE, at: float = 10.0) -> Xid:
    return Xid(seq, at, pci, code, text=text, seen=at)


def look(gpu: GpuReading, *said: Xid, release: Release | None = None) -> GpuReading:
    releases = {} if release is None else {release.uuid: release}
    (found,) = judged(Inventory((gpu,), "nvml"), said, releases).gpus
    return found


def can_be_used(gpu: GpuReading) -> bool:
    found = place(Resources(), Inventory((gpu,), "nvml"), [], own_tokens=(), cpu_slots=1, running=0)
    return isinstance(found, Place)


@pytest.mark.parametrize("code", [46, 48, 62, 63, 64, 74, 79, 94, 95, 119, 120, 140])
def test_a_fault_of_the_gpu_sets_it_aside_and_says_what_to_do(code: int) -> None:
    sick = look(WELL, xid(code))
    assert sick.faulty and not can_be_used(sick)
    assert sick.problem is not None and f"(Xid {code})" in sick.problem
    reboot = KINDS[code].grade == "reboot"
    assert ("needs a reboot" if reboot else "nvidia-smi -r") in sick.problem


@pytest.mark.parametrize("code", [13, 31, 43, 45, 92, 14, 777])
def test_a_fault_of_a_program_sets_no_gpu_aside(code: int) -> None:
    assert can_be_used(look(WELL, xid(code)))


def test_a_fault_of_another_gpu_is_not_this_ones() -> None:
    assert can_be_used(look(WELL, xid(79, pci="0000:42:00")))


@pytest.mark.parametrize(
    "health",
    [
        Health(remap_pending=True, remap_failed=False),
        Health(remap_failed=True),
        Health(pages_pending=True),
        Health(memory_errors=1),
        Health(action=1),
        Health(action=2),
        Health(action=3),
        Health(action=4),
        Health(action=99),
    ],
)
def test_what_nvml_says_of_a_fault_sets_it_aside(health: Health) -> None:
    sick = look(replace(WELL, health=health))
    assert sick.faulty and not can_be_used(sick)
    assert sick.problem is not None and "needs a re" in sick.problem


def test_what_is_not_known_is_no_fault() -> None:
    assert can_be_used(look(WELL))
    assert can_be_used(look(replace(WELL, health=Health(0, 0, False, False, False, 0))))


def test_slow_clocks_are_told_and_change_nothing() -> None:
    slow = look(replace(WELL, health=Health(slowed=("heat",))), xid(92))
    assert can_be_used(slow)
    assert slow.news == ("is slowed down by heat", "corrects many memory errors (Xid 92)")


def test_the_driver_may_say_that_all_is_well_again() -> None:
    asks = "GPU recovery action changed from 0x0 (None) to 0x1 (GPU Reset Required)"
    done = "GPU recovery action changed from 0x1 (GPU Reset Required) to 0x0 (None)"
    ill = (xid(95, 1), xid(154, 2, asks))
    assert not can_be_used(look(WELL, *ill))
    assert can_be_used(look(WELL, *ill, xid(154, 3, done)))
    assert not can_be_used(look(WELL, *ill, xid(154, 3, done), xid(48, 4)))


def test_nvml_may_say_so_too_if_it_was_asked_after_the_fault() -> None:
    fine = replace(WELL, health=Health(action=0))
    assert can_be_used(look(fine, xid(95, at=10.0)))
    assert not can_be_used(look(fine, xid(95, at=998.0))), "it may follow"
    assert not can_be_used(look(fine, xid(119, at=10.0))), "this one it does not follow"


def test_a_gpu_that_is_lost_is_named_with_what_the_kernel_said() -> None:
    lost = look(replace(WELL, problem="is lost", faulty=True), xid(79))
    assert lost.problem == "is lost (Xid 79)"


def test_a_person_releases_what_was_said_until_then() -> None:
    release = Release("GPU-a", "boot", seq=5)
    assert can_be_used(look(WELL, xid(48, 5), release=release))
    assert not can_be_used(look(WELL, xid(48, 6), release=release))


def test_a_person_releases_memory_as_it_is_and_not_as_it_becomes() -> None:
    bad = Health(memory_errors=2, remapped=1, remap_pending=True, action=4)
    release = Release("GPU-a", "boot", -1, 2, 1, True, 4)
    assert can_be_used(look(replace(WELL, health=bad), release=release))
    for worse in (
        replace(bad, memory_errors=3),
        replace(bad, remapped=2),
        replace(bad, action=2),
    ):
        assert not can_be_used(look(replace(WELL, health=worse), release=release))


def test_what_the_driver_cannot_use_nobody_releases() -> None:
    assert releasable(look(WELL, xid(48)))
    assert not releasable(WELL)
    assert not releasable(look(replace(WELL, health=Health(action=1))))
    assert not releasable(replace(WELL, problem="is lost", faulty=True, memory_free_mib=None))


def test_the_parts_of_a_gpu_share_its_fate() -> None:
    part = replace(WELL, uuid="MIG-1", mig=True, share_of="GPU-a", mig_index=0)
    sick = look(part, xid(48))
    assert sick.faulty and sick.problem is not None and "--release G0`" in sick.problem
    assert not look(part, xid(48), release=Release("GPU-a", "boot", 1)).faulty


def test_simulated_gpus_have_no_kernel() -> None:
    simulated = Inventory((WELL,), "sim")
    assert judged(simulated, [xid(79)], {}) is simulated
