"""The processes of a running trial: as its own tree, and unknown where that is so."""

import os

from msgspec.structs import replace

from tests.tui.snapshots import running
from tuiswp import proc
from tuiswp.gpu.inventory import GpuProcess, GpuReading, Inventory
from tuiswp.model.trial import Running, Trial
from tuiswp.tui.processes import ProcessWatch


def of_this_process() -> Trial:
    trial = running(7, {"lr": 1.0})
    assert isinstance(trial.status, Running)
    here = (replace(trial.attempts[0], host=proc.hostname()),)
    return replace(trial, status=replace(trial.status, training=proc.myself()), attempts=here)


def on_gpu(*processes: GpuProcess) -> Inventory:
    return Inventory((GpuReading("GPU-G0", 0, processes=processes),), "nvml")


def test_its_memory_on_the_gpu_is_that_of_its_own_number() -> None:
    mine = GpuProcess(os.getpid(), name="python", memory_mib=512)
    tree = ProcessWatch().look(of_this_process(), on_gpu(mine))
    assert tree is not None
    assert (tree.lines[0].pid, tree.lines[0].gpu_mib) == (os.getpid(), 512)


def test_what_nvml_does_not_tell_is_unknown_and_not_zero() -> None:
    for inventory in (None, Inventory((GpuReading("GPU-G0", 0),), "nvml"), on_gpu(GpuProcess(1))):
        tree = ProcessWatch().look(of_this_process(), inventory)
        assert tree is not None
        assert tree.lines[0].gpu_mib is None
    tree = ProcessWatch().look(of_this_process(), on_gpu(GpuProcess(1, name="Xorg")))
    assert tree is not None
    assert tree.lines[0].gpu_mib == 0


def test_a_trial_of_another_machine_or_one_that_is_gone_says_so() -> None:
    trial = of_this_process()
    away = replace(trial, attempts=(replace(trial.attempts[0], host="far"),))
    tree = ProcessWatch().look(away, None)
    assert tree is not None
    assert tree.note == "they run on far, not here"
    assert isinstance(trial.status, Running)
    other = replace(trial.status, training=replace(proc.myself(), ticks=1))
    tree = ProcessWatch().look(replace(trial, status=other), None)
    assert tree is not None
    assert tree.note == "none is left of what was started"
    assert ProcessWatch().look(None, None) is None
