"""Sweeps from Python: the example of docs/python.md for real, and what a call returns or raises."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

import tuiswp
from tests.cli.world import run_folder
from tests.end_to_end.harness import wait_for
from tuiswp.errors import NoResult, SpecErrors, SweepPaused, UsageError

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[1]
DOCS = (ROOT / "docs/python.md").read_text()
HELD = "while [ -e hold ]; do sleep 0.05; done; "
REPORTS = 'echo "{\\"step\\": 1, \\"loss\\": $0, \\"progress\\": 1.0}" >> "$TUISWP_METRICS"'


def block(holding: str) -> str:
    found = [text for text in re.findall(r"```python\n(.*?)```", DOCS, re.S) if holding in text]
    assert len(found) == 1
    return str(found[0])


class Example(NamedTuple):
    """What running the example printed, and where."""

    out: str
    directory: Path


@pytest.fixture(scope="module")
def example(tmp_path_factory: pytest.TempPathFactory) -> Example:
    directory = tmp_path_factory.mktemp("docs")
    (directory / "train.py").write_text(block("argparse"))
    (directory / "sweep.py").write_text(block("run_sweep("))
    done = subprocess.run(
        [sys.executable, "sweep.py"],
        cwd=directory,
        capture_output=True,
        text=True,
        timeout=90,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
    )
    assert done.returncode == 0, done.stderr
    return Example(done.stdout, directory)


def test_the_example_finds_the_best(example: Example) -> None:
    first, *table = example.out.splitlines()
    trial, lr, value = first.split()
    assert (trial, float(lr)) == ("t0002", 0.3)
    assert 0 <= float(value) < 1e-6
    assert [line.split()[1] for line in table[1:]] == ["t0002", "t0001", "t0000", "t0003"]


def test_the_best_configuration_is_where_it_is_said_to_be(
    example: Example, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(example.directory)
    again = tuiswp.run_sweep(
        {"method": "grid", "program": "train.py", "metric": {"name": "loss", "goal": "minimize"}},
        parameters={"lr": [0.01, 0.1, 0.3, 1.1], "steps": 20},
        name="parabola",
    )  # it is over: what it found, at once
    assert again["best_config"] == json.loads(Path(again["best_config_path"]).read_text())
    assert again["best_config"]["lr"] == 0.3
    assert again["sweep_id"] == "parabola"
    assert (again["metric_name"], again["metric_goal"]) == ("loss", "minimize")
    assert set(again) == set(tuiswp.SweepResult.__annotations__)


def test_the_table_has_the_columns_and_types_it_is_said_to_have(example: Example) -> None:
    table = tuiswp.collect(example.directory / "sweeps" / "parabola")
    kinds = {name: str(kind) for name, kind in table.dtypes.items()}
    assert (kinds["lr"], kinds["steps"], kinds["value"]) == ("float64", "int64", "float64")
    said = DOCS.partition("### The table")[2].partition("\n## ")[0]
    for cells in re.findall(r"^\| (`.*?) \| (\w+) \|", said, re.M):
        for column in re.findall(r"`(\w+)`", cells[0]):
            assert kinds.pop(column) == cells[1], column
    assert set(kinds) == {"lr", "steps"}


def test_a_folder_of_foreign_runs_is_a_table_too(tmp_path: Path) -> None:
    table = tuiswp.collect(run_folder(tmp_path))
    assert list(table["learning_rate"]) == [1e-4, 1e-3, 1e-2]
    assert str(table["learning_rate"].dtype) == "float64"
    assert table.loc[table["rank"] == 1, "learning_rate"].item() == 1e-3


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"sweep": 5}, "sweep is a sweep file, or a mapping of what would be in one, not of type"),
        ({"parameters": ["lr"]}, "parameters is a mapping, not of type list"),
        ({"command": "python train.py"}, "command is a list, not of type str"),
        ({"name": 5}, "name is a text, not of type int"),
        ({"name": "a\0b"}, "name holds a NUL character"),
        ({"directory": 5}, "directory is a path, not of type int"),
    ],
)
def test_an_argument_of_a_wrong_type_is_told_by_its_name(given: dict[str, Any], said: str) -> None:
    with pytest.raises(UsageError, match=said):
        tuiswp.start_sweep(**{"sweep": {}, "method": "grid", "parameters": {"x": [1]}, **given})


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.chdir(tmp_path)
    yield tmp_path
    (tmp_path / "hold").unlink(missing_ok=True)


def start(command: str, **more: object) -> tuiswp.SweepHandle:
    return tuiswp.start_sweep(
        {"tuiswp": {"max_parallel": 1}},
        method="grid",
        parameters={"x": [1, 2]},
        command=["/bin/sh", "-c", command, "${x}"],
        metric="loss",
        name="held",
        **more,  # type: ignore[arg-type]
    )


def test_a_handle_polls_waits_and_stops(here: Path) -> None:
    (here / "hold").touch()
    handle = start(HELD + REPORTS)
    assert handle.poll() == "running"
    with pytest.raises(TimeoutError, match="the sweep is running after"):
        handle.wait(0.1)
    with pytest.raises(NoResult, match="there is no best trial"):
        handle.result()
    assert start(HELD + REPORTS).poll() == "running"  # the same again is the same sweep
    wait_for(lambda: bool(list(handle.results()["state"] == "running")))
    handle.stop()
    (here / "hold").unlink()
    assert handle.wait(60)["best_config"]["x"] == 1
    assert tuiswp.SweepHandle("sweeps/held").poll() == handle.poll() == "stopped"
    assert len(handle.results()) == 1  # the second was never started


def test_a_sweep_whose_trials_all_fail_alike_says_what_they_said(here: Path) -> None:
    with pytest.raises((NoResult, SweepPaused)) as failed:
        start("echo no module named torch; exit 3", count=2).wait(60)
    assert "no module named torch" in str(failed.value)


def test_a_space_that_is_not_the_one_of_the_sweep_is_refused(example: Example) -> None:
    place = example.directory / "sweeps" / "parabola"
    with pytest.raises(UsageError, match="already holds a sweep over another search space"):
        tuiswp.start_sweep(
            method="grid", parameters={"lr": [5]}, program=str(example.directory / "train.py"),
            metric="loss", directory=place,
        )  # fmt: skip


def test_what_is_missing_is_said_in_the_words_of_the_call(here: Path) -> None:
    with pytest.raises(UsageError, match="no sweep file and no parameters and no method"):
        tuiswp.run_sweep()
    with pytest.raises(SpecErrors, match=r"nowhere\.yaml: does not exist"):
        tuiswp.run_sweep("nowhere.yaml")
    with pytest.raises(SpecErrors, match=r"test_|pytest|notebook|__main__"):
        tuiswp.run_sweep({"method": "gird"}, parameters={"x": [1]})
    with pytest.raises(UsageError, match="is a directory, not a sweep file"):
        tuiswp.run_sweep(here)
    assert list(here.iterdir()) == []  # refused before anything was made


def test_flags_of_the_command_line_win_over_the_file(here: Path) -> None:
    (here / "s.yaml").write_text(
        "method: grid\nmetric: {name: loss, goal: minimize}\n"
        "parameters: {x: {values: [1, 2, 3]}, model: {values: [a, b]}}\n"
        f"command: [/bin/sh, -c, {json.dumps(REPORTS)}, '${{x}}']\n"
    )
    done = subprocess.run(
        [sys.executable, "-m", "tuiswp.cli.main", "--batch", "s.yaml", "--fix", "model=a",
         "--count", "2", "--goal", "maximize", "--dir", "out"],
        capture_output=True, text=True, timeout=90, env=os.environ | {"PYTHONPATH": str(ROOT)},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    table = tuiswp.collect("out")
    assert list(table["x"]) == [1, 2]
    assert set(table["model"]) == {"a"}
    assert table.loc[table["rank"] == 1, "x"].item() == 2
    assert "value: a" in (here / "out/sweep.yaml").read_text()


def test_the_root_has_its_names_and_loads_nothing_for_them() -> None:
    code = (
        "import sys, tuiswp\n"
        "assert not {'msgspec', 'pandas', 'optuna', 'textual', 'torch'} & set(sys.modules)\n"
        "assert 'run_sweep' in dir(tuiswp)\n"
        "tuiswp.report.log, tuiswp.report.should_stop\n"
        "assert 'msgspec' not in sys.modules\n"
        "tuiswp.run_sweep, tuiswp.start_sweep, tuiswp.collect, tuiswp.TuiswpError\n"
        "assert not {'pandas', 'optuna', 'textual', 'torch'} & set(sys.modules)\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True, cwd=ROOT, timeout=60)
    with pytest.raises(AttributeError, match="no attribute 'run_swep'"):
        tuiswp.run_swep  # type: ignore[attr-defined]  # noqa: B018
