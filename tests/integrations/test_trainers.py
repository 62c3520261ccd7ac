"""The Hugging Face Trainer and Lightning, for real: what they log, and how they leave when asked.

Each is stopped as a supervisor stops it, by a TERM to its process group, a loader of data in there.
"""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from tests.end_to_end.harness import wait_for
from tests.integrations.scripts import HUGGINGFACE, LIGHTNING, script
from tuiswp.report import STOPPED

# torch loads slowly where others compute: the times are only there to end what hangs.
pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

ROOT = Path(__file__).parents[2]
SCRIPTS = {"huggingface": HUGGINGFACE, "lightning": LIGHTNING}
MANY, FEW = 100_000, 12


class Trial:
    """One directory with one script, run as a trial."""

    def __init__(self, directory: Path, text: str) -> None:
        self.directory, self.text = directory, text

    def start(self, *, steps: int) -> "subprocess.Popen[str]":
        (self.directory / "train.py").write_text(script(self.text, steps=steps))
        own = {"TUISWP_TRIAL_DIR": str(self.directory), "PYTHONPATH": str(ROOT)}
        return subprocess.Popen(
            [sys.executable, "train.py"],
            cwd=self.directory,
            env=os.environ | own | {"OMP_NUM_THREADS": "1"},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )

    def rows(self) -> list[dict[str, Any]]:
        file = self.directory / "metrics.jsonl"
        lines = file.read_text().splitlines() if file.exists() else []
        return [json.loads(line) for line in lines]


class Story(NamedTuple):
    """A training that was asked to stop, and the same script once more, to its end."""

    trial: Trial
    stopped: tuple[int, str]
    before: list[dict[str, Any]]
    resumed: tuple[int, str]
    after: list[dict[str, Any]]


def finish(process: "subprocess.Popen[str]") -> tuple[int, str]:
    try:
        out, _ = process.communicate(timeout=200)
    finally:
        process.kill()
    return process.returncode, out


def is_under_way(trial: Trial, process: "subprocess.Popen[str]") -> bool:
    assert process.poll() is None, finish(process)
    return any("eval" in key for row in trial.rows() for key in row)


def stop_and_resume(trial: Trial) -> Story:
    process = trial.start(steps=MANY)
    wait_for(lambda: is_under_way(trial, process), timeout=200)
    os.killpg(process.pid, signal.SIGTERM)
    stopped = finish(process)
    before = trial.rows()
    steps = int(before[-1]["step"]) + FEW
    resumed = finish(trial.start(steps=steps))
    return Story(trial, stopped, before, resumed, trial.rows()[len(before) :])


@pytest.fixture(scope="module")
def stories(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Future[Story]]]:
    """Both side by side: most of their time is spent in loading the libraries."""
    with ThreadPoolExecutor() as pool:
        yield {
            name: pool.submit(stop_and_resume, Trial(tmp_path_factory.mktemp(name), text))
            for name, text in SCRIPTS.items()
        }


@pytest.fixture(params=SCRIPTS)
def story(request: pytest.FixtureRequest, stories: dict[str, Future[Story]]) -> Story:
    return stories[request.param].result()


def test_it_logs_losses_by_step_with_epoch_and_progress(story: Story) -> None:
    names = {name for row in story.before for name in row}
    assert {"step", "epoch", "progress", "_timestamp"} <= names
    assert any("eval" in name and "loss" in name for name in names)
    trained = [row for row in story.before if {"loss", "train/loss"} & set(row)]
    assert len(trained) > 3
    steps = [row["step"] for row in trained]
    assert steps == sorted(set(steps))
    assert all(0 < row["progress"] < 1 for row in trained)


def test_asked_to_stop_it_saves_and_leaves_with_143(story: Story) -> None:
    code, out = story.stopped
    assert code == STOPPED == 143, out
    assert "asked to stop: saved after step" in out
    assert "trained to the end" not in out
    assert "Traceback" not in out


def test_the_same_script_goes_on_from_there_to_its_end(story: Story) -> None:
    code, out = story.resumed
    assert code == 0, out
    assert "trained to the end" in out
    saved = int(story.stopped[1].rpartition("saved after step ")[2].split()[0])
    assert story.after[0]["step"] >= saved
    assert story.after[-1]["progress"] == 1.0
    assert not (story.trial.directory / "stopped.ckpt").exists()


def test_nothing_is_loaded_before_it_is_used() -> None:
    code = (
        "import sys, tuiswp.integrations\n"
        "assert not {'torch', 'transformers', 'lightning'} & set(sys.modules)\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True, cwd=ROOT, timeout=60)
