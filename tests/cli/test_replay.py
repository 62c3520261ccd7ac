"""`tuiswp replay`: who would have been stopped, on curves that were recorded."""

import json
from pathlib import Path

import pytest

from tests.cli.conftest import Tuiswp
from tests.cli.world import SPEC, World, finished, run_folder
from tests.hostile import PAYLOADS
from tuiswp.model.events import AttemptEnded

HYPERBAND = "hyperband:min_iter=1,eta=3"


def test_it_says_whom_the_rule_stops_what_that_saves_and_costs(tuiswp: Tuiswp, here: Path) -> None:
    finished(here / "sweeps" / "lr")
    # At report 1 the four show 3.5, 4, 3, 5 (the first is the baseline).
    found = tuiswp("replay", "--early-terminate", HYPERBAND, "--workers", "4").out
    assert "hyperband on loss: 2 of 4 trials stopped" in found
    assert "compute 8 of 12 reports, 33% saved; 4 at once" in found
    assert "t0002, the best of all, survives: no regret" in found


def test_json_has_each_verdict_with_its_evidence(tuiswp: Tuiswp, here: Path) -> None:
    finished(here / "sweeps" / "lr")
    found = tuiswp("replay", "--early-terminate", HYPERBAND, "--workers", "4", "--json").json
    assert [one["trial"] for one in found["stopped"]] == ["t0001", "t0003"]
    assert found["stopped"][0] == {
        "trial": "t0001", "kill_point": 1.0, "position": 1.0, "value": 4.0, "threshold": 3.5,
        "rank": 2, "of": 2, "others": ["t0000"], "final": 3.0, "spent": 1.0, "whole": 3.0,
    }  # fmt: skip
    assert found["compute"] == {
        "unit": "report", "spent": 8.0, "whole": 12.0, "saved": pytest.approx(1 / 3),
    }  # fmt: skip
    assert (found["best"], found["kept"], found["regret"]) == ("t0002", "t0002", 0.0)
    assert found["own"] == {"rule": None, "stopped": []}


def test_the_baseline_survives_whatever_it_shows(tuiswp: Tuiswp, here: Path) -> None:
    world = finished(here / "sweeps" / "lr")
    world.metrics(0, [9.0, 9.0, 9.0])
    found = tuiswp("replay", "--early-terminate", HYPERBAND, "--json").json
    assert "t0000" not in [one["trial"] for one in found["stopped"]]


def test_the_sweeps_own_rule_is_the_default_and_what_it_did_is_compared(
    tuiswp: Tuiswp, here: Path
) -> None:
    world = World(
        here / "sweeps" / "lr", SPEC + "early_terminate: {type: hyperband, min_iter: 2}\n"
    )
    for number, value in enumerate((2.0, 3.0)):
        world.suggest(number, 10.0**-number)
        world.launch(number)
        world.metrics(number, [value, value, value][: 3 - number])
    world.end(0, 2.0)
    world.add(AttemptEnded(1, 1, "pruned", "hyperband", "pruned", ended_at=world.at))
    world.over()
    found = tuiswp("replay")
    assert "the sweep's own rule, hyperband, stopped 1" in found.out
    assert "t0001 did not come to a proper end in the record" in found.out


def test_seconds_count_where_the_script_logs_the_clock(tuiswp: Tuiswp, here: Path) -> None:
    root = run_folder(here / "runs")
    for number in range(3):
        path = root / f"run-{number}" / "metrics.jsonl"
        rows = [json.loads(line) for line in path.read_text().splitlines()]
        for k, row in enumerate(rows):
            row["_timestamp"] = 1000.0 + 10 * (k + 1)
        path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    found = tuiswp("replay", "runs", "--early-terminate", "hyperband:min_iter=1", "--json").json
    assert found["compute"]["unit"] == "second"
    assert found["compute"]["whole"] == pytest.approx(90.0)


def test_another_metric_can_be_looked_at(tuiswp: Tuiswp, here: Path) -> None:
    world = finished(here / "sweeps" / "lr")
    for number in range(4):
        rows = [{"step": k, "loss": 9.0 - k, "acc": number / 10} for k in (1, 2, 3)]
        path = world.directory.metrics(number)
        path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    words = ("replay", "--early-terminate", HYPERBAND, "--metric", "acc", "--goal", "maximize")
    found = tuiswp(*words, "--json", "--workers", "4").json
    assert found["metric"] == {"name": "acc", "goal": "maximize"}
    assert found["objective"]["name"] == "loss"
    assert all(one["value"] < one["threshold"] for one in found["stopped"])


@pytest.mark.parametrize(
    ("rule", "what"),
    [
        ("asha:min_resource=50", "first kill point is report 50; the longest curve ends at"),
        ("{type: asha, min_resource: 3, resource: epoch}", "no trial reported loss with epoch"),
        ("asha", "min_resource is missing"),
        ("asha:min_resource=3,eta=1", "eta: must be above 1, got 1"),
        ("asha:min_resource", "min_resource is missing"),
        ("nosuch:a=1", "is not known here; use hyperband"),
        ("{type: [", "the rule"),
        ("", "the rule"),
        ("[1]", "must be a mapping, not a list"),
        ("{min_iter: 3}", "type is missing"),
        ("".join(PAYLOADS.values()), "the rule"),
        ("none", "no rule stops nobody"),
    ],
)
def test_a_rule_that_says_nothing_here_is_one_line_and_exit_code_2(
    tuiswp: Tuiswp, here: Path, rule: str, what: str
) -> None:
    finished(here / "sweeps" / "lr")
    found = tuiswp("replay", "--early-terminate", rule)
    assert found.code == 2
    assert what in found.err
    assert "\x1b" not in found.err
    assert len(found.err.splitlines()) == 1


def test_without_rule_metric_or_trials_it_says_what_is_missing(tuiswp: Tuiswp, here: Path) -> None:
    finished(here / "sweeps" / "lr")
    assert "no rule of its own, and none is given" in tuiswp("replay").err
    found = tuiswp("replay", "--early-terminate", HYPERBAND, "--metric", "los")
    assert (found.code, "did you mean 'loss'?" in found.err) == (2, True)
    World(here / "sweeps" / "empty").close()
    assert "has no trial yet" in tuiswp("replay", "empty", "--early-terminate", HYPERBAND).err
