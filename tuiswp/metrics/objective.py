"""Reduce a curve to the one number that is compared. A value that is not finite never wins.

`last`, `mean` and `median` speak of the end of the curve: if the point at the highest step is a gap
(NaN, Infinity), the trial diverged and has no value, whatever it showed before. `best` speaks of
the whole curve and uses its finite values; `diverged` says that such a curve ended in a gap.
"""

import math

from tuiswp.metrics.series import Series
from tuiswp.model.sweep import Objective


def reduce(series: Series, objective: Objective) -> float | None:
    """The value of `series` under `objective`; None if it has none.

    Mean and median are those of the finite values among the last `window` points (fewer, if the
    curve is shorter).
    """
    values = series.values()
    if not values:
        return None
    if objective.reduce == "best":
        finite = (value for value in values if value == value)
        choose = min if objective.goal == "minimize" else max
        return choose(finite, default=None)
    if diverged(series):
        return None
    if objective.reduce == "last":
        return values[-1]
    window = [value for value in values[-max(1, objective.window) :] if value == value]
    return _mean(window) if objective.reduce == "mean" else _median(window)


def diverged(series: Series) -> bool:
    """True if the point at the highest step is not finite."""
    values = series.values()
    return bool(values) and values[-1] != values[-1]


def _mean(window: list[float]) -> float:
    try:
        return math.fsum(window) / len(window)
    except OverflowError:  # values near the largest float; their mean is no larger than they are
        largest = max(map(abs, window))
        return largest * (math.fsum(value / largest for value in window) / len(window))


def _median(window: list[float]) -> float:
    ordered = sorted(window)
    half = len(ordered) // 2
    if len(ordered) % 2:
        return ordered[half]
    low, high = ordered[half - 1], ordered[half]
    return low + (high - low) / 2 if (low < 0) == (high < 0) else (low + high) / 2
