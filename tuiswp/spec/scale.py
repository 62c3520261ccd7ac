"""The natural axis of a parameter, and how its numbers are spelt: the same everywhere.

Pure functions on names and declared values. `tuiswp.analysis.axes` builds on them; nothing here
knows a trial or a result.
"""

import math
import re
from collections.abc import Sequence
from itertools import pairwise

from tuiswp.model.space import Categorical, Constant, Parameter, Value
from tuiswp.spec.distributions import bounds, is_log

_WORDS = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])|\d+")
# `lr_decay` and `warmup_lr_steps` are not learning rates, though they speak of one.
_NOT_A_RATE = {
    "decay", "factor", "gamma", "mode", "mult", "multiplier", "patience", "policy", "power",
    "ratio", "schedule", "scheduler", "scale", "step", "steps", "type", "epochs", "warmup",
}  # fmt: skip
_SAME_RATIO = 0.06  # 1-3-10 alternates 3 and 3.33; a true geometric grid is far closer than this


def words(name: str) -> set[str]:
    """The words of a parameter's name: `peakLR`, `peak_lr` and `peak-lr` give the same."""
    return {word.lower() for word in _WORDS.findall(name)}


def is_learning_rate(parameter: Parameter) -> bool:
    """Is this, by its name, a learning rate: `lr`, `learning_rate`, `optim.peak_lr`, `lr0`?"""
    return names_learning_rate(parameter.path[-1])


def names_learning_rate(name: str) -> bool:
    """The same of a name alone."""
    found = words(name)
    named = "lr" in found or "lrate" in found or {"learning", "rate"} <= found
    return named and not found & _NOT_A_RATE


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
    if is_learning_rate(parameter) or _declared_log(parameter):
        return True
    if not isinstance(parameter.distribution, Categorical | Constant):
        return False
    distinct = sorted(set(xs))
    if len(distinct) < 3:
        return distinct[-1] / distinct[0] >= 10
    return common_step(distinct) is None and (
        common_ratio(distinct) is not None or distinct[-1] / distinct[0] > 10
    )


def is_numeric(parameter: Parameter) -> bool:
    """Every value the file lists is a number; distributions over a range are."""
    match parameter.distribution:
        case Categorical(values=values):
            return all(number(value) is not None for value in values)
        case Constant(value=value):
            return number(value) is not None
    return True


def is_logarithmic(parameter: Parameter) -> bool:
    """The natural axis by what the file declares, before any trial; False for text."""
    match parameter.distribution:
        case Categorical(values=values):
            xs = [x for value in values if (x := number(value)) is not None]
            return len(xs) == len(values) and log_axis(parameter, xs)
        case Constant(value=value):
            x = number(value)
            return x is not None and log_axis(parameter, [x])
        case _ if _declared_log(parameter):
            return True
    ends = bounds(parameter.distribution)
    return ends is not None and log_axis(parameter, ends)


def _declared_log(parameter: Parameter) -> bool:
    try:
        return is_log(parameter)
    except OverflowError:
        return False


def spell(value: float, *, log: bool = False) -> str:
    """A number as an author would write it: `3e-4` on a log axis, else `0.25`, `64`.

    >>> spell(0.0003, log=True), spell(0.1, log=True), spell(64.0), spell(0.25), spell(0.003)
    ('3e-4', '1e-1', '64', '0.25', '3e-3')
    """
    if not math.isfinite(value):
        return f"{value:g}"
    size = abs(value)
    if value == int(value) and (1 <= size < 1e6 or not value):
        return str(int(value))
    if size >= 1e6 or size < (1 if log else 0.01):
        mantissa, _, exponent = f"{value:.3e}".partition("e")
        return f"{float(mantissa):g}e{int(exponent)}"
    return f"{value:.4g}" if size < 1e4 else f"{value:.0f}"


def common_step(distinct: Sequence[float]) -> float | None:
    """The common difference of at least three ascending values."""
    steps = [b - a for a, b in pairwise(distinct)]
    if len(steps) < 2 or max(steps) - min(steps) > 1e-6 * max(steps):
        return None
    return steps[-1]


def common_ratio(distinct: Sequence[float]) -> float | None:
    """The common factor of ascending positive values; two values define one."""
    ratios = [b / a for a, b in pairwise(distinct)]
    if not ratios or max(ratios) / min(ratios) > 1 + _SAME_RATIO:
        return None
    return ratios[-1]
