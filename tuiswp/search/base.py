"""What a proposer promises: a point for each index, without a memory of its own.

**Rebuilt, never edited.** `suggest(sweep)` makes a proposer for the sweep as it is now. A
controller makes one when it starts and a new one after each edit of the space
(`spec.edits.effective`), and the new one takes nothing over from the old. So what is proposed
may depend on three things alone, all of them in the journal: the sweep as its file and its edits
say, the index, and the trials so far. That is why a resumed sweep, which goes on at the
journal's last index, proposes what the uninterrupted one would have.

**Edits.** `suggest.index_after_edit` says where the numbering goes on: a random draw belongs to
its index, so later indices draw from the new ranges; a grid numbers its points anew. Whoever
asks leaves out points whose key was tried, so nothing is run twice, whatever the numbering.

**Proposers that learn** (a model, told of results) fit in the same way. They get the trials
beside the index, by number, and build their model from them each time or keep it only as a
cache: every finished trial told with its value, a failed one with what stands for a failure, one
that runs as in flight. A trial whose point lies outside the space as it is now, because a range
was narrowed or a person chose it, is told as well where the model can use it and left out where
it cannot; it is never an error. Their randomness is a function of seed and index. What is
computed ahead, in a worker, is thrown away unless sweep and trials are still those it was
computed for.
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
