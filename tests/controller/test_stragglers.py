"""Speed as a controller measures it: said once, and not for a start, a silence or a pause."""

import math
from pathlib import Path

import pytest

from tests.controller.bench import Bench
from tuiswp.controller.journal import read
from tuiswp.controller.stragglers import Stragglers
from tuiswp.model.events import TrialSilent, TrialSlow

pytestmark = pytest.mark.slow  # long histories

FILE = """\
name: test
program: train.sh
method: grid
metric: {{name: loss, goal: minimize}}
parameters:
  lr: {{values: [1, 2, 3, 4, 5]}}
command: [sh, "${{program}}", "${{args}}"]
tuiswp: {{max_parallel: 5, {more}}}
"""


class Race:
    """Five trials that advance as a test says."""

    def __init__(self, folder: Path) -> None:
        self.bench = Bench(folder, file=FILE)
        self.now = 0.0
        self.done = [0.0] * 5
        self.watch = self.new()

    def new(self) -> Stragglers:
        self.bench.step()
        controller = self.bench.controller
        return Stragglers(controller.core, controller._watcher, clock=lambda: self.now)

    def runs(self, seconds: float, *speeds: float) -> None:
        """At these steps a second."""
        for _ in range(math.ceil(seconds / 2)):
            self.now += 2.0
            for number, speed in enumerate(speeds):
                self.done[number] += 2.0 * speed
                if speed:
                    with self.bench.place.metrics(number).open("a") as file:
                        file.write(f'{{"step": {self.done[number]}, "loss": 1.0}}\n')
            self.bench.controller._watcher.curves.poll()
            self.watch.look()

    def slow(self) -> list[TrialSlow]:
        records = read(self.bench.place.journal).records
        return [one.event for one in records if isinstance(one.event, TrialSlow)]


@pytest.fixture
def race(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Race:
    monkeypatch.setenv("TUISWP_GPUS", "none")
    monkeypatch.setenv("TUISWP_RUNTIME_DIR", str(tmp_path / "run"))
    monkeypatch.chdir(tmp_path)
    return Race(tmp_path)


def test_one_that_is_far_slower_than_its_like_is_told_once(race: Race) -> None:
    race.runs(200, 10.0, 10.0, 10.0, 10.0, 3.0)
    [said] = race.slow()
    assert (said.trial, said.share) == (4, 0.3)
    slow = race.bench.trials()[4].slow
    assert slow is not None and "3 steps a second on cpu4, 0.3 of the median 10" in slow.evidence
    race.bench.crash()
    race.watch = race.new()
    race.runs(200, 10.0, 10.0, 10.0, 10.0, 3.0)
    assert len(race.slow()) == 1


def test_a_late_start_and_a_silence_slow_nobody_down(race: Race) -> None:
    race.runs(100, 10.0, 10.0, 10.0, 10.0, 0.0)
    race.runs(100, 10.0, 10.0, 10.0, 10.0, 10.0)
    trial = race.bench.trials()[4]
    race.runs(60, 10.0, 10.0, 10.0, 10.0, 0.0)
    race.bench.controller.core.record(TrialSilent(4, 1, "hang", 60.0, 30.0, "silent"))
    race.runs(10, 10.0, 10.0, 10.0, 10.0, 0.0)
    assert trial.slow is None and race.slow() == []


def test_one_that_became_slow_is_told_by_what_it_does_now(race: Race) -> None:
    race.runs(600, 10.0, 10.0, 10.0, 10.0, 10.0)
    assert race.slow() == []
    race.runs(150, 10.0, 10.0, 10.0, 10.0, 2.0)
    assert [one.trial for one in race.slow()] == [4]
