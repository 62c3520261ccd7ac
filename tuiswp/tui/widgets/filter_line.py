"""The line that comes with a key, is typed into, and goes with esc. What it means is its screen's.

The screen hears `Input.Changed` with each letter and `Input.Submitted` at enter.
"""

from textual.widgets import Input


class FilterLine(Input):
    """Hidden until `open`; `close` empties it and puts it away."""

    DEFAULT_CSS = """
    FilterLine { height: 1; border: none; padding: 0; display: none; background: $boost; }
    FilterLine.shown { display: block; }
    """

    def __init__(self, placeholder: str = "", *, id: str | None = None) -> None:
        super().__init__(compact=True, placeholder=placeholder, id=id)

    @property
    def is_open(self) -> bool:
        return self.has_class("shown")

    def open(self) -> None:
        """Show it and type into it."""
        self.add_class("shown")
        self.focus()

    def close(self) -> bool:
        """Empty it and put it away; False if it was not there."""
        if not self.is_open:
            return False
        self.value = ""
        self.remove_class("shown")
        return True
