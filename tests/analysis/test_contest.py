"""First against second: the tests are scipy's, intervals cover, one run alone proves nothing."""

import math
import random

import pytest
from scipy import stats

from tests.analysis.builders import choice, ended, sweep_of
from tuiswp.analysis import student
from tuiswp.analysis.contest import contest, correlation_time, rows_apart, seeds_needed
from tuiswp.analysis.optimum import judge
from tuiswp.analysis.repeats import pooled, repeated, settings
from tuiswp.model.sweep import Goal, Sweep
from tuiswp.model.trial import Trial


@pytest.mark.parametrize("df", [1, 2, 3.7, 10, 200])
@pytest.mark.parametrize("t", [-30.0, -2.0, -0.1, 0.0, 0.5, 2.2, 12.0])
def test_students_distribution_is_scipys(t: float, df: float) -> None:
    assert student.cdf(t, df) == pytest.approx(float(stats.t.cdf(t, df)), abs=1e-12)


@pytest.mark.parametrize("df", [1, 2, 5.5, 30])
@pytest.mark.parametrize("p", [0.025, 0.3, 0.8, 0.975, 0.999])
def test_students_quantile_is_scipys(p: float, df: float) -> None:
    assert student.quantile(p, df) == pytest.approx(float(stats.t.ppf(p, df)), rel=1e-8)


def seeded(*groups: list[float], goal: Goal = "minimize") -> tuple[Sweep, list[Trial]]:
    """One setting a group, one seed a value."""
    sweep = sweep_of(
        choice("lr", [10.0**-n for n in range(1, len(groups) + 1)]),
        choice("seed", list(range(9))), goal=goal,
    )  # fmt: skip
    trials = [
        ended(10 * g + seed, {"lr": 10.0 ** -(g + 1), "seed": seed}, value)
        for g, group in enumerate(groups)
        for seed, value in enumerate(group)
    ]
    return sweep, trials


A, B = [2.00, 2.02, 2.05], [2.10, 2.11, 2.16, 2.13]


def test_two_settings_with_seeds_are_compared_as_scipy_does() -> None:
    sweep, trials = seeded(A, B)
    found = contest(sweep, judge(sweep, trials))
    assert found is not None
    wanted = stats.ttest_ind(B, A, equal_var=False)
    interval = wanted.confidence_interval(0.95)
    assert found.by == "seeds"
    assert found.low == pytest.approx(interval.low, rel=1e-8)
    assert found.high == pytest.approx(interval.high, rel=1e-8)
    assert found.ruling == ("decided" if wanted.pvalue < 0.05 else "undecided") == "decided"
    assert "t0000, t0001, t0002" in found.told


def test_shared_seeds_are_paired_as_scipy_does() -> None:
    a, b = [2.00, 2.20, 2.40, 2.60], [2.03, 2.24, 2.42, 2.63]
    sweep, trials = seeded(a, b)
    found = contest(sweep, judge(sweep, trials))
    assert found is not None
    interval = stats.ttest_rel(b, a).confidence_interval(0.95)
    assert (found.by, found.ruling) == ("paired seeds", "decided")  # Welch would never see it
    assert found.low == pytest.approx(interval.low, rel=1e-8)


def test_a_higher_score_wins_where_the_goal_is_to_maximize() -> None:
    sweep, trials = seeded([0.9, 0.91], [0.7, 0.72], goal="maximize")
    found = contest(sweep, judge(sweep, trials))
    assert found is not None
    assert found.first.mean == pytest.approx(0.905)
    assert found.gap == pytest.approx(0.195)
    assert found.low is not None
    assert found.low < found.gap


def test_noise_of_other_settings_stands_for_those_that_ran_once() -> None:
    sweep, trials = seeded([2.0], [2.5], [3.0, 3.1, 3.2])
    found = contest(sweep, judge(sweep, trials))
    assert found is not None
    assert found.by == "pooled seeds"
    reach = float(stats.t.ppf(0.975, 2)) * 0.1 * math.sqrt(2)
    assert found.low == pytest.approx(0.5 - reach, rel=1e-6)
    assert found.ruling == "undecided"
    assert found.more is not None


def test_a_setting_that_was_repeated_is_its_mean_and_not_its_luckiest_seed() -> None:
    sweep, trials = seeded([1.9, 2.5, 2.4], [2.1, 2.12, 2.11])
    found = contest(sweep, judge(sweep, trials))
    assert found is not None
    assert found.first.mean == pytest.approx(2.11)  # though t0000 alone has the best value


def test_repeats_that_are_the_same_to_the_last_digit_are_no_evidence() -> None:
    sweep, trials = seeded([2.0, 2.0, 2.0], [2.1, 2.1])
    found = contest(sweep, judge(sweep, trials))
    assert found is not None
    assert (found.by, found.ruling) == ("nothing", "undecided")
    assert "the script fixes its seed" in found.told
    assert all(one.identical for one in settings(sweep, trials))


def test_the_pooled_noise_by_hand_and_the_mean_with_its_spread() -> None:
    sweep, trials = seeded([1.0, 3.0], [5.0, 5.0, 8.0], [9.0])
    found = repeated(sweep, judge(sweep, trials))
    known = pooled(found)
    assert known is not None
    assert known[0] == pytest.approx(math.sqrt((2 + 6) / 3))
    assert known[1] == 3
    assert found[0].told == "2.0000 ± 1.4142 (n=2: t0000, t0001)"


def test_a_clone_with_another_constant_is_another_setting() -> None:
    from tests.analysis.builders import constant

    sweep = sweep_of(choice("lr", [0.1]), constant("steps", 60))
    trials = [
        ended(0, {"lr": 0.1, "steps": 60}, 2.0), ended(1, {"lr": 0.1, "steps": 600}, 1.0)
    ]  # fmt: skip
    assert [one.n for one in settings(sweep, trials)] == [1, 1]


@pytest.mark.parametrize(("gap", "noise", "total"), [(1.0, 1.0, 17), (0.5, 1.0, 64), (2.0, 1.0, 6)])
def test_how_many_seeds_are_needed_is_the_textbooks(gap: float, noise: float, total: int) -> None:
    """Cohen 1988, table 2.4.1: 17, 64 and 6 a group for d = 1, 0.5 and 2."""
    assert seeds_needed(gap, noise, 2) == total - 2


def test_more_seeds_than_a_thousand_or_no_gap_is_not_a_number() -> None:
    assert seeds_needed(0.001, 1.0, 2) is None
    assert seeds_needed(0.0, 1.0, 2) is None
    assert seeds_needed(5.0, 0.1, 9) == 1  # never none: what was seen did not decide


def test_the_memory_of_an_autoregressive_series_is_found() -> None:
    draw, x, values = random.Random(1), 0.0, []
    for _ in range(4000):
        x = 0.8 * x + draw.gauss(0, 1)
        values.append(x)
    assert correlation_time(values) == pytest.approx(9.0, rel=0.35)  # (1 + 0.8) / (1 - 0.8)
    assert correlation_time([draw.gauss(0, 1) for _ in range(4000)]) < 1.5
    assert correlation_time([1.0] * 20) == 1.0


def test_correlated_curves_that_are_equal_are_rarely_told_apart() -> None:
    """Without blocks an interval over rows with a memory of 9 would be three times too narrow."""
    wrong = 0
    for seed in range(100):
        draw, x, y, a, b = random.Random(seed), 0.0, 0.0, [], []
        for _ in range(1000):
            x, y = 0.8 * x + draw.gauss(0, 1), 0.8 * y + draw.gauss(0, 1)
            a.append(x)
            b.append(y)
        steps = list(range(1000))
        found = rows_apart((steps, a), (steps, b))
        assert found is not None
        wrong += not found[1] <= 0 <= found[2]
    assert wrong <= 10  # 5 % meant


def test_only_common_finite_rows_count_and_few_are_not_enough() -> None:
    a = (list(range(0, 80, 2)), [1.0] * 40)
    b = (list(range(80)), [1.5] * 80)
    assert rows_apart(a, b) == (0.5, 0.5, 0.5, 8)
    assert rows_apart((a[0][:7], a[1][:7]), b) is None
    assert rows_apart((a[0], [math.nan] * 40), b) is None


def test_one_run_each_is_never_called_decided_however_far_their_curves_lie_apart() -> None:
    sweep, trials = seeded([2.0], [3.0])
    steps = list(range(100))
    curves = {0: (steps, [2.0 + 0.01 * (-1) ** n for n in steps]), 10: (steps, [3.0] * 100)}
    found = contest(sweep, judge(sweep, trials), curves)
    assert found is not None
    assert (found.by, found.ruling) == ("rows", "these-runs")
    assert "another seed may turn" in found.told
    assert "tuiswp replicate" in found.told


def test_a_single_setting_has_nobody_to_be_compared_with() -> None:
    sweep, trials = seeded(A)
    assert contest(sweep, judge(sweep, trials)) is None
