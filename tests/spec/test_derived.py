"""Metrics of a person's own in a sweep file: read, ordered, and every fault with its place."""

import pytest

from tests.spec.helpers import faults, one_fault, read
from tuiswp.model.sweep import DerivedMetric, Objective
from tuiswp.spec.params import same_space

HEAD = """\
method: grid
metric: {name: loss, goal: maximize}
parameters:
  lr: {values: [1e-4, 1e-3]}
tuiswp:
"""
NO_METRIC = HEAD.replace("metric: {name: loss, goal: maximize}\n", "")


def test_metrics_come_after_those_they_build_on() -> None:
    sweep = read(HEAD + "  metrics: {steady: 'mean(`a/gap`, 3)', a_gap: eval - train}\n")
    assert sweep.derived == (
        DerivedMetric("a_gap", "eval - train"),
        DerivedMetric("steady", "mean(`a/gap`, 3)"),
    )
    assert sweep.objective == Objective("loss", "maximize")


def test_an_objective_may_be_an_expression_and_keeps_the_goal_of_metric() -> None:
    sweep = read(
        HEAD + "  objective: {expr: 'mean(loss, 10) + 0.1 * gap'}\n  metrics: {gap: a - b}\n"
    )
    assert sweep.objective == Objective("objective", "maximize")
    assert [one.name for one in sweep.derived] == ["gap", "objective"]
    assert any("metric.name (loss) is what W&B would use" in note for note in sweep.notes)


def test_an_objective_needs_no_metric_and_is_reduced_as_any_other() -> None:
    sweep = read(
        NO_METRIC + "  objective: {expr: a - b, goal: maximize, target: 2, reduce: best}\n"
    )
    assert sweep.objective == Objective("objective", "maximize", "best", 1, 2.0)
    sweep = read(NO_METRIC + "  objective: {expr: a - b, reduce: mean, last: 5}\n")
    assert sweep.objective == Objective("objective", "minimize", "mean", 5)
    assert "tuiswp.objective.goal is not given: minimize" in sweep.notes


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("metrics: {gap: a - maen(b; 2)}",
         "sweep.yaml:6: tuiswp.metrics.gap: column 11: ; is not known here"),
        ("metrics: {gap: 'a - maen(b, 2)'}", "sweep.yaml:6: tuiswp.metrics.gap: column 5: "
         "unknown function 'maen'; did you mean mean?"),
        ("metrics: {gap: }", "sweep.yaml:6: tuiswp.metrics.gap: is empty; "
         'write an expression: "eval_loss - train_loss"'),
        ("metrics: {gap: [1]}", "sweep.yaml:6: tuiswp.metrics.gap: must be text, not a list"),
        ("metrics: a - b",
         'sweep.yaml:6: tuiswp.metrics: must be a mapping, not the text "a - b"'),
        ("metrics: {step: a}",
         "sweep.yaml:6: tuiswp.metrics.step: is no name for a metric; call it otherwise"),
        ("metrics: {a: b + 1, b: c * 2, c: a}", "sweep.yaml:6: tuiswp.metrics: "
         "a is computed from itself (a → b → c → a); rename one"),
        ("metrics: {loss: 'mean(loss, 3)'}", "sweep.yaml:6: tuiswp.metrics: "
         "loss is computed from itself (loss → loss); rename one"),
        ("objective: {expr: 1 + }", "sweep.yaml:6: tuiswp.objective.expr: column 4: "
         "ends where a number, a name or a bracket is missing"),
        ("objective: {expr: a, goal: up}",
         'sweep.yaml:6: tuiswp.objective.goal: the text "up" is not known here; write maximize'),
        ("objective: {expr: a, window: 3}", "sweep.yaml:6: tuiswp.objective.window: unknown key; "
         "known: expr, goal, last, reduce, target"),
    ],
)  # fmt: skip
def test_faults_of_metrics(text: str, told: str) -> None:
    assert one_fault(f"{HEAD}  {text}\n") == told


def test_the_name_of_the_objective_is_taken() -> None:
    found = faults(HEAD + "  metrics: {objective: a}\n  objective: {expr: b}\n")
    assert found == [
        "sweep.yaml:6: tuiswp.metrics: objective is what tuiswp.objective.expr is called"
    ]


def test_a_metric_of_ones_own_may_be_the_one_that_decides() -> None:
    sweep = read(HEAD.replace("name: loss", "name: gap") + "  metrics: {gap: a - b}\n")
    assert sweep.objective == Objective("gap", "maximize")
    note = "metric.name is computed here (tuiswp.metrics.gap); W&B would need it logged"
    assert note in sweep.notes


def test_another_expression_is_another_search_only_if_it_decides() -> None:
    a = read(HEAD + "  objective: {expr: a}\n")
    b = read(HEAD + "  objective: {expr: b}\n")
    assert same_space(a, b) == ["metric: objective = a → objective = b"]
    assert same_space(read(HEAD + "  metrics: {x: a}\n"), read(HEAD + "  metrics: {x: b}\n")) == []
