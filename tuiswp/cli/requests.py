"""`kill pause stop pin front …`: put a request, print its outcome. Ends nothing by itself."""

from argparse import ArgumentParser, Namespace
from pathlib import Path
from typing import NamedTuple

from tuiswp.cli import arguments as args
from tuiswp.cli import output
from tuiswp.controller.client import SweepReader, ask
from tuiswp.controller.directory import SweepDirectory
from tuiswp.controller.opening import hand_over, is_controlled, start_in_background
from tuiswp.controller.requests import Verb, new_request
from tuiswp.errors import ExitCode, UsageError
from tuiswp.text import visible


class Action(NamedTuple):
    """What one word takes: `trials` none, some or any; `launches`: needs a controller to act."""

    verb: Verb
    sweep: bool
    trials: bool
    launches: bool = False
    flags: tuple[str, ...] = ()


ACTIONS: dict[str, Action] = {
    "kill": Action("kill", sweep=False, trials=True, flags=("now",)),
    "restart": Action("restart", sweep=False, trials=True, launches=True, flags=("fresh",)),
    "pause": Action("pause", sweep=True, trials=True),
    "resume": Action("resume", sweep=True, trials=True, launches=True),
    "stop": Action("stop", sweep=True, trials=False, flags=("now",)),
    "interrupt": Action("interrupt", sweep=False, trials=True, flags=("why",)),
    "pin": Action("pin", sweep=False, trials=True, flags=("why",)),
    "unpin": Action("unpin", sweep=False, trials=True),
    "front": Action("front", sweep=False, trials=True),
}
OUTCOME = 4000  # characters: ten cloned trials have much to say
_FLAGS = {
    ("kill", "now"): "KILL at once, without TERM and grace",
    ("stop", "now"): "end the running trials too (TERM, grace, then KILL)",
    ("restart", "fresh"): "move the trial's files aside first, so that it starts from nothing",
}


def add_arguments(parser: ArgumentParser, name: str) -> None:
    action = ACTIONS[name]
    if action.trials:
        args.add_targets(parser, "[TRIAL…]" if action.sweep else "TRIAL…")
    else:
        args.add_sweep(parser)
    for flag in action.flags:
        if flag == "why":
            add_why(parser)
            continue
        parser.add_argument(f"--{flag}", action="store_true", help=_FLAGS[name, flag])


def run(arguments: Namespace) -> int:
    action = ACTIONS[arguments.command]
    word, numbers = (
        args.split(arguments.targets) if action.trials else (arguments.sweep, list[int]())
    )
    if not numbers and not action.sweep:
        raise UsageError(
            "no trial is named", hint=f"write `tuiswp {arguments.command} [SWEEP] TRIAL…`"
        )
    path = args.find_sweep(word)
    directory = ours(path, arguments.command)
    check_trials(path, numbers)
    request = new_request(
        action.verb,
        tuple(numbers),
        now=getattr(arguments, "now", False),
        fresh=getattr(arguments, "fresh", False),
        why=getattr(arguments, "why", None) or "",
    )
    if request.verb == "resume" and not numbers:
        _hand_over(directory)
    applied = ask(directory, request)
    output.say(visible(applied.outcome, limit=OUTCOME))
    if applied.ok and action.launches:
        ensure_controller(directory)
    return ExitCode.OK if applied.ok else ExitCode.USAGE


def _hand_over(directory: SweepDirectory) -> None:
    """Trainings get what `env_from` names from the shell that resumes the sweep."""
    pid = hand_over(directory)
    if pid is not None:
        output.say(f"a controller with this shell's variables took over (pid {pid})")


def add_why(parser: ArgumentParser) -> None:
    parser.add_argument("--why", metavar="TEXT", help="a reason, kept in the journal")


def ensure_controller(directory: SweepDirectory) -> None:
    """Start a controller where none runs, and say so."""
    if is_controlled(directory):
        return
    pid = start_in_background(directory)
    output.say(
        f"a controller was started for it (pid {pid}); "
        f"follow it with `tuiswp {visible(args.spoken(directory.root))}`"
    )


def ours(path: Path, command: str) -> SweepDirectory:
    directory = SweepDirectory(path)
    if not directory.exists():
        raise UsageError(
            f"something else launched these runs: {command} cannot act on them",
            where=visible(str(path)),
            hint="status, results and report can read them",
        )
    return directory


def check_trials(path: Path, numbers: list[int]) -> None:
    if not numbers:
        return
    trials = SweepReader(path).refresh(with_metrics=False).state.trials
    for number in numbers:
        args.one_trial(trials, number)
