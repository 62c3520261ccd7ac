"""`tuiswp init` on scripts as people have them: the file that comes out, and how it can fail."""

import re
import shutil
import sys
from pathlib import Path

import pytest

from tests.cli.conftest import Tuiswp
from tests.scripts.recorded import TRAINERS
from tests.terminals import Terminal
from tuiswp.errors import ExitCode
from tuiswp.spec.load import load
from tuiswp.spec.params import swept

pytestmark = pytest.mark.slow
ROOT = Path(__file__).parents[2]


@pytest.fixture
def train(here: Path) -> Path:
    shutil.copy(TRAINERS / "with_argparse.py", here / "train.py")
    return here / "train.py"


def script(here: Path, text: str) -> None:
    (here / "train.py").write_text(text)


INIT = ("init", "--yes", "--seconds", "100", "--", sys.executable, "train.py")


def test_a_script_becomes_a_sweep_file_that_check_accepts(
    tuiswp: Tuiswp, train: Path, here: Path
) -> None:
    said = tuiswp(*INIT, "--epochs", "5", "--dropout", "0.2")
    assert said.code == ExitCode.OK, said.err
    sweep = load(here / "sweep.yaml")
    # Defaults stand in no help text: they come from the script; one is given in the command.
    assert sweep.baseline == {"lr": 1e-3, "batch-size": 32, "weight_decay": 0.0, "dropout": 0.2}
    assert list(sweep.run.command) == [
        sys.executable, "train.py", "--epochs", "5", "--out=${trial_dir}/out", "${args}",
    ]  # fmt: skip
    assert sweep.objective is not None
    assert (sweep.objective.metric, sweep.objective.goal) == ("eval_acc", "maximize")
    text = (here / "sweep.yaml").read_text()
    assert "defaults from the text of train.py" in text
    assert "probe, to its end: logs loss, eval_acc, lr (metrics.jsonl)" in text
    assert not (here / "out").exists()
    assert tuiswp("check", "sweep.yaml").code == ExitCode.OK


def test_the_sweep_that_was_written_runs(tuiswp: Tuiswp, train: Path, here: Path) -> None:
    assert tuiswp(*INIT).code == ExitCode.OK
    file = here / "sweep.yaml"
    done = tuiswp("check", "sweep.yaml")
    assert done.code == ExitCode.OK
    assert f"--out={here}/sweeps/train/trials/t0000/out --lr=1e-3" in done.out.replace("\n", " ")
    assert next(one.name for one in swept(load(file))) == "lr"


def test_a_file_that_exists_is_not_written_over(tuiswp: Tuiswp, train: Path, here: Path) -> None:
    (here / "sweep.yaml").write_text("mine")
    said = tuiswp(*INIT)
    assert said.code == ExitCode.USAGE
    assert "exists, and is not written over" in said.err
    assert (here / "sweep.yaml").read_text() == "mine"
    assert tuiswp("init", "--no-probe", "--force", *INIT[1:]).code == ExitCode.OK
    assert "lr:" in (here / "sweep.yaml").read_text()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ((), "no command is given"),
        (("--", "python", "missing.py"), "missing.py: does not exist"),
        (("--", "no-such-python", "-m", "x"), "is no program that is found in PATH"),
        (("--seconds", "0", "--", "python"), "--seconds 0 is not in 0 to 3600"),
    ],
)
def test_a_call_that_cannot_be_meant_is_one_line_and_writes_nothing(
    tuiswp: Tuiswp, here: Path, words: tuple[str, ...], said: str
) -> None:
    done = tuiswp("init", "--yes", *words)
    assert done.code == ExitCode.USAGE
    assert said in done.err
    assert done.err.count("\n") == 1
    assert not (here / "sweep.yaml").exists()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("import sys; sys.exit('no GPU here')", "its --help ended with exit code 1: no GPU here"),
        ("print('training')", "its --help lists no options that can be read"),
        ("", "its --help prints nothing that can be read"),
        ("print('\\x1b]52;c;x\\x07'); raise SystemExit('\\x1b[2J')", "exit code 1: ␛[2J"),
    ],
    ids=["fails", "prints", "silent", "hostile"],
)
def test_a_script_that_tells_nothing_leaves_a_file_to_fill_in(
    tuiswp: Tuiswp, here: Path, text: str, said: str
) -> None:
    script(here, text)
    done = tuiswp(*INIT)
    assert done.code == ExitCode.USAGE
    assert said in done.err
    assert "a file with the command alone was written" in done.err
    assert "\x1b" not in done.out + done.err
    written = (here / "sweep.yaml").read_text()
    assert "\x1b" not in written
    assert "train.py" in written
    assert "fill in" not in tuiswp("check", "sweep.yaml").out
    # With the line that is there as a comment it is a sweep file.
    (here / "sweep.yaml").write_text(
        written.replace("# parameters:", "parameters:").replace("#   lr", "  lr")
    )
    assert tuiswp("check", "sweep.yaml").code == ExitCode.OK


def test_a_help_that_hangs_is_ended_and_the_text_of_the_script_is_read(
    tuiswp: Tuiswp, here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tuiswp.scripts.running.GRACE_S", 0.2)
    declared = "p.add_argument('--lr', type=float, default=0.01)"
    script(
        here,
        "import argparse, signal, time\n"
        "signal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
        f"p = argparse.ArgumentParser(add_help=False)\n{declared}\ntime.sleep(600)\n",
    )
    done = tuiswp("init", "--yes", "--no-probe", "--seconds", "0.5", *INIT[4:])
    assert done.code == ExitCode.OK
    assert "its --help did not end within" in done.err
    assert load(here / "sweep.yaml").baseline == {"lr": 0.01}


def test_a_probe_that_fails_is_said_and_the_file_is_written(
    tuiswp: Tuiswp, train: Path, here: Path
) -> None:
    done = tuiswp(*INIT, "--epochs", "0", "--lr", "x")
    assert done.code == ExitCode.OK
    assert "the probe: it ended with exit code 2" in done.err
    text = (here / "sweep.yaml").read_text()
    assert "# note: the probe: it ended with exit code 2" in text


def test_the_time_of_a_step_and_of_a_trial_is_told(tuiswp: Tuiswp, train: Path, here: Path) -> None:
    done = tuiswp(*INIT, "--seconds", "0.2", "--epochs", "10")
    assert done.code == ExitCode.OK, done.err
    text = (here / "sweep.yaml").read_text()
    assert re.search(
        r"^# time: [0-9.]+ s a step, about [0-9.]+ (s|min) a trial$", text, re.MULTILINE
    )
    assert re.search(r"^# memory: [0-9.]+ [MG]iB of RAM", text, re.MULTILINE)
    assert re.search(r"^# together: 59 × [0-9.]+ (s|min) = ", text, re.MULTILINE)


def test_somebody_at_a_terminal_is_asked(train: Path, here: Path) -> None:
    argv = [sys.executable, "-m", "tuiswp.cli.main", "init", "--", sys.executable, "train.py"]
    with Terminal(argv, cwd=here, env={"PYTHONPATH": str(ROOT)}) as terminal:
        for question, answer in (
            ("Run it now", "y"), ("Which to sweep?", "9"), ("please name numbers", "1 2"),
            ("Which metric decides?", "eval_acc"),
        ):  # fmt: skip
            terminal.until(question, timeout=90)
            terminal.type(f"{answer}\r")
        terminal.until("wrote sweep.yaml")
    sweep = load(here / "sweep.yaml")
    assert sweep.objective is not None
    assert (sweep.objective.metric, sweep.objective.goal) == ("eval_acc", "maximize")
    assert [one.name for one in swept(sweep)] == ["lr", "batch-size"]
