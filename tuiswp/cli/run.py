"""`tuiswp SWEEP` and `tuiswp --batch SWEEP`: start or resume a sweep and look at it, or run it.

Without --batch the controller is a process of its own, and leaving ends nothing: what is shown is
the full screen, or live lines with --lines. With --batch the controller is this process. What only
one of these ways needs is imported on that way: the first frame waits for nothing it does not show.
"""

import os
from pathlib import Path
from typing import TYPE_CHECKING

from tuiswp.cli import arguments as args
from tuiswp.cli import output
from tuiswp.controller.directory import SweepDirectory
from tuiswp.errors import ExitCode, SweepHeld, UsageError
from tuiswp.text import visible

if TYPE_CHECKING:
    from tuiswp.controller.opening import SweepText
    from tuiswp.spec.overriding import Overrides


def run(
    given: str,
    *,
    batch: bool,
    name: str | None,
    directory: str | None,
    lines: bool = False,
    ascii: bool = False,
    reset_view: bool = False,
    overrides: "Overrides | None" = None,
    host_is_down: str | None = None,
) -> int:
    source = Path(given)
    is_file = source.is_file() or (
        not source.exists() and source.suffix in args.FILES  # a missing file, said as one
    )
    if not is_file and (name or directory or overrides):
        raise UsageError(
            "--name, --dir, --count, --metric, --goal and --fix go with a sweep file",
            where=visible(given),
            hint="`tuiswp extend` and `tuiswp set` change a sweep that has started, "
            "`tuiswp results --metric` judges it by another metric",
        )
    path = None if is_file else args.find_sweep(given)
    text = _preflight(source, overrides) if path is None else None
    problem = None if batch else _no_terminal(lines)
    if problem is not None:
        shown = visible(given)
        raise UsageError(
            f"following a sweep needs a terminal: {problem}",
            hint=f"run it with `tuiswp --batch {shown}`, or look at it with `tuiswp status {shown}`"
            f" and `tuiswp results {shown}`",
        )
    if path is None:
        from tuiswp.controller.opening import open_or_create

        assert text is not None
        place, sweep, notes = open_or_create(
            text, name=name, directory=None if directory is None else Path(directory)
        )
    elif SweepDirectory(path).exists():
        place, notes, sweep = SweepDirectory(path), list[str](), None
    elif batch:
        raise UsageError(
            "something else launched these runs: there is nothing to run",
            where=visible(given),
            hint="`tuiswp results` reads them",
        )
    elif not lines:
        return _screen(path, ascii, reset_view)
    else:
        from tuiswp.cli import closing
        from tuiswp.controller.client import SweepReader

        return closing.show(SweepReader(path).refresh())
    if host_is_down is not None:
        notes = [*notes, _given_up(place, host_is_down)]
    if not batch and not lines:
        return _interact(place, notes, ascii, reset_view)
    from tuiswp.cli import plain
    from tuiswp.controller.frozen import current_sweep

    sweep = sweep or current_sweep(place)
    return plain.batch(place, sweep, notes) if batch else plain.follow(place, sweep, notes)


def _given_up(place: SweepDirectory, host: str) -> str:
    """Close what was on a host that a person says is down; a note of what that was."""
    from tuiswp.analysis import words
    from tuiswp.controller import elsewhere, requests

    lost = elsewhere.give_up(place, host, by=requests.me())
    return f"{words.several(lost, 'trial')} of {host} {'waits' if lost == 1 else 'wait'} again"


def _no_terminal(lines: bool) -> str | None:
    """Why nothing can be followed here; live lines need no keys."""
    if lines:
        return None if output.is_terminal() else "stdout is none, or one that cannot draw"
    return output.no_full_screen()


def _preflight(source: Path, overrides: "Overrides | None") -> "SweepText":
    """What can be known to fail is said before a directory is made. Raises SpecErrors."""
    from tuiswp.cli import otherwise
    from tuiswp.controller.opening import SweepText, preflight

    text = otherwise.applied(SweepText(source), overrides)
    preflight(text.sweep())
    return text


def _interact(place: SweepDirectory, notes: list[str], ascii: bool, reset_view: bool) -> int:
    """The full screen on a sweep, with a controller in the background unless it is over."""
    from tuiswp.controller.client import is_over

    for note in notes:
        output.say(output.prose(f"note: {visible(note)}", indent="  "))
    if not is_over(place):  # of a long search, the whole journal would hold the first frame up
        _see_to_a_controller(place)
    code = _screen(place.root, ascii, reset_view)
    if code == ExitCode.OK and not is_over(place):
        from tuiswp.cli.plain import how_to_come_back
        from tuiswp.controller.opening import is_controlled

        if is_controlled(place):
            output.say(*how_to_come_back(visible(args.spoken(place.root))))
    return code


def _see_to_a_controller(place: SweepDirectory) -> None:
    """Start one unless one lives or nothing is left to decide."""
    from tuiswp.controller.client import SweepReader

    view = SweepReader(place.root).refresh(with_metrics=False)
    if view.controller is not None:
        if view.state.paused is not None and view.state.paused.missing:
            from tuiswp.controller.opening import hand_over

            hand_over(place, only_missing=True)  # if this shell has what it waits for
        return
    if view.word not in ("finished", "stopped"):
        from tuiswp.controller.frozen import current_sweep
        from tuiswp.controller.opening import start_in_background

        current_sweep(place, view.state)  # a file that cannot be read is said here, and as such
        try:
            start_in_background(place)
        except SweepHeld as held:  # nothing can be decided from here, but looked at
            output.warn(visible(str(held), limit=1000))


def _screen(path: Path, ascii: bool, reset_view: bool) -> int:
    from tuiswp.tui import collector

    collector.rest()
    from tuiswp.tui.app import run as show

    colour = not os.environ.get("NO_COLOR")
    ascii = ascii or not output.speaks_unicode()
    return show(path, colour=colour, ascii=ascii, reset_view=reset_view)
