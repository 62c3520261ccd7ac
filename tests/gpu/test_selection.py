"""TUISWP_GPUS and CUDA_VISIBLE_DEVICES: which GPUs may be used, and the variables of a training."""

import msgspec
import pytest

from tuiswp.errors import ExitCode, UsageError
from tuiswp.gpu.continuity import carry_on
from tuiswp.gpu.environment import environment
from tuiswp.gpu.inventory import GpuReading, Inventory
from tuiswp.gpu.selection import Nothing, Real, Simulated, choose, restrict, without_nvml
from tuiswp.model.trial import Lease

FOUR = Inventory(tuple(GpuReading(f"GPU-abc{i}", i) for i in range(4)), "nvml")


def left(**environ: str) -> Inventory:
    selection = choose(environ)
    assert isinstance(selection, Real)
    return restrict(FOUR, selection)


def labels(inventory: Inventory) -> list[str]:
    return [gpu.label for gpu in inventory.gpus]


def test_without_a_setting_every_gpu_may_be_used() -> None:
    assert restrict(FOUR, Real()) is not None
    assert left() == FOUR
    assert left(TUISWP_GPUS="") == FOUR


def test_simulated_gpus_keep_their_uuids() -> None:
    assert choose({"TUISWP_GPUS": "sim:4x80"}) == Simulated(4, 80)
    first = without_nvml(Simulated(2, 80))
    assert [gpu.uuid for gpu in first.gpus] == ["SIM-0000-0000", "SIM-0000-0001"]
    assert first.simulated and first.notes == ("these GPUs are simulated",)


def test_none_means_cpu_slots() -> None:
    assert choose({"TUISWP_GPUS": "none"}) == Nothing("TUISWP_GPUS=none")
    assert without_nvml(Nothing("TUISWP_GPUS=none")).source == "none"


@pytest.mark.parametrize(
    "text", ["sim", "sim:", "sim:4", "sim:x80", "sim:0x80", "sim:4x0", "sim:4x80G", "sim:999x80"]
)
def test_a_malformed_simulation_is_a_usage_error(text: str) -> None:
    with pytest.raises(UsageError, match="TUISWP_GPUS") as caught:
        choose({"TUISWP_GPUS": text})
    assert caught.value.exit_code == ExitCode.USAGE
    assert "sim:4x80" in str(caught.value)


@pytest.mark.parametrize("text", ["all", "-1", "0,,1", "0;1", "G0", "0x2", "\x1b[31m", "GPU-" * 60])
def test_a_name_that_is_none_is_a_usage_error(text: str) -> None:
    with pytest.raises(UsageError) as caught:
        choose({"TUISWP_GPUS": text})
    assert str(caught.value).isprintable()


def test_gpus_are_named_by_index_and_uuid() -> None:
    found = left(TUISWP_GPUS="2, GPU-ABC0")
    assert labels(found) == ["G0", "G2"]
    assert found.notes == ("TUISWP_GPUS=2, GPU-ABC0: 2 of 4 GPUs may be used",)
    assert found.problem is None


def test_a_gpu_that_is_not_here_is_said() -> None:
    found = left(TUISWP_GPUS="0,9")
    assert labels(found) == ["G0"]
    assert found.notes[1] == "TUISWP_GPUS=0,9: this machine has no GPU 9"


def test_a_list_that_leaves_nothing_is_a_problem_and_no_cpu_machine() -> None:
    found = left(TUISWP_GPUS="9")
    assert (found.source, found.gpus) == ("nvml", ())
    assert found.problem == "TUISWP_GPUS=9 leaves none of this machine's GPUs"


def test_both_settings_narrow() -> None:
    assert labels(left(TUISWP_GPUS="0,1", CUDA_VISIBLE_DEVICES="1,2")) == ["G1"]


def test_cuda_stops_at_the_first_name_that_is_none() -> None:
    assert labels(left(CUDA_VISIBLE_DEVICES="0,-1,2")) == ["G0"]


def test_bus_order_is_said_unless_cuda_uses_it_too() -> None:
    assert "PCI bus order" in left(CUDA_VISIBLE_DEVICES="0").notes[0]
    same = left(CUDA_VISIBLE_DEVICES="0", CUDA_DEVICE_ORDER="PCI_BUS_ID")
    assert "PCI bus order" not in same.notes[0]


@pytest.mark.parametrize("hidden", ["", "-1", "NoDevFiles"])
def test_cuda_devices_hidden_on_purpose_mean_cpu_slots(hidden: str) -> None:
    found = choose({"CUDA_VISIBLE_DEVICES": hidden})
    assert isinstance(found, Nothing)
    assert without_nvml(found).problem == f"CUDA_VISIBLE_DEVICES={hidden}: no GPU is used"


def test_a_whole_gpu_names_its_mig_devices() -> None:
    part = GpuReading("MIG-7", 0, mig=True, share_of="GPU-abc0", mig_index=0)
    other = GpuReading("GPU-abc1", 1)
    selection = choose({"CUDA_VISIBLE_DEVICES": "GPU-abc0"})
    assert isinstance(selection, Real)
    assert restrict(Inventory((part, other), "nvml"), selection).gpus == (part,)


def test_a_machine_without_gpus_stays_one_whatever_is_asked() -> None:
    none = Inventory((), "none", "no NVIDIA driver library")
    selection = choose({"TUISWP_GPUS": "0"})
    assert isinstance(selection, Real)
    assert restrict(none, selection) == none


def test_gpus_keep_their_numbers_when_their_order_changes() -> None:
    swapped = Inventory((GpuReading("GPU-b", 0), GpuReading("GPU-a", 1)), "nvml")
    before = Inventory((GpuReading("GPU-a", 0), GpuReading("GPU-b", 1)), "nvml")
    assert carry_on(before, swapped) == before


def test_a_new_gpu_takes_no_number_that_is_in_use() -> None:
    before = Inventory((GpuReading("GPU-a", 0),), "nvml")
    after = carry_on(before, Inventory((GpuReading("GPU-new", 0),), "nvml"))
    assert [(gpu.label, gpu.uuid) for gpu in after.gpus] == [("G0", "GPU-a"), ("G1", "GPU-new")]
    assert after.gpus[0].problem == "is no longer listed by NVML"


def test_a_gpu_cut_into_mig_devices_is_replaced_by_them_and_back() -> None:
    whole = Inventory((GpuReading("GPU-a", 0), GpuReading("GPU-b", 1)), "nvml")
    parts = tuple(
        GpuReading(f"MIG-{n}", 0, mig=True, share_of="GPU-a", mig_index=n) for n in range(2)
    )
    cut = Inventory((*parts, GpuReading("GPU-b", 1)), "nvml")
    assert [gpu.label for gpu in carry_on(whole, cut).gpus] == ["G0.0", "G0.1", "G1"]
    assert carry_on(cut, whole) == whole


def test_a_gpu_that_forgot_its_uuid_is_known_by_its_place() -> None:
    before = Inventory((GpuReading("GPU-a", 0), GpuReading("GPU-b", 1)), "nvml")
    nameless = GpuReading("", 1, problem="is lost")
    (_, lost) = carry_on(before, Inventory((GpuReading("GPU-a", 0), nameless), "nvml")).gpus
    assert (lost.uuid, lost.problem) == ("GPU-b", "is lost")


def test_a_training_is_pinned_by_uuid_in_the_order_of_its_leases() -> None:
    leases = [Lease("GPU-b", 0, "G1"), Lease("GPU-a", 0, "G0")]
    assert environment(leases, simulated=False) == {
        "CUDA_VISIBLE_DEVICES": "GPU-b,GPU-a",
        "CUDA_DEVICE_ORDER": "PCI_BUS_ID",
        "TUISWP_GPU": "G1,G0",
    }


def test_a_cpu_slot_leaves_cuda_alone() -> None:
    assert environment([Lease("cpu", 1, "cpu1")], simulated=False) == {"TUISWP_GPU": "cpu1"}


def test_a_simulated_gpu_is_said_to_be_one() -> None:
    added = environment([Lease("SIM-0000-0000", 0, "G0")], simulated=True)
    assert added["CUDA_VISIBLE_DEVICES"] == "SIM-0000-0000"
    assert added["TUISWP_GPU_SIMULATED"] == "1"


def test_an_inventory_travels_as_json() -> None:
    assert msgspec.json.decode(msgspec.json.encode(FOUR), type=Inventory) == FOUR
