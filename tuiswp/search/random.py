"""Random search: independent draws, each a pure function of seed, index and parameter.

No generator is advanced, so nothing depends on what was drawn before, on the order of the file or
on the Python version.
"""

import hashlib
import json
import math
from collections.abc import Iterator
from functools import cached_property
from itertools import product

from tuiswp.model.space import Params, Path
from tuiswp.model.sweep import Sweep
from tuiswp.model.trial import Origin
from tuiswp.search.keys import MAX_LISTED, different
from tuiswp.spec.constraints import Rules
from tuiswp.spec.distributions import quantile, support, support_count
from tuiswp.spec.params import nest


def uniform(seed: int, index: int, path: Path) -> float:
    """A number in [0, 1) with 53 random bits, the same on every machine for ever."""
    text = json.dumps([seed, index, *path])
    digest = hashlib.blake2b(text.encode(), digest_size=8).digest()
    return (int.from_bytes(digest, "big") >> 11) * 2.0**-53


class RandomProposer:
    """Draws without end; `size` is known when every parameter has countably many values."""

    origin: Origin = "random"

    def __init__(self, sweep: Sweep) -> None:
        self.seed = sweep.seed
        self.parameters = sweep.parameters
        counts = [support_count(parameter.distribution) for parameter in sweep.parameters]
        known = [number for number in counts if number is not None]
        self.points = math.prod(known) if len(known) == len(counts) else None
        self.resolve = Rules(sweep.parameters, sweep.constraints).resolve
        self._constrained = bool(sweep.constraints)

    @cached_property
    def size(self) -> int | None:
        if not self._constrained or self.points is None or self.points > MAX_LISTED:
            return self.points
        return sum(1 for _ in self.every_point())

    def point(self, index: int) -> Params | None:
        return nest(
            (p.path, quantile(p.distribution, uniform(self.seed, index, p.path)))
            for p in self.parameters
        )

    def every_point(self) -> Iterator[Params]:
        axes = [support(parameter.distribution) for parameter in self.parameters]
        known = [axis for axis in axes if axis is not None]
        if len(known) < len(axes):
            return
        paths = [parameter.path for parameter in self.parameters]
        yield from different(
            self.resolve(nest(zip(paths, values, strict=True))) for values in product(*known)
        )
