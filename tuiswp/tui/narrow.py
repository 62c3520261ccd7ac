"""Write to the terminal only the columns marked as changed. The one place that knows how.

Textual marks narrow regions but writes each from the left edge of its widget, so that one new cell
at the right end of a chart costs its whole row. Here the writing starts where the mark starts.
Reaches into `textual._compositor`, as of Textual 8.2: an update of another shape is left as it is.
"""

from rich.console import Console
from textual._compositor import ChopsUpdate


class NarrowUpdate(ChopsUpdate):
    """The same update, each span cut on both sides."""

    def render_segments(self, console: Console) -> str:
        """What is written to the terminal: for each span a move and the cells in it."""
        written: list[str] = []
        for y, x1, x2 in self.spans:
            for end, (x, strip) in zip(self.chop_ends[y], self.chops[y].items(), strict=False):
                start, stop = max(x, x1), min(end, x2)
                if strip is None or start >= stop:
                    continue
                part = strip if (start, stop) == (x, end) else strip.crop(start - x, stop - x)
                written += (f"\x1b[{y + 1};{start + 1}H", part.render(console))
        return "".join(written)


def narrowed(update: object) -> object:
    """For `App._display`: the same update written narrowly, if it is one that can be."""
    if type(update) is not ChopsUpdate:
        return update
    return NarrowUpdate(update.chops, update.spans, update.chop_ends)
