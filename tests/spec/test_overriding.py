"""A sweep file with some of it said otherwise: the rest means and looks as it did."""

from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest

from tests.spec.helpers import read
from tuiswp.errors import UsageError
from tuiswp.model.space import Categorical, Constant
from tuiswp.spec.overriding import Overrides, fixed, override, written

FILES = sorted((Path(__file__).parent / "files").glob("good_*"))
FILE = """\
# what we agreed on
method: random
metric: {name: loss, goal: minimize}  # lower is better
parameters:
  lr: {values: [1e-4, 3e-4]}   # as the script reads it
  model: {values: [small, large]}
  optimizer:
    parameters:
      name: {values: [adam, sgd]}
      wd: {min: 0.0, max: 0.1}
command: [python, train.py, "${args}"]
run_cap: 4
"""


def after(overrides: Overrides, text: str = FILE) -> Any:
    return read(override(text.encode(), overrides))


def parameter(sweep: Any, name: str) -> Any:
    [found] = [p.distribution for p in sweep.parameters if p.name == name]
    return found


def test_nothing_said_otherwise_is_the_same_bytes() -> None:
    assert override(FILE.encode(), Overrides()) == FILE.encode()


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
def test_every_file_keeps_its_meaning_but_for_what_is_named(file: Path) -> None:
    before = read(file.read_bytes(), shown_as=file.name)
    now = read(override(file.read_bytes(), Overrides(count=7)), shown_as=file.name)
    assert now.run_cap == 7

    def same(sweep: Any) -> Any:
        where = tuple(msgspec.structs.replace(p, line=0) for p in sweep.parameters)
        return msgspec.structs.replace(sweep, run_cap=None, notes=(), lines={}, parameters=where)

    assert same(now) == same(before)


def test_comments_and_the_spelling_of_numbers_stay() -> None:
    text = override(FILE.encode(), Overrides(count=9)).decode()
    assert text == FILE.replace("run_cap: 4", "run_cap: 9")


def test_a_parameter_gets_one_value_a_list_or_a_range() -> None:
    sweep = after(
        Overrides(
            parameters={
                "model": "mine/model: v2",
                "lr": [0.1, 0.2],
                "optimizer.name": "adam",
                "drop": {"min": 0.0, "max": 0.5},
            }
        )
    )
    assert parameter(sweep, "model") == Constant("mine/model: v2")
    assert parameter(sweep, "lr") == Categorical((0.1, 0.2))
    assert parameter(sweep, "optimizer.name") == Constant("adam")
    assert [p.name for p in sweep.parameters] == [
        "lr", "model", "optimizer.name", "optimizer.wd", "drop",
    ]  # fmt: skip


def test_another_metric_does_not_inherit_the_goal_of_the_one_in_the_file() -> None:
    text = FILE.replace("goal: minimize", "goal: maximize")
    assert after(Overrides(metric="eval/f1"), text).objective.goal == "minimize"
    assert after(Overrides(metric="loss"), text).objective.goal == "maximize"
    both = after(Overrides(metric="eval/f1", goal="maximize")).objective
    assert (both.metric, both.goal) == ("eval/f1", "maximize")


def test_a_file_without_a_metric_gets_one() -> None:
    text = "".join(line for line in FILE.splitlines(True) if not line.startswith("metric"))
    assert after(Overrides(metric="acc", goal="maximize"), text).objective.metric == "acc"


def test_a_sweep_that_was_never_a_file_takes_numbers_of_any_kind() -> None:
    data = written(
        {
            "method": "grid",
            "parameters": {
                "lr": {"values": np.logspace(-3, -1, 3)},
                "n": {"values": range(2)},
                "where": {"value": Path("a/b")},
                "one": {"value": np.float64(0.5)},
            },
            "program": "t.py",
        }
    )
    sweep = read(data)
    assert parameter(sweep, "lr") == Categorical((0.001, 0.01, 0.1))
    assert parameter(sweep, "n") == Categorical((0, 1))
    assert parameter(sweep, "where") == Constant("a/b")
    assert parameter(sweep, "one") == Constant(0.5)


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (float("nan"), "the sweep.x: nan is no value a sweep can have"),
        (print, "a builtin_function_or_method is nothing a sweep file can hold"),
        ({1, 2}, "a set is nothing a sweep file can hold"),
    ],
)
def test_what_no_file_can_hold_is_refused_by_its_place(value: object, said: str) -> None:
    with pytest.raises(UsageError, match="sweep") as refused:
        written({"x": value})
    assert said in str(refused.value)


def test_a_list_that_holds_itself_is_refused() -> None:
    endless: list[Any] = []
    endless.append(endless)
    with pytest.raises(UsageError, match="nested deeper"):
        written({"x": endless})


def test_what_is_fixed_on_a_command_line_is_typed_as_in_a_file() -> None:
    words = ["model=a/b=c", "epochs=3", "lr=1e-3", "fast=true", "note="]
    assert fixed(words) == {
        "model": "a/b=c", "epochs": 3, "lr": 1e-3, "fast": True, "note": None,
    }  # fmt: skip


@pytest.mark.parametrize(("words", "said"), [(["lr"], "fixes nothing"), (["a=1", "a=2"], "twice")])
def test_a_word_that_fixes_nothing_is_refused(words: list[str], said: str) -> None:
    with pytest.raises(UsageError, match=said):
        fixed(words)
