"""What `check` says when a learning rate is carried to another effective batch."""

from tests.spec.helpers import read
from tuiswp.analysis.phase_checks import batch_between_phases
from tuiswp.analysis.space_checks import warnings_before

HEAD = """\
method: random
metric: {name: loss, goal: minimize}
parameters:
  lr: {distribution: log_uniform_values, min: 1e-4, max: 1}
  batch_size: {value: 8}
  gradient_accumulation_steps: {value: 2}
tuiswp:
  phases:
    - {name: small, trials: 4}
"""


def found(phase: str) -> list[str]:
    sweep = read(f"{HEAD}    - {phase}\n")
    assert set(batch_between_phases(sweep)) <= set(warnings_before(sweep))
    return [f"{one.message} {one.suggestion}" for one in batch_between_phases(sweep)]


def test_a_rate_that_is_carried_to_another_batch_is_told_its_factor() -> None:
    [said] = found("{name: large, transfer: {top: 2}, set: {batch_size: 32}}")
    assert "Phase large has an effective batch of 64, phase small, which finds lr, of 16" in said
    assert "times sqrt(64/16) = 2." in said
    assert "transfer: {adjust: {lr: 2 * lr}}" in said
    [said] = found("{name: full, parameters: [], set: {gradient_accumulation_steps: 1}}")
    assert "sqrt(8/16) = 0.707" in said
    assert found("{name: near, refine: {factor: 3}, trials: 2, set: {batch_size: 4}}")


def test_nothing_is_said_where_the_rate_is_scaled_searched_or_the_batch_is_the_same() -> None:
    assert not found("{name: large, transfer: {adjust: {lr: 2 * lr}}, set: {batch_size: 32}}")
    assert not found("{name: again, trials: 3, set: {batch_size: 32}}")
    assert not found("{name: large, transfer: {top: 2}}")
    same = "{name: same, parameters: [], set: {batch_size: 4, gradient_accumulation_steps: 4}}"
    assert not found(same)
    assert not found("{name: mixed, method: grid, parameters: {batch_size: {values: [16, 32]}}}")
