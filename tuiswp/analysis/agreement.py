"""Do two independent searches have their best at the same place, and could that be chance? Pure.

Only a random search has halves that know nothing of each other: a grid lays its points beside one
another, and a model puts them where the best is.
"""

import math
from collections.abc import Sequence

import msgspec

from tuiswp.analysis.optimum import Judgement
from tuiswp.analysis.shape import value_of
from tuiswp.analysis.space_checks import range_of, tuned
from tuiswp.model.space import Categorical, LogNormal, LogUniform, Parameter
from tuiswp.model.sweep import Sweep
from tuiswp.model.trial import Trial
from tuiswp.spec.distributions import distinct, value_key
from tuiswp.spec.params import flatten

_CHANCE = 0.05
_LEAST = 8  # trials in each half
_WIDEST = 0.1  # of a range: further apart is not the same place, however many parameters there are


class Agreement(msgspec.Struct, frozen=True):
    """The best of each half, and how often two random points would lie that close."""

    first: Trial
    second: Trial
    chance: float


def agreement(sweep: Sweep, judgement: Judgement) -> Agreement | None:
    """The bests of the even and the odd random trials, if they are at one place beyond chance.

    Two points drawn from the ranges' laws lie within a share t of a range with probability
    1 − (1 − t)², and take the same one of k values with 1/k. t is chosen so that the product over
    all parameters is at most 0.05, and at most 0.1.
    """
    if sweep.method != "random":
        return None
    drawn = [trial for trial in judgement.ranked if trial.origin == "random"]
    halves = [[t for t in drawn if t.number % 2 == odd] for odd in (0, 1)]
    if min(map(len, halves)) < _LEAST:
        return None
    first, second = halves[0][0], halves[1][0]  # ranked: best first
    parameters = tuned(sweep)
    reach = tolerance(parameters)
    if reach is None or not all(_together(p, first, second, reach[0]) for p in parameters):
        return None
    return Agreement(first, second, reach[1])


def across(sweep: Sweep, best: Trial, other: Trial) -> Agreement | None:
    """The best of this sweep and of another, if they are at one place of this one's ranges.

    Whether the two searched independently is not asked here.
    """
    parameters = tuned(sweep)
    reach = tolerance(parameters)
    if reach is None or not all(_together(p, best, other, reach[0]) for p in parameters):
        return None
    return Agreement(best, other, reach[1])


def tolerance(parameters: Sequence[Parameter]) -> tuple[float, float] | None:
    """How close counts as one place, as a share of a range, and the chance of that.

    None where even the same values would prove nothing, or a range has no ends.
    """
    chance, ranges = 1.0, 0
    for parameter in parameters:
        if isinstance(parameter.distribution, Categorical):
            chance /= max(1, len(distinct(parameter.distribution)))
        elif range_of(parameter) is None:
            return None
        else:
            ranges += 1
    if not ranges:
        return (0.0, chance) if chance <= _CHANCE else None
    each = min(1.0, _CHANCE / chance) ** (1 / ranges)
    reach = min(_WIDEST, 1 - math.sqrt(1 - each))
    return reach, chance * (1 - (1 - reach) ** 2) ** ranges


def _together(parameter: Parameter, a: Trial, b: Trial, reach: float) -> bool:
    if isinstance(parameter.distribution, Categorical):
        one, other = (flatten(t.params, (parameter,)).get(parameter.path) for t in (a, b))
        return value_key(one) == value_key(other)
    ends, x, y = range_of(parameter), value_of(a, parameter), value_of(b, parameter)
    if ends is None or x is None or y is None:
        return False
    low, high = ends
    if isinstance(parameter.distribution, LogUniform | LogNormal):
        if min(low, x, y) <= 0:
            return False
        return abs(math.log(x / y)) <= reach * math.log(high / low)
    return abs(x - y) <= reach * (high - low)
