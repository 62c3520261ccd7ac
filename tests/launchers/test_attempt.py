"""A record counts only if it is a plain file of ours with what this attempt's supervisor writes."""

import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.launchers.jobs import Jobs
from tuiswp.errors import LauncherError
from tuiswp.launchers.attempt import flaws, log_tail, read_exit, read_start, write_spec
from tuiswp.launchers.base import Job

TOKEN = "0123456789abcdef" * 2
EXIT: dict[str, object] = {
    "token": TOKEN, "code": 3, "signal": None, "requested": None,
    "started": 1.0, "ended": 2.5, "duration_s": 1.5,
}  # fmt: skip


def _write(folder: Path, name: str = "exit.json", **changes: object) -> Path:
    path = folder / name
    path.write_text(json.dumps(EXIT | changes))
    return path


def test_a_whole_record_is_read(tmp_path: Path) -> None:
    _write(tmp_path, leftovers=[7, 8])
    record = read_exit(tmp_path, TOKEN)
    assert record is not None and (record.code, record.leftovers) == (3, (7, 8))
    assert flaws(tmp_path, TOKEN) == {}


def test_fields_of_a_newer_supervisor_are_no_flaw(tmp_path: Path) -> None:
    _write(tmp_path, v=2, colour="green")
    assert read_exit(tmp_path, TOKEN) is not None


def test_no_record_is_no_flaw(tmp_path: Path) -> None:
    assert read_exit(tmp_path, TOKEN) is None
    assert read_start(tmp_path / "gone", TOKEN) is None
    assert flaws(tmp_path, TOKEN) == {}


def _torn(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-5])


def _emptied(path: Path) -> None:
    path.write_bytes(b"")


def _zeroed(path: Path) -> None:
    path.write_bytes(b"\0" * 4096)


def _nested(path: Path) -> None:
    path.write_text('{"token": ' + "[" * 50_000)


def _bloated(path: Path) -> None:
    path.write_text(path.read_text() + " " * 300_000)


def _symlinked(path: Path) -> None:
    path.rename(path.with_name("real.json"))
    path.symlink_to("real.json")


def _hard_linked(path: Path) -> None:
    path.with_name("second.json").hardlink_to(path)


def _fifo(path: Path) -> None:
    path.unlink()
    os.mkfifo(path)


def _folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


def _of_another(path: Path) -> None:
    _write(path.parent, token="f" * 32)


def _undecided(path: Path) -> None:
    _write(path.parent, code=None)


def _contradictory(path: Path) -> None:
    _write(path.parent, signal=9)


def _wrongly_typed(path: Path) -> None:
    _write(path.parent, code="3")


def _without_a_field(path: Path) -> None:
    path.write_text(json.dumps({"token": TOKEN, "code": 0}))


@pytest.mark.parametrize(
    "spoil",
    [
        _torn, _emptied, _zeroed, _nested, _bloated, _symlinked, _hard_linked, _fifo, _folder,
        _of_another, _undecided, _contradictory, _wrongly_typed, _without_a_field,
    ],
)  # fmt: skip
def test_a_spoilt_record_is_not_believed_and_the_flaw_is_named(
    tmp_path: Path, spoil: Callable[[Path], None]
) -> None:
    spoil(_write(tmp_path))
    assert read_exit(tmp_path, TOKEN) is None
    assert flaws(tmp_path, TOKEN)["exit.json"]


def test_an_exit_record_does_not_pass_for_a_start_record(tmp_path: Path) -> None:
    _write(tmp_path, "start.json")
    assert read_start(tmp_path, TOKEN) is None
    assert "start.json" in flaws(tmp_path, TOKEN)


def test_the_log_tail_spans_the_rotated_log(tmp_path: Path) -> None:
    (tmp_path / "output.log.1").write_bytes(b"older\n")
    (tmp_path / "output.log").write_bytes(b"newer\n")
    assert log_tail(tmp_path) == b"older\nnewer\n"
    assert log_tail(tmp_path, 8) == b"r\nnewer\n"
    assert log_tail(tmp_path, 3) == b"er\n"


def test_there_is_no_log_tail_of_what_is_not_a_plain_file(tmp_path: Path) -> None:
    assert log_tail(tmp_path) == b""
    (tmp_path / "output.log").symlink_to("/etc/passwd")
    os.mkfifo(tmp_path / "output.log.1")
    assert log_tail(tmp_path) == b""


def test_a_directory_of_another_attempt_is_not_started_in(jobs: Jobs) -> None:
    job = jobs.make(["true"])
    assert write_spec(job)
    assert not write_spec(job)
    fields = {name: getattr(job, name) for name in Job.__struct_fields__}
    other = Job(**fields | {"token": jobs.token()})
    with pytest.raises(LauncherError, match="belongs to another attempt"):
        write_spec(other)


def test_a_spec_that_cannot_be_written_is_a_launcher_error(jobs: Jobs) -> None:
    job = jobs.make(["true"])
    Path(job.attempt_dir).rmdir()
    with pytest.raises(LauncherError, match="cannot write spec"):
        write_spec(job)
