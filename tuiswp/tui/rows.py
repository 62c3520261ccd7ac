"""One line of the trials table for each trial, made again only where something changed."""

import time
from collections.abc import Sequence
from itertools import pairwise

from msgspec.structs import replace

from tuiswp.analysis import words
from tuiswp.analysis.divergence import ran_away
from tuiswp.controller.client import SweepView
from tuiswp.controller.story import trial_left
from tuiswp.metrics.file import MetricFile
from tuiswp.metrics.names import find
from tuiswp.metrics.objective import diverged
from tuiswp.metrics.series import Series
from tuiswp.model.space import Parameter
from tuiswp.model.trial import Trial
from tuiswp.spec.params import flatten, label, swept
from tuiswp.spec.scale import is_logarithmic
from tuiswp.tui.decimate import Thinner
from tuiswp.tui.snapshot import TrialRow

SPARK = 40
_DAY_S = 86400.0
# Ages read the same between two of these, then for a minute, then for a day: a column that ticks
# costs a link its bytes, and nobody acts on a second of it.
_AGES_S = (0.0, 10.0, 30.0, 60.0)


class RowMaker:
    """Rows by trial, kept while their trial stays as it is: ten thousand ended ones cost little."""

    def __init__(self) -> None:
        self._known: dict[int, tuple[tuple[object, ...], TrialRow]] = {}
        self._parameters: Sequence[Parameter] = ()
        self._swept: Sequence[Parameter] = ()
        self.meaning: object = None  # differs when every row must be made again
        self._logs: Sequence[bool] = ()  # of each, whether its values are spelled so
        self._sparks: dict[int, Thinner] = {}

    def swept(self, view: SweepView) -> Sequence[Parameter]:
        """The varying parameters: worked out once, as one may have taken thousands of values."""
        if view.sweep.parameters is not self._parameters:
            self._parameters, self._swept = view.sweep.parameters, swept(view.sweep)
            before = self.meaning
            self._logs = [is_logarithmic(parameter) for parameter in self._swept]
            # Only other values of the same parameters change no row.
            self.meaning = tuple(one.path for one in self._swept), tuple(self._logs)
            if self.meaning != before:
                self._known.clear()
        return self._swept

    def row(
        self,
        view: SweepView,
        trial: Trial,
        file: MetricFile | None,
        best: int | None,
        now: float,
        logged: Sequence[str] = (),
    ) -> TrialRow:
        """`logged`: the metrics whose last value the row must have."""
        parameters = self.swept(view)
        if trial.state == "running":
            spark = self._spark(trial.number, objective_series(view, file))
            made = _row(view, trial, parameters, self._logs, file, spark, trial.number == best, now)
            return _with(made, file, logged)
        self._sparks.pop(trial.number, None)
        rows = None if file is None else file.rows
        ended = _ended_at(trial)
        age = None if ended is None else _about(max(0.0, now - ended))
        is_best = trial.number == best
        key = (id(trial.status), is_best, trial.pinned, rows, trial.value, age, tuple(logged))
        known = self._known.get(trial.number)
        if known is None or known[0] != key:
            series = objective_series(view, file)
            spark = () if series is None else _finite(Thinner(series, SPARK // 4).thin()[1])
            made = _row(view, trial, parameters, self._logs, file, spark, trial.number == best, now)
            known = self._known[trial.number] = (key, _with(made, file, logged))
        return known[1]

    def _spark(self, number: int, series: Series | None) -> tuple[float, ...]:
        if series is None:
            return ()
        thinner = self._sparks.get(number)
        if thinner is None or thinner.series is not series:
            thinner = self._sparks[number] = Thinner(series, SPARK // 4)
        return _finite(thinner.thin()[1])


def _row(
    view: SweepView,
    trial: Trial,
    parameters: Sequence[Parameter],
    logs: Sequence[bool],
    file: MetricFile | None,
    spark: tuple[float, ...],
    is_best: bool,
    now: float,
) -> TrialRow:
    is_running = trial.state == "running"
    series = objective_series(view, file)
    age = _age(trial, file, now)
    gap = series is not None and diverged(series)
    values = () if series is None else series.values()
    flags = [
        name
        for name, holds in (
            ("BEST", is_best),
            ("BASE", trial.origin == "baseline"),
            ("PIN", trial.pinned is not None),
            ("INT", is_running and trial.interrupt is not None),
            ("NaN", gap),
            ("DIVERG", gap or ran_away(values, spark, view.sweep.objective)),
            ("STALL", trial.silent is not None),
            ("SLOW", is_running and trial.slow is not None),
            ("EXPR", file is not None and bool(file.derived_faults)),
            ("RETRY", trial.retries > 0),
        )
        if holds
    ]
    sampled = flatten(trial.params, parameters)
    return TrialRow(
        number=trial.number,
        id=trial.id,
        state=trial.state,
        cause=trial.cause or "",
        params=tuple(
            label(sampled[parameter.path], log=log) if parameter.path in sampled else ""
            for parameter, log in zip(parameters, logs, strict=True)
        ),
        value=trial.value,
        step=trial.step,
        progress=trial.progress,
        eta_s=trial_left(trial, trial.progress, None, now=now)
        if is_running and trial.attempts
        else None,
        place=words.places(trial.attempts[-1].leases) if trial.attempts else "",
        age_s=_shown(age) if is_running else age,
        attempt=trial.attempts[-1].number if trial.attempts else 0,
        flags=tuple(flags),
        spark=spark,
    )


def _with(row: TrialRow, file: MetricFile | None, logged: Sequence[str]) -> TrialRow:
    """The row with the last value of each of these metrics; None where it is not known."""
    if not logged:
        return row
    names = [None if file is None else find(name, file.metrics) for name in logged]
    values = [None if n is None or file is None else file.metrics[n].last for n in names]
    return replace(row, logged=tuple(values))


def objective_series(view: SweepView, file: MetricFile | None) -> Series | None:
    """The curve of the objective in `file`, if the sweep has one and it was logged."""
    objective = view.sweep.objective
    if file is None or objective is None:
        return None
    name = find(objective.metric, file.metrics)
    return file.metrics[name] if name is not None else None


def _finite(ys: Sequence[float]) -> tuple[float, ...]:
    return tuple(y for y in ys if y - y == 0.0)[-SPARK:]


def _age(trial: Trial, file: MetricFile | None, now: float) -> float | None:
    """Seconds since new metrics (running) or since the end."""
    if trial.state == "running":
        if file is None or file.last_change is None:
            return None
        return max(0.0, time.monotonic() - file.last_change)
    ended = _ended_at(trial)
    return None if ended is None else max(0.0, now - ended)


def shown_until(trial: Trial, now: float) -> float | None:
    """When the age of an ended trial reads otherwise; None while it has none."""
    ended = _ended_at(trial)
    return None if ended is None else ended + _about(max(0.0, now - ended))[1]


def _about(age_s: float) -> tuple[float, float]:
    """The ages from which and until which this one reads the same.

    >>> _about(12.0), _about(200.0)
    ((10.0, 30.0), (180.0, 240.0))
    """
    for low, high in pairwise(_AGES_S):
        if age_s < high:
            return low, high
    size = 60.0 if age_s < _DAY_S else _DAY_S
    low = age_s // size * size
    return low, low + size


def _ended_at(trial: Trial) -> float | None:
    if trial.state == "running" or not trial.attempts:
        return None
    return trial.attempts[-1].ended_at


def _shown(age_s: float | None) -> float | None:
    return None if age_s is None else _about(age_s)[0]
