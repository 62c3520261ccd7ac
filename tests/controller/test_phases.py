"""A sweep goes through its phases; a controller that dies in any of them changes nothing."""

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.controller.bench import Bench
from tuiswp.controller.journal import read
from tuiswp.controller.reducer import replay
from tuiswp.controller.requests import new_request
from tuiswp.controller.verifying import verify
from tuiswp.model.edits import RangeEdit
from tuiswp.model.events import PhaseEnded, PhaseStarted, TrialSuggested
from tuiswp.model.space import Params

pytestmark = pytest.mark.slow  # long histories

FILE = """\
name: test
program: train.sh
method: random
metric: {{name: loss, goal: minimize}}
parameters:
  lr: {{distribution: log_uniform_values, min: 1e-4, max: 1}}
  rank: {{value: 8}}
  steps: {{value: 1000}}
  seed: {{value: 0}}
command: [sh, "${{program}}", "${{args}}"]
tuiswp:
  max_parallel: 1
  baseline: {{lr: 0.5, rank: 8, steps: 1000, seed: 0}}
  phases:
{phases}
"""
THREE = """\
    - {name: explore, trials: 4}
    - {name: refine, refine: {around: best, factor: 3}, trials: 3}
    - {name: validate, validate: {top: 2, seeds: 2, seed_parameter: seed}}
"""


def loss(params: Params) -> float:
    lr, rank, seed = params["lr"], params["rank"], params["seed"]
    assert isinstance(lr, float) and isinstance(rank, int) and isinstance(seed, int)
    return 1 + abs(lr - 0.01) - 0.001 * rank + 0.0001 * seed


class PhasesBench(Bench):
    def __init__(self, folder: Path, phases: str = THREE) -> None:
        super().__init__(
            folder,
            file=FILE.replace("{phases}", phases.rstrip().replace("{", "{{").replace("}", "}}")),
        )

    def run(
        self,
        ends: int = 100,
        *,
        fail: frozenset[int] = frozenset(),
        crash: frozenset[int] = frozenset(),
    ) -> None:
        """Let trials end one after the other until it is over; some fail, the controller dies."""
        for number in range(ends):
            if self.controller.left is not None:
                return
            if number in crash:
                self.crash()
            self.step()
            for trial in self.controller.core.state.live():
                bad = trial.number in fail
                self.finish(trial.number, None if bad else loss(trial.params), code=int(bad))

    def facts(self) -> list[PhaseStarted | PhaseEnded | TrialSuggested]:
        kinds = PhaseStarted | PhaseEnded | TrialSuggested
        return [r.event for r in read(self.place.journal).records if isinstance(r.event, kinds)]

    def ends(self) -> list[str]:
        return [one.why for one in self.facts() if isinstance(one, PhaseEnded)]


def bench_of(folder: Path, phases: str = THREE) -> PhasesBench:
    folder.mkdir(exist_ok=True)
    return PhasesBench(folder, phases)


def recomputed(bench: PhasesBench) -> tuple[int, float] | None:
    """The optimum as `verify` finds it, by a way of its own, where it agrees with the journal's."""
    found = verify(bench.place)
    assert found.compared
    told = [one for one in found.findings if one.code in ("value-differs", "optimum-differs")]
    assert told == []
    return found.optimum


@pytest.fixture(autouse=True)
def _no_gpu(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TUISWP_GPUS", "none")
    monkeypatch.setenv("TUISWP_RUNTIME_DIR", str(tmp_path / "run"))
    monkeypatch.chdir(tmp_path)


def test_explore_refine_validate_each_begin_at_the_best_so_far(tmp_path: Path) -> None:
    bench = bench_of(tmp_path / "a")
    bench.run()
    assert bench.controller.left == "finished"
    state = bench.controller.core.state
    assert state.finished == "every phase is over"
    trials = bench.trials()
    assert [trial.phase for trial in trials] == [0] * 4 + [1] * 3 + [2] * 4
    assert trials[0].origin == "baseline" and trials[-1].origin == "replicate"
    best = min(trials[:4], key=lambda trial: trial.value or 9)
    lr = best.params["lr"]
    assert isinstance(lr, float)
    for trial in trials[4:7]:
        near = trial.params["lr"]
        assert isinstance(near, float) and lr / 3 <= near <= lr * 3
    # Two settings, each with two seeds it has not had, seed by seed.
    repeats = trials[7:]
    assert [trial.params["seed"] for trial in repeats] == [1, 1, 2, 2]
    assert len({str(trial.params["lr"]) for trial in repeats}) == 2
    # The repeats decide, and the run that stands for the best setting is one of them.
    assert state.best is not None and trials[state.best.trial].phase == 2
    assert [run.name for run in state.phases] == ["explore", "refine", "validate"]
    assert recomputed(bench) == (state.best.trial, state.best.value)
    assert replay(read(bench.place.journal).records) == state


def test_a_validation_runs_its_settings_as_long_as_the_file_says_not_as_they_were_found(
    tmp_path: Path,
) -> None:
    short = THREE.replace("trials: 4}", "trials: 4, set: {steps: 200}}")
    bench = bench_of(tmp_path / "a", short.replace("trials: 3}", "trials: 3, set: {steps: 500}}"))
    bench.run()
    assert [trial.params["steps"] for trial in bench.trials()] == [200] * 4 + [500] * 3 + [1000] * 4
    best = bench.controller.core.state.best
    assert best is not None and bench.trials()[best.trial].phase == 2
    assert recomputed(bench) == (best.trial, best.value)


@settings(
    max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.frozensets(st.integers(0, 9), max_size=3), st.frozensets(st.integers(0, 14), max_size=4))
def test_any_ends_and_crashes_give_the_same_phases_and_proposals(
    tmp_path_factory: pytest.TempPathFactory, fail: frozenset[int], crash: frozenset[int]
) -> None:
    whole = bench_of(tmp_path_factory.mktemp("whole"))
    whole.run(fail=fail)
    other = bench_of(tmp_path_factory.mktemp("other"))
    other.run(fail=fail, crash=crash)
    assert other.facts() == whole.facts()
    assert recomputed(other) == recomputed(whole)
    for bench in (whole, other):
        bench.controller.close()


MINIMUM = """\
    - name: rate
      method: grid
      parameters: {lr: {values: [0.001, 0.01, 0.1]}}
      set: {steps: 200}
    - name: rank
      method: grid
      parameters: {rank: {values: [8, 16]}}
      set: {steps: 200}
      keep_if: better by 2%
    - name: other
      method: grid
      parameters: {seed: {values: [0, 7]}}
      set: {steps: 200}
      only_if: spiky
    - {name: final, parameters: []}
"""


def test_the_minimum_protocol_keeps_skips_and_ends_with_one_full_run(tmp_path: Path) -> None:
    bench = bench_of(tmp_path / "a", MINIMUM)
    bench.run()
    trials = bench.trials()
    chosen = recomputed(bench)
    assert chosen is not None and chosen[0] == 6
    # The baseline at 200 steps, three rates, one new rank, one new seed, and the full run.
    names = ("lr", "rank", "seed", "steps")
    assert [tuple(trial.params[name] for name in names) for trial in trials] == [
        (0.5, 8, 0, 200), (0.001, 8, 0, 200), (0.01, 8, 0, 200), (0.1, 8, 0, 200),
        (0.01, 16, 0, 200), (0.01, 8, 7, 200), (0.01, 8, 0, 1000),
    ]  # fmt: skip
    assert bench.ends()[1] == (
        "t0004 (0.9840) is 0.81% better than t0002 (0.9920), not by more than 2%: t0002 is kept; "
        "every point was tried"
    )
    started = [one.name for one in bench.facts() if isinstance(one, PhaseStarted)]
    assert started == ["rate", "rank", "other", "final"]  # too few values to tell: it is run
    assert trials[4].not_kept is not None
    best = bench.controller.core.state.best
    assert best is not None and best.trial == 6  # the only one of full length


def test_the_best_settings_are_adjusted_and_chosen_among_where_they_are_transferred(
    tmp_path: Path,
) -> None:
    phases = """\
    - {name: small, trials: 4}
    - {name: large, set: {steps: 3000}, transfer: {top: 2, adjust: {rank: 2 * rank, lr: lr / 4}}}
"""
    bench = bench_of(tmp_path / "a", phases)
    bench.run(crash=frozenset({5}))
    assert bench.controller.left == "finished"
    small, large = bench.trials()[:4], bench.trials()[4:]
    best = sorted(small, key=lambda trial: loss(trial.params))[:2]
    assert [(trial.phase, trial.origin) for trial in large] == [(1, "point"), (1, "point")]
    for before, after in zip(best, large, strict=True):
        lr = before.params["lr"]
        assert isinstance(lr, float)
        assert after.params == {"lr": lr / 4, "rank": 16, "steps": 3000, "seed": 0}
    assert "the best 2 of 4 settings, adjusted" in str(bench.facts())
    assert bench.ends()[1].endswith("; its trials have ended")
    chosen = bench.controller.core.state.best
    assert chosen is not None and chosen.trial in (4, 5)  # whatever the small runs had


def test_a_setting_that_cannot_be_adjusted_skips_the_phase_with_the_reason(tmp_path: Path) -> None:
    phases = """\
    - {name: small, trials: 2}
    - {name: large, transfer: {adjust: {lr: lr / (rank - 8)}}}
"""
    bench = bench_of(tmp_path / "a", phases)
    bench.run()
    assert len(bench.trials()) == 2
    assert bench.ends()[1].startswith("skipped: its settings cannot be adjusted (column ")


def test_a_phase_whose_condition_does_not_hold_is_skipped_with_its_numbers(tmp_path: Path) -> None:
    phases = """\
    - {name: explore, trials: 2}
    - {name: more, trials: 2, only_if: best > 5 or trials > 100}
    - {name: last, trials: 1}
"""
    bench = bench_of(tmp_path / "a", phases)
    bench.run()
    assert [trial.phase for trial in bench.trials()] == [0, 0, 2]
    assert bench.ends()[1].startswith(
        "skipped: best > 5 or trials > 100 does not hold (trials 2, best "
    )


def test_points_of_the_person_are_tried_in_the_first_phase_and_by_its_measure(
    tmp_path: Path,
) -> None:
    phases = "    - {name: explore, trials: 3, set: {steps: 200}}\n    - {name: last, trials: 2}\n"
    bench = bench_of(tmp_path / "a", phases + "  points: [{lr: 0.02, rank: 8, seed: 0}]\n")
    bench.run()
    trials = bench.trials()
    assert [(trial.origin, trial.params["steps"]) for trial in trials] == [
        ("baseline", 200), ("point", 200), ("random", 200), ("random", 1000), ("random", 1000),
    ]  # fmt: skip


def test_a_phase_that_has_nothing_to_begin_at_is_skipped(tmp_path: Path) -> None:
    bench = bench_of(tmp_path / "a")
    bench.run(3, fail=frozenset(range(20)))
    bench.ask("resume")  # the breaker paused it
    bench.run(fail=frozenset(range(20)))
    assert bench.controller.left == "finished"
    assert "skipped: no trial has a value to be validated" in bench.ends()


def test_diminishing_returns_end_the_phase_and_not_the_sweep(tmp_path: Path) -> None:
    phases = "    - {name: explore, trials: 50}\n    - {name: last, trials: 1}\n"
    bench = bench_of(tmp_path / "a", phases + "  stop: {same_best: 3}\n")
    bench.run()
    assert "has not changed for 3 trials" in bench.ends()[0]
    assert bench.trials()[-1].phase == 1
    assert len(bench.trials()) < 50


HELD = """\
    - {name: rate, trials: 2, parameters: [lr], set: {steps: 10}}
    - {name: other, method: grid, parameters: {rank: {values: [8, 16]}}, set: {seed: 5}}
    - {name: wide, trials: 1}
"""


@pytest.mark.parametrize(
    ("edit", "told"),
    [
        (RangeEdit(("lr",), "range", low=1e-3), None),
        (RangeEdit(("rank",), "add", values=(9,)), ("rank at 8", "wide")),
        (RangeEdit(("steps",), "values", values=(500,)), ("steps at 10", "other")),
        (RangeEdit(("seed",), "values", values=(4,)), ("seed at 0", "wide")),
    ],
)
def test_an_edit_of_what_the_phase_holds_fixed_says_when_it_counts(
    tmp_path: Path, edit: RangeEdit, told: tuple[str, str] | None
) -> None:
    bench = bench_of(tmp_path / "a", HELD)
    bench.step()
    outcome = bench.put(new_request("extend", edits=(edit,))).outcome
    if told is None:
        assert "phase" not in outcome
    else:
        assert f"phase rate holds {told[0]}: the change counts from phase {told[1]} on" in outcome
    bench.controller.close()


def test_an_edit_that_no_phase_will_ever_search_says_so(tmp_path: Path) -> None:
    bench = bench_of(tmp_path / "a", HELD.rsplit("    - ", 1)[0])
    bench.step()
    asked = bench.put(new_request("extend", edits=(RangeEdit(("rank",), "add", values=(9,)),)))
    assert asked.outcome.endswith("no later phase searches it, so the change has no effect")
    bench.controller.close()
