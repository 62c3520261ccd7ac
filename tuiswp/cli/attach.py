"""`tuiswp attach`: put the person into the trial's tmux window. Replaces this process."""

import os
import sys
from argparse import ArgumentParser, Namespace

from tuiswp.cli import arguments as args
from tuiswp.controller.client import SweepReader
from tuiswp.controller.opening import launcher_for
from tuiswp.errors import UsageError
from tuiswp.launchers import viewer
from tuiswp.model.ids import attempt_id
from tuiswp.model.trial import Launching, Running


def add_arguments(parser: ArgumentParser, name: str) -> None:
    args.add_targets(parser, "TRIAL")


def run(arguments: Namespace) -> int:
    word, numbers = args.split(arguments.targets)
    if len(numbers) != 1:
        raise UsageError("attach takes one trial", hint="write `tuiswp attach [SWEEP] TRIAL`")
    path = args.find_sweep(word)
    reader = SweepReader(path)
    view = reader.refresh(with_metrics=False)
    trial = args.one_trial(view.state.trials, numbers[0])
    logs = f"`tuiswp logs {args.spoken(path)} {trial.id}` shows what it printed"
    if view.foreign:
        raise UsageError(f"something else launched {trial.id}: it has no window of ours")
    if not isinstance(trial.status, Launching | Running):
        raise UsageError(f"{trial.id} does not run ({trial.state})", hint=logs)
    attempt = attempt_id(trial.number, trial.attempts[-1].number)
    command = launcher_for(reader.directory).attach_command(attempt, trial.status.token)
    if command is None:
        raise UsageError(f"{attempt} has no window any more; it still runs", hint=logs)
    if not sys.stdout.isatty() or not sys.stdin.isatty():
        raise UsageError("attach needs a terminal", hint=logs)
    os.execvpe(command[0], command, viewer.environment(os.environ))
