"""Conditional, forbidden and tied parameters: what becomes of a point, and what a file may say."""

import pytest

from tests.spec.helpers import faults, one_fault, read
from tuiswp.model.space import Condition, Constraints, Params, Tie
from tuiswp.model.sweep import Sweep
from tuiswp.spec.constraints import Rules
from tuiswp.spec.params import baseline_params, same_space

HEAD = """\
method: grid
metric: {name: loss, goal: minimize}
command: [python, train.py, "${args}"]
parameters:
  scheduler: {values: [constant, cosine]}
  warmup: {values: [10, 100]}
  batch: {values: [16, 24, 64]}
  opt: {parameters: {eps: {values: [0, 1]}}}
tuiswp:
"""


def sweep(text: str) -> Sweep:
    return read(f"{HEAD}  {text}\n")


def resolved(text: str, params: Params) -> Params | None:
    one = sweep(text)
    rules = Rules(one.parameters, one.constraints)
    found = rules.resolve(params)
    if found is not None:
        assert rules.resolve(found) == found  # a second time changes nothing
    return found


POINT: Params = {"scheduler": "constant", "warmup": 10, "batch": 16, "opt": {"eps": 0}}


def test_the_rules_are_read() -> None:
    text = "when: {warmup: scheduler == 'cosine'}\n  exclude: [batch > 20 and warmup > 50]\n"
    found = sweep(text + "  tie: {accum: {expr: 64 / batch, type: float}, opt.lr: 1 / batch}")
    assert found.constraints == Constraints(
        when=(Condition(("warmup",), "scheduler == 'cosine'"),),
        exclude=("batch > 20 and warmup > 50",),
        tie=(Tie(("accum",), "64 / batch", "float"), Tie(("opt", "lr"), "1 / batch", None)),
    )


@pytest.mark.parametrize(
    ("text", "changes"),
    [
        ("when: {warmup: scheduler == 'cosine'}", {"warmup": None}),
        ("when: {warmup: scheduler == 'constant'}", {}),
        ("tie: {accum: 64 / batch}", {"accum": 4}),
        ("tie: {accum: 40 / batch}", {"accum": 2.5}),
        ("tie: {accum: {expr: 64 / batch, type: float}}", {"accum": 4.0}),
        ("tie: {twice: accum * 2, accum: 64 / batch}", {"accum": 4, "twice": 8}),
        ("tie: {name: \"where(batch > 20, 'big', 'small')\"}", {"name": "small"}),
        ("exclude: [batch == 24]", {}),
        ("exclude: [warmup == 10]\n  when: {warmup: scheduler == 'cosine'}", {"warmup": None}),
        ("when: {warmup: scheduler == 'cosine'}\n  tie: {late: warmup * 2}", {"warmup": None}),
        ("when: {warmup: scheduler == 'cosine', batch: warmup > 1}",
         {"warmup": None, "batch": None}),
        ("when: {warmup: accum == 4}\n  tie: {accum: 64 / batch}", {"accum": 4}),
        ("exclude: [scheduler == 'constant' and warmup > 10]", {}),
    ],
)  # fmt: skip
def test_what_becomes_of_a_point(text: str, changes: Params) -> None:
    wanted = {**POINT, **changes}
    found = resolved(text, POINT)
    assert found == {name: value for name, value in wanted.items() if value is not None}
    assert found is not None
    for name in changes:
        assert type(found.get(name)) is type(changes[name])


@pytest.mark.parametrize(
    "text",
    [
        "exclude: [batch == 16]",
        "exclude: ['batch < 20', batch == 64]",
        "exclude: batch in [16, 24]",
        "tie: {accum: {expr: 72 / batch, type: int}}",
        "tie: {accum: 1 / opt.eps}",
        "exclude: [1 / opt.eps > 2]",
        "when: {warmup: batch / opt.eps > 2}",
    ],
)
def test_a_point_is_forbidden_by_a_rule_or_where_a_rule_has_no_value(text: str) -> None:
    assert resolved(text, POINT) is None


def test_what_is_absent_takes_its_empty_group_along() -> None:
    found = resolved("when: {opt.eps: scheduler == 'cosine'}", POINT)
    assert found is not None
    assert "opt" not in found


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("when: {warmpu: batch > 1}", "tuiswp.when.warmpu: is no parameter of this sweep; "
         "did you mean warmup?"),
        ("when: {warmup: schedular == 'a'}", "tuiswp.when.warmup: column 1: "
         "no parameter is called schedular; did you mean scheduler?"),
        ("when: {warmup: }", "tuiswp.when.warmup: is empty; "
         "write a condition: \"scheduler == 'cosine'\""),
        ("when: {warmup: 1 > 0}", "tuiswp.when.warmup: column 1: names no parameter; "
         "it would be the same at every point"),
        ("when: {warmup: warmup > 1}", "tuiswp.when: rules lead back to where they begin "
         "(warmup → warmup); break the ring"),
        ("tie: {a: b + batch, b: a}", "tuiswp.tie: rules lead back to where they begin "
         "(a → b → a); break the ring"),
        ("tie: {batch: warmup * 2}", "tuiswp.tie.batch: is sampled as well; "
         "remove it under `parameters:`"),
        ("tie: {a: {type: int}}", "tuiswp.tie.a: has no expression; "
         "write what it is computed from: 64 / batch_size"),
        ("tie: {a: {expr: batch, type: whole}}", 'tuiswp.tie.a.type: the text "whole" is not '
         "known here; use int, float, str or bool"),
        ("tie: {a: 'mean(batch, 2)'}", "tuiswp.tie.a: column 1: mean follows a curve, and "
         "parameters have none; here are: abs, ceil, clip, exp, floor, log, log10, log2, max, min, "
         "pow, round, sqrt, where"),
        ("exclude: [batch >]", "tuiswp.exclude: column 8: "
         "ends where a number, a name or a bracket is missing"),
        ("exclude: [true]", "tuiswp.exclude: the boolean true is no condition; "
         'write a list of conditions: ["batch_size > 256 and lr > 0.1"]'),
        ("exclude: [batch > 1, warmup > 1]", "tuiswp.exclude: rules forbid all of 24 points, "
         "most often: batch > 1; loosen it"),
    ],
)  # fmt: skip
def test_faults_of_rules(text: str, told: str) -> None:
    assert one_fault(f"{HEAD}  {text}\n") == f"sweep.yaml:10: {told}"


def test_a_parameter_has_not_both_a_condition_and_a_tie() -> None:
    found = faults(f"{HEAD}  when: {{a: batch > 1}}\n  tie: {{a: batch}}\n")
    assert found == [
        "sweep.yaml:10: tuiswp.when.a: has both when and tie; write tie: where(condition, a, b)"
    ]


@pytest.mark.parametrize(
    ("text", "note"),
    [
        ("exclude: [batch > 100]", "tuiswp.exclude: batch > 100 forbids none of 24 points"),
        ("when: {warmup: batch > 1}", "tuiswp.when.warmup: batch > 1 holds at all of 24 points"),
        ("when: {warmup: batch > 100}",
         "tuiswp.when.warmup: batch > 100 never holds at 24 points: warmup is unused"),
        ("tie: {a: 1 / opt.eps}",
         "a = 1 / opt.eps has no value at 12 of 24 points (column 3: division by zero): "
         "they are left out"),
        ("exclude: [batch > 20]",
         "W&B does not know tuiswp.exclude: there the whole space is searched"),
    ],
)  # fmt: skip
def test_a_rule_that_does_nothing_or_cannot_be_computed_is_noted(text: str, note: str) -> None:
    assert note in sweep(text).notes


def test_a_random_search_with_nothing_left_is_refused() -> None:
    text = HEAD.replace("grid", "random").replace("values: [16, 24, 64]", "min: 1.0, max: 9.0")
    told = one_fault(f"{text}  exclude: [batch > 0]\n")
    assert told == (
        "sweep.yaml:10: tuiswp.exclude: rules forbid all of 2,000 looked at, "
        "most often: batch > 0; loosen it"
    )


def test_the_baseline_gets_what_the_rules_give_it_and_may_be_forbidden() -> None:
    text = """when: {warmup: scheduler == 'cosine'}
  tie: {accum: 64 / batch}
  exclude: [batch == 16]
  baseline: {scheduler: constant, batch: 16, opt: {eps: 1}}"""
    found = sweep(text)
    assert baseline_params(found) == {
        "scheduler": "constant", "batch": 16, "opt": {"eps": 1}, "accum": 4,
    }  # fmt: skip


def test_other_rules_are_another_search() -> None:
    a, b = sweep("exclude: [batch > 20]"), sweep("exclude: [batch > 30]")
    assert same_space(a, b) == ["tuiswp.exclude: batch > 20 → batch > 30"]
    assert same_space(a, a) == []
