"""The answer to a finding as points to try: beyond the edge, or on the arm that is missing. Pure.

A point is the optimum with one parameter moved; every other value stays what won.
"""

from collections.abc import Sequence

import msgspec

from tuiswp.analysis.axes import shown_name, spell
from tuiswp.analysis.optimum import Judgement
from tuiswp.analysis.shape import Shape, value_of
from tuiswp.model.space import Parameter, Params, Value
from tuiswp.model.sweep import Sweep


class Answer(msgspec.Struct, frozen=True):
    """`values` of one parameter to try next, and the whole `points`; `told` is safe to print."""

    parameter: Parameter
    values: tuple[float, ...]
    points: tuple[Params, ...]
    told: str


def answer(sweep: Sweep, judgement: Judgement, one: Shape) -> Answer | None:
    """What would complete this shape; None where nothing is missing or it is on its way."""
    best = judgement.optimum
    if best is None or not one.values_to_add:
        return None
    coming = {
        value_of(left.trial, one.parameter) for left in judgement.left_out if left.code == "waiting"
    }
    values = tuple(x for x in one.values_to_add if x not in coming)
    if not values:
        return None
    points = tuple(_moved(best.params, one.parameter, x) for x in values)
    shown = ", ".join(spell(x, log=one.log) for x in values)
    others = "" if len(sweep.parameters) == 1 else f", all else as in {best.id}"
    return Answer(one.parameter, values, points, f"{shown_name(one.parameter)} = {shown}{others}")


def first_answer(sweep: Sweep, judgement: Judgement, shapes: Sequence[Shape]) -> Answer | None:
    """The answer of the most important shape that has one."""
    return next((a for one in shapes if (a := answer(sweep, judgement, one)) is not None), None)


def _moved(params: Params, parameter: Parameter, x: float) -> Params:
    """`params` with the value at `parameter`'s path replaced; whole numbers stay whole."""
    *above, last = parameter.path
    moved = dict(params)
    inside: Params = moved
    for name in above:
        group = inside.get(name)
        copy: Params = dict(group) if isinstance(group, dict) else {}
        inside[name] = copy
        inside = copy
    before: Value = inside.get(last)
    whole = isinstance(before, int) and not isinstance(before, bool) and x == int(x)
    inside[last] = int(x) if whole else x
    return moved
