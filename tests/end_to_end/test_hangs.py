"""Trainings that really hang, each in its own way, under a real controller in real tmux.

One sweep for all: what it said and left is looked at from several sides.
"""

import json
import os
import shutil
import signal
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.end_to_end.harness import kill_trials_of, running, state_of, tuiswp, wait_for
from tuiswp.controller.journal import read
from tuiswp.controller.opening import place_for
from tuiswp.launchers.stacks import find_py_spy
from tuiswp.model.events import TrialMoving, TrialSilent
from tuiswp.model.trial import Running, Trial

pytestmark = [pytest.mark.slow, pytest.mark.timeout(120)]

HOW = ["sleeps", "deadlocks", "spins", "stops", "asks", "evaluates"]
TRAIN = """\
import json, os, signal, sys, threading, time


def wait_for_the_other_lock():
    lock = threading.Lock()
    lock.acquire()
    lock.acquire()


def spin_for_ever():
    while True:
        pass


def hang(how):
    if how == "sleeps":
        time.sleep(10_000)
    elif how == "deadlocks":
        wait_for_the_other_lock()
    elif how == "spins":
        spin_for_ever()
    elif how == "stops":
        os.kill(os.getpid(), signal.SIGSTOP)
    elif how == "asks":
        input("which one? ")


how = sys.argv[1].partition("=")[2]
for step in range(100_000):
    with open(os.environ["TUISWP_METRICS"], "a") as file:
        file.write(json.dumps({"step": step, "loss": 1.0}) + chr(10))
    time.sleep(0.1)
    if step == 20:
        hang(how)
    if how == "evaluates" and step % 15 == 14:
        time.sleep(1.5)
"""
SWEEP = """\
name: hangs
program: train.py
method: grid
metric: {{name: loss, goal: minimize}}
parameters: {{how: {{values: {how}}}}}
command: [{python}, "${{program}}", "${{args}}"]
tuiswp: {{max_parallel: 6, grace_s: 1, hang: {{after: 2s}}}}
"""


class Watched:
    """The sweep, while its controller runs."""

    def __init__(self, folder: Path, directory: Path) -> None:
        self.folder, self.directory = folder, directory

    def trial(self, how: str) -> Trial:
        return state_of(self.directory).trials[HOW.index(how)]

    def facts(self, how: str) -> list[str]:
        found: list[str] = []
        for record in read(self.directory / "journal.jsonl").records:
            event = record.event
            if isinstance(event, TrialSilent | TrialMoving) and event.trial == HOW.index(how):
                found.append(event.kind if isinstance(event, TrialSilent) else "moves")
        return found

    def rows(self, how: str) -> int:
        path = self.directory / f"trials/t{HOW.index(how):04d}/metrics.jsonl"
        return path.read_text().count("\n") if path.exists() else 0

    def attempt(self, how: str) -> Path:
        return self.directory / f"trials/t{HOW.index(how):04d}/attempts/1"


@pytest.fixture(scope="module")
def watched(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Watched]:
    folder = tmp_path_factory.mktemp("hangs")
    (folder / "train.py").write_text(TRAIN)
    source = folder / "sweep.yaml"
    source.write_text(SWEEP.format(how=json.dumps(HOW), python=json.dumps(sys.executable)))
    before = Path.cwd()
    os.chdir(folder)
    try:
        directory = place_for(source, name=None, directory=None).root
        with running("--batch", source, cwd=folder) as batch:
            made = Watched(folder, directory)
            wait_for(lambda: made.rows("evaluates") > 5, what="no trial started")
            batch.send_signal(signal.SIGSTOP)  # for longer than anybody may be silent
            wait_for(lambda: made.rows("evaluates") > 40)
            batch.send_signal(signal.SIGCONT)
            silent = HOW[:-1]
            wait_for(
                lambda: directory.exists() and all(made.facts(how) for how in silent),
                timeout=90,
                what="not every silence was told",
            )
            yield made
    finally:
        kill_trials_of(directory)
        os.chdir(before)


def test_each_silence_is_told_as_what_it_is(watched: Watched) -> None:
    kinds = {how: watched.facts(how)[:1] for how in HOW}
    assert kinds == {
        "sleeps": ["hang"], "deadlocks": ["hang"], "spins": ["busy"], "stops": ["stopped"],
        "asks": ["input"], "evaluates": [],
    }  # fmt: skip
    said = tuiswp("status", "--json", watched.directory, cwd=watched.folder)
    silent = {one["params"]["how"]: one["silent"] for one in json.loads(said.stdout)["trials"]}
    assert silent["evaluates"] is None
    assert "used no CPU" in silent["sleeps"]["evidence"]
    assert "of a core" in silent["spins"]["evidence"]
    assert "waits for input on its terminal" in silent["asks"]["evidence"]
    assert "`kill -CONT " in silent["stops"]["evidence"]
    plain = tuiswp("status", watched.directory, cwd=watched.folder).stdout
    assert "running, hangs" in plain and "works and reports nothing" in plain


@pytest.mark.skipif(find_py_spy() is None, reason="py-spy is not installed here")
def test_a_deadlock_is_told_with_the_function_it_stands_in(watched: Watched) -> None:
    kept = watched.attempt("deadlocks") / "stack.txt"
    if "py-spy may not look" in kept.read_text():
        pytest.skip("this machine lets nobody look at a process: " + kept.read_text())
    assert "wait_for_the_other_lock" in kept.read_text()
    assert kept.stat().st_mode & 0o777 == 0o600
    silent = watched.trial("deadlocks").silent
    assert silent is not None and silent.where.startswith("wait_for_the_other_lock (train.py:")
    said = tuiswp("explain", watched.directory, "t1", cwd=watched.folder).stdout
    assert said.count("wait_for_the_other_lock") == 2
    assert "spin_for_ever" in (watched.attempt("spins") / "stack.txt").read_text()


def test_one_that_was_stopped_and_is_let_go_on_is_told_to_go_on(watched: Watched) -> None:
    status = watched.trial("stops").status
    assert isinstance(status, Running)
    os.kill(status.training.pid, signal.SIGCONT)
    wait_for(lambda: watched.facts("stops") == ["stopped", "moves"])


def test_nothing_was_done_to_any_of_them(watched: Watched) -> None:
    assert {watched.trial(how).state for how in HOW} == {"running"}
    assert all(watched.trial(how).kill is None for how in HOW)


@pytest.fixture
def one_hang(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], Path]:
    monkeypatch.chdir(tmp_path)

    def made(more: str) -> Path:
        (tmp_path / "train.py").write_text(TRAIN)
        source = tmp_path / "sweep.yaml"
        text = SWEEP.format(how='["sleeps"]', python=json.dumps(sys.executable))
        source.write_text(text.replace("after: 2s", more))
        return source

    return made


def test_a_file_that_says_so_has_a_hang_ended_and_told_as_its_cause(
    one_hang: Callable[[str], Path], tmp_path: Path
) -> None:
    source = one_hang("after: 2s, action: kill}, retries: 0, notify: {command: [cp, /dev/null, x]")
    run = tuiswp("--batch", source, cwd=tmp_path)
    assert run.returncode == 4, run.stdout + run.stderr
    assert "t0000 failed (hang)" in run.stdout
    assert "is being ended: hang: silent for" in run.stdout
    assert (tmp_path / "x").exists(), "nobody was told"
    shutil.rmtree(tmp_path / "sweeps")
