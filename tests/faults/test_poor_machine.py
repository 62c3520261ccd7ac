"""Whole sweeps where the machine gives little: few descriptors, a slow disk, a runtime directory
that is removed.
"""

import os
import resource
import shutil
import subprocess
import sys
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
