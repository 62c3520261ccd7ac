"""Replicate until decided: who is repeated, with which seed, when it ends, and after a crash."""

from pathlib import Path

import pytest

from tests.controller.bench import Bench
from tuiswp.controller.journal import read
from tuiswp.controller.replicating import standing
from tuiswp.controller.requests import new_request
from tuiswp.model.events import ReplicationEnded, RequestApplied, SweepStopping

pytestmark = pytest.mark.slow  # long histories

FILE = """\
name: test
program: train.sh
method: grid
metric: {{name: loss, goal: minimize}}
parameters:
  x: {{values: [1, 2, 3]}}
  seed: {{value: 7}}
command: [sh, "${{program}}", "${{args}}"]
tuiswp: {{max_parallel: 2, {more}}}
"""
NOISE = (0.0, 0.02, -0.02, 0.01, -0.01, 0.015, -0.015, 0.005)


class Noisy(Bench):
    """x = 1 is worth 1.0, x = 2 `second`, x = 3 9.0, each with a noise of its own a run."""

    second = 2.0
    noise: tuple[float, ...] = NOISE

    def run_out(self, most: int = 40) -> None:
        """End whatever runs, the oldest first, until nothing does."""
        for _ in range(most):
            live = self.controller.core.state.live()
            if not live or self.controller.left is not None:
                return
            self.end(live[0].number)
        raise AssertionError("it goes on for ever")

    def end(self, number: int) -> None:
        trial = self.trials()[number]
        x = trial.params["x"]
        same = [t.number for t in self.trials() if t.params["x"] == x]
        base = {1: 1.0, 2: self.second, 3: 9.0}[x]  # type: ignore[index]  # x is one of the three
        self.finish(number, base + self.noise[same.index(number) % len(self.noise)])

    def endings(self) -> list[ReplicationEnded]:
        records = read(self.place.journal).records
        return [r.event for r in records if isinstance(r.event, ReplicationEnded)]

    def replicate(self, top: int = 2, seeds: int = 5) -> RequestApplied:
        return self.put(new_request("replicate", top=top, seeds=seeds))

    def ran(self) -> list[tuple[object, object]]:
        return [(trial.params["x"], trial.params["seed"]) for trial in self.trials()]


@pytest.fixture
def noisy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Noisy:
    monkeypatch.setenv("TUISWP_GPUS", "none")
    monkeypatch.setenv("TUISWP_RUNTIME_DIR", str(tmp_path / "run"))
    monkeypatch.chdir(tmp_path)
    bench = Noisy(tmp_path, file=FILE)
    bench.step()
    return bench


def test_the_two_best_are_repeated_with_shared_new_seeds_until_it_is_decided(noisy: Noisy) -> None:
    applied = noisy.replicate()
    assert applied.ok
    assert "begin when the search has no more to propose" in applied.outcome
    assert len(noisy.trials()) == 2  # the search goes first
    told = standing(noisy.controller.core.state)
    assert told is not None
    assert "0 of at most 8 repeats are over; they begin when the search has no more" in told
    noisy.run_out()
    assert standing(noisy.controller.core.state) is None
    assert noisy.controller.left == "finished"
    [end] = noisy.endings()
    assert end.decided
    assert "decided" in end.why
    ran = noisy.ran()
    assert ran[:3] == [(1, 7), (2, 7), (3, 7)]
    assert {x for x, _ in ran[3:]} == {1, 2}  # the third is not worth it
    seeds = [[seed for x, seed in ran if x == which] for which in (1, 2)]
    assert seeds == [[7, 8, 9], [7, 8, 9]]
    assert len(ran) < 3 + 2 * 4  # stopped as soon as it was decided
    assert all(trial.pinned is not None for trial in noisy.trials()[3:])  # and never pruned


def test_what_noise_hides_ends_undecided_when_the_runs_are_spent(noisy: Noisy) -> None:
    noisy.second = 1.001
    noisy.replicate(seeds=4)
    noisy.run_out()
    [end] = noisy.endings()
    assert not end.decided
    assert "the runs asked for are spent" in end.why
    assert "undecided" in end.why
    assert len(noisy.trials()) == 3 + 2 * 3
    assert noisy.controller.left == "finished"


def test_repeats_of_a_script_that_fixes_its_seed_stop_at_once_and_say_why(noisy: Noisy) -> None:
    noisy.noise = (0.0,)
    noisy.replicate(seeds=9)
    noisy.run_out()
    [end] = noisy.endings()
    assert not end.decided
    assert "the script fixes its own seed" in end.why
    assert len(noisy.trials()) <= 3 + 2 * 2  # of two times eight


def test_a_crash_in_the_middle_changes_nothing(noisy: Noisy) -> None:
    noisy.replicate()
    for _ in range(30):
        live = noisy.controller.core.state.live()
        if not live:
            break
        noisy.end(live[0].number)
        if noisy.controller.left is None:
            noisy.crash()
            noisy.step()
    [end] = noisy.endings()
    assert end.decided
    assert noisy.controller.left == "finished"


def test_a_finished_sweep_goes_on_for_its_repeats(noisy: Noisy) -> None:
    noisy.run_out()
    assert noisy.controller.left == "finished"
    noisy.crash()
    applied = noisy.replicate()
    assert "begin when" not in applied.outcome
    noisy.step()
    assert noisy.controller.core.state.finished is None
    noisy.run_out()
    assert noisy.endings()[0].decided
    assert noisy.controller.left == "finished"


def test_stop_ends_the_repeats_too(noisy: Noisy) -> None:
    noisy.replicate()
    noisy.ask("stop")
    noisy.run_out()
    assert noisy.controller.core.state.replication is None
    assert noisy.controller.left == "finished"
    assert len(noisy.trials()) == 2


def test_repeats_that_all_fail_end_with_the_runs_spent(noisy: Noisy) -> None:
    noisy.replicate(seeds=3)
    for _ in range(30):
        live = noisy.controller.core.state.live()
        if not live or noisy.controller.left is not None:
            break
        if live[0].number < 3:
            noisy.end(live[0].number)
        else:
            noisy.finish(live[0].number, code=1)
    assert noisy.controller.left == "finished"
    assert not noisy.endings()[0].decided


@pytest.mark.parametrize(("top", "seeds"), [(1, 5), (2, 1), (99, 5), (2, 1000)])
def test_a_number_that_makes_no_sense_is_refused(noisy: Noisy, top: int, seeds: int) -> None:
    applied = noisy.replicate(top, seeds)
    assert not applied.ok
    assert "replicate takes 2 to 20 settings and 2 to 100 runs of each" in applied.outcome


def test_a_rule_that_ends_the_search_leaves_the_repeats_to_go_on_and_a_spent_budget_does_not(
    noisy: Noisy,
) -> None:
    core = noisy.controller.core
    noisy.replicate()
    core.record(SweepStopping("tuiswp", now=False, rule="same_best"))
    assert core.state.replication is not None
    noisy.run_out()
    assert noisy.endings()[0].decided
    noisy.crash()
    noisy.replicate()
    noisy.controller.core.record(SweepStopping("tuiswp", now=False, rule="gpu_hours"))
    assert noisy.controller.core.state.replication is None
