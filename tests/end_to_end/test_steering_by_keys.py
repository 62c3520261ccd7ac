"""Steering a real sweep by keys alone, on the full screen in a real terminal of 80 by 24."""

import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.end_to_end.harness import kill_trials_of, state_of, tuiswp, wait_for, write_sweep
from tests.end_to_end.test_screen import Terminal
from tuiswp import proc
from tuiswp.controller.opening import place_for
from tuiswp.model.events import SettingsChanged, SpaceEdited
from tuiswp.model.trial import Trial

pytestmark = [pytest.mark.slow, pytest.mark.timeout(180)]


@pytest.fixture
def terminal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Terminal]:
    monkeypatch.chdir(tmp_path)
    made = Terminal(tmp_path, "steer", (80, 24))
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


def go_to(terminal: Terminal, trial: str) -> None:
    """Move the cursor down to a trial."""

    def there() -> bool:
        if any(line.startswith(">") and trial in line for line in terminal.text().splitlines()):
            return True
        terminal.type("j")
        return False

    wait_for(there, what=f"the cursor never came to {trial}:\n{terminal.text()}")


def clone(terminal: Terminal, of: str, value: str) -> None:
    terminal.type("D")
    terminal.wait(f"Clone {of}")
    terminal.type("-l", value)
    terminal.wait(f"{value} lies outside one of 1, 2")
    terminal.type("Enter")
    terminal.wait(f"{of} x={value}")  # the command that does the same
    terminal.type("y")
    terminal.wait(f"is cloned from {of}")


def test_a_sweep_is_steered_without_leaving_its_screen(terminal: Terminal) -> None:
    source = write_sweep(terminal.folder, trials=4, parallel=1, steps=4000)
    directory = place_for(source, name=None, directory=None).root

    def trial(number: int) -> Trial | None:
        return state_of(directory).trials.get(number)

    terminal.open(source)
    terminal.wait("t0000 running")

    clone(terminal, "t0000", "7")
    clone(terminal, "t0000", "8")
    wait_for(lambda: trial(2) is not None)
    second = trial(2)
    assert second is not None
    assert second.params == {"x": 8}
    assert second.wish is not None
    assert (second.wish.source, second.wish.outside) == (0, ("x",))

    go_to(terminal, "t0002")
    terminal.type("Q")
    terminal.wait("Run next t0002")
    terminal.type("y")
    wait_for(lambda: state_of(directory).front == (2,), what="t0002 is not next")
    terminal.wait("q1")

    terminal.type("J")
    terminal.wait("Settings of the sweep")
    terminal.type("-l", "3")
    terminal.type("Enter")
    terminal.wait("max_parallel: 1 → 3")
    terminal.type("y")
    terminal.wait("t0001 running")
    terminal.wait("t0002 running")

    go_to(terminal, "t0002")
    terminal.type("t")
    terminal.wait("PIN")

    terminal.type("Z")
    terminal.wait("Extend the search")
    terminal.type("-l", "+=9")
    terminal.wait("x: 1, 2, 3, 4 → 1, 2, 3, 4, 9")
    terminal.type("Enter")
    terminal.wait("1 trial more")
    terminal.type("y")
    wait_for(lambda: len(state_of(directory).edits) == 2, what="nothing was extended")

    terminal.type("Enter")
    terminal.wait("cloned from t0000 with x=8")
    terminal.wait("pinned by")
    terminal.type("Escape")
    terminal.press_until("q", "left with 0")
    edits = [one.edit for one in state_of(directory).edits]
    assert [type(edit) for edit in edits] == [SettingsChanged, SpaceEdited]
