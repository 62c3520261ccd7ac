"""In which form the results are to be written: one key each. Writes nothing itself."""

from collections.abc import Sequence
from typing import ClassVar

from rich.text import Text
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widgets import Static

from tuiswp.tui.snapshot import Snapshot
from tuiswp.tui.writing import Form

_FORMS: Sequence[tuple[str, Form, str]] = (
    ("c", "csv", "CSV, every value as it is"),
    ("j", "json", "JSON, as `tuiswp results --json`"),
    ("m", "markdown", "Markdown, a table for people"),
    ("l", "latex", "LaTeX, a tabular to paste"),
)


class WriteScreen(ModalScreen[Form | None]):
    """Gives the chosen form, or None."""

    DEFAULT_CSS = """
    WriteScreen { align: center middle; }
    WriteScreen > Vertical {
        width: 90%; max-width: 60; height: auto; max-height: 90%;
        border: round $accent; padding: 0 1; background: $surface; overflow-y: auto;
    }
    WriteScreen.ascii > Vertical { border: ascii $accent; }
    WriteScreen Static { width: 100%; height: auto; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        *((key, f"choose('{form}')", form) for key, form, _ in _FORMS),
        ("escape,q", "choose('')", "none"),
    ]

    def __init__(self, folder: str, *, colour: bool = True, ascii: bool = False) -> None:
        super().__init__(classes="ascii" if ascii else None)
        self.folder = folder
        self.colour, self.ascii = colour, ascii

    def compose(self) -> ComposeResult:
        with Vertical():
            yield Static(Text("Write the results as", "bold"), markup=False)
            for key, _, about in _FORMS:
                yield Static(Text(f"  {key}  {about}"), markup=False)
            yield Static(Text(f"into {self.folder}"), markup=False)
            yield Static(Text("esc  not at all", "dim"), markup=False)

    def action_choose(self, form: str) -> None:
        self.dismiss(next((one for _, one, _ in _FORMS if one == form), None))

    def update(self, snapshot: Snapshot) -> None:
        """Nothing here depends on the moment."""
