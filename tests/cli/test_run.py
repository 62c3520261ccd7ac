"""`--batch` where nothing is launched: what is refused first, and how a fault of ours is said."""

from pathlib import Path

import pytest

from tests.cli.conftest import Tuiswp
from tests.cli.world import SPEC, finished, run_folder
from tuiswp.cli import plain
from tuiswp.controller import opening
from tuiswp.controller.directory import SweepDirectory
from tuiswp.controller.reducer import SweepState
from tuiswp.errors import ExitCode, LauncherError
from tuiswp.spec.load import load


def test_another_search_space_under_the_same_name_is_refused(tuiswp: Tuiswp, here: Path) -> None:
    finished(here / "sweeps" / "lr")
    (here / "s.yaml").write_text(SPEC.replace("1e-2]", "1e-2, 1e-1]"))
    said = tuiswp("--batch", "s.yaml")
    assert said.code == ExitCode.USAGE
    assert "another search space" in said.err
    assert "--name NAME" in said.err


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["--batch", "runs"], "there is nothing to run"),
        (["--batch", "--name", "x", "lr"], "--goal and --fix go with a sweep file"),
        (["--batch", "--fix", "lr=1", "lr"], "--goal and --fix go with a sweep file"),
        (["--batch", "--fix", "lr", "bad.yaml"], "write --fix name=value"),
        (["--batch", "bad.yaml"], "bad.yaml:1"),
        (["--batch", "noprogram.yaml"], "gone.py"),
    ],
)
def test_what_cannot_run_is_refused_before_anything_is_made(
    tuiswp: Tuiswp, here: Path, words: list[str], says: str
) -> None:
    run_folder(here / "runs")
    (here / "bad.yaml").write_text("method: gird\nparameters: {lr: {values: [1, 2]}}\n")
    (here / "noprogram.yaml").write_text(
        "method: grid\nname: n\nprogram: gone.py\nmetric: {name: loss}\n"
        "parameters: {lr: {values: [1, 2]}}\n"
    )
    said = tuiswp(*words)
    assert said.code == ExitCode.USAGE
    assert says in said.err
    assert not (here / "sweeps").exists()


@pytest.mark.parametrize(("name", "mode"), [("others", 0o755), ("a b", 0o700), ("x;y", 0o700)])
def test_a_runtime_directory_that_cannot_be_used_is_refused_before_anything_is_made(
    tuiswp: Tuiswp, here: Path, monkeypatch: pytest.MonkeyPatch, name: str, mode: int
) -> None:
    (here / name).mkdir()
    (here / name).chmod(mode)
    monkeypatch.setenv("TUISWP_RUNTIME_DIR", str(here / name))
    (here / "s.yaml").write_text(SPEC)
    said = tuiswp("--batch", "s.yaml")
    assert said.code == ExitCode.USAGE
    assert name in said.err
    assert not (here / "sweeps").exists()


def test_a_machine_that_cannot_launch_is_said_without_a_traceback(
    tuiswp: Tuiswp, here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(directory: SweepDirectory, *, batch: bool) -> ExitCode:
        raise LauncherError("tmux is not installed", hint="install it")

    monkeypatch.setattr(opening, "run_controller", refuse)
    (here / "s.yaml").write_text(SPEC)
    said = tuiswp("--batch", "s.yaml")
    assert said.code == ExitCode.FAULT
    assert said.err == "tuiswp: error: tmux is not installed; install it\n"


def test_a_fault_of_ours_names_the_log(
    tuiswp: Tuiswp, here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fault(directory: SweepDirectory, *, batch: bool) -> ExitCode:
        raise RuntimeError("a fault")

    monkeypatch.setattr(opening, "run_controller", fault)
    (here / "s.yaml").write_text(SPEC)
    said = tuiswp("--batch", "--name", "mine", "s.yaml")
    assert said.code == ExitCode.FAULT
    assert "RuntimeError: a fault" in said.err
    assert f"log: {here / 'sweeps' / 'mine' / 'controller.log'}" in said.err


def test_the_first_lines_say_what_will_run_and_what_is_doubtful(
    tuiswp: Tuiswp, here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(opening, "run_controller", lambda place, batch: ExitCode.INTERRUPTED)
    (here / "s.yaml").write_text(SPEC.replace("1e-4, 1e-3, 1e-2", "1e-3, 2e-3, 3e-3"))
    said = tuiswp("--batch", "s.yaml")
    assert said.code == ExitCode.INTERRUPTED
    lines = said.out.splitlines()
    assert lines[0] == (
        "lr: 4 trials, the baseline among them; no GPU here: 2 trials at once in CPU slots"
    )
    assert lines[1] == "grid over lr (1e-3, 2e-3, 3e-3); minimize loss"
    assert lines[2] == "everything is kept in sweeps/lr"
    assert any(line.startswith("warning narrow-range: ") for line in lines)
    assert "resume with `tuiswp lr` or `tuiswp --batch lr`" in said.out


def test_the_controller_process_is_the_controller(
    tuiswp: Tuiswp, here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ran: list[tuple[Path, bool]] = []

    def run(directory: SweepDirectory, *, batch: bool) -> ExitCode:
        ran.append((directory.root, batch))
        return ExitCode.SOME_FAILED

    monkeypatch.setattr(opening, "run_controller", run)
    assert tuiswp("_controller", str(here / "x")).code == ExitCode.SOME_FAILED
    assert ran == [(here / "x", False)]


def test_a_run_begins_with_the_doubts_about_its_script(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (here / "own.py").write_text("import wandb\nwandb.agent(wandb.sweep({}))\n")
    (here / "s.yaml").write_text(
        "method: grid\nprogram: own.py\nmetric: {name: loss, goal: minimize}\n"
        "parameters: {lr: {values: [1e-3, 1e-1]}}\n"
    )
    sweep = load(here / "s.yaml")
    plain._introduce(SweepDirectory(here / "sweeps" / "s"), sweep, SweepState(name="s"), [])
    said = capsys.readouterr().out
    assert "note: own.py itself calls wandb.agent (line 2)" in said
    assert "would start a W&B sweep of its own" in said
