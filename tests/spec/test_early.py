"""Early stopping as a file asks for it, W&B's key and ours."""

import pytest

from tests.spec.helpers import faults, one_fault, read
from tuiswp.errors import UsageError
from tuiswp.model.stopper import (
    Asha,
    Bound,
    Hyperband,
    Patience,
    Percentile,
    Rule,
    Schedule,
    Wilcoxon,
)
from tuiswp.spec.early import rule_of, typed_rule

HEAD = (
    "method: random\nmetric: {name: loss, goal: minimize}\nrun_cap: 5\n"
    "parameters: {lr: {values: [1, 2]}}\n"
)


def ours(rule: str, before: str = "") -> str:
    return f"{HEAD}{before}tuiswp: {{early_stop: {rule}}}\n"


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        ("{type: hyperband, resource: progress, min_iter: 0.05, eta: 2}",
         Hyperband(0.05, eta=2.0, resource="progress")),
        ("{type: asha, resource: step, min_resource: 500}", Asha(500.0, 4.0, "step")),
        ("{type: asha, min_resource: 3, eta: 3}", Asha(3.0, 3.0, "report")),
        ("{type: median}", Percentile(50.0, 5, 10.0, 1.0, "report")),
        ("{type: median, resource: progress}", Percentile(50.0, 5, 0.1, 0.01, "progress")),
        ("{type: percentile, percentile: 25, startup: 3, warmup: 0, interval: 5, resource: epoch}",
         Percentile(25.0, 3, 0.0, 5.0, "epoch")),
        ("{type: schedule, bounds: {0.2: 5%, 0.05: 0.15}}",
         Schedule((Bound(0.05, 0.15), Bound(0.2, 0.05)), "progress")),
        ("{type: schedule, resource: step, bounds: {500: 20%}}",
         Schedule((Bound(500.0, 0.2),), "step")),
        ("{type: patience, patience: 20, min_delta: 1e-3}", Patience(20.0, 1e-3, 0.0, "report")),
        ("{type: wilcoxon}", Wilcoxon(0.1, 8, "report")),
    ],
)  # fmt: skip
def test_each_rule_is_read_with_its_defaults(text: str, rule: Rule) -> None:
    assert read(ours(text)).stopper == rule


def test_a_wandb_rule_counts_reports_and_says_so() -> None:
    sweep = read(f"{HEAD}early_terminate: {{type: hyperband, min_iter: 3}}\n")
    assert sweep.stopper == Hyperband(3.0)
    assert any("counts the values logged" in note for note in sweep.notes)


def test_a_resource_alone_changes_what_the_wandb_rule_counts() -> None:
    theirs = "early_terminate: {type: hyperband, min_iter: 250, eta: 2, strict: no}\n"
    sweep = read(ours("{resource: step}", theirs))
    assert sweep.stopper == Hyperband(250.0, eta=2.0, strict=False, resource="step")
    assert not any("counts the values logged" in note for note in sweep.notes)


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("{type: ahsa, min_resource: 3}", "did you mean asha?"),
        ("{type: asha}", "min_resource is missing; min_resource: 10 (values)"),
        ("{type: asha, min_resource: 3, eta: 1}", "eta: must be above 1, got 1; write 3"),
        ("{type: asha, min_resource: 3, resource: iterations}", "write report (the n-th value"),
        ("{type: asha, min_resource: 5, resource: progress}", "must be below 1 for progress"),
        ("{type: median, percentile: 20}", "percentile: unknown key"),
        ("{type: percentile}", "percentile needs percentile"),
        ("{type: percentile, percentile: 100}", "must be below 100"),
        ("{type: schedule}", "bounds is missing; write bounds: {0.05: 15%, 0.2: 5%}"),
        ("{type: schedule, bounds: [1, 2]}", "must be a mapping, not a list"),
        ("{type: schedule, bounds: {1.5: 5%}}", "1.5 is no progress above 0 and below 1"),
        ("{type: schedule, bounds: {0.5: lots}}", 'the text "lots" is no fraction above 0'),
        ("{type: patience}", "patience is missing"),
        ("{type: wilcoxon, p_threshold: 2}", "must be at most 1, got 2"),
        ("{resource: step}", "type is missing; write type: hyperband, asha"),
    ],
)
def test_a_fault_says_what_and_what_next(text: str, what: str) -> None:
    found = one_fault(ours(text))
    assert found.startswith("sweep.yaml:5: tuiswp.early_stop")
    assert what in found


def test_two_rules_are_refused() -> None:
    theirs = "early_terminate: {type: hyperband, min_iter: 3}\n"
    assert "stands beside early_terminate" in one_fault(ours("{type: median}", theirs))
    assert "no progress" in one_fault(ours("{resource: progress}", theirs))


def test_a_rule_needs_a_metric() -> None:
    bare = "method: random\nrun_cap: 5\nparameters: {lr: {values: [1, 2]}}\n"
    for rule in ("early_terminate: {type: hyperband, min_iter: 3}\n",
                 "tuiswp: {early_stop: {type: median}}\n"):  # fmt: skip
        assert any("needs a metric" in line for line in faults(bare + rule))


def test_wandb_knows_only_hyperband_and_the_message_says_where_ours_goes() -> None:
    found = one_fault(f"{HEAD}early_terminate: {{type: median, min_iter: 3}}\n")
    assert "write tuiswp: {early_stop: {type: median}}" in found


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        ("asha:min_resource=3,eta=3", Asha(3.0, 3.0)),
        ("{type: hyperband, min_iter: 3, resource: step}", Hyperband(3.0, resource="step")),
        ("median", Percentile()),
        ("schedule:bounds={0.1: 20%}", Schedule((Bound(0.1, 0.2),))),
        ("none", None),
    ],
)
def test_a_rule_can_be_typed(text: str, rule: Rule | None) -> None:
    assert rule_of(text) == rule


@pytest.mark.parametrize(
    "text", ["", "asha", "{type: asha", "[1]", "hyperband:min_itr=3", "\x1b[2J"]
)
def test_what_is_typed_and_is_no_rule_is_refused_in_one_line(text: str) -> None:
    with pytest.raises(UsageError) as fault:
        rule_of(text)
    assert "\n" not in str(fault.value) and "\x1b" not in str(fault.value)


@pytest.mark.parametrize(
    "rule",
    [
        None,
        Hyperband(3.0),
        Hyperband(None, 27.0, 2, 2.5, False, "step"),
        Hyperband(0.05, eta=2.0, resource="progress"),
        Asha(500.0, 4.0, "step"),
        Percentile(50.0, 5, 0.1, 0.01, "progress"),
        Percentile(25.0, 3, 0.0, 5.0, "epoch"),
        Schedule((Bound(0.05, 0.15), Bound(0.2, 0.05)), "progress"),
        Patience(200.0, 1e-4, 20.0, "step"),
        Wilcoxon(0.05, 12, "report"),
    ],
    ids=lambda rule: typed_rule(rule)[:20],
)
def test_a_rule_as_typed_reads_back_as_itself(rule: Rule | None) -> None:
    assert rule_of(typed_rule(rule)) == rule
