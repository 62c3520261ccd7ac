"""`tuiswp SWEEP` and `--batch` end to end: real processes, in a tmux server of the tests' own."""

import fcntl
import json
import os
import pty
import re
import select
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from tests.cli.conftest import Said
from tuiswp import proc
from tuiswp.controller.client import SweepReader, SweepView

pytestmark = pytest.mark.slow

DEADLINE_S = 60.0
SPEC = """\
name: quick
method: grid
metric: {name: loss, goal: minimize}
parameters:
  lr: {values: [1, 2, 3]}
command: ["/bin/sh", "train.sh", "${lr}"]
tuiswp: {max_parallel: 3, baseline: {lr: 2.5}}
"""
TRAIN = """\
while [ -e hold ]; do sleep 0.05; done
[ "$1" = "$(cat fails 2>/dev/null)" ] && { echo "bad value"; exit 7; }
echo "{\\"step\\": 1, \\"loss\\": $1, \\"progress\\": 1.0}" >> "$TUISWP_METRICS"
"""


@pytest.fixture(autouse=True)
def sweep(here: Path) -> Iterator[None]:
    """A sweep whose trials take no time, or wait while there is a file `hold`."""
    (here / "s.yaml").write_text(SPEC)
    (here / "train.sh").write_text(TRAIN)
    yield
    (here / "hold").unlink(missing_ok=True)
    place = here / "sweeps" / "quick"
    if place.exists():
        view = wait_for(place, lambda view: not view.state.live() or view.controller is None)
        if view.controller is not None and view.word not in ("finished", "stopped"):
            proc.send(view.controller, signal.SIGTERM)
            wait_for(place, lambda view: view.controller is None)


def wait_for(place: Path, is_so: Callable[[SweepView], bool]) -> SweepView:
    """Poll until `is_so(view)`: for an outcome, bounded."""
    deadline = time.monotonic() + DEADLINE_S
    while time.monotonic() < deadline:
        with suppress(Exception):  # the directory is not there yet, or half of it
            view = SweepReader(place).refresh()
            if is_so(view):
                return view
        time.sleep(0.05)
    raise AssertionError("it did not happen in time")


def command(*words: str) -> list[str]:
    return [sys.executable, "-m", "tuiswp.cli.main", *words]


def call(*words: str) -> Said:
    done = subprocess.run(
        command(*words), capture_output=True, text=True, check=False, timeout=DEADLINE_S
    )
    return Said(done.returncode, done.stdout, done.stderr)


def test_a_sweep_runs_to_its_optimum(here: Path) -> None:
    said = call("--batch", "s.yaml")
    assert said.code == 0, said.err
    lines = said.out.splitlines()
    assert lines[0] == (
        "quick: 4 trials, the baseline among them; no GPU here: 3 trials at once in CPU slots"
    )
    assert any(line.startswith("t0001 started on cpu") for line in lines)
    assert any(line.startswith("t0001 done  loss 1.0000  step 1") for line in lines)
    assert "Optimal lr: 1" in said.out or "Optimal LR: 1.00e+00" in said.out
    assert "Improvement over default: 60.00%" in lines
    assert "report.html" in said.out
    assert json.loads((here / "sweeps/quick/best.json").read_text())["lr"] == 1
    assert "\x1b" not in said.out

    again = call("--batch", "s.yaml")  # finished: shown, nothing is run
    assert again.code == 0
    assert "started" not in again.out
    assert "Improvement over default: 60.00%" in again.out


def test_a_failed_trial_is_3_and_told_with_its_last_words(here: Path) -> None:
    (here / "fails").write_text("2")
    said = call("--batch", "s.yaml")
    assert said.code == 3, said.err
    assert "t0002 failed (exit-code): exit 7: bad value" in said.out


def test_no_valid_result_is_4(here: Path) -> None:
    (here / "s.yaml").write_text(SPEC.replace("name: loss", "name: accuracy"))
    said = call("--batch", "s.yaml")
    assert said.code == 4, said.err
    assert "No optimum" in said.out
    assert "it logged loss" in said.out


def test_trials_that_all_fail_at_once_pause_the_sweep_and_say_what_next(here: Path) -> None:
    values = ", ".join(map(str, range(20)))
    (here / "s.yaml").write_text(SPEC.replace("1, 2, 3", values))
    (here / "train.sh").write_text("echo no such module; exit 1\n")
    said = call("--batch", "s.yaml")
    assert said.code == 4, said.err
    # Three are enough; one more may have ended by the time the controller looks.
    assert re.search(r"paused by tuiswp: the first \d+ trials failed alike", said.out)
    assert "`tuiswp resume quick`" in said.out


def test_a_second_controller_is_refused_with_5(here: Path) -> None:
    (here / "hold").touch()
    first = subprocess.Popen(
        command("--batch", "s.yaml"), stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    try:
        wait_for(here / "sweeps/quick", lambda view: len(view.state.live()) == 3)
        said = call("--batch", "s.yaml")
        assert said.code == 5
        assert "another controller holds this sweep" in said.err
    finally:
        (here / "hold").unlink()
        first.communicate(timeout=DEADLINE_S)
    assert first.returncode == 0


def test_ctrl_c_is_130_trials_go_on_and_the_sweep_resumes(here: Path) -> None:
    (here / "hold").touch()
    first = subprocess.Popen(command("--batch", "s.yaml"), stdout=subprocess.PIPE, text=True)
    wait_for(here / "sweeps/quick", lambda view: len(view.state.live()) == 3)
    first.send_signal(signal.SIGINT)
    out, _ = first.communicate(timeout=DEADLINE_S)
    assert first.returncode == 130
    assert "interrupted: 3 running trials go on" in out
    assert call("status", "--json").json["state"] == "orphaned"
    (here / "hold").unlink()
    said = call("--batch", "quick")
    assert said.code == 0, said.err
    assert "goes on: " in said.out
    trials = call("status", "--json").json["trials"]
    assert [trial["attempt"] for trial in trials] == [1, 1, 1, 1]  # none was launched twice


def many_trials(here: Path) -> tuple["subprocess.Popen[bytes]", int]:
    """A run of 41 trials whose stdout is a pipe that is full long before the end."""
    values = ", ".join(map(str, range(40)))
    (here / "s.yaml").write_text(SPEC.replace("1, 2, 3", values))
    reader, writer = os.pipe()
    fcntl.fcntl(writer, fcntl.F_SETPIPE_SZ, 4096)
    run = subprocess.Popen(command("--batch", "s.yaml"), stdout=writer, stderr=subprocess.PIPE)
    os.close(writer)
    return run, reader


def test_a_reader_that_left_does_not_end_the_sweep(here: Path) -> None:
    run, reader = many_trials(here)
    os.close(reader)
    _, err = run.communicate(timeout=DEADLINE_S)
    assert (run.returncode, err) == (0, b"")
    assert len(SweepReader(here / "sweeps/quick").refresh().trials) == 41


def test_a_reader_that_is_slow_holds_up_nothing_and_loses_nothing(here: Path) -> None:
    run, reader = many_trials(here)
    view = wait_for(here / "sweeps/quick", lambda view: view.word == "finished")
    assert len(view.trials) == 41
    with os.fdopen(reader, "rb") as pipe:
        told = pipe.read()
    _, err = run.communicate(timeout=DEADLINE_S)
    assert (run.returncode, err) == (0, b"")
    assert told.count(b" done  loss ") == 41
    assert b"Improvement over default: " in told


class Terminal:
    """A command on a pty of its own."""

    def __init__(self, *words: str) -> None:
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            for number in (signal.SIGINT, signal.SIGQUIT, signal.SIGHUP):
                signal.signal(number, signal.SIG_DFL)  # the tests may run under nohup, or behind &
            with suppress(OSError):
                os.execv(sys.executable, command(*words))
            os._exit(99)
        self.seen = b""

    def read_until(self, words: bytes) -> None:
        deadline = time.monotonic() + DEADLINE_S
        while words not in self.seen:
            assert time.monotonic() < deadline, self.seen[-2000:]
            if not self._read():
                break
        assert words in self.seen, self.seen[-2000:]

    def _read(self) -> bool:
        """Read what is there within a moment; False once the other side is gone."""
        if select.select([self.fd], [], [], 0.1)[0]:
            try:
                self.seen += os.read(self.fd, 65536)
            except OSError:
                return False
        return True

    def wait(self) -> int:
        deadline = time.monotonic() + DEADLINE_S
        while self._read():
            assert time.monotonic() < deadline, self.seen[-2000:]
        _, status = os.waitpid(self.pid, 0)
        os.close(self.fd)
        return os.waitstatus_to_exitcode(status)


def test_following_can_be_left_and_taken_up_again(here: Path) -> None:
    (here / "hold").touch()
    terminal = Terminal("--lines", "s.yaml")
    terminal.read_until(b"3 running")
    os.write(terminal.fd, b"\x03")
    assert terminal.wait() == 0
    assert b"left; the sweep goes on without you" in terminal.seen
    assert call("status", "--json").json["controller"]["alive"] is True

    terminal = Terminal("--lines", "quick")
    terminal.read_until(b"runs already")
    (here / "hold").unlink()
    assert terminal.wait() == 0
    assert b"Improvement over default: 60.00%" in terminal.seen


def test_a_terminal_that_closes_leaves_a_clean_journal(here: Path) -> None:
    (here / "hold").touch()
    terminal = Terminal("--batch", "s.yaml")
    terminal.read_until(b"3 running")
    os.close(terminal.fd)
    _, status = os.waitpid(terminal.pid, 0)
    assert os.waitstatus_to_exitcode(status) == 130
    view = SweepReader(here / "sweeps/quick").refresh()
    assert view.word == "orphaned"
    assert view.state.controller is None  # it said that it stopped


def test_requests_reach_a_live_controller(here: Path) -> None:
    (here / "hold").touch()
    run = subprocess.Popen(command("--batch", "s.yaml"), stdout=subprocess.PIPE, text=True)
    try:
        wait_for(here / "sweeps/quick", lambda view: len(view.state.live()) == 3)
        said = call("kill", "t1", "--now")
        assert (said.code, said.out) == (0, "t0001 is being ended\n")
        wait_for(here / "sweeps/quick", lambda view: view.state.trials[1].state == "killed")
        assert call("explain", "1").out.count("killed-by-user") == 2
        assert "cannot win: it was killed" in call("explain", "1").out
    finally:
        (here / "hold").unlink()
        out, _ = run.communicate(timeout=DEADLINE_S)
    assert run.returncode == 0
    assert "t0001 killed: kill was asked" in out
