"""Which columns of a row came out different: an SSH link pays for every cell. Pure; no Textual."""

from collections.abc import Iterator, Sequence

NEAR = 4  # columns of a drawing: three bytes each, and often another colour
NEAR_TEXT = 12  # columns of text: fewer bytes than it takes to move there


def changed(
    old: Sequence[tuple[str, str]], new: Sequence[tuple[str, str]], width: int, near: int = NEAR
) -> list[tuple[int, int]]:
    """The spans of columns that differ between two rows of (text, ink), which do differ.

    All, if some cell is not one column wide. Spans closer than `near` are one: to move there would
    cost more than what is between.
    """
    before, after = list(_cells(old)), list(_cells(new))
    if len(before) != width or len(after) != width:  # a wide character, or cut off
        return [(0, width)]
    spans: list[tuple[int, int]] = []
    for column in range(width):
        if before[column] == after[column]:
            continue
        if spans and column - spans[-1][1] < near:
            spans[-1] = (spans[-1][0], column + 1)
        else:
            spans.append((column, column + 1))
    return spans or [(0, width)]


def _cells(row: Sequence[tuple[str, str]]) -> Iterator[tuple[str, str]]:
    for text, ink in row:
        for char in text:
            yield char, ink
