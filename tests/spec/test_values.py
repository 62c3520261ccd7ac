"""Points as a person types them: typed as the sweep's parameters, or refused with the range."""

from pathlib import Path

import pytest

from tuiswp.errors import UsageError
from tuiswp.model.space import Params, Value
from tuiswp.model.sweep import Sweep
from tuiswp.spec.load import load
from tuiswp.spec.values import allowed, find_parameter, outside, parse_point, parse_value

SPACE = """\
name: s
method: random
program: t.py
parameters:
  lr: {distribution: log_uniform_values, min: 1e-5, max: 1e-1}
  bs: {values: [16, 32]}
  layers: {min: 1, max: 8}
  drop: {min: 0.0, max: 0.5}
  opt:
    parameters:
      name: {values: [adam, sgd]}
      betas: {values: [[0.9, 0.95], [0.9, 0.99]]}
  tag: {values: [null, "None"]}
  noise: {distribution: normal}
  amp: {values: [true, false]}
  seed: {value: 0}
"""


@pytest.fixture
def space(tmp_path: Path) -> Sweep:
    path = tmp_path / "s.yaml"
    path.write_text(SPACE)
    return load(path)


@pytest.mark.parametrize(
    ("words", "point"),
    [
        (["lr=1e-3", "bs=32"], {"lr": 1e-3, "bs": 32}),
        (["lr=1e-3,bs=32,layers=2.0"], {"lr": 1e-3, "bs": 32, "layers": 2}),
        (["drop=0"], {"drop": 0.0}),
        (["opt.name=sgd"], {"opt": {"name": "sgd"}}),
        (["name=sgd,betas=[0.9, 0.99]"], {"opt": {"name": "sgd", "betas": [0.9, 0.99]}}),
        (["tag=null"], {"tag": None}),
        (['tag="None"'], {"tag": "None"}),
        (["bs=64"], {"bs": 64}),  # outside, but a number
        (["opt.name=lion, v2"], {"opt": {"name": "lion, v2"}}),
        (["amp=false", "noise=-3", "seed=7"], {"amp": False, "noise": -3.0, "seed": 7}),
    ],
)
def test_words_become_a_typed_point(space: Sweep, words: list[str], point: Params) -> None:
    found = parse_point(space.parameters, words)
    assert found == point
    assert repr(found) == repr(point)  # 0.0 is not 0 to a script


@pytest.mark.parametrize(
    ("word", "says"),
    [
        ("lr=high", "lr: 'high' does not fit; it takes 1e-5 to 1e-1"),
        ("lr=", "lr: '' does not fit; it takes 1e-5 to 1e-1"),
        ("lr=nan", "lr: 'nan' does not fit"),
        ("layers=2.5", "layers: '2.5' does not fit; it takes a whole number from 1 to 8"),
        ("bs=big", "bs: 'big' does not fit; it takes one of 16, 32"),
        ("amp=1", "amp: '1' does not fit; it takes one of True, False"),
        ("noise=x", "noise: 'x' does not fit; it takes any number"),
        ("learnig=1", "no parameter is called 'learnig'"),
        ("opt.nam=sgd", "no parameter is called 'opt.nam'; did you mean opt.name?"),
        ("lr", "'lr' sets nothing; write name=value"),
        ("lr=1e-3,lr=1e-4", "lr is given twice"),
        ("betas=[0.9", "opt.betas: '[0.9' does not fit"),
        ("lr=\x1b[31m", "lr: '␛[31m' does not fit"),
    ],
)
def test_what_does_not_fit_is_refused_with_what_is_allowed(
    space: Sweep, word: str, says: str
) -> None:
    with pytest.raises(UsageError) as refused:
        parse_point(space.parameters, [word])
    assert says in str(refused.value)


@pytest.mark.parametrize(
    ("name", "value", "inside"),
    [("lr", 1e-5, True), ("lr", 0.2, False), ("bs", 32, True), ("bs", 64, False),
     ("layers", 8, True), ("layers", 9, False), ("noise", 1e9, True), ("seed", 1, False)],
)  # fmt: skip
def test_what_the_search_would_not_propose_is_known(
    space: Sweep, name: str, value: Value, inside: bool
) -> None:
    assert outside(space.parameters, {name: value}) == (() if inside else (name,))


def test_the_listed_spelling_names_the_listed_value(space: Sweep) -> None:
    assert parse_value(find_parameter(space.parameters, "bs"), "32.0") == 32
    assert allowed(find_parameter(space.parameters, "seed")) == "0"
