"""The kernel log as it is followed: what is new, what is gone, and what cannot be read."""

import os
from pathlib import Path

import pytest

from tuiswp.gpu.kernel import KernelLog, unreadable

FELL = "NVRM: Xid (PCI:0000:41:00): 79, GPU has fallen off the bus."


@pytest.fixture
def kmsg(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "kmsg"
    path.write_text("6,1,10,-;Linux version 6\n")
    monkeypatch.setenv("TUISWP_KMSG", str(path))
    return path


def say(kmsg: Path, seq: int, text: str, end: str = "\n") -> None:
    with kmsg.open("a") as log:
        log.write(f"3,{seq},{seq}000000,-;{text}{end}")


def codes(log: KernelLog) -> list[int]:
    return [xid.code for xid in log.standing()]


def test_what_is_logged_later_is_heard(kmsg: Path) -> None:
    log = KernelLog()
    assert codes(log) == []
    say(kmsg, 2, FELL)
    assert codes(log) == [79]
    assert codes(log) == [79]
    log.close()


def test_a_line_that_is_being_written_is_waited_for(kmsg: Path) -> None:
    log = KernelLog()
    say(kmsg, 2, FELL[:30], end="")
    assert codes(log) == []
    with kmsg.open("a") as rest:
        rest.write(FELL[30:] + "\n")
    assert codes(log) == [79]
    log.close()


def test_a_driver_that_is_loaded_again_ends_what_it_said_but_not_that_it_was_said(
    kmsg: Path,
) -> None:
    log = KernelLog()
    say(kmsg, 2, FELL)
    say(kmsg, 3, "NVRM: loading NVIDIA UNIX x86_64 Kernel Module  570.86.15")
    assert codes(log) == []
    assert [xid.code for xid in log.look()] == [79]
    say(kmsg, 4, FELL.replace("79", "48"))
    assert codes(log) == [48]
    log.close()


@pytest.mark.parametrize("how", ["replaced", "cut"])
def test_another_boots_log_is_read_from_its_beginning(kmsg: Path, how: str) -> None:
    log = KernelLog()
    say(kmsg, 2, FELL)
    assert codes(log) == [79]
    if how == "replaced":
        kmsg.unlink()
    kmsg.write_text("")
    assert codes(log) == []
    say(kmsg, 1, FELL.replace("79", "48"))
    assert codes(log) == [48]
    log.close()


def test_a_flood_is_read_in_little_memory_and_hides_no_fault(kmsg: Path) -> None:
    """A program that fails again and again after its GPU fell off the bus."""
    say(kmsg, 2, FELL)
    with kmsg.open("a") as out:
        out.write("x" * 3_000_000 + "\n")
        for seq in range(3, 2000):
            out.write(f"3,{seq},5,-;{FELL.replace('79', '31')}\n")
        out.write(f"3,5000,5,-;{FELL.replace('79', '48')}\n")
    log = KernelLog()
    said = codes(log)
    while said[-1:] != [48]:  # in pieces
        said = codes(log)
    assert said[0] == 79 and len(said) == 514
    log.close()


def test_why_it_cannot_be_read_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TUISWP_KMSG", str(tmp_path / "nowhere"))
    assert unreadable() == "No such file or directory"
    monkeypatch.setenv("TUISWP_KMSG", str(tmp_path))
    assert unreadable() == "Is a directory"
    locked = tmp_path / "locked"
    locked.write_text("")
    locked.chmod(0)
    monkeypatch.setenv("TUISWP_KMSG", str(locked))
    if os.getuid() != 0:
        assert unreadable() == "Permission denied"


def test_a_pipe_nobody_writes_holds_nothing_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    os.mkfifo(tmp_path / "pipe")
    monkeypatch.setenv("TUISWP_KMSG", str(tmp_path / "pipe"))
    log = KernelLog()
    assert log.standing() == ()
    log.close()


def test_the_kernel_log_of_this_machine_is_read_or_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TUISWP_KMSG")
    log = KernelLog()
    log.look()
    assert log.problem is None or log.problem
    log.close()


def test_a_closed_log_opens_no_more(kmsg: Path) -> None:
    log = KernelLog()
    log.look()
    log.close()
    before = len(os.listdir("/proc/self/fd"))  # noqa: PTH208
    say(kmsg, 2, FELL)
    assert codes(log) == []
    assert len(os.listdir("/proc/self/fd")) == before  # noqa: PTH208
