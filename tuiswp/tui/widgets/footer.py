"""The last line: the few keys that matter here. A click on one stands for the key."""

from collections.abc import Sequence
from typing import ClassVar

from rich.cells import cell_len
from textual.events import Click
from textual.message import Message

from tuiswp.text import visible
from tuiswp.tui.pieces import Line, Piece, only_ascii
from tuiswp.tui.widgets.piece_lines import PieceLines


class KeyFooter(PieceLines):
    """`show` it (key, label) pairs, the most wanted first; what does not fit is left out whole."""

    DEFAULT_CSS: ClassVar[str] = """
    KeyFooter { height: 1; background: $panel; color: $text; }
    """

    class Pressed(Message):
        """A key was clicked."""

        def __init__(self, key: str) -> None:
            super().__init__()
            self.key = key

    def __init__(self, *, id: str | None = None, colour: bool = True, ascii: bool = False) -> None:
        super().__init__(id=id, colour=colour, ascii=ascii)
        self._keys: tuple[tuple[str, str], ...] = ()

    def show(self, keys: Sequence[tuple[str, str]]) -> None:
        """The keys of what has the focus, at most about eight."""
        self._keys = tuple(keys)
        self.redraw()

    def lines_for(self, width: int, height: int) -> Sequence[Line]:
        out: list[Piece] = []
        for start, key, label in self._fitting(width):
            used = sum(cell_len(text) for text, _ in out)
            out += [(" " * (start - used), "plain"), (key, "strong"), (f" {label}", "dim")]
        return (tuple(out),)

    def on_click(self, event: Click) -> None:
        for (start, key, label), (name, _) in zip(
            self._fitting(self.size.width), self._keys, strict=False
        ):
            if start <= event.x <= start + cell_len(key) + cell_len(label):
                self.post_message(self.Pressed(name))

    def _fitting(self, width: int) -> list[tuple[int, str, str]]:
        """Where each key begins: the first of `_keys` that have room."""
        found: list[tuple[int, str, str]] = []
        start = 1
        for key, label in self._keys:
            key, label = visible(key, limit=20), visible(label, limit=40)
            if self.ascii:
                key, label = only_ascii(key), only_ascii(label)
            size = cell_len(key) + 1 + cell_len(label)
            if start + size > width:
                break
            found.append((start, key, label))
            start += size + 2
        return found
