"""The pane of the landscape: draws the plane it is given, moves from trial to trial.

It asks for nothing and opens nothing: it says where the cursor came to, and what was opened.
"""

from collections.abc import Callable, Sequence
from typing import ClassVar, TypeAlias

from textual import events
from textual.binding import Binding, BindingType
from textual.message import Message

from tuiswp.tui.pieces import Line, only_ascii
from tuiswp.tui.plane import Plane
from tuiswp.tui.widgets.piece_lines import PieceLines

Make: TypeAlias = Callable[[int, int, int | None], Plane]  # width, height, cursor


class PlanePane(PieceLines, can_focus=True):
    """`show` it how a plane is made; it makes one for its size and for where the cursor is."""

    DEFAULT_CSS: ClassVar[str] = """
    PlanePane { height: 1fr; width: 100%; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("left,h", "go(-1, 0)", show=False),
        Binding("right,l", "go(1, 0)", show=False),
        Binding("up,k", "go(0, -1)", show=False),
        Binding("down,j", "go(0, 1)", show=False),
        Binding("enter", "open", show=False),
    ]

    class Moved(Message):
        """The cursor came to another trial."""

        def __init__(self, number: int) -> None:
            super().__init__()
            self.number = number

    class Opened(Message):
        """Enter, or a click on the trial that had the cursor."""

        def __init__(self, number: int) -> None:
            super().__init__()
            self.number = number

    def __init__(self, *, id: str | None = None, colour: bool = True, ascii: bool = False) -> None:
        super().__init__(id=id, colour=colour, ascii=ascii)
        self.cursor: int | None = None
        self._make: Make | None = None
        self.plane: Plane | None = None

    def show(self, make: Make, cursor: int | None) -> None:
        """`cursor`: the trial that is chosen, by number."""
        self._make, self.cursor = make, cursor
        self.redraw()

    def lines_for(self, width: int, height: int) -> Sequence[Line]:
        if self._make is None or width <= 0 or height <= 0:
            return ()
        self.plane = self._make(width, height, self.cursor)
        if not self.ascii:
            return self.plane.lines
        return [tuple((only_ascii(t), tone) for t, tone in line) for line in self.plane.lines]

    def action_go(self, dx: int, dy: int) -> None:
        """To the nearest trial in a direction."""
        if self.plane is not None:
            self._to(self.plane.beside(self.cursor, dx, dy))

    def action_open(self) -> None:
        if self.cursor is not None:
            self.post_message(self.Opened(self.cursor))

    def on_click(self, event: events.Click) -> None:
        spot = self.plane.at(event.x, event.y) if self.plane is not None else None
        if spot is None:
            return
        event.stop()
        if spot.number == self.cursor:
            self.action_open()
        self._to(spot.number)

    def _to(self, number: int | None) -> None:
        if number is not None and number != self.cursor:
            self.cursor = number
            self.redraw()
            self.post_message(self.Moved(number))
