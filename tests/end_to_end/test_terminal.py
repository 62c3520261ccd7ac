"""The screen in terminals that are signalled, lost, stopped, resized, full, or none at all."""

import os
import random
import re
import shlex
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.world import finished
from tests.terminals import Terminal, app, left_dirty

pytestmark = [pytest.mark.slow, pytest.mark.timeout(60)]

DRAWN = "t0003 done"
TICKS = os.sysconf("SC_CLK_TCK")


@pytest.fixture
def sweep(tmp_path: Path) -> Path:
    """A sweep that is over: nothing is launched to look at it, and nothing in it moves."""
    return finished(tmp_path / "lr").directory.root


def cpu_s(pid: int) -> float:
    """Processor time of a process, also of one that has ended and was not waited for."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def is_over(pid: int) -> bool:
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"


def children(pid: int) -> list[int]:
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


# -- signals -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "signum", [signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT, signal.SIGINT], ids=lambda s: s.name
)
def test_a_signal_leaves_the_terminal_as_it_was(sweep: Path, signum: signal.Signals) -> None:
    with Terminal(app(sweep), cwd=sweep.parent) as terminal:
        terminal.until(DRAWN)
        assert len(left_dirty(terminal.raw)) == 9  # all of it is on, or this would prove nothing
        os.kill(terminal.process.pid, signum)
        assert terminal.ended() == 128 + signum
        assert left_dirty(terminal.raw) == []
        assert terminal.modes == terminal.before[:4]


def test_quitting_leaves_the_terminal_as_it_was(sweep: Path) -> None:
    with Terminal(app(sweep), cwd=sweep.parent) as terminal:
        terminal.until(DRAWN)
        terminal.type("q")
        assert terminal.ended() == 0
        assert left_dirty(terminal.raw) == []
        assert terminal.modes == terminal.before[:4]


@pytest.mark.parametrize("drawn", [6, 40], ids=["little unwritten", "more than is queued"])
def test_a_terminal_that_nobody_reads_keeps_nobody_from_ending_the_screen(
    sweep: Path, drawn: int
) -> None:
    """Where little waits to be written, the application itself gets as far as its end."""
    command = f"{shlex.join(map(str, app(sweep)))}; echo left with $?"
    with Terminal(["sh", "-c", command], cwd=sweep.parent, size=(200, 60)) as terminal:
        terminal.until(DRAWN)
        [screen] = children(terminal.process.pid)
        with terminal.unread():
            for size in [(120, 40), (200, 60)] * (drawn // 2):  # each is a screen to draw
                terminal.resize(*size)
                time.sleep(0.03)
            os.kill(screen, signal.SIGTERM)
            terminal.until(lambda: not children(terminal.process.pid), timeout=10.0)
        assert "left with 143" in terminal.until("left with")
        assert left_dirty(terminal.raw) == []
        assert terminal.modes == terminal.before[:4]


# -- the line is lost ----------------------------------------------------------------------------


@pytest.mark.parametrize("hidden", [(), (signal.SIGHUP,)], ids=["SIGHUP", "no SIGHUP"])
@pytest.mark.parametrize("ignored", [(), (signal.SIGHUP,)], ids=["plain", "nohup"])
def test_a_lost_line_ends_the_screen_at_once_and_costs_nothing(
    sweep: Path, ignored: tuple[signal.Signals, ...], hidden: tuple[signal.Signals, ...]
) -> None:
    with Terminal(app(sweep), cwd=sweep.parent, ignore=ignored, block=hidden) as terminal:
        terminal.until(DRAWN)
        pid = terminal.process.pid
        before, began = cpu_s(pid), time.monotonic()
        terminal.close()
        terminal.until(lambda: is_over(pid), timeout=5.0)
        assert cpu_s(pid) - before < 0.4 + 0.1 * (time.monotonic() - began)
        assert terminal.process.wait(1) == 128 + signal.SIGHUP


# -- stopped and gone on -------------------------------------------------------------------------


def shell(folder: Path, *, size: tuple[int, int] = (80, 24)) -> Terminal:
    """An interactive shell with job control, a prompt to wait for, and no paste mode of its own."""
    settings = folder / "inputrc"
    settings.write_text("set enable-bracketed-paste off\n")
    return Terminal(
        ["bash", "--norc", "--noprofile", "-i"],
        cwd=folder,
        size=size,
        env={"PS1": "ready> ", "INPUTRC": str(settings)},
    )


def typed(command: list[str | Path]) -> str:
    return shlex.join(map(str, command)) + "\n"


def come_back(terminal: Terminal) -> None:
    """`fg`, on a terminal where nothing is left of what was drawn before."""
    mark = len(terminal.raw)
    terminal.type("clear; fg\n")
    terminal.until(lambda: b"BEST" in terminal.raw[mark:])


def as_opened_fresh(sweep: Path, size: tuple[int, int]) -> list[str]:
    with Terminal(app(sweep), cwd=sweep.parent, size=size) as fresh:
        fresh.until(DRAWN)
        fresh.quiet(0.3)
        return fresh.lines


@pytest.mark.skipif(shutil.which("bash") is None, reason="needs a shell with job control")
@pytest.mark.parametrize("size", [(80, 24), (110, 30)], ids=["same size", "another size"])
def test_ctrl_z_gives_the_terminal_back_and_fg_draws_it_wholly(
    sweep: Path, size: tuple[int, int]
) -> None:
    with shell(sweep.parent) as terminal:
        terminal.until("ready>")
        before = terminal.modes
        terminal.type(typed(app(sweep)))
        terminal.until(DRAWN)
        terminal.type("\x1a")
        terminal.until(lambda: b"Stopped" in terminal.raw)
        terminal.quiet()
        assert left_dirty(terminal.raw) == []
        assert terminal.modes == before
        terminal.resize(*size)
        come_back(terminal)
        terminal.quiet(0.3)
        assert terminal.lines == as_opened_fresh(sweep, size)
        terminal.type("j")
        terminal.until("> t0000 done".replace("> ", ">  "))
        terminal.type("q")
        terminal.until(lambda: terminal.raw.endswith(b"ready> "))
        assert left_dirty(terminal.raw) == []


@pytest.mark.skipif(shutil.which("bash") is None, reason="needs a shell with job control")
def test_a_stop_that_nobody_announced_is_survived(sweep: Path) -> None:
    with shell(sweep.parent) as terminal:
        terminal.until("ready>")
        before = terminal.modes
        terminal.type(typed(app(sweep)))
        terminal.until(DRAWN)
        [screen] = children(terminal.process.pid)
        os.kill(screen, signal.SIGSTOP)
        terminal.until(lambda: b"Stopped" in terminal.raw)
        come_back(terminal)
        threads = len(list(Path(f"/proc/{screen}/task").iterdir()))
        os.kill(screen, signal.SIGCONT)  # once more, for nothing
        terminal.quiet(0.3)
        assert len(list(Path(f"/proc/{screen}/task").iterdir())) == threads
        assert terminal.lines == as_opened_fresh(sweep, (80, 24))
        terminal.type("q")
        terminal.until(lambda: terminal.raw.endswith(b"ready> "))
        assert left_dirty(terminal.raw) == []
        assert terminal.modes == before


def test_ctrl_z_without_a_shell_says_so_and_stops_nothing(sweep: Path) -> None:
    with Terminal(app(sweep), cwd=sweep.parent) as terminal:
        terminal.until(DRAWN)
        terminal.type("\x1a")
        terminal.until("no shell waits here")
        terminal.type("q")
        assert terminal.ended() == 0


@pytest.fixture
def tmux(tmp_path: Path, tmux_version: str) -> Iterator[list[str]]:
    """A tmux server of its own with a shell in it."""
    prefix = ["tmux", "-L", f"{os.environ['TUISWP_TMUX_SOCKET']}-z", "-f", "/dev/null"]
    subprocess.run(
        [*prefix, "new-session", "-d", "-x", "80", "-y", "24", "-c", tmp_path, "bash --norc -i"],
        check=True,
    )
    yield prefix
    subprocess.run([*prefix, "kill-server"], check=False, capture_output=True)


@pytest.mark.skipif(shutil.which("bash") is None, reason="needs a shell with job control")
def test_ctrl_z_and_back_inside_tmux(sweep: Path, tmux: list[str]) -> None:
    def ask(*words: str) -> str:
        return subprocess.run([*tmux, *words], check=True, capture_output=True, text=True).stdout

    def until(words: str) -> None:
        deadline = time.monotonic() + 20
        while words not in ask("capture-pane", "-p"):
            assert time.monotonic() < deadline, f"{words!r} never came"
            time.sleep(0.05)

    def modes() -> list[str]:
        names = "#{alternate_on} #{mouse_any_flag} #{cursor_flag}"
        return ask("display-message", "-p", names).split()

    def settled() -> str:
        before = ""
        while before != (now := ask("capture-pane", "-p")):
            before = now
            time.sleep(0.3)
        return now

    ask("send-keys", "-l", typed(app(sweep)))
    until(DRAWN)
    drawn = settled()
    assert modes() == ["1", "1", "0"]
    for _ in range(2):
        ask("send-keys", "C-z")
        until("Stopped")
        assert modes() == ["0", "0", "1"]
        ask("send-keys", "-l", "clear; fg\n")
        until(DRAWN)
        assert modes() == ["1", "1", "0"]
        assert settled() == drawn
    ask("send-keys", "q")
    deadline = time.monotonic() + 10
    while modes() != ["0", "0", "1"]:
        assert time.monotonic() < deadline
        time.sleep(0.05)


# -- sizes ---------------------------------------------------------------------------------------


def test_a_storm_of_sizes_ends_with_the_last_one_drawn_right(sweep: Path) -> None:
    chance = random.Random(7)
    with Terminal(app(sweep), cwd=sweep.parent) as terminal:
        terminal.until(DRAWN)
        for turn in range(400):
            terminal.resize(chance.randint(1, 300), chance.randint(1, 100))
            time.sleep(0.005 if turn < 100 else 0.0)  # as a hand drags; then as fast as can be
        terminal.resize(1, 1)
        time.sleep(0.1)
        terminal.resize(100, 28)
        terminal.quiet(0.5)
        assert terminal.process.poll() is None
        assert terminal.lines == as_opened_fresh(sweep, (100, 28))


def test_the_size_is_that_of_the_terminal_whatever_the_environment_says(sweep: Path) -> None:
    with Terminal(
        app(sweep), cwd=sweep.parent, size=(100, 28), env={"COLUMNS": "60", "LINES": "10"}
    ) as terminal:
        terminal.until(DRAWN)
        terminal.quiet(0.3)
        assert terminal.lines == as_opened_fresh(sweep, (100, 28))


# -- colours and characters ----------------------------------------------------------------------

_COLOUR = re.compile(rb"\x1b\[(?:[0-9;]*;)?(?:3[0-8]|4[0-8]|9[0-7]|10[0-7])[0-9;:]*m")


def test_no_color_writes_no_colour(sweep: Path) -> None:
    with Terminal(app(sweep), cwd=sweep.parent) as terminal:
        terminal.until(DRAWN)
        assert _COLOUR.search(terminal.raw)
    with Terminal(app(sweep), cwd=sweep.parent, env={"NO_COLOR": "1"}) as terminal:
        terminal.until(DRAWN)
        terminal.type("?")
        terminal.until("Help")
        assert not _COLOUR.search(terminal.raw)


@pytest.mark.parametrize(
    ("words", "env"),
    [
        (["--ascii"], {}),
        ([], {"LC_ALL": "C"}),
        ([], {"LC_ALL": "POSIX"}),
        ([], {"LC_ALL": None, "LANG": "C"}),
        ([], {"LC_ALL": None, "LANG": "de_DE.ISO-8859-1"}),
    ],
    ids=["--ascii", "LC_ALL=C", "LC_ALL=POSIX", "LANG=C", "LANG=latin1"],
)
def test_without_utf_8_only_ascii_is_written(
    sweep: Path, words: list[str], env: dict[str, str | None]
) -> None:
    with Terminal(app(*words, sweep), cwd=sweep.parent, env=env) as terminal:
        terminal.until(DRAWN)
        for key, seen in [("?", "Help"), ("\x1b", "age"), ("O", "1 answer"), ("\x1b", "age")]:
            terminal.type(key)
            terminal.until(seen)
        assert terminal.raw.isascii()


@pytest.mark.parametrize(
    "env",
    [
        {"LC_ALL": None, "LANG": "en_US.UTF-8"},
        {"LC_ALL": None, "LANG": "C", "LC_CTYPE": "C.UTF-8"},
        {"LC_ALL": None},
    ],
    ids=["a locale that is not installed", "LC_CTYPE before LANG", "nothing set"],
)
def test_what_can_be_utf_8_is_drawn_in_it(sweep: Path, env: dict[str, str | None]) -> None:
    with Terminal(app(sweep), cwd=sweep.parent, env=env) as terminal:
        terminal.until(DRAWN)
        terminal.quiet()
        assert "█" in terminal.text


# -- no terminal ---------------------------------------------------------------------------------


@pytest.mark.parametrize("term", ["dumb", "unknown", "", None])
def test_a_terminal_that_cannot_draw_is_refused_with_what_can_be_done(
    sweep: Path, term: str | None
) -> None:
    with Terminal(app(sweep), cwd=sweep.parent, size=(200, 24), env={"TERM": term}) as terminal:
        assert terminal.ended() == 2
        assert "\x1b" not in terminal.raw.decode()
        assert "TERM" in terminal.text
        said = "".join(terminal.lines)
        assert f"tuiswp --batch {sweep}" in said
        assert f"tuiswp status {sweep}" in said


@pytest.mark.parametrize("stream", ["stdin", "stdout"])
def test_a_stream_that_is_no_terminal_is_refused_and_named(sweep: Path, stream: str) -> None:
    redirected = {"stdin": "< /dev/null", "stdout": "> /dev/null"}[stream]
    command = f"{shlex.join(map(str, app(sweep)))} {redirected}"
    with Terminal(["sh", "-c", command], cwd=sweep.parent, size=(200, 24)) as terminal:
        assert terminal.ended() == 2
        assert stream in terminal.text
        assert "tuiswp --batch" in terminal.text
        assert "tuiswp status" in terminal.text
        assert left_dirty(terminal.raw) == []


def test_errors_may_go_to_a_file_while_the_screen_is_drawn(sweep: Path) -> None:
    command = f"{shlex.join(map(str, app(sweep)))} 2> errors"
    with Terminal(["sh", "-c", command], cwd=sweep.parent) as terminal:
        terminal.until(DRAWN)
        terminal.type("q")
        assert terminal.ended() == 0
    assert (sweep.parent / "errors").read_text() == ""


def test_without_any_terminal_it_is_refused(sweep: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "tuiswp.cli.main", sweep],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    assert "--batch" in done.stderr
    assert "tuiswp status" in done.stderr
