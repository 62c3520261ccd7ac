"""How a trial is to run again: four ways, a key each. Names what is touched; sends nothing."""

from typing import ClassVar, Literal, TypeAlias

from rich.text import Text
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widgets import Static

from tuiswp.tui.pieces import only_ascii
from tuiswp.tui.screens.confirm import Question
from tuiswp.tui.snapshot import Snapshot
from tuiswp.tui.widgets.footer import KeyFooter

Way: TypeAlias = Literal["same", "fresh", "seed", "edited"]

_WAYS: tuple[tuple[str, Way, str], ...] = (
    ("y", "same", "again in the same directory: it finds its checkpoint"),
    ("f", "fresh", "from nothing: the old files are moved under their attempt"),
    ("s", "seed", "a clone with another seed"),
    ("e", "edited", "a clone with edited parameters"),
)


class RestartScreen(ModalScreen[Way]):
    """`question`: of a restart in the same directory; `seed`: what a clone would have, "": none.

    Gives the way chosen, or None.
    """

    DEFAULT_CSS = """
    RestartScreen { align: center middle; }
    RestartScreen > Vertical {
        width: 90%; max-width: 96; height: auto; max-height: 90%;
        border: round $warning; padding: 0 1; background: $surface; overflow-y: auto;
    }
    RestartScreen.ascii > Vertical { border: ascii $warning; }
    RestartScreen Static { width: 100%; height: auto; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        *((key, f"choose('{way}')", way) for key, way, _ in _WAYS),
        ("enter", "choose('same')", "same"),
        ("n,escape,q", "choose('')", "none"),
    ]

    def __init__(
        self, question: Question, seed: str, *, colour: bool = True, ascii: bool = False
    ) -> None:
        super().__init__(classes="ascii" if ascii else None)
        self.question, self.seed = question, seed
        self.colour, self.ascii = colour, ascii

    def compose(self) -> ComposeResult:
        asked = self.question
        with Vertical():
            yield self._line(asked.title, "bold")
            for text in (*asked.trials, asked.rest):
                if text:
                    yield self._line(f"  {text}")
            yield self._line(asked.effect)
            yield self._line("")
            for key, way, about in _WAYS:
                yield self._way(key, way, about)
            footer = KeyFooter(colour=self.colour, ascii=self.ascii)
            footer.show([*((key, way) for key, way, _ in _WAYS), ("esc", "not at all")])
            yield footer

    def _way(self, key: str, way: Way, about: str) -> Static:
        if way != "seed":
            return self._line(f"  {key}  {about}")
        if not self.seed:
            return self._line(f"  {key}  no parameter is called seed", "dim")
        return self._line(f"  {key}  {about}: {self.seed}")

    def _line(self, text: str, style: str = "") -> Static:
        return Static(Text(only_ascii(text) if self.ascii else text, style), markup=False)

    def on_key_footer_pressed(self, event: KeyFooter.Pressed) -> None:
        event.stop()
        self.action_choose(next((way for key, way, _ in _WAYS if key == event.key), ""))

    def action_choose(self, way: str) -> None:
        """Leave with the way; one that is not there is no way."""
        found: Way | None = next((one for _, one, _ in _WAYS if one == way), None)
        if found == "seed" and not self.seed:
            return
        self.dismiss(found)

    def update(self, snapshot: Snapshot) -> None:
        """Nothing changes under a question: it names what was asked about when it was asked."""
