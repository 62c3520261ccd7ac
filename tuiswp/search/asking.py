"""What the controller and the process that computes proposals say to each other."""

import msgspec

from tuiswp.model.space import Params
from tuiswp.search.history import Flying, Told


class Ask(msgspec.Struct, frozen=True):
    """`told`: what ended, from place `since` on; `flying`: all that is under way."""

    index: int
    since: int
    told: tuple[Told, ...]
    flying: tuple[Flying, ...]


class Answer(msgspec.Struct, frozen=True):
    """`params` None without an `error`: every point of the space has been tried.

    `seen`: how many ended trials it is based on; `seconds`: what it took.
    """

    index: int
    seen: int
    seconds: float
    params: Params | None = None
    key: str = ""
    error: str | None = None
