"""What a proposer promises: a point for each index, without a memory.

`point` is a pure function of the sweep and the index. So a resumed sweep, which goes on at the
journal's last index, proposes what the uninterrupted one would have. A proposer that learns from
results will get them beside the index; it will not keep them.
"""

from collections.abc import Iterator
from typing import Protocol

from tuiswp.model.space import Params
from tuiswp.model.trial import Origin


class Proposer(Protocol):
    """Points by index, from 0."""

    @property
    def origin(self) -> Origin:
        """What the journal calls a trial of this proposer."""
        ...

    @property
    def size(self) -> int | None:
        """How many different points the rules leave; None: not countable.

        At most so many, if there are more than `keys.MAX_LISTED` before they are applied.
        """
        ...

    def point(self, index: int) -> Params | None:
        """The point at `index`, not resolved; None when exhausted there and beyond."""
        ...

    def resolve(self, params: Params) -> Params | None:
        """The parameters of a trial at a point, by the sweep's rules; None if they forbid it."""
        ...

    def every_point(self) -> Iterator[Params]:
        """All different resolved points once, in a fixed order, lazily; none if not countable."""
        ...
