"""`tuiswp.points` and `tuiswp.prior`: what they mean, and what of them is refused."""

from pathlib import Path

import pytest

from tuiswp.errors import SpecErrors
from tuiswp.model.sweep import Sweep
from tuiswp.search.suggest import first_params, planned_trials
from tuiswp.spec.load import load_bytes
from tuiswp.spec.params import point_params

FILE = """\
method: {method}
metric: {{name: loss, goal: minimize}}
run_cap: 9
parameters:
  lr: {{values: [1e-3, 1e-2]}}
  opt: {{parameters: {{beta: {{values: [0.9, 0.99]}}}}}}
  epochs: {{value: 3}}
tuiswp:
  {more}
"""


def read(more: str, method: str = "grid") -> Sweep:
    data = FILE.format(more=more, method=method).encode()
    return load_bytes(data, shown_as="s.yaml", name="s", cwd=Path("/here"), beside=Path("/here"))


def test_a_point_is_typed_as_the_parameters_are_and_completed() -> None:
    sweep = read("points: [{lr: 1e-4, opt: {beta: 0.9}}, {lr: 1e-2, opt.beta: 0.99}]")
    assert point_params(sweep) == [
        {"lr": 1e-4, "opt": {"beta": 0.9}, "epochs": 3},
        {"lr": 1e-2, "opt": {"beta": 0.99}, "epochs": 3},
    ]
    assert planned_trials(sweep) == 5  # 1e-4 is no point of the grid


def test_a_point_that_is_the_baseline_is_tried_once() -> None:
    point = "{lr: 1e-3, opt: {beta: 0.9}}"
    assert len(first_params(read(f"baseline: {point}\n  points: [{point}, {point}]"))) == 1


def test_priors_are_found_from_where_tuiswp_was_started() -> None:
    sweep = read("prior: [sweeps/a, /b, sweeps/a]", "bayes")
    assert sweep.priors == ("/here/sweeps/a", "/b")
    assert read("prior: sweeps/a", "bayes").priors == ("/here/sweeps/a",)


@pytest.mark.parametrize(
    ("more", "method", "what"),
    [
        ("points: {lr: 1e-3}", "grid", "must be a list of points, not a mapping"),
        ("points: [3]", "grid", "a point is 3"),
        ("points: [{lr: 1e-3}]", "grid", "the point leaves out opt.beta"),
        ("points: [{lr: 1e-3, opt: {beta: 1}, x: 1}]", "grid", "is no parameter of this sweep"),
        (
            "points: [{lr: 1e-3, opt: {beta: 0.9}}]\n  exclude: ['lr < 2e-3']",
            "grid",
            "tuiswp.exclude forbids",
        ),
        ("prior: [a]", "grid", "is for a sampler that learns; write method: bayes"),
        ("prior: [{a: 1}]", "bayes", "a mapping is no directory"),
        ("prior: []\n  points: 7", "bayes", "must be a list of points, not 7"),
    ],
)
def test_what_cannot_be_meant_is_a_fault_with_its_place(more: str, method: str, what: str) -> None:
    with pytest.raises(SpecErrors) as caught:
        read(more, method)
    [fault] = caught.value.faults
    assert what in str(fault)
    assert str(fault).startswith("s.yaml:")
