"""Who can win in a sweep with phases: what was held to the same measure, and what was repeated."""

from msgspec.structs import replace

from tests.analysis.builders import constant, ended, queued, sweep_of
from tuiswp.analysis.contest import contest
from tuiswp.analysis.optimum import best_so_far, judge
from tuiswp.model.space import Parameter, Uniform
from tuiswp.model.sweep import Phase, Sweep, Validate
from tuiswp.model.trial import Trial
from tuiswp.spec.phased import whole

SHORT = ((("steps",), 20),)


def sweep(*phases: Phase) -> Sweep:
    x = Parameter(("x",), Uniform(0.0, 9.0), "uniform")
    made = sweep_of(x, constant("steps", 100), constant("seed", 0), method="random")
    return replace(made, phases=phases)


EXPLORE = Phase("explore", trials=4, set=SHORT)
REFINE = Phase("refine", trials=4)
VALIDATE = Phase("validate", validate=Validate(("seed",), top=2, seeds=2))


def ran(number: int, phase: int, value: float | None, x: float, steps: int, seed: int = 0) -> Trial:
    origin = "replicate" if phase == 2 else "random"
    trial = ended(number, {"x": x, "steps": steps, "seed": seed}, value)
    return replace(trial, phase=phase, origin=origin)


HISTORY = [
    ran(0, 0, 0.1, 1.0, 20),  # better, but measured otherwise
    ran(1, 1, 0.50, 2.0, 100),
    ran(2, 1, 0.52, 3.0, 100),
    ran(3, 1, 0.55, 4.0, 100),
]
REPEATS = [
    ran(4, 2, 0.60, 2.0, 100, 1),
    ran(5, 2, 0.51, 3.0, 100, 1),
    ran(6, 2, 0.62, 2.0, 100, 2),
    ran(7, 2, 0.53, 3.0, 100, 2),
]


def test_the_newest_phase_with_a_result_says_what_is_compared() -> None:
    three = sweep(EXPLORE, REFINE, VALIDATE)
    first = judge(three, HISTORY[:1])
    assert first.optimum is not None and first.optimum.number == 0
    waiting = replace(queued(1, {"x": 2.0, "steps": 100, "seed": 0}), phase=1)
    still = judge(three, [HISTORY[0], waiting])
    assert still.optimum is not None and still.optimum.number == 0
    found = judge(three, HISTORY)
    assert [trial.number for trial in found.ranked] == [1, 2, 3]
    [left] = found.left_out
    assert (left.code, left.reason) == (
        "not-comparable", "ran with steps=20, and what decides has steps=100",
    )  # fmt: skip
    best = best_so_far(three, HISTORY)
    assert best is not None and best.number == 1
    assert judge(whole(three), HISTORY).ranked == found.ranked


def test_repeats_decide_by_their_means_and_the_lucky_run_counts_no_more() -> None:
    three = sweep(EXPLORE, REFINE, VALIDATE)
    half = judge(three, [*HISTORY, *REPEATS[:2], replace(REPEATS[2], status=queued(6, {}).status)])
    assert half.optimum is not None and half.optimum.number == 1  # not before all have ended
    found = judge(three, [*HISTORY, *REPEATS])
    assert found.repeats == 4
    # Both repeats of x=3 are as near to their mean; t0003 was not repeated and comes after.
    assert [trial.number for trial in found.ranked] == [5, 7, 4, 6, 3]
    assert found.runner_up is not None and found.runner_up.number == 4
    assert {left.trial.number for left in found.left_out} == {0, 1, 2}
    decided = contest(whole(three), found)
    assert decided is not None
    assert [trial.number for trial in decided.first.trials] == [5, 7]
    assert (decided.first.mean, decided.second.n) == (0.52, 2)


def test_a_trial_that_was_not_better_by_enough_cannot_win() -> None:
    trials = [HISTORY[1], replace(HISTORY[2], value=0.49, not_kept="0.49 is not enough")]
    found = judge(sweep(EXPLORE, REFINE), trials)
    assert found.optimum is not None and found.optimum.number == 1
    assert [(left.code, left.reason) for left in found.left_out] == [
        ("not-kept", "0.49 is not enough")
    ]


def test_a_baseline_of_another_length_is_not_compared_with() -> None:
    baseline = replace(HISTORY[0], origin="baseline")
    assert judge(sweep(EXPLORE, REFINE), [baseline, *HISTORY[1:]]).improvement_pct is None
    alike = replace(baseline, params={"x": 1.0, "steps": 100, "seed": 0}, value=1.0, phase=0)
    found = judge(sweep(EXPLORE, REFINE), [alike, *HISTORY[1:]])
    assert found.improvement_pct == 50.0
