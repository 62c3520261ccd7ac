"""What is far above the rest, and what is only the arm of a U with a flat floor."""

import math
from collections.abc import Sequence

import pytest

from tuiswp.analysis.divergence import ran_away, runaway_level
from tuiswp.model.sweep import Goal, Objective


@pytest.mark.parametrize(
    ("losses", "level"),
    [
        # A flat floor of three and an arm that climbs away from it: nothing ran away.
        ([2.0515, 2.0552, 2.0966, 2.2764, 2.5269, 2.9989], None),
        ([2.35, 2.22, 2.12, 2.04, 2.01, 2.11], None),
        # One of seven far above the others.
        ([2.35, 2.22, 2.12, 2.04, 2.01, 2.11, 9.0], 9.0),
        ([2.0, 2.01, 2.02, 2.03, 2.2], 2.2),
        # Most of them ran away: far above by any measure.
        ([2.0, 2.01, 2.02, 11.0, 12.0, 13.0, 14.0], 11.0),
        ([2.0, 2.01], None),
        ([], None),
    ],
)
def test_only_what_left_the_rest_behind_ran_away(losses: list[float], level: float | None) -> None:
    assert runaway_level(losses) == level


def judged(ys: Sequence[float], goal: Goal = "minimize") -> bool:
    finite = tuple(y for y in ys if math.isfinite(y))
    return ran_away(ys, finite, Objective("loss", goal))


@pytest.mark.parametrize(
    ("ys", "expected"),
    [
        ([3.0, 2.8, 2.6, 2.5, 4.0, 6.0, 7.0, 9.0], True),
        ([3.0, 2.8, 2.6, 2.5, 2.4, 2.6, 2.9, 3.1], False),  # back where it began
        ([3.0, 3.1, 3.4, 3.9, 4.2, 4.3], False),  # worse, and not by half
        ([3.0, 2.8, 2.6, 2.5, 2.4, 2.4, 90.0], False),  # one wild value
        ([3.0, 9.0, 27.0], False),  # too few to say
        ([], False),
    ],
)
def test_a_curve_has_run_away_when_it_ends_far_worse_than_it_began(
    ys: list[float], expected: bool
) -> None:
    assert judged(ys) is expected


def test_what_is_maximised_runs_away_downwards() -> None:
    falls = [10.0, 11.0, 12.0, 6.0, -20.0, -30.0, -31.0]
    assert judged(falls, "maximize")
    assert not judged([-y for y in falls], "maximize")


def test_without_a_curve_or_an_objective_nothing_is_said() -> None:
    assert not ran_away((), (), Objective("loss", "minimize"))
    assert not ran_away([1.0] * 5 + [99.0] * 5, (1.0, 99.0), None)
