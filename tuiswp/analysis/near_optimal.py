"""Which values of a parameter are as good as the best: a smooth fit, and how far to believe it.

An additive quadratic in the natural scale of each axis (logarithmic where the axis is), fitted to
the results near the floor. Where the fit says no more than the mean of the results, or its floor
could as well lie outside of what was tried, that is said and no interval is given.
"""

import math
import statistics
from collections.abc import Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Literal, TypeAlias

import msgspec

from tuiswp.analysis import words
from tuiswp.analysis.axes import is_logarithmic, measured, shown_name, spell
from tuiswp.analysis.optimum import Judgement, badness
from tuiswp.analysis.reason import NOISE_PCT, noise
from tuiswp.analysis.shape import numeric_swept, value_of
from tuiswp.analysis.student import quantile
from tuiswp.model.space import Parameter
from tuiswp.model.sweep import Sweep

if TYPE_CHECKING:
    import numpy as np

    Array: TypeAlias = np.ndarray[tuple[int, ...], np.dtype[np.float64]]

DRAWS = 200
_LEAST = 6  # results, and
_VALUES = 4  # different values of the parameter
_SURE = 0.9  # share of resampled fits that must have a floor
_GRID = 401

Known: TypeAlias = Literal["told", "too-few", "no-pattern", "no-floor"]


class NearOptimal(msgspec.Struct, frozen=True):
    """Values `low` to `high` lie within `tolerance` of the fit's floor, which is at `floor`.

    `floor_low` to `floor_high`: where the floor lies in 90 % of resampled fits. `open_low`,
    `open_high`: the interval reaches the end of what was tried, and may go on. `error`: how far a
    result is from the fit that did not see it, on average. Numbers are None unless `known` is
    "told". `message` is safe to print.
    """

    parameter: Parameter
    known: Known
    message: str
    low: float | None = None
    high: float | None = None
    floor: float | None = None
    floor_low: float | None = None
    floor_high: float | None = None
    open_low: bool = False
    open_high: bool = False
    tolerance: float | None = None
    error: float | None = None


def near_optimal(sweep: Sweep, judgement: Judgement) -> tuple[NearOptimal, ...]:
    """The near-optimal interval of each numeric parameter, learning rates first."""
    parameters = numeric_swept(sweep)
    found = noise(sweep, judgement)
    if sweep.objective is None or found is None or not parameters:
        return ()
    together = _Axes(sweep, judgement, parameters)
    # One fit for all takes out what the others do; with few results each gets its own.
    enough = len(together.bads) >= 2 * (2 * len(together.parameters) + 1)
    answers = []
    for parameter in parameters:
        alone = enough and parameter in together.parameters
        axes = together if alone else _Axes(sweep, judgement, (parameter,))
        answers.append(_interval(axes, parameter, found.size, measured_noise=found.measured))
    return tuple(answers)


class _Axes:
    """Results as points of a box: the axes that moved, scaled to −1 … 1 over what was tried."""

    def __init__(self, sweep: Sweep, judgement: Judgement, parameters: Sequence[Parameter]) -> None:
        goal = "minimize" if sweep.objective is None else sweep.objective.goal
        rows: list[list[float]] = []
        self.bads: list[float] = []
        for trial in judgement.ranked:
            values = [value_of(trial, parameter) for parameter in parameters]
            if trial.value is not None and None not in values:
                rows.append([x for x in values if x is not None])
                self.bads.append(badness(trial.value, goal))
        columns = [list(column) for column in zip(*rows, strict=True)] or [[] for _ in parameters]
        kept = [n for n, column in enumerate(columns) if len(set(column)) >= _VALUES]
        self.parameters = tuple(parameters[n] for n in kept)
        self.logs = [is_logarithmic(parameters[n]) and min(columns[n]) > 0 for n in kept]
        raw = [
            [math.log(x) for x in columns[n]] if log else columns[n]
            for n, log in zip(kept, self.logs, strict=True)
        ]
        self.ends = [(min(column), max(column)) for column in raw]
        self.columns = [
            [2 * (x - low) / (high - low) - 1 for x in column]
            for column, (low, high) in zip(raw, self.ends, strict=True)
        ]

    @cached_property
    def fit(self) -> "_Fit | None":
        """One fit for all axes."""
        return _fit(self)

    def value(self, axis: int, z: float) -> float:
        """The parameter's value at a place of its axis."""
        low, high = self.ends[axis]
        x = low + (z + 1) / 2 * (high - low)
        return math.exp(x) if self.logs[axis] else x


def _interval(
    axes: _Axes, parameter: Parameter, tolerance: float, *, measured_noise: bool
) -> NearOptimal:
    name, count = shown_name(parameter), len(axes.bads)
    if parameter not in axes.parameters or count < _LEAST:
        why = f"{words.several(count, 'result')} over too few values of {name} cannot be fitted"
        return NearOptimal(parameter, "too-few", f"{why}: six over four values are the least.")
    axis = axes.parameters.index(parameter)
    fit = axes.fit
    if fit is None or fit.explained <= 0:
        why = "a smooth curve over it predicts a result no better than their mean does"
        return NearOptimal(parameter, "no-pattern", f"{name}: cannot be told: {why}.")
    floors = fit.floors(axis)
    if floors is None:
        why = "the fit has no floor within what was tried"
        return NearOptimal(parameter, "no-floor", f"{name}: cannot be told: {why}.")
    floor, floor_low, floor_high = floors
    low, high = fit.within(axis, floor, tolerance)
    log = axes.logs[axis]
    at = [axes.value(axis, z) for z in (low, high, floor, floor_low, floor_high)]
    shown = [spell(_rounded(x), log=log) for x in at]
    source = "the spread between seeds" if measured_noise else f"{NOISE_PCT:g} % of the best"
    ends = ("at least " if high >= 1 else "") + shown[1]
    start = shown[0] + (" or less" if low <= -1 else "")
    values = f"{start} to {ends} are"
    if low <= -1 and high >= 1:
        values = f"it hardly matters: all values tried ({shown[0]} to {shown[1]}) are"
    message = (
        f"{name}: {values} within {measured(tolerance)} ({source}) of the fit's floor "
        f"at {shown[2]} (90 %: {shown[3]} to {shown[4]}); {count} results, off by "
        f"{measured(fit.error)} on average."
    )
    return NearOptimal(
        parameter, "told", message, at[0], at[1], at[2], at[3], at[4],
        open_low=low <= -1, open_high=high >= 1, tolerance=tolerance, error=fit.error,
    )  # fmt: skip


class _Fit:
    """y = a + Σ b_j z_j + c_j z_j² by weighted least squares, and resampled fits beside it."""

    def __init__(
        self, coefficients: "Array", draws: "Array", error: float, explained: float, freedom: int
    ) -> None:
        self._of = coefficients
        # Resampled fits of few results lie too close together: √(n/(n − k)), and t for the normal.
        width = len(coefficients)
        self._wider = math.sqrt((freedom + width) / freedom) * quantile(0.95, freedom) / 1.645
        self._draws = draws
        self.error = error
        self.explained = explained

    def floors(self, axis: int) -> tuple[float, float, float] | None:
        """Where the floor lies, and in 90 % of resampled fits; None if it may be outside."""
        import numpy as np

        slope, bend = self._of[1 + 2 * axis], self._of[2 + 2 * axis]
        slopes, bends = self._draws[:, 1 + 2 * axis], self._draws[:, 2 + 2 * axis]
        cupped = bends > 0
        if bend <= 0 or np.mean(cupped) < _SURE:
            return None
        floors = -slopes[cupped] / (2 * bends[cupped])
        floor = float(-slope / (2 * bend))
        inside = np.mean(np.abs(floors) <= 1)
        if abs(floor) > 1 or inside < 0.5:
            return None
        low, high = np.quantile(floors, [0.05, 0.95])
        low, high = floor + self._wider * (low - floor), floor + self._wider * (high - floor)
        return floor, max(-1.0, float(low)), min(1.0, float(high))

    def within(self, axis: int, floor: float, tolerance: float) -> tuple[float, float]:
        """c (z − floor)² ≤ tolerance, cut at the ends of what was tried."""
        reach = math.sqrt(tolerance / float(self._of[2 + 2 * axis]))
        return max(-1.0, floor - reach), min(1.0, floor + reach)


def _fit(axes: _Axes) -> _Fit | None:
    """Fit near the floor: a result counts 1/(1 + (excess/median excess)²), cut at a ceiling.

    `explained` is 1 − PRESS/PRESS of the weighted mean (Allen 1974): each result against the fit
    without it, residual/(1 − leverage). Resampling draws results with replacement (Efron 1979).
    """
    import numpy as np

    y = np.asarray(axes.bads)
    best, middle = float(y.min()), statistics.median(axes.bads)
    spread = middle - best
    if spread <= 0:
        return None
    y = np.minimum(y, best + 4 * spread)
    weight = 1 / (1 + ((y - best) / spread) ** 2)
    x = np.stack(
        [np.ones_like(y)]
        + [part for column in axes.columns for part in (np.asarray(column), np.square(column))],
        axis=1,
    )
    count, width = x.shape
    products = (x[:, :, None] * x[:, None, :]).reshape(count, width * width)
    ridge = 1e-9 * np.eye(width)
    normal = (weight @ products).reshape(width, width) + ridge
    inverse = np.linalg.inv(normal)
    coefficients = inverse @ (x.T @ (weight * y))
    leverage = weight * np.einsum("ni,ij,nj->n", x, inverse, x)
    if count <= width or np.any(leverage > 1 - 1e-6):
        return None  # some result is fitted by itself: there are too few
    left_out = (y - x @ coefficients) / (1 - leverage)
    mean = weight @ y / weight.sum()
    plain = (y - mean) / (1 - weight / weight.sum())
    explained = 1 - float(weight @ left_out**2 / (weight @ plain**2))
    error = math.sqrt(float(weight @ left_out**2 / weight.sum()))
    counts = np.random.default_rng(0).multinomial(count, np.full(count, 1 / count), DRAWS) * weight
    normals = (counts @ products).reshape(DRAWS, width, width) + ridge
    rights = counts @ (x * y[:, None])
    draws = np.linalg.solve(normals, rights[:, :, None])[:, :, 0]
    return _Fit(coefficients, draws, error, explained, count - width)


def _rounded(x: float) -> float:
    return float(f"{x:.2g}")
