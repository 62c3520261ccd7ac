"""What the machine offers beside its GPUs."""

import os
import subprocess
import sys
from pathlib import Path

import psutil
import pytest
from msgspec.structs import replace

from tests.leftovers import until_readable
from tuiswp import proc
from tuiswp.gpu import host
from tuiswp.model.sweep import Resources


def test_cores_respect_the_affinity_of_this_process() -> None:
    all_of_them = os.sched_getaffinity(0)
    try:
        os.sched_setaffinity(0, {min(all_of_them)})
        assert host.cpu_count() == 1
        assert host.cpu_slots(Resources()) == 1
    finally:
        os.sched_setaffinity(0, all_of_them)


@pytest.mark.parametrize(
    ("quota", "cores"),
    [("150000 100000", 1), ("50000 100000", 1), ("max 100000", 2), ("nonsense", 2)],
)
def test_cores_and_memory_respect_a_quota_of_the_control_group(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, quota: str, cores: int
) -> None:
    (tmp_path / "cpu.max").write_text(quota)
    (tmp_path / "memory.max").write_text(str(64 * 1024 * 1024))
    monkeypatch.setattr(host, "_own_groups", lambda: [tmp_path])
    monkeypatch.setattr(os, "sched_getaffinity", lambda pid: {0, 1})
    assert host.cpu_count() == cores
    assert host.memory_total_mib() == 64


def test_slots_are_max_parallel_or_half_the_cores(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(host, "cpu_count", lambda: 9)
    assert host.cpu_slots(Resources()) == 4
    assert host.cpu_slots(Resources(max_parallel=7)) == 7


def test_a_tree_lists_a_process_and_its_children() -> None:
    with subprocess.Popen(["sleep", "60"]) as child:
        try:
            found = {process.pid: process for process in host.tree(os.getpid())}
        finally:
            child.kill()
    assert next(iter(found)) == os.getpid()
    assert found[child.pid].parent == os.getpid()
    assert (found[os.getpid()].rss_mib or 0) > 1
    assert host.tree(child.pid) == []


def test_how_busy_a_process_is_shows_from_the_second_look_on() -> None:
    spin = "import time\nwhile True: time.process_time()"
    child = subprocess.Popen([sys.executable, "-c", spin])
    try:
        until_readable(child)
        root = proc.identify(child.pid)
        assert root is not None
        watch = host.TreeWatch(root)
        (first,) = watch.look()
        used = psutil.Process(child.pid).cpu_times().user
        while psutil.Process(child.pid).cpu_times().user < used + 0.05:
            pass
        (second,) = watch.look()
    finally:
        child.kill()
        child.wait()
    assert (first.pid, first.depth, first.cpu_percent) == (child.pid, 0, None)
    assert first.command is not None
    assert first.command[-1] == spin
    assert first.age_s is not None
    assert second.cpu_percent is not None
    assert second.cpu_percent > 1.0
    assert watch.look() == []


def test_another_process_under_an_old_number_is_not_looked_at() -> None:
    me = proc.myself()
    assert host.TreeWatch(replace(me, ticks=me.ticks + 1)).look() == []


def test_processes_stand_after_their_parents_with_their_depth() -> None:
    script = "import subprocess, sys; subprocess.run(['sleep', '60'])"
    child = subprocess.Popen([sys.executable, "-c", script])
    try:
        while len(found := host.tree(child.pid)) < 2:
            pass
        assert [(one.pid == child.pid, one.depth) for one in found] == [(True, 0), (False, 1)]
    finally:
        for one in psutil.Process(child.pid).children(recursive=True):
            one.kill()
        child.kill()
        child.wait()
