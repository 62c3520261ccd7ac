"""How a trial is to run again: four ways, a key each. Names what is touched; sends nothing."""

from typing import ClassVar, Literal, TypeAlias

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical
from textual.widgets import Static

from tuiswp.tui.screens.asked import AskedScreen, Question
from tuiswp.tui.widgets.footer import KeyFooter

Way: TypeAlias = Literal["same", "fresh", "seed", "edited"]

_WAYS: tuple[tuple[str, Way, str], ...] = (
    ("y", "same", "again in the same directory: it finds its checkpoint"),
    ("f", "fresh", "from nothing: the old files are moved under their attempt"),
    ("s", "seed", "a clone with another seed"),
    ("e", "edited", "a clone with edited parameters"),
)


class RestartScreen(AskedScreen[Way]):
    """`question`: of a restart in the same directory; `seed`: what a clone would have, "": none.

    Gives the way chosen, or None.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        *((key, f"choose('{way}')", way) for key, way, _ in _WAYS),
        ("enter", "choose('same')", "same"),
        ("n,escape,q", "choose('')", "none"),
    ]

    def __init__(
        self, question: Question, seed: str, *, colour: bool = True, ascii: bool = False
    ) -> None:
        super().__init__(question, colour=colour, ascii=ascii)
        self.seed = seed

    def compose(self) -> ComposeResult:
        with Vertical():
            yield from self.told()
            yield self.line("")
            for key, way, about in _WAYS:
                yield self._way(key, way, about)
            footer = KeyFooter(colour=self.colour, ascii=self.ascii)
            footer.show([*((key, way) for key, way, _ in _WAYS), ("esc", "not at all")])
            yield footer

    def _way(self, key: str, way: Way, about: str) -> Static:
        if way != "seed":
            return self.line(f"  {key}  {about}")
        if not self.seed:
            return self.line(f"  {key}  no parameter is called seed", "dim")
        return self.line(f"  {key}  {about}: {self.seed}")

    def on_key_footer_pressed(self, event: KeyFooter.Pressed) -> None:
        event.stop()
        self.action_choose(next((way for key, way, _ in _WAYS if key == event.key), ""))

    def action_choose(self, way: str) -> None:
        """Leave with the way; one that is not there is no way."""
        found: Way | None = next((one for _, one, _ in _WAYS if one == way), None)
        if found == "seed" and not self.seed:
            return
        self.dismiss(found)
