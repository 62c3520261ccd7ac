"""Curves computed from logged ones as a file grows, beside them under names of their own. No files.

Works on settled curves: rows in step order, the last write to a step wins. What is new at the end
is evaluated once. When something before changes (a restart that repeats steps, a column that logs
late) the evaluation goes back to the last state kept before it, so that the result is always the
one that evaluating everything anew would give.
"""

from bisect import bisect_right
from collections.abc import Collection, Mapping, Sequence
from functools import lru_cache
from math import inf
from typing import NamedTuple

from tuiswp.expression.checks import as_curve, columns
from tuiswp.expression.curve import Evaluation, Fault
from tuiswp.expression.parser import parse
from tuiswp.expression.tree import Expression
from tuiswp.metrics.names import find, near, normal
from tuiswp.metrics.series import Series
from tuiswp.model.sweep import DerivedMetric

_SPACING = 2_048  # rows between states that are kept
_KEPT = 32

# What becomes of a fault, and what may be done about it.
GAPS = "those points are gaps; where(condition, a, b) can guard it"


class DerivedFault(NamedTuple):
    """What went wrong with a derived metric in one file."""

    metric: str
    fault: Fault

    def __str__(self) -> str:
        at, what, step, points = self.fault
        many = "once" if points == 1 else f"{points:,} times"
        return f"{self.metric}: column {at}: {what}, {many}, first at step {step:g}"


def absent(missing: Mapping[str, Sequence[str]], logged: Sequence[str]) -> str:
    """`gap needs val_los, which was not logged; did you mean val_loss?`: of the first that lacks.

    `missing` as `Derivation.missing`, not empty; `logged`: the names that were.
    """
    metric, names = next(iter(missing.items()))
    close = near(names[0], logged)
    hint = f"did you mean {close[0]}?" if close else f"it logged {', '.join(logged[:8])}"
    return f"{metric} needs {', '.join(names[:4])}, which was not logged; {hint}"


@lru_cache(maxsize=256)
def tree_of(expr: str) -> Expression:
    """The tree of a metric's expression. Raises ExpressionError."""
    return as_curve(parse(expr), expr)


def needed(only: Collection[str], derived: Sequence[DerivedMetric]) -> tuple[set[str], list[str]]:
    """What must be kept of a file so that `only` can be told.

    Logged names, in their normal form, and names of derived metrics. `derived` is in the order in
    which they build on each other.
    """
    wanted = {normal(name) for name in only}
    computed: list[str] = []
    for one in reversed(derived):
        if normal(one.name) in wanted:
            computed.append(one.name)
            wanted.update(normal(column) for column in columns(tree_of(one.expr)))
    return wanted, computed[::-1]


class Derivation:
    """The derived metrics of one file. `definitions` in the order they build on each other."""

    def __init__(self, definitions: Sequence[DerivedMetric]) -> None:
        self._curves = [_Curve(one) for one in definitions]

    def update(self, logged: Mapping[str, Series]) -> dict[str, Series]:
        """Every curve by name, the logged ones first; a derived one hides a logged namesake."""
        every = dict(logged)
        for curve in self._curves:
            curve.update(every)
            if curve.series.count:
                every[curve.name] = curve.series
            else:
                every.pop(curve.name, None)
        return every

    @property
    def faults(self) -> tuple[DerivedFault, ...]:
        """As of the last update."""
        return tuple(DerivedFault(c.name, fault) for c in self._curves for fault in c.faults)

    @property
    def missing(self) -> dict[str, tuple[str, ...]]:
        """The columns that a metric waits for, as of the last update."""
        return {curve.name: curve.missing for curve in self._curves if curve.missing}


class _Source:
    """One column: how far it was read, and what it looked like there."""

    def __init__(self, name: str, series: Series) -> None:
        self.name, self.series = name, series
        self.taken = 0
        self.last = 0.0  # value of the last point taken
        self.rewritten = 0

    def changed_from(self) -> float:
        """The lowest step at which something is new or other than it was taken; inf: nothing."""
        steps, values = self.series.steps(), self.series.values()
        if self.series.rewritten != self.rewritten:
            return self.series.rewritten_from(self.rewritten)
        if self.taken and not _equal(values[self.taken - 1], self.last):
            return steps[self.taken - 1]
        return steps[self.taken] if self.taken < len(steps) else inf

    def go_back(self, step: float) -> None:
        """Take again what comes after `step`."""
        self.taken = bisect_right(self.series.steps(), step)
        self.rewritten = self.series.rewritten

    def close(self) -> None:
        """Note what the last point taken looks like."""
        self.last = self.series.values()[self.taken - 1] if self.taken else 0.0


class _Mark(NamedTuple):
    """The state of an evaluation after the row of `step`."""

    step: float
    state: object


class _Curve:
    """One derived metric of one file."""

    def __init__(self, definition: DerivedMetric) -> None:
        self.name = definition.name
        self.series = Series()
        self.missing: tuple[str, ...] = ()
        self._evaluation = Evaluation(tree_of(definition.expr), key=normal)
        self._sources: list[_Source] = []
        self._names_seen = -1
        self._first = _Mark(-inf, self._evaluation.save())
        self._marks: list[_Mark] = []
        self._before_last = self._first  # the last row may still get more columns
        self._last = -inf
        self._since_mark = 0

    @property
    def faults(self) -> tuple[Fault, ...]:
        return self._evaluation.faults

    def update(self, curves: Mapping[str, Series]) -> None:
        """Evaluate what is new in `curves`."""
        if len(curves) != self._names_seen:
            self._names_seen = len(curves)
            self._find_columns(curves)
        if self.missing:
            return
        changed = min(source.changed_from() for source in self._sources)
        if changed == inf:
            return
        if changed <= self._last:
            self._go_back(changed)
        self._pour()

    def _find_columns(self, curves: Mapping[str, Series]) -> None:
        names = [find(column, curves) for column in self._evaluation.columns]
        pairs = zip(self._evaluation.columns, names, strict=True)
        self.missing = tuple(column for column, name in pairs if name is None)
        found = [name for name in names if name is not None]
        if self.missing or found == [source.name for source in self._sources]:
            return
        self._sources = [_Source(name, curves[name]) for name in found]
        self.series = Series()
        self._marks.clear()
        self._before_last = self._first
        self._go_back(-inf)

    def _go_back(self, changed: float) -> None:
        """To the newest state kept from before `changed`."""
        while self._marks and self._marks[-1].step >= changed:
            self._marks.pop()
        mark = self._before_last
        if mark.step >= changed:
            mark = self._marks[-1] if self._marks else self._first
        self._before_last = mark
        self._evaluation.restore(mark.state)
        self._last = mark.step
        self._since_mark = 0
        for source in self._sources:
            source.go_back(mark.step)

    def _pour(self) -> None:
        """Evaluate all rows that were not taken yet, by step."""
        columns = [(source.series.steps(), source.series.values()) for source in self._sources]
        ends = [len(steps) for steps, _ in columns]
        places = [source.taken for source in self._sources]
        final = max(steps[-1] for steps, _ in columns)
        while self._last < final:
            step = inf
            for (steps, _), place, end in zip(columns, places, ends, strict=True):
                if place < end and steps[place] < step:
                    step = steps[place]
            row: list[float | None] = []
            for slot, (steps, values) in enumerate(columns):
                place = places[slot]
                if place < ends[slot] and steps[place] == step:
                    row.append(values[place])
                    places[slot] = place + 1
                else:
                    row.append(None)
            self._mark(is_final=step == final)
            point = self._evaluation.push(step, row)
            if point is not None:
                self.series.append(step, point)
            self._last = step
        for source, place in zip(self._sources, places, strict=True):
            source.taken = place
            source.close()

    def _mark(self, *, is_final: bool) -> None:
        """Keep the state before a row, if it is the last one or many have passed."""
        self._since_mark += 1
        if is_final:
            self._before_last = _Mark(self._last, self._evaluation.save())
        if self._since_mark > _SPACING:
            self._since_mark = 0
            self._marks.append(_Mark(self._last, self._evaluation.save()))
            if len(self._marks) > _KEPT:
                del self._marks[::2]


def _equal(a: float, b: float) -> bool:
    return a == b or (a != a and b != b)
