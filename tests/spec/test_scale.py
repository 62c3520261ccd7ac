"""One parameter, one spelling: tables, curves, `check` and findings write a value alike."""

import math

import pytest

from tests.spec.helpers import read
from tuiswp.model.space import Parameter
from tuiswp.spec.params import describe, value_label
from tuiswp.spec.scale import is_logarithmic, is_numeric, spell


def only(entry: str, name: str = "x") -> Parameter:
    metric = "metric: {name: loss, goal: minimize}"
    (found,) = read(f"method: random\n{metric}\nparameters: {{{name}: {entry}}}\n").parameters
    return found


@pytest.mark.parametrize(
    ("name", "entry", "log"),
    [
        ("lr", "{values: [1e-4, 1e-2]}", True),
        ("lr", "{values: [1, 2, 3]}", True),
        ("lr", "{min: 1e-5, max: 1e-2}", True),
        ("x", "{distribution: log_uniform_values, min: 1e-5, max: 1e-1}", True),
        ("x", "{distribution: log_normal, mu: 0, sigma: 1}", True),
        ("batch_size", "{values: [8, 16, 32, 64]}", True),
        ("dropout", "{values: [0.0, 0.1, 0.5]}", False),
        ("dropout", "{min: 0.0, max: 0.5}", False),
        ("opt", "{values: [adam, sgd]}", False),
        ("lr", "{values: [1e-4, auto]}", False),
        ("lr", "{values: [0, 1e-4]}", False),
    ],
)
def test_the_axis_is_known_before_any_trial(name: str, entry: str, log: bool) -> None:
    assert is_logarithmic(only(entry, name)) is log


def test_text_and_booleans_have_no_numeric_axis() -> None:
    assert not is_numeric(only("{values: [adam, sgd]}"))
    assert not is_numeric(only("{values: [true, false]}"))
    assert is_numeric(only("{values: [1, 2.5]}"))
    assert is_numeric(only("{min: 0, max: 9}"))


def test_a_value_on_a_log_axis_is_spelt_as_a_power_of_ten_everywhere() -> None:
    rate = only("{values: [1e-3, 1e-2, 1e-1, 1]}", "lr")
    assert describe(rate) == "1e-3, 1e-2, 1e-1, 1"
    assert [value_label(rate, x) for x in (1e-3, 0.01, 0.1, 1.0)] == ["1e-3", "1e-2", "1e-1", "1"]
    assert describe(only("{min: 1e-5, max: 1e-2}", "lr")) == "uniform min=1e-5 max=1e-2"


def test_exponents_are_described_as_the_file_has_them() -> None:
    assert describe(only("{distribution: log_uniform, min: -5, max: 0}")) == (
        "log_uniform min=-5 max=0"
    )
    assert describe(only("{distribution: inv_log_uniform, min: 0, max: 5}")) == (
        "inv_log_uniform min=0 max=5"
    )
    assert describe(only("{distribution: log_normal, mu: 0.5}")) == "log_normal mu=0.5 sigma=1"


def test_a_value_on_a_linear_axis_stays_plain() -> None:
    drop = only("{values: [0.0, 0.05, 0.1]}", "dropout")
    assert describe(drop) == "0, 0.05, 0.1"
    assert value_label(drop, 0.05) == "0.05"


@pytest.mark.parametrize(
    ("value", "log", "text"),
    [
        (1.105, True, "1.105"), (0.5, True, "5e-1"), (0.003, False, "3e-3"), (0.0, True, "0"),
        (12345.6, False, "12346"), (2.5e6, False, "2.5e6"), (-0.02, True, "-2e-2"),
        (math.inf, True, "inf"), (math.nan, False, "nan"), (100000.0, True, "100000"),
    ],
)  # fmt: skip
def test_numbers_between_the_rules(value: float, log: bool, text: str) -> None:
    assert spell(value, log=log) == text
