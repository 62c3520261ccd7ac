"""Kill the controller at random, again and again: nothing is lost, nothing runs twice."""

import itertools
import random
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import msgspec
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
from tuiswp import proc
from tuiswp.controller.directory import SweepDirectory
from tuiswp.controller.journal import read
from tuiswp.controller.opening import create
from tuiswp.launchers.base import StartRecord
from tuiswp.model.events import Record
from tuiswp.model.trial import Process

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


# Each beat says whose it is: two live processes of one trial would interleave.
BEATING = """\
echo "$TUISWP_ATTEMPT $$" >> "$TUISWP_TRIAL_DIR/launches"
step=0
while [ "$step" -lt "$STEPS" ]; do
  step=$((step + 1))
  echo "$$ $(date +%s.%N)" >> "$TUISWP_TRIAL_DIR/heartbeat"
  echo "{\\"step\\": $step, \\"loss\\": $step}" >> "$TUISWP_TRIAL_DIR/metrics.jsonl"
  sleep 0.05
done
"""
STORM_S = 25.0


def lives(heartbeat: Path) -> list[list[float]]:
    """The beats of each process that ran a trial, in the order of their first ones."""
    beats: dict[str, list[float]] = {}
    for line in heartbeat.read_text().splitlines():
        pid, at = line.split()
        beats.setdefault(pid, []).append(float(at))
    return list(beats.values())


def started(directory: Path) -> list[StartRecord]:
    """What the attempts said of themselves, as far as their supervisor still lives."""
    found = []
    for path in directory.glob("trials/*/attempts/*/start.json"):
        with suppress(OSError, msgspec.DecodeError):
            start = msgspec.json.decode(path.read_bytes(), type=StartRecord)
            if proc.is_alive(start.supervisor):
                found.append(start)
    return found


def tmux_server(socket: str) -> Process | None:
    done = subprocess.run(
        ["tmux", "-L", socket, "display-message", "-p", "#{pid}"],
        capture_output=True, text=True, check=False, timeout=10,
    )  # fmt: skip
    return proc.identify(int(done.stdout)) if done.stdout.strip().isdecimal() else None


@pytest.mark.timeout(180)
def test_whatever_is_killed_no_trial_runs_twice_at_once_and_each_end_has_a_cause(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, tmux_socket: str
) -> None:
    """Controllers, supervisors (with and without their relay) and the tmux server, in any order."""
    monkeypatch.chdir(tmp_path)
    source = write_sweep(tmp_path, trials=36, parallel=6, steps=30, script=BEATING)
    place = SweepDirectory(tmp_path / "sweeps" / "storm")
    create(place, source)
    dice = random.Random(20261122)
    acknowledged: list[Record] = []
    process = controller(place.root, tmp_path)
    try:
        until = time.monotonic() + STORM_S
        while time.monotonic() < until and process.poll() is None:
            time.sleep(dice.uniform(0.05, 0.5))
            victim = dice.choice(("controller", "supervisor", "supervisor", "both", "tmux"))
            acknowledged = list(read(place.journal).records) or acknowledged
            alive = started(place.root)
            if victim == "controller":
                process.kill()
                process.wait(10)
                process = controller(place.root, tmp_path)
            elif victim == "tmux":
                server = tmux_server(tmux_socket)
                if server is not None:
                    proc.send(server, signal.SIGKILL)
            elif alive:
                start = dice.choice(alive)
                proc.send(start.supervisor, signal.SIGKILL)
                if victim == "both" and start.relay is not None:
                    proc.send(start.relay, signal.SIGKILL)
            assert list(read(place.journal).records)[: len(acknowledged)] == acknowledged
        wait_for(lambda: process.poll() is not None, timeout=90, what="the sweep did not end")
        state = state_of(place.root)
        assert state.finished is not None
        assert {t.state for t in state.trials.values()} <= {"done", "failed", "lost"}
        assert all(trial.cause is not None for trial in state.trials.values())
        assert all(len(set(seen)) == len(seen) for seen in launches(place.root).values())
        for heartbeat in place.trials.glob("*/heartbeat"):
            in_turn = lives(heartbeat)
            for before, after in itertools.pairwise(in_turn):
                assert before[-1] < after[0], f"{heartbeat} has two lives at once"
            for beats in in_turn:
                assert max((b - a for a, b in itertools.pairwise(beats)), default=0.0) < 1.0
    finally:
        if process.poll() is None:
            process.kill()
            process.wait(10)
        kill_trials_of(place.root)
