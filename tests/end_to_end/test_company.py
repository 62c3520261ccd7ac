"""Screens that share a sweep, lose it, or are killed; and a mouse, which nothing needs."""

import os
import shlex
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.world import NOBODY, World, finished, myself_as_holder
from tests.end_to_end.harness import kill_trials_of, state_of, tuiswp, wait_for, write_sweep
from tests.terminals import Terminal, app
from tuiswp import proc
from tuiswp.controller.opening import place_for
from tuiswp.model.trial import Running

pytestmark = [pytest.mark.slow, pytest.mark.timeout(90)]


@pytest.fixture
def live(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A sweep file to open; what runs of it is ended afterwards."""
    monkeypatch.chdir(tmp_path)
    source = write_sweep(tmp_path, trials=4, parallel=2, steps=2000)
    yield source
    directory = place_for(source, name=None, directory=None).root
    tuiswp("stop", "--now", directory, cwd=tmp_path)
    controller = state_of(directory).controller
    if controller is not None:
        proc.send(controller, signal.SIGTERM)
        wait_for(lambda: not proc.is_alive(controller))
    kill_trials_of(directory)


def test_two_screens_share_a_sweep_and_neither_is_missed(live: Path) -> None:
    directory = place_for(live, name=None, directory=None).root
    with Terminal(app(live), cwd=live.parent) as first:
        wait_for((directory / "journal.jsonl").exists)
        with Terminal(app(live), cwd=live.parent) as second:  # while the first one starts it
            first.until("t0000 running")
            second.until("t0001 running")
            first.type("T")
            first.until("It gets TERM")
            first.type("y")
            second.until("killed", timeout=10)
            first.until("killed", timeout=2)
            second.process.kill()  # no front door, no goodbye
            second.process.wait(5)
        running = [t for t in state_of(directory).trials.values() if t.state == "running"]
        alive = [t.status.training for t in running if isinstance(t.status, Running)]
        assert alive
        assert all(proc.is_alive(one) for one in alive)

        controller = state_of(directory).controller
        assert controller is not None
        assert proc.is_alive(controller)
        os.kill(controller.pid, signal.SIGKILL)
        first.until("CONTROLLER DEAD", timeout=3)
        first.process.kill()  # the last one who looks, and nobody decides any more
        first.process.wait(5)
        assert all(proc.is_alive(one) for one in alive)


def test_a_directory_that_is_removed_is_said_and_q_still_leaves(tmp_path: Path) -> None:
    sweep = finished(tmp_path / "lr").directory.root
    with Terminal(app(sweep), cwd=tmp_path) as terminal:
        terminal.until("t0003 done")
        shutil.rmtree(sweep)
        terminal.until("its directory is gone", timeout=3)
        for key in ("P", "O", "\x1b", "L", "\x1b", "\r", "\x1b"):
            terminal.type(key)
            time.sleep(0.2)
        assert terminal.process.poll() is None
        terminal.type("q")
        terminal.ended()


def test_leaving_does_not_wait_for_an_answer_and_what_was_asked_stays_asked(
    tmp_path: Path,
) -> None:
    world = World(tmp_path / "lr")
    myself_as_holder(world)  # a controller that lives, and never answers
    world.suggest(0, 3e-4)
    world.launch(0, process=proc.identify(os.getppid()) or NOBODY)
    sweep = world.close().directory
    with Terminal(app(sweep.root), cwd=tmp_path) as terminal:
        terminal.until("t0000 running")
        terminal.type("T")
        terminal.until("It gets TERM")
        terminal.type("y")
        terminal.until(lambda: bool(list(sweep.requests.glob("*.json"))))
        began = time.monotonic()
        terminal.type("q")
        assert terminal.ended() == 0
        assert time.monotonic() - began < 3.0
    assert len(list(sweep.requests.glob("*.json"))) == 1


def click(terminal: Terminal, column: int, row: int, button: int = 0) -> None:
    """Press and release a mouse button; columns and rows count from 1."""
    terminal.type(f"\x1b[<{button};{column};{row}M\x1b[<{button};{column};{row}m")


def test_the_mouse_chooses_a_row_and_presses_what_the_footer_offers(tmp_path: Path) -> None:
    sweep = finished(tmp_path / "lr").directory.root
    with Terminal(app(sweep), cwd=tmp_path) as terminal:
        terminal.until(">  t0002")
        row = next(n for n, line in enumerate(terminal.lines, 1) if "t0001 done" in line)
        click(terminal, 5, row)
        terminal.until(">  t0001")
        footer = terminal.lines[-1]
        click(terminal, footer.index("/ filter") + 1, len(terminal.lines))
        terminal.until(lambda: "status:run" in terminal.text)
        terminal.type("\x1b")
        time.sleep(0.2)
        head = next(line for line in terminal.lines if " state " in line)
        at = terminal.lines.index(head) + 1
        click(terminal, head.index(" lr ") + 2, at)
        terminal.until("sort lr")
        before = terminal.until("sort lr ↑" if "sort lr ↑" in terminal.text else "sort lr ↓")
        click(terminal, head.index(" lr ") + 2, at)
        terminal.until("sort lr ↓" if "sort lr ↑" in before else "sort lr ↑")


def test_the_wheel_scrolls_what_it_is_over(tmp_path: Path) -> None:
    world = World(tmp_path / "lr")
    for number in range(60):
        world.suggest(number, 1e-4 * (number + 1))
    world.over()  # so that opening it starts nothing
    sweep = world.close().directory.root
    with Terminal(app(sweep), cwd=tmp_path) as terminal:
        terminal.until("t0000")
        terminal.quiet()
        row = next(n for n, line in enumerate(terminal.lines, 1) if "t0000" in line)
        seen = terminal.text
        terminal.type(f"\x1b[<65;5;{row}M" * 3)
        terminal.until(lambda: "t0000" not in terminal.text)
        terminal.type(f"\x1b[<64;5;{row}M" * 9)
        terminal.until("t0000")
        terminal.quiet()
        assert terminal.text.splitlines()[2:] == seen.splitlines()[2:]


def test_a_full_disk_is_said_and_leaves_no_half_file(tmp_path: Path) -> None:
    sweep = finished(tmp_path / "lr").directory.root
    whole = tmp_path / "now.svg"
    whole.write_text("an older picture")
    limited = "ulimit -f 4; exec " + shlex.join(map(str, app(sweep)))  # no file above some KiB
    quiet = {"PYTHONDONTWRITEBYTECODE": "1"}  # those files would be half ones too
    with Terminal(["sh", "-c", limited], cwd=tmp_path, env=quiet) as terminal:
        terminal.until("t0003 done")
        terminal.type("P")
        terminal.until(lambda: b"be written: File" in terminal.raw or "large" in terminal.text)
        terminal.type("q")
        assert terminal.ended() == 0
    once = "ulimit -f 4; exec " + shlex.join(map(str, app("--once", "--output", whole, sweep)))
    done = subprocess.run(
        ["sh", "-c", once], env={**os.environ, **quiet}, capture_output=True, text=True, check=False
    )
    assert done.returncode == 1
    assert f"{whole}: cannot be written: File too large" in done.stderr
    assert [path.name for path in tmp_path.iterdir() if "svg" in path.name] == ["now.svg"]
    assert whole.read_text() == "an older picture"
