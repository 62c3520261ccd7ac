"""Steering a real sweep over real tmux: interrupt, clone, extend, more at once; as typed."""

import json
import time
from pathlib import Path

import pytest

from tests.end_to_end.harness import (
    kill_trials_of,
    launches,
    running,
    state_of,
    tuiswp,
    wait_for,
    write_sweep,
)
from tuiswp.controller.opening import place_for
from tuiswp.model.trial import Trial

pytestmark = [pytest.mark.slow, pytest.mark.timeout(120)]

# Saves on ctrl-c and leaves in good order; with x=2 it says that it heard and goes on.
SAVES = """\
echo "$TUISWP_ATTEMPT $$" >> "$TUISWP_TRIAL_DIR/launches"
value=${1#--x=}
if [ "$value" = 2 ]; then
  trap 'echo again >> "$TUISWP_TRIAL_DIR/heard"' INT
else
  trap 'echo saved > "$TUISWP_TRIAL_DIR/checkpoint"; exit 0' INT
fi
step=0
while [ ! -e "$TUISWP_TRIAL_DIR/../../enough" ]; do
  step=$((step + 1))
  echo "{\\"step\\": $step, \\"loss\\": $value}" >> "$TUISWP_TRIAL_DIR/metrics.jsonl"
  sleep 0.05
done
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def trials(directory: Path) -> list[Trial]:
    return list(state_of(directory).trials.values()) if directory.exists() else []


def count(directory: Path, state: str) -> int:
    return sum(1 for trial in trials(directory) if trial.state == state)


def reporting(directory: Path) -> int:
    return len(list(directory.glob("trials/*/metrics.jsonl")))


@pytest.mark.usefixtures("tmux_version")
def test_a_sweep_is_steered_while_it_runs(folder: Path) -> None:
    source = write_sweep(folder, trials=2, parallel=2, script=SAVES)
    directory = place_for(source, name=None, directory=None).root

    def said(*words: str) -> str:
        done = tuiswp(*words, cwd=folder)
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    try:
        with running("--batch", source, cwd=folder) as batch:
            wait_for(lambda: reporting(directory) == 2, what="two trials did not begin")
            said("interrupt", "0", "1", "--why", "lunch")
            wait_for(lambda: trials(directory)[0].state == "killed", what="t0000 went on")
            assert (directory / "trials/t0000/checkpoint").read_text() == "saved\n"
            assert trials(directory)[0].cause == "interrupted-by-user"
            assert "lunch; exit 0" in trials(directory)[0].attempts[-1].evidence
            wait_for(lambda: (directory / "trials/t0001/heard").exists(), what="not heard")
            said("interrupt", "1")  # each one arrives, and nothing harder
            heard = directory / "trials/t0001/heard"
            wait_for(lambda: heard.read_text() == "again\nagain\n", what="not heard again")
            assert trials(directory)[1].state == "running"
            assert "running, interrupted" in said("status")

            assert said("set", "max_parallel=4").startswith("max_parallel: 2 → 4")
            assert said("clone", "0", "x=7") == (
                "t0002 is cloned from t0000 with x=7; x lies outside one of 1, 2"
            )
            assert said("extend", "x+=3,4") == "x: 1, 2 → 1, 2, 3, 4"
            wait_for(lambda: count(directory, "running") == 4, what="four did not run at once")
            interrupt = trials(directory)[1].interrupt
            assert interrupt is not None
            # What ends within the grace of an interrupt counts as ended by it.
            wait_for(lambda: time.time() > interrupt.at + 2.5)
            (directory / "enough").touch()
            assert batch.wait(60) == 0
        assert count(directory, "done") == 4
        assert launches(directory) == {f"t{n:04d}": ["1"] for n in range(5)}
        results = json.loads(tuiswp("results", "--json", directory, cwd=folder).stdout)
        assert results["optimum"]["params"] == {"x": 2}
    finally:
        kill_trials_of(directory)


def test_a_finished_sweep_that_is_extended_goes_on_in_the_background(folder: Path) -> None:
    source = write_sweep(folder, trials=2)
    directory = place_for(source, name=None, directory=None).root
    assert tuiswp("--batch", source, cwd=folder).returncode == 0
    before = launches(directory)
    said = tuiswp("extend", "x+=0", "--why", "the edge won", cwd=folder)
    assert "the sweep goes on" in said.stdout
    assert "a controller was started for it" in said.stdout
    wait_for(lambda: count(directory, "done") == 3, what="the new point was not tried")
    wait_for(lambda: state_of(directory).finished is not None, what="it did not finish again")
    assert launches(directory) == {**before, "t0002": ["1"]}
    assert (directory / "trials/t0002/params.json").read_text() == '{\n  "x": 0\n}\n'


def test_an_interrupt_reaches_the_training_while_no_controller_runs(folder: Path) -> None:
    source = write_sweep(folder, trials=2, parallel=2, script=SAVES)
    directory = place_for(source, name=None, directory=None).root
    try:
        with running("--batch", source, cwd=folder) as batch:
            wait_for(lambda: reporting(directory) == 2, what="two trials did not begin")
            batch.kill()
            batch.wait()
        said = tuiswp("interrupt", directory, "0", cwd=folder)
        assert said.returncode == 0, said.stderr
        wait_for((directory / "trials/t0000/checkpoint").exists, what="it did not arrive")
        ended = directory / "trials/t0000/attempts/1/exit.json"
        wait_for(ended.exists, what="its end was not written")
        assert trials(directory)[0].interrupt is not None
        (directory / "enough").touch()
        assert tuiswp("--batch", source, cwd=folder).returncode == 0
        assert trials(directory)[0].cause == "interrupted-by-user"
    finally:
        kill_trials_of(directory)
