"""How spiky a curve begins: how far it rises again while it should fall. Pure arithmetic."""

import math
from bisect import bisect_right
from collections.abc import Sequence

from tuiswp.model.sweep import Goal

BEGINNING = 0.1  # of the run
SPIKY = 0.1  # of the whole descent
_LEAST = 5


def spikiness(steps: Sequence[float], values: Sequence[float], goal: Goal) -> float | None:
    """The largest rise in the first tenth of a run, as a share of what the metric fell in all.

    The first tenth has at least five values: of a short run it is more than a tenth.

    0.02 is a smooth start, above `SPIKY` it is a spiky one, infinite where the metric stopped being
    a number. None: too few values to tell, or it never fell.
    """
    if len(steps) < 2 * _LEAST:
        return None
    end = max(steps[0] + BEGINNING * (steps[-1] - steps[0]), steps[_LEAST - 1])
    sign = 1.0 if goal == "minimize" else -1.0
    first = [sign * value for value in values[: bisect_right(steps, end)]]
    if not all(map(math.isfinite, first)):
        return math.inf
    lowest, rise = first[0], 0.0
    for value in first:
        lowest = min(lowest, value)
        rise = max(rise, value - lowest)
    whole = math.isfinite(sum(values))  # as nearly always: then nothing has to be left out
    known = values if whole else [value for value in values if math.isfinite(value)]
    fell = first[0] - (min(known) if goal == "minimize" else -max(known))
    return rise / fell if fell > 0 else None
