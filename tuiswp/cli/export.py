"""`tuiswp export`: a sweep for other tools: its best configuration, an Optuna study. Reads only."""

import os
from argparse import ArgumentParser, Namespace
from collections.abc import Callable
from pathlib import Path

from tuiswp.cli import arguments as args
from tuiswp.cli import doubt, output
from tuiswp.cli.verdict import Verdict, reach
from tuiswp.controller.client import SweepReader
from tuiswp.errors import EnvironmentFault, ExitCode, UsageError
from tuiswp.text import visible


def add_arguments(parser: ArgumentParser, name: str) -> None:
    args.add_sweep(parser)
    parser.add_argument(
        "--best", type=Path, metavar="FILE",
        help="the best configuration as JSON, as recipes take it back by best_config=FILE",
    )  # fmt: skip
    parser.add_argument(
        "--optuna", type=Path, metavar="FILE", help="an Optuna study in SQLite, for its dashboard"
    )
    parser.add_argument("--force", action="store_true", help="replace FILE if it is there")


def run(arguments: Namespace) -> int:
    wanted = [(arguments.best, _best), (arguments.optuna, _optuna)]
    if not any(file for file, _ in wanted):
        raise UsageError("says not what to write", hint="add --best FILE or --optuna FILE")
    for file, _ in wanted:
        if file is not None and os.path.lexists(file) and not arguments.force:
            raise UsageError("is there already", where=str(file), hint="--force replaces it")
    view = SweepReader(args.find_sweep(arguments.sweep)).refresh()
    doubt.tell(view)
    if not view.trials:
        raise UsageError(f"{visible(view.sweep.name)} has no trial yet: nothing to export")
    verdict = reach(view)
    for file, write in wanted:
        if file is not None:
            output.say(*_written(file, write, verdict))
    return ExitCode.OK


def _written(
    file: Path, write: Callable[[Verdict, Path, str], list[str]], verdict: Verdict
) -> list[str]:
    """Whole before it has its name: a dashboard, or a training, may be looking."""
    whole = file.with_name(f".{file.name[:200]}.{os.getpid()}")
    try:
        whole.touch(0o600)
        whole.unlink()
        said = write(verdict, whole, visible(str(file)))
        whole.replace(file)
    except OSError as error:
        raise EnvironmentFault(f"cannot be written: {error.strerror}", where=str(file)) from error
    finally:
        whole.unlink(missing_ok=True)
    return said


def _best(verdict: Verdict, file: Path, shown: str) -> list[str]:
    from tuiswp.analysis.summary import best_json

    text = output.as_json(best_json(verdict.sweep, verdict.judgement))
    file.write_text(text + "\n", "utf-8")
    assert verdict.judgement.optimum is not None
    return [f"{shown}: {verdict.judgement.optimum.id}", f"train it with `best_config={shown}`"]


def _optuna(verdict: Verdict, file: Path, shown: str) -> list[str]:
    from tuiswp.search.optuna_export import export

    count = export(verdict.sweep, verdict.trials, verdict.curves, file)
    return [f"{shown}: {count} trials", f"look at it with `optuna-dashboard sqlite:///{shown}`"]
