"""Cells of a chart: whose dots they hold, what is written over them. Pure; no Textual.

Braille dots of all lines share a cell; its ink is that of the heaviest line in it, and among equals
of the one with most dots.
"""

from collections.abc import Mapping
from itertools import groupby
from typing import TypeAlias

from tuiswp.tui.palette import Ink, Weight

Run: TypeAlias = tuple[str, Ink]
Row: TypeAlias = tuple[Run, ...]

_BRAILLE = [" ", *(chr(0x2800 + bits) for bits in range(1, 256))]
_TIER: dict[Weight, int] = {"dim": 0, "normal": 10, "front": 20}
_COUNTS = {
    weight: tuple(tier + bits.bit_count() for bits in range(256)) for weight, tier in _TIER.items()
}


class Grid:
    """`width` x `height` cells, numbered row by row from the top left."""

    def __init__(self, width: int, height: int) -> None:
        self.width, self.height = width, height
        self._bits = [0] * (width * height)
        self._most = [0] * (width * height)
        self._ink: list[Ink] = [""] * (width * height)
        self._over: dict[int, Run] = {}
        self._marks: dict[int, str] = {}

    def add(self, dots: Mapping[int, int], ink: Ink, weight: Weight, mark: str | None) -> None:
        """Lay a line over what is there; `mark`: a character to draw instead of dots."""
        bits, most, inks, counts = self._bits, self._most, self._ink, _COUNTS[weight]
        for cell, part in dots.items():
            bits[cell] |= part
            count = counts[part]
            if count >= most[cell]:
                most[cell] = count
                inks[cell] = ink
                if mark is not None:
                    self._marks[cell] = mark

    def put(self, cell: int, char: str, ink: Ink) -> None:
        """Write one character of one column over a cell."""
        self._over[cell] = (char, ink)

    def put_at(self, column: int, row: int, char: str, ink: Ink) -> None:
        """Write one character of one column, if it is inside."""
        if 0 <= column < self.width and 0 <= row < self.height:
            self._over[row * self.width + column] = (char, ink)

    def text(self, column: int, row: int, text: str, ink: Ink) -> None:
        """Write characters of one column each."""
        for place, char in enumerate(text):
            self.put_at(column + place, row, char, ink)

    def upright(self, column: int, char: str, ink: Ink) -> None:
        """Draw a line down a column where no curve is."""
        for cell in range(column, self.width * self.height, self.width):
            if not self._bits[cell] and cell not in self._over:
                self._over[cell] = (char, ink)

    def rows(self) -> list[Row]:
        """The picture: `height` rows of runs, each `width` columns together."""
        chars = [_BRAILLE[bits] for bits in self._bits]
        for cell, mark in self._marks.items():
            chars[cell] = mark
        inks = list(self._ink)
        for cell, (char, ink) in self._over.items():
            chars[cell] = char
            inks[cell] = ink
        return [
            self._row(chars[start : start + self.width], inks[start : start + self.width])
            for start in range(0, self.width * self.height, self.width)
        ]

    @staticmethod
    def _row(chars: list[str], inks: list[Ink]) -> Row:
        runs: list[Run] = []
        start = 0
        for ink, group in groupby(inks):
            end = start + len(list(group))
            runs.append(("".join(chars[start:end]), ink))
            start = end
        return tuple(runs)
