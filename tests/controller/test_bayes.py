"""A sweep whose sampler learns: proposed in a process of its own, resumed as if never ended."""

import time
from pathlib import Path

import pytest

from tests.controller.bench import Bench
from tuiswp.controller.journal import read
from tuiswp.controller.loop import Controller
from tuiswp.controller.requests import new_request
from tuiswp.model.edits import RangeEdit
from tuiswp.model.events import TrialSuggested
from tuiswp.model.space import Params

pytestmark = pytest.mark.slow  # a sampler in a process of its own

FILE = """\
name: test
program: train.sh
method: bayes
run_cap: 16
metric: {{name: loss, goal: minimize}}
parameters:
  x: {{min: 0.0, max: 1.0}}
  y: {{distribution: log_uniform_values, min: 1e-4, max: 1}}
command: [sh, "${{program}}", "${{args}}"]
tuiswp: {{max_parallel: 1, {more}}}
"""
DEADLINE_S = 60.0


class BayesBench(Bench):
    """One trial after the other; each ends with a loss that its parameters give."""

    def __init__(self, folder: Path, more: str = "") -> None:
        super().__init__(folder, more, file=FILE)

    def crash(self) -> Controller:
        self.controller._starter.close()  # its process ends when nobody holds its input any more
        return super().crash()

    def until_running(self) -> int:
        """The number of the one trial that runs, once it does."""
        deadline = time.monotonic() + DEADLINE_S
        while time.monotonic() < deadline:
            self.step()
            live = self.controller.core.state.live()
            if live:
                return live[0].number
            time.sleep(0.01)  # a poll for an outcome, bounded by the deadline
        raise AssertionError(self.controller.waiting)

    def run(self, count: int) -> None:
        for _ in range(count):
            number = self.until_running()
            self.finish(number, loss(self.trials()[number].params))

    def suggested(self) -> list[TrialSuggested]:
        records = read(self.place.journal).records
        return [r.event for r in records if isinstance(r.event, TrialSuggested)]


def loss(params: Params) -> float:
    x, y = params["x"], params["y"]
    assert isinstance(x, float) and isinstance(y, float)
    return (x - 0.3) ** 2 + y


@pytest.fixture
def whole(tmp_path: Path) -> list[TrialSuggested]:
    """What an uninterrupted sweep proposes."""
    folder = tmp_path / "whole"
    folder.mkdir()
    bench = BayesBench(folder)
    bench.run(13)
    bench.controller.close()
    return bench.suggested()[:13]


def test_a_controller_that_dies_in_the_middle_changes_no_proposal(
    tmp_path: Path, whole: list[TrialSuggested]
) -> None:
    bench = BayesBench(tmp_path)
    bench.run(5)
    bench.crash()
    bench.run(6)
    bench.crash()
    bench.run(2)
    assert bench.suggested()[:13] == whole
    assert [one.seen for one in whole] == list(range(13))
    assert {one.origin for one in whole} == {"bayes"}
    bench.controller.close()


def test_the_cap_ends_it(tmp_path: Path) -> None:
    bench = BayesBench(tmp_path, "baseline: {x: 0.5, y: 0.1}")
    bench.run(16)
    bench.step()
    assert bench.controller.left == "finished"
    trials = bench.trials()
    assert len(trials) == 16
    assert trials[0].origin == "baseline"
    bench.controller.close()


def test_a_range_that_is_edited_holds_for_the_next_proposal(tmp_path: Path) -> None:
    bench = BayesBench(tmp_path)
    bench.run(3)
    number = bench.until_running()
    bench.put(new_request("extend", edits=(RangeEdit(("x",), "range", low=5.0, high=6.0),)))
    bench.finish(number, 1.0)
    later = bench.until_running()
    x = bench.trials()[later].params["x"]
    assert isinstance(x, float) and 5.0 <= x <= 6.0
    bench.controller.close()


def test_a_sampler_that_cannot_work_is_told_and_nothing_is_launched(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tuiswp.search.ahead.COMMAND", ("/nonexistent/python",))
    bench = BayesBench(tmp_path)
    bench.step()
    assert bench.states() == []
    assert bench.controller.waiting is not None
    assert "cannot be started" in bench.controller.waiting
    assert "sampler" in bench.controller.core.state.warned
    bench.controller.close()
