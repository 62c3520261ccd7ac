"""How much each parameter decides whether a trial is among the best: PED-ANOVA, with its doubt.

f-ANOVA's answer by densities instead of a forest (Watanabe et al. 2023, "PED-ANOVA"): a parameter
matters as far as its values among the best trials lie otherwise than among all. Of the few trials a
sweep has, that is uncertain, so each share has an interval, and whether chance alone would do.
"""

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, TypeAlias

import msgspec

from tuiswp.analysis.axes import is_seed, shown_name
from tuiswp.analysis.optimum import Judgement, badness
from tuiswp.model.space import Parameter
from tuiswp.model.sweep import Sweep
from tuiswp.search.cube import Axis, Cube

if TYPE_CHECKING:
    import numpy as np

    Array: TypeAlias = np.ndarray[Any, np.dtype[np.float64]]

LEAST = 20  # trials
_TOP = 0.1  # the best share, but no fewer than
_TOP_LEAST = 5  # trials
_CELLS = 50
_DRAWS = 100
_PRIOR = 1.0  # weight of the flat density, in trials
_NARROWEST = 0.5 / 1.64  # cells: 90 % of a kernel then fall in its own cell


class Importance(msgspec.Struct, frozen=True):
    """`share` of the importance of all parameters together, `low` to `high` in 90 % of resamples.

    `told`: more than 95 % of shuffled results give it, so that it is not chance.
    """

    parameter: Parameter
    share: float
    low: float
    high: float
    told: bool

    @property
    def message(self) -> str:
        """Safe to print."""
        sure = "" if self.told else "; not told apart from chance"
        ends = f"90 %: {100 * self.low:.0f} to {100 * self.high:.0f} %"
        return f"{shown_name(self.parameter)}: {100 * self.share:.0f} % ({ends}{sure})"


class Importances(msgspec.Struct, frozen=True):
    """`found` most important first; empty with `why` there is nothing to tell, safe to print."""

    found: tuple[Importance, ...] = ()
    trials: int = 0
    top: int = 0
    why: str | None = None


def importances(sweep: Sweep, judgement: Judgement) -> Importances:
    """The importance of each swept parameter, by the trials that may win."""
    cube = Cube([parameter for parameter in sweep.parameters if not is_seed(parameter)])
    count = len(judgement.ranked)
    if sweep.objective is None or not cube.axes:
        return Importances(why="nothing is swept, or no metric is named")
    if len(cube.axes) == 1:
        return Importances(trials=count, why="a single parameter is swept: it is all there is")
    if count < LEAST:
        return Importances(
            trials=count, why=f"{count} complete trials are too few: {LEAST} are the least"
        )
    goal = sweep.objective.goal
    bads = [badness(trial.value, goal) for trial in judgement.ranked if trial.value is not None]
    places = [cube.point(trial.params) for trial in judgement.ranked]
    if bads[0] == bads[-1]:
        return Importances(trials=count, why="all results are the same")
    import numpy as np

    top = max(math.ceil(_TOP * count), _TOP_LEAST)
    columns = [_cells(axis, [place.get(axis.name) for place in places]) for axis in cube.axes]
    values = np.array(
        [_divergence(axis, cells, top) for axis, cells in zip(cube.axes, columns, strict=True)]
    )
    draw = np.random.default_rng(0)
    # A resample keeps the order of the trials, which is that of their results.
    picks = [np.sort(draw.integers(0, count, count)) for _ in range(_DRAWS)]
    shuffles = [draw.permutation(count) for _ in range(_DRAWS)]
    resampled = np.array(
        [
            [_divergence(axis, cells[pick], top) for pick in picks]
            for axis, cells in zip(cube.axes, columns, strict=True)
        ]
    )
    by_chance = np.array(
        [
            [_divergence(axis, cells[one], top) for one in shuffles]
            for axis, cells in zip(cube.axes, columns, strict=True)
        ]
    )
    total = max(float(values.sum()), 1e-300)
    shares = resampled / np.maximum(resampled.sum(axis=0), 1e-300)
    lows, highs = np.quantile(shares, [0.05, 0.95], axis=1)
    bars = np.quantile(by_chance, 0.95, axis=1)
    by_path = {parameter.path: parameter for parameter in sweep.parameters}
    found = [
        Importance(
            by_path[axis.path], float(values[n]) / total, float(lows[n]), float(highs[n]),
            bool(values[n] > bars[n]),
        )
        for n, axis in enumerate(cube.axes)
    ]  # fmt: skip
    found.sort(key=lambda one: -one.share)
    return Importances(tuple(found), count, top)


def _cells(
    axis: Axis, places: Sequence[float | int | None]
) -> "np.ndarray[Any, np.dtype[np.int64]]":
    """Each trial's cell of the axis; -1: it has no place there."""
    import numpy as np

    size = _size(axis)
    if axis.kind == "unit":
        return np.array([-1 if p is None else min(size - 1, int(p * size)) for p in places])
    return np.array([-1 if p is None else int(p) for p in places])


def _size(axis: Axis) -> int:
    return _CELLS if axis.kind == "unit" else len(axis.values)


def _divergence(axis: Axis, cells: Any, top: int) -> float:
    """Σ p_all (p_top/p_all − 1)²: Pearson's divergence of the best from all trials.

    The factor (γ′/γ)² of the paper is the same for every parameter, and left out of shares.
    """
    size = _size(axis)
    best, every = (_density(axis, part[part >= 0], size) for part in (cells[:top], cells))
    return float(every @ (best / every - 1.0) ** 2)


def _density(axis: Axis, cells: Any, size: int) -> "Array":
    """Parzen estimate over the cells; a flat prior counts as one trial.

    Numbers: Gaussian kernels with Scott's bandwidth 1.059 min(IQR/1.34, s) n^(−1/5), cut at the
    ends. Choices: counts.
    """
    import numpy as np

    counts = np.bincount(cells, minlength=size).astype(float)
    number = counts.sum()
    if axis.kind != "choice" and number:
        spread = float(np.std(cells, ddof=1)) if number > 1 else 0.0
        low, high = np.quantile(cells, [0.25, 0.75])
        width = max(1.059 * min((high - low) / 1.34, spread) * number**-0.2, _NARROWEST)
        grid = np.arange(size)
        kernels = np.exp(-0.5 * ((grid[:, None] - grid[None, :]) / width) ** 2)
        counts = (kernels / kernels.sum(axis=0)) @ counts
    density: Array = (counts + _PRIOR / size) / (number + _PRIOR)
    return density
