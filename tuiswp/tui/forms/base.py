"""A form as data: fields with what they allow, and the one request that all of them make. Pure.

What is typed is read by the same functions as on the command line. Nothing is sent from here.
"""

import shlex
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TypeAlias

import msgspec

from tuiswp.controller.requests import Request
from tuiswp.model.space import Parameter, Value
from tuiswp.spec.params import value_label
from tuiswp.spec.values import allowed, lies_inside, parse_value, typed
from tuiswp.text import visible
from tuiswp.tui.screens.confirm import Question
from tuiswp.tui.snapshot import Snapshot

LABEL = 40  # characters of a name
TEXT = 4096  # and of what a field holds

Texts: TypeAlias = Mapping[str, str]  # what stands in each field, by its key


def anything(text: str) -> str:
    """The check of a field that takes any text."""
    return ""


class Field(msgspec.Struct, frozen=True):
    """One line to fill in; all texts are safe to show.

    `text`: what is so now, and stands there at first unless there is a `given`. `about`: what is
    allowed. `check`: a remark on what is typed, "" for none; raises UsageError. `hint`: what an
    empty one means.
    """

    key: str
    label: str
    text: str = ""
    about: str = ""
    check: Callable[[str], str] = anything
    hint: str = ""
    given: str = ""

    @property
    def first(self) -> str:
        """What stands there before anything is typed."""
        return self.given or self.text


class Ready(msgspec.Struct, frozen=True):
    """What a form asks for: the question before it, the request, and the same from a shell."""

    question: Question
    request: Request


class Form(msgspec.Struct, frozen=True):
    """`plan` makes of what was typed what is asked for; raises UsageError where that is nothing."""

    title: str
    fields: tuple[Field, ...]
    plan: Callable[[Texts], Ready]
    about: str = ""


WHY = Field("why", "why", "", "a reason, kept in the journal with your name", hint="(may be empty)")


def edited(fields: Iterable[Field], texts: Texts) -> dict[str, str]:
    """What was typed in place of what stood there, by key; an emptied field is left as it was."""
    return {
        field.key: text
        for field in fields
        if (text := texts.get(field.key, field.first).strip()) and text != field.text.strip()
    }


def parameter_name(parameter: Parameter) -> str:
    return visible(parameter.name, limit=LABEL)


def spelled(parameter: Parameter, value: Value) -> str:
    """A value as it stands in a field."""
    return visible(typed(parameter, value), limit=TEXT)


def remark(parameter: Parameter, text: str) -> str:
    """What is to be said of a value as typed. Raises UsageError where it cannot be one."""
    if not text.strip():
        return ""
    value = parse_value(parameter, text)
    if lies_inside(parameter, value):
        return ""
    shown = value_label(parameter, value, limit=40)
    return f"{shown} lies outside {allowed(parameter)}: allowed, and marked"


def command(snapshot: Snapshot, verb: str, words: Sequence[str]) -> str:
    """The same from a shell, safe to show and to paste."""
    name = snapshot.view.directory.name
    return " ".join(visible(shlex.quote(word)) for word in ("tuiswp", verb, name, *words))
