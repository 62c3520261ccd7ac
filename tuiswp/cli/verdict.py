"""Judge the trials of a view: the optimum, the findings, and what they rest on. Prints nothing.

Reads every trial's metrics file once: findings need to know which metrics were logged.
"""

import statistics
from collections.abc import Mapping, Sequence
from pathlib import Path

import msgspec
from msgspec.structs import replace

from tuiswp.analysis.diagnosis import diagnose
from tuiswp.analysis.divergence import diverged, known_diverged
from tuiswp.analysis.findings import Diagnosis
from tuiswp.analysis.optimum import Judgement, judge
from tuiswp.analysis.training import Health, as_diverged, examine
from tuiswp.controller import foreign
from tuiswp.controller.client import Live, SweepView
from tuiswp.controller.directory import SweepDirectory
from tuiswp.errors import UsageError
from tuiswp.metrics.file import MetricFile
from tuiswp.metrics.names import find, near
from tuiswp.metrics.objective import reduce
from tuiswp.model.ids import trial_id
from tuiswp.model.sweep import Goal, Objective, Sweep
from tuiswp.model.trial import Trial
from tuiswp.text import visible

Curve = tuple[Sequence[float], Sequence[float]]


class Verdict(msgspec.Struct, frozen=True):
    """`trials` by number, running ones with the values their files show now.

    `curves`: steps and values of the objective by trial number; `files`: all that was logged;
    `lost`: by the number of each trial that diverged, how that is known.
    """

    sweep: Sweep
    trials: tuple[Trial, ...]
    judgement: Judgement
    diagnoses: tuple[Diagnosis, ...]
    curves: Mapping[int, Curve]
    files: Mapping[int, MetricFile] = {}
    lost: Mapping[int, str] = {}

    def health(self) -> dict[int, Health]:
        """What each trial's log says of its training, by number."""
        found = {number: examine(file.metrics) for number, file in self.files.items()}
        return found | {n: as_diverged(found[n], how) for n, how in self.lost.items() if n in found}


def reach(
    view: SweepView,
    *,
    include_partial: bool = False,
    metric: str | None = None,
    goal: Goal | None = None,
) -> Verdict:
    """The verdict on `view`, by another metric or goal if given.

    Raises UsageError if no trial logged that metric.
    """
    files = _read(view)
    sweep, trials = view.sweep, [_as_it_is(view, trial) for trial in view.trials]
    if metric is not None or goal is not None:
        sweep = replace(sweep, objective=_objective(sweep, metric, goal, files))
        trials = [replace(trial, value=_value(sweep, files[trial.number])) for trial in trials]
    judgement = judge(sweep, trials, include_partial=include_partial)
    curves = _curves(sweep, files)
    begins = {
        number: start
        for number, (_, values) in curves.items()
        if sweep.objective is not None and (start := began_at(values, sweep.objective)) is not None
    }
    seen = {number: list(file.metrics) for number, file in files.items()}
    values = {number: values for number, (_, values) in curves.items()}
    diagnoses = diagnose(
        sweep,
        trials,
        judgement,
        seen_metrics=seen,
        first_values=begins,
        curves=values,
        epochs=_epochs(files),
        faults={number: file.derived_faults for number, file in files.items()},
    )
    lost = known_diverged(
        diverged(sweep, judgement, seen_metrics=seen, first_values=begins), values, sweep.objective
    )
    diagnoses = (*_unread(files), *diagnoses)
    return Verdict(sweep, tuple(trials), judgement, diagnoses, curves, files, lost)


def _unread(files: Mapping[int, MetricFile]) -> tuple[Diagnosis, ...]:
    """`unread-metrics`: other tools' files that are damaged, or are not what they are called."""
    told = [f"{trial_id(n)} ({file.trouble})" for n, file in files.items() if file.trouble]
    if not told:
        return ()
    more = f" and {len(told) - 3} more" if len(told) > 3 else ""
    return (
        Diagnosis(
            "unread-metrics",
            "warning",
            f"Not all that was logged could be read: {', '.join(told[:3])}{more}.",
            "What could be read counts. A file that was torn by a full disk or a kill stays so.",
        ),
    )


def _read(view: SweepView) -> dict[int, MetricFile]:
    files = {}
    names = foreign.run_names(view.directory) if view.foreign else []
    for trial in view.trials:
        path = (
            view.directory / names[trial.number] / foreign.METRICS
            if view.foreign
            else metrics_path(view, trial.number)
        )
        file = files[trial.number] = MetricFile(path, derived=view.sweep.derived)
        while file.poll() and file.behind:
            pass
    return files


def metrics_path(view: SweepView, number: int) -> Path:
    if not view.foreign:
        return SweepDirectory(view.directory).metrics(number)
    return view.directory / foreign.run_names(view.directory)[number] / foreign.METRICS


def _as_it_is(view: SweepView, trial: Trial) -> Trial:
    live: Live | None = view.live.get(trial.number)
    if live is None:
        return trial
    return replace(trial, value=live.value, progress=live.progress, step=live.step)


def _objective(
    sweep: Sweep, metric: str | None, goal: Goal | None, files: Mapping[int, MetricFile]
) -> Objective:
    before = sweep.objective
    name = metric if metric is not None else before.metric if before is not None else None
    if name is None:
        raise UsageError(
            "--goal needs a metric, and the sweep names none", hint="add --metric NAME"
        )
    known = sorted({one for file in files.values() for one in file.metrics})
    if find(name, known) is None:
        close = near(name, known)
        raise UsageError(
            f"no trial logged {visible(name)!r}",
            hint=f"did you mean {visible(close[0])!r}?"
            if close
            else f"logged: {', '.join(visible(one, limit=60) for one in known[:12]) or 'nothing'}",
        )
    if before is None:
        return Objective(name, goal or "minimize")
    same = find(before.metric, [name]) is not None
    return replace(before, metric=name, goal=goal or (before.goal if same else "minimize"))


def _value(sweep: Sweep, file: MetricFile) -> float | None:
    assert sweep.objective is not None
    name = find(sweep.objective.metric, file.metrics)
    return None if name is None else reduce(file.metrics[name], sweep.objective)


def _curves(sweep: Sweep, files: Mapping[int, MetricFile]) -> dict[int, Curve]:
    if sweep.objective is None:
        return {}
    found: dict[int, Curve] = {}
    for number, file in files.items():
        name = find(sweep.objective.metric, file.metrics)
        if name is not None:
            found[number] = (file.metrics[name].steps(), file.metrics[name].values())
    return found


def _epochs(files: Mapping[int, MetricFile]) -> dict[int, float]:
    """The last epoch each trial logged, where it logs one."""
    found = {}
    for number, file in files.items():
        series = file.metrics.get("epoch")
        if series is not None and series.last is not None:
            found[number] = series.last
    return found


def began_at(values: Sequence[float], objective: Objective) -> float | None:
    """The objective where the curve begins, by the objective's own rule, to compare its end with.

    A single first batch is noise: mean and median take the first `window` values, and `last` takes
    the worst of the first tenth (at most ten), so that only a clear rise counts as one. None for a
    curve too short to have a beginning and an end.
    """
    finite = [value for value in values if value - value == 0.0]
    size = objective.window if objective.reduce in ("mean", "median") else len(finite) // 10
    size = min(max(1, size), 10) if objective.reduce == "last" else max(1, size)
    if len(finite) < 2 * size or objective.reduce == "best":
        return None
    start = finite[:size]
    match objective.reduce:
        case "mean":
            return statistics.fmean(start)
        case "median":
            return statistics.median(start)
        case "last":
            return max(start) if objective.goal == "minimize" else min(start)
