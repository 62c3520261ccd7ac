"""Quantiles against the recorded vectors, the four edges, grids, supports, axes."""

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.spec.helpers import parameter
from tuiswp.model.space import (
    Beta,
    Categorical,
    Constant,
    Distribution,
    IntUniform,
    LogNormal,
    LogUniform,
    Normal,
    Parameter,
    Uniform,
    Value,
)
from tuiswp.spec.distributions import (
    bounds,
    grid_count,
    grid_values,
    is_log,
    is_single,
    quantile,
    support,
    support_count,
    value_key,
)

U = (0.1, 0.25, 0.5, 0.75, 0.9)

VECTORS: list[tuple[str, list[Value]]] = [
    ("{distribution: uniform, min: 0, max: 10}", [1, 2.5, 5, 7.5, 9]),
    ("{min: 1, max: 4}", [1, 1, 2, 3, 4]),
    ("{distribution: q_uniform, min: 0, max: 10, q: 2.5}", [0, 2.5, 5, 7.5, 10]),
    ("{distribution: q_uniform, min: 0, max: 10, q: 2}", [0, 2, 4, 8, 8]),
    ("{distribution: q_uniform, min: 0, max: 10, q: 1}", [1, 2, 5, 8, 9]),
    ("{distribution: log_uniform, min: -5, max: 0}",
     [0.011109, 0.0235177, 0.082085, 0.286505, 0.606531]),
    ("{distribution: inv_log_uniform, min: 0, max: 5}",
     [0.011109, 0.0235177, 0.082085, 0.286505, 0.606531]),
    ("{distribution: log_uniform_values, min: 1e-5, max: 1e-1}",
     [2.51189e-5, 1e-4, 1e-3, 1e-2, 0.0398107]),
    ("{distribution: inv_log_uniform_values, min: 1e-5, max: 1e-1}",
     [2.51189e-5, 1e-4, 1e-3, 1e-2, 0.0398107]),
    ("{distribution: q_log_uniform_values, min: 1, max: 1000}", [2, 6, 32, 178, 501]),
    ("{distribution: normal, mu: 0, sigma: 1}", [-1.28155, -0.67449, 0, 0.67449, 1.28155]),
    ("{distribution: q_normal, mu: 0, sigma: 3, q: .5}", [-4, -2, 0, 2, 4]),
    ("{distribution: log_normal, mu: 0, sigma: 1}",
     [0.277606, 0.509416, 1, 1.96303, 3.60222]),
    ("{distribution: q_log_normal, mu: 2, sigma: 1}", [2, 4, 7, 15, 27]),
    ("{distribution: beta, a: 2, b: 5}", [0.0925953, 0.161163, 0.26445, 0.389479, 0.510316]),
    ("{values: [a, b, c]}", ["a", "a", "b", "c", "c"]),
    ("{values: [a, b, c], probabilities: [.2, .3, .5]}", ["a", "b", "c", "c", "c"]),
    ("{value: 7}", [7, 7, 7, 7, 7]),
]  # fmt: skip


@pytest.mark.parametrize(("entry", "expected"), VECTORS)
def test_quantiles_meet_the_recorded_vectors(entry: str, expected: list[Value]) -> None:
    dist = parameter(entry).distribution
    got = [quantile(dist, u) for u in U]
    for value, want in zip(got, expected, strict=True):
        if isinstance(want, str):
            assert value == want
        else:
            assert isinstance(value, int | float) and isinstance(want, int | float)
            assert value == pytest.approx(want, rel=1e-5, abs=1e-9)


def test_a_weighted_choice_at_its_inner_border_takes_the_next_value() -> None:
    assert quantile(Categorical(("a", "b", "c"), (0.2, 0.3, 0.5)), 0.25) == "b"


@pytest.mark.parametrize(
    ("entry", "q_int", "whole"),
    [
        ("{distribution: q_uniform, min: 0, max: 10, q: 2}", True, True),
        ("{distribution: q_uniform, min: 0, max: 10, q: 2.0}", False, True),
        ("{distribution: q_uniform, min: 0, max: 10}", False, True),
        ("{distribution: q_normal, q: 1}", True, True),
        ("{distribution: q_beta, a: 2, b: 2, q: 1}", True, True),
    ],
)
def test_a_rounded_value_is_an_int_only_when_the_given_q_is(
    entry: str, q_int: bool, whole: bool
) -> None:
    value = quantile(parameter(entry).distribution, 0.7)
    assert isinstance(value, int if q_int else float)
    assert (float(value) == int(value)) is whole


def test_rounding_is_not_clipped_to_the_range() -> None:
    four = {quantile(Uniform(1, 10, 4), i / 1000) for i in range(1001)}
    six = {quantile(Uniform(1, 10, 6), i / 1000) for i in range(1001)}
    assert (four, six) == ({0, 4, 8}, {0, 6, 12})


def test_a_small_log_range_with_the_default_q_gives_only_zero() -> None:
    dist = parameter("{distribution: q_log_uniform_values, min: 1e-5, max: 1e-1}").distribution
    assert {quantile(dist, i / 100) for i in range(101)} == {0.0}
    assert (support_count(dist), is_single(dist)) == (1, True)


EDGES: list[tuple[Distribution, Value, Value]] = [
    (IntUniform(3, 9), 3, 9),
    (Categorical(("a", "b", "c")), "a", "c"),
    (Categorical(("a", "b", "c"), (0.2, 0.3, 0.5)), "a", "c"),
    (Categorical(("a", "b", "c"), (0.0, 1.0, 0.0)), "b", "b"),
    (Uniform(-1.5, 2.5), -1.5, 2.5),
    (Constant(None), None, None),
    (Beta(2, 5), 0.0, 1.0),
    (Beta(0, 1), 0.0, 0.0),
    (Beta(1, 0), 1.0, 1.0),
]


@pytest.mark.parametrize(("dist", "first", "last"), EDGES)
def test_the_ends_of_the_unit_interval_stay_in_the_range(
    dist: Distribution, first: Value, last: Value
) -> None:
    assert (quantile(dist, 0.0), quantile(dist, 1.0)) == (first, last)


@pytest.mark.parametrize("dist", [Normal(2, 3), LogNormal(0, 1), Normal(0, 1, 0.5)])
def test_a_normal_law_is_finite_at_both_ends(dist: Distribution) -> None:
    for u in (0.0, 1.0):
        value = quantile(dist, u)
        assert isinstance(value, float) and math.isfinite(value)


@pytest.mark.parametrize("u", [-0.1, 1.1, math.nan, math.inf])
def test_a_probability_outside_the_unit_interval_is_refused(u: float) -> None:
    with pytest.raises(ValueError, match="u must lie"):
        quantile(Uniform(0, 1), u)


def test_limits_of_a_log_range_are_met_to_the_last_bit() -> None:
    dist = parameter("{distribution: log_uniform_values, min: 1e-5, max: 0.3}").distribution
    assert (quantile(dist, 0.0), quantile(dist, 1.0)) == (1e-5, 0.3)
    assert bounds(dist) == (1e-5, 0.3)


def test_a_range_as_wide_as_floats_does_not_overflow() -> None:
    assert quantile(Uniform(-1.7e308, 1.7e308), 0.5) == 0.0


@settings(deadline=None, max_examples=60)
@given(st.integers(-(2**62), 2**62), st.integers(0, 2**61), st.floats(0, 1))
def test_an_int_uniform_never_leaves_its_range(low: int, width: int, u: float) -> None:
    value = quantile(IntUniform(low, low + width), u)
    assert isinstance(value, int) and low <= value <= low + width


@settings(deadline=None, max_examples=60)
@given(
    st.sampled_from([entry for entry, _ in VECTORS if "values:" not in entry]),
    st.floats(0, 1), st.floats(0, 1),
)  # fmt: skip
def test_a_quantile_never_falls_as_u_rises(entry: str, a: float, b: float) -> None:
    dist = parameter(entry).distribution
    low, high = quantile(dist, min(a, b)), quantile(dist, max(a, b))
    assert isinstance(low, int | float) and isinstance(high, int | float)
    assert low <= high


@settings(deadline=None, max_examples=60)
@given(st.integers(1, 400), st.floats(0, 1, exclude_min=True))
def test_a_choice_is_uniform_to_the_last_bit(count: int, u: float) -> None:
    index = quantile(Categorical(tuple(range(count))), u)
    assert isinstance(index, int)
    assert index / count < u <= (index + 1) / count


# ── grids ────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("entry", "values"),
    [
        ("{values: [3, 1, 2]}", [3, 1, 2]),
        ("{values: [1, 1, 2]}", [1, 2]),
        ("{values: [1, true, '1']}", [1, True, "1"]),
        ("{value: null}", [None]),
        ("{min: 2, max: 5}", [2, 3, 4, 5]),
        ("{distribution: q_uniform, min: 0, max: 10, q: 2}", [0, 2, 4, 6, 8]),
        ("{distribution: q_uniform, min: 0, max: 1, q: .25}", [0.0, 0.25, 0.5, 0.75]),
        ("{distribution: q_uniform, min: 1, max: 4}", [1.0, 2.0, 3.0]),
        ("{distribution: q_uniform, min: 0, max: 1, q: 5}", [0]),
    ],
)
def test_the_grid_of_one_axis(entry: str, values: list[Value]) -> None:
    dist = parameter(entry, "grid").distribution
    assert list(grid_values(dist)) == values
    assert [type(v) for v in grid_values(dist)] == [type(v) for v in values]
    assert grid_count(dist) == len(values)


def test_of_equal_values_the_last_form_is_kept_in_the_first_place() -> None:
    assert [repr(v) for v in grid_values(Categorical((1, 2, 1.0)))] == ["1.0", "2"]


def test_q_uniform_steps_as_numpy_arange_does() -> None:
    import numpy as np

    for low, high, q in [(0.1, 0.7, 0.1), (0.0, 1.0, 0.1), (0.0001, 0.01, 0.0003), (-1, 1, 0.3)]:
        assert list(grid_values(Uniform(low, high, q))) == np.arange(low, high, q).tolist()


def test_an_axis_of_a_billion_values_costs_nothing() -> None:
    dist = IntUniform(0, 10**18)
    assert grid_count(dist) == 10**18 + 1
    assert grid_values(dist)[10**17] == 10**17
    steps = grid_values(Uniform(0.0, 1e9, 0.5))
    assert (steps[2 * 10**9 - 1], steps[-1], len(steps)) == (999999999.5, 999999999.5, 2 * 10**9)
    assert list(steps[1:4]) == [0.5, 1.0, 1.5]
    with pytest.raises(IndexError):
        steps[2 * 10**9]


@pytest.mark.parametrize("dist", [Uniform(0, 1), LogUniform(0, 1), Normal(), Beta(1, 1, 0.5)])
def test_a_continuous_distribution_has_no_grid(dist: Distribution) -> None:
    assert grid_count(dist) is None
    with pytest.raises(ValueError, match="has no grid"):
        grid_values(dist)


@settings(deadline=None, max_examples=80)
@given(
    st.one_of(
        st.builds(IntUniform, st.integers(-5, 5), st.integers(6, 12)),
        st.builds(
            Uniform, st.integers(-9, 0), st.integers(1, 9), st.sampled_from([1, 2, 0.5, 2.5, 7])
        ),
        st.builds(LogUniform, st.floats(-2, 0), st.floats(0.5, 3), st.sampled_from([1, 0.25, 5])),
        st.builds(Categorical, st.lists(st.integers(0, 3), min_size=1).map(tuple)),
    ),
    st.floats(0, 1),
)
def test_every_draw_lies_in_the_counted_support(dist: Distribution, u: float) -> None:
    values = support(dist)
    assert values is not None and len(values) == support_count(dist)
    drawn = quantile(dist, u)
    if 1e-12 < u < 1 - 1e-12:  # at the ends a half may round to a multiple of probability zero
        assert value_key(drawn) in {value_key(value) for value in values}


# ── axes ─────────────────────────────────────────────────────────────────────────────────────────


def named(name: str, dist: Distribution) -> Parameter:
    return Parameter((name,), dist, "test")


@pytest.mark.parametrize(
    ("name", "dist", "log"),
    [
        ("x", LogUniform(-5, 0), True),
        ("x", LogNormal(), True),
        ("x", Categorical((1e-5, 3e-5, 1e-4, 3e-4, 1e-3)), True),
        ("batch", Categorical((8, 16, 32, 64, 128)), True),
        ("epochs", Categorical((1, 2, 3, 4, 5, 6, 7, 8, 9, 10)), False),
        ("x", Categorical((1, 5, 10)), False),
        ("x", Categorical((0, 1e-4, 1e-2)), False),
        ("x", Categorical((1, "10")), False),
        ("x", Categorical((True, 10)), False),
        ("x", Categorical((1e-4, 3e-4)), False),
        ("x", Categorical((0.03, 0.1, 0.3)), True),
        ("lr", Uniform(1e-5, 1e-1), True),
        ("optimizer.learning_rate", Uniform(1e-5, 1e-1), True),
        ("weight_decay", Uniform(0.0, 0.1), False),
        ("dropout", Uniform(0.01, 0.5), False),
        ("lr", Uniform(1e-4, 5e-4), False),
        ("lr", Constant(0.1), False),
        ("seed", IntUniform(1, 1000), False),
        ("x", Normal(), False),
    ],
)
def test_the_natural_axis_of_a_parameter(name: str, dist: Distribution, log: bool) -> None:
    assert is_log(named(name, dist)) is log


@pytest.mark.parametrize(
    ("dist", "ends"),
    [
        (Categorical((3, 1.5, 2)), (1.5, 3.0)),
        (Categorical(("a", 1)), None),
        (Categorical((True, 1)), None),
        (IntUniform(1, 5), (1.0, 5.0)),
        (Uniform(0, 1, 0.3), (0.0, 1.0)),
        (LogUniform(0, 1), (1.0, math.e)),
        (Normal(), None),
        (Beta(), (0.0, 1.0)),
        (Constant(4), (4.0, 4.0)),
    ],
)
def test_the_bounds_of_a_distribution(dist: Distribution, ends: tuple[float, float] | None) -> None:
    assert bounds(dist) == ends
