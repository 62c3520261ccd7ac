"""A curve thinned while it grows."""

import math

from hypothesis import given, settings
from hypothesis import strategies as st

from tuiswp.metrics.series import Series
from tuiswp.tui.decimate import Thinner

BUCKETS = 8


def grown(values: list[float]) -> Series:
    series = Series()
    for step, value in enumerate(values):
        series.append(float(step), value)
    return series


@settings(deadline=None, max_examples=60)
@given(
    st.lists(st.floats(-1e6, 1e6) | st.just(math.nan), min_size=1, max_size=300),
    st.integers(1, 40),
)
def test_thinning_while_it_grows_comes_to_the_same_as_thinning_at_the_end(
    values: list[float], each: int
) -> None:
    series = Series()
    growing = Thinner(series, BUCKETS)
    for step, value in enumerate(values):
        series.append(float(step), value)
        if step % each == 0:
            growing.thin()
    xs, ys = growing.thin()
    at_once_x, at_once_y = Thinner(grown(values), BUCKETS).thin()
    assert xs == at_once_x
    assert [y for y in ys if y == y] == [y for y in at_once_y if y == y]
    assert len(xs) <= 4 * (BUCKETS + 1)
    finite = [value for value in values if value == value]
    shown = [y for y in ys if y == y]
    assert (min(shown, default=0.0), max(shown, default=0.0)) == (
        min(finite, default=0.0),
        max(finite, default=0.0),
    )


def test_what_is_past_stands_still_while_the_curve_grows() -> None:
    series = grown([math.sin(step) for step in range(100)])
    thinner = Thinner(series, BUCKETS)
    before, _ = thinner.thin()
    series.append(100.0, 0.0)
    after, _ = thinner.thin()
    assert after[:20] == before[:20]


def test_a_point_written_again_is_seen() -> None:
    series = grown([0.0] * 100)
    thinner = Thinner(series, BUCKETS)
    thinner.thin()
    series.append(3.0, 9.0)
    assert max(thinner.thin()[1]) == 9.0


def test_the_newest_point_written_again_is_seen() -> None:
    series = grown([0.0] * 128)
    thinner = Thinner(series, BUCKETS)
    thinner.thin()
    series.append(127.0, 9.0)
    assert thinner.thin()[1][-1] == 9.0
