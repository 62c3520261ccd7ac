"""`tuiswp diagnose` on the logs people have: ours, a Trainer's state, a sweep, a folder of runs."""

import json
import math
import os
from pathlib import Path

import pytest

from tests.cli.conftest import Tuiswp
from tests.cli.world import World, finished
from tuiswp.errors import ExitCode


def rows(*, overfit: bool) -> list[dict[str, float]]:
    found: list[dict[str, float]] = []
    for step in range(1, 101):
        found.append({"step": step, "loss": 1 + 3 * math.exp(-step / 8)})
        if step % 20 == 0:
            worse = 0.01 * (step - 40) / 2 if overfit and step > 40 else 0.0
            found.append({"step": step, "eval_loss": 1.2 + 3 * math.exp(-step / 8) + worse})
    return found


def write_run(directory: Path, *, overfit: bool) -> Path:
    directory.mkdir(parents=True)
    text = "".join(json.dumps(row) + "\n" for row in rows(overfit=overfit))
    (directory / "metrics.jsonl").write_text(text)
    return directory


def write_state(checkpoint: Path, *, overfit: bool) -> None:
    checkpoint.mkdir(parents=True)
    log = [{**row, "epoch": row["step"] / 50} for row in rows(overfit=overfit)]
    state = {"global_step": 100, "max_steps": 100, "log_history": log}
    (checkpoint / "trainer_state.json").write_text(json.dumps(state))


def test_a_run_is_told_with_its_numbers_and_what_to_do(tuiswp: Tuiswp, here: Path) -> None:
    write_run(here / "run", overfit=True)
    said = tuiswp("diagnose", "run")
    assert (said.code, said.err) == (ExitCode.OK, "")
    lines = said.out.splitlines()
    assert lines[0] == "run: overfit"
    assert lines[1] == "  by loss, eval_loss in run/metrics.jsonl"
    assert any(line.split() == ["above", "its", "best", "22.9%"] for line in lines), said.out
    assert "overfit: the evaluation loss ended at 1.5000, 22.9% above its best" in said.out
    assert "early stopping" in said.out


@pytest.mark.parametrize(
    "given", ["out", "out/checkpoint-100", "out/checkpoint-100/trainer_state.json"]
)
def test_a_trainer_state_is_read_wherever_it_is_named(
    tuiswp: Tuiswp, here: Path, given: str
) -> None:
    for steps in (20, 100):
        write_state(here / f"out/checkpoint-{steps}", overfit=steps == 20)
        os.utime(here / f"out/checkpoint-{steps}/trainer_state.json", (steps, steps))
    said = tuiswp("diagnose", given, "--json")
    [run] = said.json["runs"]
    assert run["path"].endswith("out/checkpoint-100/trainer_state.json")
    assert run["verdict"] == "healthy"
    assert run["numbers"]["relative_overfit"] == 0.0


def test_strict_says_by_its_exit_code_that_something_is_to_be_mended(
    tuiswp: Tuiswp, here: Path
) -> None:
    ill, well = write_run(here / "ill", overfit=True), write_run(here / "well", overfit=False)
    assert tuiswp("diagnose", str(ill), "--strict").code == ExitCode.SOME_FAILED
    assert tuiswp("diagnose", str(well), "--strict").code == ExitCode.OK


def test_a_folder_of_runs_is_a_line_each(tuiswp: Tuiswp, here: Path) -> None:
    for name in ("a", "b"):
        write_run(here / "runs" / name, overfit=name == "b")
    said = tuiswp("diagnose", "runs")
    verdicts = [line.split()[:3] for line in said.out.splitlines()[1:3]]
    assert verdicts == [["t0000", "a", "healthy"], ["t0001", "b", "overfit"]]
    assert said.out.count("early stopping") == 1


def test_one_trial_of_a_sweep_is_told_in_full(tuiswp: Tuiswp, here: Path) -> None:
    finished(here / "sweeps" / "lr")
    said = tuiswp("diagnose", "lr", "t1")
    assert said.code == ExitCode.NO_RESULT
    assert said.out.startswith("t0001: unknown\n")
    assert "3 training losses are too few to show a course" in said.out
    many = tuiswp("diagnose", "lr")
    assert (many.code, many.out.count("unknown")) == (ExitCode.NO_RESULT, 4)


def test_other_names_are_told_with_what_was_logged(tuiswp: Tuiswp, here: Path) -> None:
    write_run(here / "run", overfit=True)
    said = tuiswp("diagnose", "run", "--eval", "eval/los")
    assert said.code == ExitCode.USAGE
    assert "'eval/los' was not logged; logged: eval_loss" in said.err
    assert tuiswp("diagnose", "run", "--eval", "eval/loss").code == ExitCode.OK


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("trainer_state.json", "{}", "it has no log_history"),
        ("trainer_state.json", "{", "trainer_state.json: not JSON"),
        ("trainer_state.json", '{"log_history": [1, {"loss": "x"}]}', "no training log"),
        ("notes.txt", "hello", "holds no training log that can be read, no sweep and no runs"),
    ],
)
def test_what_is_no_log_is_said(
    tuiswp: Tuiswp, here: Path, name: str, text: str, said: str
) -> None:
    (here / "run").mkdir()
    (here / "run" / name).write_text(text)
    told = tuiswp("diagnose", "run")
    assert told.code in (ExitCode.USAGE, ExitCode.NO_RESULT)
    assert said in told.err + told.out


def test_hostile_names_and_texts_are_inert(tuiswp: Tuiswp, here: Path) -> None:
    directory = write_run(here / "run\x1b]52;c;x\x07", overfit=True)
    file = directory / "metrics.jsonl"
    file.write_text(file.read_text().replace("eval_loss", "eval_loss\\u001b[31m"))
    said = tuiswp("diagnose", str(directory))
    assert said.code == ExitCode.OK
    assert "\x1b" not in said.out + said.err


def test_results_have_a_column_where_a_training_is_ill(tuiswp: Tuiswp, here: Path) -> None:
    world = World(here / "sweeps" / "lr")
    world.run_all()
    world.over()
    world.close()
    assert "training" not in tuiswp("results").out.partition("\n\n")[2].partition("\n\n")[0]
    text = "".join(json.dumps(row) + "\n" for row in rows(overfit=True))
    (here / "sweeps/lr/trials/t0002/metrics.jsonl").write_text(text)
    said = tuiswp("results")
    line = next(line for line in said.out.splitlines() if "  t0002  " in line)
    assert "overfit" in line
    told = {one["id"]: one["training"] for one in tuiswp("results", "--json").json["trials"]}
    assert told == {"t0000": "unknown", "t0001": "unknown", "t0002": "overfit", "t0003": "unknown"}
    assert "overfit" in tuiswp("results", "--csv").out.splitlines()[3]


def test_a_trial_that_the_sweep_knows_to_have_diverged_is_not_called_underfit(
    tuiswp: Tuiswp, here: Path
) -> None:
    finished(here / "sweeps" / "lr")
    slow = [{"step": n, "train/loss": 4 - 0.03 * n} for n in range(100)]
    slow += [{"step": n, "loss": 2 + 0.1 * n} for n in range(50, 100)]
    text = "".join(json.dumps(row) + "\n" for row in slow)
    (here / "sweeps/lr/trials/t0002/metrics.jsonl").write_text(text)
    told = {one["id"]: one["training"] for one in tuiswp("results", "--json").json["trials"]}
    assert told["t0002"] == "diverged"
    said = tuiswp("diagnose", "lr", "t2").out
    assert said.startswith("t0002: diverged\n")
    assert "by its objective: its curve stands worse than it began" in said
    assert "underfit: the training loss still falls" in said


def test_what_could_not_be_read_is_said_beside_the_verdict(tuiswp: Tuiswp, here: Path) -> None:
    write_run(here / "runs" / "a", overfit=False)
    (here / "runs" / "b").mkdir()
    (here / "runs" / "b" / "metrics.csv").write_text("step,loss\n1,2\n2\n3,1\n")
    alone = tuiswp("diagnose", "runs/b")
    assert "not all could be read: metrics.csv: line 3: 1 cells under 2 columns" in alone.out
    said = tuiswp("diagnose", "runs").out
    assert "Not all could be read:\n  t0001 b: metrics.csv: line 3: 1 cells under 2 columns" in said
    results = tuiswp("results", "runs", "--metric", "loss").out
    assert "unread-metrics: Not all that was logged could be read: t0001 (metrics.csv: " in results
