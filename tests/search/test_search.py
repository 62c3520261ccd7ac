"""Grid and random search: orders, seeds, ends, and the same points after a resume."""

import random
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.spec.helpers import read
from tuiswp.model.space import Params, Value
from tuiswp.model.sweep import Sweep
from tuiswp.search.base import Proposer
from tuiswp.search.keys import point_key
from tuiswp.search.random import uniform
from tuiswp.search.suggest import next_point, planned_trials, suggest


def sweep(space: str, method: str = "grid", more: str = "") -> Sweep:
    head = f"method: {method}\nmetric: {{name: l, goal: minimize}}\n"
    return read(f"{head}parameters: {space}\n{more}")


def run_through(
    proposer: Proposer, tried: set[str] | None = None, limit: int = 500
) -> list[Params]:
    """What a controller would launch, one after the other."""
    tried, start = set(tried or ()), 0
    points: list[Params] = []
    while len(points) < limit and (found := next_point(proposer, start, tried)) is not None:
        assert found.key == point_key(found.params) and found.key not in tried
        tried.add(found.key)
        points.append(found.params)
        start = found.index + 1
    return points


# ── keys ─────────────────────────────────────────────────────────────────────────────────────────


def test_the_key_of_a_point_is_type_true_and_blind_to_order() -> None:
    assert point_key({"a": 1, "b": {"c": 2.0}}) == point_key({"b": {"c": 2}, "a": 1.0})
    different: list[Params] = [
        {"a": 1}, {"a": True}, {"a": "1"}, {"a": None}, {"a": "None"}, {"a": [1]}, {"a": {"b": 1}},
        {"a.b": 1}, {"a": 1, "b": 1}, {},
    ]  # fmt: skip
    assert len({point_key(params) for params in different}) == len(different)


def test_keys_in_old_journals_stay_valid() -> None:
    assert point_key({"lr": 1e-4, "opt": {"name": "adam"}, "amp": True}) == "baec82440d0fc538"


# ── grid ─────────────────────────────────────────────────────────────────────────────────────────


def test_the_grid_sorts_names_and_turns_the_last_one_fastest() -> None:
    made = sweep("{b: {values: [x, y]}, a: {values: [2, 1]}, c: {value: 0}}")
    assert run_through(suggest(made)) == [
        {"a": 2, "b": "x", "c": 0}, {"a": 2, "b": "y", "c": 0},
        {"a": 1, "b": "x", "c": 0}, {"a": 1, "b": "y", "c": 0},
    ]  # fmt: skip


def test_nested_names_are_walked_sorted_within_their_group() -> None:
    made = sweep("{z: {values: [1, 2]}, g: {parameters: {y: {min: 1, max: 2}, x: {value: 0}}}}")
    assert run_through(suggest(made)) == [
        {"g": {"x": 0, "y": 1}, "z": 1}, {"g": {"x": 0, "y": 1}, "z": 2},
        {"g": {"x": 0, "y": 2}, "z": 1}, {"g": {"x": 0, "y": 2}, "z": 2},
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("space", "count"),
    [
        ("{a: {values: [1, 1, 2]}}", 2),
        ("{a: {values: [1, 1.0, 2]}}", 2),
        ("{a: {values: [1, true]}}", 2),
        ("{a: {values: [null, 'None']}}", 2),
        ("{a: {values: [{x: 1, y: 2}, {y: 2, x: 1}]}}", 1),
        ("{a: {value: 1}, b: {value: 2}}", 1),
        ("{a: {distribution: q_uniform, min: 0, max: 1, q: 0.25}, b: {min: 1, max: 3}}", 12),
    ],
)
def test_a_grid_has_each_point_once_and_then_ends(space: str, count: int) -> None:
    made = sweep(space)
    points = run_through(suggest(made))
    assert len(points) == len({point_key(p) for p in points}) == count == suggest(made).size
    assert suggest(made).point(count) is None and suggest(made).point(-1) is None


def test_a_grid_skips_what_was_tried_and_goes_on_where_it_was() -> None:
    proposer = suggest(sweep("{a: {min: 1, max: 5}}"))
    found = next_point(proposer, 0, {point_key({"a": 1}), point_key({"a": 2})})
    assert found is not None and (found.index, found.params) == (2, {"a": 3})
    assert run_through(proposer, {point_key({"a": v}) for v in range(1, 6)}) == []


def test_a_grid_of_ten_to_the_eighteen_points_is_never_built() -> None:
    axes = ", ".join(f"p{i}: {{min: 1, max: 1000000}}" for i in range(3))
    began = time.process_time()
    proposer = suggest(sweep(f"{{{axes}}}", more="run_cap: 5\n"))
    assert proposer.size == 10**18
    assert proposer.point(10**18 - 1) == {"p0": 10**6, "p1": 10**6, "p2": 10**6}
    assert proposer.point(10**18) is None
    assert len(run_through(proposer, limit=5)) == 5
    assert time.process_time() - began < 0.5


# ── random ───────────────────────────────────────────────────────────────────────────────────────

CONTINUOUS = "{lr: {distribution: log_uniform_values, min: 1e-5, max: 1e-1}, b: {values: [1, 2]}}"


def test_a_random_point_depends_on_seed_index_and_name_alone() -> None:
    made = suggest(sweep(CONTINUOUS, "random"))
    turned = suggest(sweep("{b: {values: [1, 2]}, lr: {distribution: log_uniform_values, min: 1e-5,"
                           " max: 1e-1}}", "random"))  # fmt: skip
    assert [made.point(i) for i in range(20)] == [turned.point(i) for i in range(20)]
    other = suggest(sweep(CONTINUOUS, "random", "tuiswp: {seed: 1}\n"))
    assert all(made.point(i) != other.point(i) for i in range(20))


def test_draws_stay_what_they_were_in_older_versions() -> None:
    assert uniform(0, 0, ("lr",)) == 0.58904412264387
    assert uniform(3, 17, ("opt", "lr")) != uniform(3, 17, ("opt.lr",))


def test_draws_are_uniform() -> None:
    draws = [uniform(0, i, ("x",)) for i in range(4000)]
    assert min(draws) >= 0 and max(draws) < 1
    assert sum(draws) / len(draws) == pytest.approx(0.5, abs=0.02)
    buckets = [sum(k / 10 <= u < (k + 1) / 10 for u in draws) for k in range(10)]
    assert all(320 < count < 480 for count in buckets)


@settings(deadline=None, max_examples=30)
@given(st.integers(1, 30), st.sampled_from(["grid", "random"]), st.integers(0, 5))
def test_a_resumed_sweep_proposes_what_the_uninterrupted_one_would(
    cut: int, method: str, seed: int
) -> None:
    space = "{a: {min: 1, max: 6}, b: {values: [x, y, z]}, c: {values: [1, 2]}}"
    made = sweep(space, method, f"tuiswp: {{seed: {seed}}}\n")
    whole = run_through(suggest(made))
    tried: set[str] = set()
    start, points = 0, list[Params]()
    proposer = suggest(made)
    for launched in range(1000):
        if launched % cut == 0:
            proposer = suggest(made)  # a new controller
        found = next_point(proposer, start, tried)
        if found is None:
            break
        points.append(found.params)
        tried.add(found.key)
        start = found.index + 1
    assert points == whole and len(points) == 36


def test_a_finite_random_space_gives_each_point_once_and_then_ends() -> None:
    made = sweep("{a: {min: 1, max: 40}, b: {values: [1, 2, 2]}}", "random")
    points = run_through(suggest(made))
    assert len({point_key(p) for p in points}) == len(points) == 80
    first = [p["a"] for p in points[:20]]
    assert first != sorted(first, key=str)


def test_values_of_probability_zero_are_never_proposed() -> None:
    made = sweep("{a: {values: [x, y, z], probabilities: [0.999, 0, 0.001]}}", "random")
    assert sorted(str(p["a"]) for p in run_through(suggest(made))) == ["x", "z"]
    assert planned_trials(made) == 2


def test_a_space_of_practically_one_value_ends() -> None:
    made = sweep("{a: {distribution: q_normal, mu: 5, sigma: 0.001, q: 1}}", "random")
    assert run_through(suggest(made)) == [{"a": 5}]
    zero = sweep("{a: {distribution: q_log_uniform_values, min: 1e-5, max: 1e-1}}", "random")
    assert run_through(suggest(zero)) == [{"a": 0.0}]


def test_every_kind_can_be_drawn() -> None:
    kinds = """{
      a: {distribution: q_beta, a: 2, b: 3, q: 0.1}, b: {distribution: inv_log_uniform, min: 0,
      max: 5}, c: {distribution: q_log_normal, q: 2}, d: {min: 1, max: 9}, e: {value: [1]},
      f: {distribution: beta}, g: {parameters: {h: {distribution: normal, mu: 3}}}}"""
    for params in run_through(suggest(sweep(kinds, "random")), limit=50):
        assert params.keys() == set("abcdefg") and isinstance(params["g"], dict)


# ── how many ─────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("space", "method", "more", "planned"),
    [
        ("{a: {values: [1, 2, 3]}}", "grid", "", 3),
        ("{a: {values: [1, 2, 3]}}", "grid", "run_cap: 2\n", 2),
        ("{a: {values: [1, 2, 3]}}", "grid", "run_cap: 9\n", 3),
        ("{a: {values: [1, 2, 3]}}", "grid", "tuiswp: {baseline: {a: 9}}\n", 4),
        ("{a: {values: [1, 2, 3]}}", "grid", "tuiswp: {baseline: {a: 2.0}}\n", 3),
        ("{a: {values: [1, 2, 3]}}", "grid", "tuiswp: {baseline: {a: 9}}\nrun_cap: 3\n", 3),
        ("{a: {min: 1, max: 1000}, b: {value: 0}}", "grid", "tuiswp: {baseline: {a: 7}}\n", 1000),
        (
            "{a: {min: 1, max: 1000}, b: {value: 0}}",
            "grid",
            "tuiswp: {baseline: {a: true}}\n",
            1001,
        ),
        ("{a: {min: 0.0, max: 1}}", "random", "", None),
        ("{a: {min: 0.0, max: 1}}", "random", "run_cap: 7\n", 7),
        ("{a: {min: 0.0, max: 1}}", "random", "run_cap: 7\ntuiswp: {baseline: {a: 2}}\n", 7),
        ("{a: {min: 1, max: 3}}", "random", "", 3),
        ("{a: {min: 1, max: 3}}", "random", "tuiswp: {baseline: {a: 0}}\n", 4),
    ],
)
def test_the_number_of_trials_is_known_before_the_first(
    space: str, method: str, more: str, planned: int | None
) -> None:
    assert planned_trials(sweep(space, method, more)) == planned


@settings(deadline=None, max_examples=40)
@given(
    st.lists(
        st.lists(st.sampled_from([1, 2, 2.0, "a", True, None]), min_size=1, max_size=4),
        min_size=1, max_size=3,
    ),
    st.sampled_from(["grid", "random"]),
    st.integers(0, 10**6),
)  # fmt: skip
def test_what_is_planned_is_what_is_proposed(
    axes: list[list[Value]], method: str, shuffle: int
) -> None:
    import json

    names = [f"p{i}" for i in range(len(axes))]
    random.Random(shuffle).shuffle(names)
    space = {name: {"values": axis} for name, axis in zip(names, axes, strict=True)}
    made = sweep(json.dumps(space), method)
    points = run_through(suggest(made))
    assert len(points) == planned_trials(made)
    assert len({point_key(p) for p in points}) == len(points)
