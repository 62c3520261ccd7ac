"""Row by row gives what the definitions give over the whole curve, and says what went wrong."""

import math
from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.expression import reference
from tuiswp.expression.checks import as_curve
from tuiswp.expression.curve import Evaluation, Fault
from tuiswp.expression.parser import parse

NAN = float("nan")
Rows = list[tuple[float, dict[str, float]]]


def evaluation(text: str) -> Evaluation:
    return Evaluation(as_curve(parse(text), text))


def push(one: Evaluation, rows: Rows) -> list[float | None]:
    return [one.push(step, [row.get(name) for name in one.columns]) for step, row in rows]


def over(text: str, *values: float) -> list[float | None]:
    """The points of an expression of x alone, logged at steps 0, 1, 2, …"""
    return push(evaluation(text), [(float(i), {"x": value}) for i, value in enumerate(values)])


def assert_same(found: Sequence[float | None], wanted: Sequence[float | None]) -> None:
    assert [v is None for v in found] == [v is None for v in wanted]
    a, b = ([NAN if v is None else v for v in values] for values in (found, wanted))
    np.testing.assert_allclose(a, b, rtol=1e-6, atol=1e-6)


numbers = st.one_of(
    st.floats(-100, 100).map(lambda v: round(v, 3)), st.sampled_from([0.0, 1.0, -1.0, NAN])
)
rows_of_three = st.lists(
    st.dictionaries(st.sampled_from(["a", "b", "c"]), numbers), min_size=1, max_size=40
).map(lambda rows: [(float(3 * i + i % 2), row) for i, row in enumerate(rows)])

_ONE = ["-{0}", "abs({0})", "cummin({0})", "cummax({0})", "min({0})", "max({0})", "first({0})",
        "last({0})", "lag({0}, 2)", "diff({0})", "diff({0}, 3)", "mean({0}, 3)", "median({0}, 4)",
        "std({0}, 5)", "ema({0}, 0.3)", "endweight({0}, 1.1)", "endweight({0}, 0.8)", "floor({0})",
        "(not {0})", "mean({0}, 1)", "at({0}, b)", "{0} * step", "clip({0}, -1, 1)",
        "slope({0}, 4)", "({0} in [0, 1])", "sqrt({0})"]  # fmt: skip
_TWO = ["({0} + {1})", "({0} - {1})", "({0} * {1})", "({0} / {1})", "min({0}, {1})",
        "where({0} > {1}, {0}, 2)", "({0} and {1})", "({0} or {1})", "at({0}, {1})",
        "({0} <= {1})", "({0} != {1})", "max({1}, {0}, 1)"]  # fmt: skip

expressions = st.recursive(
    st.sampled_from(["a", "b", "c"]),
    lambda inner: st.one_of(
        st.builds(str.format, st.sampled_from(_ONE), inner.map(lambda t: f"({t})")),
        st.builds(str.format, st.sampled_from(_TWO), inner, inner),
    ),
    max_leaves=4,
)


@given(expressions, rows_of_three)
def test_row_by_row_gives_what_the_definitions_give(text: str, rows: Rows) -> None:
    one = evaluation(text)
    found = push(one, rows)
    columns = {name: [row.get(name) for _, row in rows] for name in "abc"}
    wanted = reference.points(as_curve(parse(text), text), [step for step, _ in rows], columns)
    assert [v is None for v in found] == [v is None for v in wanted]
    for mine, theirs in zip(found, wanted, strict=True):
        if mine is None or theirs is None or abs(theirs) > 1e6:
            continue  # beside a pole the two may fall to different sides
        if not _decided_by_rounding(text):
            assert mine == pytest.approx(theirs, rel=1e-5, abs=1e-5, nan_ok=True)


def _decided_by_rounding(text: str) -> bool:
    """Whether a last digit may turn the result: a rounded number is compared or divided by."""
    smooth = any(f"{name}(" in text for name in ("mean", "std", "ema", "endweight", "slope"))
    jumps = any(word in text for word in (">", "=", "not", "and", "or", " in ", "/", "floor", "sq"))
    return smooth and jumps


@given(expressions, rows_of_three, st.integers(0, 40), st.integers(0, 40))
def test_going_back_and_on_gives_the_same_to_the_last_bit(
    text: str, rows: Rows, kept: int, lost: int
) -> None:
    straight, wound = evaluation(text), evaluation(text)
    wanted = push(straight, rows)
    push(wound, rows[:kept])
    saved = wound.save()
    push(wound, [(step, {"a": 7.0, "b": 0.0, "c": -1.0}) for step, _ in rows[kept : kept + lost]])
    wound.restore(saved)
    again = push(wound, rows[kept:])
    assert list(map(repr, again)) == list(map(repr, wanted[kept:]))
    assert wound.faults == straight.faults


@pytest.mark.parametrize("text", [one.format("a") for one in _ONE if "b" not in one])
@pytest.mark.parametrize("kept", range(6))
def test_every_function_can_go_back_to_any_row(text: str, kept: int) -> None:
    rows: Rows = [(float(i), {"a": float(i * i % 7)}) for i in range(8)]
    wanted = push(evaluation(text), rows)
    wound = evaluation(text)
    push(wound, rows[:kept])
    saved = wound.save()
    for _ in range(2):  # what was saved is not used up
        push(wound, [(step, {"a": -3.5}) for step, _ in rows[kept:]])
        wound.restore(saved)
    assert list(map(repr, push(wound, rows[kept:]))) == list(map(repr, wanted[kept:]))


def test_a_long_rolling_mean_does_not_drift_and_forgets_a_huge_value() -> None:
    chance = np.random.default_rng(0)
    values = chance.normal(size=5_000)
    values[100] = 1e300
    found = over("mean(x, 50)", *values.tolist())
    exact = [math.fsum(values[max(0, i - 49) : i + 1]) / min(i + 1, 50) for i in range(5_000)]
    np.testing.assert_allclose(np.array(found, dtype=float), exact, rtol=1e-12, atol=1e-14)


def test_a_rolling_deviation_on_a_high_plateau_keeps_its_digits() -> None:
    values = [1e9 + 0.001 * (i % 7) for i in range(500)]
    found = over("std(x, 14)", *values)
    assert found[-1] == pytest.approx(0.002, rel=1e-3)


@pytest.mark.parametrize(
    ("kappa", "ratio"),
    [(1.01, 6.9), (1.015, 18), (1.02, 47), (1.03, 310), (1.05, 1.3e4), (1.1, 1e8)],
)
def test_end_weighting_over_195_points_weighs_the_last_as_published(
    kappa: float, ratio: float
) -> None:
    total = math.fsum(kappa**i for i in range(195))
    last = over(f"endweight(x, {kappa})", *[0.0] * 194, 1.0)[-1]
    first = over(f"endweight(x, {kappa})", 1.0, *[0.0] * 194)[-1]
    assert last is not None and first is not None
    assert last == pytest.approx(kappa**194 / total, rel=1e-9)
    assert last / first == pytest.approx(ratio, rel=0.1)


def test_end_weighting_of_a_million_points_neither_overflows_nor_vanishes() -> None:
    one = evaluation("endweight(x, 1.1)")
    value = [one.push(float(i), [float(i % 2)]) for i in range(100_000)][-1]
    assert value == pytest.approx(1.1 / 2.1)
    early = evaluation("endweight(x, 0.5)")
    for i in range(5_000):
        value = early.push(float(i), [1.0 if i == 0 else 3.0])
    assert value == pytest.approx(2.0)


def test_columns_logged_at_different_steps_hold_their_last_value() -> None:
    rows: Rows = [
        (1, {"train": 5.0}), (2, {"train": 4.0, "eval": 6.0}), (3, {"train": 3.0}),
        (4, {"other": 1.0}), (5, {"eval": 5.0}),
    ]  # fmt: skip
    assert push(evaluation("eval - train"), rows) == [None, 2.0, 3.0, None, 2.0]
    assert push(evaluation("at(eval - train, eval)"), rows) == [None, 2.0, None, None, 2.0]
    assert push(evaluation("mean(eval, 2) + 0 * train"), rows) == [None, 6.0, 6.0, None, 5.5]


def test_a_gap_is_left_out_of_what_is_remembered_and_is_a_gap_itself() -> None:
    assert_same(over("mean(x, 2)", 1, NAN, 3, 5), [1, NAN, 3, 4])
    assert_same(over("cummin(x)", 1, NAN, 3), [1, NAN, 1])
    assert_same(over("last(x)", NAN, 1, NAN, 3), [NAN, 1, 1, 3])
    assert_same(over("lag(x, 1)", 1, NAN, 3), [None, 1, NAN])


def test_a_division_by_zero_is_a_gap_and_is_told_with_its_place() -> None:
    one = evaluation("1 + x / y")
    rows: Rows = [(1, {"x": 1.0, "y": 0.0}), (2, {"y": 1.0}), (3, {"y": 0.0})]
    assert_same(push(one, rows), [NAN, 2, NAN])
    assert one.faults == (Fault(7, "division by zero", 1, 2),)


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("log(x)", Fault(1, "log of a number that is not above 0", 0, 1)),
        ("2 * sqrt(x - 1)", Fault(5, "square root of a number below 0", 0, 1)),
        ("exp(1000 - x)", Fault(1, "beyond the largest number", 0, 1)),
        ("x * 0 + 1e308 * 10", Fault(15, "beyond the largest number", 0, 1)),
        ("(x - 8) ** 0.5", Fault(9, "a power that is no real number", 0, 1)),
        ("mean(1 / x, 3)", Fault(8, "division by zero", 0, 1)),
    ],
)
def test_what_goes_wrong_at_run_time_is_told_once_each(text: str, what: Fault) -> None:
    one = evaluation(text)
    assert_same(push(one, [(0, {"x": 0.0})]), [NAN])
    assert one.faults == (what,)


def test_what_is_wrong_with_the_side_not_taken_does_not_matter() -> None:
    one = evaluation("where(x > 0, log(x), 0)")
    assert push(one, [(0, {"x": -1.0}), (1, {"x": 1.0})]) == [0.0, 0.0]
    assert one.faults == ()
    gap = evaluation("where(x > 0, log(x), y)")
    assert_same(push(gap, [(0, {"x": -1.0, "y": NAN})]), [NAN])
    assert gap.faults == ()


def test_a_gap_in_the_data_is_no_fault_of_the_expression() -> None:
    one = evaluation("mean(x, 3) / x")
    assert_same(push(one, [(0, {"x": NAN})]), [NAN])
    assert one.faults == ()


def test_the_step_can_be_used_and_moves_without_a_column() -> None:
    assert over("where(step < 2, 0, x)", 5, 6, 7) == [0, 0, 7]
    rows: Rows = [(0, {"x": 1.0}), (1, {"y": 1.0}), (2, {"y": 1.0})]
    assert push(evaluation("where(step > 1, x, 0) + 0 * y"), rows) == [None, 0, 1]
