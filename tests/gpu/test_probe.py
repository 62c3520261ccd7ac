"""`GpuWatch` against a stand-in NVML that falls ill and gets well again."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import psutil
import pytest

from tests.gpu.conftest import FakeNvml, until
from tuiswp.errors import UsageError
from tuiswp.gpu.probe import GpuWatch, read_once

pytestmark = pytest.mark.slow  # children that ask a stand-in for NVML

Watching = Callable[..., GpuWatch]


def readers() -> list[int]:
    """Pids of this process's NVML children."""
    found = []
    for child in psutil.Process().children():
        with suppress(psutil.NoSuchProcess):  # gone between two looks, or not reaped yet
            if "tuiswp.gpu.child" in " ".join(child.cmdline()):
                found.append(child.pid)
    return found


def test_a_watch_follows_the_gpus(nvml: FakeNvml, watching: Watching) -> None:
    watch = watching()
    first = watch.wait_first(10)
    assert first is not None and len(first.gpus) == 1
    nvml.says("gpu 0 used 5000")
    until(watch, lambda found: found.gpus[0].memory_used_mib == 5000)


def test_refresh_asks_now(nvml: FakeNvml, watching: Watching) -> None:
    watch = watching(period_s=600.0)
    until(watch, lambda found: len(found.gpus) == 1)
    nvml.says("gpu 0 used 5000")
    watch.refresh()
    until(watch, lambda found: found.gpus[0].memory_used_mib == 5000)


def test_nothing_is_known_before_the_first_answer(nvml: FakeNvml, watching: Watching) -> None:
    nvml.says("hang-init 1")
    watch = watching(deadline_s=0.3)
    assert watch.latest() is None
    asked = time.monotonic()
    found = watch.wait_first(5)
    assert time.monotonic() - asked < 3
    assert found is not None and found.source == "nvml" and found.gpus == ()
    assert found.problem is not None and found.problem.startswith("NVML does not answer (")
    nvml.says("count 2")  # a driver that only starts slowly is waited for
    until(watch, lambda found: len(found.gpus) == 2 and found.problem is None)


def test_a_lost_gpu_is_sick_until_it_is_well_again(nvml: FakeNvml, watching: Watching) -> None:
    watch = watching()
    nvml.says("count 2")
    until(watch, lambda found: len(found.gpus) == 2)
    nvml.says("count 2", "gpu 1 rc 15")
    sick = until(watch, lambda found: found.gpus[1].problem is not None)
    assert sick.gpus[1].uuid == "GPU-00000000-0000-0000-0000-000000000001"
    assert sick.gpus[0].problem is None
    nvml.says("count 2")
    until(watch, lambda found: found.gpus[1].problem is None)


def test_a_gpu_that_hangs_for_a_while_is_read_again_by_the_same_child(
    nvml: FakeNvml, watching: Watching
) -> None:
    nvml.says("count 2")
    watch = watching(deadline_s=0.5)
    until(watch, lambda found: len(found.gpus) == 2)
    before = readers()
    nvml.says("count 2", "gpu 1 hang 1")
    silent = until(watch, lambda found: found.gpus[1].problem is not None)
    assert silent.gpus[1].problem is not None
    assert silent.gpus[1].problem.startswith("does not answer (")
    nvml.says("count 2", "gpu 1 hang 1", "gpu 0 used 77")
    until(watch, lambda found: found.gpus[0].memory_used_mib == 77)
    nvml.says("count 2")
    until(watch, lambda found: found.gpus[1].problem is None)
    assert readers() == before


def test_a_count_that_drops_renumbers_nobody(nvml: FakeNvml, watching: Watching) -> None:
    nvml.says("count 3", "gpu 0 bus 1", "gpu 1 bus 2", "gpu 2 bus 3")
    watch = watching()
    before = until(watch, lambda found: len(found.gpus) == 3)
    nvml.says("count 2")
    # A look that began before the change counts three and finds the third wrong, until the next.
    after = until(watch, lambda found: found.gpus[2].problem == "is no longer listed by NVML")
    assert [(gpu.label, gpu.uuid) for gpu in after.gpus] == [
        (gpu.label, gpu.uuid) for gpu in before.gpus
    ]


def test_a_driver_that_goes_away_does_not_make_it_a_machine_without_gpus(
    nvml: FakeNvml, watching: Watching
) -> None:
    watch = watching()
    until(watch, lambda found: len(found.gpus) == 1)
    nvml.says("count 0", "init 9")
    ill = until(watch, lambda found: found.problem is not None)
    assert (ill.source, len(ill.gpus)) == ("nvml", 1)
    nvml.says("count 1")
    until(watch, lambda found: found.problem is None)


def test_a_stopped_child_is_replaced_and_the_old_value_shown_with_its_age(
    nvml: FakeNvml, watching: Watching
) -> None:
    watch = watching(deadline_s=0.4)
    until(watch, lambda found: len(found.gpus) == 1)
    (child,) = readers()
    os.kill(child, signal.SIGSTOP)
    stale = until(watch, lambda found: found.problem is not None)
    assert stale.problem is not None and stale.problem.startswith("NVML does not answer (")
    assert len(stale.gpus) == 1
    until(watch, lambda found: found.problem is None)
    assert child not in readers()


def test_a_killed_child_is_replaced(nvml: FakeNvml, watching: Watching) -> None:
    watch = watching()
    until(watch, lambda found: len(found.gpus) == 1)
    (child,) = readers()
    os.kill(child, signal.SIGKILL)
    until(watch, lambda found: found.problem is not None)
    until(watch, lambda found: found.problem is None)


def test_where_nvml_is_absent_no_child_stays(nvml: FakeNvml, watching: Watching) -> None:
    nvml.says("init 9")
    watch = watching(absent_retry_s=600.0)
    found = watch.wait_first(10)
    assert found is not None and found.source == "none"
    deadline = time.monotonic() + 5
    while readers():
        assert time.monotonic() < deadline
        time.sleep(0.01)
    watch.refresh()
    time.sleep(0.3)  # time in which a reader could have been started against the rule
    assert readers() == []


def test_closing_ends_the_child_even_while_nvml_hangs(nvml: FakeNvml, watching: Watching) -> None:
    nvml.says("hang-init 1")
    watch = watching(deadline_s=0.2, start_deadline_s=60.0)
    watch.wait_first(5)
    assert len(readers()) == 1
    asked = time.monotonic()
    watch.close()
    watch.close()
    assert time.monotonic() - asked < 2
    assert readers() == []


def test_one_look_leaves_no_child(nvml: FakeNvml) -> None:
    nvml.says("hang-init 1")
    read_once(0.3, environ={})
    assert readers() == []


def test_the_child_ends_with_its_parent_even_while_nvml_hangs(
    nvml: FakeNvml, tmp_path: Path
) -> None:
    nvml.says("hang-init 1")
    script = (
        "import os, time; from tuiswp.gpu.reader import Reader\n"
        "reader = Reader(); reader.ask(time.monotonic() + 60)\n"
        "print(reader.pid, flush=True); time.sleep(0.5); os.kill(os.getpid(), 9)"
    )
    parent = subprocess.run([sys.executable, "-c", script], capture_output=True, check=False)
    assert parent.returncode == -9
    child = int(parent.stdout)
    deadline = time.monotonic() + 5
    while psutil.pid_exists(child) and psutil.Process(child).status() != psutil.STATUS_ZOMBIE:
        assert time.monotonic() < deadline, "the child outlives its parent"
        time.sleep(0.02)


def test_the_child_does_not_carry_the_token_of_a_trial(
    nvml: FakeNvml, watching: Watching, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TUISWP_TOKEN", "f" * 32)
    watch = watching()
    until(watch, lambda found: len(found.gpus) == 1)
    (child,) = readers()
    assert b"TUISWP_TOKEN" not in Path(f"/proc/{child}/environ").read_bytes()


def test_watching_loads_neither_pynvml_nor_psutil() -> None:
    script = (
        "import json, sys, tuiswp.gpu.probe, tuiswp.gpu.placement, tuiswp.gpu.cooling\n"
        "print(json.dumps([*sys.modules]))"
    )
    out = subprocess.run([sys.executable, "-c", script], capture_output=True, check=True).stdout
    assert {"pynvml", "psutil", "pandas", "libtmux"} & set(json.loads(out)) == set()


def test_simulated_gpus_need_no_child() -> None:
    watch = GpuWatch(environ={"TUISWP_GPUS": "sim:4x80"})
    found = watch.wait_first(0)
    watch.close()
    assert found is not None and found.simulated and readers() == []
    assert [gpu.uuid for gpu in found.gpus] == [f"SIM-0000-000{i}" for i in range(4)]
    assert {gpu.memory_free_mib for gpu in found.gpus} == {80 * 1024}


def test_a_malformed_variable_is_refused_at_once() -> None:
    with pytest.raises(UsageError, match="sim:4x80 for four GPUs"):
        GpuWatch(environ={"TUISWP_GPUS": "sim:4"})
