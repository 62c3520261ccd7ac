"""The words of the command line, exit codes, and how faults are said."""

import errno
import json
import os
from pathlib import Path

import pytest

import tuiswp as package
from tests.cli.conftest import Tuiswp
from tests.cli.world import SPEC, finished
from tuiswp.cli import listing, main, output
from tuiswp.controller import provenance
from tuiswp.errors import ExitCode


def test_help_lists_every_command_and_exit_code(tuiswp: Tuiswp) -> None:
    said = tuiswp("--help")
    assert said.code == 0
    for name in main.COMMANDS:
        assert f"\n  {name} " in said.out
    assert "_controller" not in said.out
    assert "130 interrupted" in said.out


@pytest.mark.parametrize("name", list(main.COMMANDS))
def test_every_command_has_help(tuiswp: Tuiswp, name: str) -> None:
    said = tuiswp(name, "--help")
    assert said.code == 0
    assert said.out.startswith(f"usage: tuiswp {name}")


def test_version(tuiswp: Tuiswp) -> None:
    assert tuiswp("--version") == (0, f"tuiswp {package.__version__}\n", "")


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["--bach", "x.yaml"], "did you mean --batch?"),
        (["statsu"], "did you mean `status`?"),
        (["statsu", "lr", "3"], "did you mean `status`?"),
        (["frobnicate", "lr"], "no sweep and no command 'frobnicate'"),
        (["clone"], "no trial is named"),
        (["clon", "lr", "3"], "did you mean `clone`?"),
        (["add"], "no point is named"),
        (["extend", "lr"], "no change is named"),
        (["set"], "no setting is named"),
        (["status", "/dev/null"], "is neither a file nor a directory"),
        (["status", "--jsn"], "did you mean --json?"),
        (["results", "--json", "--csv"], "not allowed with argument"),
        (["results", "--goal", "up"], "invalid choice: 'up'"),
        (["--batch"], "no SWEEP is named"),
        (["nowhere"], "no sweep 'nowhere'"),
        (["kill"], "no trial is named"),
        (["attach"], "attach takes one trial"),
        (["logs", "1", "2"], "logs takes one trial"),
        (["logs", "1", "-n", "x"], "give a number of lines, or `all`"),
        (["check", "gone.yaml"], "does not exist"),
        (["--batch", "gone.yaml"], "does not exist"),
    ],
)
def test_a_wrong_call_says_what_is_meant_and_ends_with_2(
    tuiswp: Tuiswp, words: list[str], says: str
) -> None:
    said = tuiswp(*words)
    assert said.code == ExitCode.USAGE
    assert said.out == ""
    assert said.err.startswith("tuiswp: error: ")
    assert says in said.err


def test_without_a_terminal_following_is_refused_and_batch_is_named(
    tuiswp: Tuiswp, here: Path
) -> None:
    (here / "s.yaml").write_text(SPEC)
    said = tuiswp("s.yaml")
    assert said.code == ExitCode.USAGE
    assert "needs a terminal" in said.err
    assert "`tuiswp --batch s.yaml`" in said.err
    assert "`tuiswp status s.yaml`" in said.err


def test_alone_it_lists_the_sweeps_here(tuiswp: Tuiswp, here: Path) -> None:
    finished(here / "sweeps" / "lr")
    said = tuiswp()
    assert said.code == 0
    assert said.out.splitlines()[1].split() == [
        "lr", "finished", "2.0000", "(t0002)", "4", "done", "16", "min", "ago",
    ]  # fmt: skip
    assert "tuiswp results lr" in said.out


def test_alone_without_a_sweep_it_says_how_to_begin(tuiswp: Tuiswp) -> None:
    said = tuiswp()
    assert said.code == 0
    assert "tuiswp check sweep.yaml" in said.out


def test_a_sweep_whose_file_is_damaged_does_not_hide_the_others(tuiswp: Tuiswp, here: Path) -> None:
    finished(here / "sweeps" / "good")
    bad = finished(here / "sweeps" / "bad")
    bad.directory.sweep_file.write_text("method: [")
    worse = finished(here / "sweeps" / "worse")
    worse.directory.sweep_file.write_text("method: [")
    worse.directory.journal.write_text("")
    said = tuiswp()
    assert said.code == 0
    states = {line.split()[0]: line.split()[1] for line in said.out.splitlines()[1:4]}
    # Its journal still says where the second one stands.
    assert states == {"good": "finished", "bad": "finished", "worse": "unreadable"}


def test_a_fault_of_ours_keeps_its_traceback_and_shows_nothing_raw(
    tuiswp: Tuiswp, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(**_: bool) -> int:
        raise RuntimeError("text of a trial \x1b]0;owned\x07")

    monkeypatch.setattr(listing, "run", broken)
    said = tuiswp()
    assert said.code == ExitCode.FAULT
    assert "Traceback" in said.err
    assert "fault of tuiswp itself" in said.err
    assert "\x1b" not in said.err


def test_ctrl_c_is_130_and_says_nothing(tuiswp: Tuiswp, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(**_: bool) -> int:
        raise KeyboardInterrupt

    monkeypatch.setattr(listing, "run", interrupted)
    assert tuiswp() == (130, "", "")


def test_a_reader_that_leaves_is_no_error(tuiswp: Tuiswp, monkeypatch: pytest.MonkeyPatch) -> None:
    def closed(**_: bool) -> int:
        raise output.Closed

    monkeypatch.setattr(listing, "run", closed)
    monkeypatch.setattr(output, "drop_stdout", lambda: None)
    assert tuiswp() == (0, "", "")


def test_the_list_as_json_is_one_object_and_goes_with_no_sweep(tuiswp: Tuiswp) -> None:
    said = tuiswp("--json")
    assert said.code == 0
    assert json.loads(said.out) == {"sweeps": []}
    assert tuiswp("--json", "somewhere").code == 2


def test_a_working_directory_that_was_removed_is_the_calls_fault(
    tuiswp: Tuiswp, here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    gone = here / "gone"
    gone.mkdir()
    monkeypatch.chdir(gone)
    gone.rmdir()
    said = tuiswp("status")
    assert (said.code, "working directory was removed" in said.err) == (2, True)
    monkeypatch.chdir(here)


def test_a_disk_that_refuses_a_sweeps_first_files_is_said_in_a_sentence(
    tuiswp: Tuiswp, here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*about: object) -> None:
        raise OSError(errno.EFBIG, os.strerror(errno.EFBIG))

    monkeypatch.setattr(provenance, "write", refuse)
    (here / "s.yaml").write_text(SPEC)
    said = tuiswp("--batch", "s.yaml")
    assert said.code == 1 and "cannot be written: File too large" in said.err
    assert "fault of tuiswp itself" not in said.err
