"""The optimum: who may win, who wins, and what is left out with which reason."""

import math
from typing import Literal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.analysis.builders import (
    choice,
    ended,
    issue_sweep,
    issue_trials,
    queued,
    sweep_of,
)
from tuiswp.analysis.optimum import best_so_far, change_pct, from_baseline_pct, judge, percent
from tuiswp.model.space import Params
from tuiswp.model.sweep import Goal
from tuiswp.model.trial import Launching, Paused, Trial


def recomputed(trials: list[Trial], goal: str) -> tuple[int | None, float | None]:
    """The optimum and its gain over the default, written a second time without the module."""
    best: Trial | None = None
    least = math.inf
    for trial in trials:
        if trial.state != "done" or not trial.complete:
            continue
        if trial.value is None or math.isnan(trial.value) or math.isinf(trial.value):
            continue
        loss = trial.value if goal == "minimize" else -trial.value
        if best is None or loss < least or (loss == least and trial.number < best.number):
            best, least = trial, loss
    if best is None or best.value is None:
        return None, None
    defaults = [t for t in trials if t.origin == "baseline"]
    if not defaults:
        return best.number, None
    default = defaults[0]
    if default.state != "done" or not default.complete:
        return best.number, None
    if default.value is None or not math.isfinite(default.value) or default.value == 0:
        return best.number, None
    gain = 100 * (default.value - best.value) / abs(default.value)
    gain = gain if goal == "minimize" else -gain
    return best.number, gain if math.isfinite(gain) else None


VALUES = st.one_of(
    st.none(),
    st.sampled_from([0.0, 1.0, -1.0, 2.5, math.nan, math.inf, -math.inf]),
    st.floats(allow_nan=True, allow_infinity=True),
)
States = Literal["done", "failed", "killed", "pruned", "lost"]
STATES: list[States] = ["done", "done", "done", "failed", "killed", "pruned", "lost"]


@st.composite
def histories(draw: st.DrawFn) -> list[Trial]:
    numbers = draw(st.permutations(range(draw(st.integers(0, 12)))))
    trials = []
    for number in numbers:
        state = draw(st.sampled_from(STATES))
        trials.append(
            ended(
                number,
                {"lr": number / 10},
                draw(VALUES),
                state=state,
                origin="baseline" if number == 0 and draw(st.booleans()) else "grid",
                complete=draw(st.booleans()) if state != "done" else draw(st.integers(0, 4)) > 0,
                progress=draw(st.one_of(st.none(), st.floats(0, 1))),
            )
        )
    return trials


@settings(deadline=None, max_examples=100)
@given(histories(), st.sampled_from(["minimize", "maximize"]))
def test_the_optimum_agrees_with_an_independent_recomputation(
    trials: list[Trial], goal: Goal
) -> None:
    sweep = sweep_of(choice("lr", [0.1, 0.2]), goal=goal)
    judgement = judge(sweep, trials)
    number, gain = recomputed(trials, goal)
    assert (judgement.optimum.number if judgement.optimum else None) == number
    if gain is None:
        assert judgement.improvement_pct is None
    else:
        assert judgement.improvement_pct == pytest.approx(gain, rel=1e-9)
        assert gain >= 0, "nothing that may win is worse than the default"
    cheap = best_so_far(sweep, trials)
    assert (cheap.number if cheap else None) == number
    assert sorted(t.number for t in judgement.trials) == sorted(t.number for t in trials)
    assert all(left.reason for left in judgement.left_out)


@settings(deadline=None, max_examples=100)
@given(histories(), st.randoms())
def test_the_order_in_which_trials_are_given_changes_nothing(
    trials: list[Trial], random: object
) -> None:
    sweep = sweep_of(choice("lr", [0.1, 0.2]))
    shuffled = list(trials)
    random.shuffle(shuffled)  # type: ignore[attr-defined]  # hypothesis gives a Random
    one, two = judge(sweep, trials), judge(sweep, shuffled)
    assert [t.number for t in one.ranked] == [t.number for t in two.ranked]
    assert [left.trial.number for left in one.left_out] == [
        left.trial.number for left in two.left_out
    ]


def test_the_issues_own_numbers_give_its_optimum() -> None:
    judgement = judge(issue_sweep(), issue_trials())
    assert judgement.optimum is not None
    assert judgement.optimum.id == "t0005"
    assert judgement.runner_up is not None
    assert judgement.runner_up.id == "t0000"
    assert judgement.gap == pytest.approx(0.02)
    assert judgement.improvement_pct == pytest.approx(100 * 0.02 / 2.03)


def test_equal_best_values_go_to_the_lowest_number_and_are_flagged() -> None:
    trials = [ended(n, {"lr": n}, 1.0 if n in (2, 5) else 3.0) for n in (5, 4, 2, 3)]
    judgement = judge(sweep_of(choice("lr", [1, 2])), trials)
    assert judgement.optimum is not None
    assert judgement.optimum.number == 2
    assert [trial.number for trial in judgement.ties] == [5]
    assert judgement.gap == 0.0


def test_a_killed_trial_with_the_best_value_wins_only_with_include_partial() -> None:
    trials = [
        ended(0, {"lr": 1}, 2.0),
        ended(1, {"lr": 2}, 1.0, state="killed", cause="killed-by-user", progress=0.4),
    ]
    sweep = sweep_of(choice("lr", [1, 2]))
    judgement = judge(sweep, trials)
    assert judgement.optimum is not None
    assert judgement.optimum.number == 0
    assert [(left.trial.number, left.code) for left in judgement.left_out] == [(1, "ended-badly")]
    partial = judge(sweep, trials, include_partial=True)
    assert partial.optimum is not None
    assert partial.optimum.number == 1
    assert partial.include_partial


def test_a_trial_below_complete_at_is_left_out_and_named_with_its_progress() -> None:
    trials = [ended(0, {"lr": 1}, 2.0), ended(1, {"lr": 2}, 1.0, progress=0.9799, complete=False)]
    judgement = judge(sweep_of(choice("lr", [1, 2])), trials)
    assert judgement.optimum is not None
    assert judgement.optimum.number == 0
    (left,) = judgement.left_out
    assert left.code == "stopped-early"
    assert "97.9 %" in left.reason
    assert "98 %" in left.reason


def test_exit_0_makes_a_run_complete_whose_progress_never_reaches_98_percent() -> None:
    trials = [ended(0, {"lr": 1}, 2.0, progress=29 / 30, complete=True)]
    judgement = judge(sweep_of(choice("lr", [1])), trials)
    assert judgement.optimum is not None


@pytest.mark.parametrize("value", [None, math.nan, math.inf, -math.inf])
@pytest.mark.parametrize("partial", [False, True])
@pytest.mark.parametrize("goal", ["minimize", "maximize"])
def test_what_is_not_finite_never_wins(value: float | None, partial: bool, goal: Goal) -> None:
    sweep = sweep_of(choice("lr", [1, 2]), goal=goal)
    trials = [ended(0, {"lr": 1}, value), ended(1, {"lr": 2}, 7.0)]
    judgement = judge(sweep, trials, include_partial=partial)
    assert judgement.optimum is not None
    assert judgement.optimum.number == 1
    assert judgement.left_out[0].code == "no-value"
    assert judge(sweep, trials[:1], include_partial=partial).optimum is None


def test_without_a_metric_there_is_no_optimum_and_it_says_why() -> None:
    judgement = judge(sweep_of(choice("lr", [1, 2]), metric=None), [ended(0, {"lr": 1}, 1.0)])
    assert judgement.optimum is None
    assert "names no metric" in (judgement.why_none or "")
    assert best_so_far(sweep_of(metric=None), [ended(0, {}, 1.0)]) is None


def test_trials_that_are_not_over_are_left_out_as_waiting() -> None:
    params: Params = {"lr": 1}
    trials = [
        queued(0, params),
        Trial(1, params, "k1", "grid", Launching(0.0, "", ()), value=0.5, progress=0.25),
        Trial(2, params, "k2", "grid", Paused(0.0), value=0.1, progress=0.5),
    ]
    judgement = judge(sweep_of(choice("lr", [1, 2])), trials)
    assert judgement.optimum is None
    assert [left.code for left in judgement.left_out] == ["waiting"] * 3
    assert [left.reason for left in judgement.left_out] == [
        "waits for its turn", "still running at 25 %", "paused at 50 %",
    ]  # fmt: skip
    assert "none of the 3 trials has ended" in (judgement.why_none or "")


def test_a_baseline_that_did_not_finish_is_shown_but_never_compared_with() -> None:
    trials = [
        ended(0, {"lr": 1}, 9.0, origin="baseline", state="failed"),
        ended(1, {"lr": 2}, 1.0),
    ]
    sweep = sweep_of(choice("lr", [1, 2]))
    judgement = judge(sweep, trials)
    assert judgement.baseline is not None
    assert judgement.baseline.number == 0
    assert judgement.improvement_pct is None
    assert from_baseline_pct(sweep, judgement, trials[1]) is None


def test_every_row_knows_its_distance_from_the_default() -> None:
    sweep, trials = issue_sweep(), issue_trials()
    judgement = judge(sweep, trials)
    assert from_baseline_pct(sweep, judgement, trials[0]) == 0.0
    assert from_baseline_pct(sweep, judgement, trials[6]) == pytest.approx(
        100 * (2.03 - 3.37) / 2.03
    )


def test_improvement_is_positive_when_better_for_both_goals_and_any_sign() -> None:
    assert change_pct(1.9, 2.0, "minimize") == pytest.approx(5.0)
    assert change_pct(2.1, 2.0, "maximize") == pytest.approx(5.0)
    assert change_pct(-2.1, -2.0, "minimize") == pytest.approx(5.0)
    assert change_pct(2.1, 2.0, "minimize") == pytest.approx(-5.0)
    assert change_pct(1.0, 0.0, "minimize") is None
    assert change_pct(-1e308, 1e308, "minimize") is None  # the difference overflows


def test_percent_never_rounds_up_to_the_threshold() -> None:
    assert percent(0.97999) == "97.9 %"
    assert percent(0.98) == "98 %"
    assert percent(1.0) == "100 %"


def test_reasons_hold_nothing_a_terminal_would_act_on() -> None:
    trial = ended(0, {"lr": 1}, None, state="failed", evidence="boom \x1b]52;c;x\x07\n‮evil")
    judgement = judge(sweep_of(choice("lr", [1]), metric="l\x1b[31m"), [trial])
    for text in (judgement.left_out[0].reason, judgement.why_none or ""):
        assert text.isprintable(), text
