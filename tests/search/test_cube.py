"""The box that samplers search, against the distributions it stands for."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.search.spaces import space
from tuiswp.model.space import (
    Beta,
    Distribution,
    IntUniform,
    LogNormal,
    LogUniform,
    Normal,
    Uniform,
)
from tuiswp.search.cube import Cube, cdf
from tuiswp.spec.distributions import quantile

CONTINUOUS: tuple[Distribution, ...] = (
    Uniform(-2.0, 3.0), LogUniform(-9.0, 0.0), Normal(1.0, 2.0), LogNormal(0.0, 0.5),
    Beta(2.0, 5.0),
)  # fmt: skip


@pytest.mark.parametrize("distribution", CONTINUOUS, ids=lambda d: type(d).__name__)
@given(st.floats(0.001, 0.999))
def test_the_cdf_takes_a_quantile_back(distribution: Distribution, u: float) -> None:
    value = quantile(distribution, u)
    assert isinstance(value, float)
    assert cdf(distribution, value) == pytest.approx(u, abs=1e-9)


@given(st.integers(0, 200), st.integers(1, 300))
def test_a_whole_number_lies_within_its_own_part_of_the_axis(low: int, width: int) -> None:
    law = IntUniform(low, low + width)
    for value in {low, low + width // 2, low + width}:
        assert quantile(law, cdf(law, value)) == value


def test_each_parameter_gets_the_axis_that_suits_it() -> None:
    cube = Cube(space().parameters)
    assert {axis.path[0]: axis.kind for axis in cube.axes} == {
        "lr": "unit", "dropout": "unit", "layers": "ladder", "batch": "ladder",
        "optimizer": "choice", "noise": "unit",
    }  # fmt: skip


@given(st.data())
def test_a_point_and_its_params_are_the_same_place(data: st.DataObject) -> None:
    cube = Cube(space().parameters)
    point = {
        axis.name: data.draw(st.floats(0.001, 0.999))
        if axis.kind == "unit"
        else data.draw(st.integers(0, len(axis.values) - 1))
        for axis in cube.axes
    }
    params = cube.params(point)
    assert params["steps"] == 100
    again = cube.point(params)
    assert again == pytest.approx(point, abs=1e-6)


def test_what_lies_outside_counts_at_the_end_and_what_has_no_place_is_left_out() -> None:
    cube = Cube(space().parameters)
    point = cube.point({"lr": 10.0, "batch": 100, "optimizer": "adagrad", "layers": 3.0})
    assert point == {'["lr"]': 1.0, '["batch"]': 3, '["layers"]': 2}


def test_a_ladder_ascends_whatever_the_order_of_the_file() -> None:
    text = "method: random\nrun_cap: 3\nparameters: {b: {values: [64, 8, 16]}}\n"
    [axis] = Cube(space(text).parameters).axes
    assert axis.values == (8, 16, 64)
