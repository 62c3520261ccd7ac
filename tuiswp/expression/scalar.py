"""An expression over the values of one trial's parameters → one value. Pure; names are given.

Numbers, text, true and false stay apart: `1 == true` and `"1" == 1` are false, and adding or
ordering them is an error. What is whole stays whole where that is exact: 64 / 16 is 4, not 4.0.
"""

import math
import operator
from collections.abc import Callable, Mapping
from typing import TypeGuard

from tuiswp.expression.faults import ExpressionError
from tuiswp.expression.functions import PURE, why
from tuiswp.expression.tree import Binary, Call, Constant, Expression, Member, Name, Unary
from tuiswp.model.space import Value
from tuiswp.text import visible

_EXACT_BITS = 1_000  # a power that would be longer is a float


class NoValue(ExpressionError):
    """A name that has no value here: whatever is said with it does not apply."""


def evaluate(node: Expression, values: Mapping[str, Value]) -> Value:
    """The value of `node`. Raises ExpressionError where it has none."""
    match node:
        case Constant(value=value):
            return value
        case Name(name=name):
            if name not in values:
                shown = visible(name, limit=60)
                raise NoValue(f"{shown} has no value here", node.at)
            return values[name]
        case Unary(op="not"):
            return not _truth(node.operand, values)
        case Unary():
            return -_number(node.operand, values)
        case Binary(op="and"):
            return _truth(node.left, values) and _truth(node.right, values)
        case Binary(op="or"):
            return _truth(node.left, values) or _truth(node.right, values)
        case Binary():
            return _binary(node, values)
        case Member(item=item, options=options, negated=negated):
            found = evaluate(item, values)
            return any(same(found, evaluate(one, values)) for one in options) != negated
        case Call(function="where", args=(condition, then, otherwise)):
            return evaluate(then if _truth(condition, values) else otherwise, values)
        case Call():
            return _call(node, values)


def holds(node: Expression, values: Mapping[str, Value]) -> bool:
    """Whether the condition `node` is true. Raises ExpressionError."""
    return _truth(node, values)


def same(a: Value, b: Value) -> bool:
    """Equal as the language has it: 2 and 2.0 are, 1 and true are not."""
    return isinstance(a, bool) == isinstance(b, bool) and a == b


def is_number(value: Value) -> TypeGuard[int | float]:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _truth(node: Expression, values: Mapping[str, Value]) -> bool:
    value = evaluate(node, values)
    if isinstance(value, bool):
        return value
    raise ExpressionError(f"{_kind(value)} is neither true nor false", node.at)


def _number(node: Expression, values: Mapping[str, Value]) -> int | float:
    value = evaluate(node, values)
    if is_number(value):
        return value
    raise ExpressionError(f"{_kind(value)} is not a number", node.at)


def _kind(value: Value) -> str:
    match value:
        case None:
            return "null"
        case bool():
            return "true" if value else "false"
        case str():
            return f"the text '{visible(value, limit=40)}'"
        case list():
            return "a list"
        case dict():
            return "a mapping"
    return f"{value}"


_ORDER: dict[str, Callable[[int | float | str, int | float | str], bool]] = {
    "<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge,
}  # fmt: skip


def _binary(node: Binary, values: Mapping[str, Value]) -> Value:
    if node.op in ("==", "!="):
        equal = same(evaluate(node.left, values), evaluate(node.right, values))
        return equal == (node.op == "==")
    if node.op in _ORDER:
        left, right = evaluate(node.left, values), evaluate(node.right, values)
        if isinstance(left, str) and isinstance(right, str):
            return _ORDER[node.op](left, right)
        if is_number(left) and is_number(right):
            return _ORDER[node.op](left, right)
        what = f"{_kind(left)} and {_kind(right)} have no order"
        raise ExpressionError(what, node.at)
    a, b = _number(node.left, values), _number(node.right, values)
    return _finite(lambda: _ARITHMETIC[node.op](a, b), node.op, node.at)


def _call(node: Call, values: Mapping[str, Value]) -> Value:
    given = [_number(one, values) for one in node.args]
    name = node.function
    compute = _EXACT.get(name) or PURE[name].compute
    return _finite(lambda: compute(*given), name, node.at)


def _finite(compute: Callable[[], int | float], name: str, at: int) -> int | float:
    try:
        value = compute()
        if math.isfinite(value):
            return value
        error: ArithmeticError | ValueError | None = None
    except (ArithmeticError, ValueError) as raised:
        error = raised
    raise ExpressionError(why(name, error), at)


def _divide(a: int | float, b: int | float) -> int | float:
    if isinstance(a, int) and isinstance(b, int) and b and a % b == 0:
        return a // b
    return a / b


def _power(a: int | float, b: int | float) -> int | float:
    exact = isinstance(a, int) and isinstance(b, int) and b >= 0
    if exact and a.bit_length() * b <= _EXACT_BITS:  # type: ignore[union-attr]  # a is an int
        return int(a**b)
    return math.pow(a, b)


_ARITHMETIC: dict[str, Callable[[int | float, int | float], int | float]] = {
    "+": operator.add, "-": operator.sub, "*": operator.mul, "/": _divide,
    "//": operator.floordiv, "%": operator.mod, "**": _power,
}  # fmt: skip
_EXACT: dict[str, Callable[..., int | float]] = {
    "round": round, "floor": math.floor, "ceil": math.ceil, "pow": _power, "min": min, "max": max,
    "abs": abs, "clip": lambda value, low, high: min(max(value, low), high),
}  # fmt: skip
