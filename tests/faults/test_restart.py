"""The controller is killed while trials run: the next one watches all of them, and touches none."""

import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import pytest

from tests.end_to_end.harness import (
    environment_is_private,
    kill_trials_of,
    launches,
    state_of,
    wait_for,
    write_sweep,
)
from tuiswp import proc
from tuiswp.controller.directory import SweepDirectory
from tuiswp.controller.opening import create
from tuiswp.model.trial import Running

pytestmark = pytest.mark.slow

TRIALS = 8


def controller(place: SweepDirectory) -> "subprocess.Popen[bytes]":
    return subprocess.Popen(
        [sys.executable, "-m", "tuiswp.cli.main", "_controller", str(place.root)],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )


def watched(pid: int) -> int:
    """How many supervisors a controller waits for: the pidfds it holds."""
    found = 0
    for link in Path(f"/proc/{pid}/fd").glob("*"):
        with suppress(OSError):
            found += str(link.readlink()) == "anon_inode:[pidfd]"
    return found


def running(place: SweepDirectory) -> dict[str, Running]:
    return {t.id: t.status for t in state_of(place.root).live() if isinstance(t.status, Running)}


def test_a_killed_controllers_trials_are_all_watched_by_the_next_and_none_is_touched(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert environment_is_private()
    monkeypatch.chdir(tmp_path)
    place = SweepDirectory(tmp_path / "sweeps" / "many")
    create(place, write_sweep(tmp_path, trials=TRIALS, parallel=TRIALS, steps=10_000))
    process = controller(place)
    try:
        wait_for(lambda: place.journal.exists() and len(running(place)) == TRIALS)
        before = running(place)
        process.send_signal(signal.SIGKILL)
        process.wait(10)
        process = controller(place)
        wait_for(lambda: watched(process.pid) == TRIALS, what="not all trials are watched again")
        assert running(place) == before
        assert all(proc.is_alive(one.training) for one in before.values())
        assert set(map(len, launches(place.root).values())) == {1}
    finally:
        process.kill()
        process.wait(10)
        kill_trials_of(place.root)
