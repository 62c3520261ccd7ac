"""What is far above the rest, and what is only the arm of a U with a flat floor."""

import pytest

from tuiswp.analysis.divergence import runaway_level


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
