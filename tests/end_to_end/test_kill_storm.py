"""Kill the controller at random, again and again: nothing is lost, nothing runs twice."""

import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.end_to_end.harness import (
    environment_is_private,
    kill_trials_of,
    launches,
    state_of,
    wait_for,
    widest_gap,
    write_sweep,
)
from tuiswp.controller.directory import SweepDirectory
from tuiswp.controller.journal import read
from tuiswp.controller.opening import create
from tuiswp.model.events import Record

pytestmark = pytest.mark.slow

TRIALS = 24
KILLS = 25


def controller(directory: Path, cwd: Path) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-m", "tuiswp.cli.main", "_controller", str(directory)],
        cwd=cwd,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )


@pytest.mark.timeout(180)
def test_each_point_is_launched_once_and_no_acknowledged_fact_is_lost(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert environment_is_private()
    monkeypatch.chdir(tmp_path)
    source = write_sweep(tmp_path, trials=TRIALS, parallel=4, steps=12)
    place = SweepDirectory(tmp_path / "sweeps" / "storm")
    create(place, source)
    dice = random.Random(20261121)
    acknowledged: list[Record] = []
    process = controller(place.root, tmp_path)
    try:
        for _ in range(KILLS):
            # The moment of death is the experiment: anywhere from start-up to full work.
            time.sleep(dice.uniform(0.05, 0.7))
            acknowledged = list(read(place.journal).records) or acknowledged
            process.send_signal(signal.SIGKILL)
            process.wait(10)
            after = list(read(place.journal).records)
            assert after[: len(acknowledged)] == acknowledged
            process = controller(place.root, tmp_path)
        wait_for(lambda: process.poll() is not None, timeout=90, what="the sweep did not end")
        state = state_of(place.root)
        assert [trial.state for trial in state.trials.values()] == ["done"] * TRIALS
        assert sorted(trial.params["x"] for trial in state.trials.values()) == list(  # type: ignore[type-var]
            range(1, TRIALS + 1)
        )
        # By number of launches, not of attempt: an intent without a launch is taken back, and the
        # point runs as its second attempt.
        ran = {trial: len(attempts) for trial, attempts in launches(place.root).items()}
        assert ran == {f"t{n:04d}": 1 for n in range(TRIALS)}
        gaps = [widest_gap(beat) for beat in place.trials.glob("*/heartbeat")]
        assert max(gaps) < 1.0
        assert state.best is not None
        assert state.trials[state.best.trial].params["x"] == 1
    finally:
        if process.poll() is None:
            process.kill()
            process.wait(10)
        kill_trials_of(place.root)
