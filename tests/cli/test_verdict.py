"""Where a curve begins, for the question whether it ended worse."""

import pytest

from tuiswp.cli.verdict import began_at
from tuiswp.model.sweep import Objective

NAN = float("nan")


@pytest.mark.parametrize(
    ("rule", "values", "start"),
    [
        (Objective("loss", reduce="mean", window=2), [3.0, 2.0, 1.0, 1.0], 2.5),
        (Objective("loss", reduce="median", window=3), [9.0, 2.0, 3.0, 1.0, 1.0, 1.0], 3.0),
        (Objective("loss", reduce="mean", window=3), [3.0, 2.0, 1.0, 1.0], None),  # too short
        (Objective("loss"), [3.0, 1.0], 3.0),
        (Objective("loss"), [2.0, 3.0, *[1.0] * 18], 3.0),  # the worst of the first tenth
        (Objective("acc", "maximize"), [0.2, 0.1, *[0.5] * 18], 0.1),
        (Objective("loss", reduce="best"), [3.0, 1.0], None),
        (Objective("loss"), [NAN, 3.0, 1.0], 3.0),
        (Objective("loss"), [], None),
        (Objective("loss"), [3.0], None),
    ],
)
def test_the_beginning_follows_the_rule_of_the_objective(
    rule: Objective, values: list[float], start: float | None
) -> None:
    assert began_at(values, rule) == start
