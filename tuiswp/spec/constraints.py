"""What `tuiswp.when`, `exclude` and `tie` make of a point of the search space. Pure.

`Rules.resolve` is the one answer, and every proposer gives its points through it: parameters whose
condition does not hold are left out, tied values are added, and a forbidden point is None. A rule
that names a parameter which is absent at a point does not apply there. A rule that cannot be
computed at a point (a division by zero) forbids it: what it would have said is not known.
"""

from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from graphlib import CycleError, TopologicalSorter
from typing import NamedTuple

from tuiswp.expression.faults import ExpressionError
from tuiswp.expression.parser import parse
from tuiswp.expression.scalar import NoValue, evaluate, holds, is_number
from tuiswp.expression.tree import Expression, names
from tuiswp.model.space import Condition, Constraints, Parameter, Params, Path, Tie, Value
from tuiswp.spec.params import flatten, nest


class Fired(NamedTuple):
    """A rule that forbids a point; `problem`: because it could not be computed there."""

    rule: str
    problem: str | None = None


class Point(NamedTuple):
    """`params` with absent ones left out and tied ones added; forbidden if `by` is not None."""

    params: Params
    by: Fired | None
    absent: tuple[Path, ...]


class Rules:
    """The checked constraints of a sweep, ready to be applied to its points."""

    def __init__(self, parameters: Sequence[Parameter], constraints: Constraints) -> None:
        self._parameters = parameters
        self._constraints = constraints
        self._names = {parameter.path: parameter.name for parameter in parameters}
        self._steps = in_order(constraints)

    def resolve(self, params: Params) -> Params | None:
        """The point a trial would get; None if it is forbidden. Resolving twice changes nothing."""
        if not self._constraints:
            return params
        point = self.look(params)
        return None if point.by is not None else point.params

    def complete(self, params: Params) -> Params:
        """As `resolve`, but what is forbidden stays: for points that a person chose."""
        return self.look(params).params if self._constraints else params

    def look(self, params: Params) -> Point:
        """The point, and the first rule that forbids it."""
        flat = flatten(params, self._parameters)
        values: dict[str, Value] = {self._names[path]: value for path, value in flat.items()}
        absent: list[Path] = []
        by: Fired | None = None
        for step in self._steps:
            rule = rule_text(step)
            try:
                if isinstance(step, Tie):
                    flat[step.path] = values[name_of(step.path)] = tied(step, values)
                elif not holds(tree_of(step.expr), values):
                    raise NoValue("does not hold", 1)
            except NoValue:
                absent.append(step.path)
                flat.pop(step.path, None)
                values.pop(name_of(step.path), None)
            except ExpressionError as error:
                by = by or Fired(rule, str(error))
                flat.pop(step.path, None)
                values.pop(name_of(step.path), None)
        by = by or next(self._forbidding(values), None)
        return Point(nest(flat.items()), by, tuple(absent))

    def _forbidding(self, values: Mapping[str, Value]) -> Iterator[Fired]:
        for expr in self._constraints.exclude:
            try:
                if holds(tree_of(expr), values):
                    yield Fired(expr)
            except NoValue:
                continue
            except ExpressionError as error:
                yield Fired(expr, str(error))


@lru_cache(maxsize=512)
def tree_of(expr: str) -> Expression:
    """The tree of a checked expression."""
    return parse(expr)


def name_of(path: Path) -> str:
    """What a parameter is called in expressions."""
    return ".".join(path)


def rule_text(rule: Condition | Tie) -> str:
    """A rule as messages show it: `warmup when scheduler == 'cosine'`, `accum = 64 / batch`."""
    link = "=" if isinstance(rule, Tie) else "when"
    return f"{name_of(rule.path)} {link} {rule.expr}"


def tied(tie: Tie, values: Mapping[str, Value]) -> Value:
    """The value of a tied parameter, of its declared type. Raises ExpressionError."""
    value = evaluate(tree_of(tie.expr), values)
    match tie.type:
        case "int" if is_number(value) and value == int(value):
            return int(value)
        case "float" if is_number(value):
            return float(value)
        case "str" if isinstance(value, str):
            return value
        case "bool" if isinstance(value, bool):
            return value
        case None:
            return value
    raise ExpressionError(f"{value!r} is no {tie.type}", 1)


def in_order(constraints: Constraints) -> tuple[Condition | Tie, ...]:
    """Conditions and ties, each after those whose parameters it names. Raises CycleError."""
    every: list[Condition | Tie] = [*constraints.when, *constraints.tie]
    rules = {name_of(rule.path): rule for rule in every}
    sorter: TopologicalSorter[str] = TopologicalSorter()
    for name, rule in rules.items():
        sorter.add(name, *(one for one in names(tree_of(rule.expr)) if one in rules))
    return tuple(rules[name] for name in sorter.static_order())


def cycle(constraints: Constraints) -> list[str] | None:
    """The names on a way from a rule back to itself; None if there is none."""
    try:
        in_order(constraints)
    except CycleError as error:
        return list(error.args[1])[::-1]
    return None
