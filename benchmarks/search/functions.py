"""Functions to minimize whose minimum is known, as sweeps: what a search is compared on.

Branin and Hartmann6 in their usual boxes. Ackley over axes that are logarithmic, as learning rates
are, with its minimum away from the middle. Mixed: a number on a log scale, one on a linear scale,
an integer and two choices, one of which moves the minimum of the others.
"""

import math
from collections.abc import Callable, Sequence

import msgspec

from tuiswp.model.space import Categorical, IntUniform, LogUniform, Parameter, Params, Uniform
from tuiswp.model.sweep import Objective, Resources, Run, Sweep

LOG = math.log


class Problem(msgspec.Struct, frozen=True):
    """`value` of a point's params; `optimum` is its minimum."""

    name: str
    parameters: tuple[Parameter, ...]
    value: Callable[[Params], float]
    optimum: float

    def sweep(self, seed: int, **more: object) -> Sweep:
        """The problem as a sweep whose method learns."""
        sweep = Sweep(
            name=self.name,
            method="bayes",
            parameters=self.parameters,
            objective=Objective("loss"),
            resources=Resources(),
            run=Run(command=(), program=None, cwd="/"),
            seed=seed,
        )
        return msgspec.structs.replace(sweep, **more)

    def regret(self, params: Params) -> float:
        return self.value(params) - self.optimum


def _number(params: Params, name: str) -> float:
    value = params[name]
    assert isinstance(value, int | float)
    return float(value)


def _box(*bounds: tuple[float, float]) -> tuple[Parameter, ...]:
    return tuple(
        Parameter((f"x{k}",), Uniform(low, high), "uniform") for k, (low, high) in enumerate(bounds)
    )


def _numbers(params: Params, count: int) -> list[float]:
    return [_number(params, f"x{k}") for k in range(count)]


def branin(params: Params) -> float:
    x, y = _numbers(params, 2)
    b, c, t = 5.1 / (4 * math.pi**2), 5 / math.pi, 1 / (8 * math.pi)
    return (y - b * x * x + c * x - 6) ** 2 + 10 * (1 - t) * math.cos(x) + 10


_A = (
    (10.0, 3.0, 17.0, 3.5, 1.7, 8.0),
    (0.05, 10.0, 17.0, 0.1, 8.0, 14.0),
    (3.0, 3.5, 1.7, 10.0, 17.0, 8.0),
    (17.0, 8.0, 0.05, 10.0, 0.1, 14.0),
)
_P = (
    (0.1312, 0.1696, 0.5569, 0.0124, 0.8283, 0.5886),
    (0.2329, 0.4135, 0.8307, 0.3736, 0.1004, 0.9991),
    (0.2348, 0.1451, 0.3522, 0.2883, 0.3047, 0.6650),
    (0.4047, 0.8828, 0.8732, 0.5743, 0.1091, 0.0381),
)


def hartmann6(params: Params) -> float:
    x = _numbers(params, 6)
    return -sum(
        weight * math.exp(-sum(a * (xi - p) ** 2 for a, xi, p in zip(row, x, places, strict=True)))
        for weight, row, places in zip((1.0, 1.2, 3.0, 3.2), _A, _P, strict=True)
    )


def _ackley(z: Sequence[float]) -> float:
    count = len(z)
    spread = math.sqrt(sum(v * v for v in z) / count)
    ripples = sum(math.cos(2 * math.pi * v) for v in z) / count
    return -20 * math.exp(-0.2 * spread) - math.exp(ripples) + 20 + math.e


_EXPONENTS = (-2.0, -4.3, -1.4, -3.7)


def ackley_log(params: Params) -> float:
    places = zip(_numbers(params, 4), _EXPONENTS, strict=True)
    return _ackley([math.log10(x) - exponent for x, exponent in places])


_BEST_AT = {"sgd": -1.0, "adam": -3.0, "lion": -4.0}
_COST = {"sgd": 0.15, "adam": 0.0, "lion": 0.05}


def mixed(params: Params) -> float:
    kind, schedule = params["optimizer"], params["schedule"]
    assert isinstance(kind, str)
    lr = math.log10(_number(params, "lr")) - _BEST_AT[kind]
    decay, depth = _number(params, "dropout") - 0.2, (_number(params, "depth") - 7) / 12
    late = 0.0 if schedule == "cosine" else 0.1
    return 0.3 * lr * lr + 4 * decay**2 + depth**2 + 0.5 * lr * depth + _COST[kind] + late


PROBLEMS = (
    Problem("Branin", _box((-5.0, 10.0), (0.0, 15.0)), branin, 0.39788735772973816),
    Problem("Hartmann6", _box(*((0.0, 1.0),) * 6), hartmann6, -3.322368011391339),
    Problem(
        "Ackley, 4 log axes",
        tuple(
            Parameter((f"x{k}",), LogUniform(LOG(1e-6), LOG(1.0)), "log_uniform_values")
            for k in range(4)
        ),
        ackley_log,
        0.0,
    ),
    Problem(
        "mixed, 5 parameters",
        (
            Parameter(("lr",), LogUniform(LOG(1e-6), LOG(1.0)), "log_uniform_values"),
            Parameter(("dropout",), Uniform(0.0, 0.6), "uniform"),
            Parameter(("depth",), IntUniform(2, 24), "int_uniform"),
            Parameter(("optimizer",), Categorical(("sgd", "adam", "lion")), "categorical"),
            Parameter(("schedule",), Categorical(("none", "step", "cosine")), "categorical"),
        ),
        mixed,
        0.0,
    ),
)
