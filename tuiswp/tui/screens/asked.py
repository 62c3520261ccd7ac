"""A question in the middle of the screen: what it is about, what happens, the command that does it.

What can be answered is its subclasses'. Nothing is sent from here.
"""

from collections.abc import Iterator
from typing import TypeVar

import msgspec
from rich.text import Text
from textual.screen import ModalScreen
from textual.widgets import Static

from tuiswp.tui.pieces import only_ascii
from tuiswp.tui.snapshot import Snapshot

AnswerT = TypeVar("AnswerT")


class Question(msgspec.Struct, frozen=True):
    """What is asked: all texts safe to show. `trials` at most ten lines; `rest` says what else.

    `numbers`: the trials a yes is about, the only ones a request may name (none: the sweep).
    `command`: what does the same from a shell.
    """

    title: str
    effect: str
    numbers: tuple[int, ...] = ()
    trials: tuple[str, ...] = ()
    rest: str = ""
    command: str = ""


class AskedScreen(ModalScreen[AnswerT]):
    """Subclasses give the answers: they yield `told` in a `Vertical`, then what can be pressed."""

    DEFAULT_CSS = """
    AskedScreen { align: center middle; }
    AskedScreen > Vertical {
        width: 90%; max-width: 96; height: auto; max-height: 90%;
        border: round $warning; padding: 0 1; background: $surface; overflow-y: auto;
    }
    AskedScreen.ascii > Vertical { border: ascii $warning; }
    AskedScreen Static { width: 100%; height: auto; }
    """

    def __init__(self, question: Question, *, colour: bool = True, ascii: bool = False) -> None:
        super().__init__(classes="ascii" if ascii else None)
        self.question = question
        self.colour, self.ascii = colour, ascii

    def told(self) -> Iterator[Static]:
        """The question, whom it is about and what happens, a line each."""
        asked = self.question
        yield self.line(asked.title, "bold")
        for text in (*asked.trials, asked.rest):
            if text:
                yield self.line(f"  {text}")
        yield self.line(asked.effect)

    def line(self, text: str, style: str = "") -> Static:
        return Static(Text(only_ascii(text) if self.ascii else text, style), markup=False)

    def update(self, snapshot: Snapshot) -> None:
        """Nothing changes under a question: it names what was asked about when it was asked."""
