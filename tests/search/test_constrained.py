"""Every way to propose honours the rules between parameters."""

import pytest

from tests.spec.helpers import read
from tuiswp.model.space import Params
from tuiswp.model.sweep import Sweep
from tuiswp.search.keys import point_key
from tuiswp.search.suggest import next_point, planned_trials, suggest

SPACE = """\
metric: {name: loss, goal: minimize}
command: [python, train.py, "${args}"]
parameters:
  scheduler: {values: [constant, cosine]}
  warmup: {values: [10, 100, 1000]}
  batch: {values: [16, 64]}
tuiswp:
  when: {warmup: scheduler == 'cosine'}
  exclude: [warmup == 1000 and batch == 64]
  tie: {accum: 64 / batch}
"""


def proposed(sweep: Sweep, most: int = 100) -> list[Params]:
    proposer, index, tried = suggest(sweep), 0, set[str]()
    found: list[Params] = []
    while len(found) < most and (point := next_point(proposer, index, tried)) is not None:
        tried.add(point.key)
        index = point.index + 1
        found.append(point.params)
    return found


ALLOWED: list[Params] = [
    {"scheduler": "constant", "batch": 16, "accum": 4},
    {"scheduler": "constant", "batch": 64, "accum": 1},
    {"scheduler": "cosine", "batch": 16, "accum": 4, "warmup": 10},
    {"scheduler": "cosine", "batch": 16, "accum": 4, "warmup": 100},
    {"scheduler": "cosine", "batch": 16, "accum": 4, "warmup": 1000},
    {"scheduler": "cosine", "batch": 64, "accum": 1, "warmup": 10},
    {"scheduler": "cosine", "batch": 64, "accum": 1, "warmup": 100},
]


@pytest.mark.parametrize("method", ["grid", "random"])
def test_each_allowed_point_comes_once_and_no_other(method: str) -> None:
    sweep = read(f"method: {method}\n{SPACE}")
    found = proposed(sweep)
    assert sorted(map(point_key, found)) == sorted(map(point_key, ALLOWED))
    assert planned_trials(sweep) == 7


def test_the_number_of_trials_is_an_upper_bound_where_it_is_not_counted() -> None:
    text = SPACE.replace("[16, 64]", f"[{', '.join(map(str, range(1, 5_001)))}]")
    assert planned_trials(read(f"method: grid\n{text}")) == 30_000


def test_random_draws_from_a_narrow_part_of_a_space_are_found() -> None:
    text = SPACE.replace("values: [16, 64]", "min: 0.0, max: 1.0").replace(
        "warmup == 1000 and batch == 64", "batch > 0.01"
    )
    found = proposed(read(f"method: random\nrun_cap: 20\n{text}"), most=20)
    assert len(found) == 20
    assert all(isinstance(one["batch"], float) and one["batch"] <= 0.01 for one in found)


def test_a_baseline_outside_what_is_allowed_is_one_trial_more() -> None:
    text = f"method: grid\n{SPACE}  baseline: {{scheduler: cosine, warmup: 1000, batch: 64}}\n"
    assert planned_trials(read(text)) == 8
    inside = text.replace("warmup: 1000, batch: 64", "warmup: 10, batch: 64")
    assert planned_trials(read(inside)) == 7


def test_a_point_of_a_resumed_sweep_is_the_one_the_uninterrupted_sweep_gives() -> None:
    sweep = read(f"method: random\nrun_cap: 20\n{SPACE}")
    whole = proposed(sweep, most=5)
    tried = {point_key(one) for one in whole[:3]}
    proposer, index = suggest(sweep), 0
    seen: set[str] = set()
    for _ in range(3):
        point = next_point(proposer, index, seen)
        assert point is not None
        seen.add(point.key)
        index = point.index + 1
    again = next_point(suggest(sweep), index, tried)
    assert again is not None
    assert again.params == whole[3]
