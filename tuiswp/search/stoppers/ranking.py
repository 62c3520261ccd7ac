"""Who is ranked how at a kill point, remembered for curves that do not grow any more. Pure.

A thousand ended trials are compared at every look; what each of them had at a kill point never
changes again. So their ranked values are kept a point, and a trial that ends is put into its place.
What is remembered is checked against the very curves that are handed in, and changes no verdict.
"""

from bisect import insort
from collections.abc import Callable, Collection, Mapping
from typing import TypeAlias

from tuiswp.search.stoppers.base import Curve, Field

Ranked: TypeAlias = list[tuple[float, int]]  # (value times sign, trial), the best first
KEPT = 1 << 18  # values remembered


class Ranking:
    """`value`: what a curve counts at a point; None: it has not been there."""

    def __init__(self, value: Callable[[Curve, float], float | None]) -> None:
        self._value = value
        self._sign = 1.0
        self._settled: dict[int, Curve] = {}
        self._moving: dict[int, Curve] = {}
        self._kept: dict[float, Ranked] = {}  # of settled curves, the point used last at the end

    def follow(self, field: Field, among: Collection[int] | None = None) -> None:
        """Rank these curves from now on, or only those of the trials `among` them."""
        curves, sign = field.curves, field.sign
        numbers = curves.keys() if among is None else curves.keys() & set(among)
        kept = numbers & set(field.settled)
        settled = {number: curves[number] for number in kept}
        before = self._settled
        known = before.keys() & settled.keys()
        if sign != self._sign or len(known) < len(before) or _differ(before, settled):
            self._kept.clear()
            before = self._settled = {}
        self._sign = sign
        for number in settled.keys() - before.keys():
            self._settled[number] = curve = settled[number]
            for point, ranked in self._kept.items():
                self._put(ranked, number, curve, point)
        self._moving = {number: curves[number] for number in numbers - kept}

    def at(self, point: float) -> Ranked:
        """All that count at `point`; the caller's own list."""
        ranked = self._kept.pop(point, None)
        if ranked is None:
            ranked = []
            for number, curve in self._settled.items():
                value = self._value(curve, point)
                if value is not None:
                    ranked.append((self._sign * value, number))
            ranked.sort()
            while len(self._kept) * max(1, len(self._settled)) > KEPT:
                del self._kept[next(iter(self._kept))]
        self._kept[point] = ranked
        if not self._moving:
            return ranked[:]
        with_all = ranked[:]
        for number, curve in self._moving.items():
            self._put(with_all, number, curve, point)
        return with_all

    def _put(self, ranked: Ranked, number: int, curve: Curve, point: float) -> None:
        value = self._value(curve, point)
        if value is not None:
            insort(ranked, (self._sign * value, number))


def _differ(before: Mapping[int, Curve], now: Mapping[int, Curve]) -> bool:
    return any(now[number] is not curve for number, curve in before.items())
