"""A few lines of toned text that redraw only what changed: the base of header, strip and footer."""

from collections.abc import Sequence
from typing import ClassVar

from rich.cells import cell_len
from textual.geometry import Region
from textual.strip import Strip
from textual.widget import Widget

from tuiswp.tui.changes import NEAR_TEXT, changed
from tuiswp.tui.pieces import Line, strip


class PieceLines(Widget):
    """Subclasses say in `lines_for` what a width shows; `redraw` compares and repaints."""

    ALLOW_SELECT: ClassVar[bool] = False

    def __init__(self, *, id: str | None = None, colour: bool = True, ascii: bool = False) -> None:
        super().__init__(id=id)
        self.colour, self.ascii = colour, ascii
        self._lines: Sequence[Line] = ()
        self._drawn_width = -1

    def lines_for(self, width: int, height: int) -> Sequence[Line]:
        """The lines to draw in `width` x `height` cells."""
        raise NotImplementedError

    def redraw(self) -> None:
        """Work out the lines anew and repaint those that differ."""
        width, height = self.size
        old, self._lines = self._lines, tuple(self.lines_for(width, height))
        for y in range(max(len(old), len(self._lines))):
            before, after = old[y : y + 1], self._lines[y : y + 1]
            if before != after:
                spans = _spans(before, after, width)
                self.refresh(*(Region(start, y, end - start, 1) for start, end in spans))

    def on_resize(self) -> None:
        self.redraw()

    def render_line(self, y: int) -> Strip:
        line = self._lines[y] if y < len(self._lines) else ()
        return strip(line, self.size.width, self.rich_style, colour=self.colour)


def _spans(before: Sequence[Line], after: Sequence[Line], width: int) -> list[tuple[int, int]]:
    """The columns of one line that differ; `before` and `after` hold it, if it is there."""
    return changed(_padded(before, width), _padded(after, width), width, NEAR_TEXT)


def _padded(lines: Sequence[Line], width: int) -> Line:
    line = lines[0] if lines else ()
    used = sum(cell_len(text) for text, _ in line)
    return (*line, (" " * (width - used), "plain"))
