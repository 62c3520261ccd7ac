"""A curve becomes one number; a value that is not finite never wins."""

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tuiswp.metrics.objective import diverged, reduce
from tuiswp.metrics.series import Series
from tuiswp.model.sweep import Goal, Objective, Reduce

NAN = math.nan


def series_of(values: list[float]) -> Series:
    series = Series()
    for step, value in enumerate(values):
        series.append(step, value)
    return series


@pytest.mark.parametrize(
    ("values", "how", "window", "goal", "expected"),
    [
        ([3.0, 1.0, 2.0], "last", 1, "minimize", 2.0),
        ([3.0, 1.0, 2.0], "best", 1, "minimize", 1.0),
        ([3.0, 1.0, 2.0], "best", 1, "maximize", 3.0),
        ([9.0, 1.0, 2.0, 3.0], "mean", 3, "minimize", 2.0),
        ([9.0, 1.0, 2.0, 8.0], "median", 3, "minimize", 2.0),
        ([9.0, 1.0, 2.0, 8.0], "median", 2, "minimize", 5.0),
        ([1.0, 2.0], "mean", 10, "minimize", 1.5),
        ([9.0, 1.0, NAN, 3.0], "mean", 3, "minimize", 2.0),  # a gap inside the window
        ([1.0, NAN], "last", 1, "minimize", None),  # never an older value
        ([1.0, 2.0, NAN], "mean", 3, "minimize", None),
        ([1.0, 2.0, math.inf], "median", 3, "minimize", None),
        ([NAN, 1.0, 2.0, NAN], "best", 1, "minimize", 1.0),
        ([NAN, -math.inf], "best", 1, "minimize", None),
        ([], "last", 1, "minimize", None),
        ([], "best", 1, "minimize", None),
        ([1.7e308] * 3, "mean", 3, "minimize", 1.7e308),
        ([1.7e308] * 2, "median", 2, "minimize", 1.7e308),
        ([-1.7e308, 1.7e308], "median", 2, "minimize", 0.0),
    ],
)
def test_a_curve_is_reduced_by_the_rule(
    values: list[float], how: Reduce, window: int, goal: Goal, expected: float | None
) -> None:
    objective = Objective("loss", goal=goal, reduce=how, window=window)
    assert reduce(series_of(values), objective) == expected


def test_the_last_value_is_that_of_the_highest_step() -> None:
    series = series_of([5.0, 4.0, 3.0])
    series.append(1.0, 9.0)
    assert reduce(series, Objective("loss")) == 3.0


def test_a_curve_that_ends_in_a_gap_has_diverged() -> None:
    assert diverged(series_of([1.0, NAN]))
    assert not diverged(series_of([NAN, 1.0]))
    assert not diverged(series_of([]))


@given(
    st.lists(st.floats(), max_size=20),
    st.sampled_from(["last", "best", "mean", "median"]),
    st.sampled_from(["minimize", "maximize"]),
    st.integers(0, 25),
)
@settings(deadline=None, max_examples=200)
def test_the_value_is_none_or_lies_among_the_finite_values(
    values: list[float], how: Reduce, goal: Goal, window: int
) -> None:
    objective = Objective("loss", goal=goal, reduce=how, window=window)
    value = reduce(series_of(values), objective)
    if value is not None:
        finite = [v for v in values if math.isfinite(v)]
        slack = 1e-9 * max(map(abs, finite))
        assert min(finite) - slack <= value <= max(finite) + slack
