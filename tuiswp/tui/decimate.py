"""Thin a curve to what a screen can show, keeping every extreme. Pure; no Textual."""

import math
from bisect import bisect_left, bisect_right
from collections.abc import Sequence

from tuiswp.metrics.series import Series


def thin(
    xs: Sequence[float],
    ys: Sequence[float],
    buckets: int,
    span: tuple[float, float] | None = None,
) -> tuple[list[float], list[float]]:
    """At most four points a bucket: first, lowest, highest, last, in their order.

    `xs` ascending; NaN in `ys` is a gap and stays one where a whole bucket has no number. `span`
    cuts to these x, with one point kept on each side so that lines run off the edge.
    """
    start, stop = 0, len(xs)
    if span is not None:
        start = max(0, bisect_left(xs, span[0]) - 1)
        stop = min(len(xs), bisect_right(xs, span[1]) + 1)
    count = stop - start
    if count <= 4 * buckets:
        return list(xs[start:stop]), list(ys[start:stop])
    out_x: list[float] = []
    out_y: list[float] = []
    for bucket in range(buckets):
        low = start + count * bucket // buckets
        high = start + count * (bucket + 1) // buckets
        _bucket(xs, ys, low, high, out_x, out_y)
    return out_x, out_y


class Thinner:
    """One growing curve, thinned again and again at the cost of what is new.

    Buckets hold a power of two of points and begin where they always began, so that what is drawn
    of the past stands still; a bucket that is full is kept.
    """

    def __init__(self, series: Series, buckets: int) -> None:
        self.series, self._buckets = series, buckets
        self._rewritten = -1
        self._size = self._done = 0
        self._xs: list[float] = []
        self._ys: list[float] = []

    def thin(self) -> tuple[list[float], list[float]]:
        """As `thin` of the whole curve, with at least half as many buckets."""
        xs, ys = self.series.steps(), self.series.values()
        count = len(xs)
        if count <= 4 * self._buckets:
            return list(xs), list(ys)
        size = 1 << math.ceil(math.log2(count / self._buckets))
        if (size, self.series.rewritten) != (self._size, self._rewritten):
            self._size, self._rewritten = size, self.series.rewritten
            self._done, self._xs, self._ys = 0, [], []
        # The newest point may still be written again: its bucket is not full.
        while (self._done + 1) * size < count:
            low = self._done * size
            _bucket(xs, ys, low, low + size, self._xs, self._ys)
            self._done += 1
        out_x, out_y = self._xs[:], self._ys[:]
        _bucket(xs, ys, self._done * size, count, out_x, out_y)
        return out_x, out_y


def _bucket(
    xs: Sequence[float],
    ys: Sequence[float],
    low: int,
    high: int,
    out_x: list[float],
    out_y: list[float],
) -> None:
    part = list(ys[low:high])
    smallest, largest = min(part), max(part)
    total = sum(part)
    if math.isfinite(total):  # no NaN, no infinity: min and max can be believed
        chosen = {0, part.index(smallest), part.index(largest), len(part) - 1}
    else:
        finite = [index for index, value in enumerate(part) if math.isfinite(value)]
        if not finite:
            out_x.append(xs[low])
            out_y.append(math.nan)
            return
        by_value = sorted(finite, key=part.__getitem__)
        chosen = {finite[0], by_value[0], by_value[-1], finite[-1]}
    for index in sorted(chosen):
        out_x.append(xs[low + index])
        out_y.append(part[index])
