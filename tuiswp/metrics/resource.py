"""A curve over what early stopping counts in: reports, steps, progress or epochs. Pure."""

from bisect import bisect_right
from collections.abc import Sequence
from typing import Literal, TypeAlias

from tuiswp.metrics.file import MetricFile
from tuiswp.metrics.names import find
from tuiswp.metrics.series import Series
from tuiswp.model.stopper import Resource

Place: TypeAlias = Resource | Literal["_timestamp"]  # what a value can be placed by


def columns(metric: str, resource: Resource) -> list[str]:
    """What of a metrics file must be kept for such a curve."""
    return [metric, resource] if resource in ("progress", "epoch") else [metric]


def curve(file: MetricFile, metric: str, resource: Place) -> tuple[list[float], list[float]]:
    """(positions, values): the finite values of `metric` in step order, where each was reported.

    Positions ascend strictly; of values reported at one position the last counts. A value reported
    before the first `progress` or `epoch` of its run has no position and is left out.
    """
    growing = Growing(metric, resource)
    growing.update(file)
    return growing.positions, growing.values


def seconds(
    file: MetricFile, metric: str, values: Sequence[float], began: float | None
) -> list[float] | None:
    """How long the run had taken by each of these values of `metric`, by its wall clock.

    `began`: when it was started; None: unknown, and the first value is taken to have cost as much
    as the second. None where the script logs no `_timestamp` with every value.
    """
    times, seen = curve(file, metric, "_timestamp")
    if not times or seen != list(values):
        return None
    if began is None or began > times[0]:
        began = times[0] - (times[1] - times[0]) if len(times) > 1 else times[0]
    return [at - began for at in times]


class Growing:
    """The same curve of a file that grows: only what is new of it is gone through again.

    The newest value may still be rewritten (a step logged twice), so it counts, but is looked at
    again the next time. `positions` and `values` are live views.
    """

    def __init__(self, metric: str, resource: Place) -> None:
        self._metric, self._resource = metric, resource
        self.positions: list[float] = []
        self.values: list[float] = []
        self._name: str | None = None
        self._settled = 0  # points of the series that are gone through for good
        self._length = 0  # what they left of the curve
        self._rewritten = (-1, -1, -1)

    def update(self, file: MetricFile) -> None:
        """Take what `file` has read since."""
        metrics = file.metrics
        if self._name is None or self._name not in metrics:
            self._name = find(self._metric, metrics)
        if self._name is None:
            self._rewritten = (-1, -1, -1)
            del self.positions[:], self.values[:]
            return
        series = metrics[self._name]
        beside = file.beside.get(self._resource)
        steps, values = series.steps(), series.values()
        rewritten = (
            file.epoch, series.rewritten, 0 if beside is None else beside.rewritten,
        )  # fmt: skip
        if rewritten != self._rewritten or len(steps) < self._settled:
            self._rewritten, self._settled, self._length = rewritten, 0, 0
        del self.positions[self._length :], self.values[self._length :]
        for index in range(self._settled, len(steps)):
            if index == len(steps) - 1:
                self._settled, self._length = index, len(self.positions)
            if values[index] == values[index]:
                place = self._place(steps[index], beside)
                self._add(place, values[index], last=index == len(steps) - 1)

    def _place(self, step: float, beside: Series | None) -> float | None:
        if self._resource == "report":
            return float(len(self.positions) + 1)
        if self._resource == "step":
            return step
        return None if beside is None else _newest(beside, step)

    def _add(self, place: float | None, value: float, *, last: bool) -> None:
        if place is None:
            return
        if last and self.positions and self.positions[-1] >= place:
            return  # what it takes the place of is decided when it is settled
        while self.positions and self.positions[-1] >= place:
            # A restart from an earlier checkpoint, or several reports at one place.
            self.positions.pop()
            self.values.pop()
        self.positions.append(place)
        self.values.append(value)


def _newest(series: Series, step: float) -> float | None:
    """The newest finite value written at or before `step`."""
    values = series.values()
    place = bisect_right(series.steps(), step) - 1
    while place >= 0 and values[place] != values[place]:
        place -= 1
    return values[place] if place >= 0 else None
