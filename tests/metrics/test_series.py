"""A series keeps each step once, in order, with the value written last."""

import math
from array import array
from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st

from tuiswp.metrics.series import Series

STEPS = st.integers(0, 30).map(float)
VALUES = st.one_of(st.floats(-5, 5), st.sampled_from([math.nan, math.inf, -math.inf]))
WRITES = st.lists(st.lists(st.tuples(STEPS, VALUES), max_size=8), max_size=12)


def points(series: Series) -> list[tuple[float, float | None]]:
    return [
        (s, None if v != v else v) for s, v in zip(series.steps(), series.values(), strict=True)
    ]


@given(WRITES, st.lists(st.booleans(), min_size=12, max_size=12))
@settings(deadline=None, max_examples=150)
def test_whatever_the_order_a_series_equals_a_dictionary(
    writes: list[list[tuple[float, float]]], read_between: list[bool]
) -> None:
    """`last` is read now and then, since it does not always settle the points."""
    series, model = Series(), dict[float, float]()
    for group, read in zip(writes, read_between, strict=False):
        if len(group) > 4:  # as a block of finite points
            group = [(s, v) for s, v in group if math.isfinite(v)]
            ordered = all(a < b for (a, _), (b, _) in pairwise(group))
            steps = array("d", [s for s, _ in group])
            series.extend(steps, array("d", [v for _, v in group]), ordered=ordered)
        else:
            for step, value in group:
                series.append(step, value)
        model.update(group)
        if model and len(group) % 2:
            last = model[max(model)]
            assert series.last == (last if math.isfinite(last) else None)
        if read:
            assert series.count == len(model)
    expected = [(s, v if math.isfinite(v) else None) for s, v in sorted(model.items())]
    assert points(series) == expected
    assert series.gaps == sum(v is None for _, v in expected)
    assert series.last == (expected[-1][1] if expected else None)


def test_a_restart_overwrites_and_the_rest_of_the_old_curve_stays() -> None:
    series = Series()
    for step in range(10):
        series.append(step, 1.0)
    for step in range(5, 8):
        series.append(step, 2.0)
    assert series.latest == 2.0
    assert series.last == 1.0
    assert list(series.values()) == [1.0] * 5 + [2.0] * 3 + [1.0] * 2


def test_a_shuffled_file_of_blocks_is_settled_in_order() -> None:
    series = Series()
    numbers = [(i * 7919) % 20_011 for i in range(20_011)]
    for at in range(0, len(numbers), 500):
        block = array("d", numbers[at : at + 500])
        series.extend(block, block, ordered=False)
    assert list(series.steps()) == list(map(float, range(20_011)))
    assert list(series.values()) == list(series.steps())


def test_blocks_may_share_their_steps() -> None:
    shared = array("d", [0.0, 1.0, 2.0])
    one, other = Series(), Series()
    one.extend(shared, array("d", [5.0, 6.0, 7.0]), ordered=True)
    other.extend(shared, array("d", [1.0, 2.0, 3.0]), ordered=True)
    one.append(1.0, 9.0)
    one.append(3.0, 4.0)
    assert list(one.values()) == [5.0, 9.0, 7.0, 4.0]
    assert list(other.steps()) == [0.0, 1.0, 2.0]
    assert list(shared) == [0.0, 1.0, 2.0]


def test_an_empty_series_has_no_value() -> None:
    series = Series()
    assert (series.count, series.last, series.latest, series.gaps) == (0, None, None, 0)
