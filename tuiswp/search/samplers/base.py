"""What a sampler that learns promises: a point for an index, given what is known. No clock.

`ask` is a pure function of space, seed, index and history. So a resumed sweep, which rebuilds the
history from its journal, proposes what the uninterrupted one would have.
"""

import hashlib
import json
from typing import Protocol

from tuiswp.search.cube import Point
from tuiswp.search.history import History


class Sampler(Protocol):
    """Proposes points of a `Cube`. Keeps what it was told only to be faster the next time."""

    def ask(self, history: History, index: int) -> Point:
        """The point to try at `index`; every axis has a coordinate."""
        ...


def seed_at(seed: int, index: int, purpose: str = "") -> int:
    """A seed for one proposal, 32 bits, the same on every machine for ever."""
    text = json.dumps([seed, index, purpose])
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=4).digest(), "big")
