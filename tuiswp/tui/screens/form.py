"""A form to fill in: a line a field, checked as it is typed. Gives what it asks for; sends nothing.

Whatever is typed or pasted is made harmless before it stands in a field.
"""

from typing import ClassVar

from rich.cells import cell_len
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Input, Static

from tuiswp.errors import UsageError
from tuiswp.text import visible
from tuiswp.tui.forms.base import TEXT, Field, Form, Ready
from tuiswp.tui.pieces import only_ascii, shorten
from tuiswp.tui.snapshot import Snapshot
from tuiswp.tui.widgets.footer import KeyFooter

_LABELS = 26  # columns at most
_AROUND = 10  # rows that are no fields, at most: frame, title, what it is about, a fault, keys
_KEYS = (("enter", "go on"), ("tab", "next"), ("esc", "not at all"))


class Row(Vertical):
    """One field, and under it what is allowed or wrong; `said` tells whether it is wrong."""

    def __init__(self, field: Field, wide: int, *, ascii: bool) -> None:
        super().__init__()
        self.field, self._wide, self._ascii = field, wide, ascii
        self.fault = ""
        self._noted: tuple[str, str] = ("", "")

    def compose(self) -> ComposeResult:
        field = self.field
        label = shorten(field.label, self._wide, ascii=self._ascii)
        with Horizontal():
            name = Static(Content(self._shown(label)), classes="form--label", markup=False)
            name.styles.width = self._wide + 2
            yield name
            yield Input(self._shown(field.first), self._shown(field.hint), compact=True)
        yield Static(classes="form--note", markup=False)

    def on_mount(self) -> None:
        self.check()

    @property
    def text(self) -> str:
        """What stands in the field; what the terminal could not show stands as it was."""
        typed = self.query_one(Input).value
        for known in (self.field.first, self.field.text):
            if typed == self._shown(known):
                return known
        return typed

    def check(self) -> None:
        """Say under the field what is wrong with it, remarkable, or, while it is there, allowed."""
        self.fault, remark = "", ""
        try:
            remark = self.field.check(self.text)
        except UsageError as fault:
            self.fault = visible(str(fault), limit=300)
        near = self.query_one(Input).has_focus
        said = self.fault or remark or (self.field.about if near else "")
        how = "bad" if self.fault else "warn" if remark else "quiet"
        if self._noted != (said, how):
            self._noted = (said, how)
            note = self.query_one(".form--note", Static)
            note.update(Content(self._shown(said)))
            note.set_class(bool(said), "shown")
            note.set_class(how == "bad", "bad")
            note.set_class(how == "warn", "warn")

    def _shown(self, text: str) -> str:
        return only_ascii(text) if self._ascii else text


class FormScreen(ModalScreen[Ready]):
    """Gives what is asked for once all of it makes sense; None if the person leaves it."""

    DEFAULT_CSS = """
    FormScreen { align: center middle; }
    FormScreen > Vertical {
        width: 96%; max-width: 100; height: auto; max-height: 96%;
        border: round $warning; padding: 0 1; background: $surface;
    }
    FormScreen.ascii > Vertical { border: ascii $warning; }
    FormScreen .form--title { height: 1; width: 100%; text-style: bold; }
    FormScreen .form--about { height: auto; max-height: 2; width: 100%; color: $text-muted; }
    FormScreen VerticalScroll {
        height: auto; width: 100%; scrollbar-size-vertical: 1;
    }
    FormScreen Row { height: auto; width: 100%; }
    FormScreen Row > Horizontal { height: 1; width: 100%; }
    FormScreen Row .form--label { height: 1; }
    FormScreen Row Input { height: 1; width: 1fr; border: none; padding: 0; background: $boost; }
    FormScreen Row Input:focus { background: $primary 35%; }
    FormScreen Row .form--note {
        height: auto; width: 100%; display: none; padding: 0 0 0 2; color: $text-muted;
    }
    FormScreen Row .form--note.shown { display: block; }
    FormScreen Row .form--note.bad { color: $error; text-style: bold; }
    FormScreen Row .form--note.warn { color: $warning; }
    FormScreen .form--fault {
        height: auto; max-height: 3; width: 100%; color: $error; text-style: bold; display: none;
    }
    FormScreen .form--fault.shown { display: block; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "leave", "not at all"),
        # First of all: a slow line brings several keys at once, and those after a move are for the
        # field it leads to.
        Binding("down,tab", "app.focus_next", "next", priority=True),
        Binding("up,shift+tab", "app.focus_previous", "back", priority=True),
        Binding("enter", "go_on", "go on"),
    ]
    AUTO_FOCUS = "Input"

    def __init__(self, form: Form, *, colour: bool = True, ascii: bool = False) -> None:
        super().__init__(classes="ascii" if ascii else None)
        self.form = form
        self.colour, self.ascii = colour, ascii

    def compose(self) -> ComposeResult:
        form = self.form
        wide = min(_LABELS, max(cell_len(field.label) for field in form.fields))
        with Vertical():
            yield Static(Content(self._shown(form.title)), classes="form--title", markup=False)
            if form.about:
                yield Static(Content(self._shown(form.about)), classes="form--about", markup=False)
            with VerticalScroll(can_focus=False):
                for field in form.fields:
                    yield Row(field, wide, ascii=self.ascii)
            yield Static(classes="form--fault", markup=False)
            yield KeyFooter(colour=self.colour, ascii=self.ascii)

    def on_mount(self) -> None:
        self.query_one(KeyFooter).show(_KEYS)

    def on_resize(self) -> None:
        self.query_one(VerticalScroll).styles.max_height = max(1, self.size.height - _AROUND)

    def on_descendant_focus(self) -> None:
        self._check_all()

    def on_input_changed(self, event: Input.Changed) -> None:
        event.stop()
        harmless = visible(event.value, limit=TEXT)
        if harmless != event.value:
            event.input.value = harmless
        self._say("")
        self._check_all()

    def on_input_submitted(self, event: Input.Submitted) -> None:
        event.stop()
        self.action_go_on()

    def on_key_footer_pressed(self, event: KeyFooter.Pressed) -> None:
        event.stop()
        match event.key:
            case "enter":
                self.action_go_on()
            case "tab":
                self.app.action_focus_next()
            case _:
                self.action_leave()

    def action_leave(self) -> None:
        """Nothing was asked for."""
        self.dismiss()

    def action_go_on(self) -> None:
        """Leave with what is asked for; what is wrong is said, and gone to."""
        rows = list(self.query(Row))
        self._check_all()
        wrong = next((row for row in rows if row.fault), None)
        if wrong is not None:
            wrong.query_one(Input).focus()
            return
        try:
            ready = self.form.plan({row.field.key: row.text for row in rows})
        except UsageError as fault:
            self._say(str(fault))
            return
        self.dismiss(ready)

    def _check_all(self) -> None:
        for row in self.query(Row):
            if row.is_mounted:
                row.check()

    def _say(self, text: str) -> None:
        line = self.query_one(".form--fault", Static)
        line.update(Content(self._shown(visible(text))))
        line.set_class(bool(text), "shown")

    def _shown(self, text: str) -> str:
        return only_ascii(text) if self.ascii else text

    def update(self, snapshot: Snapshot) -> None:
        """Nothing changes under a form: it shows what was there when it was opened."""
