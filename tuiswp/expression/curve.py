"""An expression over logged columns, evaluated row by row as a trial runs.

Rows come in step order, one a step. The value after the last row depends only on the rows, never
on how they were dealt out: evaluating anew from the first row gives the same, bit for bit.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

from tuiswp.expression import signals
from tuiswp.expression.checks import STEP, constant
from tuiswp.expression.functions import BINARY, CURVE, NAN, PURE, UNARY, member
from tuiswp.expression.signals import Row, Signal
from tuiswp.expression.tree import Binary, Call, Constant, Expression, Member, Name, Unary


class Fault(NamedTuple):
    """Points that are no number although the columns had one: why, where, since when, how many."""

    at: int
    what: str
    step: float
    points: int


class Evaluation:
    """The state of one expression for one trial. `tree` is what `checks.as_curve` gave.

    `columns` names what a row holds, in order. Names that `key` maps to the same are one column.
    """

    def __init__(self, tree: Expression, *, key: Callable[[str], str] = str) -> None:
        self._key = key
        self._slots: dict[str, int] = {}
        self.columns: list[str] = []
        self._columns: dict[str, Signal] = {}
        self._signals: list[Signal] = []  # what a signal reads comes before it
        self._result = self._add(tree)
        self._faults: dict[signals.Reason, Fault] = {}

    @property
    def faults(self) -> tuple[Fault, ...]:
        """What went wrong, in order of first appearance."""
        return tuple(self._faults.values())

    def push(self, step: float, row: Row) -> float | None:
        """Take the row of the next step; the new point, NaN for a gap, None for no point."""
        for signal in self._signals:
            signal.advance(step, row)
        result = self._result
        if not result.ticked:
            return None
        value = result.value
        if value is None or value - value == 0.0:
            return value
        if result.reason is not None:
            self._note(result.reason, step)
        return NAN

    def save(self) -> object:
        """What to give to `restore` to be as now."""
        return [signal.save() for signal in self._signals], self._faults.copy()

    def restore(self, saved: Any) -> None:
        states, faults = saved
        for signal, state in zip(self._signals, states, strict=True):
            signal.restore(state)
        self._faults = faults.copy()

    def _note(self, reason: signals.Reason, step: float) -> None:
        known = self._faults.get(reason)
        first, count = (step, 0) if known is None else (known.step, known.points)
        self._faults[reason] = Fault(reason.at, reason.what, first, count + 1)

    def _add(self, node: Expression) -> Signal:
        """The signal of `node`, behind those it reads."""
        if isinstance(node, Name) and node.name != STEP:
            return self._column(node.name)
        signal = self._signal(node)
        self._signals.append(signal)
        return signal

    def _column(self, name: str) -> Signal:
        key = self._key(name)
        if key not in self._columns:
            self._columns[key] = signals.Column(len(self.columns))
            self._signals.append(self._columns[key])
            self.columns.append(name)
        return self._columns[key]

    def _signal(self, node: Expression) -> Signal:
        match node:
            case Constant(value=value):
                assert isinstance(value, int | float)  # checked
                return Signal(float(value))
            case Name():
                return signals.Step()
            case Unary(op=op, operand=operand):
                return signals.Computed(UNARY[op], [self._add(operand)], op, node.at)
            case Binary(op=op, left=left, right=right):
                both = [self._add(left), self._add(right)]
                return signals.Computed(BINARY[op], both, op, node.at)
            case Member(item=item, options=options, negated=negated):
                several = [self._add(one) for one in (item, *options)]
                found = signals.Computed(member, several, "in", node.at)
                if not negated:
                    return found
                self._signals.append(found)
                return signals.Computed(UNARY["not"], [found], "not", node.at)
            case Call():
                return self._call(node)

    def _call(self, node: Call) -> Signal:
        name, args = node.function, node.args
        if name in PURE and (name not in CURVE or len(args) >= PURE[name].least):
            given = [self._add(one) for one in args]
            kind = signals.Chosen if name == "where" else signals.Computed
            return kind(PURE[name].compute, given, name, node.at)
        if name == "at":
            return signals.Sampled(self._add(args[0]), self._add(args[1]))
        number = constant(args[1]) if len(args) == 2 else 1.0
        return _follow(name, self._add(args[0]), node.at, number)


def _follow(name: str, source: Signal, at: int, number: float) -> Signal:
    match name:
        case "mean":
            return signals.Mean(source, at, int(number))
        case "median":
            return signals.Median(source, at, int(number))
        case "std":
            return signals.Deviation(source, at, int(number))
        case "slope":
            return signals.Slope(source, at, int(number))
        case "lag" | "diff":
            return signals.Lag(source, at, int(number), subtract=name == "diff")
        case "ema":
            return signals.Ema(source, at, number)
        case "endweight":
            return signals.EndWeight(source, at, number)
        case "cummin" | "min":
            return signals.Fold(source, at, min, bridges=False)
        case "cummax" | "max":
            return signals.Fold(source, at, max, bridges=False)
        case "first":
            return signals.Fold(source, at, lambda held, _: held, bridges=False)
        case "last":
            return signals.Fold(source, at, lambda _, newest: newest, bridges=True)
    raise AssertionError(name)  # checked
