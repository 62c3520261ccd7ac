"""What a reader of help texts promises: text in, options out. It runs nothing and raises nothing.

Help is what a stranger's program printed: what a reader does not understand it leaves out.
"""

from typing import ClassVar, Protocol

from tuiswp.scripts.options import Interface


class Family(Protocol):
    """Reads the help of scripts made with one library."""

    name: ClassVar[str]
    # Where help does not hold it all: the words that, after the command, print what `read` takes.
    asks: ClassVar[tuple[str, ...]]

    def recognises(self, help_text: str) -> bool:
        """Whether this help is of this library."""
        ...

    def read(self, text: str) -> Interface:
        """The options in `text`: the help, or what the words of `asks` printed."""
        ...
