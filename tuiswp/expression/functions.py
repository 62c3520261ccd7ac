"""Every function and operator of the language, once: how many arguments, and what it computes.

Those of `PURE` look at numbers, those of `CURVE` at the points of a curve in their order (computed
in `signals`). A pure function of something that is not a number is not a number, unless it does
not matter: `where` ignores the side it does not take.
"""

import math
import operator
from collections.abc import Callable
from typing import NamedTuple

NAN = float("nan")
WINDOW_MAX = 10_000

Numbers = Callable[..., float]


class Pure(NamedTuple):
    """`most` None: as many as one likes."""

    least: int
    most: int | None
    compute: Numbers


class Following(NamedTuple):
    """A function over a curve; `constant`: what its second argument must be, if it has one."""

    constant: str | None = None
    optional: bool = False


def _least(*values: float) -> float:
    return NAN if any(value != value for value in values) else min(values)


def _greatest(*values: float) -> float:
    return NAN if any(value != value for value in values) else max(values)


def _clip(value: float, low: float, high: float) -> float:
    return value if value != value else _least(_greatest(value, low), high)


def _where(condition: float, then: float, otherwise: float) -> float:
    if condition != condition:
        return NAN
    return then if condition else otherwise


def whole(rounded: Callable[[float], int]) -> Numbers:
    """`rounded` for numbers that may be none."""
    return lambda value: value if value - value != 0.0 else float(rounded(value))


PURE: dict[str, Pure] = {
    "abs": Pure(1, 1, abs),
    "sqrt": Pure(1, 1, math.sqrt),
    "exp": Pure(1, 1, math.exp),
    "log": Pure(1, 1, math.log),
    "log2": Pure(1, 1, math.log2),
    "log10": Pure(1, 1, math.log10),
    "round": Pure(1, 1, whole(round)),
    "floor": Pure(1, 1, whole(math.floor)),
    "ceil": Pure(1, 1, whole(math.ceil)),
    "pow": Pure(2, 2, math.pow),
    "min": Pure(2, None, _least),
    "max": Pure(2, None, _greatest),
    "clip": Pure(3, 3, _clip),
    "where": Pure(3, 3, _where),
}

CURVE: dict[str, Following] = {
    "mean": Following("window"),
    "median": Following("window"),
    "std": Following("window"),
    "slope": Following("window"),
    "lag": Following("window"),
    "diff": Following("window", optional=True),
    "ema": Following("share"),
    "endweight": Following("weight"),
    "cummin": Following(),
    "cummax": Following(),
    "min": Following(),
    "max": Following(),
    "first": Following(),
    "last": Following(),
    "at": Following("clock"),
}

SYNONYMS = {
    "avg": "write mean", "average": "write mean", "rolling_mean": "write mean", "sma": "write mean",
    "ewm": "write ema", "ewma": "write ema", "smooth": "write ema(x, 0.1)", "shift": "write lag",
    "delta": "write diff", "minimum": "write min", "maximum": "write max", "ln": "write log",
    "if": "write where(condition, a, b)", "iff": "write where(condition, a, b)",
    "stdev": "write std", "power": "write pow", "clamp": "write clip", "int": "write floor",
}  # fmt: skip


def _compared(holds: Callable[[float, float], bool]) -> Numbers:
    return lambda a, b: NAN if a != a or b != b else float(holds(a, b))


def _both(a: float, b: float) -> float:
    if a == 0.0 or b == 0.0:
        return 0.0
    return NAN if a != a or b != b else 1.0


def _either(a: float, b: float) -> float:
    if (a == a and a != 0.0) or (b == b and b != 0.0):
        return 1.0
    return NAN if a != a or b != b else 0.0


# On floats. True is 1 and false is 0; anything but 0 is true.
BINARY: dict[str, Numbers] = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "/": operator.truediv,
    "//": operator.floordiv,
    "%": operator.mod,
    "**": math.pow,
    "<": _compared(operator.lt),
    "<=": _compared(operator.le),
    ">": _compared(operator.gt),
    ">=": _compared(operator.ge),
    "==": _compared(operator.eq),
    "!=": _compared(operator.ne),
    "and": _both,
    "or": _either,
}
UNARY: dict[str, Numbers] = {
    "-": operator.neg,
    "not": lambda a: a if a != a else float(a == 0.0),
}


def member(item: float, *options: float) -> float:
    """1 if `item` equals one of `options`."""
    return item if item != item else float(item in options)


def why(operation: str, error: ArithmeticError | ValueError | None) -> str:
    """Why an operation on finite numbers gave none; `error` None: it gave infinity or NaN."""
    if isinstance(error, ZeroDivisionError):
        return "division by zero"
    if error is None or isinstance(error, OverflowError):
        return "beyond the largest number"
    if operation in ("log", "log2", "log10"):
        return f"{operation} of a number that is not above 0"
    if operation == "sqrt":
        return "square root of a number below 0"
    return "a power that is no real number"
