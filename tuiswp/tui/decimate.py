"""Thin a growing curve to what a screen can show, keeping every extreme, and smooth it. Pure.

Both are done on all of its points, again and again at the cost of what is new. The average is taken
before the thinning: of the few points that are left it would be another.
"""

import math
from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from itertools import accumulate
from typing import NamedTuple, TypeAlias

from tuiswp.tui.along import Points

Span: TypeAlias = tuple[float, float]

_FORGOTTEN = 1e-7  # a point that counts for less than this in an average need not be looked at


class Thinned(NamedTuple):
    """Points in the order of their x. `smoothed`: the average at each, None if not asked for."""

    xs: list[float]
    ys: list[float]
    smoothed: list[float] | None


class Average(NamedTuple):
    """An exponential moving average so far: of how many numbers, and their weighted sum."""

    seen: int = 0
    total: float = 0.0

    def over(self, values: Sequence[float], weight: float) -> tuple["Average", list[float]]:
        """The average after these, and at each; of a NaN it is NaN, and it takes no note of it.

        Debiased: the weights of the numbers seen so far are made to add up to 1.
        """
        share = 1.0 - weight
        if not math.isfinite(sum(values)):
            return self._with_gaps(values, weight)
        totals = list(accumulate(values, lambda t, y: weight * t + share * y, initial=self.total))
        debiased = enumerate(totals[1:], start=self.seen + 1)
        means = [total / (1.0 - weight**n) for n, total in debiased]
        return Average(self.seen + len(values), totals[-1]), means

    def _with_gaps(self, values: Sequence[float], weight: float) -> tuple["Average", list[float]]:
        count, total = self
        means: list[float] = []
        for value in values:
            if not math.isfinite(value):
                means.append(math.nan)
                continue
            count += 1
            total = weight * total + (1.0 - weight) * value
            means.append(total / (1.0 - weight**count))
        return Average(count, total), means


class Thinner:
    """One growing curve, thinned to at most four points a bucket: first, lowest, highest, last.

    Buckets are a power of two of the x axis wide and begin at its multiples, so that what is drawn
    of the past stands still; one that is full is kept. NaN in the values is a gap, and stays one
    where a whole bucket has no number.

    `span`: only these x, and one point on each side so that lines run off the edge. `log`: buckets
    of a logarithmic axis, which has no place for x <= 0. `smooth`: the weight of the average, 0 to
    less than 1.
    """

    def __init__(
        self,
        series: Points,
        buckets: int,
        *,
        span: Span | None = None,
        log: bool = False,
        smooth: float = 0.0,
    ) -> None:
        self.series, self._buckets = series, buckets
        self._span, self._log, self._smooth = span, log, smooth
        self._shape: tuple[int, int, float] | None = None  # rewritten, first point, bucket width
        self._done = 0  # the first point that is in no full bucket
        self._kept = Thinned([], [], [])
        self._average = Average()

    def thin(self) -> Thinned:
        """The curve as it is now."""
        xs, ys = self.series.steps(), self.series.values()
        start, stop = self._in_sight(xs)
        few = stop - start <= 4 * self._buckets
        width = 0.0 if few else self._width(xs[start], xs[stop - 1])
        shape = self.series.rewritten, start, width
        if few or shape != self._shape:
            self._shape, self._done = shape, start
            self._kept = Thinned([], [], [])
            self._average = self._before(ys, start)
        if few:
            means = self._average.over(ys[start:stop], self._smooth)[1] if self._smooth else None
            return Thinned(list(xs[start:stop]), list(ys[start:stop]), means)
        # The newest point may still be written again: its bucket is not full.
        while (end := self._end_of_bucket(xs, width, stop)) < stop:
            self._average = self._bucket(xs, ys, end, self._kept)
            self._done = end
        out = Thinned(self._kept.xs[:], self._kept.ys[:], (self._kept.smoothed or [])[:])
        self._bucket(xs, ys, stop, out)
        return out if self._smooth else out._replace(smoothed=None)

    def _in_sight(self, xs: Sequence[float]) -> tuple[int, int]:
        start, stop = bisect_right(xs, 0.0) if self._log else 0, len(xs)
        if self._span is not None:
            start = max(start, bisect_left(xs, self._span[0]) - 1)
            stop = max(start, min(stop, bisect_right(xs, self._span[1]) + 1))
        return start, stop

    def _width(self, low: float, high: float) -> float:
        """Of a bucket, as the axis counts; infinite if all points have one x."""
        extent = math.log10(high) - math.log10(low) if self._log else high - low
        part = extent / self._buckets
        return math.ldexp(1.0, math.ceil(math.log2(part))) if part > 0.0 else math.inf

    def _end_of_bucket(self, xs: Sequence[float], width: float, stop: int) -> int:
        """The first point of the next bucket."""
        if math.isinf(width):
            return stop
        x = xs[self._done]
        edge = (math.floor((math.log10(x) if self._log else x) / width) + 1.0) * width
        if self._log:
            edge = 10.0 ** min(edge, 308.0)
        return max(self._done + 1, bisect_left(xs, edge, self._done, stop))

    def _before(self, ys: Sequence[float], start: int) -> Average:
        """The average before the first point in sight, of as many points as it remembers."""
        if not self._smooth or not start:
            return Average()
        memory = math.ceil(math.log(_FORGOTTEN) / math.log(self._smooth))
        return Average().over(ys[max(0, start - memory) : start], self._smooth)[0]

    def _bucket(self, xs: Sequence[float], ys: Sequence[float], end: int, out: Thinned) -> Average:
        """Add what is kept of the points up to `end`; return the average after them."""
        low = self._done
        part = list(ys[low:end])
        after = self._average
        means: list[float] = []
        if self._smooth:
            after, means = self._average.over(part, self._smooth)
        for index in _extremes(part):
            out.xs.append(xs[low + index])
            out.ys.append(part[index])
            if means and out.smoothed is not None:
                out.smoothed.append(means[index])
        return after


def _extremes(part: list[float]) -> list[int]:
    """Where the first, the lowest, the highest and the last number are, in their order.

    The first place if there is no number.
    """
    if math.isfinite(sum(part)):  # no NaN, no infinity: min and max can be believed
        chosen = {0, part.index(min(part)), part.index(max(part)), len(part) - 1}
        return sorted(chosen)
    finite = [index for index, value in enumerate(part) if math.isfinite(value)]
    if not finite:
        return [0]
    by_value = sorted(finite, key=part.__getitem__)
    return sorted({finite[0], by_value[0], by_value[-1], finite[-1]})
