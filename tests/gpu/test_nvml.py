"""What a child process reads of a stand-in NVML, with its faults, one look at a time."""

import os
import pwd
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.gpu.conftest import FakeNvml
from tuiswp.gpu.inventory import Inventory
from tuiswp.gpu.probe import read_once

pytestmark = pytest.mark.slow  # children that ask a stand-in for NVML


def look(deadline_s: float = 8.0, **environ: str) -> Inventory:
    """One look with time enough for a busy machine."""
    return read_once(deadline_s, environ=environ)


def test_a_healthy_gpu_tells_everything(nvml: FakeNvml) -> None:
    nvml.says("gpu 0 used 20113", "driver 575.57")
    found = look()
    assert (found.source, found.problem, found.driver) == ("nvml", None, "575.57")
    (gpu,) = found.gpus
    assert gpu.uuid == "GPU-00000000-0000-0000-0000-000000000000"
    assert (gpu.label, gpu.name) == ("G0", "FAKE H200")
    assert (gpu.memory_total_mib, gpu.memory_used_mib, gpu.memory_free_mib) == (81920, 20113, 61807)
    assert (gpu.utilization, gpu.temperature_c) == (42, 55)
    assert (gpu.power_w, gpu.power_limit_w) == (123.5, 700.0)
    assert (gpu.processes, gpu.problem, gpu.mig) == ((), None, False)
    assert 0 <= time.monotonic() - gpu.at < 8
    assert abs(time.time() - found.taken_at) < 8


def test_without_nvml_there_are_cpu_slots_and_a_plain_reason(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("LD_LIBRARY_PATH", raising=False)
    found = look()
    if found.source == "nvml":
        pytest.skip("this machine has a real NVML")
    assert found.gpus == ()
    assert found.problem == "no NVIDIA driver library (libnvidia-ml.so.1) here"


def test_a_driver_that_is_not_loaded_means_cpu_slots(nvml: FakeNvml) -> None:
    nvml.says("init 9")
    found = look()
    assert (found.source, found.problem) == ("none", "the NVIDIA driver is not loaded")


def test_a_version_mismatch_is_a_sick_gpu_machine_and_not_a_cpu_machine(nvml: FakeNvml) -> None:
    nvml.says("init 18")
    found = look()
    assert found.source == "nvml"
    assert found.problem is not None and "different versions; reboot" in found.problem


def test_no_gpu_at_all_means_cpu_slots(nvml: FakeNvml) -> None:
    nvml.says("count 0")
    assert (look().source, look().problem) == ("none", "NVML finds no GPU")


@pytest.mark.parametrize(
    ("code", "words"), [(15, "is lost"), (16, "needs a reset"), (999, "Unknown Error")]
)
def test_one_sick_gpu_spoils_no_other(nvml: FakeNvml, code: int, words: str) -> None:
    nvml.says("count 3", f"gpu 1 rc {code}")
    healthy, sick, last = look().gpus
    assert sick.problem is not None and words in sick.problem
    assert sick.memory_free_mib is None
    assert (healthy.problem, last.problem) == (None, None)
    assert (healthy.memory_free_mib, last.memory_free_mib) == (81920, 81920)


def test_an_unknown_error_of_one_call_makes_the_gpu_sick_but_keeps_what_was_read(
    nvml: FakeNvml,
) -> None:
    nvml.says("gpu 0 memory-rc 999")
    (gpu,) = look().gpus
    assert gpu.problem == "NVML: Unknown Error"
    assert (gpu.uuid, gpu.name) == ("GPU-00000000-0000-0000-0000-000000000000", "FAKE H200")


def test_what_is_not_supported_is_unknown_and_no_problem(nvml: FakeNvml) -> None:
    nvml.says("gpu 0 memory-rc 3", "gpu 0 power-rc 3", "gpu 0 list-rc 3")
    (gpu,) = look().gpus
    assert gpu.problem is None
    assert (gpu.memory_total_mib, gpu.memory_used_mib, gpu.memory_free_mib) == (None, None, None)
    assert (gpu.power_w, gpu.power_limit_w, gpu.processes) == (None, None, None)


def test_a_gpu_that_hangs_is_named_in_time_and_the_others_answer(nvml: FakeNvml) -> None:
    nvml.says("count 2", "gpu 0 hang 1")
    asked = time.monotonic()
    found = look(2.0)
    assert time.monotonic() - asked < 3.0
    if found.problem is not None:  # a busy machine may not even have loaded the library in time
        assert found.problem == "NVML does not answer (2 s)"
        pytest.skip("this machine is too busy to tell one GPU from all")
    silent, well = found.gpus
    assert silent.problem is not None and silent.problem.startswith("does not answer (")
    assert (well.problem, well.memory_free_mib) == (None, 81920)


def test_an_nvml_that_hangs_at_its_start_is_said_in_time(nvml: FakeNvml) -> None:
    nvml.says("hang-init 1")
    asked = time.monotonic()
    found = look(0.5)
    assert time.monotonic() - asked < 2.0
    assert (found.source, found.gpus) == ("nvml", ())
    assert found.problem == "NVML does not answer (0.5 s)"


def test_gpus_come_in_pci_bus_order(nvml: FakeNvml) -> None:
    nvml.says("count 3", "gpu 0 bus 9", "gpu 1 bus 2", "gpu 2 bus 5")
    gpus = look().gpus
    assert [gpu.label for gpu in gpus] == ["G0", "G1", "G2"]
    assert [gpu.uuid[-1] for gpu in gpus] == ["1", "2", "0"]


def test_processes_have_owners_tokens_and_memory(nvml: FakeNvml) -> None:
    token = "0123456789abcdef0123456789abcdef"
    script = "import subprocess, sys; subprocess.run(['sleep', '60'], env={})"
    ours = subprocess.Popen(
        [sys.executable, "-c", script],
        env={**os.environ, "TUISWP_TOKEN": token},
        stdout=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        worker = _only_child(ours.pid)
        nvml.says(
            f"proc 0 {ours.pid} 500",
            f"proc 0 {worker} 300",
            "proc 0 1 -1",
            "proc 0 4194303 700",
            "draws 0 2 4",
        )
        (gpu,) = look().gpus
    finally:
        os.killpg(ours.pid, 9)
        ours.wait()
    assert gpu.processes is not None
    listed = {process.pid: process for process in gpu.processes}
    me = pwd.getpwuid(os.getuid()).pw_name
    assert (listed[ours.pid].token, listed[ours.pid].memory_mib) == (token, 500)
    assert listed[ours.pid].user == me
    assert "python" in (listed[ours.pid].name or "")
    assert listed[worker].token == token, "a worker with a clean environment is its parent's"
    assert listed[1].memory_mib is None and listed[1].token is None
    assert listed[1].user == Path("/proc/1").owner()
    assert (listed[4194303].user, listed[4194303].name) == (None, None)
    assert listed[2].graphics and not listed[1].graphics


def test_a_process_may_call_itself_anything(nvml: FakeNvml) -> None:
    script = (
        "import ctypes, sys; ctypes.CDLL(None).prctl(15, b'\\xff) \\x1b[31m', 0, 0, 0);"
        "print(flush=True); sys.stdin.read()"
    )
    odd = subprocess.Popen(
        [sys.executable, "-c", script], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    with odd:
        assert odd.stdout is not None
        odd.stdout.readline()
        nvml.says(f"proc 0 {odd.pid} 100")
        (gpu,) = look().gpus
        odd.kill()
    assert gpu.processes is not None
    assert gpu.processes[0].name == "\\udcff) \x1b[31m"


def test_mig_devices_stand_for_their_gpu(nvml: FakeNvml) -> None:
    nvml.says("count 2", "gpu 0 mig 2", "proc 0 1 100")
    first, second, whole = look().gpus
    parent = "GPU-00000000-0000-0000-0000-000000000000"
    assert [gpu.label for gpu in (first, second, whole)] == ["G0.0", "G0.1", "G1"]
    assert first.uuid == "MIG-11111111-0000-0000-0000-000000000000"
    assert (first.mig, first.share_of) == (True, parent)
    assert (whole.mig, whole.share_of) == (False, None)
    assert first.memory_total_mib == 81920 // 7
    assert first.utilization is None
    assert first.temperature_c == 55
    assert first.processes is not None and [one.pid for one in first.processes] == [1]
    assert second.processes == ()


def test_mig_mode_without_devices_is_a_problem_and_no_whole_gpu(nvml: FakeNvml) -> None:
    nvml.says("gpu 0 mig -1")
    (gpu,) = look().gpus
    assert gpu.problem is not None and "no MIG device" in gpu.problem


def test_cuda_visible_devices_is_respected_and_said(nvml: FakeNvml) -> None:
    nvml.says("count 4")
    found = look(CUDA_VISIBLE_DEVICES="2,GPU-00000000-0000-0000-0000-000000000001")
    assert [gpu.label for gpu in found.gpus] == ["G1", "G2"]
    assert found.notes == (
        "CUDA_VISIBLE_DEVICES=2,GPU-00000000-0000-0000-0000-000000000001: 2 of 4 GPUs may be "
        "used; its numbers are read in PCI bus order",
    )


def _only_child(pid: int) -> int:
    """Pid of the child of `pid`, once it has one that has loaded its program."""
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
        if children and Path(f"/proc/{children[0]}/comm").read_text() == "sleep\n":
            return int(children[0])
        time.sleep(0.01)
    raise AssertionError("no child was started")
