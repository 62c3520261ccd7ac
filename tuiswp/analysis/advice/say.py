"""Numbers of an advice as people read them."""

from collections.abc import Sequence

from tuiswp.analysis.advice.inputs import Axis
from tuiswp.model.space import Value
from tuiswp.spec.scale import spell
from tuiswp.text import visible

_SHOWN = 6


def hours(value: float) -> str:
    """`3 min`, `1.75 h`, `1,234 h`."""
    if value < 1:
        return f"{value * 60:.3g} min"
    return f"{value:,.0f} h" if value >= 100 else f"{value:.3g} h"


def gpu_hours(value: float) -> str:
    return f"{value:,.0f} GPU-hours" if value >= 100 else f"{value:.3g} GPU-hours"


def amount(count: int) -> str:
    return f"{count:,}" if count < 10**15 else f"more than 10^{len(str(count)) - 1}"


def name(text: str) -> str:
    return visible(text, limit=60)


def names(several: Sequence[str]) -> str:
    shown = ", ".join(name(one) for one in several[:_SHOWN])
    more = len(several) - _SHOWN
    return f"{shown} and {more} more" if more > 0 else shown


def value(one: Value, *, log: bool) -> str:
    if isinstance(one, int | float) and not isinstance(one, bool):
        return spell(float(one), log=log)
    return visible(str(one), limit=30)


def values(axis: Axis) -> str:
    """`1e-5, 3e-5, 1e-4`: the grid, shortened."""
    shown = ", ".join(value(one, log=axis.log) for one in axis.grid[:8])
    more = len(axis.grid) - 8
    return f"{shown} and {more} more" if more > 0 else shown
