"""Metrics of a person's own: `tuiswp.metrics` and `tuiswp.objective: {expr: …}`. Checked, ordered.

Which columns a training will log is not known here: one it does not log is told when it runs.
"""

from collections.abc import Mapping

from tuiswp.expression.checks import as_curve, columns
from tuiswp.expression.faults import ExpressionError
from tuiswp.expression.parser import parse
from tuiswp.model.sweep import DerivedMetric
from tuiswp.spec.reader import Section
from tuiswp.text import visible

OBJECTIVE = "objective"  # what `tuiswp.objective: {expr: …}` is called everywhere
_ROWS_OWN = frozenset({"step", "progress"})


def read_derived(section: Section) -> dict[str, DerivedMetric]:
    """`tuiswp.metrics` by name, in the order of the file; what is faulty is left out."""
    inner = section.section("metrics")
    if inner is None:
        return {}
    found: dict[str, DerivedMetric] = {}
    for name in inner.node.entries:
        if not name or name in _ROWS_OWN or name.startswith("_"):
            inner.fault(name, "is no name for a metric", "call it otherwise")
        elif (one := read_one(inner, name, name)) is not None:
            found[name] = one
    return found


def read_one(section: Section, key: str, name: str) -> DerivedMetric | None:
    """The metric `name` whose expression stands under `key`; None after a fault."""
    text = section.text(key)
    if text is None:
        if section.get(key) is None:
            section.fault(key, "is empty", 'write an expression: "eval_loss - train_loss"')
        return None
    try:
        as_curve(parse(text), text)
    except ExpressionError as error:
        section.fault(key, f"{error.where}: {error.what}", error.hint)
        return None
    return DerivedMetric(name, text)


def ordered(found: Mapping[str, DerivedMetric], section: Section) -> tuple[DerivedMetric, ...]:
    """Each after those it builds on; one that builds on itself is a fault, and left out."""
    by_name = {_normal(one.name): one for one in found.values()}
    done: dict[str, DerivedMetric] = {}

    def visit(one: DerivedMetric, above: tuple[DerivedMetric, ...]) -> None:
        if one.name in done:
            return
        if one in above:
            ring = [visible(each.name, limit=40) for each in above[above.index(one) :]]
            way = " → ".join([*ring, ring[0]])
            section.fault("metrics", f"{ring[0]} is computed from itself ({way})", "rename one")
            done[one.name] = one
            return
        for column in columns(as_curve(parse(one.expr), one.expr)):
            if (below := by_name.get(_normal(column))) is not None:
                visit(below, (*above, one))
        done.setdefault(one.name, one)

    for one in found.values():
        visit(one, ())
    return tuple(done.values())


def _normal(name: str) -> str:
    """`eval/loss` and `eval_loss` are one metric (`tuiswp.metrics.names`, which lies above)."""
    return name.replace("/", "_")
