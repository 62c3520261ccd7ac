"""The language by its definitions, over whole columns at once with numpy: slow, plain, separate.

A signal is (points, held): `points[i]` says whether it has a point at row i, `held[i]` its value
there or its last one before (None before the first).
"""

import math
from collections.abc import Callable, Sequence

import numpy as np

from tuiswp.expression.functions import CURVE, PURE
from tuiswp.expression.tree import Binary, Call, Constant, Expression, Member, Name, Unary

Held = list[float | None]
Columns = dict[str, list[float | None]]
NAN = float("nan")


def points(tree: Expression, steps: Sequence[float], columns: Columns) -> list[float | None]:
    """The value of each row; None where there is no point, NaN for a gap."""
    ticks, held = signal(tree, steps, columns)
    shown = [value if tick else None for tick, value in zip(ticks, held, strict=True)]
    return [None if v is None else v if math.isfinite(v) else NAN for v in shown]


def signal(tree: Expression, steps: Sequence[float], columns: Columns) -> tuple[list[bool], Held]:
    rows = len(steps)
    match tree:
        case Constant(value=value):
            return [False] * rows, [float(value)] * rows  # type: ignore[arg-type]
        case Name(name="step"):
            return [False] * rows, list(steps)
        case Name(name=name):
            return [v is not None for v in columns[name]], hold(columns[name])
        case Unary(op=op, operand=operand):
            return pure(lambda a: -a if op == "-" else truth(a == 0, a), [operand], steps, columns)
        case Binary(op=op, left=left, right=right):
            return pure(lambda a, b: binary(op, a, b), [left, right], steps, columns)
        case Member(item=item, options=options, negated=negated):
            return pure(
                lambda a, *some: truth((a in some) != negated, a), [item, *options], steps, columns
            )
        case Call(function="at", args=(value, clock)):
            _, held = signal(value, steps, columns)
            ticks, _ = signal(clock, steps, columns)
            found = [h if t else None for t, h in zip(ticks, held, strict=True)]
            return [v is not None for v in found], hold(found)
        case Call(function=name, args=args):
            if name in PURE and (name not in CURVE or len(args) > 1):
                return pure(FUNCTIONS[name], list(args), steps, columns)
            ticks, held = signal(args[0], steps, columns)
            number = float(args[1].value) if len(args) > 1 else 1.0  # type: ignore[arg-type, union-attr]
            at = [i for i in range(rows) if ticks[i]]
            given = np.array([held[i] for i in at], dtype=float)
            given[~np.isfinite(given)] = NAN
            out: list[float | None] = [None] * rows
            for place, i in enumerate(at):
                where = np.array([steps[j] for j in at[: place + 1]])
                out[i] = follow(name, given[: place + 1], where, number)
            return [v is not None for v in out], hold(out)


def hold(values: list[float | None]) -> Held:
    held: Held = []
    for value in values:
        held.append(value if value is not None else held[-1] if held else None)
    return held


def truth(answer: bool, *given: float) -> float:
    return NAN if any(math.isnan(one) for one in given) else float(answer)


def pure(
    compute: Callable[..., float], args: list[Expression], steps: Sequence[float], columns: Columns
) -> tuple[list[bool], Held]:
    found = [signal(arg, steps, columns) for arg in args]
    ticks, held = [], []
    for i in range(len(steps)):
        values = [one[1][i] for one in found]
        there = None not in values
        ticks.append(there and any(one[0][i] for one in found))
        try:
            held.append(compute(*values) if there else None)
        except (ArithmeticError, ValueError):
            held.append(NAN)
    return ticks, held


def binary(op: str, a: float, b: float) -> float:
    match op:
        case "and":
            return 0.0 if 0 in (a, b) else truth(True, a, b)
        case "or":
            true = any(one != 0 and not math.isnan(one) for one in (a, b))
            return 1.0 if true else truth(False, a, b)
        case "**":
            return math.pow(a, b)
        case "+" | "-" | "*" | "/" | "//" | "%":
            return float(eval(f"a {op} b", {"a": a, "b": b}))
    return truth(bool(eval(f"a {op} b", {"a": a, "b": b})), a, b)


FUNCTIONS: dict[str, Callable[..., float]] = {
    "abs": abs, "sqrt": math.sqrt, "exp": math.exp, "log": math.log, "log2": math.log2,
    "log10": math.log10, "pow": math.pow,
    "round": lambda a: float(round(a)) if math.isfinite(a) else a,
    "floor": lambda a: float(math.floor(a)) if math.isfinite(a) else a,
    "ceil": lambda a: float(math.ceil(a)) if math.isfinite(a) else a,
    "min": lambda *some: float(np.min(some)), "max": lambda *some: float(np.max(some)),
    "clip": lambda a, low, high: float(np.minimum(np.maximum(a, low), high)),
    "where": lambda c, a, b: NAN if math.isnan(c) else a if c else b,
}  # fmt: skip


def follow(name: str, x: np.ndarray, steps: np.ndarray, number: float) -> float | None:
    """The value of a function over the points `x`, the newest last."""
    n = int(number)
    good = np.isfinite(x)
    if name == "lag":
        return None if len(x) <= n else float(x[-1 - n])
    if name == "diff":
        return None if len(x) <= n else float(x[-1] - x[-1 - n])
    if name == "slope" and len(x) < 2:
        return None
    if name == "last":
        return float(x[good][-1]) if good.any() else NAN
    if not good[-1]:
        return NAN
    window, inside = x[-n:][good[-n:]], steps[-n:][good[-n:]]
    match name:
        case "mean":
            return float(np.mean(window))
        case "median":
            return float(np.median(window))
        case "std":
            return float(np.std(window))
        case "slope":
            return float(np.polyfit(inside, window, 1)[0]) if len(window) > 1 else NAN
        case "min" | "cummin":
            return float(np.min(x[good]))
        case "max" | "cummax":
            return float(np.max(x[good]))
        case "first":
            return float(x[good][0])
        case "ema":
            value = x[good][0]
            for one in x[good][1:]:
                value = number * one + (1 - number) * value
            return float(value)
        case "endweight":
            weights = np.longdouble(number) ** np.arange(len(x))
            return float(np.sum(weights[good] * x[good]) / np.sum(weights[good]))
    raise AssertionError(name)
