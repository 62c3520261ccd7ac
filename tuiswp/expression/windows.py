"""The last n points of a curve, summed up in O(1) amortised a point and without drift.

A running sum that adds what comes and subtracts what goes keeps every rounding error for ever, and
one 1e300 ruins it. `Window` only ever adds: two stacks, the older one holding the totals from each
of its points to its end; when it is used up the newer one is turned over into it.
"""

from bisect import bisect_left, insort
from collections import deque
from collections.abc import Callable
from typing import Generic, NamedTuple, TypeVar

T = TypeVar("T")


class Window(Generic[T]):
    """The last `size` items under an associative `combine`; None is an item without weight."""

    def __init__(self, size: int, combine: Callable[[T, T], T]) -> None:
        self._size = size
        self._combine = combine
        self._older: list[T | None] = []  # totals from each item to the last of this stack
        self._newer: list[T | None] = []
        self._newer_total: T | None = None

    def push(self, item: T | None) -> None:
        if len(self._older) + len(self._newer) == self._size:
            if not self._older:
                self._turn()
            self._older.pop()
        self._newer.append(item)
        self._newer_total = self._sum(self._newer_total, item)

    def total(self) -> T | None:
        """All items combined from oldest to newest; None without any of weight."""
        return self._sum(self._older[-1] if self._older else None, self._newer_total)

    def _turn(self) -> None:
        total: T | None = None
        for item in reversed(self._newer):
            total = self._sum(item, total)
            self._older.append(total)
        self._newer = []
        self._newer_total = None

    def _sum(self, older: T | None, newer: T | None) -> T | None:
        if older is None or newer is None:
            return newer if older is None else older
        return self._combine(older, newer)

    def save(self) -> object:
        return self._older.copy(), self._newer.copy(), self._newer_total

    def restore(self, saved: tuple[list[T | None], list[T | None], T | None]) -> None:
        older, newer, self._newer_total = saved
        self._older, self._newer = older.copy(), newer.copy()


class Moments(NamedTuple):
    """How points lie: `x` and `y` are their means, `xx`, `xy` and `yy` sums of
    products of the distances from them."""

    points: int
    x: float
    y: float
    xx: float
    xy: float
    yy: float


def moment(x: float, y: float) -> Moments:
    return Moments(1, x, y, 0.0, 0.0, 0.0)


def united(a: Moments, b: Moments) -> Moments:
    """The moments of both sets of points (Chan, Golub, LeVeque 1979): no cancellation."""
    points = a.points + b.points
    dx, dy = b.x - a.x, b.y - a.y
    share = b.points / points
    weight = a.points * share
    return Moments(
        points,
        a.x + dx * share,
        a.y + dy * share,
        a.xx + b.xx + dx * dx * weight,
        a.xy + b.xy + dx * dy * weight,
        a.yy + b.yy + dy * dy * weight,
    )


class Ordered:
    """The last `size` items, and their finite ones in order of size."""

    def __init__(self, size: int) -> None:
        self._items: deque[float | None] = deque(maxlen=size)
        self._sorted: list[float] = []

    def push(self, item: float | None) -> None:
        if len(self._items) == self._items.maxlen:
            gone = self._items[0]
            if gone is not None:
                del self._sorted[bisect_left(self._sorted, gone)]
        self._items.append(item)
        if item is not None:
            insort(self._sorted, item)

    def median(self) -> float:
        """The middle, or half-way between the two middle ones. There is at least one."""
        half = len(self._sorted) // 2
        if len(self._sorted) % 2:
            return self._sorted[half]
        low, high = self._sorted[half - 1], self._sorted[half]
        return low + (high - low) / 2 if (low < 0) == (high < 0) else (low + high) / 2

    def save(self) -> object:
        return self._items.copy(), self._sorted.copy()

    def restore(self, saved: tuple[deque[float | None], list[float]]) -> None:
        items, ordered = saved
        self._items, self._sorted = items.copy(), ordered.copy()
