"""In what an x axis is counted: steps, seconds to days, per cent. Pure; no Textual."""

import msgspec

from tuiswp.tui.along import XKind
from tuiswp.tui.axis import Axis, short

_MINUTE, _HOUR, _DAY = 60.0, 3600.0, 86_400.0
_STAY = 2.0  # of the larger unit fit on an axis before it is counted in that


class Unit(msgspec.Struct, frozen=True):
    """`name`: of the axis. `size`: of one unit in what the axis holds.

    `sign` stands after every number, `word` after one that stands by itself.
    """

    name: str
    size: float = 1.0
    sign: str = ""
    word: str = ""

    def text(self, value: float) -> str:
        """A value with its unit: `1200`, `12.5 min`, `40%`."""
        return self.label(value) + self.word

    def label(self, value: float) -> str:
        """A value as it stands on the axis, where the unit is the axis' name."""
        return short(value / self.size) + self.sign

    def ticks(self, axis: Axis, wanted: int) -> list[float]:
        """At most about `wanted` values that are round in this unit."""
        if self.size == 1.0:
            return axis.ticks(wanted)
        low, high = axis.ends()
        counted = Axis(low / self.size, high / self.size)
        return [value * self.size for value in counted.ticks(wanted)]


STEP = Unit("step")
PROGRESS = Unit("progress", 0.01, "%")
SECONDS = Unit("s", 1.0, word=" s")
MINUTES = Unit("min", _MINUTE, word=" min")
HOURS = Unit("h", _HOUR, word=" h")
DAYS = Unit("days", _DAY, word=" d")


def unit(x: XKind, high: float) -> Unit:
    """The unit for an axis that ends at `high`."""
    if x == "step":
        return STEP
    if x == "progress":
        return PROGRESS
    if high <= _STAY * _MINUTE:
        return SECONDS
    if high <= _STAY * _HOUR:
        return MINUTES
    return HOURS if high <= _STAY * _DAY else DAYS
