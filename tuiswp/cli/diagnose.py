"""`tuiswp diagnose`: what a training log says of its training, and what to do about it. Reads only.

A log is our metrics.jsonl, or what else a training leaves: the trainer_state.json of the Hugging
Face Trainer, and all other files that `metrics.sources` reads.
"""

from argparse import ArgumentParser, Namespace
from collections.abc import Mapping
from pathlib import Path

import msgspec

from tuiswp.analysis import tables
from tuiswp.analysis.axes import measured
from tuiswp.analysis.training import Health, as_diverged, examine, shown
from tuiswp.cli import arguments as args
from tuiswp.cli import doubt, output
from tuiswp.cli.verdict import metrics_path, reach
from tuiswp.controller import foreign
from tuiswp.controller.client import SweepReader
from tuiswp.controller.directory import SweepDirectory, is_run_folder
from tuiswp.errors import ExitCode, UsageError
from tuiswp.metrics.file import MetricFile, read_whole
from tuiswp.metrics.names import find, near
from tuiswp.metrics.series import Series
from tuiswp.model.ids import parse_trial, trial_id
from tuiswp.text import visible

_METRICS = "metrics.jsonl"
_NUMBERS = (
    ("first_train", "train loss at the start", "value"),
    ("final_train", "train loss at the end", "value"),
    ("improvement", "fell by", "share"),
    ("falling", "train still falling, in the last tenth", "share"),
    ("variation", "variation of the last 20", "share"),
    ("best_eval", "best eval loss", "value"),
    ("best_eval_step", "at step", "step"),
    ("final_eval", "eval loss at the end", "value"),
    ("relative_overfit", "above its best", "share"),
    ("eval_falling", "eval still falling, in its last tenth", "share"),
    ("gap", "eval above train", "share"),
)


class Log(msgspec.Struct, frozen=True):
    """One training log: what it is called, where it is, and its curves by name.

    `trouble`: what could not be read of another tool's file, safe to print. `lost`: how its sweep
    knows that it diverged.
    """

    name: str
    path: Path
    curves: Mapping[str, Series]
    trouble: str | None = None
    lost: str | None = None


def add_arguments(parser: ArgumentParser, name: str) -> None:
    parser.add_argument(
        "where",
        nargs="?",
        metavar="DIR",
        help="a run's directory or its log; or a sweep, or a folder of runs: all of them",
    )
    parser.add_argument("trials", nargs="*", metavar="TRIAL", help="of a sweep: only these")
    parser.add_argument("--train", metavar="NAME", help="the metric that is the training loss")
    parser.add_argument("--eval", metavar="NAME", help="the metric that is the evaluation loss")
    parser.add_argument("--json", action="store_true", help="print one object")
    parser.add_argument(
        "--strict", action="store_true", help="leave with 3 if anything is to be mended"
    )


def run(arguments: Namespace) -> int:
    logs = _logs(arguments.where, arguments.trials)
    found = [(log, _examine(log, arguments.train, arguments.eval)) for log in logs]
    if arguments.json:
        output.show_json({"runs": [_as_json(*one) for one in found]})
    elif len(found) == 1:
        output.say(*_one(*found[0]))
    else:
        output.say(*_many(found))
    if all(health.verdict == "unknown" for _, health in found):
        return ExitCode.NO_RESULT
    ill = any(health.is_ill for _, health in found)
    return ExitCode.SOME_FAILED if arguments.strict and ill else ExitCode.OK


def _logs(given: str | None, words: list[str]) -> list[Log]:
    """What `given` names. Raises UsageError that says what was looked for."""
    path, alone = None if given is None else Path(given), None
    if path is not None and not words:
        alone = _log_at(path)
        if alone is not None and alone.curves:
            return [alone]
    try:
        root = args.find_sweep(given)
    except UsageError as error:
        if path is None or not path.exists():
            raise
        unread = "" if alone is None or alone.trouble is None else f" ({alone.trouble})"
        raise UsageError(
            f"holds no training log that can be read{unread}, no sweep and no runs",
            where=visible(str(path)),
            hint="give the directory a run wrote metrics.jsonl, trainer_state.json, metrics.csv, "
            "TensorBoard or W&B files to, or the file itself",
        ) from error
    view = SweepReader(root).refresh()
    doubt.tell(view)
    wanted = [parse_trial(word) for word in words] or [trial.number for trial in view.trials]
    known = {trial.number for trial in view.trials}
    for number in wanted:
        if number not in known:
            raise UsageError(f"{trial_id(number)} does not exist", where=visible(str(root)))
    if not wanted:
        raise UsageError(f"{visible(view.sweep.name)} has no trial yet: nothing to diagnose")
    lost = reach(view).lost
    runs = foreign.run_names(root) if view.foreign else None
    found = []
    for number in wanted:
        name = trial_id(number) if runs is None else f"{trial_id(number)} {runs[number]}"
        log = _log(metrics_path(view, number), name)
        found.append(msgspec.structs.replace(log, lost=lost.get(number)))
    return found


def _log_at(path: Path) -> Log | None:
    """The log of one run at `path`: a file, or the directory it wrote to; None for a sweep."""
    if path.is_dir():
        many = SweepDirectory(path).exists() or is_run_folder(path)
        own = (path / _METRICS).is_file()
        return None if many and not own else _log(path / _METRICS, path.resolve().name)
    if not path.is_file():
        return None
    if path.suffix == ".jsonl":
        return _log(path, path.resolve().parent.name)
    found = _log(path.with_name(_METRICS), path.resolve().parent.name)
    return found if found.path == path else None


def _log(path: Path, name: str) -> Log:
    """What is in the metrics file at `path`, or, where there is none, in other files beside it."""
    file = MetricFile(path)
    read_whole(file)
    return Log(name, Path(next(iter(file.read_from), path)), file.metrics, file.trouble)


def _examine(log: Log, train: str | None, evaluated: str | None) -> Health:
    chosen = [None if name is None else _named(log, name) for name in (train, evaluated)]
    health = examine(log.curves, train=chosen[0], evaluated=chosen[1])
    return health if log.lost is None else as_diverged(health, log.lost)


def _named(log: Log, name: str) -> str:
    """The logged name that means `name`. Raises UsageError with what is near."""
    found = find(name, log.curves)
    if found is None:
        close = near(name, list(log.curves)) or list(log.curves)[:8]
        known = ", ".join(visible(one, limit=60) for one in close) or "nothing"
        raise UsageError(
            f"{visible(name)!r} was not logged",
            where=visible(str(log.path)),
            hint=f"logged: {known}",
        )
    return found


def _one(log: Log, health: Health) -> list[str]:
    """One run in full: the verdict, what it rests on, what to do."""
    tone: output.Tone = "bad" if health.is_ill else "strong"
    lines = [
        output.paint(f"{visible(log.name, limit=60)}: {health.verdict}", tone),
        output.prose(f"  by {shown(health)} in {visible(str(log.path))}", indent="  "),
    ]
    if log.trouble is not None:
        lines.append(output.prose(f"  not all could be read: {log.trouble}", indent="  "))
    if health.verdict == "unknown":
        lines.append(output.prose(f"  {_why_unknown(log, health)}", indent="  "))
    told = [(label, health.numbers[key], kind) for key, label, kind in _NUMBERS]
    rows = [(label, _number(value, kind)) for label, value, kind in told if value is not None]
    if rows:
        wide = max(len(label) for label, _ in rows)
        lines += ["", *(f"  {label:{wide}}  {value}" for label, value in rows)]
    for sign in health.signs:
        lines += ["", output.prose(f"  {sign.code}: {sign.message}", indent="  ")]
        lines.append(output.prose(f"    {sign.suggestion}", indent="    "))
    return lines


def _many(found: list[tuple[Log, Health]]) -> list[str]:
    """Many runs, a line each; what to do is the same for all with the same verdict."""
    headers = ("run", "verdict", "train", "fell by", "variation", "eval", "above its best", "signs")
    keys = ("final_train", "improvement", "variation", "final_eval", "relative_overfit")
    kinds = {key: kind for key, _, kind in _NUMBERS}
    rows = [
        (
            visible(log.name, limit=40),
            health.verdict,
            *(_number(health.numbers[key], kinds[key]) for key in keys),
            ", ".join(sign.code for sign in health.signs if sign.code != health.verdict),
        )
        for log, health in found
    ]
    lines = tables.table(headers, rows, width=output.width(), right=range(2, 7))
    troubled = [(log.name, log.trouble) for log, _ in found if log.trouble is not None]
    if troubled:
        lines += ["", "Not all could be read:"]
        lines += [
            output.prose(f"  {visible(name, limit=40)}: {trouble}", indent="    ")
            for name, trouble in troubled
        ]
    advice = {sign.code: sign.suggestion for _, health in found for sign in health.signs}
    for code, suggestion in advice.items():
        lines += ["", output.prose(f"{code}: {suggestion}", indent="  ")]
    return lines


def _why_unknown(log: Log, health: Health) -> str:
    if not log.curves:
        return "nothing was logged that can be read"
    if health.train is None:
        known = ", ".join(visible(name, limit=40) for name in list(log.curves)[:8])
        return f"no metric is named like a training loss; --train NAME says which: {known}"
    return f"{log.curves[health.train].count} training losses are too few to show a course"


def _number(value: float | None, kind: str) -> str:
    if value is None:
        return ""
    return (
        f"{value:.1%}" if kind == "share" else f"{value:g}" if kind == "step" else measured(value)
    )


def _as_json(log: Log, health: Health) -> dict[str, object]:
    return {
        "run": log.name,
        "path": str(log.path),
        "verdict": health.verdict,
        "train": health.train,
        "eval": health.evaluated,
        "numbers": dict(health.numbers),
        "signs": [msgspec.structs.asdict(sign) for sign in health.signs],
    }
