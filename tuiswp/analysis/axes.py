"""The axis of one parameter: where its values lie, and which values continue its pattern.

Pure arithmetic on names and numbers; it knows no trial and no result.
"""

import math
import re
from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import Literal, TypeAlias

from tuiswp.model.space import Categorical, Constant, Parameter, Value
from tuiswp.spec.distributions import is_log
from tuiswp.text import visible

Side: TypeAlias = Literal["left", "right"]

_WORDS = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])|\d+")
# `lr_decay` and `warmup_lr_steps` are not learning rates, though they speak of one.
_NOT_A_RATE = {
    "decay", "factor", "gamma", "mode", "mult", "multiplier", "patience", "policy", "power",
    "ratio", "schedule", "scheduler", "scale", "step", "steps", "type", "epochs", "warmup",
}  # fmt: skip
_SHARES = {"dropout", "ratio", "fraction", "share", "prob", "probability", "momentum", "beta"}
_RELATIVE = 1e-9  # two spellings of one value
_SAME_RATIO = 0.06  # 1-3-10 alternates 3 and 3.33; a true geometric grid is far closer than this


def words(name: str) -> set[str]:
    """The words of a parameter's name: `peakLR`, `peak_lr` and `peak-lr` give the same."""
    return {word.lower() for word in _WORDS.findall(name)}


def is_learning_rate(parameter: Parameter) -> bool:
    """Is this, by its name, a learning rate: `lr`, `learning_rate`, `optim.peak_lr`, `lr0`?"""
    found = words(parameter.path[-1])
    named = "lr" in found or "lrate" in found or {"learning", "rate"} <= found
    return named and not found & _NOT_A_RATE


def is_seed(parameter: Parameter) -> bool:
    """A seed is swept to repeat, not to tune."""
    return "seed" in words(parameter.path[-1])


def number(value: Value) -> float | None:
    """`value` as a point on a numeric axis; None for text, booleans and what is not finite."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        found = float(value)
    except OverflowError:  # an int of 400 digits
        return None
    return found if math.isfinite(found) else None


def log_axis(parameter: Parameter, xs: Sequence[float]) -> bool:
    """Is the natural axis of `parameter` logarithmic, given the values tried?

    Log distributions and learning rates: yes. Listed values: yes when they grow by a factor rather
    than by a step, or span more than an order. Anything with a value <= 0: no.
    """
    if not xs or min(xs) <= 0:
        return False
    if is_log(parameter) or is_learning_rate(parameter):
        return True
    if not isinstance(parameter.distribution, Categorical | Constant):
        return False
    distinct = sorted(set(xs))
    if len(distinct) < 3:
        return distinct[-1] / distinct[0] >= 10
    return _step(distinct) is None and (
        _ratio(distinct) is not None or distinct[-1] / distinct[0] > 10
    )


def orders(low: float, high: float) -> float | None:
    """Orders of magnitude between two positive values; None when there is no such number."""
    return math.log10(high) - math.log10(low) if 0 < low <= high else None


def spell(value: float, *, log: bool = False) -> str:
    """A value as an author would write it: `3e-4` on a log axis below 0.01, else `0.25`, `64`.

    >>> spell(0.0003, log=True), spell(0.1, log=True), spell(64.0), spell(0.25)
    ('3e-4', '1e-1', '64', '0.25')
    """
    if value == int(value) and 1 <= abs(value) < 1e6:
        return str(int(value))
    plain = f"{value:.4g}"
    if value != 0 and (log or abs(value) < 1e-3 or abs(value) >= 1e6):
        mantissa, _, exponent = f"{value:.3e}".partition("e")
        return f"{float(mantissa):g}e{int(exponent)}"
    return plain


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
    if all(x == int(x) for x in distinct):
        found = [float(round(x)) for x in found if x >= 1 or distinct[0] < 1]
    if distinct[0] >= 0:
        found = [x for x in found if x >= 0]
    if distinct[-1] <= 1 and words(parameter.path[-1]) & _SHARES:
        found = [x for x in found if x <= 1]
    return tuple(sorted({x for x in found if (x < edge if side == "left" else x > edge)}))


def around(centre: float) -> tuple[float, ...]:
    """A range for a learning rate: `centre` rounded to 1-3-10, three values below, two above.

    >>> listed(around(2.86e-4), log=True)
    '1e-5, 3e-5, 1e-4, 3e-4, 1e-3, 3e-3'
    """
    rung = round(2 * math.log10(centre))
    return tuple(_rung(at) for at in range(rung - 3, rung + 3))


def _rung(at: int) -> float:
    """The 1-3-10 ladder: 0 → 1, 1 → 3, 2 → 10, -1 → 0.3."""
    return float(f"{3 if at % 2 else 1}e{at // 2}")


def _is_rung(x: float) -> bool:
    return math.isclose(x, _rung(round(2 * math.log10(x))), rel_tol=_RELATIVE)


def _step(distinct: Sequence[float]) -> float | None:
    """The common difference of at least three ascending values."""
    steps = [b - a for a, b in pairwise(distinct)]
    if len(steps) < 2 or max(steps) - min(steps) > 1e-6 * max(steps):
        return None
    return steps[-1]


def _ratio(distinct: Sequence[float]) -> float | None:
    """The common factor of ascending positive values; two values define one."""
    ratios = [b / a for a, b in pairwise(distinct)]
    if not ratios or max(ratios) / min(ratios) > 1 + _SAME_RATIO:
        return None
    return ratios[-1]


def _log_steps(distinct: Sequence[float], edge: float, side: Side, count: int) -> list[float]:
    sign = -1 if side == "left" else 1
    ratio = _ratio(distinct)
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
    elif (common := _step(distinct)) is not None or len(distinct) == 2:
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
