"""Keep the values of secret variables out of everything but the training's environment.

They are taken out of this process's own environment, so that no program it starts inherits them,
and replaced by their names in every text that is kept or told: a training may print one.
"""

import json
import logging
from collections.abc import Iterable, Mapping, MutableMapping
from typing import TypeVar
from urllib.parse import quote

import msgspec

from tuiswp.model.events import Event
from tuiswp.model.sweep import Run
from tuiswp.proc import TOKEN_VARIABLE
from tuiswp.spec.environment import is_secret, sounds_secret

SHORTEST = 6  # characters: what is shorter is in every other word
_LINE = 12  # characters of one line of a value that has several, as private keys have
# Ids, and what a point is known by: never text that somebody wrote about something.
_UNTOUCHED = {"type", "token", "id", "key", "params", "leases", "trial", "attempt"}
_Event = TypeVar("_Event", bound=Event)


def take(environ: MutableMapping[str, str], run: Run) -> dict[str, str]:
    """All of `environ`, for trainings; what is secret is no longer in it afterwards.

    But for the token of a training that this controller was started in: it is that one's alone.
    """
    environ.pop(TOKEN_VARIABLE, None)
    whole = dict(environ)
    for name in whole:
        if name in run.env_from.values() or sounds_secret(name):
            del environ[name]
    return whole


def secret_names(environ: Mapping[str, str], run: Run) -> tuple[str, ...]:
    """Which variables of a training's environment nobody is to quote."""
    return tuple(n for n, value in environ.items() if n in run.env_from or is_secret(n, value))


class Secrets:
    """Values that no file and no message is to hold. Shows itself by names alone."""

    def __init__(self, values: Mapping[str, str] | None = None) -> None:
        spellings: dict[str, str] = {}
        for name, value in (values or {}).items():
            lines = [line for line in value.splitlines() if len(line) >= _LINE]
            for one in (value, json.dumps(value)[1:-1], quote(value, safe=""), *lines):
                if len(one) >= SHORTEST:
                    spellings.setdefault(one, f"‹{name}›")
        # The longest first: one value may begin with another.
        self._marks = sorted(spellings.items(), key=lambda pair: -len(pair[0]))
        self._names = tuple(values or ())

    @classmethod
    def of(cls, run: Run, environ: Mapping[str, str]) -> "Secrets":
        """Those of a sweep: what `env_from` names, and whatever else calls itself secret."""
        around = {**environ, **run.env}
        named = {name: environ.get(source, "") for name, source in run.env_from.items()}
        return cls({name: text for name, text in around.items() if is_secret(name, text)} | named)

    def __repr__(self) -> str:
        return f"Secrets({', '.join(self._names)})"

    def text(self, text: str) -> str:
        for value, mark in self._marks:
            text = text.replace(value, mark)
        return text

    def raw(self, data: bytes) -> bytes:
        for value, mark in self._marks:
            data = data.replace(value.encode("utf-8", "surrogateescape"), mark.encode())
        return data

    def events(self, events: Iterable[_Event]) -> tuple[_Event, ...]:
        """The same facts, without a value in any of their texts."""
        return tuple(self._event(event) if self._marks else event for event in events)

    def _event(self, event: _Event) -> _Event:
        found = msgspec.to_builtins(event)
        clean = self._clean(found)
        return event if clean == found else msgspec.convert(clean, type(event))

    def _clean(self, value: object) -> object:
        match value:
            case str():
                return self.text(value)
            case dict():
                return {
                    name: inner if name in _UNTOUCHED else self._clean(inner)
                    for name, inner in value.items()
                }
            case list() | tuple():
                return [self._clean(inner) for inner in value]
        return value


class CleanFormatter(logging.Formatter):
    """Lines of a log, tracebacks included, without any value."""

    def __init__(self, form: str, secrets: Secrets) -> None:
        super().__init__(form)
        self._secrets = secrets

    def format(self, record: logging.LogRecord) -> str:
        return self._secrets.text(super().format(record))
