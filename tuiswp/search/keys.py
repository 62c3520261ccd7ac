"""When two points of a search are the same point."""

import hashlib
from collections.abc import Iterable, Iterator

from tuiswp.model.space import Params
from tuiswp.spec.params import value_key

__all__ = ["MAX_LISTED", "different", "point_key", "value_key"]

MAX_LISTED = 20_000  # points of a space that are counted or looked through one by one


def point_key(params: Params) -> str:
    """16 hex digits for one point: type-true, independent of the order of keys.

    2.0 equals 2; True differs from 1; the text "None" differs from null; {"a.b": 1} differs from
    {"a": {"b": 1}}. Part of the journal: what it gives for a point never changes.
    """
    return hashlib.sha256(value_key(params).encode("utf-8", "surrogatepass")).hexdigest()[:16]


def different(points: Iterable[Params | None]) -> Iterator[Params]:
    """The points there are, each once: without one parameter, several can be the same."""
    seen: set[str] = set()
    for params in points:
        if params is not None and (key := point_key(params)) not in seen:
            seen.add(key)
            yield params
