"""Axes and the values that continue a pattern."""

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.analysis.builders import ISSUE_LRS, choice, over
from tuiswp.analysis.axes import (
    Side,
    around,
    beyond,
    is_learning_rate,
    is_seed,
    listed,
    log_axis,
    measured,
    number,
    spell,
)
from tuiswp.model.space import IntUniform, LogUniform, Uniform


@pytest.mark.parametrize(
    "name",
    ["lr", "LR", "lr0", "learning_rate", "learningRate", "learning-rate", "peakLR", "max_lr",
     "optimizer.lr"],
)  # fmt: skip
def test_learning_rates_are_known_by_name(name: str) -> None:
    assert is_learning_rate(choice(name, [1]))


@pytest.mark.parametrize(
    "name", ["lr_decay", "lr_scheduler_type", "head_lr_ratio", "color", "rate", "warmup_lr", "clr"]
)
def test_what_only_speaks_of_a_learning_rate_is_none(name: str) -> None:
    assert not is_learning_rate(choice(name, [1]))


def test_a_seed_is_not_tuned() -> None:
    assert is_seed(choice("data_seed", [1, 2]))
    assert not is_seed(choice("seeded_lr", [1, 2]))


def test_booleans_text_and_what_is_not_finite_are_no_numbers() -> None:
    assert [number(v) for v in (True, "1e-4", None, math.nan, math.inf, 10**400)] == [None] * 6
    assert number(3) == 3.0


@pytest.mark.parametrize(
    ("name", "xs", "log"),
    [
        ("lr", [1e-4, 1e-3], True),
        ("lr", [0.0, 1e-3], False),
        ("batch_size", [8, 16, 32, 64], True),
        ("layers", [2, 4, 6], False),
        ("rank", [4, 8], False),
        ("weight_decay", [1e-4, 1e-3, 1e-1], True),
        ("dropout", [0.0, 0.1, 0.5], False),
    ],
)
def test_the_natural_axis_follows_the_values(name: str, xs: list[float], log: bool) -> None:
    assert log_axis(choice(name, xs), xs) is log


def test_the_natural_axis_follows_the_distribution() -> None:
    wide = LogUniform(math.log(1e-5), math.log(1e-1))
    assert log_axis(over("x", wide), [1e-4, 1e-2])
    assert not log_axis(over("x", Uniform(0.0, 0.5)), [0.01, 0.4])
    assert not log_axis(over("units", IntUniform(1, 500)), [3.0, 400.0])


@pytest.mark.parametrize(
    ("name", "xs", "side", "log", "expected"),
    [
        ("lr", ISSUE_LRS, "right", True, [1e-1, 3e-1]),
        ("lr", ISSUE_LRS, "left", True, [1e-5, 3e-5]),
        ("lr", [1e-4, 1e-3, 1e-2], "right", True, [1e-1, 1.0]),
        ("lr", [1e-3, 2e-3, 4e-3], "right", True, [8e-3, 1.6e-2]),
        ("lr", [0.00123, 0.0045, 0.0087], "right", True, [1e-2, 3e-2]),
        ("batch_size", [8, 16, 32, 64], "right", True, [128, 256]),
        ("batch_size", [1, 2, 4, 8], "left", True, []),
        ("dropout", [0, 0.1, 0.2, 0.3], "right", False, [0.4, 0.5]),
        ("dropout", [0, 0.1, 0.2, 0.3], "left", False, []),
        ("dropout", [0.5, 0.7, 0.9], "right", False, []),
        ("layers", [2, 4, 6], "right", False, [8, 10]),
        ("x", [1.5], "right", False, [2.25, 3.0]),
    ],
)
def test_values_beyond_an_edge_continue_the_pattern(
    name: str, xs: list[float], side: Side, log: bool, expected: list[float]
) -> None:
    assert list(beyond(choice(name, xs), xs, side, log=log)) == pytest.approx(expected)


@settings(deadline=None, max_examples=100)
@given(
    st.lists(st.floats(min_value=5e-324, max_value=1e308), min_size=1, max_size=8),
    st.sampled_from(["left", "right"]),
    st.booleans(),
)
def test_values_beyond_an_edge_are_finite_and_outside(
    xs: list[float], side: Side, log: bool
) -> None:
    for x in beyond(choice("lr", xs), xs, side, log=log):
        assert math.isfinite(x)
        assert x < min(xs) if side == "left" else x > max(xs)
        assert not log or x > 0


def test_the_range_around_a_default_is_the_recipes() -> None:
    assert listed(around(2.86e-4), log=True) == "1e-5, 3e-5, 1e-4, 3e-4, 1e-3, 3e-3"
    assert listed(around(4.3e-3), log=True) == "1e-4, 3e-4, 1e-3, 3e-3, 1e-2, 3e-2"


def test_whole_numbers_do_not_make_a_learning_rate_a_count() -> None:
    assert beyond(choice("lr", [1, 2, 3]), [1.0, 2.0, 3.0], "left", log=True) == (0.1, 0.3)
    assert beyond(choice("rank", [1, 2, 4]), [1.0, 2.0, 4.0], "left", log=True) == ()


def test_numbers_are_spelt_as_an_author_would() -> None:
    assert [spell(x, log=True) for x in (3e-4, 0.1, 1.0, 64.0, 1.5e-5)] == [
        "3e-4", "1e-1", "1", "64", "1.5e-5",
    ]  # fmt: skip
    assert [spell(x) for x in (0.25, 0.0, 3e-4, 1e7, 0.1 + 0.2)] == [
        "0.25", "0", "3e-4", "1e7", "0.3",
    ]  # fmt: skip
    assert [measured(x) for x in (1.65421, 0.0, 0.00012, 1e9)] == [
        "1.6542", "0.0000", "0.00012", "1e+09",
    ]  # fmt: skip
