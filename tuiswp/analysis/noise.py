"""How much one curve wobbles from row to row, apart from where it goes. Pure arithmetic."""

import math
import statistics
from collections.abc import Sequence
from itertools import pairwise

TAIL = 20  # rows at the end of a curve that say how noisy it is
_LEAST = 8


def tail(values: Sequence[float], count: int = TAIL) -> list[float]:
    """The last `count` finite values."""
    found = [value for value in values[-2 * count :] if math.isfinite(value)]
    return found[-count:]


def row_noise(values: Sequence[float]) -> float | None:
    """Standard deviation of one row around its trend; None with fewer than eight rows.

    σ² = Σ(x[i+1] − x[i])² / (2(n − 1)): von Neumann's mean square successive difference (1941),
    which a slope hardly enlarges, unlike the plain standard deviation.
    """
    if len(values) < _LEAST:
        return None
    squares = [(b - a) ** 2 for a, b in pairwise(values)]
    return math.sqrt(math.fsum(squares) / (2 * len(squares)))


def variation(values: Sequence[float]) -> float | None:
    """Noise of the rows as a share of their mean's size; None where there is none."""
    noise = row_noise(values)
    if noise is None:
        return None
    level = abs(statistics.fmean(values))
    return noise / level if level > 0 else None
