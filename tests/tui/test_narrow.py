"""Narrow writing: the terminal ends up the same, and only marked columns are sent."""

import re
from collections.abc import Sequence
from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st
from rich.console import Console
from rich.segment import Segment
from textual._compositor import ChopsUpdate
from textual.strip import Strip

from tuiswp.tui.narrow import narrowed

WIDTH, HEIGHT = 30, 3
EDGES = (0, 11, 12, 30)


def strip(text: str) -> Strip:
    return Strip([Segment(text)], len(text))


def update(spans: list[tuple[int, int, int]], *, hole: bool = False) -> ChopsUpdate:
    rows = ["".join(chr(65 + (7 * y + x) % 26) for x in range(WIDTH)) for y in range(HEIGHT)]
    pairs = list(pairwise(EDGES))
    chops: list[dict[int, Strip | None]] = [
        {x: None if hole and x == 11 else strip(row[x:end]) for x, end in pairs} for row in rows
    ]
    return ChopsUpdate(chops, spans, [list(EDGES[1:])] * HEIGHT)


def written(made: object) -> str:
    assert isinstance(made, ChopsUpdate)
    return made.render_segments(Console(color_system=None))


def screen(sequences: str) -> list[str]:
    cells = [["."] * WIDTH for _ in range(HEIGHT)]
    for y, x, text in re.findall(r"\x1b\[(\d+);(\d+)H([^\x1b]*)", sequences):
        for place, char in enumerate(text.rstrip("\n")):
            cells[int(y) - 1][int(x) - 1 + place] = char
    return ["".join(row) for row in cells]


def test_only_the_marked_columns_are_sent() -> None:
    sent = written(narrowed(update([(1, 9, 14), (2, 29, 30)])))
    assert sent == "\x1b[2;10HQR\x1b[2;12HS\x1b[2;13HTU\x1b[3;30HR"


def test_a_chop_that_was_not_rendered_is_left_alone() -> None:
    assert screen(written(narrowed(update([(0, 10, 13)], hole=True))))[0][9:14] == ".K.M."


def test_other_updates_are_left_as_they_are() -> None:
    class Other(ChopsUpdate):
        pass

    for one in (None, "text", Other([], [], [])):
        assert narrowed(one) is one


SPANS = st.lists(
    st.tuples(st.integers(0, HEIGHT - 1), st.integers(0, WIDTH), st.integers(0, WIDTH)), max_size=6
)


@settings(deadline=None, max_examples=100)
@given(SPANS)
def test_every_marked_column_arrives_and_no_other(spans: Sequence[tuple[int, int, int]]) -> None:
    ordered = sorted((y, min(a, b), max(a, b)) for y, a, b in spans)
    marked = {(y, x) for y, x1, x2 in ordered for x in range(x1, x2)}
    whole = screen(written(update([(y, 0, WIDTH) for y in range(HEIGHT)])))
    narrow = screen(written(narrowed(update(ordered))))
    for y in range(HEIGHT):
        for x in range(WIDTH):
            assert narrow[y][x] == (whole[y][x] if (y, x) in marked else ".")
