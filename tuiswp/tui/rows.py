"""One line of the trials table for each trial, made again only where something changed."""

import time

from tuiswp.analysis import words
from tuiswp.controller.client import SweepView
from tuiswp.controller.story import trial_left
from tuiswp.metrics.file import MetricFile
from tuiswp.metrics.names import find
from tuiswp.metrics.objective import diverged
from tuiswp.metrics.series import Series
from tuiswp.model.trial import Trial
from tuiswp.spec.params import flatten, label, swept
from tuiswp.tui.decimate import thin
from tuiswp.tui.snapshot import TrialRow

SPARK = 40
STALL_TIMES = 3.0
STALL_LEAST_S = 10.0
AGE_STEP_S = 30.0  # how fine the age of an ended trial is shown


class RowMaker:
    """Rows by trial, kept while their trial stays as it is: ten thousand ended ones cost little."""

    def __init__(self) -> None:
        self._known: dict[int, tuple[tuple[object, ...], TrialRow]] = {}

    def row(
        self, view: SweepView, trial: Trial, file: MetricFile | None, best: int | None, now: float
    ) -> TrialRow:
        if trial.state == "running":
            return _row(view, trial, file, trial.number == best, now)
        rows = None if file is None else file.rows
        key = (id(trial.status), trial.number == best, rows, trial.value, now // AGE_STEP_S)
        known = self._known.get(trial.number)
        if known is None or known[0] != key:
            made = _row(view, trial, file, trial.number == best, now)
            known = self._known[trial.number] = (key, made)
        return known[1]


def _row(
    view: SweepView, trial: Trial, file: MetricFile | None, is_best: bool, now: float
) -> TrialRow:
    is_running = trial.state == "running"
    series = objective_series(view, file)
    age = _age(trial, file, now)
    flags = [
        name
        for name, holds in (
            ("BEST", is_best),
            ("BASE", trial.origin == "baseline"),
            ("NaN", series is not None and diverged(series)),
            ("STALL", is_running and stalled(file, age)),
            ("RETRY", trial.retries > 0),
        )
        if holds
    ]
    values = flatten(trial.params, swept(view.sweep))
    return TrialRow(
        number=trial.number,
        id=trial.id,
        state=trial.state,
        cause=trial.cause or "",
        params=tuple(
            label(values[parameter.path]) if parameter.path in values else ""
            for parameter in swept(view.sweep)
        ),
        value=trial.value,
        step=trial.step,
        progress=trial.progress,
        eta_s=trial_left(trial, trial.progress, None, now=now)
        if is_running and trial.attempts
        else None,
        place=words.places(trial.attempts[-1].leases) if trial.attempts else "",
        age_s=age,
        attempt=trial.attempts[-1].number if trial.attempts else 0,
        flags=tuple(flags),
        spark=() if series is None else _spark(series),
    )


def objective_series(view: SweepView, file: MetricFile | None) -> Series | None:
    """The curve of the objective in `file`, if the sweep has one and it was logged."""
    objective = view.sweep.objective
    if file is None or objective is None:
        return None
    name = find(objective.metric, file.metrics)
    return file.metrics[name] if name is not None else None


def _spark(series: Series) -> tuple[float, ...]:
    _, ys = thin(series.steps(), series.values(), SPARK // 4)
    return tuple(y for y in ys if y - y == 0.0)[-SPARK:]


def _age(trial: Trial, file: MetricFile | None, now: float) -> float | None:
    """Seconds since new metrics (running) or since the end."""
    if trial.state == "running":
        if file is None or file.last_change is None:
            return None
        return max(0.0, time.monotonic() - file.last_change)
    ended = trial.attempts[-1].ended_at if trial.attempts else None
    return None if ended is None else max(0.0, now - ended)


def stalled(file: MetricFile | None, age_s: float | None) -> bool:
    """Silent for three times its own usual interval, and for ten seconds at least."""
    if file is None or age_s is None or file.interval_s is None:
        return False
    return age_s > max(STALL_LEAST_S, STALL_TIMES * file.interval_s)
