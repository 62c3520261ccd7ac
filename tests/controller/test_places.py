"""This sweep's leases: taken before the launch, given back on proof, seen by other sweeps."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tuiswp.controller.directory import SweepDirectory
from tuiswp.controller.places import Places
from tuiswp.model.sweep import Resources


@pytest.fixture(autouse=True)
def simulated(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TUISWP_GPUS", "sim:2x80")
    monkeypatch.setenv("TUISWP_RUNTIME_DIR", str(tmp_path / "run"))


@pytest.fixture
def places(tmp_path: Path) -> Iterator[Places]:
    made = Places(SweepDirectory(tmp_path / "one"), Resources())
    yield made
    made.close()


def test_each_gpu_is_given_once(places: Places, tmp_path: Path) -> None:
    first, second = (places.take(f"{n}" * 32, f"t000{n}.1", tmp_path) for n in (1, 2))
    assert isinstance(first, tuple)
    assert isinstance(second, tuple)
    assert {first[0].name, second[0].name} == {"G0", "G1"}
    third = places.take("3" * 32, "t0003.1", tmp_path)
    assert third == "all 2 GPUs are taken by this sweep's own trials"


def test_another_sweep_sees_what_is_taken(places: Places, tmp_path: Path) -> None:
    other = Places(SweepDirectory(tmp_path / "two"), Resources())
    for n in (1, 2):
        assert isinstance(places.take(f"{n}" * 32, f"t000{n}.1", tmp_path), tuple)
    answer = other.take("9" * 32, "t0000.1", tmp_path)
    assert isinstance(answer, str)
    assert "held by another sweep" in answer
    places.release("1" * 32)
    assert isinstance(other.take("9" * 32, "t0000.1", tmp_path), tuple)
    other.close()


def test_the_training_is_pinned_by_uuid(places: Places, tmp_path: Path) -> None:
    leases = places.take("1" * 32, "t0001.1", tmp_path)
    assert isinstance(leases, tuple)
    environment = places.environment(leases)
    assert environment["CUDA_VISIBLE_DEVICES"] == leases[0].uuid
    assert environment["CUDA_DEVICE_ORDER"] == "PCI_BUS_ID"


def test_cpu_slots_are_the_sweeps_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TUISWP_GPUS", "none")
    one = Places(SweepDirectory(tmp_path / "one"), Resources(max_parallel=1))
    two = Places(SweepDirectory(tmp_path / "two"), Resources(max_parallel=1))
    assert isinstance(one.take("1" * 32, "t0000.1", tmp_path), tuple)
    assert isinstance(two.take("2" * 32, "t0000.1", tmp_path), tuple)
    assert isinstance(one.take("3" * 32, "t0001.1", tmp_path), str)
    one.release("1" * 32)
    assert isinstance(one.take("3" * 32, "t0001.1", tmp_path), tuple)
    one.close()
    two.close()


def test_a_restarted_controller_keeps_the_leases_of_what_runs(
    places: Places, tmp_path: Path
) -> None:
    from tuiswp.model.trial import Attempt, Launching, Trial

    leases = places.take("1" * 32, "t0001.1", tmp_path)
    assert isinstance(leases, tuple)
    again = Places(SweepDirectory(tmp_path / "one"), Resources())
    trial = Trial(
        1,
        {},
        "k",
        "grid",
        Launching(0.0, "1" * 32, leases),
        attempts=(Attempt(1, 0.0, leases=leases, token="1" * 32),),
    )
    again.adopt([trial])
    free = again.take("2" * 32, "t0002.1", tmp_path)
    assert isinstance(free, tuple)
    assert free[0].uuid != leases[0].uuid
    again.close()


def test_a_lease_taken_for_a_launch_that_never_was_is_given_back(
    places: Places, tmp_path: Path
) -> None:
    places.take("1" * 32, "t0001.1", tmp_path)
    again = Places(SweepDirectory(tmp_path / "one"), Resources())
    again.adopt([])
    taken = [again.take(f"{n}" * 32, f"t000{n}.1", tmp_path) for n in (2, 3)]
    assert all(isinstance(place, tuple) for place in taken)
    again.close()


@pytest.mark.parametrize(
    ("gpus", "resources", "why"),
    [
        ("sim:2x80", Resources(gpus_per_trial=4), "needs 4 GPUs and this machine offers G0"),
        ("sim:2x80", Resources(gpu_memory_mib=200 * 1024), "1 GPU with 204800 MiB"),
        ("sim:2x80", Resources(gpus_per_trial=2), None),
        ("none", Resources(gpus_per_trial=4), None),
    ],
)
def test_what_can_never_fit_is_told_from_what_waits(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    gpus: str,
    resources: Resources,
    why: str | None,
) -> None:
    monkeypatch.setenv("TUISWP_GPUS", gpus)
    made = Places(SweepDirectory(tmp_path / "one"), resources)
    made.take("1" * 32, "t0000.1", tmp_path)  # the GPUs have been read, and some are busy
    told = made.never_fits()
    assert told is None if why is None else told is not None and why in told
    made.close()
