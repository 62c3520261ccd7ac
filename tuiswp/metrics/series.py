"""The curve of one metric: points in step order, the last write to a step wins. No files, no clock.

Points arrive almost always in step order, one by one or in blocks of a thousand. What cannot simply
be appended (a restart that repeats steps, a writer out of order) waits in a log and is settled when
somebody reads. A value that is not finite is kept as a gap (NaN) and is never offered as a value.
"""

import math
import operator
from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from itertools import islice
from typing import TYPE_CHECKING, TypeAlias

# Typecode "d": eight bytes a number.
if TYPE_CHECKING:
    Floats: TypeAlias = array[float]
else:  # Python 3.11 cannot subscript it
    Floats = array

GAP = float("nan")
_WAITING_MAX = 65_536  # single points out of order that may wait before they are settled
_LATE_MIN = 4_096


class Series:
    """Points (step, value) of one metric, each step once, steps ascending.

    `append` and `extend` are amortised O(1) a point in step order; k points out of order cost
    O(k log n) and one copy of the part of the curve they fall into.
    """

    __slots__ = (
        "_end",
        "_in_order",
        "_latest",
        "_log",
        "_rewrites",
        "_steps",
        "_values",
        "rewritten",
    )

    def __init__(self) -> None:
        self._steps: Floats = array("d")  # strictly increasing
        self._values: Floats = array("d")
        # Not settled yet, oldest first: steps, values, whether its steps strictly increase. Ordered
        # entries may share their steps with other series and are never changed.
        self._log: list[tuple[Floats, Floats, bool]] = []
        self._latest = GAP
        self._end = -math.inf  # highest step, as long as all in the log only goes on from there
        self._in_order = True
        self.rewritten = 0  # how often anything but the end of what was readable changed
        self._rewrites: Floats = array("d")  # the lowest step of each

    def append(self, step: float, value: float) -> None:
        """Write one point. `step` is finite; a `value` that is not finite becomes a gap."""
        value = value if value - value == 0.0 else GAP
        self._latest = value
        if not self._log:
            steps = self._steps
            if not steps or step > steps[-1]:
                steps.append(step)
                self._values.append(value)
                self._end = step
                return
            if step == steps[-1]:
                self._values[-1] = value
                return
        self._in_order = False
        if not self._log or self._log[-1][2]:
            self._log.append((array("d"), array("d"), False))
        steps, values, _ = self._log[-1]
        steps.append(step)
        values.append(value)
        if len(steps) >= _WAITING_MAX:
            self._settle()

    def extend(self, steps: Floats, values: Floats, *, ordered: bool) -> None:
        """Write many finite points at once; `ordered`: `steps` strictly increase.

        The arrays are kept, not copied: the caller does not change them afterwards. Several series
        may be given the same `steps`.
        """
        if not steps:
            return
        self._latest = values[-1]
        self._in_order = self._in_order and ordered and steps[0] > self._end
        self._end = steps[-1]
        self._log.append((steps, values, True) if ordered else (steps[:], values[:], False))

    def steps(self) -> Sequence[float]:
        """Steps in ascending order: a live view, not to be changed."""
        self._settle()
        return self._steps

    def values(self) -> Sequence[float]:
        """Values in step order, NaN where a gap is: a live view, not to be changed."""
        self._settle()
        return self._values

    @property
    def count(self) -> int:
        """Number of points, gaps included."""
        self._settle()
        return len(self._steps)

    @property
    def gaps(self) -> int:
        """Number of points without a finite value."""
        self._settle()
        return sum(value != value for value in self._values)

    def rewritten_from(self, seen: int) -> float:
        """The lowest step that changed since `rewritten` was `seen`; infinite if none did."""
        return min(self._rewrites[seen:], default=math.inf)

    @property
    def last(self) -> float | None:
        """Value at the highest step; None if there is no point or it is a gap."""
        if self._log and self._in_order:  # no need to settle for that
            return _finite(self._latest)
        self._settle()
        return _finite(self._values[-1]) if self._values else None

    @property
    def latest(self) -> float | None:
        """Value written last: after a restart this is not the highest step. None for a gap."""
        return _finite(self._latest)

    def _settle(self) -> None:
        if not self._log:
            return
        late: dict[float, float] = {}
        for steps, values, ordered in self._log:
            follows = not late and (not self._steps or steps[0] > self._steps[-1])
            if follows and (ordered or all(map(operator.lt, steps, islice(steps, 1, None)))):
                self._steps.extend(steps)
                self._values.extend(values)
                continue
            late.update(zip(steps, values, strict=True))
            # Merging a quarter of the curve at a time keeps a shuffled file near linear.
            if len(late) >= max(_LATE_MIN, len(self._steps) // 4):
                self._merge(late)
                late = {}
        self._log.clear()
        self._merge(late)
        self._end = self._steps[-1]
        self._in_order = True

    def _merge(self, late: dict[float, float]) -> None:
        """Write `late` into the settled points: known steps are overwritten, others inserted."""
        if not late:
            return
        keys = sorted(late)
        self.rewritten += 1
        self._rewrites.append(keys[0])
        low = bisect_left(self._steps, keys[0])
        high = bisect_right(self._steps, keys[-1])
        steps: Floats = array("d")
        values: Floats = array("d")
        at = low
        for key in keys:
            found = bisect_left(self._steps, key, at, high)
            if found > at:
                steps.extend(self._steps[at:found])
                values.extend(self._values[at:found])
            steps.append(key)
            values.append(late[key])
            at = found + (found < high and self._steps[found] == key)
        steps.extend(self._steps[at:high])
        values.extend(self._values[at:high])
        self._steps[low:high] = steps
        self._values[low:high] = values


def _finite(value: float) -> float | None:
    return value if value == value else None
