"""`check` on expressions: what is computed, over which columns, and what rules leave of a space."""

from pathlib import Path

from tests.cli.conftest import Tuiswp

FILE = """\
name: rules
method: grid
command: [sh, -c, "true", "${args}", "--w=${warmup}"]
parameters:
  scheduler: {values: [constant, cosine]}
  warmup: {values: [10, 100]}
  batch: {values: [16, 64]}
tuiswp:
  objective: {expr: "mean(eval_loss, 3) + gap", goal: minimize}
  metrics: {gap: "eval_loss - train_loss"}
  when: {warmup: scheduler == 'cosine'}
  exclude: [batch == 64 and warmup == 10]
  tie: {accum: 64 / batch}
"""


def test_check_says_what_is_computed_and_what_is_left(tuiswp: Tuiswp, here: Path) -> None:
    (here / "s.yaml").write_text(FILE)
    said = tuiswp("check", "s.yaml")
    assert said.code == 0
    assert "5 trials; " in said.out
    assert "with these rules 5 of 8 points are left:" in said.out
    assert "  not batch == 64 and warmup == 10" in said.out
    assert "objective = mean(eval_loss, 3) + gap" in said.out
    assert "  computed as each trial runs, over eval_loss, gap" in said.out
    assert "true --scheduler=constant --batch=16 --accum=4\n" in said.out
    assert tuiswp("check", "s.yaml", "--json").json["rules"]["forbidden"] == 1


def test_a_space_too_large_to_count_is_said_to_be_an_upper_bound(
    tuiswp: Tuiswp, here: Path
) -> None:
    wide = ", ".join(str(16 * number) for number in range(1, 6_000))
    (here / "s.yaml").write_text(FILE.replace("[16, 64]", f"[{wide}]"))
    said = tuiswp("check", "s.yaml").out
    assert "(2,000 looked at); 23,996 trials at most:" in said


def test_an_expression_that_is_wrong_ends_with_2_and_names_its_character(
    tuiswp: Tuiswp, here: Path
) -> None:
    (here / "s.yaml").write_text(FILE.replace("mean(", "maen("))
    said = tuiswp("check", "s.yaml")
    assert said.code == 2
    assert (
        "s.yaml:9: tuiswp.objective.expr: column 1: unknown function 'maen'; did you mean mean?"
        in said.err
    )
