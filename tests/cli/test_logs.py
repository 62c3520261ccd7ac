"""`logs` and `attach`."""

import os
import sys
import threading
import time
from pathlib import Path

import pytest

from tests.cli.conftest import Tuiswp
from tests.cli.world import World, run_folder
from tuiswp.cli import attach, logs
from tuiswp.cli.main import main


def printed(here: Path, data: bytes, *, ended: bool = True) -> World:
    world = World(here / "sweeps" / "lr")
    world.suggest(0, 3e-4)
    folder = world.launch(0)
    (folder / "output.log").write_bytes(data)
    if ended:
        world.end(0, 2.5)
    return world


def test_the_last_lines_are_shown(tuiswp: Tuiswp, here: Path) -> None:
    printed(here, b"".join(b"line %d\n" % n for n in range(1000))).close()
    assert tuiswp("logs", "0", "-n", "2").out == "line 998\nline 999\n"
    assert tuiswp("logs", "0").out.splitlines()[0] == "line 800"
    assert len(tuiswp("logs", "0", "-n", "all").out.splitlines()) == 1000
    assert tuiswp("logs", "0", "-n", "0").out == ""


@pytest.mark.parametrize("lines", [1, 2, 5, 9, 10, 11])
def test_the_right_number_of_lines_whatever_the_block(here: Path, lines: int) -> None:
    path = here / "x"
    path.write_bytes(b"".join(b"%d" % n * 20_000 + b"\n" for n in range(10)))
    with path.open("rb") as file:
        start, missing = logs._start_of(file, path.stat().st_size, lines)
        file.seek(start)
        assert file.read().count(b"\n") == min(lines, 10)
    assert missing == max(0, lines - 10)


def test_what_was_rotated_comes_first(tuiswp: Tuiswp, here: Path) -> None:
    world = printed(here, b"new 1\nnew 2\n")
    (world.directory.attempt(0, 1) / "output.log.1").write_bytes(b"old 1\nold 2\n")
    world.close()
    assert tuiswp("logs", "0", "-n", "3").out == "old 2\nnew 1\nnew 2\n"


def test_what_a_terminal_would_act_on_is_shown_not_sent(tuiswp: Tuiswp, here: Path) -> None:
    data = b"\x1b[31mred\x1b[0m\n\x1b]52;c;cm0=\x07paste\n 10%\r 50%\r100%\r\n\xff\xfe\x9b31m\n"
    printed(here, data).close()
    said = tuiswp("logs", "0")
    assert said.out.splitlines()[:3] == ["red", "paste", "100%"]
    assert "\x1b" not in said.out
    assert "\x9b" not in said.out


def test_raw_gives_every_byte(here: Path, capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    printed(here, b"\x1b[31mred\x00\r\n").close()
    assert main(["logs", "0", "--raw"]) == 0
    assert capfdbinary.readouterr().out == b"\x1b[31mred\x00\r\n"


def test_follow_goes_on_until_the_attempt_ends(tuiswp: Tuiswp, here: Path) -> None:
    world = printed(here, b"one\n", ended=False)
    log = world.directory.attempt(0, 1) / "output.log"

    def training() -> None:
        time.sleep(0.3)
        with log.open("ab") as file:
            file.write(b"two\nthr")
        time.sleep(0.3)
        with log.open("ab") as file:
            file.write(b"ee\nlast")
        world.end(0, 2.5)
        world.close()

    thread = threading.Thread(target=training)
    thread.start()
    try:
        assert tuiswp("logs", "0", "-f").out == "one\ntwo\nthree\nlast\n"
    finally:
        thread.join()


def test_a_log_that_is_a_link_is_not_followed(tuiswp: Tuiswp, here: Path) -> None:
    world = printed(here, b"")
    log = world.directory.attempt(0, 1) / "output.log"
    log.unlink()
    log.symlink_to("/etc/hostname")
    world.close()
    said = tuiswp("logs", "0")
    assert said.code == 1
    assert "cannot be read" in said.err


def test_attempts_are_told_apart(tuiswp: Tuiswp, here: Path) -> None:
    world = printed(here, b"first\n", ended=False)
    world.fail(0)
    world.close()
    assert tuiswp("logs", "0", "--attempt", "1").out == "first\n"
    said = tuiswp("logs", "0", "--attempt", "2")
    assert said.code == 2
    assert "t0000 has no attempt 2; it has 1" in said.err


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["logs", "1"], "t0001 has not been launched (queued)"),
        (["logs", "5"], "t0005 does not exist"),
        (["attach", "0"], "t0000 does not run (done); `tuiswp logs lr t0000`"),
        (["attach", "5"], "t0005 does not exist"),
        (["logs", "runs", "0"], "its output is not kept here"),
        (["attach", "runs", "0"], "it has no window of ours"),
    ],
)
def test_what_cannot_be_shown_is_said(
    tuiswp: Tuiswp, here: Path, words: list[str], says: str
) -> None:
    run_folder(here / "runs")
    world = printed(here, b"")
    world.suggest(1, 1e-4)
    world.close()
    said = tuiswp(*words)
    assert said.code == 2
    assert says in said.err


class Window:
    def attach_command(self, attempt: str, token: str) -> list[str] | None:
        return ["tmux", "attach", attempt] if attempt == "t0000.1" else None


def test_attach_becomes_the_tmux_client(
    tuiswp: Tuiswp, here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    printed(here, b"", ended=False).close()
    monkeypatch.setattr(attach, "launcher_for", lambda directory: Window())
    assert "attach needs a terminal" in tuiswp("attach", "0").err
    became: list[list[str]] = []

    def execvpe(file: str, argv: list[str], env: dict[str, str]) -> None:
        became.append(argv)
        raise KeyboardInterrupt  # exec does not come back

    monkeypatch.setattr(os, "execvpe", execvpe)
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    monkeypatch.setattr(sys.stdin, "isatty", lambda: True)
    tuiswp("attach", "0")
    assert became == [["tmux", "attach", "t0000.1"]]
