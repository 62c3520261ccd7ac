"""Whether a tree makes sense, before anything runs: functions, arguments, names. Reads trees only.

A curve may use every function and any column name; the columns are known only as a trial runs. A
condition on parameters may use the pure functions, and only names that exist.
"""

import re
from collections.abc import Collection
from typing import NoReturn

from tuiswp.expression.faults import ExpressionError
from tuiswp.expression.functions import CURVE, PURE, SYNONYMS, WINDOW_MAX, Following
from tuiswp.expression.scalar import evaluate
from tuiswp.expression.tree import (
    Binary,
    Call,
    Constant,
    Expression,
    Member,
    Name,
    Unary,
    names,
    walk,
)
from tuiswp.nearest import near_miss
from tuiswp.text import visible

STEP = "step"  # the step of a row, wherever a column may stand
_SLASHED = re.compile(r"[^\W\d][\w.]*(?:/[^\W\d][\w.]*)+")


def as_curve(tree: Expression, text: str) -> Expression:
    """`tree`, fit for `curve.Evaluation`; a text in quotes is a column's name. `text`: its source.

    Raises ExpressionError.
    """
    tree = _with_names(tree)
    for node in walk(tree):
        match node:
            case Binary(op="/", left=Name(quoted=False), right=Name(quoted=False)):
                _refuse_unspaced(node, text)
            case Constant(value=None):
                raise ExpressionError("null is no number", node.at)
            case Call():
                _check_call(node, curve=True)
    if not columns(tree):
        raise ExpressionError("names no column", 1, "write the name of a logged metric")
    return tree


def columns(tree: Expression) -> tuple[str, ...]:
    """The different columns in it, in order of appearance."""
    return tuple(name for name in names(tree) if name != STEP)


def as_condition(tree: Expression, known: Collection[str]) -> Expression:
    """`tree`, fit for `scalar.evaluate` over parameters named `known`. Raises ExpressionError."""
    for node in walk(tree):
        if isinstance(node, Name) and node.name not in known:
            what = f"no parameter is called {visible(node.name, limit=60)}"
            hint = near_miss(node.name, known)
            if node.name.isidentifier() and "did you mean" not in hint:
                hint = f"{hint}; a text stands in quotes"
            raise ExpressionError(what, node.at, hint)
        if isinstance(node, Call):
            _check_call(node, curve=False)
    return tree


def constant(node: Expression) -> float:
    """The number that `node`, which names nothing, stands for. Raises ExpressionError."""
    if names(node):
        raise ExpressionError("must be a number, not something that varies", node.at)
    value = evaluate(node, {})
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ExpressionError("must be a number", node.at)
    return value


def _with_names(node: Expression) -> Expression:
    match node:
        case Constant(value=str(text)):
            if not text:
                raise ExpressionError("a name without a letter", node.at)
            return Name(text, node.at, quoted=True)
        case Constant() | Name():
            return node
        case Unary(op=op, operand=operand):
            return Unary(op, _with_names(operand), node.at)
        case Binary(op=op, left=left, right=right):
            return Binary(op, _with_names(left), _with_names(right), node.at)
        case Member(item=item, options=options, negated=negated):
            return Member(_with_names(item), tuple(map(_with_names, options)), negated, node.at)
        case Call(function=function, args=args):
            return Call(function, tuple(map(_with_names, args)), node.at)


def _refuse_unspaced(node: Binary, text: str) -> None:
    """`eval/loss` is a name to whoever wrote it, and a division to the parser."""
    assert isinstance(node.left, Name)
    found = _SLASHED.match(text, node.left.at - 1)
    if found is None:
        return
    name = visible(found[0], limit=60)
    raise ExpressionError(
        f"{name} may be one column or a division",
        node.left.at,
        f"write `{name}` in backquotes, or {name.replace('/', ' / ')}",
    )


def _check_call(call: Call, *, curve: bool) -> None:
    """Raises ExpressionError unless the function exists here and takes these arguments."""
    name, count = call.function, len(call.args)
    pure = PURE.get(name)
    follows = CURVE.get(name) if curve else None
    if follows is not None and (pure is None or count < pure.least):
        _check_following(call, follows)
        return
    if pure is None:
        _refuse_unknown(call, curve=curve)
    if count < pure.least or (pure.most is not None and count > pure.most):
        wanted = f"{pure.least}" if pure.least == pure.most else f"{pure.least} or more"
        noun = "argument" if wanted == "1" else "arguments"
        raise ExpressionError(f"{name} takes {wanted} {noun}, not {count}", call.at)


def _refuse_unknown(call: Call, *, curve: bool) -> NoReturn:
    shown = visible(call.function, limit=40)
    if call.function in CURVE:
        what = f"{shown} follows a curve, and parameters have none"
        raise ExpressionError(what, call.at, f"here are: {', '.join(sorted(PURE))}")
    known = PURE.keys() | CURVE.keys() if curve else PURE.keys()
    hint = near_miss(call.function, known, SYNONYMS)
    raise ExpressionError(f"unknown function '{shown}'", call.at, hint)


_TAKES = {
    "window": "a curve and a number of points, as in {0}(loss, 10)",
    "share": "a curve and a share, as in {0}(loss, 0.1)",
    "weight": "a curve and a weight, as in {0}(loss, 1.05)",
    "clock": "a value and a column that says when, as in {0}(loss, eval_loss)",
}


def _check_following(call: Call, follows: Following) -> None:
    name, count, second = call.function, len(call.args), follows.constant
    least = 1 if second is None or follows.optional else 2
    if not least <= count <= (1 if second is None else 2):
        wanted = "one curve" if second is None else _TAKES[second].format(name)
        raise ExpressionError(f"{name} takes {wanted}", call.at)
    if not columns(call.args[0]):
        raise ExpressionError(f"{name} needs a column", call.args[0].at)
    if count == 1 or second is None:
        return
    given = call.args[1]
    if second == "clock":
        if not columns(given):
            raise ExpressionError(f"{name} needs a column that says when", given.at)
        return
    number = constant(given)
    if second == "window" and not (1 <= number <= WINDOW_MAX and number == int(number)):
        what = f"must be a whole number from 1 to {WINDOW_MAX:,}, got {number:g}"
    elif second == "share" and not 0 < number <= 1:
        what = f"must be above 0 and at most 1, got {number:g}"
    elif second == "weight" and not 0 < number <= 1000:
        what = f"must be above 0 and at most 1000, got {number:g}"
    else:
        return
    raise ExpressionError(what, given.at)
