"""The curve of `results`: every sign it draws stands in its legend."""

import pytest

from tests.analysis.builders import choice, ended, sweep_of
from tuiswp.analysis.curves import curves
from tuiswp.analysis.optimum import judge

LRS = (1e-4, 3e-4, 1e-3, 3e-3, 1e-2)


@pytest.mark.parametrize(("ascii", "arrow"), [(False, "▲"), (True, "^")])
@pytest.mark.parametrize("worst", [2.2, 40.0])
def test_a_point_off_the_scale_is_explained(worst: float, ascii: bool, arrow: str) -> None:
    sweep = sweep_of(choice("lr", LRS))
    losses = (worst, 2.3, 2.1, 2.0, 2.1)
    trials = [ended(n, {"lr": lr}, losses[n]) for n, lr in enumerate(LRS)]
    (drawn,) = curves(sweep, judge(sweep, trials), (), width=80, ascii=ascii)
    assert (f"{arrow} off the scale" in drawn[0]) is (worst > 10)
    assert any(arrow in row for row in drawn[1:]) is (worst > 10)
