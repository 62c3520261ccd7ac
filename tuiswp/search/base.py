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
        """How many different points there are; None: not countable."""
        ...

    def point(self, index: int) -> Params | None:
        """The point at `index`; None when the proposer is exhausted there and beyond."""
        ...

    def every_point(self) -> Iterator[Params]:
        """All different points once, lazily, in a fixed order; nothing if not countable."""
        ...
