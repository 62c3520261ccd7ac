"""Nesting, labels, keys, baselines, and whether two sweeps search the same space."""

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.spec.helpers import read
from tuiswp.errors import SpecError
from tuiswp.model.space import Value
from tuiswp.spec.params import (
    baseline_params,
    flatten,
    label,
    nest,
    same_space,
    swept,
    value_key,
    wandb_config,
)

NESTED = """\
method: grid
metric: {name: loss}
parameters:
  a.b: {parameters: {c: {values: [1, 2]}}}
  a.b.c: {values: [3, 4]}
  seed: {value: 7}
  opt: {parameters: {lr: {values: [1e-4, 1e-3]}, name: {value: adam}}}
"""


def test_nested_and_dotted_names_do_not_collide() -> None:
    sweep = read(NESTED)
    assert [p.path for p in sweep.parameters] == [
        ("a.b", "c"), ("a.b.c",), ("seed",), ("opt", "lr"), ("opt", "name"),
    ]  # fmt: skip
    params = nest([(("a.b", "c"), 1), (("a.b.c",), 3), (("opt", "lr"), 0.1)])
    assert params == {"a.b": {"c": 1}, "a.b.c": 3, "opt": {"lr": 0.1}}
    assert flatten(params, sweep.parameters) == {
        ("a.b", "c"): 1, ("a.b.c",): 3, ("opt", "lr"): 0.1,
    }  # fmt: skip


def test_a_value_and_a_group_of_one_name_are_refused() -> None:
    with pytest.raises(SpecError, match="value and a group"):
        nest([(("a",), 1), (("a", "b"), 2)])


def test_only_parameters_with_more_than_one_value_are_swept() -> None:
    assert [p.name for p in swept(read(NESTED))] == ["a.b.c", "a.b.c", "opt.lr"]
    entries = "{a: {values: [1, 1]}, b: {min: 1, max: 2}, c: {distribution: normal, sigma: 0}}"
    assert [p.name for p in swept(read(f"method: random\nparameters: {entries}"))] == ["b"]


def test_a_baseline_is_completed_by_constants() -> None:
    sweep = read(NESTED + "tuiswp: {baseline: {a.b: {c: 9}, a.b.c: 3, opt: {lr: 5e-4}}}")
    assert baseline_params(sweep) == {
        "a.b": {"c": 9}, "a.b.c": 3, "seed": 7, "opt": {"lr": 5e-4, "name": "adam"},
    }  # fmt: skip
    assert baseline_params(read(NESTED)) is None


LABELS: list[tuple[Value, str]] = [
    (0.0001, "1e-4"), (3e-05, "3e-5"), (0.00028564150430, "2.856e-4"), (0.5, "0.5"),
    (0.001, "1e-3"), (0.01, "0.01"), (123.456, "123.5"), (12345.6, "12346"), (1e16, "1e16"),
    (3.0, "3"), (0.0, "0"), (-0.25, "-0.25"), (64, "64"), (10**12, "1e12"), (True, "True"),
    (10**400 - 1, "9.999e399"), (100000.0, "100000"),
    (None, "null"), ("None", "None"), ("", '""'), ("google/mt5-small", "google/mt5-small"),
    ([1, 2, 0.0001], "[1, 2, 1e-4]"), ({"b1": 0.9}, "{b1: 0.9}"), ("a\x1b[2J", "a␛[2J"),
]  # fmt: skip


@pytest.mark.parametrize(("value", "text"), LABELS)
def test_labels_are_short_and_readable(value: Value, text: str) -> None:
    assert label(value) == text


def test_a_long_label_keeps_both_ends() -> None:
    assert label("meta-llama/Llama-3.1-8B-Instruct") == "meta-llama/Llam…Instruct"
    assert len(label(list(range(1000)))) == 24
    assert len(label({"k" * 5000: "v" * 5000})) == 24


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner),
    max_leaves=8,
)  # fmt: skip


def same(a: object, b: object) -> bool:
    """Type-true equality by definition, for the property below."""
    if isinstance(a, bool) or isinstance(b, bool):
        return a is b
    if isinstance(a, list) and isinstance(b, list):
        return len(a) == len(b) and all(same(x, y) for x, y in zip(a, b, strict=True))
    if isinstance(a, dict) and isinstance(b, dict):
        return a.keys() == b.keys() and all(same(a[k], b[k]) for k in a)
    return a == b


@settings(deadline=None, max_examples=150)
@given(values, values)
def test_keys_are_equal_exactly_when_values_are(a: Value, b: Value) -> None:
    assert (value_key(a) == value_key(b)) is same(a, b)


@pytest.mark.parametrize(
    ("a", "b", "equal"),
    [
        (2.0, 2, True), (True, 1, False), ("None", None, False), ("1", 1, False),
        (-0.0, 0, True), ([1, 2], [2, 1], False), ({"a": 1, "b": 2}, {"b": 2.0, "a": 1}, True),
        ("[1]", [1], False), (0.1, 0.1 + 2e-17, False), (1e300, 10**300, False),
    ],
)  # fmt: skip
def test_keys_tell_types_apart_but_not_whole_floats(a: Value, b: Value, equal: bool) -> None:
    assert (value_key(a) == value_key(b)) is equal


def test_wandb_keeps_values_at_top_level_only() -> None:
    assert wandb_config({"lr": 1, "opt": {"b": 2}}) == {
        "lr": {"value": 1}, "opt": {"value": {"b": 2}},
    }  # fmt: skip


@pytest.mark.parametrize(
    ("old", "new", "line"),
    [
        ("values: [1, 2]", "values: [1, 3]", "parameters.a.b.c: 1, 2 → 1, 3"),
        ("method: grid", "method: random", "method: grid → random"),
        ("seed: {value: 7}", "seed: {value: 8}", "parameters.seed: 7 → 8"),
        ("seed: {value: 7}", "rng: {value: 7}", "parameters.rng: new"),
        ("{name: loss}", "{name: loss, goal: maximize}",
         "metric: loss (minimize) → loss (maximize)"),
    ],
)  # fmt: skip
def test_another_space_is_told_line_by_line(old: str, new: str, line: str) -> None:
    assert line in same_space(read(NESTED), read(NESTED.replace(old, new, 1)))


def test_what_does_not_touch_the_search_may_change() -> None:
    changed = f"{NESTED}run_cap: 3\nprogram: other.py\ndescription: x\ntuiswp: {{retries: 5}}\n"
    changed = changed.replace("1e-4", "0.0001").replace("{values: [3, 4]}", "{values: [3.0, 4]}")
    assert same_space(read(NESTED), read(changed, cwd=Path("/elsewhere"))) == []


def test_a_seed_matters_to_a_random_search_only() -> None:
    grid = read(NESTED + "tuiswp: {seed: 1}")
    assert same_space(read(NESTED), grid) == []
    text = NESTED.replace("grid", "random")
    assert same_space(read(text), read(text + "tuiswp: {seed: 1}")) == ["tuiswp.seed: 0 → 1"]


def test_a_changed_range_names_both() -> None:
    text = "method: random\nparameters: {x: {distribution: log_uniform_values, min: 1e-5, max: 1}}"
    assert same_space(read(text), read(text.replace("1e-5", "1e-6"))) == [
        "parameters.x: log_uniform_values min=1e-5 max=1 → log_uniform_values min=1e-6 max=1"
    ]
