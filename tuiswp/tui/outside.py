"""What goes outside the interface: a trial's window, a shell, the clipboard, files.

Each says why where it cannot, and comes back.
"""

import os
import shlex
import subprocess
import time
from pathlib import Path
from typing import TYPE_CHECKING

from tuiswp.controller.directory import SweepDirectory
from tuiswp.errors import TuiswpError
from tuiswp.model.trial import Launching, Running
from tuiswp.text import visible
from tuiswp.tui import terminal
from tuiswp.tui.snapshot import EventLine, Snapshot

if TYPE_CHECKING:
    from tuiswp.tui.app import SweepApp
    from tuiswp.tui.writing import Form


def attach(app: "SweepApp", number: int) -> None:
    """Go to the trial's window; detaching comes back."""
    if app.as_of is not None:
        app.say("this is the past; esc comes back to now", bad=True)
        return
    trial = app.snapshot.view.state.trials.get(number) if app.snapshot is not None else None
    if trial is None or not isinstance(trial.status, Launching | Running):
        app.say("it does not run, so it has no window; l shows what it printed", bad=True)
        return
    from tuiswp.controller.opening import launcher_for  # brings the controller
    from tuiswp.launchers import viewer

    try:
        launcher = launcher_for(SweepDirectory(app.path))
        argv = launcher.attach_command(trial.attempt_id or "", trial.status.token)
        environment = viewer.environment(os.environ)
    except TuiswpError as error:
        app.say(str(error), bad=True)
        return
    if argv is None:
        app.say("its window is gone; the trial goes on, l shows what it prints", bad=True)
        return
    command = shlex.join(argv)
    app.ran += (EventLine(0, time.time(), "attach", number, visible(command), command=command),)
    with app.suspend():
        subprocess.run(argv, check=False, env=environment)


def shell(app: "SweepApp", number: int) -> None:
    """A shell in the trial's directory; leaving it comes back."""
    place = SweepDirectory(app.path).trial(number)
    if not place.is_dir():
        app.say("it has no directory yet", bad=True)
        return
    with app.suspend():
        subprocess.run([os.environ.get("SHELL") or "/bin/sh"], cwd=place, check=False)


def copy_command(app: "SweepApp", chosen: tuple[int, ...]) -> None:
    """The trials' own command lines, to the clipboard of the terminal."""
    if app.snapshot is None:
        return
    from tuiswp.tui.screens.facts import command_of

    view = app.snapshot.view
    found = [command_of(view, view.state.trials[number]) for number in chosen]
    lines = [line for line in found if line is not None]
    if lines:
        app.copy_to_clipboard("\n".join(lines))
        app.say(f"copied: {visible(lines[0], limit=60)}")


def write(app: "SweepApp", snapshot: Snapshot) -> None:
    """The results, in the form one chooses, into the directory tuiswp was started in."""
    from tuiswp.tui.screens.write import WriteScreen

    folder = Path.cwd()

    def chosen(form: "Form | None") -> None:
        if form is not None:
            app.run_worker(lambda: _written(app, form, snapshot, folder), thread=True)

    shown = visible(str(folder), limit=200)
    app.push_screen(WriteScreen(shown, **app.look), chosen)


def _written(app: "SweepApp", form: "Form", snapshot: Snapshot, folder: Path) -> None:
    """In a thread: what is written may be long, and its disk slow."""
    from tuiswp.tui.writing import write_results

    try:
        place = write_results(form, snapshot, folder)
    except TuiswpError as error:
        app.call_from_thread(app.say, str(error), bad=True)
    else:
        app.call_from_thread(app.say, f"written: {place}")


def write_picture(app: "SweepApp") -> None:
    """The screen as SVG, into the directory tuiswp was started in."""
    from tuiswp.tui import writing

    try:
        place = writing.write_picture(app.export_screenshot(), app.snapshot, Path.cwd())
    except (TuiswpError, OSError) as error:  # no such directory any more
        app.say(str(error), bad=True)
    else:
        app.say(f"written: {place}")


def go_to_the_shell(app: "SweepApp") -> None:
    """Stop as any job does on ctrl-z; `fg` comes back."""
    if terminal.shell_to_go_to():
        terminal.stop()
    else:
        app.say("no shell waits here: q leaves, and the trials go on", bad=True)
