"""Axes that stay where they are while data grow: nice limits, ticks, numbers. Pure; no Textual.

A limit that moves with each point moves every dot of a chart, and each of those is bytes to the
terminal. So limits are round, and an axis gives way only when a value leaves it or when it has
become much too wide.
"""

import math

import msgspec

LARGEST = 1e300  # what is beyond is drawn there: differences must stay finite
_X_LADDER = (1.0, 1.25, 1.5, 2.0, 2.5, 3.0, 4.0, 5.0, 6.0, 8.0, 10.0)
_STEPS = (1.0, 2.0, 2.5, 5.0, 10.0)
_SHRINK = 0.4  # an axis narrows when the data need less than this part of it
_SUFFIXES = ((1e12, "T"), (1e9, "G"), (1e6, "M"), (1e3, "k"))
_FAR = 1e6  # times the axis: what lies further out is as good as there
_LOG_TICKS = (((1, 2, 5), 1), ((1, 3), 1), *(((1,), n) for n in (1, 2, 3, 5, 10, 25, 100)))


class Axis(msgspec.Struct, frozen=True):
    """A range of values, `low` < `high`; on a log axis both are logarithms to base 10."""

    low: float
    high: float
    log: bool = False

    def scaled(self, value: float) -> float:
        """`value` in the unit of `low` and `high`; a log axis has none for `value` <= 0."""
        value = min(max(value, -LARGEST), LARGEST)
        return math.log10(value) if self.log else value

    def fraction(self, value: float) -> float:
        """Where `value` lies: 0 at the low end, 1 at the high end, beyond them outside."""
        place = (self.scaled(value) - self.low) / (self.high - self.low)
        return min(max(place, -_FAR), _FAR)

    def value(self, fraction: float) -> float:
        """The value at a place, for fractions 0 to 1."""
        at = self.low + (self.high - self.low) * fraction
        return float(max(5e-324, 10.0 ** min(at, 300.0))) if self.log else at

    def ends(self) -> tuple[float, float]:
        """The values at both ends."""
        return self.value(0.0), self.value(1.0)

    def ticks(self, wanted: int) -> list[float]:
        """At most about `wanted` round values on the axis; on a log axis of decades if it can."""
        if not self.log:
            return _round_values(self.low, self.high, wanted)
        first, last = max(-300, math.floor(self.low)), math.ceil(min(self.high, 300.0))
        for mantissas, every in _LOG_TICKS:
            found = [
                float(f"{mantissa}e{decade}")
                for decade in range(first - first % every, last + 1, every)
                for mantissa in mantissas
                if self.low - 1e-9 <= decade + math.log10(mantissa) <= self.high + 1e-9
            ]
            if 2 <= len(found) <= max(2, wanted):
                return found
        return _round_values(*self.ends(), wanted)


def x_axis(low: float, high: float, *, log: bool = False, previous: Axis | None = None) -> Axis:
    """The axis for steps from `low` to `high`: from 0 where that is near, to a round end."""
    if log:
        natural = _decades(math.log10(low), math.log10(high))
    elif low >= 0.0 and (low <= high / 2.0 or not _has_extent(low, high)):
        natural = Axis(0.0, _ladder(high) or 1.0)
    else:
        natural = _nice(low, high)
    return _steady(natural, low, high, previous)


def y_axis(low: float, high: float, *, log: bool = False, previous: Axis | None = None) -> Axis:
    """The axis for values from `low` to `high`: round steps, or half decades on a log axis."""
    natural = _decades(math.log10(low), math.log10(high)) if log else _nice(low, high)
    return _steady(natural, low, high, previous)


def exact(low: float, high: float, *, log: bool = False) -> Axis | None:
    """The axis someone asked for, to the number; None where it has no extent or no place."""
    if not (math.isfinite(low) and math.isfinite(high)) or low >= high or (log and low <= 0.0):
        return None
    start, end = (math.log10(low), math.log10(high)) if log else (_clamp(low), _clamp(high))
    return Axis(start, end, log) if _has_extent(start, end) else None


def short(value: float) -> str:
    """Four significant digits in few columns: `0.1862`, `1200`, `20k`, `3.2e-4`."""
    if not math.isfinite(value):
        return "NaN" if math.isnan(value) else "inf" if value > 0 else "-inf"
    size = abs(value)
    if size and size < 1e-3:
        mantissa, _, exponent = f"{value:.3e}".partition("e")
        return f"{float(mantissa):g}e{int(exponent)}"
    if size < 9_999.5:
        return f"{value:.4g}"
    for unit, suffix in _SUFFIXES:
        if unit <= size * 1.00005 and size < 999.95e12:
            return f"{value / unit:.4g}{suffix}"
    mantissa, _, exponent = f"{value:.3e}".partition("e")
    return f"{float(mantissa):g}e{int(exponent)}"


def _steady(natural: Axis, low: float, high: float, previous: Axis | None) -> Axis:
    """`previous` as long as it holds the data and is not much too wide; it grows, never jumps."""
    if previous is None or previous.log != natural.log:
        return natural
    low, high = natural.scaled(low), natural.scaled(high)
    if natural.high - natural.low < _SHRINK * (previous.high - previous.low):
        return natural
    if previous.low <= low and high <= previous.high:
        return previous
    if high < previous.low or low > previous.high:
        return natural
    return Axis(min(previous.low, natural.low), max(previous.high, natural.high), natural.log)


def _nice(low: float, high: float) -> Axis:
    """From one multiple of a round step to another, three to seven steps apart."""
    low, high = _clamp(low), _clamp(high)
    if not _has_extent(low, high):
        room = max(abs(low) * 0.05, 0.5 if abs(low) < 1e-280 else 0.0)
        low, high = low - room, high + room
    step = _at_least((high - low) / 6.0)
    start, end = math.floor(low / step) * step, math.ceil(high / step) * step
    # Near the precision of a float a multiple may fall inside.
    return Axis(min(start, low), max(end, high))


def _decades(low: float, high: float) -> Axis:
    """From one half decade to another; finer where the data span less than one."""
    step = 0.5
    while step > 1e-6 and high - low < step and step > 2.0 * (high - low) > 0.0:
        step /= 2.0
    start, end = math.floor(low / step) * step, math.ceil(high / step) * step
    return Axis(start, end, True) if start < end else Axis(start - step, end + step, True)


def _ladder(high: float) -> float:
    """The smallest round end that is at least `high` >= 0."""
    high = min(high, LARGEST)
    if high < 1e-290:
        return 0.0
    power = 10.0 ** math.floor(math.log10(high))
    return next((rung * power for rung in _X_LADDER if rung * power >= high), high)


def _at_least(rough: float) -> float:
    power = 10.0 ** math.floor(math.log10(rough))
    return next((step * power for step in _STEPS if step * power >= rough), 10.0 * power)


def _has_extent(low: float, high: float) -> bool:
    return high - low > max(1e-290, 1e-12 * max(abs(low), abs(high)))


def _clamp(value: float) -> float:
    return min(max(value, -LARGEST), LARGEST)


def _round_values(low: float, high: float, wanted: int) -> list[float]:
    """Multiples of a round step in [low, high], at most about `wanted`."""
    if not _has_extent(low, high):
        return [low]
    step = _at_least((high - low) / max(1, wanted))
    room = step * 1e-6
    first, last = math.ceil((low - room) / step), math.floor((high + room) / step)
    found = [number * step for number in range(first, last + 1)]
    if len(found) < 2 and wanted < 8:
        return _round_values(low, high, 2 * wanted)
    # 0.30000000000000004 is 0.3; near the precision of a float multiples no longer differ.
    rounded = [float(f"{value:.12g}") for value in found]
    return list(dict.fromkeys(value for value in rounded if low - room <= value <= high + room))
