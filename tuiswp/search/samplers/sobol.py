"""Quasi-random points: a scrambled Sobol sequence, which fills a space evenly from the first on.

Source: Owen, "Scrambling Sobol' and Niederreiter-Xing points" (1998), as in `scipy.stats.qmc`. It
learns nothing; it is the start of the samplers that do.
"""

import warnings

from scipy.stats import qmc

from tuiswp.search.cube import Axis, Coordinate, Cube, Point
from tuiswp.search.history import History
from tuiswp.search.samplers.base import seed_at

_BITS = 30  # a sequence of 2^30 points


class SobolSampler:
    """The point at an index, whatever happened."""

    def __init__(self, cube: Cube, seed: int) -> None:
        self._cube, self._seed = cube, seed

    def ask(self, history: History, index: int) -> Point:
        axes = self._cube.axes
        if not axes:
            return {}
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # it is no power of two that is asked for
            engine = qmc.Sobol(
                len(axes), scramble=True, bits=_BITS, rng=seed_at(self._seed, 0, "sobol")
            )
            if index % 2**_BITS:  # it cannot go forward by nothing
                engine.fast_forward(index % 2**_BITS)
            [row] = engine.random(1)
        return {axis.name: _place(axis, float(u)) for axis, u in zip(axes, row, strict=True)}


def _place(axis: Axis, u: float) -> Coordinate:
    return u if axis.kind == "unit" else min(int(u * len(axis.values)), len(axis.values) - 1)
