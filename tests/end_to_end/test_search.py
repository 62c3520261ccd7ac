"""A search that stops, learns and validates, for real: one sweep, looked at from all sides.

No assertion depends on who was faster: what shall be stopped waits for it, and what shall not be
stopped waits for a file that the test writes.
"""

import json
import os
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.end_to_end.harness import kill_trials_of, running, state_of, tuiswp, wait_for
from tuiswp.controller.journal import read
from tuiswp.model.events import KillPointJudged, TrialSuggested
from tuiswp.model.trial import Trial

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

# x in WAITS reports once, waits for `go-x`, and then to be stopped, or for `end`.
TRAIN = """\
import json, os, sys, time
given = dict(word.split("=") for word in sys.argv[1:])
x, seed = float(given["x"]), int(given["seed"])
def wait(*names):
    for _ in range(3000):
        if any(os.path.exists(name) for name in names):
            return
        time.sleep(0.02)
with open(os.environ["TUISWP_METRICS"], "a") as file:
    for step in range(1, 7):
        loss = (x - 0.3) ** 2 + 1 / step + 0.0001 * seed
        file.write(json.dumps({"step": 10 * step, "loss": loss}) + "\\n")
        file.flush()
        if step == 1 and given["x"] in ("0.96", "0.98"):
            wait("go-" + given["x"])
if given["x"] in ("0.96", "0.97", "0.98"):
    wait("end")
"""
SWEEP = """\
name: stages
program: train.py
method: grid
metric: {name: loss, goal: minimize}
parameters:
  x: {min: 0.0, max: 1.0}
  seed: {value: 0}
early_terminate: {type: hyperband, min_iter: 2, eta: 3}
command: ["${interpreter}", "${program}", "${args_no_hyphens}"]
tuiswp:
  max_parallel: 2
  length: {report: 6, step: 60}
  baseline: {x: 0.99}
  points: [{x: 0.3}, {x: 0.31}]
  phases:
    - {name: wide, parameters: {x: {values: [0.96, 0.98]}}}
    - name: later
      parameters: {x: {values: [0.32, 0.97]}}
      early_stop: {type: asha, min_resource: 3, eta: 2}
    - {name: learn, method: bayes, parameters: {x: {min: 0.2, max: 0.4}}, trials: 2}
    - {name: sure, validate: {top: 1, seeds: 2, seed_parameter: seed}}
"""
LEARNING = """\
name: {name}
program: train.py
method: bayes
run_cap: 11
metric: {{name: loss, goal: minimize}}
parameters:
  x: {{min: 0.0, max: 0.9}}
  seed: {{value: 0}}
command: ["${{interpreter}}", "${{program}}", "${{args_no_hyphens}}"]
tuiswp: {{max_parallel: 1, seed: 5, sampler: tpe, prior: [sweeps/stages]}}
"""


class Stages:
    """The one sweep that this module runs, and the folder it lies in."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.source = folder / "sweep.yaml"
        self.place = folder / "sweeps" / "stages"
        (folder / "train.py").write_text(TRAIN)
        self.source.write_text(SWEEP)

    def trial(self, x: float) -> Trial | None:
        if not (self.place / "journal.jsonl").exists():
            return None
        trials = state_of(self.place).trials.values()
        return next((one for one in trials if one.params.get("x") == x), None)

    def is_(self, x: float, state: str) -> bool:
        trial = self.trial(x)
        return trial is not None and trial.state == state

    def reports(self, x: float) -> int:
        trial = self.trial(x)
        if trial is None:
            return 0
        path = self.place / "trials" / trial.id / "metrics.jsonl"
        return len(path.read_text().splitlines()) if path.exists() else 0

    def ask(self, *words: str) -> str:
        done = tuiswp(*words, cwd=self.folder)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def run(self) -> None:
        with running("--batch", self.source, cwd=self.folder) as controller:
            wait_for(lambda: self.reports(0.96) == 1 and self.reports(0.98) == 1)
            pinned = self.trial(0.98)
            assert pinned is not None
            self.ask("pin", "stages", pinned.id)
            self.ask("replicate", "stages", "--top", "2", "--seeds", "2")
            (self.folder / "go-0.98").touch()  # the pinned one passes its kill points first
            wait_for(lambda: self.reports(0.98) == 6)
            (self.folder / "go-0.96").touch()
            wait_for(lambda: self.is_(0.96, "pruned"))
            (self.folder / "end").touch() if self.is_(0.98, "running") else None
            wait_for(lambda: self.is_(0.98, "done"))
            (self.folder / "end").unlink()  # 0.97 has to be stopped
            wait_for(lambda: controller.poll() is not None, timeout=120)


@pytest.fixture(scope="module")
def stages(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stages]:
    made = Stages(tmp_path_factory.mktemp("stages"))
    try:
        made.run()
        yield made
    finally:
        for place in (made.folder / "sweeps").glob("*"):
            kill_trials_of(place)


def judged(place: Path) -> dict[float, KillPointJudged]:
    """Who was stopped, by x."""
    trials = state_of(place).trials
    events = [record.event for record in read(place / "journal.jsonl").records]
    found = {}
    for one in events:
        if isinstance(one, KillPointJudged) and one.judged.stop:
            x = trials[one.trial].params["x"]
            assert isinstance(x, float)
            found[x] = one
    return found


def test_kill_points_fire_where_check_said_in_every_phase(stages: Stages) -> None:
    plan: dict[str, Any] = json.loads(stages.ask("check", "sweep.yaml", "--json"))
    assert plan["early_stop"]["kill_points"] == [2, 6]
    phases = [one["early_stop"]["kill_points"] for one in plan["phases"]]
    assert phases == [[2, 6], [3, 6], [2, 6], [2, 6]]
    told = stages.ask("check", "sweep.yaml")
    assert "kill points: report 2, 6\n = step 20, 60" in told
    assert "asha looks at report 3, 6 = step 30, 60" in told
    found = judged(stages.place)
    assert {0.96, 0.97} <= set(found)  # and whom of the quick ones it met in time
    assert (found[0.96].judged.rule, found[0.97].judged.rule) == ("hyperband", "asha")
    assert found[0.97].judged.kill_point in (3, 6)
    for x, one in found.items():
        kill_point = int(one.judged.kill_point)
        assert kill_point in phases[state_of(stages.place).trials[one.trial].phase or 0]
        # and its evidence is the value at that very report
        assert one.judged.value == pytest.approx((x - 0.3) ** 2 + 1 / kill_point, abs=1e-3)


def test_a_pin_and_being_the_baseline_protect(stages: Stages) -> None:
    for x in (0.98, 0.99):  # worse than the one that was stopped, and at its kill points
        assert stages.is_(x, "done")
    assert stages.reports(0.98) == 6


def test_points_run_first_and_each_phase_proposes_what_it_is_for(stages: Stages) -> None:
    state = state_of(stages.place)
    assert state.finished == "every phase is over"
    origins = [(one.phase, one.origin) for one in state.trials.values()]
    first = ["baseline", "point", "point", "grid", "grid"]
    assert origins[:7] == [*((0, origin) for origin in first), (1, "grid"), (1, "grid")]
    assert origins[7:9] == [(2, "bayes"), (2, "bayes")]
    assert origins[9:11] == [(3, "replicate"), (3, "replicate")]
    learned = [one.params["x"] for one in state.trials.values() if one.origin == "bayes"]
    assert all(isinstance(x, float) and 0.2 <= x <= 0.4 for x in learned)


def test_repeats_asked_for_in_a_phase_wait_until_the_last_one_has_no_more(stages: Stages) -> None:
    state = state_of(stages.place)
    trials = list(state.trials.values())
    repeats = [one for one in trials if one.wish is not None and one.wish.by == "tuiswp"]
    assert repeats and min(one.number for one in repeats) > 10
    found = json.loads(stages.ask("results", "stages", "--json"))
    assert found["evidence"]["first_second"]["ruling"] in ("decided", "undecided")


def test_a_controller_killed_in_the_middle_of_bayes_proposes_what_it_would_have(
    stages: Stages,
) -> None:
    """Both begin with what the sweep in phases found (`prior`), and the model has its say."""
    proposed = []
    for name in ("whole", "killed"):
        source = stages.folder / f"{name}.yaml"
        source.write_text(LEARNING.format(name=name))
        place = stages.folder / "sweeps" / name
        if name == "killed":
            with running("--batch", source, cwd=stages.folder) as first:
                wait_for(lambda: trials_of(place) >= 10, timeout=60)  # noqa: B023  # waited for here
                os.kill(first.pid, signal.SIGKILL)
                first.wait(10)
        done = tuiswp("--batch", source, cwd=stages.folder, timeout=120)
        assert done.returncode == 0, done.stdout + done.stderr
        if name == "whole":
            assert "of 12 trials told" in done.stdout
            assert "seed not swept here" in done.stdout
        events = [record.event for record in read(place / "journal.jsonl").records]
        proposed.append([one for one in events if isinstance(one, TrialSuggested)])
    assert len(proposed[0]) == 11
    assert proposed[0] == proposed[1]


def trials_of(place: Path) -> int:
    """How many trials a sweep has."""
    return len(state_of(place).trials) if (place / "journal.jsonl").exists() else 0
