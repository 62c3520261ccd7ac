"""`tuiswp export --optuna FILE`: a sweep as an Optuna study that optuna-dashboard opens."""

import os
from argparse import ArgumentParser, Namespace
from pathlib import Path

from tuiswp.cli import arguments as args
from tuiswp.cli import output
from tuiswp.cli.verdict import reach
from tuiswp.controller.client import SweepReader
from tuiswp.errors import EnvironmentFault, ExitCode, UsageError
from tuiswp.text import visible


def add_arguments(parser: ArgumentParser, name: str) -> None:
    args.add_sweep(parser)
    parser.add_argument(
        "--optuna", type=Path, metavar="FILE", required=True, help="the SQLite file to write"
    )
    parser.add_argument("--force", action="store_true", help="replace FILE if it is there")


def run(arguments: Namespace) -> int:
    file: Path = arguments.optuna
    if os.path.lexists(file) and not arguments.force:
        raise UsageError("is there already", where=str(file), hint="--force replaces it")
    view = SweepReader(args.find_sweep(arguments.sweep)).refresh()
    if not view.trials:
        raise UsageError(f"{visible(view.sweep.name)} has no trial yet: nothing to export")
    verdict = reach(view)
    # Whole before it has its name: a dashboard may be looking.
    whole = file.with_name(f".{file.name[:200]}.{os.getpid()}")
    try:
        whole.touch(0o600)
        whole.unlink()
        from tuiswp.search.optuna_export import export

        count = export(verdict.sweep, verdict.trials, verdict.curves, whole)
        whole.replace(file)
    except OSError as error:
        raise EnvironmentFault(f"cannot be written: {error.strerror}", where=str(file)) from error
    finally:
        whole.unlink(missing_ok=True)
    shown = visible(str(file))
    output.say(f"{shown}: {count} trials", f"look at it with `optuna-dashboard sqlite:///{shown}`")
    return ExitCode.OK
