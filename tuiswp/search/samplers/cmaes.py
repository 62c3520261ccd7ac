"""CMA-ES over the axes that are numbers; choices are drawn at random.

Source: Hansen, "The CMA Evolution Strategy: A Tutorial" (arXiv 1604.00772), as in the package
`cmaes`. Ended trials are told in whole generations, in the order in which they ended; an index only
seeds its draw from the distribution learned so far, so trials in flight are no trouble.
"""

import numpy as np
from cmaes import CMA

from tuiswp.model.sweep import Goal
from tuiswp.search.cube import Axis, Cube, Point
from tuiswp.search.history import History, scores
from tuiswp.search.samplers.base import seed_at
from tuiswp.search.samplers.sobol import SobolSampler

SIGMA = 1.0 / 6.0  # the box is six of them wide


class CmaEsSampler:
    """Needs two axes that are numbers; with fewer the points are quasi-random."""

    def __init__(self, cube: Cube, goal: Goal, seed: int) -> None:
        self._cube, self._goal, self._seed = cube, goal, seed
        self._axes = [axis for axis in cube.axes if axis.kind != "choice"]
        self._even = SobolSampler(cube, seed)

    def ask(self, history: History, index: int) -> Point:
        point = self._even.ask(history, index)
        if len(self._axes) < 2:
            return point
        optimizer = self._learned(history, index)
        for axis, place in zip(self._axes, optimizer.ask(), strict=True):
            point[axis.name] = _from_unit(axis, float(place))
        return point

    def _learned(self, history: History, index: int) -> CMA:
        count = len(self._axes)
        optimizer = CMA(
            mean=np.full(count, 0.5),
            sigma=SIGMA,
            bounds=np.array([[0.0, 1.0]] * count),
            seed=seed_at(self._seed, 0, "cma"),
        )
        solutions = []
        for one, value in zip(history.told, scores(history.told, self._goal), strict=True):
            point = self._cube.point(one.params)
            if value is None or any(axis.name not in point for axis in self._axes):
                continue
            place = np.array([_to_unit(axis, point[axis.name]) for axis in self._axes])
            solutions.append((place, value))
            if len(solutions) == optimizer.population_size:
                optimizer.tell(solutions)
                solutions = []
        optimizer.reseed_rng(seed_at(self._seed, index, "cma"))
        return optimizer


def _to_unit(axis: Axis, place: float | int) -> float:
    return float(place) if axis.kind == "unit" else (place + 0.5) / len(axis.values)


def _from_unit(axis: Axis, u: float) -> float | int:
    u = min(max(u, 0.0), 1.0)
    return u if axis.kind == "unit" else min(int(u * len(axis.values)), len(axis.values) - 1)
