"""Whole sweeps where the machine gives little: few descriptors, a slow disk, no memory, a runtime
directory that is removed or has no room.
"""

import os
import resource
import shutil
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import pytest

from tests.end_to_end.harness import (
    kill_trials_of,
    launches,
    running,
    state_of,
    tuiswp,
    wait_for,
    widest_gap,
    write_sweep,
)
from tests.faults.states import can_mount
from tests.leftovers import end_tmux_server
from tuiswp.errors import ExitCode

pytestmark = [pytest.mark.faults, pytest.mark.timeout(300)]

DESCRIPTORS = 40
PATIENCE_S = 120


def whole(place: Path, trials: int, cwd: Path) -> None:
    state = state_of(place)
    assert [trial.state for trial in state.trials.values()] == ["done"] * trials
    assert [len(ran) for ran in launches(place).values()] == [1] * trials
    verified = tuiswp("verify", place, cwd=cwd)
    assert verified.returncode == ExitCode.OK, verified.stdout


def test_a_sweep_with_more_trials_than_descriptors_watches_them_all(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Controller, tmux server, supervisors and who asks: all of them are held to so few."""
    socket = f"few-{os.getpid()}"
    monkeypatch.setenv("TUISWP_TMUX_SOCKET", socket)  # a server that was started with as few
    trials = 100
    source = write_sweep(tmp_path, trials=trials, parallel=trials, steps=60)
    place = tmp_path / "sweep"
    command = [sys.executable, "-m", "tuiswp.cli.main", "--batch", str(source), "--dir", str(place)]
    batch = subprocess.Popen(
        command,
        cwd=tmp_path,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (DESCRIPTORS, DESCRIPTORS)),
    )
    try:
        wait_for(
            lambda: place.exists() and len(state_of(place).live()) > DESCRIPTORS,
            timeout=PATIENCE_S,
            what="too few run at once",
        )
        assert tuiswp("status", place, cwd=tmp_path).returncode == ExitCode.OK
        wait_for(lambda: batch.poll() is not None, timeout=PATIENCE_S, what="it does not end")
    finally:
        batch.kill()
        batch.wait()
        kill_trials_of(place)
        end_tmux_server(socket)
    assert batch.returncode == ExitCode.OK
    whole(place, trials, tmp_path)


def test_a_runtime_directory_that_is_removed_under_a_sweep_is_made_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As cleaners of /tmp do: leases, wake-up pipe and launch files are gone, and nothing else."""
    runtime = tmp_path / "run"
    runtime.mkdir(mode=0o700)
    monkeypatch.setenv("TUISWP_RUNTIME_DIR", str(runtime))
    monkeypatch.setenv("TUISWP_GPUS", "sim:2x80")
    source = write_sweep(tmp_path, trials=8, parallel=2, steps=30)
    place = tmp_path / "sweep"
    with running("--batch", source, "--dir", place, cwd=tmp_path) as batch:
        try:
            wait_for(lambda: len(list(place.glob("trials/*/heartbeat"))) == 2, timeout=PATIENCE_S)
            shutil.rmtree(runtime)
            wait_for(lambda: batch.poll() is not None, timeout=PATIENCE_S, what="it does not end")
        finally:
            kill_trials_of(place)
        assert batch.returncode == ExitCode.OK
    whole(place, 8, tmp_path)
    assert all(widest_gap(beats) < 5 for beats in place.glob("trials/*/heartbeat"))
    assert not list((runtime / "leases").iterdir())


SLOW = """\
#define _GNU_SOURCE
#include <dlfcn.h>
#include <unistd.h>
static int after(const char *name, int fd) {
    int (*real)(int) = (int (*)(int))dlsym(RTLD_NEXT, name);
    sleep(5);
    return real(fd);
}
int fdatasync(int fd) { return after("fdatasync", fd); }
int fsync(int fd) { return after("fsync", fd); }
"""


def test_a_disk_that_takes_seconds_to_sync_holds_up_nobody_who_asks_or_leaves(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Controller, supervisors and tmux server: all of them wait 5 s for each sync."""
    compiler = shutil.which("gcc")
    if compiler is None:
        pytest.skip("no C compiler here")
    (tmp_path / "slow.c").write_text(SLOW)
    library = tmp_path / "slow.so"
    subprocess.run(
        [compiler, "-shared", "-fPIC", "-o", library, tmp_path / "slow.c", "-ldl"], check=True
    )
    socket = f"slow-{os.getpid()}"
    monkeypatch.setenv("TUISWP_TMUX_SOCKET", socket)
    source = write_sweep(tmp_path, trials=2, parallel=2, steps=20)
    place = tmp_path / "sweep"
    try:
        monkeypatch.setenv("LD_PRELOAD", str(library))
        with running("--batch", source, "--dir", place, cwd=tmp_path) as batch:
            monkeypatch.delenv("LD_PRELOAD")
            wait_for(
                lambda: "slow-disk" in state_of(place).warned, timeout=PATIENCE_S, what="not told"
            )
            wait_for(lambda: len(launches(place)) == 2, timeout=PATIENCE_S, what="not launched")
            assert tuiswp("status", place, cwd=tmp_path).returncode == ExitCode.OK
            batch.terminate()
            assert batch.wait(PATIENCE_S) == ExitCode.INTERRUPTED
        done = tuiswp("--batch", place, cwd=tmp_path, timeout=PATIENCE_S)
        assert done.returncode == ExitCode.OK, done
    finally:
        kill_trials_of(place)
        end_tmux_server(socket)
    whole(place, 2, tmp_path)


@pytest.mark.skipif(not can_mount(), reason="nothing can be mounted here: not root")
def test_a_full_tmp_stops_launching_until_there_is_room(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The sweep's own disk is fine; launch files, leases and tmux's socket have no room."""
    full, socket = tmp_path / "tmp", f"full-{os.getpid()}"
    full.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=256k", "none", full], check=True)
    for name in ("TMPDIR", "TMUX_TMPDIR"):
        monkeypatch.setenv(name, str(full))
    monkeypatch.setenv("TUISWP_RUNTIME_DIR", str(full / "run"))
    (full / "run").mkdir(mode=0o700)
    monkeypatch.setenv("TUISWP_TMUX_SOCKET", socket)
    monkeypatch.setenv("TUISWP_GPUS", "sim:2x80")
    source = write_sweep(tmp_path, trials=6, parallel=2, steps=40)
    place = tmp_path / "sweep"
    try:
        with running("--batch", source, "--dir", place, cwd=tmp_path) as batch:
            wait_for(lambda: len(launches(place)) == 2, timeout=PATIENCE_S, what="not launched")
            with suppress(OSError), (full / "filler").open("wb", buffering=0) as file:
                while file.write(bytes(512)):
                    pass
            wait_for(
                lambda: "No space left on device" in tuiswp("explain", place, cwd=tmp_path).stdout,
                timeout=PATIENCE_S,
                what="not told",
            )
            assert batch.poll() is None
            (full / "filler").unlink()
            wait_for(lambda: batch.poll() is not None, timeout=PATIENCE_S, what=told(place))
            assert batch.returncode == ExitCode.OK, told(place)
    finally:
        kill_trials_of(place)
        end_tmux_server(socket)
        subprocess.run(["umount", "-l", full], check=True)
    whole(place, 6, tmp_path)


NO_MORE = """\
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
static int none(void) {
    int pid = 0;
    FILE *file = fopen(getenv("NO_MORE"), "r");
    if (file) { if (fscanf(file, "%d", &pid) != 1) pid = 0; fclose(file); }
    return pid == getpid();
}
pid_t fork(void) {
    if (none()) { errno = ENOMEM; return -1; }
    return ((pid_t (*)(void))dlsym(RTLD_NEXT, "fork"))();
}
pid_t vfork(void) { return fork(); }
int pthread_create(pthread_t *t, const pthread_attr_t *a, void *(*f)(void *), void *x) {
    if (none()) return EAGAIN;
    return ((int (*)(pthread_t *, const pthread_attr_t *, void *(*)(void *), void *))
            dlsym(RTLD_NEXT, "pthread_create"))(t, a, f, x);
}
"""


@pytest.mark.parametrize("lacks", ["threads", "processes"])
def test_a_controller_that_gets_no_memory_to_launch_waits_until_it_does(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, lacks: str
) -> None:
    """Said in one line, nothing is launched twice, what runs goes on."""
    compiler = shutil.which("gcc")
    if compiler is None:
        pytest.skip("no C compiler here")
    shim = NO_MORE if lacks == "threads" else NO_MORE.replace("if (none()) return EAGAIN;", "")
    (tmp_path / "shim.c").write_text(shim)
    library = tmp_path / "shim.so"
    subprocess.run(
        [compiler, "-shared", "-fPIC", "-o", library, tmp_path / "shim.c", "-ldl"], check=True
    )
    source = write_sweep(tmp_path, trials=6, parallel=2, steps=40)
    place = tmp_path / "sweep"
    none = tmp_path / "none"
    monkeypatch.setenv("NO_MORE", str(none))
    monkeypatch.setenv("LD_PRELOAD", str(library))
    with running("--batch", source, "--dir", place, cwd=tmp_path) as batch:
        monkeypatch.delenv("LD_PRELOAD")
        try:
            wait_for(lambda: len(launches(place)) == 2, timeout=PATIENCE_S, what="not launched")
            none.write_text(str(batch.pid))
            wait_for(
                lambda: "launch failed" in (place / "controller.log").read_text(),
                timeout=PATIENCE_S,
                what="not told",
            )
            assert batch.poll() is None, told(place)
            asked = tuiswp("status", place, cwd=tmp_path)
            assert asked.returncode == ExitCode.OK, asked
            none.unlink()
            wait_for(lambda: batch.poll() is not None, timeout=PATIENCE_S, what=told(place))
            assert batch.returncode == ExitCode.OK, told(place)
        finally:
            kill_trials_of(place)
    assert "Traceback" not in (place / "controller.log").read_text()
    whole(place, 6, tmp_path)


def told(place: Path) -> str:
    return (place / "controller.log").read_text()[-2000:]
