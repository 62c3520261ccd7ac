"""`tuiswp.stop` as a file asks for it."""

import pytest

from tests.spec.helpers import one_fault, read
from tuiswp.model.stop import StopRules

HEAD = (
    "method: random\nmetric: {name: loss, goal: minimize}\nrun_cap: 5\n"
    "parameters: {lr: {values: [1, 2]}}\n"
)


def test_every_rule_is_read_and_each_can_be_left_out() -> None:
    text = (
        "{min_improvement: 0.1%, over: 5, same_best: 20, all_worse: 30, hours: 12, "
        "gpu_hours: 0.5, failures: 5, now: true}"
    )
    assert read(f"{HEAD}tuiswp: {{stop: {text}}}\n").stop == StopRules(
        0.001, 5, 20, 30, 12.0, 0.5, 5, True
    )
    assert read(HEAD).stop == StopRules()
    assert read(f"{HEAD}tuiswp: {{stop: {{same_best: 2}}}}\n").stop == StopRules(same_best=2)


@pytest.mark.parametrize(
    ("rules", "says"),
    [
        ("{min_improvement: 0.1}", "min_improvement: 0.1 is no percentage; write it with its unit"),
        ("{min_improvement: 0%}", "is no percentage"),
        ("{over: 5}", "over: belongs to min_improvement"),
        ("{same_best: 0}", "same_best: must be at least 1, got 0"),
        ("{hours: 0}", "hours: must be above 0, got 0"),
        ("{gpu_hours: -1}", "gpu_hours: must be above 0"),
        ("{failures: many}", "failures: must be a whole number"),
        ("{target: 0.1}", "target: unknown key; write metric: {name: …, target: …}"),
        ("{patience: 3}", "unknown key; write same_best"),
        ("soon", "tuiswp.stop: must be a mapping"),
    ],
)
def test_a_wrong_rule_is_one_line(rules: str, says: str) -> None:
    fault = one_fault(f"{HEAD}tuiswp:\n  stop: {rules}\n")
    assert fault.startswith("sweep.yaml:6: tuiswp.stop") and says in fault


def test_rules_about_results_need_a_metric() -> None:
    text = "method: random\nrun_cap: 5\nparameters: {lr: {values: [1, 2]}}\n"
    assert "needs a metric" in one_fault(f"{text}tuiswp: {{stop: {{same_best: 3}}}}\n")
    assert read(f"{text}tuiswp: {{stop: {{failures: 3}}}}\n").stop.failures == 3
