"""How spiky a curve begins, against curves worked out by hand."""

import math

import pytest

from tuiswp.analysis.spikes import spikiness

STEPS = list(range(1, 102))  # the first tenth are steps 1 to 11


def falling(*at: tuple[int, float]) -> list[float]:
    values = [10.0 - 0.05 * step for step in range(101)]  # falls by 5 in all
    for index, value in at:
        values[index] = value
    return values


def test_a_smooth_start_is_not_spiky_and_a_rise_counts_by_the_whole_descent() -> None:
    assert spikiness(STEPS, falling(), "minimize") == 0.0
    assert spikiness(STEPS, falling((6, 10.75)), "minimize") == pytest.approx(1.0 / 5.0)
    assert spikiness(STEPS, falling((60, 99.0)), "minimize") == 0.0  # later than the beginning
    up = [-value for value in falling((6, 10.75))]
    assert spikiness(STEPS, up, "maximize") == pytest.approx(0.2)


def test_what_cannot_be_told_is_unknown_and_nan_is_as_spiky_as_can_be() -> None:
    assert spikiness([], [], "minimize") is None
    assert spikiness([1, 2, 3], [3.0, 2.0, 1.0], "minimize") is None
    short = [9.0, 8.0, 8.5, 7.0, 6.0, 6.9, 5.0, 4.0, 4.5, 4.0]  # five values count
    assert spikiness(list(range(10)), short, "minimize") == pytest.approx(0.5 / 5.0)
    assert spikiness(STEPS, [1.0] * 101, "minimize") is None
    assert spikiness(STEPS, falling((3, math.nan)), "minimize") == math.inf
