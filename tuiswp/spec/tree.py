"""Bytes of a sweep file → a tree of nodes that know their lines. Nothing in it is executed.

YAML 1.2 or JSON, on ruamel.yaml's event stream, so that a hostile file is stopped while it is
read: size, depth, number of nodes (aliases counted as if copied, never expanded beyond it), tags,
duplicate keys. What the keys mean is the business of `spec.load`.
"""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any, TypeAlias

from tuiswp.errors import SpecError, SpecErrors
from tuiswp.spec.scalars import Reading, Remark, Scalar, resolve
from tuiswp.text import visible

MAX_BYTES = 1_000_000
MAX_DEPTH = 32
MAX_NODES = 50_000

_CORE = "tag:yaml.org,2002:"
_SIMPLE_KEY = 250  # well below the 1024 characters of the scanner
_NOT_IN_YAML = re.compile("[\x7f-\x9f\u2028\u2029\ufeff\ufffe\uffff]")
_SURROGATE = re.compile("[\ud800-\udfff]")


@dataclass(frozen=True, slots=True)
class Leaf:
    """One scalar. `text` is what the author wrote, without its quotes."""

    value: Scalar
    line: int
    text: str
    quoted: bool = False
    remark: Remark | None = None
    spelled: bool = False
    weight: int = 1
    height: int = 0


@dataclass(frozen=True, slots=True)
class Items:
    """A list."""

    items: tuple["Node", ...]
    line: int
    weight: int
    height: int


@dataclass(frozen=True, slots=True)
class Keyed:
    """A mapping; `lines` gives the line of each key. Keys are text as written."""

    entries: dict[str, "Node"]
    lines: dict[str, int]
    line: int
    weight: int
    height: int


Node: TypeAlias = Leaf | Items | Keyed


def where(source: str, line: int | None, path: tuple[str, ...] = ()) -> str:
    """`sweep.yaml:14: parameters.lr`, inert in a terminal."""
    place = source if line is None else f"{source}:{line}"
    shown = ".".join(visible(part, limit=60) for part in path)
    return f"{place}: {shown}" if shown else place


def decode(data: bytes, source: str) -> str:
    """The text of a sweep file. Raises SpecError for what is too large, empty, or not text."""
    if len(data) > MAX_BYTES:
        raise SpecError(
            f"is {len(data):,} bytes; a sweep file has at most {MAX_BYTES:,}",
            where=source,
            hint="is this a data file?",
        )
    encoding = "utf-16" if data[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig"
    try:
        text = data.decode(encoding)
    except UnicodeDecodeError as fault:
        line = data.count(b"\n", 0, fault.start) + 1
        what = "is a binary file" if b"\0" in data else f"line {line} is not UTF-8 text"
        raise SpecError(what, where=source, hint="save it as UTF-8") from None
    if "\0" in text:
        raise SpecError("is a binary file", where=source, hint="a sweep file is YAML or JSON text")
    if not text.strip():
        raise SpecError("is empty", where=source, hint="start with `method: grid`")
    return text


def parse(text: str, source: str) -> tuple[Node, list[SpecError]]:
    """The tree of one document, and the faults that did not stop the reading.

    Raises SpecErrors when the text is not YAML or exceeds a limit.
    """
    text, is_json = _as_yaml(text, source)
    composer = _Composer(source, is_json)
    try:
        node = composer.compose(text)
    except SpecError as fault:
        raise SpecErrors([*composer.faults, fault]) from None
    return node, composer.faults


def _as_yaml(text: str, source: str) -> tuple[str, bool]:
    """JSON is YAML but for tabs between tokens and raw controls in strings: rewrite those."""
    if not text.lstrip().startswith("{"):
        if source.endswith(".json"):
            raise SpecErrors([SpecError("is not a JSON object", where=source, hint="expected {…}")])
        return text, False
    try:
        json.loads(text)
    except RecursionError:
        return text, False  # the composer names the depth and the line
    except ValueError as fault:
        if source.endswith(".json") and isinstance(fault, json.JSONDecodeError):
            what = f"is not JSON: {fault.msg}, column {fault.colno}"
            raise SpecErrors([SpecError(what, where=f"{source}:{fault.lineno}")]) from None
        return text, False
    text = _NOT_IN_YAML.sub(lambda found: f"\\u{ord(found[0]):04x}", text)
    pieces = re.split(r'("(?:[^"\\]|\\.)*")', text)
    for at in range(0, len(pieces), 2):
        pieces[at] = pieces[at].replace("\t", " ")
        # YAML takes a key of over 1024 characters, or one on its own line, only behind a `?`.
        gap = len(pieces[at]) - len(pieces[at].lstrip())
        if at and pieces[at][gap:].startswith(":") and (gap or len(pieces[at - 1]) > _SIMPLE_KEY):
            pieces[at - 1] = f"? {pieces[at - 1]}"
    return "".join(pieces), True


@dataclass
class _Composer:
    source: str
    is_json: bool
    faults: list[SpecError] = field(default_factory=list)
    anchors: dict[str, Node | None] = field(default_factory=dict)
    nodes: int = 0
    events: Iterator[Any] = field(default_factory=lambda: iter(()))

    def fault(self, what: str, line: int, path: tuple[str, ...], hint: str | None = None) -> None:
        self.faults.append(SpecError(what, where=where(self.source, line, path), hint=hint))

    def compose(self, text: str) -> Node:
        # ruamel costs 20 ms to import: loaded when a sweep file is read, not with the module.
        from ruamel.yaml import YAML
        from ruamel.yaml.error import MarkedYAMLError, YAMLError
        from ruamel.yaml.reader import ReaderError

        self.events = YAML(typ="safe", pure=True).parse(text)
        try:
            next(self.events)  # stream start
            if type(next(self.events)).__name__ == "StreamEndEvent":
                raise SpecError("holds only comments", where=self.source)
            node = self.node(next(self.events), (), 0)
            next(self.events)  # document end
            more = next(self.events)
        except ReaderError as fault:
            line = text.count("\n", 0, fault.position) + 1
            what = f"control character U+{_code(fault.character):04X}"
            hint = "write it as \\x.. inside double quotes"
            raise SpecError(what, where=where(self.source, line), hint=hint) from None
        except MarkedYAMLError as fault:
            raise self.syntax(text, fault) from None
        except YAMLError as fault:
            raise SpecError(f"is not YAML: {fault}", where=self.source) from None
        except (ValueError, OverflowError) as fault:  # \U00110000 in double quotes
            raise SpecError(f"is not YAML: {fault}", where=self.source) from None
        if type(more).__name__ == "DocumentStartEvent":
            raise SpecError(
                "a second document begins here",
                where=where(self.source, more.start_mark.line + 1),
                hint="one file holds one sweep; split it at `---`",
            )
        return node

    def syntax(self, text: str, fault: Any) -> SpecError:
        mark = fault.problem_mark or fault.context_mark
        line = None if mark is None else mark.line + 1
        problem = visible(str(fault.problem or fault.context or "cannot be read"), limit=120)
        hint = None
        lines = text.splitlines()
        here = lines[mark.line] if mark is not None and mark.line < len(lines) else ""
        if "'\\t'" in problem:
            problem, hint = "a tab stands where YAML wants spaces", "replace tabs by spaces"
        elif "{{" in text or "{%" in text:
            hint = "this looks like a template; fill in its {{ … }} first"
        elif "${" in here and "'{'" in problem:
            hint = 'inside [ ] write "${…}" in quotes'
        elif "mapping values are not allowed" in problem:
            hint = "quote a text that holds `: `, or check the indentation"
        elif "`" in here or "@" in here or "%" in here:
            hint = "quote a text that begins with one of ` @ %"
        return SpecError(f"is not YAML: {problem}", where=where(self.source, line), hint=hint)

    def node(self, event: Any, path: tuple[str, ...], depth: int) -> Node:
        line = event.start_mark.line + 1
        kind = type(event).__name__
        if kind == "AliasEvent":
            return self.alias(event.anchor, line, path, depth)
        self.count(1, line)
        if depth > MAX_DEPTH:
            raise SpecError(
                f"is nested deeper than {MAX_DEPTH} levels", where=where(self.source, line)
            )
        if event.anchor is not None:
            self.anchors[event.anchor] = None  # not finished: an alias to it would be a circle
        node: Node
        if kind == "ScalarEvent":
            node = self.leaf(event, line, path)
        elif kind == "SequenceStartEvent":
            self.check_tag(event.tag, ("seq",), line, path)
            node = self.items(line, path, depth)
        else:
            self.check_tag(event.tag, ("map",), line, path)
            node = self.keyed(line, path, depth)
        if event.anchor is not None:
            self.anchors[event.anchor] = node
        return node

    def count(self, more: int, line: int) -> None:
        self.nodes += more
        if self.nodes > MAX_NODES:
            raise SpecError(
                f"holds more than {MAX_NODES:,} values (aliases count as copies)",
                where=where(self.source, line),
            )

    def alias(self, name: str, line: int, path: tuple[str, ...], depth: int) -> Node:
        shown = visible(name, limit=60)
        if name not in self.anchors:
            raise SpecError(f"*{shown} refers to nothing above it", where=where(self.source, line))
        node = self.anchors[name]
        if node is None:
            raise SpecError(f"*{shown} contains itself", where=where(self.source, line, path))
        self.count(node.weight, line)
        if depth + node.height > MAX_DEPTH:
            raise SpecError(
                f"is nested deeper than {MAX_DEPTH} levels", where=where(self.source, line)
            )
        return node

    def items(self, line: int, path: tuple[str, ...], depth: int) -> Items:
        items: list[Node] = []
        while type(event := next(self.events)).__name__ != "SequenceEndEvent":
            items.append(self.node(event, (*path, f"[{len(items)}]"), depth + 1))
        weight = 1 + sum(item.weight for item in items)
        return Items(tuple(items), line, weight, 1 + max((i.height for i in items), default=0))

    def keyed(self, line: int, path: tuple[str, ...], depth: int) -> Keyed:
        entries: dict[str, Node] = {}
        lines: dict[str, int] = {}
        merged: list[Node] = []
        while type(event := next(self.events)).__name__ != "MappingEndEvent":
            key = self.node(event, path, depth + 1)
            name = self.key(key, path)
            value = self.node(next(self.events), (*path, name), depth + 1)
            if isinstance(value, Leaf) and not value.text and not value.quoted:
                value = replace(value, line=key.line)  # nothing stands at the end of the line
            if name == "<<" and isinstance(key, Leaf) and not key.quoted:
                merged.extend(value.items if isinstance(value, Items) else (value,))
            elif name in entries:
                what = f"stands twice, on lines {lines[name]} and {key.line}"
                self.fault(what, key.line, (*path, name), "keep one of them")
            else:
                entries[name], lines[name] = value, key.line
        for source in merged:
            if not isinstance(source, Keyed):
                self.fault("`<<` merges mappings only", line, path)
                continue
            for name in source.entries.keys() - entries.keys():
                lines[name] = source.lines[name]
            entries = {**source.entries, **entries}
        weight = 1 + sum(1 + value.weight for value in entries.values())
        height = 1 + max((value.height for value in entries.values()), default=0)
        return Keyed(entries, lines, line, weight, height)

    def key(self, key: Node, path: tuple[str, ...]) -> str:
        if not isinstance(key, Leaf):
            raise SpecError(
                "a key is a list or a mapping",
                where=where(self.source, key.line, path),
                hint="quote it; if this is a template, fill in its {{ … }} first",
            )
        return key.text

    def leaf(self, event: Any, line: int, path: tuple[str, ...]) -> Leaf:
        text = _join_surrogates(event.value)
        if "\0" in text or _SURROGATE.search(text):
            bad = "a NUL character" if "\0" in text else "half of a surrogate pair"
            self.fault(f"holds {bad}, which no command line can carry", line, path)
            text = _SURROGATE.sub("?", text.replace("\0", "?"))
        quoted = bool(event.style)
        if event.tag is not None:
            return self.tagged(event.tag, text, line, path, quoted)
        if quoted:
            return Leaf(text, line, text, quoted=True)
        read = resolve(text)
        if self.is_json:  # a number is a number to W&B too: nothing to remark, nothing to keep
            return Leaf(read.value, line, text)
        return Leaf(read.value, line, text, False, read.remark, read.spelled)

    def tagged(self, tag: str, text: str, line: int, path: tuple[str, ...], quoted: bool) -> Leaf:
        self.check_tag(tag, ("str", "int", "float", "bool", "null"), line, path)
        name = str(tag).removeprefix(_CORE)
        read = Reading(text) if name == "str" else resolve(text)
        if name == "float" and isinstance(read.value, int) and not isinstance(read.value, bool):
            read = Reading(float(read.value))
        return Leaf(read.value, line, text, name == "str" or quoted)

    def check_tag(
        self, tag: str | None, allowed: tuple[str, ...], line: int, path: tuple[str, ...]
    ) -> None:
        if tag is None or str(tag).removeprefix(_CORE) in allowed:
            return
        shown = visible(str(tag).replace(_CORE, "!!"), limit=60)
        self.fault(f"the tag {shown} is not allowed", line, path, "a sweep file holds plain data")


def _code(character: Any) -> int:
    return character if isinstance(character, int) else ord(str(character)[:1] or "\0")


_PAIR = re.compile("([\ud800-\udbff])([\udc00-\udfff])")


def _join_surrogates(text: str) -> str:
    """JSON writes an emoji as two escapes, \\ud83d\\ude00; YAML's scanner leaves them apart."""
    return _PAIR.sub(
        lambda pair: chr(0x10000 + ((ord(pair[1]) - 0xD800) << 10) + (ord(pair[2]) - 0xDC00)),
        text,
    )
