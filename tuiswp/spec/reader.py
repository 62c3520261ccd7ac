"""Typed reading of nodes: every getter returns a value or records a fault and returns the default.

So one pass over a file finds all its faults. Nothing here knows a key of the grammar.
"""

import math
from collections.abc import Collection, Iterable, Mapping

from tuiswp.errors import SpecError
from tuiswp.model.space import Path, Value
from tuiswp.spec.distributions import value_key
from tuiswp.spec.params import near_miss, shown
from tuiswp.spec.scalars import as_number, exponent_form
from tuiswp.spec.tree import Items, Keyed, Leaf, Node, where
from tuiswp.text import visible

_WORDS = {"yes": True, "on": True, "no": False, "off": False}
_NAMED_AT_MOST = 6
_NOTES_AT_MOST = 40
_MAX_ARGUMENT = 100_000  # Linux refuses 128 KiB, and the flag's name comes before the value


def kind_of(node: Node) -> str:
    """What stands there, for messages: `the text "abc"`, `a list`, `nothing`."""
    match node:
        case Items():
            return "a list"
        case Keyed():
            return "a mapping"
        case Leaf(value=None):
            return "nothing"
        case Leaf(value=bool()):
            return f"the boolean {visible(node.text, limit=20)}"
        case Leaf(value=str()):
            return f"the text {shown(node.value, 40)}"
    return visible(node.text, limit=40)


class Reader:
    """Collects the faults and notes of one file."""

    def __init__(self, source: str) -> None:
        self.source = source
        self.faults: list[SpecError] = []
        self.notes: dict[str, None] = {}  # in order, each once
        self._numbers: dict[str, int] = {}

    def fault(self, line: int | None, path: Path, what: str, hint: str | None = None) -> None:
        self.faults.append(SpecError(what, where=where(self.source, line, path), hint=hint))

    def line_of(self, fault: SpecError) -> int:
        """The line in a fault's `where`, 0 if it has none: faults are shown in file order."""
        line = (fault.where or "").removeprefix(f"{self.source}:").partition(":")[0]
        return int(line) if line.isdecimal() else 0

    def note(self, text: str) -> None:
        self.notes[text] = None

    def remark(self, leaf: Leaf, path: Path) -> None:
        """Note where W&B, which reads YAML 1.1, would have read this scalar differently."""
        name = visible(".".join(path), limit=60)
        at = f"line {leaf.line}: {name}: {visible(leaf.text, limit=40)}"
        match leaf.remark:
            case "number":
                self._numbers.setdefault(leaf.text, leaf.line)
            case "octal":
                self.note(f"{at} is read as {leaf.value} (W&B reads an octal number)")
            case "word":
                meant = "true" if _WORDS[leaf.text.lower()] else "false"
                self.note(f"{at} is read as text (W&B reads a boolean; write {meant} for one)")
            case "sexagesimal":
                self.note(f"{at} is read as text (W&B reads a number in base 60)")
            case "underscore" | "binary":
                self.note(f"{at} is read as the number {leaf.value}")
            case None:
                pass

    def number_of_text(self, leaf: Leaf) -> None:
        self._numbers.setdefault(leaf.text, leaf.line)

    def closing_notes(self) -> tuple[str, ...]:
        """All notes; the numbers that W&B would have read as text are named once, together."""
        notes = list(self.notes)[:_NOTES_AT_MOST]
        if len(self.notes) > len(notes):
            notes.append(f"and {len(self.notes) - len(notes)} more remarks of this kind")
        if not self._numbers:
            return tuple(notes)
        named = [f"{text} (line {line})" for text, line in self._numbers.items()]
        more = "" if len(named) <= _NAMED_AT_MOST else f" and {len(named) - _NAMED_AT_MOST} more"
        listed = visible(", ".join(named[:_NAMED_AT_MOST]), limit=300)
        return (
            f"read as numbers, where W&B reads text: {listed}{more}; "
            "the command line keeps the spelling of values",
            *notes,
        )

    # ── whole nodes ──────────────────────────────────────────────────────────────────────────────

    def value(self, node: Node, path: Path, spelling: dict[str, str] | None = None) -> Value:
        """Any value a trial can be given. `spelling` collects the text of numbers kept as written.

        A quoted `"1e-4"` is a number as well: W&B hands both on as the same text.
        """
        match node:
            case Items(items=items):
                return [self.value(item, path) for item in items]
            case Keyed(entries=entries):
                return {name: self.value(item, (*path, name)) for name, item in entries.items()}
        value, spelled = node.value, node.spelled
        if node.quoted and isinstance(value, str) and exponent_form(value):
            value, spelled = as_number(value), True
            self.number_of_text(node)
        self.remark(node, path)
        if (isinstance(value, float) and not math.isfinite(value)) or (spelled and value is None):
            self.fault(
                node.line, path, f"{visible(node.text, limit=40)} is not a finite number",
                f'write "{visible(node.text, limit=40).lstrip(".")}" in quotes to pass it as text',
            )  # fmt: skip
            return None
        if isinstance(value, str) and len(value.encode()) > _MAX_ARGUMENT:
            self.fault(
                node.line, path, f"is a text of {len(value):,} characters",
                f"one argument holds at most {_MAX_ARGUMENT:,} bytes; put it into a file",
            )  # fmt: skip
        if spelled and spelling is not None:
            spelling[value_key(value)] = node.text
        return value

    def number(self, node: Node, path: Path) -> float | int | None:
        """A finite number, also one in quotes; None after a fault."""
        if isinstance(node, Leaf):
            value = node.value
            if isinstance(value, str) and (number := as_number(value)) is not None:
                self.number_of_text(node)
                return number
            if isinstance(value, int | float) and not isinstance(value, bool):
                self.remark(node, path)
                if math.isfinite(value):
                    return value
        self.fault(node.line, path, f"must be a finite number, not {kind_of(node)}")
        return None

    def integer(
        self, node: Node, path: Path, minimum: int | None = None, maximum: int | None = None
    ) -> int | None:
        """A whole number (2.0 and 1e3 are), None after a fault."""
        before = len(self.faults)
        number = self.number(node, path)
        if number is None:
            del self.faults[before:]
        if number is None or number != int(number):
            self.fault(node.line, path, f"must be a whole number, not {kind_of(node)}")
            return None
        return None if self.outside(node, path, number, minimum, maximum) else int(number)

    def outside(
        self, node: Node, path: Path, number: float, minimum: float | None, maximum: float | None
    ) -> bool:
        """Record a fault if `number` lies outside [minimum, maximum]."""
        if minimum is not None and number < minimum:
            self.fault(node.line, path, f"must be at least {minimum}, got {number}")
        elif maximum is not None and number > maximum:
            self.fault(node.line, path, f"must be at most {maximum}, got {number}")
        else:
            return False
        return True

    def text(self, node: Node, path: Path) -> str | None:
        """Text; numbers and booleans are taken as written. None after a fault."""
        if isinstance(node, Leaf) and node.value is not None:
            return node.value if isinstance(node.value, str) else node.text
        self.fault(node.line, path, f"must be text, not {kind_of(node)}")
        return None

    def boolean(self, node: Node, path: Path) -> bool | None:
        """true or false; also yes, no, on, off, which W&B reads as booleans."""
        if isinstance(node, Leaf):
            if isinstance(node.value, bool):
                return node.value
            if node.remark == "word":
                return _WORDS[node.text.lower()]
        self.fault(node.line, path, f"must be true or false, not {kind_of(node)}")
        return None

    def choice(
        self,
        node: Node,
        path: Path,
        options: Iterable[str],
        synonyms: Mapping[str, str] | None = None,
    ) -> str | None:
        """One of `options`, None after a fault; `synonyms` maps likely words to hints."""
        known = list(options)
        text = node.text if isinstance(node, Leaf) else None
        if text in known:
            return text
        hint = near_miss(text or "", known, synonyms)
        if hint.startswith("known"):
            hint = f"use {', '.join(known[:-1])} or {known[-1]}" if len(known) > 1 else hint
        self.fault(node.line, path, f"{kind_of(node)} is not known here", hint)
        return None


class Section:
    """The keys of one mapping, read one by one. An absent or empty key gives None."""

    def __init__(self, reader: Reader, node: Keyed, path: Path) -> None:
        self.reader, self.node, self.path = reader, node, path

    def __contains__(self, key: str) -> bool:
        return self.get(key) is not None

    def get(self, key: str) -> Node | None:
        node = self.node.entries.get(key)
        return None if isinstance(node, Leaf) and node.value is None else node

    def at(self, key: str) -> Path:
        return (*self.path, key)

    def line(self, key: str) -> int:
        """The line of a key; of the section if it is absent."""
        return self.node.lines.get(key, self.node.line)

    def fault(self, key: str, what: str, hint: str | None = None) -> None:
        self.reader.fault(self.line(key), self.at(key), what, hint)

    def unknown(self, known: Collection[str], synonyms: Mapping[str, str] | None = None) -> None:
        """A fault for each key that is not known, with the nearest that is."""
        for key in self.node.entries:
            if key not in known:
                self.fault(key, "unknown key", near_miss(key, known, synonyms))

    def number(
        self, key: str, *, above: float | None = None,
        minimum: float | None = None, maximum: float | None = None, hint: str = "",
    ) -> float | int | None:  # fmt: skip
        """`hint`: what to write instead of a number that is not `above`."""
        node = self.get(key)
        if node is None or (number := self.reader.number(node, self.at(key))) is None:
            return None
        if above is not None and number <= above:
            self.fault(key, f"must be above {above}, got {number}", hint)
            return None
        return None if self.reader.outside(node, self.at(key), number, minimum, maximum) else number

    def integer(
        self, key: str, *, minimum: int | None = None, maximum: int | None = None
    ) -> int | None:
        node = self.get(key)
        if node is None:
            return None
        return self.reader.integer(node, self.at(key), minimum, maximum)

    def text(self, key: str) -> str | None:
        node = self.get(key)
        return None if node is None else self.reader.text(node, self.at(key))

    def boolean(self, key: str) -> bool | None:
        node = self.get(key)
        return None if node is None else self.reader.boolean(node, self.at(key))

    def choice(
        self, key: str, options: Iterable[str], synonyms: Mapping[str, str] | None = None
    ) -> str | None:
        node = self.get(key)
        if node is None:
            return None
        return self.reader.choice(node, self.at(key), options, synonyms)

    def section(self, key: str) -> "Section | None":
        node = self.get(key)
        if node is None:
            return None
        if not isinstance(node, Keyed):
            self.fault(key, f"must be a mapping, not {kind_of(node)}")
            return None
        return Section(self.reader, node, self.at(key))
