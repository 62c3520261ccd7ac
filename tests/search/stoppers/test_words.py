"""Kill points and verdicts as people read them."""

from pathlib import Path

import pytest

from tuiswp.errors import SpecErrors
from tuiswp.model.stopper import Asha, Hyperband, Judged, Patience, Percentile, Rule, Wilcoxon
from tuiswp.search.stoppers.words import never_fires, plan_lines, verdict_text
from tuiswp.spec.load import load_bytes

FILE = """\
method: random
run_cap: 5
metric: {name: loss}
parameters: {lr: {values: [1, 2]}}
early_terminate: {type: hyperband, min_iter: 25, eta: 2}
"""


def test_kill_points_are_told_in_every_unit_that_is_known() -> None:
    assert plan_lines(Hyperband(25, eta=2), {"report": 200, "step": 2000}) == [
        "report 25, 50, 100, 200",
        "step 250, 500, 1000, 2000",
        "progress 0.125, 0.25, 0.5, 1",
    ]


@pytest.mark.parametrize(
    ("rule", "said"),
    [
        (Percentile(), "report 10, then every 1"),
        (Asha(0.1, 2, "progress"), "progress 0.1, 0.2, 0.4, 0.8"),
        (Hyperband(3000), "none: such a run ends before the first"),
        (Wilcoxon(resource="step"), "when it can tell"),
        (Patience(5), "report 5, then every 1"),
    ],
)
def test_each_rule_says_when_it_looks(rule: Rule, said: str) -> None:
    assert plan_lines(rule, {"report": 100.0, "step": 1000.0})[0] == said


def test_without_a_length_the_points_are_told_and_that_the_end_is_not_known() -> None:
    [line] = plan_lines(Hyperband(3), {})
    assert line.startswith("report 3, 9, 27, 81")
    assert line.endswith("how far a run gets is not known")


def test_a_rule_beyond_the_end_of_a_run_is_refused(tmp_path: Path) -> None:
    def fault(length: str) -> str | None:
        text = FILE + f"tuiswp: {{length: {{{length}}}}}\n"
        sweep = load_bytes(
            text.encode(), shown_as="sweep.yaml", name="x", cwd=tmp_path, beside=tmp_path
        )
        found = never_fires(sweep)
        return None if found is None else str(found)

    assert fault("report: 20") == (
        "sweep.yaml:5: early_terminate: hyperband can never stop a trial: its first kill point is "
        "report 25; a run has 20 reports; lower its first kill point, or correct tuiswp.length"
    )
    assert fault("report: 25") is None
    assert fault("step: 20") is None
    with pytest.raises(SpecErrors, match="write report"):
        fault("reports: 3")


def test_a_verdict_that_is_close_shows_the_digits_that_decide() -> None:
    close = Judged("hyperband", "step", 9, 9, 1.00001, 1.00002, 2, 3, (4,))
    assert verdict_text(close, "loss") == (
        "hyperband at step 9: loss 1.00001 is worse than 1.00002; rank 2 of 3, t0004 is best"
    )
    tired = Judged("patience", "report", 9, 9, 1.5, 1.25, 1, 1)
    assert verdict_text(tired, "a[b]") == "patience at report 9: a[b] 1.5 is no improvement on 1.25"
