"""Read a folder of runs that something else launched: `*/metrics.jsonl`, `config.json` beside it.

Read-only. What a run's files do not say is not guessed: a run that stopped growing without a sign
of its end is `lost`, not done.
"""

import json
import os
import re
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, TypeAlias

import msgspec

from tuiswp.analysis.words import duration
from tuiswp.controller.journal import no_collection
from tuiswp.controller.reducer import SweepState
from tuiswp.errors import UsageError
from tuiswp.metrics.file import MetricFile, read_whole
from tuiswp.metrics.names import find
from tuiswp.metrics.objective import reduce
from tuiswp.model.space import Categorical, Parameter, Params, Value
from tuiswp.model.sweep import Goal, Objective, Resources, Run, Sweep
from tuiswp.model.trial import Ended, Launching, Queued, Trial
from tuiswp.search.keys import point_key

COMPLETE_AT = 0.98
QUIET_S = 60.0
_CONFIG_LIMIT = 4 << 20
_LARGE, _LARGE_EVERY_S = 500, 5.0  # so many runs, and how often those that ended are looked at
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


def run_directories(path: Path) -> list[Path]:
    """The runs in a folder, in the order of their names: run n is trial n."""
    return sorted(file.parent for file in path.glob("*/metrics.jsonl"))


# (step, progress, value, age in seconds) of a run that still grows
Growing: TypeAlias = tuple[float | None, float | None, float | None, float]


class _Run:
    """One run of a folder, as it was seen last."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.file = MetricFile(directory / "metrics.jsonl")
        self._final = directory / "checkpoints.jsonl"
        self._config = directory / "config.json"
        self.config: dict[str, Any] | None = None
        self.age = float("inf")
        self._config_at: float | None = None
        self._seen: tuple[object, ...] = ()  # all of its files that a trial is made from
        self._made: tuple[tuple[object, ...], Trial] | None = None

    @property
    def grows(self) -> bool:
        return self._made is not None and self._made[1].state == "running"

    def look(self) -> None:
        """Read what is new."""
        found = _stat(self.file.path)
        at = None if found is None else found.st_mtime
        self.age = float("inf") if at is None else max(0.0, time.time() - at)
        # Of a run that may still write, the end of the last line is yet to come.
        quiet = self.age >= QUIET_S
        size = None if found is None else found.st_size
        final = _stat(self._final)
        seen = (at, size, quiet, None if final is None else final.st_mtime)
        if seen != self._seen or self.file.behind:
            self._seen = seen
            read_whole(self.file, final=quiet)
        config = _stat(self._config)
        config_at = None if config is None else config.st_mtime
        if config_at != self._config_at:
            self._config_at = config_at
            self.config = None if config_at is None else _config(self.directory)

    def trial(
        self, number: int, parameters: tuple[Parameter, ...], objective: Objective | None
    ) -> Trial:
        """The run as a trial: the one before, if nothing was written since."""
        made_from = (number, parameters, objective, self._seen, self.file.rows, self._config_at)
        if self._made is None or self._made[0] != made_from:
            # What a run does not say is unknown, and null would be a value.
            known = self.config or {}
            params: Params = {p.path[0]: known[p.path[0]] for p in parameters if p.path[0] in known}
            value = None
            if objective is not None:
                name = find(objective.metric, self.file.metrics)
                value = reduce(self.file.metrics[name], objective) if name is not None else None
            trial = _trial(number, self.directory, params, self.file, value, self.age)
            self._made = made_from, trial
        return self._made[1]


class RunFolder:
    """A folder of runs, followed: each `refresh` reads only what is new."""

    def __init__(self, path: Path, *, objective: Objective | None = None) -> None:
        self._path = path
        self._objective = objective
        self._known: dict[Path, _Run] = {}
        self._runs: list[_Run] = []
        self._looked_at = float("-inf")  # monotonic: when all of it was looked at
        self._configs: list[dict[str, Any] | None] = []
        self._parameters: tuple[Parameter, ...] = ()
        self._guess: tuple[list[int], Objective | None] = [], None

    @property
    def files(self) -> dict[int, MetricFile]:
        """The metrics of each run by its number, as the last `refresh` read them."""
        return {number: run.file for number, run in enumerate(self._runs)}

    def refresh(self) -> tuple[Sweep, SweepState, dict[int, Growing]]:
        """The folder as if it were a sweep, and what still grows in it by run number.

        Raises UsageError if it holds no runs.
        """
        with no_collection():
            self._look()
        parameters, objective = self._varying(), self._objective or self._guessed()
        trials = {n: run.trial(n, parameters, objective) for n, run in enumerate(self._runs)}
        growing: dict[int, Growing] = {
            number: (run.file.last_step, run.file.progress, trials[number].value, run.age)
            for number, run in enumerate(self._runs)
            if run.grows
        }
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

    def _look(self) -> None:
        """Look at every run; in a large folder, most times only at those that grow."""
        now = time.monotonic()
        whole = len(self._runs) < _LARGE or now - self._looked_at >= _LARGE_EVERY_S
        if whole:
            directories = run_directories(self._path)
            if not directories:
                raise UsageError("holds no runs (*/metrics.jsonl)", where=str(self._path))
            if len(directories) != len(self._runs) or any(
                run.directory != directory
                for run, directory in zip(self._runs, directories, strict=True)
            ):
                self._known = {each: self._known.get(each) or _Run(each) for each in directories}
                self._runs = list(self._known.values())
        for run in self._runs:
            if whole or run.grows:
                run.look()
        if whole:
            self._looked_at = time.monotonic()

    def _varying(self) -> tuple[Parameter, ...]:
        configs = [run.config for run in self._runs]
        if configs != self._configs:  # the same objects, unless one was written
            self._configs, self._parameters = configs, varying(configs)
        return self._parameters

    def _guessed(self) -> Objective | None:
        counts = [len(run.file.metrics) for run in self._runs]
        if counts != self._guess[0]:
            self._guess = counts, guess_objective([set(run.file.metrics) for run in self._runs])
        return self._guess[1]


def read(
    path: Path, *, objective: Objective | None = None
) -> tuple[Sweep, SweepState, dict[int, Growing]]:
    """The folder as it is now; see `RunFolder.refresh`."""
    return RunFolder(path, objective=objective).refresh()


def _stat(path: Path) -> os.stat_result | None:
    try:
        return path.stat()
    except OSError:
        return None


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
        values = _distinct([config[name] for config in readable if name in config])
        if len(values) > 1 and not (
            _NOT_A_CHOICE.search(name) and any(isinstance(value, str) for value in values)
        ):
            found.append(Parameter((name,), Categorical(tuple(values)), "categorical"))
    return tuple(found)


def _distinct(values: Sequence[Value]) -> list[Value]:
    """Each value once, as `==` tells them apart, in order of first appearance."""
    try:
        return list(dict.fromkeys(values))
    except TypeError:  # lists and dicts among them
        found: list[Value] = []
        for value in values:
            if value not in found:
                found.append(value)
        return found


def guess_objective(logged: list[set[str]]) -> Objective | None:
    """The first well-known objective that every run with metrics logged."""
    with_metrics = [names for names in logged if names]
    for name, goal in _OBJECTIVES:
        if with_metrics and all(find(name, names) is not None for names in with_metrics):
            return Objective(name, goal)
    return None
