"""What each distribution means: its quantile, its grid, its support, its natural axis.

Sampling is quantile(u) with u uniform on [0, 1], exactly as wandb/sweeps does, but for four edges
where its engine falls out of the range (int_uniform and categorical at u = 0, weighted at u = 1,
normal at both ends). Pure: no random numbers are drawn here.
"""

import itertools
import json
import math
import re
from collections.abc import Sequence
from statistics import NormalDist
from typing import SupportsIndex, overload

from tuiswp.model.space import (
    Beta,
    Categorical,
    Constant,
    Distribution,
    IntUniform,
    LogNormal,
    LogUniform,
    Normal,
    Parameter,
    Uniform,
    Value,
)

_STANDARD = NormalDist()
_U_MIN, _U_MAX = 2.0**-54, 1.0 - 2.0**-53  # ±8.2 sigma: where a draw of 53 bits ends
SIGMAS = 8.3
_EXP_MAX = 709.0  # exp() of more overflows


def value_key(value: Value) -> str:
    """A type-true text for one value: equal texts, equal points.

    Whole floats equal ints (2.0 is 2), booleans differ from ints, text from everything else, the
    order of keys in a mapping does not matter.
    """
    match value:
        case None:
            return "null"
        case bool():
            return "true" if value else "false"
        case int():
            return str(value)
        case float():
            return str(int(value)) if value.is_integer() else repr(value)
        case str():
            return json.dumps(value)
        case list():
            return f"[{','.join(value_key(item) for item in value)}]"
    pairs = sorted((json.dumps(key), value_key(item)) for key, item in value.items())
    return f"{{{','.join(f'{key}:{item}' for key, item in pairs)}}}"


# ── quantiles ────────────────────────────────────────────────────────────────────────────────────


def quantile(dist: Distribution, u: float) -> Value:
    """The value at probability `u` in [0, 1]. Raises ValueError for another `u`."""
    if not 0.0 <= u <= 1.0:
        raise ValueError(f"u must lie in [0, 1], got {u}")
    match dist:
        case Constant(value=value):
            return value
        case Categorical(values=values, probabilities=weights):
            if weights is None:
                return values[_index(u, len(values))]
            return values[_weighted_index(u, weights)]
        case IntUniform(min=low, max=high):
            return low + _index(u, high - low + 1)
        case Uniform(min=low, max=high, q=q):
            return _rounded(_between(low, high, u), q)
        case LogUniform(low=low, high=high, q=q, limits=limits):
            drawn = math.exp(_between(low, high, u))
            if limits is not None:  # exp(log(x)) is not x to the last bit
                drawn = min(max(drawn, limits[0]), limits[1])
            return _rounded(drawn, q)
        case Normal(mu=mu, sigma=sigma, q=q):
            return _rounded(mu + sigma * _standard_normal(u), q)
        case LogNormal(mu=mu, sigma=sigma, q=q):
            return _rounded(math.exp(min(mu + sigma * _standard_normal(u), _EXP_MAX)), q)
        case Beta(a=a, b=b, q=q):
            return _rounded(_beta(a, b, u), q)


def _index(u: float, count: int) -> int:
    """Smallest i in 0..count-1 with (i+1)/count >= u."""
    index = min(max(math.ceil(u * count) - 1, 0), count - 1)
    if index > 0 and index / count >= u:  # u·count rounded up past a whole number
        index -= 1
    return index


def _weighted_index(u: float, probabilities: Sequence[float]) -> int:
    total, last = 0.0, 0
    for index, probability in enumerate(probabilities):
        total += probability
        if probability > 0:
            last = index
            if total > u:
                return index
    return last  # u is 1, or the sum fell a rounding error short of it


def _between(low: float, high: float, u: float) -> float:
    width = high - low
    if math.isinf(width):
        return low * (1 - u) + high * u
    return min(low + u * width, float(high))


def _standard_normal(u: float) -> float:
    return _STANDARD.inv_cdf(min(max(u, _U_MIN), _U_MAX))


def _beta(a: float, b: float, u: float) -> float:
    if a == 0 or b == 0:  # the limits of the law: all mass at one end, or half at each
        return 0.0 if a == 0 and (b > 0 or u <= 0.5) else 1.0
    from scipy.special import betaincinv  # the only use of scipy: 0.2 s that others need not pay

    drawn = float(betaincinv(a, b, u if u in (0.0, 1.0) else max(u, _U_MIN)))
    return drawn if math.isfinite(drawn) else float(u >= 0.5)  # scipy underflows to nan


def _rounded(value: float, q: float | int | None) -> float | int:
    """Multiples of q, halves to even; an int only when q is one. No clipping, as W&B."""
    if q is None:
        return value
    steps = value / q
    return round(steps) * q if math.isfinite(steps) else value


# ── grids and finite supports ────────────────────────────────────────────────────────────────────


class Steps(Sequence["int | float"]):
    """start, start + step, …: a range that also counts in floats. Nothing is stored."""

    def __init__(self, start: float, step: float, count: int) -> None:
        self.start, self.step, self.size = start, step, count

    def __len__(self) -> int:
        return self.size

    @overload
    def __getitem__(self, index: SupportsIndex) -> int | float: ...
    @overload
    def __getitem__(self, index: slice) -> "Steps": ...
    def __getitem__(self, index: SupportsIndex | slice) -> "int | float | Steps":
        if isinstance(index, slice):
            first, last, stride = index.indices(self.size)
            taken = len(range(first, last, stride))
            return Steps(self.start + first * self.step, self.step * stride, taken)
        i = int(index)
        if i < 0:
            i += self.size
        if not 0 <= i < self.size:
            raise IndexError("grid index out of range")
        return self.start + i * self.step


def distinct(choice: Categorical) -> list[Value]:
    """The values of a categorical, repeated ones once: at the place of the first, in the form of
    the last ([1, 1.0, 2] keeps 1.0), as W&B does."""
    return list({value_key(value): value for value in choice.values}.values())


def is_single(dist: Distribution) -> bool:
    """True if only one value can come out."""
    match dist:
        case Constant():
            return True
        case Categorical():
            return len(distinct(dist)) == 1
        case IntUniform(min=low, max=high):
            return low == high
        case Normal(sigma=sigma, q=None) | LogNormal(sigma=sigma, q=None):
            return sigma == 0
    return support_count(dist) == 1


def grid_count(dist: Distribution) -> int | None:
    """How many grid values a distribution has, by arithmetic; None: it has no grid."""
    match dist:
        case Constant():
            return 1
        case Categorical(probabilities=None):
            return len(distinct(dist))
        case IntUniform(min=low, max=high):
            return high - low + 1
        case Uniform(min=low, max=high, q=q) if q is not None:
            return max(math.ceil((high - low) / q), 1)
    return None


def grid_values(dist: Distribution) -> Sequence[Value]:
    """The values of one grid axis, in order, lazily; q_uniform leaves its max out (numpy.arange).

    Raises ValueError for a distribution that has no grid.
    """
    match dist:
        case Constant(value=value):
            return (value,)
        case Categorical(probabilities=None):
            return distinct(dist)
        case IntUniform(min=low, max=high):
            return range(low, high + 1)
        case Uniform(min=low, max=high, q=q) if q is not None:
            # numpy.arange steps by (min + q) - min, which differs from q in the last bit.
            return Steps(low, (low + q) - low, max(math.ceil((high - low) / q), 1))
    raise ValueError(f"{type(dist).__name__} has no grid")


def support_count(dist: Distribution) -> int | None:
    """How many different values random draws can give; None: not countable."""
    match dist:
        case Constant():
            return 1
        case Categorical():
            return len(support(dist) or ())
        case IntUniform(min=low, max=high):
            return high - low + 1
    ends = _multiples(dist)
    return None if ends is None else ends[1] - ends[0] + 1


def support(dist: Distribution) -> Sequence[Value] | None:
    """The different values that random draws can give, in order, lazily; None: not countable."""
    match dist:
        case Constant(value=value):
            return (value,)
        case Categorical(values=values, probabilities=probabilities):
            weights = probabilities or (1.0,) * len(values)
            possible = tuple(v for v, p in zip(values, weights, strict=True) if p > 0)
            return distinct(Categorical(possible))
        case IntUniform(min=low, max=high):
            return range(low, high + 1)
        case Uniform(q=q) | LogUniform(q=q):
            ends = _multiples(dist)
            if ends is not None and q is not None:
                return _Multiples(ends[0], ends[1], q)
    return None


class _Multiples(Sequence["int | float"]):
    """k·q for k in [first, last], spelled as `_rounded` spells them."""

    def __init__(self, first: int, last: int, q: float) -> None:
        self.numbers, self.q = range(first, last + 1), q

    def __len__(self) -> int:
        return len(self.numbers)

    @overload
    def __getitem__(self, index: SupportsIndex) -> int | float: ...
    @overload
    def __getitem__(self, index: slice) -> "list[int | float]": ...
    def __getitem__(self, index: SupportsIndex | slice) -> "int | float | list[int | float]":
        if isinstance(index, slice):
            return [k * self.q for k in self.numbers[index]]
        return self.numbers[index] * self.q


def _multiples(dist: Distribution) -> tuple[int, int] | None:
    """First and last k of the multiples k·q that have a probability above zero."""
    match dist:
        case Uniform(min=low, max=high, q=q) if q is not None:
            first, last = low / q, high / q
        case LogUniform(q=q) if q is not None:
            low, high = bounds(dist) or (0.0, 0.0)
            first, last = low / q, high / q
        case _:
            return None
    if not (math.isfinite(first) and math.isfinite(last)):
        return None
    return math.floor(first - 0.5) + 1, max(math.ceil(last + 0.5) - 1, math.floor(first - 0.5) + 1)


# ── ranges and axes ──────────────────────────────────────────────────────────────────────────────


def bounds(dist: Distribution) -> tuple[float, float] | None:
    """Smallest and largest value as floats; None where there is none (text, normal laws).

    Quantised ranges give min and max as written; their values may step outside.
    """
    match dist:
        case Constant(value=value):
            return _range_of((value,))
        case Categorical(values=values):
            return _range_of(values)
        case IntUniform(min=low, max=high) | Uniform(min=low, max=high):
            return float(low), float(high)
        case LogUniform(limits=limits) if limits is not None:
            return float(limits[0]), float(limits[1])
        case LogUniform(low=low, high=high):
            return math.exp(low), math.exp(high)
        case Beta():
            return 0.0, 1.0
    return None


def _range_of(values: Sequence[Value]) -> tuple[float, float] | None:
    numbers: list[float] = []
    for value in values:
        if isinstance(value, bool) or not isinstance(value, int | float):
            return None
        numbers.append(float(value))
    return (min(numbers), max(numbers)) if numbers else None


_LOG_NAME = re.compile(r"(?:^|[._-])(?:lr|learning[_-]?rate|weight[_-]?decay|wd)$", re.IGNORECASE)


def is_log(parameter: Parameter) -> bool:
    """True if a logarithmic axis is the natural one.

    That is: the log kinds; a positive numeric choice over an order of magnitude or more whose steps
    are closer to equal factors than to equal differences; and whatever is named as a learning rate
    or weight decay and spans more than one order.
    """
    dist = parameter.distribution
    if isinstance(dist, LogUniform | LogNormal):
        return True
    ends = bounds(dist)
    if ends is None or ends[0] <= 0:
        return False
    low, high = ends
    if high > 10 * low and _LOG_NAME.search(parameter.path[-1]):
        return True
    # 0.3 / 0.03 is 9.999…: one order all the same
    return isinstance(dist, Categorical) and high >= low * 9.999 and _geometric(dist.values)


def _geometric(values: Sequence[Value]) -> bool:
    numbers = sorted({float(v) for v in values if isinstance(v, int | float)})
    if len(numbers) < 2:
        return False
    logs = [math.log(number) for number in numbers]
    return _unevenness(logs) <= _unevenness(numbers)


def _unevenness(points: Sequence[float]) -> float:
    """Coefficient of variation of the gaps: 0 for equal steps."""
    gaps = [b - a for a, b in itertools.pairwise(points)]
    mean = sum(gaps) / len(gaps)
    spread = math.sqrt(sum((gap - mean) ** 2 for gap in gaps) / len(gaps))
    return spread / mean if mean else math.inf
