"""The grid: every combination once, by arithmetic. The product is never built."""

import math
from collections.abc import Iterator, Sequence
from functools import cached_property

from tuiswp.model.space import Params, Path, Value
from tuiswp.model.sweep import Sweep
from tuiswp.model.trial import Origin
from tuiswp.search.keys import MAX_LISTED, different
from tuiswp.spec.constraints import Rules
from tuiswp.spec.distributions import grid_count, grid_values
from tuiswp.spec.params import nest


class GridProposer:
    """W&B's order: parameters sorted by name (groups walked sorted), the last name fastest.

    The index is read as a number in mixed radix, one digit a parameter. Raises ValueError for a
    parameter without a grid; a loaded sweep has none.
    """

    origin: Origin = "grid"

    def __init__(self, sweep: Sweep) -> None:
        ordered = sorted(sweep.parameters, key=lambda parameter: parameter.path)
        self.axes: list[tuple[Path, int, Sequence[Value]]] = [
            (p.path, grid_count(p.distribution) or 1, grid_values(p.distribution)) for p in ordered
        ]
        self.points = math.prod(length for _, length, _ in self.axes)
        self.resolve = Rules(sweep.parameters, sweep.constraints).resolve
        self._constrained = bool(sweep.constraints)

    @cached_property
    def size(self) -> int:
        if not self._constrained or self.points > MAX_LISTED:
            return self.points
        return sum(1 for _ in self.every_point())

    def point(self, index: int) -> Params | None:
        if not 0 <= index < self.points:
            return None
        pairs: list[tuple[Path, Value]] = []
        for path, length, values in reversed(self.axes):
            index, digit = divmod(index, length)
            pairs.append((path, values[digit]))
        return nest(reversed(pairs))

    def every_point(self) -> Iterator[Params]:
        points = map(self.point, range(self.points))
        return different(self.resolve(params) for params in points if params is not None)
