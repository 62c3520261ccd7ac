"""What a script or a notebook calls: run a sweep, read its results. Prints and decides nothing.

The sweep is run by a controller of its own, as the command line has it: it survives this process,
and the screen, `tuiswp status` and the rest work on it. `import tuiswp` does not load this module.
"""

import sys
import time
from collections.abc import Iterable, Mapping, Sequence
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypedDict

from tuiswp.analysis.summary import best_json
from tuiswp.cli import otherwise
from tuiswp.controller.client import SweepReader, SweepView, ask
from tuiswp.controller.directory import SweepDirectory
from tuiswp.controller.opening import SweepText, open_or_create, preflight, start_in_background
from tuiswp.controller.requests import new_request
from tuiswp.errors import NoResult, SweepPaused, UsageError
from tuiswp.model.space import Params
from tuiswp.model.sweep import Goal
from tuiswp.model.who import US
from tuiswp.spec.overriding import Overrides, override, written
from tuiswp.text import visible

if TYPE_CHECKING:
    import pandas as pd

_POLL_S = 0.25


class SweepResult(TypedDict):
    """What `run_sweep` returns. `best_config` is what `best_config_path` holds."""

    sweep_id: str
    best_run_id: str
    metric_name: str
    metric_goal: Goal
    metric_for_best_model: str
    metric_value: float
    best_config: Params
    best_config_path: str


class SweepHandle:
    """A sweep that runs, or has run, in its own process. `notes`: what a person should know."""

    def __init__(self, directory: "str | PathLike[str]", notes: Sequence[str] = ()) -> None:
        self.directory = Path(directory).absolute()
        self.notes = tuple(notes)
        self._reader = SweepReader(self.directory)

    def __repr__(self) -> str:
        return f"<SweepHandle {visible(str(self.directory))}: {self.poll()}>"

    def poll(self) -> str:
        """Where it stands, in one word.

        running, paused, stopping: it goes on. finished, stopped: it is over. orphaned, interrupted:
        nobody decides any more; `run_sweep` with the same arguments goes on with it.
        """
        return self._view().word

    def wait(self, timeout: float | None = None) -> SweepResult:
        """The result once the sweep is over. A ctrl-c ends the wait, not the sweep.

        Raises TimeoutError after `timeout` seconds; SweepPaused when tuiswp itself paused it, since
        then a person has to mend something; NoResult when it ends without one.
        """
        deadline = None if timeout is None else time.monotonic() + timeout
        while True:
            view = self._view()
            if view.word in ("finished", "stopped"):
                return _result(view)
            paused = view.state.paused
            if view.controller is None:
                raise NoResult(
                    f"nobody decides any more: the sweep is {view.word}",
                    where=visible(str(self.directory)),
                    hint="run it again to go on; controller.log there has its controller's words",
                )
            if paused is not None and paused.by == US:
                raise SweepPaused(
                    f"paused: {visible(paused.why, limit=500)}",
                    where=visible(str(self.directory)),
                    hint=f"mend the cause, then `tuiswp resume {visible(str(self.directory))}`; "
                    "or end it with `.stop()`",
                )
            left = _POLL_S if deadline is None else deadline - time.monotonic()
            if left <= 0:
                raise TimeoutError(f"the sweep is {view.word} after {timeout:g} s")
            time.sleep(min(_POLL_S, left))

    def result(self) -> SweepResult:
        """The result as it stands, over or not. Raises NoResult when there is none."""
        return _result(self._view())

    def stop(self, *, now: bool = False) -> None:
        """No new trials; those that run finish, unless `now`."""
        if self.poll() not in ("finished", "stopped"):
            ask(SweepDirectory(self.directory), new_request("stop", now=now))

    def results(self) -> "pd.DataFrame":
        """The table, as `collect` gives it."""
        return collect(self.directory)

    def _view(self) -> SweepView:
        return self._reader.refresh(with_metrics=False)


def run_sweep(
    sweep: "str | PathLike[str] | Mapping[str, Any] | None" = None,
    *,
    parameters: Mapping[str, Any] | None = None,
    program: "str | PathLike[str] | None" = None,
    command: Sequence[str] | None = None,
    method: Literal["grid", "random", "bayes"] | None = None,
    metric: str | None = None,
    goal: Goal | None = None,
    count: int | None = None,
    name: str | None = None,
    directory: "str | PathLike[str] | None" = None,
    timeout: float | None = None,
) -> SweepResult:
    """Run a sweep to its end and return the best configuration. One that exists is gone on with.

    `sweep`: a sweep file, or what would be in one; None: `parameters` and the rest say it all.
    What is named beside it wins over the file. `parameters`: by name, a mapping as in a sweep file,
    a list of values to try, or one value (a model, a data set, a task). `directory`: where
    everything goes (default: `./sweeps/NAME`). Raises TuiswpError: `str()` says what, where, and
    what next; and TimeoutError, after which the sweep still runs.
    """
    return start_sweep(
        sweep,
        parameters=parameters,
        program=program,
        command=command,
        method=method,
        metric=metric,
        goal=goal,
        count=count,
        name=name,
        directory=directory,
    ).wait(timeout)


def start_sweep(
    sweep: "str | PathLike[str] | Mapping[str, Any] | None" = None,
    *,
    parameters: Mapping[str, Any] | None = None,
    program: "str | PathLike[str] | None" = None,
    command: Sequence[str] | None = None,
    method: Literal["grid", "random", "bayes"] | None = None,
    metric: str | None = None,
    goal: Goal | None = None,
    count: int | None = None,
    name: str | None = None,
    directory: "str | PathLike[str] | None" = None,
) -> SweepHandle:
    """The same as `run_sweep`, without waiting: poll, wait and stop are methods of the handle."""
    overrides = Overrides(
        parameters=parameters or {},
        program=None if program is None else str(program),
        command=command,
        method=method,
        metric=metric,
        goal=goal,
        count=count,
    )
    _check_kinds(sweep, parameters, command, name, directory)
    text = _text(sweep, overrides)
    preflight(text.sweep())
    place, _, notes = open_or_create(
        text, name=name, directory=None if directory is None else Path(directory)
    )
    handle = SweepHandle(place.root, notes)
    view = handle._view()
    if view.word not in ("finished", "stopped") and view.controller is None:
        start_in_background(place)
    return handle


def collect(
    directory: "str | PathLike[str]",
    *,
    metric: str | None = None,
    goal: Goal | None = None,
    include_partial: bool = False,
) -> "pd.DataFrame":
    """The results table of a sweep, or of a folder of runs that something else launched.

    One row a trial, by number; docs/python.md names the columns and their types. `metric`, `goal`,
    `include_partial`: judge by them, as `tuiswp results` does. Raises UsageError if there is
    nothing to read.
    """
    from tuiswp.analysis.table import frame, typed
    from tuiswp.cli.verdict import reach

    verdict = reach(
        SweepReader(Path(directory)).refresh(),
        include_partial=include_partial,
        metric=metric,
        goal=goal,
    )
    return typed(frame(verdict.sweep, verdict.judgement, verdict.trials, health=verdict.health()))


def _check_kinds(sweep: Any, parameters: Any, command: Any, name: Any, directory: Any) -> None:
    """What a wrong type would be told by a traceback from far inside. Raises UsageError."""
    path = (str, PathLike)
    wanted: tuple[tuple[str, Any, Any, str], ...] = (
        ("sweep", sweep, (*path, Mapping), "a sweep file, or a mapping of what would be in one"),
        ("parameters", parameters, Mapping, "a mapping: {'lr': [1e-4, 1e-3]}"),
        ("command", command, (list, tuple), "a list: ['python', 'train.py', '${args}']"),
        ("name", name, str, "a text"),
        ("directory", directory, path, "a path"),
    )
    for word, value, kinds, meant in wanted:
        if value is not None and not isinstance(value, kinds):
            raise UsageError(
                f"{word} is {meant.partition(':')[0]}, not of type {type(value).__name__}",
                where="run_sweep",
                hint=f"give {meant}",
            )
    if name is not None and "\0" in name:
        raise UsageError("name holds a NUL character", where="run_sweep", hint="leave it out")


def _text(
    sweep: "str | PathLike[str] | Mapping[str, Any] | None", overrides: Overrides
) -> SweepText:
    """The sweep file that is meant, or the one that the caller's words make."""
    if sweep is None:
        needed = {"parameters": overrides.parameters, "method": overrides.method}
        missing = [word for word, given in needed.items() if not given]
        if missing:
            raise UsageError(
                f"there is nothing to sweep: no sweep file and no {' and no '.join(missing)}",
                where="run_sweep",
                hint="give a file, or parameters={'lr': [1e-4, 1e-3]}, method='grid', "
                "program='train.py', metric='loss'",
            )
        sweep = {}
    if isinstance(sweep, Mapping):
        given = override(written(sweep), overrides)
        return SweepText(_script(), given)
    source = Path(sweep)
    if source.is_dir():
        raise UsageError(
            "is a directory, not a sweep file",
            where=visible(str(source)),
            hint="tuiswp.collect reads the results of a sweep directory",
        )
    return otherwise.applied(SweepText(source), overrides)


def _script() -> Path:
    """Whose sweep it is: the script that runs, for its name and for messages."""
    file = getattr(sys.modules.get("__main__"), "__file__", None)
    return Path(file) if file else Path("notebook")


def _result(view: SweepView) -> SweepResult:
    from tuiswp.analysis.optimum import judge

    sweep, objective = view.sweep, view.sweep.objective
    judgement = judge(sweep, view.trials)
    best = judgement.optimum
    where = visible(str(view.directory))
    if best is None or best.value is None or objective is None:
        raise NoResult(
            f"there is no best trial: {judgement.why_none or 'no metric decides'}",
            where=where,
            hint=f"`tuiswp results {where}` says more{_why(view.trials)}",
        )
    config = best_json(sweep, judgement)
    return SweepResult(
        sweep_id=view.directory.name,
        best_run_id=best.id,
        metric_name=objective.metric,
        metric_goal=objective.goal,
        metric_for_best_model=str(config["metric_for_best_model"]),
        metric_value=best.value,
        best_config=config,
        best_config_path=str(SweepDirectory(view.directory).best),
    )


def _why(trials: Iterable[Any]) -> str:
    """What the last trial that failed said."""
    said = [one.attempts[-1].evidence for one in trials if one.state == "failed" and one.attempts]
    return f"; a trial failed with: {visible(said[-1], limit=200)}" if said and said[-1] else ""
