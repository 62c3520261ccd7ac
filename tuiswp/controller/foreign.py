"""Read a folder of runs that something else launched: `*/metrics.jsonl`, `config.json` beside it.

Or what other tools leave: `wandb/`, `lightning_logs/`, event files, checkpoints of a Trainer.

Read-only. What a run's files do not say is not guessed: a run that stopped growing without a sign
of its end is `lost`, not done.
"""

import json
import os
import re
import time
from collections import deque
from collections.abc import Collection, Iterator, Mapping, Sequence
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
from tuiswp.metrics.sources.finding import holds_run
from tuiswp.metrics.sources.wandb_run import settings
from tuiswp.model.space import Categorical, Parameter, Params, Value
from tuiswp.model.sweep import Goal, Objective, Resources, Run, Sweep
from tuiswp.model.trial import Ended, Launching, Queued, Trial
from tuiswp.plain import read_plain
from tuiswp.search.keys import point_key

METRICS = "metrics.jsonl"
COMPLETE_AT = 0.98
QUIET_S = 60.0
_CONFIG_LIMIT = 4 << 20
_LARGE, _LARGE_EVERY_S = 500, 5.0  # so many runs, and within how long each that ended is looked at
_TURN_S = 0.5  # about how often a person who watches has it looked at
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


def run_names(path: Path, known: Collection[str] = ()) -> list[str]:
    """The runs in a folder, in the order of their names: run n is trial n.

    `known`: names that need no look whether there are metrics under them.
    """
    try:
        with os.scandir(path) as found:
            names = [entry.name for entry in found]
    except OSError:
        return []
    return sorted(
        name
        for name in names
        if name in known
        or _stat(f"{path}/{name}/{METRICS}") is not None
        or holds_run(f"{path}/{name}")
    )


# (step, progress, value, age in seconds) of a run that still grows
Growing: TypeAlias = tuple[float | None, float | None, float | None, float]


class _Run:
    """One run of a folder, as it was seen last."""

    def __init__(self, folder: str, name: str) -> None:
        self.name = name
        # As text: a Path for each of ten thousand runs takes longer than to ask the file system.
        self._metrics = f"{folder}/{name}/{METRICS}"
        self._final = f"{folder}/{name}/checkpoints.jsonl"
        self._config = f"{folder}/{name}/config.json"
        self.file = MetricFile(self._metrics)
        self.config: dict[str, Any] | None = None
        self.age = float("inf")
        self._config_at: float | None = None
        self._looked_inside = False  # for settings, where there is no config.json
        self._seen: tuple[object, ...] = ()  # all of its files that a trial is made from
        self._made: tuple[tuple[object, ...], Trial] | None = None

    @property
    def is_gone(self) -> bool:
        return self._seen[:1] == (None,)

    @property
    def grows(self) -> bool:
        return self._made is not None and self._made[1].state == "running"

    @property
    def was_read(self) -> bool:
        return bool(self._seen)

    def look(self) -> bool:
        """Read what is new; True if anything differs from the last look."""
        found = _stat(self._metrics)
        grew = found is None and self.file.poll()
        at, size = self._written_elsewhere() if found is None else (found.st_mtime, found.st_size)
        self.age = float("inf") if at is None else max(0.0, time.time() - at)
        # Of a run that may still write, the end of the last line is yet to come.
        quiet = self.age >= QUIET_S
        final = _stat(self._final)
        seen = (at, size, quiet, None if final is None else final.st_mtime)
        differs = seen != self._seen or self.file.behind or grew
        if differs:
            self._seen = seen
            read_whole(self.file, final=quiet, size=size)
        config = _stat(self._config)
        config_at = None if config is None else config.st_mtime
        if config_at != self._config_at:
            self._config_at = config_at
            self.config = None if config is None else _config(self._config, config.st_size)
            differs = True
        elif self.config is None and self._config_at is None and not self._looked_inside:
            self._looked_inside = self.file.kind is not None
            self.config = _config_within(self.file)
            differs = True
        return differs

    def _written_elsewhere(self) -> tuple[float | None, int | None]:
        """When the newest of another tool's files was written, and how much they hold."""
        found = [_stat(path) for path in self.file.read_from]
        there = [one for one in found if one is not None]
        if self.file.kind is None or not there:
            return None, None
        return max(one.st_mtime for one in there), sum(one.st_size for one in there)

    def trial(self, number: int, names: Sequence[str], objective: Objective | None) -> Trial:
        """The run as a trial: the one before, if nothing was written since.

        `names`: the settings that are its parameters.
        """
        made_from = (number, names, objective, self._seen, self.file.rows, self._config_at)
        if self._made is None or self._made[0] != made_from:
            # What a run does not say is unknown, and null would be a value.
            known = self.config or {}
            params: Params = {name: known[name] for name in names if name in known}
            value = None
            if objective is not None:
                name = find(objective.metric, self.file.metrics)
                value = reduce(self.file.metrics[name], objective) if name is not None else None
            final = self._seen[3:] != (None,) and _has_final_checkpoint(self._final)
            trial = _trial(number, self.name, params, self.file, value, self.age, final)
            self._made = made_from, trial
        return self._made[1]


class RunFolder:
    """A folder of runs, followed: each `refresh` reads only what is new.

    `unread`: how many runs the last `refresh` had no time for. They are not among the trials yet.
    """

    def __init__(self, path: Path, *, objective: Objective | None = None) -> None:
        self._path = path
        self._objective = objective
        self._runs: list[_Run] = []
        self._unread: deque[int] = deque()
        self._next = 0  # whose turn it is among those that ended
        self._listed_at = float("-inf")  # monotonic
        self._dirty: set[int] = set()  # runs whose trial must be made again
        self._growing: set[int] = set()
        self._meaning: tuple[tuple[Parameter, ...], Objective | None] | None = None
        self._known_at = 0  # how many runs were read when `_meaning` was worked out
        self._differs = True  # some run has another config, or logged a name it had not
        self._trials: dict[int, Trial] = {}
        self._shown: tuple[Sweep, SweepState] | None = None

    @property
    def unread(self) -> int:
        return len(self._unread)

    @property
    def files(self) -> Mapping[int, MetricFile]:
        """The metrics of each run by its number, as the last `refresh` read them."""
        return _Files(self._runs)

    def refresh(
        self, *, budget_s: float | None = None
    ) -> tuple[Sweep, SweepState, dict[int, Growing]]:
        """The folder as if it were a sweep, and what still grows in it by run number.

        With `budget_s` it reads for about so many seconds and goes on with the next call. What did
        not change is the same object as before. Raises UsageError if it holds no runs.
        """
        with no_collection():
            self._look(budget_s)
            parameters, objective = self._meant()
            names = tuple(parameter.path[0] for parameter in parameters)
            for number in self._dirty:
                run = self._runs[number]
                trial = run.trial(number, names, objective)
                if self._trials.get(number) is not trial:
                    self._trials[number] = trial
                    self._shown = None
                (self._growing.add if run.grows else self._growing.discard)(number)
            self._dirty.clear()
        if self._shown is None:
            self._shown = self._as_sweep(parameters, objective)
        growing: dict[int, Growing] = {
            number: (run.file.last_step, run.file.progress, self._trials[number].value, run.age)
            for number in sorted(self._growing)
            for run in (self._runs[number],)
        }
        return *self._shown, growing

    def _as_sweep(
        self, parameters: tuple[Parameter, ...], objective: Objective | None
    ) -> tuple[Sweep, SweepState]:
        sweep = Sweep(
            name=self._path.resolve().name,
            method="grid",
            parameters=parameters,
            objective=objective,
            resources=Resources(),
            run=Run(command=(), program=None, cwd=str(self._path)),
            notes=() if objective is not None else ("no metric known as an objective was logged",),
        )
        return sweep, SweepState(name=sweep.name, trials=dict(sorted(self._trials.items())))

    def _look(self, budget_s: float | None) -> None:
        """Look at the runs that grow, at some of those that ended, and at what nobody read yet."""
        now = time.monotonic()
        every_s = 0.0 if len(self._runs) < _LARGE else _LARGE_EVERY_S
        if not self._unread and now - self._listed_at >= every_s:
            self._list()
            self._listed_at = now
        deadline = None if budget_s is None else time.monotonic() + budget_s
        fresh = set(self._unread)
        if not self._read_on(deadline):
            return
        small = len(self._runs) < _LARGE
        for number in range(len(self._runs)) if small else self._turn():
            if number not in fresh:
                self._visit(number)
        if any(self._runs[number].is_gone for number in self._dirty):
            self._list()
            self._read_on(deadline)

    def _read_on(self, deadline: float | None) -> bool:
        """Read what nobody read yet, at least one; False if the time is over first."""
        while self._unread:
            self._visit(self._unread.popleft())
            if deadline is not None and time.monotonic() >= deadline:
                break
        return not self._unread

    def _turn(self) -> list[int]:
        """Those that grow, and so many of the others that each is looked at now and then."""
        count = len(self._runs)
        share = max(1, round(count / (_LARGE_EVERY_S / _TURN_S)))
        others = {(self._next + step) % count for step in range(min(share, count))}
        self._next = (self._next + share) % count
        return sorted(others | self._growing)

    def _visit(self, number: int) -> None:
        run = self._runs[number]
        config, names = run.config, len(run.file.metrics)
        if run.look():
            self._dirty.add(number)
            self._differs |= run.config is not config or len(run.file.metrics) != names

    def _list(self) -> None:
        """See which runs there are. Raises UsageError if there is none."""
        known = {run.name: run for run in self._runs if not run.is_gone}
        names = run_names(self._path, known)
        if not names:
            raise UsageError("holds no runs (*/metrics.jsonl, W&B's, …)", where=str(self._path))
        if names == [run.name for run in self._runs]:
            return
        folder = str(self._path)
        self._runs = [known.get(name) or _Run(folder, name) for name in names]
        # Numbers mean other runs now.
        self._unread = deque(n for n, name in enumerate(names) if name not in known)
        self._dirty = {n for n, name in enumerate(names) if name in known}
        self._trials, self._growing, self._shown, self._differs = {}, set(), None, True

    def _meant(self) -> tuple[tuple[Parameter, ...], Objective | None]:
        """What varies, and what is judged by: worked out again when a run says something new.

        While a large folder is still being read, only when twice as many are known.
        """
        read = len(self._runs) - len(self._unread)
        before = self._meaning
        if before is not None and not self._differs:
            return before
        if before is not None and self._unread and read < 2 * self._known_at:
            return before
        runs = [run for run in self._runs if run.was_read]
        objective = self._objective
        if objective is None:
            objective = guess_objective({frozenset(run.file.metrics) for run in runs})
        found = varying([run.config for run in runs]), objective
        self._differs, self._known_at = bool(self._unread), read
        if found == before:
            return before
        self._meaning, self._shown = found, None
        self._dirty |= {number for number, run in enumerate(self._runs) if run.was_read}
        return found


class _Files(Mapping[int, MetricFile]):
    """The files of the runs by number: a view, not a copy."""

    def __init__(self, runs: Sequence[_Run]) -> None:
        self._runs = runs

    def __getitem__(self, number: int) -> MetricFile:
        if 0 <= number < len(self._runs):
            return self._runs[number].file
        raise KeyError(number)

    def __iter__(self) -> Iterator[int]:
        return iter(range(len(self._runs)))

    def __len__(self) -> int:
        return len(self._runs)


def read(
    path: Path, *, objective: Objective | None = None
) -> tuple[Sweep, SweepState, dict[int, Growing]]:
    """The folder as it is now; see `RunFolder.refresh`."""
    return RunFolder(path, objective=objective).refresh()


def _stat(path: str) -> os.stat_result | None:
    try:
        return os.stat(path)  # noqa: PTH116  ten thousand times
    except OSError:
        return None


def _trial(
    number: int,
    name: str,
    params: Params,
    file: MetricFile,
    value: float | None,
    age: float,
    final: bool,
) -> Trial:
    """`final`: its last checkpoint is there."""
    reached = file.progress is not None and file.progress >= COMPLETE_AT
    last = not (reached or final) and age >= QUIET_S and _is_last_step(file)
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
            trial, status=Ended(time.time() - age, "done", "done", f"{name}: {evidence}")
        )
    if age < QUIET_S:
        return msgspec.structs.replace(trial, status=Launching(time.time() - age, "", ()))
    evidence = f"{name}: silent for {duration(age)}, and nothing says how it ended"
    return msgspec.structs.replace(
        trial, status=Ended(time.time() - age, "lost", "unknown", evidence)
    )


def _is_last_step(file: MetricFile) -> bool:
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
        with file.path.open("rb") as lines:
            first = json.loads(lines.readline(_FIRST_LINE_LIMIT))
    except (OSError, ValueError, RecursionError):
        return False
    return isinstance(first, dict) and first.get("step") == 0 and first.get("progress") == 0


def _has_final_checkpoint(path: str) -> bool:
    try:
        data = read_plain(Path(path))[-65536:]
    except OSError:
        return False
    return re.search(rb'"name"\s*:\s*"final"', data) is not None


def _config(path: str, size: int) -> dict[str, Any] | None:
    """The settings of a run in a file of so many bytes; None if they cannot be read."""
    try:
        fd = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        try:
            config = msgspec.json.decode(os.read(fd, min(size, _CONFIG_LIMIT)))
        finally:
            os.close(fd)
    except (OSError, msgspec.DecodeError, RecursionError):
        return None
    return config if isinstance(config, dict) else None


def _config_within(file: MetricFile) -> dict[str, Any] | None:
    """The settings of a run as W&B keeps them in its own file."""
    if file.kind != "wandb":
        return None
    try:
        with Path(file.read_from[0]).open("rb") as run:
            return settings(run.read(_CONFIG_LIMIT))
    except OSError:
        return None


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


def guess_objective(logged: Collection[Collection[str]]) -> Objective | None:
    """The first well-known objective that every run with metrics logged."""
    with_metrics = [names for names in logged if names]
    for name, goal in _OBJECTIVES:
        if with_metrics and all(find(name, names) is not None for names in with_metrics):
            return Objective(name, goal)
    return None
