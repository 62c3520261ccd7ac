"""A curve thinned and smoothed while it grows."""

import math
import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tuiswp.metrics.series import Series
from tuiswp.tui.decimate import Average, Thinned, Thinner

BUCKETS = 8
VALUES = st.lists(st.floats(-1e6, 1e6) | st.just(math.nan), min_size=1, max_size=300)


def grown(values: list[float], steps: list[float] | None = None) -> Series:
    series = Series()
    for step, value in enumerate(values):
        series.append(float(step) if steps is None else steps[step], value)
    return series


def average(values: list[float], weight: float) -> list[float]:
    """The debiased moving average by its definition, of every point."""
    means: list[float] = []
    total = share = 0.0
    for value in values:
        if math.isnan(value):
            means.append(math.nan)
            continue
        total = weight * total + (1.0 - weight) * value
        share = weight * share + (1.0 - weight)
        means.append(total / share)
    return means


def finite(values: list[float]) -> list[float]:
    return [value for value in values if value == value]


@settings(deadline=None, max_examples=60)
@given(VALUES, st.integers(1, 40), st.sampled_from([0.0, 0.9]))
def test_thinning_while_it_grows_comes_to_the_same_as_thinning_at_the_end(
    values: list[float], each: int, smooth: float
) -> None:
    series = Series()
    growing = Thinner(series, BUCKETS, smooth=smooth)
    for step, value in enumerate(values):
        series.append(float(step), value)
        if step % each == 0:
            growing.thin()
    thinned = growing.thin()
    at_once = Thinner(grown(values), BUCKETS, smooth=smooth).thin()
    assert thinned.xs == at_once.xs
    assert finite(thinned.ys) == finite(at_once.ys)
    assert finite(thinned.smoothed or []) == pytest.approx(finite(at_once.smoothed or []))
    assert len(thinned.xs) <= 4 * (BUCKETS + 1)
    shown = finite(thinned.ys)
    assert (min(shown, default=0.0), max(shown, default=0.0)) == (
        min(finite(values), default=0.0),
        max(finite(values), default=0.0),
    )


@settings(deadline=None, max_examples=60)
@given(
    VALUES,
    st.lists(st.floats(0.001, 1000.0), min_size=300, max_size=300),
    st.booleans(),
    st.none() | st.tuples(st.floats(0, 400), st.floats(0, 4000)),
)
def test_every_stretch_of_the_axis_keeps_its_extremes(
    values: list[float], gaps: list[float], log: bool, span: tuple[float, float] | None
) -> None:
    steps = [math.fsum(gaps[: n + 1]) for n in range(len(values))]
    thinned = Thinner(grown(values, steps), BUCKETS, span=span, log=log).thin()
    assert thinned.xs == sorted(thinned.xs)
    assert set(thinned.xs) <= set(steps)
    low, high = span or (-math.inf, math.inf)
    inside = [y for x, y in zip(steps, values, strict=True) if low <= x <= high and y == y]
    shown = [y for x, y in zip(*thinned[:2], strict=True) if low <= x <= high and y == y]
    assert (min(shown, default=0.0), max(shown, default=0.0)) == (
        min(inside, default=0.0),
        max(inside, default=0.0),
    )


def test_points_close_together_leave_those_far_apart_alone() -> None:
    steps = [n / 1000.0 for n in range(10_000)] + [float(n) for n in range(10, 1000, 30)]
    thinned = Thinner(grown([0.0] * len(steps), steps), 64).thin()
    assert set(steps[10_000:]) <= set(thinned.xs)
    assert len([x for x in thinned.xs if x < 10.0]) <= 8


def test_on_a_logarithmic_axis_the_first_decades_keep_their_points() -> None:
    thinned = Thinner(grown([math.sin(n) for n in range(100_000)]), 64, log=True).thin()
    assert set(range(1, 9)) <= set(thinned.xs)
    assert min(thinned.xs) == 1.0


@pytest.mark.parametrize("weight", [0.3, 0.9, 0.99])
@pytest.mark.parametrize("span", [None, (70_000.0, 71_000.0), (10.0, 20.0)])
def test_a_thinned_curve_is_smoothed_as_all_of_its_points_would_be(
    weight: float, span: tuple[float, float] | None
) -> None:
    chance = random.Random(3)
    values = [
        math.nan if chance.random() < 0.001 else chance.gauss(3.0 / (1 + n / 999), 0.5)
        for n in range(100_000)
    ]
    whole = average(values, weight)
    thinned = Thinner(grown(values), 128, span=span, smooth=weight).thin()
    assert thinned.smoothed is not None
    assert len(thinned.xs) == len(thinned.smoothed) > 10
    for x, mean in zip(thinned.xs, thinned.smoothed, strict=True):
        assert mean == pytest.approx(whole[int(x)], abs=1e-5, nan_ok=True)


def test_an_average_taken_in_pieces_is_the_average_taken_at_once() -> None:
    values = [1.0, math.nan, 3.0, -2.0, 8.0, math.inf, 0.5]
    pieces: list[float] = []
    so_far = Average()
    for cut in (values[:1], values[1:4], values[4:4], values[4:]):
        so_far, means = so_far.over(cut, 0.6)
        pieces += means
    clean = [math.nan if math.isinf(value) else value for value in values]
    assert pieces == pytest.approx(average(clean, 0.6), nan_ok=True)


def test_what_is_past_stands_still_while_the_curve_grows() -> None:
    series = grown([math.sin(step) for step in range(100)])
    thinner = Thinner(series, BUCKETS)
    before = thinner.thin().xs
    series.append(100.0, 0.0)
    assert thinner.thin().xs[:20] == before[:20]


def test_a_point_written_again_is_seen() -> None:
    series = grown([0.0] * 100)
    thinner = Thinner(series, BUCKETS)
    thinner.thin()
    series.append(3.0, 9.0)
    assert max(thinner.thin().ys) == 9.0


def test_the_newest_point_written_again_is_seen() -> None:
    series = grown([0.0] * 128)
    thinner = Thinner(series, BUCKETS)
    thinner.thin()
    series.append(127.0, 9.0)
    assert thinner.thin().ys[-1] == 9.0


@pytest.mark.parametrize("steps", [[0.0, 5e-324], [-1e300, 1e300], [7.0]])
def test_axes_of_any_extent_are_thinned(steps: list[float]) -> None:
    spread = sorted({a + (b - a) * n / 99 for n in range(100) for a, b in [(steps[0], steps[-1])]})
    thinned = Thinner(grown([1.0] * len(spread), spread), 4).thin()
    assert isinstance(thinned, Thinned)
    assert thinned.xs[0] == spread[0]
    assert thinned.xs[-1] == spread[-1]
