"""What a sweep's end prints: the results, the report, and how to go on when it is not the end."""

from collections.abc import Callable
from importlib.util import find_spec
from typing import TypeAlias

from tuiswp.analysis import words
from tuiswp.cli import arguments as args
from tuiswp.cli import output, results
from tuiswp.cli.verdict import reach
from tuiswp.controller.client import SweepReader, SweepView
from tuiswp.controller.directory import SweepDirectory
from tuiswp.errors import ExitCode, TuiswpError
from tuiswp.text import visible

Speak: TypeAlias = Callable[[], object]


def code_of(place: SweepDirectory) -> ExitCode:
    """The exit code of a sweep that is over, as --batch gives it."""
    from tuiswp.controller.loop import exit_code

    view = SweepReader(place.root).refresh(with_metrics=False)
    return exit_code(view.sweep, view.state, "finished")


def show(view: SweepView) -> int:
    """The results of a sweep that is over, or of somebody's runs."""
    verdict = reach(view)
    output.say("", *results.human(verdict))
    if view.foreign:
        return ExitCode.OK
    for line in _stopped(view):
        output.say(line)
    return code_of(SweepDirectory(view.directory))


def after_run(place: SweepDirectory, code: ExitCode) -> int:
    """Results and report, or why this is not the end."""
    view = SweepReader(place.root).refresh(with_metrics=False)
    name = visible(args.spoken(place.root))
    if code == ExitCode.INTERRUPTED:
        live = words.several(len(view.state.live()), "running trial")
        output.say(
            "",
            f"interrupted: {live} go on in tmux, and nothing new is started",
            f"resume with `tuiswp {name}` or `tuiswp --batch {name}`; "
            f"`tuiswp status {name}` looks, `tuiswp stop --now {name}` ends the trials",
        )
        return code
    output.say("", *results.human(reach(view)), *results.phase_lines(view))
    if view.state.paused is not None:
        output.say(
            "",
            f"paused by {visible(view.state.paused.by)}: {visible(view.state.paused.why)}",
        )
        if not view.state.paused.missing:  # else that line says what to do
            output.say(
                f"mend the cause, then `tuiswp restart {name} TRIAL…` and `tuiswp resume {name}`"
            )
    output.say("", *_stopped(view), *_report(view, place))
    return code


def _stopped(view: SweepView) -> list[str]:
    if view.state.stopping is None:
        return []
    reached = view.state.reached
    if reached is not None:
        return [
            f"enough: {visible(reached.why)}",
            f"`tuiswp resume {visible(args.spoken(view.directory))}` goes on without this rule",
        ]
    return [f"it was stopped; `tuiswp resume {visible(args.spoken(view.directory))}` goes on"]


def _report(view: SweepView, place: SweepDirectory) -> list[str]:
    if not view.trials:
        return []
    if find_spec("matplotlib") is None:
        return ["for pictures: pip install 'tuiswp[report]', then `tuiswp report`"]
    from tuiswp.cli.report import write

    try:
        paths = write(view, place.report)
    except TuiswpError as error:  # the sweep is over and judged; a picture does not change that
        return [f"no report: {visible(str(error))}"]
    return [f"report: {visible(str(path))}" for path in paths]
