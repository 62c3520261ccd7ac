"""What the metrics of an attempt that is over are worth: its value, whether it came to its end.

A finished trial without a value is explained once a sweep. Decides nothing.
"""

from tuiswp.controller.core import Core
from tuiswp.metrics.derived import absent
from tuiswp.metrics.file import MetricFile
from tuiswp.metrics.follow import Follower
from tuiswp.metrics.names import find, near
from tuiswp.metrics.objective import diverged, reduce
from tuiswp.text import visible


class Scores:
    """By the whole metrics file of each trial."""

    def __init__(self, core: Core, curves: Follower[int]) -> None:
        self._core, self._curves = core, curves

    def has_reached(self, number: int) -> bool:
        """Whether its metrics say that it came to its end."""
        file = self._curves[number]
        file.poll(final=True)
        return file.progress is not None and file.progress >= self._core.sweep.complete_at

    def runaway(self, number: int) -> str:
        """How its metrics say that the objective left the finite; "" if they do not."""
        objective = self._core.sweep.objective
        if objective is None or self.score(number)[0] is not None:
            return ""
        metrics = self._curves[number].metrics
        name = find(objective.metric, metrics)
        if name is None or not diverged(metrics[name]):
            return ""
        return f"the last {visible(name, limit=60)} is not finite"

    def score(self, number: int) -> tuple[float | None, float | None, float | None]:
        """Objective, progress and step of a trial by its whole metrics file."""
        file = self._curves[number]
        file.poll(final=True)
        objective = self._core.sweep.objective
        value = None
        if objective is not None:
            name = find(objective.metric, file.metrics)
            value = reduce(file.metrics[name], objective) if name is not None else None
        return value, file.progress, file.last_step

    def explain_missing(self, trial: str, number: int) -> None:
        """A finished trial without the metric: say which names it did log (once a sweep)."""
        objective = self._core.sweep.objective
        if objective is None:
            return
        metric = objective.metric
        if find(metric, self._curves[number].metrics) is not None:
            message = f"{trial} ended with {metric} not finite"
            self._core.warn("diverged", message)
            return
        if "metric-missing" in self._core.state.warned:
            return
        whole = MetricFile(self._core.directory.metrics(number))
        whole.poll(final=True)  # the names of its first megabytes will do
        names = sorted(whole.metrics)
        if not names:
            message = (
                f"{trial} finished and left no metric that can be read: {whole.trouble}"
                if whole.trouble
                else f"{trial} finished and logged no metric at all; "
                "write them to metrics.jsonl in $TUISWP_TRIAL_DIR"
            )
        elif missing := self._curves[number].derived_missing:
            message = f"{trial} finished without a value: {absent(missing, names)}"
        else:
            close = near(metric, names)
            offer = f"; did you mean {close[0]}?" if close else ""
            message = (
                f"{trial} finished without the metric {metric!r}; "
                f"it logged {', '.join(names[:8])}{offer}"
            )
        self._core.warn("metric-missing", message)
