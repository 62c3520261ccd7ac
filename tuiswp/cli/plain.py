"""A sweep without the full screen: `--batch`, which is the controller itself, and `--lines`.

What is printed only follows the journal; nothing that happens to stdout reaches the controller.
"""

import logging
import os
import signal
import time
from pathlib import Path

from tuiswp.cli import arguments as args
from tuiswp.cli import closing, output
from tuiswp.cli.check import parallel_text
from tuiswp.cli.follow import Follower, Viewer
from tuiswp.controller import opening
from tuiswp.controller.client import SweepReader, planned
from tuiswp.controller.directory import SweepDirectory
from tuiswp.controller.reducer import SweepState
from tuiswp.controller.story import opening_lines, status_line
from tuiswp.errors import ExitCode, TuiswpError
from tuiswp.model.sweep import Sweep
from tuiswp.spec.environment import environment_warnings
from tuiswp.spec.notify import notify_warnings
from tuiswp.spec.program import program_warnings
from tuiswp.text import visible


def batch(place: SweepDirectory, sweep: Sweep, notes: list[str]) -> int:
    """Be the controller. Nothing that happens to stdout reaches it."""
    before = {one: signal.getsignal(one) for one in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)}
    followed = Follower(place, sweep, drawn=output.is_terminal())
    viewer = Viewer(followed)
    readable = _try_say(lambda: _introduce(place, sweep, followed.state, notes))
    try:
        _hang_up_is_an_interrupt()
        if readable:
            viewer.start()
        code = opening.run_controller(place, batch=True)
    except TuiswpError:
        raise
    except Exception as fault:
        logging.getLogger("tuiswp").exception("a fault of ours")
        fault.add_note(f"log: {place.log}")
        raise
    finally:
        for one, handler in before.items():
            signal.signal(one, handler)
        readable = readable and _told(viewer)
    if readable:
        readable = _try_say(lambda: closing.after_run(place, code))
    if not readable:
        output.drop_stdout()
    return code


def follow(place: SweepDirectory, sweep: Sweep, notes: list[str]) -> int:
    """Follow a controller in the background, started if none runs."""
    name = visible(args.spoken(place.root))
    followed = Follower(place, sweep, drawn=True)
    view = SweepReader(place.root).refresh(with_metrics=False)
    if view.word in ("finished", "stopped"):
        for note in notes:
            output.say(f"note: {visible(note)}")
        return closing.show(view)
    _introduce(place, sweep, followed.state, notes)
    pid = None
    if view.controller is None:
        pid = opening.start_in_background(place)
    else:
        pid = opening.hand_over(place, only_missing=True)
    if pid is not None or view.controller is None:
        output.say(f"controller pid {pid}; ctrl-c leaves it and its trials running", "")
    else:
        there = "" if view.elsewhere is None else f" on {visible(view.elsewhere, limit=60)}"
        output.say(f"runs already (controller pid {view.controller.pid}{there})", "")
    try:
        outcome = followed.run(_pause, until_over=True)
    except KeyboardInterrupt:
        output.say("", *how_to_come_back(name))
        return ExitCode.OK
    if outcome == "over":
        return closing.after_run(place, closing.code_of(place))
    output.say("", f"the controller has ended; {visible(str(place.log))} has its last words")
    return closing.after_run(place, ExitCode.INTERRUPTED)


def how_to_come_back(name: str) -> tuple[str, ...]:
    """What to type to be here again."""
    return (
        "left; the sweep goes on without you",
        f"  tuiswp {name}                follow it again",
        f"  tuiswp status {name}         where every trial stands",
        f"  tuiswp attach {name} TRIAL   the tmux window of a trial",
        f"  tuiswp stop {name}           end it",
    )


def _introduce(place: SweepDirectory, sweep: Sweep, state: SweepState, notes: list[str]) -> None:
    """What is about to run, or to go on, and what is doubtful about it."""
    from tuiswp.analysis.space_checks import warnings_before

    number = planned(sweep, state)
    output.say(*opening_lines(sweep, number, parallel_text(sweep), _short(place)))
    if state.trials:
        output.say(f"goes on: {status_line(sweep, state, number, {})}")
    environ = {**os.environ, **sweep.run.env}
    doubts = [
        *program_warnings(sweep, environ),
        *notify_warnings(sweep, environ),
        *environment_warnings(sweep),
    ]
    for note in (*notes, *sweep.notes, *doubts):
        output.say(output.prose(f"note: {visible(note)}", indent="  "))
    for one in warnings_before(sweep):
        text = f"{one.severity} {one.code}: {one.message} {one.suggestion}"
        output.say(output.paint(output.prose(text, indent="  "), "note"))


def _short(place: SweepDirectory) -> str:
    try:
        return str(place.root.relative_to(Path.cwd()))
    except (ValueError, OSError):
        return str(place.root)


def _told(viewer: Viewer) -> bool:
    """Wait until everything is told; the sweep is over, so only a slow reader is waited for."""
    try:
        return viewer.close()
    except KeyboardInterrupt:  # the viewer hangs in a write, and holds stdout's lock
        logging.shutdown()
        os._exit(ExitCode.INTERRUPTED)


def _hang_up_is_an_interrupt() -> None:
    """A terminal that closes ends the controller as ctrl-c does: cleanly, trials going on."""
    if signal.getsignal(signal.SIGHUP) is signal.SIG_DFL:  # nohup stays nohup
        signal.signal(signal.SIGHUP, lambda *_: signal.raise_signal(signal.SIGTERM))


def _try_say(speak: "closing.Speak") -> bool:
    """Whether stdout still takes what `speak` prints. What cannot be told is said, and no more."""
    try:
        try:
            speak()
        except TuiswpError as fault:
            logging.getLogger("tuiswp").exception("what is told of the sweep")
            output.fail(fault)
    except output.Closed:
        return False
    return True


def _pause(seconds: float) -> bool:
    time.sleep(seconds)  # between two looks; ctrl-c ends it
    return False
