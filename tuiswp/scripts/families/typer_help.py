"""The help of typer as rich draws it: options in a box, wrapped by column."""

import re
from collections.abc import Iterator
from typing import ClassVar

from tuiswp.scripts.families.click_help import option
from tuiswp.scripts.options import Interface

_ROW = re.compile(r"[│|](.*)[│|]\s*$")
_START = re.compile(r"\s*\*?\s*-")
# Names first, then the kind of value: `<float>` now, FLOAT in older releases.
_PARTS = re.compile(
    r"\s*\*?\s*(?P<names>(?:--?[\w.-]+(?:[,\s]+|$))+)"
    r"(?P<metavar><[^<>]*>|\[[\w|.-]+\]|[A-Z][A-Z ]+(?=\s|$))?(?P<told>.*)"
)


class Typer:
    """See `families.base.Family`."""

    name: ClassVar[str] = "typer"
    asks: ClassVar[tuple[str, ...]] = ()

    def recognises(self, help_text: str) -> bool:
        return re.search(r"^[╭+][─-]+ .*[─-]+[╮+]\s*$", help_text, re.MULTILINE) is not None

    def read(self, text: str) -> Interface:
        found = []
        for row in _rows(text):
            parts = _PARTS.fullmatch(row)
            if parts is not None:
                metavar = (parts["metavar"] or "").strip()
                one = option(parts["names"], metavar, parts["told"])
                found += [one] if one is not None else []
        return Interface(self.name, tuple(found))


def _rows(text: str) -> Iterator[str]:
    """Each option as one line."""
    current = ""
    for line in text.splitlines():
        found = _ROW.match(line)
        if found is None:
            if current:
                yield current
            current = ""
        elif _START.match(found[1]):
            if current:
                yield current
            current = found[1].rstrip()
        elif current:
            current += f" {found[1].strip()}"
    if current:
        yield current
