"""Our own early-stopping rules against cases computed by hand, and against Optuna's pruners."""

import math

import optuna
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.search.stoppers.fields import field, reported
from tuiswp.model.stopper import Asha, Bound, Patience, Percentile, Rule, Schedule, Wilcoxon
from tuiswp.search.stoppers.base import Field
from tuiswp.search.stoppers.rules import stopper_for


def stopped(rule: Rule, seen: Field) -> set[int]:
    return {verdict.trial for verdict in stopper_for(rule).judge(seen) if verdict.stop}


# -- asha


def test_asha_keeps_the_best_quarter_of_those_at_a_rung() -> None:
    eight = field(*([float(n)] * 2 for n in range(8)))
    assert stopped(Asha(2, eta=4), eight) == {2, 3, 4, 5, 6, 7}


def test_asha_never_stops_the_first_at_a_rung_nor_a_tie_with_the_last_that_goes_on() -> None:
    assert stopped(Asha(2), field([5.0] * 2)) == set()
    assert stopped(Asha(2), field([1.0] * 2, [1.0] * 2)) == set()


def test_asha_judges_a_trial_once_a_rung() -> None:
    two = field([2.0] * 3, [1.0] * 3, passed={0: 2.0})
    assert stopped(Asha(2), two) == set()
    on_the_next = field([2.0] * 8, [1.0] * 8, passed={0: 2.0, 1: 8.0})
    assert stopped(Asha(2), on_the_next) == {0}


def test_asha_tells_which_rungs_were_passed_and_the_first_that_was_not() -> None:
    verdicts = stopper_for(Asha(1, eta=2)).judge(
        field([1.0, 9.0, 1.0], [2.0, 1.0, 2.0], [3.0], running=[0])
    )
    assert [(v.kill_point, v.stop, v.rank, v.of) for v in verdicts] == [
        (1, False, 1, 3),
        (2, True, 2, 2),
    ]


def test_asha_decides_as_optunas_successive_halving_at_a_first_rung() -> None:
    values = [0.5, 0.2, 0.9, 0.1, 0.7, 0.3, 0.8, 0.4]
    pruner = optuna.pruners.SuccessiveHalvingPruner(min_resource=1, reduction_factor=2)
    study = optuna.create_study(pruner=pruner)
    theirs, passed, ours, curves = [], dict[int, float](), [], dict[int, list[float]]()
    for number, value in enumerate(values):
        trial = study.ask()
        trial.report(value, 1)
        theirs.append(trial.should_prune())
        curves[number] = [value]
        seen = Field({n: reported(c) for n, c in curves.items()}, "minimize", [number], (), passed)
        ours.append(bool(stopped(Asha(1, eta=2), seen)))
        passed[number] = 1.0
    assert ours == theirs
    assert any(ours) and not all(ours)


# -- median and percentile

FIVE = ([1.0] * 20, [2.0] * 20, [3.0] * 20, [4.0] * 20, [5.0] * 20)


def test_median_waits_for_five_finished_trials_and_ten_reports() -> None:
    rule = Percentile()
    enough = field(*FIVE, [9.0] * 10, finished=range(5))
    assert stopped(rule, enough) == {5}
    assert stopped(rule, field(*FIVE, [9.0] * 9, finished=range(5))) == set()
    assert stopped(rule, field(*FIVE[:4], [9.0] * 10, finished=range(4))) == set()


def test_median_compares_the_best_so_far_and_spares_a_tie() -> None:
    once_good = [3.0, *[9.0] * 11]
    assert stopped(Percentile(), field(*FIVE, once_good, finished=range(5))) == set()


def test_a_percentile_of_25_keeps_the_best_quarter() -> None:
    rule = Percentile(25.0)
    seen = field(*FIVE, [2.5] * 10, [2.0] * 10, finished=range(5))
    verdicts = stopper_for(rule).judge(seen)
    assert [(v.trial, v.rule, v.threshold, v.rank, v.of) for v in verdicts] == [
        (5, "percentile", 2.0, 3, 6)
    ]


def test_between_two_intervals_nobody_is_judged_anew() -> None:
    rule = Percentile(interval=10.0)
    worse_later = [3.0] * 10 + [9.0] * 5
    assert stopped(rule, field(*FIVE, worse_later, finished=range(5))) == set()
    assert stopper_for(rule).plan(45).points == (10, 20, 30, 40)


@settings(deadline=None, max_examples=40)
@given(
    st.lists(st.lists(st.floats(0, 9), min_size=12, max_size=12), min_size=5, max_size=8),
    st.lists(st.floats(0, 9), min_size=11, max_size=12),
    st.sampled_from([25.0, 50.0, 75.0]),
)
def test_percentile_decides_as_optunas_pruner(
    done: list[list[float]], running: list[float], percentile: float
) -> None:
    pruner = optuna.pruners.PercentilePruner(percentile, 5, 10, interval_steps=1)
    study = optuna.create_study(pruner=pruner)
    for curve in done:
        trial = study.ask()
        for step, value in enumerate(curve, 1):
            trial.report(value, step)
        study.tell(trial, curve[-1])
    trial = study.ask()
    for step, value in enumerate(running, 1):
        trial.report(value, step)
    seen = field(*done, running, finished=range(len(done)))
    assert bool(stopped(Percentile(percentile), seen)) == trial.should_prune()


# -- a schedule of thresholds

NARROWING = Schedule((Bound(5, 0.5), Bound(10, 0.1)), resource="report")


def test_a_schedule_narrows_as_the_run_goes_on() -> None:
    assert stopped(NARROWING, field([1.0] * 5, [1.4] * 5, [1.6] * 5)) == {2}
    assert stopped(NARROWING, field([1.0] * 10, [1.4] * 10, [1.05] * 10)) == {1}


def test_worse_by_is_a_part_of_the_bests_size_also_below_zero_and_for_maximize() -> None:
    low = field([-2.0] * 5, [-1.1] * 5, [-0.9] * 5)
    assert stopped(NARROWING, low) == {2}
    high = field([0.8] * 5, [0.5] * 5, [0.3] * 5, goal="maximize")
    assert stopped(NARROWING, high) == {2}


def test_after_the_last_bound_nobody_is_judged_anew() -> None:
    late = field([1.0] * 20, [1.05] * 10 + [9.0] * 10)
    assert stopped(NARROWING, late) == set()


# -- patience


def test_patience_stops_who_has_not_improved_for_so_long() -> None:
    rule = Patience(3)
    assert stopped(rule, field([1.0, 1.0, 1.0, 1.0], [4.0, 3.0, 2.0, 1.0])) == {0}
    assert stopped(rule, field([1.0, 1.0, 1.0])) == set()


def test_patience_counts_an_improvement_only_beyond_min_delta() -> None:
    slowly = [1.0, 0.99, 0.98, 0.97, 0.96]
    assert stopped(Patience(3, min_delta=0.5), field(slowly)) == {0}
    assert stopped(Patience(3), field(slowly)) == set()


def test_patience_in_steps_goes_by_positions() -> None:
    seen = Field({0: reported([1.0, 2.0, 2.0], every=100.0)}, "minimize", [0])
    assert stopped(Patience(200, resource="step"), seen) == {0}
    assert stopped(Patience(250, resource="step"), seen) == set()


# -- wilcoxon


def test_wilcoxon_stops_who_is_worse_at_every_common_point() -> None:
    best = [1.0 + 0.01 * k for k in range(10)]
    worse = [value + 0.5 + 0.001 * k for k, value in enumerate(best)]
    assert stopped(Wilcoxon(), field(best, worse, finished=[0])) == {1}


def test_wilcoxon_spares_who_is_as_good_and_who_has_too_few_points() -> None:
    best = [1.0, 1.2, 0.9, 1.1, 1.0, 1.2, 0.9, 1.1]
    other = [1.1, 1.1, 1.0, 1.0, 1.1, 1.1, 0.8, 1.2]
    assert stopped(Wilcoxon(), field(best, other, finished=[0])) == set()
    assert stopped(Wilcoxon(), field(best, [9.0] * 7, finished=[0])) == set()


def test_wilcoxon_needs_a_finished_trial() -> None:
    assert stopped(Wilcoxon(), field([1.0] * 20, [9.0] * 20)) == set()


# -- every rule

RULES: tuple[Rule, ...] = (
    Asha(2, eta=2),
    Percentile(startup=2, warmup=2),
    NARROWING,
    Patience(3),
    Wilcoxon(startup=5),
)


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: type(rule).__name__)
def test_who_is_spared_is_never_judged(rule: Rule) -> None:
    bad = [9.0 + 0.1 * k for k in range(12)]
    seen = field([1.0] * 12, [1.1] * 12, bad, running=[], finished=[0, 1])
    assert stopper_for(rule).judge(seen) == ()


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: type(rule).__name__)
def test_a_hopeless_trial_is_stopped_and_an_empty_curve_is_no_trouble(rule: Rule) -> None:
    bad = [9.0 + 0.1 * k for k in range(12)]
    seen = field([1.0] * 12, [1.1] * 12, bad, [], running=[2, 3], finished=[0, 1])
    assert stopped(rule, seen) == {2}
    assert stopper_for(rule).outlook(seen, 3) is None


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: type(rule).__name__)
def test_a_run_too_short_for_any_kill_point_has_an_empty_plan(rule: Rule) -> None:
    assert stopper_for(rule).plan(1.0).points == ()


@settings(deadline=None)
@given(
    st.sampled_from(RULES),
    st.lists(st.lists(st.floats(-9, 9), max_size=14), min_size=1, max_size=6),
    st.sampled_from(["minimize", "maximize"]),
)
def test_a_verdict_that_stops_is_strictly_worse_than_its_threshold(
    rule: Rule, curves: list[list[float]], goal: str
) -> None:
    seen = field(
        *curves,
        goal="minimize" if goal == "minimize" else "maximize",
        finished=range(0, len(curves), 2),
    )
    for verdict in stopper_for(rule).judge(seen):
        worse = seen.sign * verdict.value - seen.sign * verdict.threshold
        assert not verdict.stop or worse > 0 or (isinstance(rule, Patience) and worse >= 0)
        assert math.isfinite(verdict.threshold)
        assert 1 <= verdict.rank <= verdict.of
