"""The axis of one parameter: where its values lie, and which values continue its pattern.

Pure arithmetic on names and numbers; it knows no trial and no result.
"""

import math
from collections.abc import Iterable, Sequence
from typing import Literal, TypeAlias

from tuiswp.model.space import Parameter
from tuiswp.spec.scale import (
    common_ratio,
    common_step,
    is_learning_rate,
    is_logarithmic,
    is_numeric,
    log_axis,
    number,
    spell,
    words,
)
from tuiswp.text import visible

__all__ = [
    "Side", "around", "beyond", "is_learning_rate", "is_logarithmic", "is_numeric", "is_seed",
    "listed", "log_axis", "measured", "number", "orders", "shown_name", "spell", "words",
]  # fmt: skip

Side: TypeAlias = Literal["left", "right"]

_SHARES = {"dropout", "ratio", "fraction", "share", "prob", "probability", "momentum", "beta"}
_RELATIVE = 1e-9  # two spellings of one value


def is_seed(parameter: Parameter) -> bool:
    """A seed is swept to repeat, not to tune."""
    return "seed" in words(parameter.path[-1])


def orders(low: float, high: float) -> float | None:
    """Orders of magnitude between two positive values; None when there is no such number."""
    return math.log10(high) - math.log10(low) if 0 < low <= high else None


def measured(value: float) -> str:
    """An objective's value for people: four decimals, or four digits when very small or large.

    >>> measured(1.65424), measured(0.00012), measured(123456.0)
    ('1.6542', '0.00012', '1.235e+05')
    """
    return f"{value:.4f}" if value == 0 or 0.01 <= abs(value) < 1e5 else f"{value:.4g}"


def shown_name(parameter: Parameter) -> str:
    """The parameter's name, safe to print."""
    return visible(parameter.name, limit=80)


def listed(values: Iterable[float], *, log: bool = False) -> str:
    """`1e-1, 3e-1`."""
    return ", ".join(spell(value, log=log) for value in values)


def beyond(
    parameter: Parameter, xs: Sequence[float], side: Side, *, log: bool, count: int = 2
) -> tuple[float, ...]:
    """The next `count` values after the end of `xs` on one side, in the pattern of `xs`.

    `xs` are the values tried on purpose (leave an off-grid default out). Whole numbers stay whole,
    what was never negative stays so, and shares stay within 1, so fewer values, or none, may
    come back. Ascending.
    """
    distinct = sorted(set(xs))
    if not distinct:
        return ()
    edge = distinct[0] if side == "left" else distinct[-1]
    try:
        steps = _log_steps if log else _linear_steps
        found = [x for x in steps(distinct, edge, side, count) if math.isfinite(x)]
    except OverflowError:
        return ()
    if log:
        found = [x for x in found if x > 0]
    # 1, 2, 3 of a learning rate do not make it a count: 0.3 comes before 1.
    if all(x == int(x) for x in distinct) and not is_learning_rate(parameter):
        found = [float(round(x)) for x in found if x >= 1 or distinct[0] < 1]
    if distinct[0] >= 0:
        found = [x for x in found if x >= 0]
    if distinct[-1] <= 1 and words(parameter.path[-1]) & _SHARES:
        found = [x for x in found if x <= 1]
    return tuple(sorted({x for x in found if (x < edge if side == "left" else x > edge)}))


def around(centre: float, count: int = 6) -> tuple[float, ...]:
    """A range for a learning rate: `centre` rounded to 1-3-10, three values below, two above.

    Another `count` keeps it in the middle.

    >>> listed(around(2.86e-4), log=True)
    '1e-5, 3e-5, 1e-4, 3e-4, 1e-3, 3e-3'
    """
    rung = round(2 * math.log10(centre))
    first = rung - count // 2
    return tuple(_rung(at) for at in range(first, first + count))


def _rung(at: int) -> float:
    """The 1-3-10 ladder: 0 → 1, 1 → 3, 2 → 10, -1 → 0.3."""
    return float(f"{3 if at % 2 else 1}e{at // 2}")


def _is_rung(x: float) -> bool:
    return math.isclose(x, _rung(round(2 * math.log10(x))), rel_tol=_RELATIVE)


def _log_steps(distinct: Sequence[float], edge: float, side: Side, count: int) -> list[float]:
    sign = -1 if side == "left" else 1
    ratio = common_ratio(distinct)
    if ratio is not None and not all(_is_rung(x) for x in distinct):
        return [_tidy(edge * ratio ** (sign * n)) for n in range(1, count + 1)]
    if ratio is not None and len(distinct) > 2:  # 1e-4, 1e-3, 1e-2: by tens, not by the ladder
        return [_tidy(edge * ratio ** (sign * n)) for n in range(1, count + 1)]
    start = 2 * math.log10(edge)
    first = math.floor(start + 1e-6) + 1 if sign > 0 else math.ceil(start - 1e-6) - 1
    rungs = [_rung(first + sign * n) for n in range(-1, count + 2)]
    return [x for x in rungs if (x - edge) * sign > edge * 1e-6][:count]


def _linear_steps(distinct: Sequence[float], edge: float, side: Side, count: int) -> list[float]:
    sign = -1 if side == "left" else 1
    if len(distinct) == 1:
        step = abs(edge) / 2 or 1.0
    elif (common := common_step(distinct)) is not None or len(distinct) == 2:
        step = common or distinct[1] - distinct[0]
    else:
        step = _nice((distinct[-1] - distinct[0]) / 4)
    return [_tidy(edge + sign * step * n) for n in range(1, count + 1)]


def _tidy(x: float) -> float:
    """Without the dust of binary fractions: 0.30000000000000004 → 0.3."""
    return float(f"{x:.6g}")


def _nice(x: float) -> float:
    """`x` rounded to 1, 2 or 5 times a power of ten."""
    power = math.floor(math.log10(x))
    lead = x / 10.0**power
    return float(f"{1 if lead < 1.5 else 2 if lead < 3.5 else 5 if lead < 7.5 else 10}e{power}")
