"""Each file of a sweep is replaced by what is no file, or no sense: every command still answers.

A command runs in a forked process that an alarm ends, so that waiting for ever is a failure.
"""

import os
import shutil
import signal
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.faults import world
from tuiswp.cli.main import main
from tuiswp.errors import LauncherError
from tuiswp.launchers.attempt import write_spec
from tuiswp.launchers.base import Job

pytestmark = pytest.mark.slow

PATIENCE_S = 60
OWN = ("sweep.yaml", "journal.jsonl", "owner.json", "provenance.json", "prior.json", "best.json")
TRIALS = (
    "params.json", "metrics.jsonl", "metrics_from.json", "attempts/1/spec.json",
    "attempts/1/start.json", "attempts/1/exit.json", "attempts/1/output.log",
)  # fmt: skip
FILES = (*OWN, *(f"trials/t0001/{name}" for name in TRIALS))
COMMANDS = {
    "status": ("status",),
    "results": ("results",),
    "verify": ("verify",),
    "explain": ("explain",),
    "explain a trial": ("explain", "1"),
    "logs": ("logs", "1"),
    "check": ("check",),
    "diagnose": ("diagnose",),
}
KINDS: dict[str, Callable[[Path], object]] = {
    "fifo": os.mkfifo,
    "endless": lambda path: path.symlink_to("/dev/zero"),
    "loop": lambda path: path.symlink_to(path.name),
    "directory": lambda path: path.mkdir(),
    "nothing": lambda path: None,
    "empty": lambda path: path.touch(),
    "junk": lambda path: path.write_bytes(b"\xff\x00{[\x1b]0;x\x07\n" * 50),
    "deep": lambda path: path.write_bytes(b"[" * 100_000),
}


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return world.ran(tmp_path_factory.mktemp("ran")).root


def answer(words: tuple[str, ...], said: Path) -> int:
    """The exit code of a command; negative if it had to be ended. What it printed is in `said`."""
    pid = os.fork()
    if pid == 0:
        code = 99
        try:
            signal.signal(signal.SIGALRM, signal.SIG_DFL)
            signal.setitimer(signal.ITIMER_REAL, PATIENCE_S)
            with said.open("w") as file:
                sys.stdout = sys.stderr = file
                code = main(words)
        finally:
            os._exit(code)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def check(ran: Path, folder: Path, name: str, kind: str, command: str) -> None:
    place = folder / "copy"
    shutil.copytree(ran, place)
    if not (place / name).exists():
        (place / name).touch()
    (place / name).unlink()
    KINDS[kind](place / name)
    verb, *rest = COMMANDS[command]
    code = answer((verb, str(place), *rest), folder / "said")
    said = (folder / "said").read_text()
    assert code in (0, 1, 2, 3, 4), f"{command}, {name} is {kind}: {code}"
    assert "fault of tuiswp" not in said, f"{command}, {name} is {kind}: {said}"
    assert "\x1b" not in said
    shutil.rmtree(place)


def test_no_fifo_in_place_of_a_file_holds_a_command_up(ran: Path, tmp_path: Path) -> None:
    for name in FILES:
        for command in ("status", "verify"):
            check(ran, tmp_path, name, "fifo", command)


@pytest.mark.faults
@pytest.mark.timeout(900)
@pytest.mark.parametrize("kind", KINDS)
def test_whatever_any_file_is_replaced_by_every_command_answers(
    ran: Path, tmp_path: Path, kind: str
) -> None:
    for name in FILES:
        for command in COMMANDS:
            check(ran, tmp_path, name, kind, command)


@pytest.mark.parametrize("kind", ["fifo", "endless", "loop", "directory"])
def test_a_spec_that_a_training_laid_out_beforehand_holds_no_launch_up(
    tmp_path: Path, kind: str
) -> None:
    """A trial can write where its next attempt will be."""
    KINDS[kind](tmp_path / "spec.json")
    job = Job("t0001.2", "0" * 32, ("true",), "/", {}, str(tmp_path), str(tmp_path))
    pid = os.fork()
    if pid == 0:
        code = 99
        try:
            signal.signal(signal.SIGALRM, signal.SIG_DFL)
            signal.setitimer(signal.ITIMER_REAL, PATIENCE_S)
            write_spec(job)
        except LauncherError:
            code = 0
        finally:
            os._exit(code)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
