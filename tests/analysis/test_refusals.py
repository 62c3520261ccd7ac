"""A script that refuses its command line is told apart from one that crashed."""

import pytest

from tests.analysis.builders import choice, ended, sweep_of
from tuiswp.analysis.diagnosis import diagnose
from tuiswp.analysis.optimum import judge
from tuiswp.analysis.refusals import refused_arguments
from tuiswp.model.trial import Ended, Trial


def failed(number: int, evidence: str) -> Trial:
    trial = ended(number, {"lr": 0.1}, None)
    return Trial(
        trial.number, trial.params, trial.key, trial.origin,
        Ended(1.0, "failed", "exit-code", evidence),
    )  # fmt: skip


@pytest.mark.parametrize(
    ("evidence", "what", "hint"),
    [
        ("exit 2: t.py: error: argument --amp: ignored explicit argument 'True'",
         "to the script --amp is a switch", "${args_no_boolean_flags}"),
        ("exit 2: t.py: error: unrecognized arguments: --lr=0.1 --wd=0",
         "the script does not know --lr", "${args_no_hyphens}"),
        ("exit 1: Could not override 'lr'.", "Hydra does not know", "${args_append_hydra}"),
        ("exit 2: error: argument --a\x1b[31m: ignored explicit argument 'x'",
         "--a␛[31m is a switch", "store_true"),
    ],
)  # fmt: skip
def test_a_refusal_names_the_argument_and_the_macro(evidence: str, what: str, hint: str) -> None:
    (found,) = refused_arguments([failed(0, evidence), failed(1, evidence)])
    assert found.code == "refused-arguments"
    assert what in found.message
    assert found.message.startswith("t0000, t0001 failed: ")
    assert hint in f"{found.message} {found.suggestion}"


def test_a_crash_is_no_refusal() -> None:
    assert refused_arguments([failed(0, "exit 1: CUDA out of memory"), failed(1, "")]) == []


def test_refusals_stand_among_the_findings_and_equal_reasons_are_said_once() -> None:
    sweep = sweep_of(choice("lr", [0.1, 0.2]))
    trials = [failed(n, "exit 2: error: unrecognized arguments: --lr=1") for n in range(9)]
    found = {one.code: one for one in diagnose(sweep, trials, judge(sweep, trials))}
    assert "refused-arguments" in found
    assert found["incomplete-trials"].message.count("unrecognized") == 1
    assert "t0000" in found["incomplete-trials"].message
