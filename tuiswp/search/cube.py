"""The search space as a box that samplers understand, and the way between a point and its params.

A continuous parameter is searched in its quantile, u in [0, 1]: the distribution is the prior, and
a log-uniform range is searched on a log scale, as W&B's bayes does. A few ordered numbers are an
index along their order, anything else a choice. Parameters with one value are no dimension.
"""

import math
from collections.abc import Mapping, Sequence
from typing import Literal, TypeAlias

import msgspec

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
    Params,
    Path,
    Uniform,
    Value,
)
from tuiswp.spec.distributions import is_single, quantile, support, value_key
from tuiswp.spec.params import flatten, nest

LADDER_MAX = 64  # ordered values up to which each is a step of its own

Coordinate: TypeAlias = float | int
Point: TypeAlias = dict[str, Coordinate]  # by axis name


class Axis(msgspec.Struct, frozen=True):
    """One dimension. `values`: of a ladder or a choice, by index; a unit axis has none.

    `name` is the path as JSON, so that no two parameters share one.
    """

    name: str
    path: Path
    kind: Literal["unit", "ladder", "choice"]
    distribution: Distribution
    values: tuple[Value, ...] = ()


class Cube:
    """The axes of a space, in the order of the file."""

    def __init__(self, parameters: Sequence[Parameter]) -> None:
        self._parameters = tuple(parameters)
        found = (_axis(parameter) for parameter in parameters)
        self.axes = tuple(axis for axis in found if axis is not None)

    def params(self, point: Mapping[str, Coordinate]) -> Params:
        """The parameters of a point; an axis that it leaves out is left out."""
        values: list[tuple[Path, Value]] = []
        axes = {axis.path: axis for axis in self.axes}
        for parameter in self._parameters:
            axis = axes.get(parameter.path)
            if axis is None:
                values.append((parameter.path, quantile(parameter.distribution, 0.5)))
            elif axis.name in point:
                values.append((parameter.path, _value(axis, point[axis.name])))
        return nest(values)

    def point(self, params: Params) -> Point:
        """Where `params` lie; outside a range means at its end. What has no place is left out."""
        flat = flatten(params, self._parameters)
        found = {
            axis.name: _coordinate(axis, flat[axis.path]) for axis in self.axes if axis.path in flat
        }
        return {name: place for name, place in found.items() if place is not None}


def _axis(parameter: Parameter) -> Axis | None:
    distribution = parameter.distribution
    if is_single(distribution):
        return None
    name = msgspec.json.encode(parameter.path).decode()
    values = _ladder(distribution)
    if values is not None:
        return Axis(name, parameter.path, "ladder", distribution, values)
    if isinstance(distribution, Categorical):
        choices = tuple(support(distribution) or ())
        return Axis(name, parameter.path, "choice", distribution, choices)
    return Axis(name, parameter.path, "unit", distribution)


def _ladder(distribution: Distribution) -> tuple[Value, ...] | None:
    """The values of a distribution over few numbers, ascending; None for any other."""
    match distribution:
        case Categorical(values=values, probabilities=None):
            numbers = [v for v in values if _is_number(v)]
            if len(numbers) < len(values) or len(numbers) < 3:
                return None
        case IntUniform() | Uniform():
            pass
        case _:
            return None
    listed = support(distribution)
    if listed is None or not 1 < len(listed) <= LADDER_MAX:
        return None
    return tuple(sorted(listed, key=_number))


def _is_number(value: Value) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _number(value: Value) -> float:
    assert isinstance(value, int | float)
    return float(value)


def _value(axis: Axis, place: Coordinate) -> Value:
    if axis.kind == "unit":
        return quantile(axis.distribution, min(max(float(place), 0.0), 1.0))
    return axis.values[int(place)]


def _coordinate(axis: Axis, value: Value) -> Coordinate | None:
    if axis.kind == "unit":
        return cdf(axis.distribution, _number(value)) if _is_number(value) else None
    key = value_key(value)
    for index, known in enumerate(axis.values):
        if value_key(known) == key:
            return index
    if axis.kind == "choice" or not _is_number(value):
        return None
    # A point of somebody's own beside the ladder counts at the nearest rung.
    return min(
        range(len(axis.values)), key=lambda index: abs(_number(axis.values[index]) - _number(value))
    )


def cdf(distribution: Distribution, x: float) -> float:
    """The probability of a value up to `x` under a continuous law: `quantile` the other way round.

    A quantised law counts as the continuous one it rounds. Values outside the range give 0 or 1.
    """
    match distribution:
        case Uniform(min=low, max=high):
            return _share(x, low, high)
        case IntUniform(min=low, max=high):
            return _share(x + 0.5, low, high + 1)
        case LogUniform(low=low, high=high):
            return _share(math.log(x), low, high) if x > 0 else 0.0
        case Normal(mu=mu, sigma=sigma):
            return _normal(x, mu, sigma)
        case LogNormal(mu=mu, sigma=sigma):
            return _normal(math.log(x), mu, sigma) if x > 0 else 0.0
        case Beta(a=a, b=b):
            from scipy.special import betainc

            return float(betainc(a, b, min(max(x, 0.0), 1.0)))
        case Constant() | Categorical():
            raise ValueError(f"{type(distribution).__name__} is not continuous")


def _share(x: float, low: float, high: float) -> float:
    return min(max((x - low) / (high - low), 0.0), 1.0) if high > low else 0.5


def _normal(x: float, mu: float, sigma: float) -> float:
    return 0.5 * (1.0 + math.erf((x - mu) / (sigma * math.sqrt(2.0)))) if sigma > 0 else 0.5
