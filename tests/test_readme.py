"""What the README promises is there: commands, options, exit codes, and its examples run."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tuiswp.cli.main import COMMANDS, main
from tuiswp.errors import ExitCode
from tuiswp.spec.load import load

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text()


def block(language: str, holding: str) -> str:
    """The one fenced block of `language` that contains `holding`."""
    found = [
        text for text in re.findall(rf"```{language}\n(.*?)```", README, re.S) if holding in text
    ]
    assert len(found) == 1
    return str(found[0])


@pytest.fixture
def sweep_file(tmp_path: Path) -> Path:
    path = tmp_path / "sweep.yaml"
    path.write_text(block("yaml", "parameters:"))
    (tmp_path / "train.py").write_text("")
    return path


def test_the_sweep_file_means_what_its_comments_say(sweep_file: Path) -> None:
    sweep = load(sweep_file, cwd=sweep_file.parent)
    assert sweep.baseline == {"lr": 5e-4}
    assert sweep.objective is not None
    assert (sweep.objective.reduce, sweep.objective.window) == ("mean", 10)


def test_the_sweep_file_can_be_checked(
    sweep_file: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(sweep_file.parent)
    assert main(["check", "sweep.yaml"]) == 0
    assert "7 trials" in capsys.readouterr().out


def test_the_reporting_example_writes_a_line(tmp_path: Path) -> None:
    metrics = tmp_path / "metrics.jsonl"
    code = "step, steps, loss = 1, 4, 0.5\n" + block("python", "report.log")
    subprocess.run(
        [sys.executable, "-c", code],
        check=True,
        cwd=ROOT,
        env={"TUISWP_METRICS": str(metrics), "TUISWP_TRIAL_DIR": str(tmp_path)},
    )
    row = json.loads(metrics.read_text())
    assert (row["step"], row["loss"], row["progress"]) == (1, 0.5, 0.25)


def test_every_command_is_in_the_table_and_nothing_else() -> None:
    table = README.partition("## Commands")[2].partition("SWEEP is a sweep file")[0]
    rows = [line.split("|")[1] for line in table.splitlines() if line.startswith("| `tuiswp")]
    named = {word for row in rows for word in re.findall(r"`(?:tuiswp )?([a-z]+)(?= |`)", row)}
    assert named - {"tuiswp"} == set(COMMANDS)


@pytest.mark.parametrize(
    ("command", "option"),
    [("status", "--json"), ("results", "--json"), ("results", "--csv"), ("results", "--markdown"),
     ("results", "--latex"), ("logs", "-f"), ("stop", "--now")],
)  # fmt: skip
def test_every_option_named_exists(
    command: str, option: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([command, "--help"]) == 0
    assert re.search(rf"(?<!\S){option}\b", capsys.readouterr().out)


def test_every_exit_code_is_in_the_table() -> None:
    table = README.partition("**Exit codes**")[2].partition("## When")[0]
    told = {int(code) for code in re.findall(r"^\| (\d+) \|", table, re.M)}
    assert told == {int(code) for code in ExitCode}
