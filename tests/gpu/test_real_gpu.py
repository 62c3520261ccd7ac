"""Checks against a real GPU; they skip, with the reason, where no NVML answers."""

import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator

import pytest

from tuiswp.gpu.cooling import Cooling, Free
from tuiswp.gpu.inventory import GpuReading, Inventory
from tuiswp.gpu.placement import Place, place, strangers
from tuiswp.gpu.probe import GpuWatch, read_once
from tuiswp.model.sweep import Resources

TOKEN = "d" * 32

# Takes about 1 GiB by the driver alone, so that no framework is needed.
HOLD_MEMORY = """
import ctypes, sys
cuda = ctypes.CDLL("libcuda.so.1")
context, memory, device = ctypes.c_void_p(), ctypes.c_uint64(), ctypes.c_int()
assert cuda.cuInit(0) == 0
assert cuda.cuDeviceGet(ctypes.byref(device), 0) == 0
assert cuda.cuCtxCreate_v2(ctypes.byref(context), 0, device) == 0
assert cuda.cuMemAlloc_v2(ctypes.byref(memory), ctypes.c_size_t(1 << 30)) == 0
print("ready", flush=True)
sys.stdin.read()
"""


@pytest.fixture(scope="module")
def real() -> Inventory:
    found = read_once(20.0, environ={})
    if found.source != "nvml" or not found.gpus:
        pytest.skip(f"no real GPU here: {found.problem}")
    return found


@pytest.fixture
def watch(real: Inventory) -> Iterator[GpuWatch]:
    made = GpuWatch(environ={}, period_s=0.2)
    yield made
    made.close()


def test_a_real_gpu_tells_what_is_needed(real: Inventory) -> None:
    assert real.problem is None
    assert real.driver
    for gpu in real.gpus:
        assert gpu.problem is None
        assert gpu.uuid.startswith(("GPU-", "MIG-"))
        assert gpu.memory_total_mib and gpu.memory_free_mib is not None
        assert gpu.processes is not None
        assert gpu.pci and re.fullmatch(r"[0-9a-f]{4,8}:[0-9a-f]{2}:[0-9a-f]{2}", gpu.pci)
        assert gpu.health.action in (None, 0)


def test_a_second_reading_is_quick(real: Inventory, watch: GpuWatch) -> None:
    assert watch.wait_first(20) is not None
    asked = time.monotonic()
    _newer(watch, real.gpus[0].uuid, asked)
    assert time.monotonic() - asked < 2.0


def test_a_process_by_uuid_is_seen_with_its_token_and_its_memory_comes_back(
    real: Inventory, watch: GpuWatch
) -> None:
    gpu = next((gpu for gpu in real.gpus if not strangers(gpu, ())), None)
    if gpu is None:
        pytest.skip("every GPU here is in use")
    environment = {**os.environ, "TUISWP_TOKEN": TOKEN, "CUDA_VISIBLE_DEVICES": gpu.uuid}
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLD_MEMORY],
        env=environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    with holder:
        assert holder.stdout is not None
        ready = holder.stdout.readline()
        if ready != b"ready\n":
            pytest.skip("the CUDA driver library cannot allocate here")
        now = _newer(watch, gpu.uuid, time.monotonic())
        holder.kill()
    assert now.memory_used_mib is not None and gpu.memory_used_mib is not None
    assert now.memory_used_mib >= gpu.memory_used_mib + 1000
    if any(process.pid == holder.pid for process in now.processes or ()):
        assert TOKEN in {process.token for process in now.processes or ()}
        busy = Inventory((now,), "nvml")
        asked = Resources()
        kept = place(asked, busy, [], own_tokens=[TOKEN], cpu_slots=1, running=0)
        assert isinstance(kept, Place)
        refused = place(asked, busy, [], own_tokens=[], cpu_slots=1, running=0)
        assert not isinstance(refused, Place)
    ended = time.monotonic()
    cooling = Cooling(gpu.uuid, TOKEN, ended, gpu.unaccounted_mib)
    while True:
        after = _newer(watch, gpu.uuid, ended)
        if cooling.check(after, time.monotonic()) == Free():
            break
        assert time.monotonic() < ended + 30, cooling.check(after, time.monotonic())


def _newer(watch: GpuWatch, uuid: str, than: float) -> GpuReading:
    """A reading of this GPU taken after `than` (monotonic seconds)."""
    deadline = time.monotonic() + 20
    while True:
        found = watch.latest()
        gpu = found.gpu(uuid) if found is not None else None
        if gpu is not None and gpu.at > than:
            return gpu
        assert time.monotonic() < deadline, found
        time.sleep(0.02)
