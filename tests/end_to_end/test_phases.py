"""Explore, refine and validate for real: tmux, a controller killed in the middle, one answer."""

import json
import os
import signal
from pathlib import Path

import pytest

from tests.end_to_end.harness import kill_trials_of, running, state_of, tuiswp, wait_for

TRAIN = """\
import json, os, sys
given = dict(word.split("=") for word in sys.argv[1:])
x, seed, steps = float(given["x"]), int(given["seed"]), int(given["steps"])
with open(os.environ["TUISWP_METRICS"], "a") as file:
    for step in range(1, steps + 1):
        loss = (x - 0.3) ** 2 + 1 + 0.001 * seed + 1 / step
        file.write(json.dumps({"step": step, "progress": step / steps, "loss": loss}) + "\\n")
"""
SWEEP = """\
name: phased
program: train.py
method: random
metric: {name: loss, goal: minimize}
parameters:
  x: {min: 0.0, max: 1.0}
  steps: {value: 40}
  seed: {value: 0}
command: ["${interpreter}", "${program}", "${args_no_hyphens}"]
tuiswp:
  max_parallel: 2
  baseline: {x: 0.8}
  phases:
    - {name: explore, trials: 4, set: {steps: 20}}
    - {name: refine, refine: {around: best, factor: 4}, trials: 4}
    - {name: validate, validate: {top: 2, seeds: 2}}
"""

pytestmark = [pytest.mark.slow]


def test_phases_end_to_end_with_a_controller_killed_in_between(tmp_path: Path) -> None:
    (tmp_path / "train.py").write_text(TRAIN)
    sweep = tmp_path / "sweep.yaml"
    sweep.write_text(SWEEP)
    place = tmp_path / "sweeps" / "phased"
    try:
        with running("--batch", sweep, cwd=tmp_path) as first:
            journal = place / "journal.jsonl"
            wait_for(lambda: journal.exists() and len(state_of(place).trials) > 1)
            status = tuiswp("status", place, cwd=tmp_path)
            assert "of 3, " in status.stdout, status.stderr
            wait_for(lambda: len(state_of(place).phases) == 2)
            os.kill(first.pid, signal.SIGKILL)
            first.wait(10)
        done = tuiswp("--batch", sweep, cwd=tmp_path, timeout=120)
        assert done.returncode == 0, done.stdout + done.stderr
        assert done.stdout.startswith("phased: 12 trials, the baseline among them")
        state = state_of(place)
        assert [run.name for run in state.phases] == ["explore", "refine", "validate"]
        assert [trial.phase for trial in state.trials.values()] == [0] * 4 + [1] * 4 + [2] * 4
        found = json.loads(tuiswp("results", "--json", place, cwd=tmp_path).stdout)
        best = found["optimum"]
        assert int(best["trial"][1:]) >= 8 and best["params"]["seed"] in (1, 2)
        assert found["evidence"]["first_second"]["ruling"] in ("decided", "undecided")
        assert [one["n"] for one in found["evidence"]["repeats"][:2]] == [2, 2]
        told = tuiswp("results", place, cwd=tmp_path).stdout
        assert "phase 2 of 3, refine: 4 trials, from t000" in told
        explained = tuiswp("explain", place, cwd=tmp_path).stdout
        assert "t0000 cannot win: ran with steps=20, and what decides has steps=40" in explained
    finally:
        kill_trials_of(place)
