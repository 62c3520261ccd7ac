"""The sweep directory: private, ours, one writer; requests as files."""

import errno
import os
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest

from tuiswp.controller import requests
from tuiswp.controller.directory import Lock, SweepDirectory, write_atomically
from tuiswp.controller.opening import open_or_create
from tuiswp.errors import EnvironmentFault, SweepHeld, UsageError


@pytest.fixture
def directory(tmp_path: Path) -> SweepDirectory:
    place = SweepDirectory(tmp_path / "sweeps" / "lr")
    place.create()
    return place


def test_what_is_made_is_private(directory: SweepDirectory) -> None:
    for path in (directory.root, directory.requests, directory.trials):
        assert path.stat().st_mode & 0o777 == 0o700


def test_a_directory_with_other_files_is_refused_and_untouched(tmp_path: Path) -> None:
    (tmp_path / "thesis.tex").write_text("years of work")
    with pytest.raises(UsageError, match="holds other files"):
        SweepDirectory(tmp_path).create()
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.tex"]


def test_a_directory_that_is_being_made_or_was_left_half_made_is_made_whole(
    directory: SweepDirectory,
) -> None:
    (directory.root / ".provenance.json.123").write_text("{")
    directory.provenance.write_text("{}")
    (directory.root / ".sweep.yaml.124").write_text("method")
    directory.create()
    (directory.requests / "somebody's").write_text("")
    with pytest.raises(UsageError, match="holds other files"):
        directory.create()


def test_a_persons_own_sweep_file_does_not_make_a_sweep_directory(tmp_path: Path) -> None:
    (tmp_path / "sweep.yaml").write_text("method: grid")
    assert not SweepDirectory(tmp_path).exists()


def test_a_directory_others_can_write_is_refused(directory: SweepDirectory) -> None:
    directory.root.chmod(0o777)
    with pytest.raises(EnvironmentFault, match="written by others"):
        directory.check()


def test_a_place_that_cannot_be_written_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    (tmp_path / "dangling").symlink_to(tmp_path / "gone")
    for wrong, why in (
        ("file", "is not a directory"),
        ("dangling", "is not a directory"),
        ("file/sweep", "Not a directory"),
        ("x" * 300, "too long"),
    ):
        with pytest.raises(UsageError, match=f"{why}; choose another"):
            SweepDirectory(tmp_path / wrong).create()


@pytest.mark.parametrize(
    ("code", "fault"), [(errno.EACCES, UsageError), (errno.ENOSPC, EnvironmentFault)]
)
def test_no_right_to_write_is_the_calls_fault_and_a_full_disk_is_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: int, fault: type[Exception]
) -> None:
    def refuse(path: Path, **_: object) -> None:
        raise OSError(code, os.strerror(code))

    monkeypatch.setattr(Path, "mkdir", refuse)
    with pytest.raises(fault, match=os.strerror(code)):
        SweepDirectory(tmp_path / "sweep").create()


def test_a_directory_that_may_not_be_looked_into_is_the_calls_fault(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = tmp_path / "sweep.yaml"
    source.write_text("method: grid\nparameters: {x: {values: [1]}}\ncommand: ['true']\n")

    def refuse(_: SweepDirectory) -> bool:
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(SweepDirectory, "exists", refuse)
    with pytest.raises(UsageError, match="Permission denied"):
        open_or_create(source, directory=tmp_path / "theirs")


def test_the_lock_is_exclusive_and_names_its_holder(directory: SweepDirectory) -> None:
    lock = Lock(directory)
    with pytest.raises(SweepHeld, match=f"pid {os.getpid()}"):
        Lock(directory)
    lock.release()
    Lock(directory).release()


def test_the_lock_cannot_be_removed_from_under_its_holder(directory: SweepDirectory) -> None:
    lock = Lock(directory)
    directory.owner.unlink()
    with pytest.raises(SweepHeld):
        Lock(directory)
    lock.release()


def test_a_killed_holder_leaves_no_lock(directory: SweepDirectory) -> None:
    code = (
        "import sys, os, signal; from pathlib import Path\n"
        "from tuiswp.controller.directory import Lock, SweepDirectory\n"
        "lock = Lock(SweepDirectory(Path(sys.argv[1])))\n"
        "os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    done = subprocess.run([sys.executable, "-c", code, str(directory.root)], check=False)
    assert done.returncode == -9
    Lock(directory).release()


def test_one_directory_has_one_id_by_every_path(directory: SweepDirectory) -> None:
    link = directory.root.with_name("link")
    link.symlink_to(directory.root)
    assert SweepDirectory(link).id == directory.id


def test_requests_come_in_the_order_they_were_made(directory: SweepDirectory) -> None:
    asked = [requests.new_request("kill", (n,)) for n in range(5)]
    for request in reversed(asked):
        requests.submit(directory, request)
    assert [request for _, request in requests.pending(directory)] == asked


@pytest.mark.parametrize(
    "content",
    [b"", b"{", b"\xff\xfe", b"[" * 100_000, b'{"id":"x"}'],
    ids=["nothing", "half", "no text", "deep", "too little"],
)
def test_a_file_that_is_no_request_says_why(directory: SweepDirectory, content: bytes) -> None:
    (directory.requests / "1.json").write_bytes(content)
    [(_, reason)] = requests.pending(directory)
    assert isinstance(reason, str)


def test_a_request_under_another_name_is_not_believed(directory: SweepDirectory) -> None:
    request = requests.new_request("kill", (1,))
    write_atomically(directory.requests / "other.json", msgspec.json.encode(request))
    [(_, reason)] = requests.pending(directory)
    assert reason == "carries another request's id"


def test_fifos_and_links_among_the_requests_do_not_hang(directory: SweepDirectory) -> None:
    os.mkfifo(directory.requests / "1.json")
    (directory.requests / "2.json").symlink_to("/etc/passwd")
    assert all(isinstance(reason, str) for _, reason in requests.pending(directory))


def test_waking_nobody_is_harmless(tmp_path: Path) -> None:
    requests.wake(tmp_path / "nothing")
    os.mkfifo(tmp_path / "fifo")
    requests.wake(tmp_path / "fifo")


def test_a_wake_up_is_heard_and_drained(tmp_path: Path) -> None:
    import select

    ear = requests.WakeUp(tmp_path / "fifo")
    requests.wake(tmp_path / "fifo")
    assert select.select([ear.fd], [], [], 1.0)[0]
    ear.drain()
    assert not select.select([ear.fd], [], [], 0.0)[0]
    ear.close()


def test_a_failed_write_leaves_the_old_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "best.json"
    write_atomically(path, b"old")

    def full(fd: int, data: bytes) -> int:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "write", full)
    with pytest.raises(OSError, match="No space"):
        write_atomically(path, b"new")
    assert path.read_bytes() == b"old"
    assert [entry.name for entry in tmp_path.iterdir()] == ["best.json"]
