"""A line of a screen as pieces of text, each with a tone, made exactly as wide as it must be.

Widgets say what a text means (`bad`, `dim`); only here does that become a style. Never markup.
"""

from collections.abc import Iterable, Sequence
from typing import Literal, TypeAlias

from rich.cells import cell_len, set_cell_size
from rich.segment import Segment
from rich.style import Style
from textual.strip import Strip

Tone: TypeAlias = Literal["plain", "dim", "strong", "run", "good", "bad", "warn", "accent", "found"]
Piece: TypeAlias = tuple[str, Tone]
Line: TypeAlias = tuple[Piece, ...]

_COLOURED: dict[Tone, Style] = {
    "plain": Style(),
    "dim": Style(dim=True),
    "strong": Style(bold=True),
    "run": Style(color="cyan"),
    "good": Style(color="green"),
    "bad": Style(color="red"),
    "warn": Style(color="yellow"),
    "accent": Style(color="magenta"),
    "found": Style(reverse=True),
}
_PLAIN: dict[Tone, Style] = {
    tone: Style(dim=tone == "dim", bold=tone in ("strong", "bad"), reverse=tone == "found")
    for tone in _COLOURED
}


def style(tone: Tone, *, colour: bool) -> Style:
    """What a tone looks like; without colour, what is bad is bold."""
    return (_COLOURED if colour else _PLAIN)[tone]


def only_ascii(text: str) -> str:
    """`text` for a terminal without UTF-8: what it cannot show is `?`."""
    return text if text.isascii() else text.encode("ascii", "replace").decode()


def shorten(text: str, width: int, *, ascii: bool = False) -> str:
    """`text` in at most `width` cells; what is cut out is cut from the middle.

    >>> shorten("train/validation/loss", 11)
    'train…/loss'
    """
    if (len(text) if text.isascii() else cell_len(text)) <= width:
        return text
    if width <= 2:
        return set_cell_size(text, max(0, width))
    head = (width - 1) // 2
    return set_cell_size(text, head) + ("~" if ascii else "…") + keep_end(text, width - 1 - head)


def keep_end(text: str, width: int) -> str:
    """The last `width` cells of `text`, fewer if it is shorter or a wide character does not fit."""
    start = len(text)
    room = max(0, width)
    while start > 0:
        room -= cell_len(text[start - 1])
        if room < 0:
            break
        start -= 1
    return text[start:]


def fitted(text: str, width: int) -> str:
    """`text` cut or padded on the right to exactly `width` cells."""
    if text.isascii():
        return text[:width].ljust(width)
    return set_cell_size(text, max(0, width))


def cells(line: Iterable[Piece]) -> int:
    """How wide a line is."""
    return sum(cell_len(text) for text, _ in line)


def joined(groups: Sequence[Line], width: int, gap: str = "  ") -> Line:
    """`groups` in their order, as many as fit; one that does not fit is left out, not cut.

    Only the first is cut when not even that has room.
    """
    out: list[Piece] = []
    used = 0
    for group in groups:
        if not group:
            continue
        extra = cells(group) + (len(gap) if out else 0)
        if out and used + extra > width:
            continue
        out += [(gap, "plain"), *group] if out else group
        used += extra
    return tuple(out)


def strip(line: Iterable[Piece], width: int, base: Style, *, colour: bool) -> Strip:
    """A strip of exactly `width` cells."""
    segments: list[Segment] = []
    room = max(0, width)
    for text, tone in line:
        if room <= 0:
            break
        size = cell_len(text)
        if size > room:
            text, size = set_cell_size(text, room), room
        if text:
            segments.append(Segment(text, base + style(tone, colour=colour)))
        room -= size
    if room > 0:
        segments.append(Segment(" " * room, base))
    return Strip(segments, max(0, width))
