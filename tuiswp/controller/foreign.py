"""Read a folder of runs that something else launched: `*/metrics.jsonl`, `config.json` beside it.

Read-only. What a run's files do not say is not guessed: a run that stopped growing without a sign
of its end is `lost`, not done.
"""

import json
import re
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, TypeAlias

import msgspec

from tuiswp.analysis.words import duration
from tuiswp.controller.reducer import SweepState
from tuiswp.controller.watching import read_whole
from tuiswp.errors import UsageError
from tuiswp.metrics.file import MetricFile
from tuiswp.metrics.names import find
from tuiswp.metrics.objective import reduce
from tuiswp.model.space import Categorical, Parameter, Params, Value
from tuiswp.model.sweep import Goal, Objective, Resources, Run, Sweep
from tuiswp.model.trial import Ended, Launching, Queued, Trial
from tuiswp.search.keys import point_key

COMPLETE_AT = 0.98
QUIET_S = 60.0
_CONFIG_LIMIT = 4 << 20
_FIRST_LINE_LIMIT = 64 << 10
# Settings that name a place or a run, not a choice: they differ everywhere and explain nothing.
_NOT_A_CHOICE = re.compile(r"(?:path|dir|name|uuid|url|id)$", re.IGNORECASE)
# Names a supervised loop gives the number it minimises or maximises, in order of trust.
_OBJECTIVES: tuple[tuple[str, Goal], ...] = (
    ("eval_loss", "minimize"), ("val_loss", "minimize"), ("test/nll", "minimize"),
    ("validation_loss", "minimize"), ("val/loss", "minimize"), ("train_mean_nll", "minimize"),
    ("train_loss", "minimize"), ("train/loss", "minimize"), ("loss", "minimize"),
    ("eval_accuracy", "maximize"), ("val/acc", "maximize"), ("accuracy", "maximize"),
    ("reward/total", "maximize"),
)  # fmt: skip


def is_run_folder(path: Path) -> bool:
    return any(path.glob("*/metrics.jsonl"))


def run_directories(path: Path) -> list[Path]:
    """The runs in a folder, in the order of their names: run n is trial n."""
    return sorted(file.parent for file in path.glob("*/metrics.jsonl"))


# (step, progress, value, age in seconds) of a run that still grows
Growing: TypeAlias = tuple[float | None, float | None, float | None, float]


class RunFolder:
    """A folder of runs, followed: each `refresh` reads only what is new."""

    def __init__(self, path: Path, *, objective: Objective | None = None) -> None:
        self._path = path
        self._objective = objective
        self._files: dict[Path, MetricFile] = {}
        self._configs: dict[Path, tuple[float, dict[str, Any] | None]] = {}

    def refresh(self) -> tuple[Sweep, SweepState, dict[int, Growing]]:
        """The folder as if it were a sweep, and what still grows in it by run number.

        Raises UsageError if it holds no runs.
        """
        directories = run_directories(self._path)
        if not directories:
            raise UsageError("holds no runs (*/metrics.jsonl)", where=str(self._path))
        files = [self._file(directory) for directory in directories]
        configs = [self._config(directory) for directory in directories]
        parameters = varying(configs)
        objective = self._objective or guess_objective([set(file.metrics) for file in files])
        trials: dict[int, Trial] = {}
        growing: dict[int, Growing] = {}
        for number, (directory, file, config) in enumerate(
            zip(directories, files, configs, strict=True)
        ):
            # What a run does not say is unknown, and null would be a value.
            known = config or {}
            params: Params = {p.path[0]: known[p.path[0]] for p in parameters if p.path[0] in known}
            value = None
            if objective is not None:
                name = find(objective.metric, file.metrics)
                value = reduce(file.metrics[name], objective) if name is not None else None
            age = _age(directory)
            trial = _trial(number, directory, params, file, value, age)
            trials[number] = trial
            if trial.state == "running":
                growing[number] = (file.last_step, file.progress, value, age)
        sweep = Sweep(
            name=self._path.resolve().name,
            method="grid",
            parameters=parameters,
            objective=objective,
            resources=Resources(),
            run=Run(command=(), program=None, cwd=str(self._path)),
            notes=() if objective is not None else ("no metric known as an objective was logged",),
        )
        return sweep, SweepState(name=sweep.name, trials=trials), growing

    def _file(self, directory: Path) -> MetricFile:
        file = self._files.get(directory)
        if file is None:
            file = self._files[directory] = MetricFile(directory / "metrics.jsonl")
        read_whole(file)
        return file

    def _config(self, directory: Path) -> dict[str, Any] | None:
        try:
            changed = (directory / "config.json").stat().st_mtime
        except OSError:
            return None
        known = self._configs.get(directory)
        if known is None or known[0] != changed:
            known = self._configs[directory] = (changed, _config(directory))
        return known[1]


def read(
    path: Path, *, objective: Objective | None = None
) -> tuple[Sweep, SweepState, dict[int, Growing]]:
    """The folder as it is now; see `RunFolder.refresh`."""
    return RunFolder(path, objective=objective).refresh()


def _age(directory: Path) -> float:
    """Seconds since the run's metrics grew; infinite if the file just vanished."""
    try:
        return max(0.0, time.time() - (directory / "metrics.jsonl").stat().st_mtime)
    except OSError:
        return float("inf")


def _trial(
    number: int,
    directory: Path,
    params: Params,
    file: MetricFile,
    value: float | None,
    age: float,
) -> Trial:
    reached = file.progress is not None and file.progress >= COMPLETE_AT
    final = _has_final_checkpoint(directory)
    last = not (reached or final) and age >= QUIET_S and _is_last_step(directory, file)
    trial = Trial(
        number,
        params,
        point_key(params),
        "point",
        Queued(since=0.0),
        value=value,
        progress=file.progress,
        step=file.last_step,
        complete=reached or final or last,
    )
    if reached or final or last:
        evidence = "its final checkpoint is there" if final else f"progress {file.progress:g}"
        evidence += f" at step {file.last_step:g}, its last" if last else ""
        return msgspec.structs.replace(
            trial, status=Ended(time.time() - age, "done", "done", f"{directory.name}: {evidence}")
        )
    if age < QUIET_S:
        return msgspec.structs.replace(trial, status=Launching(time.time() - age, "", ()))
    evidence = f"{directory.name}: silent for {duration(age)}, and nothing says how it ended"
    return msgspec.structs.replace(
        trial, status=Ended(time.time() - age, "lost", "unknown", evidence)
    )


def _is_last_step(directory: Path, file: MetricFile) -> bool:
    """Whether a quiet file ends with step N-1 of N, where `progress` is step/N and ends below 1.

    The first row tells that steps and progress count from 0: elsewhere (s+1)/N is logged, and the
    same last row would be a run that stopped short.
    """
    step, progress = file.last_step, file.progress
    if step is None or progress is None or not 0 < progress < 1 or step <= 0:
        return False
    total = round(step / progress)
    if total != step + 1:
        return False
    try:
        with (directory / "metrics.jsonl").open("rb") as lines:
            first = json.loads(lines.readline(_FIRST_LINE_LIMIT))
    except (OSError, ValueError, RecursionError):
        return False
    return isinstance(first, dict) and first.get("step") == 0 and first.get("progress") == 0


def _has_final_checkpoint(directory: Path) -> bool:
    try:
        data = (directory / "checkpoints.jsonl").read_bytes()[-65536:]
    except OSError:
        return False
    return re.search(rb'"name"\s*:\s*"final"', data) is not None


def _config(directory: Path) -> dict[str, Any] | None:
    """The settings of a run; None if they cannot be read."""
    try:
        with (directory / "config.json").open("rb") as file:
            config = msgspec.json.decode(file.read(_CONFIG_LIMIT))
    except (OSError, msgspec.DecodeError, RecursionError):
        return None
    return config if isinstance(config, dict) else None


def varying(configs: Sequence[dict[str, Any] | None]) -> tuple[Parameter, ...]:
    """The settings that differ between the runs that name them, each with the values it took.

    A config that could not be read is None: unknown, and so no difference.
    """
    readable = [config for config in configs if config is not None]
    names = sorted({name for config in readable for name in config})
    found: list[Parameter] = []
    for name in names:
        values: list[Value] = []
        for config in readable:
            if name in config and config[name] not in values:
                values.append(config[name])
        if len(values) > 1 and not (
            _NOT_A_CHOICE.search(name) and any(isinstance(value, str) for value in values)
        ):
            found.append(Parameter((name,), Categorical(tuple(values)), "categorical"))
    return tuple(found)


def guess_objective(logged: list[set[str]]) -> Objective | None:
    """The first well-known objective that every run with metrics logged."""
    with_metrics = [names for names in logged if names]
    for name, goal in _OBJECTIVES:
        if with_metrics and all(find(name, names) is not None for names in with_metrics):
            return Objective(name, goal)
    return None
