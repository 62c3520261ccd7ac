"""What a source of metrics promises: the bytes of one growing file in, rows out. It opens nothing.

`metrics.tail` opens the file and hands over what is new; `metrics.curves` keeps the rows. Every
source passes `tests/contracts/source.py`. What is in a file is hostile: a source raises nothing
over it, tells `Sink.bad` once for each piece it cannot read, and goes on behind that piece.
"""

from typing import ClassVar, Protocol

from tuiswp.metrics.bulk import Block
from tuiswp.metrics.rows import Row


class Sink(Protocol):
    """Where a source puts what it read."""

    rows: int  # taken from this file as it is now
    stepped: bool  # one of them had a step

    def wanted(self, name: str) -> bool:
        """Whether anybody asked for this metric."""
        ...

    def take_row(self, row: Row) -> None: ...

    def take_block(self, block: Block) -> None: ...

    def bad(self, at: int, reason: str, excerpt: bytes = b"", *, too_long: bool = False) -> None:
        """Note a piece that cannot be read. `at`: its line, record or byte, as `reason` has it."""
        ...


class Source(Protocol):
    """Reads one file as it grows."""

    # Only ever rewritten as a whole: fed whole, from its start, each time it changed.
    whole: ClassVar[bool]

    def feed(self, data: bytes) -> None:
        """Take the next bytes. What is not complete yet waits for the next call."""
        ...

    def end(self) -> None:
        """Nobody writes any more: what still waits is taken as it is, or given up."""
        ...

    def restart(self) -> None:
        """The file was cut, or another one took its place: the next bytes are its first."""
        ...
