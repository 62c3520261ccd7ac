"""The terminal interface on a real sweep in a real terminal: open, look, act, leave, come back."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.end_to_end.harness import kill_trials_of, state_of, tuiswp, wait_for, write_sweep
from tuiswp import proc
from tuiswp.controller.opening import place_for
from tuiswp.model.trial import Running

pytestmark = [pytest.mark.slow, pytest.mark.timeout(120)]


class Terminal:
    """A terminal of its own: a tmux server that nothing else uses."""

    def __init__(self, folder: Path, name: str, size: tuple[int, int]) -> None:
        self.folder = folder
        self.tmux = ["tmux", "-L", f"{os.environ['TUISWP_TMUX_SOCKET']}-{name}", "-f", "/dev/null"]
        columns, rows = size
        subprocess.run(
            [
                *self.tmux,
                "new-session",
                "-d",
                "-x",
                str(columns),
                "-y",
                str(rows),
                "-c",
                folder,
                "sh",
            ],
            check=True,
        )

    def type(self, *keys: str) -> None:
        subprocess.run([*self.tmux, "send-keys", *keys], check=True)

    def open(self, what: Path) -> None:
        self.type("-l", f"clear; {sys.executable} -m tuiswp.cli.main {what}; echo left with $?")
        self.type("Enter")

    def text(self) -> str:
        return subprocess.run(
            [*self.tmux, "capture-pane", "-p"], check=True, capture_output=True, text=True
        ).stdout

    def wait(self, words: str) -> str:
        wait_for(lambda: words in self.text(), what=f"{words!r} never came:\n{self.text()}")
        return self.text()

    def press_until(self, key: str, words: str) -> None:
        """Press until it is answered: a key typed while the terminal changes hands is nobody's.

        tmux and Textual each discard what is waiting when they take the terminal over.
        """

        def answered() -> bool:
            if words in self.text():
                return True
            self.type(key)
            return False

        wait_for(answered, what=f"{words!r} never came")

    def pid_of_screen(self) -> int:
        """The interface itself: the child of the shell."""
        shell = subprocess.run(
            [*self.tmux, "display-message", "-p", "#{pane_pid}"],
            check=True,
            capture_output=True,
            text=True,
        ).stdout.strip()
        found = [
            int(path.parent.name)
            for path in Path("/proc").glob("[0-9]*/status")
            if f"\nPPid:\t{shell}\n" in _text(path)
        ]
        return found[0]

    def close(self) -> None:
        subprocess.run([*self.tmux, "kill-server"], check=False, capture_output=True)


def _text(path: Path) -> str:
    try:
        return path.read_text(errors="replace")
    except OSError:
        return ""


@pytest.fixture(params=[(80, 24), (160, 45)], ids=["80x24", "160x45"])
def terminal(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Terminal]:
    monkeypatch.chdir(tmp_path)
    made = Terminal(tmp_path, f"{request.param[0]}", request.param)
    yield made
    made.close()
    for directory in (tmp_path / "sweeps").glob("*"):
        tuiswp("stop", "--now", directory, cwd=tmp_path)
        controller = state_of(directory).controller
        wait_for(lambda d=directory: not state_of(d).live())  # type: ignore[misc]
        if controller is not None:
            proc.send(controller, signal.SIGTERM)
            wait_for(lambda c=controller: not proc.is_alive(c))  # type: ignore[misc]
        kill_trials_of(directory)


@pytest.mark.usefixtures("tmux_version")
def test_a_whole_visit(terminal: Terminal) -> None:
    source = write_sweep(terminal.folder, trials=6, parallel=2, steps=400)
    directory = place_for(source, name=None, directory=None).root
    terminal.open(source)
    before = terminal.wait("t0001 running")
    wait_for(lambda: terminal.text() != before, what="the values do not move")

    terminal.type("T")
    terminal.wait("It gets TERM")
    terminal.type("y")
    wait_for(lambda: any(t.state == "killed" for t in state_of(directory).trials.values()))
    terminal.wait("killed")

    terminal.type("R")
    terminal.wait("runs again")
    terminal.type("n")

    terminal.type("O")
    terminal.wait("1 answer")
    terminal.type("Escape")
    terminal.wait("sort loss")

    terminal.type("q")
    terminal.wait("left with 0")
    live = [t for t in state_of(directory).trials.values() if isinstance(t.status, Running)]
    assert live, "quitting ends no trial"
    assert all(proc.is_alive(t.status.training) for t in live if isinstance(t.status, Running))

    terminal.open(directory)
    terminal.wait("killed")
    terminal.type("q")
    terminal.wait("left with 0")


@pytest.mark.usefixtures("tmux_version")
@pytest.mark.other_tmux
def test_attaching_goes_to_the_window_and_detaching_comes_back(terminal: Terminal) -> None:
    script = "while :; do echo here is the window; sleep 0.2; done\n"
    source = write_sweep(terminal.folder, trials=1, script=script)
    terminal.open(source)
    terminal.wait("t0000 running")
    terminal.type("a")
    # Its own status line: what the window prints stands in our log pane as well.
    terminal.wait("detach: C-b d")
    terminal.wait("here is the window")
    terminal.type("C-b", "d")
    terminal.wait("sort loss")
    terminal.press_until("q", "left with 0")


@pytest.mark.parametrize("signum", [signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT])
def test_a_signal_leaves_a_clean_terminal(terminal: Terminal, signum: signal.Signals) -> None:
    source = write_sweep(terminal.folder, trials=1, steps=400)
    terminal.open(source)
    terminal.wait("t0000 running")
    os.kill(terminal.pid_of_screen(), signum)
    terminal.wait("left with")
    modes = subprocess.run(
        [
            *terminal.tmux,
            "display-message",
            "-p",
            "#{alternate_on} #{mouse_any_flag} #{cursor_flag}",
        ],
        check=True,
        capture_output=True,
        text=True,
    ).stdout.split()
    assert modes == ["0", "0", "1"]
