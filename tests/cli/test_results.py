"""`results`, `explain` and `report`: what they say of finished sweeps and of folders of runs."""

import csv
import io
from pathlib import Path

import pytest

from tests.cli.conftest import Tuiswp
from tests.cli.world import SPEC, World, finished, run_folder
from tuiswp.model.events import RequestApplied, SweepPaused
from tuiswp.model.trial import Lease


def test_json_has_exactly_the_promised_shape(tuiswp: Tuiswp, here: Path) -> None:
    finished(here / "sweeps" / "lr")
    found = tuiswp("results", "--json").json
    assert list(found) == [
        "sweep", "metric", "optimum", "baseline", "improvement_pct", "trials", "diagnosis",
        "evidence",
    ]  # fmt: skip
    assert found["metric"] == {"name": "loss", "goal": "minimize"}
    assert found["optimum"] == {"trial": "t0002", "value": 2.0, "params": {"lr": 1e-3}}
    assert found["baseline"] == {"trial": "t0000", "value": 2.5, "params": {"lr": 3e-4}}
    assert found["improvement_pct"] == pytest.approx(20.0)
    assert [trial["id"] for trial in found["trials"]] == ["t0000", "t0001", "t0002", "t0003"]
    assert {"code", "severity", "message", "suggestion"} == set(found["diagnosis"][0])


def test_people_get_the_answer_first(tuiswp: Tuiswp, here: Path) -> None:
    finished(here / "sweeps" / "lr")
    lines = tuiswp("results").out.splitlines()
    assert lines[:3] == [
        "Optimal LR: 1.00e-03",
        "Best final loss: 2.0000",
        "Improvement over default: 20.00%",
    ]
    assert any("t0002" in line and "best" in line for line in lines)


def test_the_curve_is_braille_or_on_request_ascii(tuiswp: Tuiswp, here: Path) -> None:
    finished(here / "sweeps" / "lr")
    assert any("\u2800" < char <= "\u28ff" for char in tuiswp("results").out)
    assert tuiswp("results", "--ascii").out.isascii()


def test_what_the_verdict_is_worth_is_said_below_it(tuiswp: Tuiswp, here: Path) -> None:
    world = World(here / "sweeps" / "lr")
    world.run_all()
    for number, value in ((4, 2.1), (5, 2.2)):
        world.suggest(number, 1e-3)
        world.launch(number)
        world.end(number, value)
    world.over()
    world.close()
    out = tuiswp("results").out
    assert "first-second: 2.1000 ± 0.1000 (n=3: t0002, t0004, t0005) against 2.5000" in out
    assert "by the noise of the settings that were repeated" in out
    assert "about 3 seeds of each would decide" in out
    found = tuiswp("results", "--json").json["evidence"]
    assert found["repeats"] == [
        {
            "trials": ["t0002", "t0004", "t0005"],
            "mean": pytest.approx(2.1),
            "sd": pytest.approx(0.1),
            "n": 3,
        }
    ]
    assert found["first_second"]["ruling"] == "undecided"  # 0.4 apart, by two degrees of freedom
    assert found["first_second"]["more_seeds"] == 2
    assert "+/-" in tuiswp("results", "--ascii").out


def test_a_look_back_is_text_and_data_on_request(tuiswp: Tuiswp, here: Path) -> None:
    finished(here / "sweeps" / "lr")
    assert "What mattered" not in tuiswp("results").out
    out = tuiswp("results", "--review", "--ascii").out
    assert out.isascii()
    assert "Importance is not known: a single parameter is swept" in out
    found = tuiswp("results", "--json", "--review").json["review"]
    assert list(found) == ["importance", "search", "clusters", "ranks", "gradients"]
    assert found["importance"]["parameters"] == []
    assert found["gradients"] is None


def test_a_second_search_is_held_against_the_first_or_refused(tuiswp: Tuiswp, here: Path) -> None:
    finished(here / "sweeps" / "lr")
    finished(here / "sweeps" / "again")
    said = tuiswp("results", "lr", "--against", "again")
    assert said.code == 2
    assert "with so few values" in said.err or "tried the same points" in said.err
    assert tuiswp("results", "lr", "--against", "gone").code == 2


def test_csv_markdown_and_latex(tuiswp: Tuiswp, here: Path) -> None:
    finished(here / "sweeps" / "lr")
    rows = list(csv.DictReader(io.StringIO(tuiswp("results", "--csv").out)))
    assert [(row["trial"], row["rank"]) for row in rows] == [
        ("t0000", "2"), ("t0001", "3"), ("t0002", "1"), ("t0003", "4"),
    ]  # fmt: skip
    assert tuiswp("results", "--markdown").out.startswith("| trial | rank |")
    assert "trial & rank &" in tuiswp("results", "--latex").out


def test_another_metric_can_judge(tuiswp: Tuiswp, here: Path) -> None:
    world = World(here / "sweeps" / "lr")
    world.run_all()
    for number, accuracy in enumerate((0.1, 0.9, 0.2, 0.3)):
        world.metrics(number, [0.0, accuracy], name="eval/accuracy")
    world.over()
    world.close()
    found = tuiswp("results", "--json", "--metric", "eval_accuracy", "--goal", "maximize").json
    assert found["metric"] == {"name": "eval_accuracy", "goal": "maximize"}
    assert found["optimum"]["trial"] == "t0001"
    assert found["optimum"]["value"] == 0.9


def test_a_metric_nobody_logged_is_refused_with_the_near_one(tuiswp: Tuiswp, here: Path) -> None:
    finished(here / "sweeps" / "lr")
    said = tuiswp("results", "--metric", "losss")
    assert said.code == 2
    assert "did you mean 'loss'?" in said.err


def test_partial_trials_win_only_when_asked_to(tuiswp: Tuiswp, here: Path) -> None:
    world = World(here / "sweeps" / "lr")
    world.suggest(0, 3e-4)
    world.launch(0)
    world.end(0, 2.5)
    world.suggest(1, 1e-4)
    world.launch(1)
    world.metrics(1, [3.0, 1.0])
    world.close()
    assert tuiswp("results", "--json").json["optimum"]["trial"] == "t0000"
    partial = tuiswp("results", "--json", "--include-partial").json
    assert partial["optimum"] == {"trial": "t0001", "value": 1.0, "params": {"lr": 1e-4}}


def test_a_sweep_without_trials_is_said(tuiswp: Tuiswp, here: Path) -> None:
    World(here / "sweeps" / "lr").close()
    said = tuiswp("results")
    assert said.code == 2
    assert "has no trial yet" in said.err


def test_a_folder_of_runs_is_judged(tuiswp: Tuiswp, here: Path) -> None:
    run_folder(here / "runs")
    found = tuiswp("results", "runs", "--json").json
    assert found["optimum"]["params"] == {"learning_rate": 1e-3}
    assert found["baseline"] is None


def test_explain_says_why_it_won(tuiswp: Tuiswp, here: Path) -> None:
    finished(here / "sweeps" / "lr")
    said = tuiswp("explain", "2").out
    assert "won: minimize loss; 2.0000 is the best of 4" in said
    assert "next is t0000, 0.5000 worse" in said
    assert "20.00% better than the baseline t0000" in said
    assert "rank 3 of 4 with 3.0000\n  1.0000 behind t0002" in tuiswp("explain", "lr", "1").out


def test_explain_says_what_went_wrong_with_metrics_of_ones_own(tuiswp: Tuiswp, here: Path) -> None:
    own = "metrics: {inverse: 1 / (loss - 2), gap: loss - tran_loss}, baseline"
    world = finished(here / "sweeps" / "lr")
    world.directory.sweep_file.write_text(SPEC.replace("baseline", own))
    said = tuiswp("explain", "2").out
    assert "inverse: column 3: division by zero, once, first at step" in said
    assert "gap needs tran_loss, which was not logged; " in said


def test_explain_says_why_it_ended_safely(tuiswp: Tuiswp, here: Path) -> None:
    world = World(here / "sweeps" / "lr")
    world.suggest(0, 3e-4)
    world.launch(0, lease=Lease("GPU-8932f937", 0, "G0"))
    world.fail(0)
    world.close()
    said = tuiswp("explain", "0").out
    assert "t0000  failed (exit-code)" in said
    assert "on host, G0 (GPU-8932f937)" in said
    assert "exit-code (exit 1)" in said
    assert "exit 1: boom ␛]52;c;x␇" in said
    assert "cannot win: it failed" in said


def test_explain_says_why_it_waits(tuiswp: Tuiswp, here: Path) -> None:
    world = World(here / "sweeps" / "lr")
    world.suggest(0, 3e-4)
    world.suggest(1, 1e-4)
    world.suggest(2, 1e-3)
    world.launch(0)
    world.launch(1, lease=Lease("cpu", 1, "cpu1"))
    world.add(SweepPaused("ada, pid 1", "lunch"))
    world.close()
    said = tuiswp("explain", "2").out
    assert "waits: no controller runs; `tuiswp lr` starts one" in said
    assert "waits: the sweep was paused by ada, pid 1 (lunch)" in said
    assert "waits: 2 of at most 2 trials run (max_parallel)" in said


def test_explain_of_a_sweep_tells_who_asked_for_what(tuiswp: Tuiswp, here: Path) -> None:
    world = World(here / "sweeps" / "lr")
    world.run_all()
    world.add(RequestApplied("1", "kill", "ada, pid 1", True, "t0001 already ended (done)"))
    world.over()
    world.close()
    said = tuiswp("explain").out
    assert "kill by ada, pid 1: t0001 already ended (done)" in said
    assert "won: minimize loss" in said
    assert "finished: every point has been tried" in said


@pytest.mark.slow
def test_report_writes_its_files_and_says_where(tuiswp: Tuiswp, here: Path) -> None:
    pytest.importorskip("matplotlib")
    root = finished(here / "sweeps" / "lr").directory.root
    said = tuiswp("report")
    assert said.code == 0
    names = {Path(line).name for line in said.out.splitlines()}
    assert {"report.html", "sweep.png", "trials.csv"} <= names
    page = (root / "report" / "report.html").read_text()
    assert "t0002 done" in page  # the decisions, in order


@pytest.mark.slow
def test_report_of_a_folder_of_runs_goes_where_it_is_told(tuiswp: Tuiswp, here: Path) -> None:
    pytest.importorskip("matplotlib")
    run_folder(here / "runs")
    assert tuiswp("report", "runs", "--out", "shown").code == 0
    assert (here / "shown" / "report.html").exists()
    assert sorted(path.name for path in (here / "runs").iterdir()) == ["run-0", "run-1", "run-2"]


def test_report_without_trials_is_refused(tuiswp: Tuiswp, here: Path) -> None:
    World(here / "sweeps" / "lr", SPEC).close()
    assert tuiswp("report").code == 2


def test_a_sweep_file_that_was_changed_since_is_said_beside_every_answer(
    tuiswp: Tuiswp, here: Path
) -> None:
    file = finished(here / "sweeps" / "lr").directory.sweep_file
    assert "is not as it was" not in tuiswp("results").err
    file.write_text(file.read_text().replace("minimize", "maximize"))
    for command in ("results", "status", "diagnose"):
        said = tuiswp(command)
        assert "sweep.yaml is not as it was when the sweep started" in said.err + said.out
    file.write_text("name: another\n")
    assert "the sweep file cannot be read" in tuiswp("results").err
