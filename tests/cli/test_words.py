"""Numbers as people read them, and tables that fit."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tuiswp.analysis import tables, words


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.0, "0.0 s"), (18.24, "18.2 s"), (59.94, "59.9 s"), (59.96, "1 min 00 s"),
        (185, "3 min 05 s"), (3600, "1 h 00 min"), (7800, "2 h 10 min"), (100_000, "1 d 3 h"),
        (-1, "0.0 s"), (None, "–"), (float("nan"), "–"), (float("inf"), "–"),
    ],
)  # fmt: skip
def test_durations(seconds: float | None, text: str) -> None:
    assert words.duration(seconds) == text


@pytest.mark.parametrize(
    ("progress", "text"),
    [
        (0.999, "99 %"),
        (1.0, "100 %"),
        (0.29, "29 %"),
        (None, "–"),
        (float("nan"), "–"),
        (7.0, "100 %"),
    ],
)
def test_progress_is_never_rounded_up(progress: float | None, text: str) -> None:
    assert words.share(progress) == text


@pytest.mark.parametrize(
    ("at", "text"),
    [
        (99, "just now"),
        (82, "18 s ago"),
        (-100, "3 min ago"),
        (-7200, "2 h ago"),
        (120, "just now"),
    ],
)
def test_when_it_was(at: float, text: str) -> None:
    assert words.ago(at, now=100) == text


def test_wide_characters_are_counted_by_the_columns_they_take() -> None:
    lines = tables.table(("a", "b"), [("日本", "x"), ("ab", "y")], width=80)
    assert lines == ["a     b", "日本  x", "ab    y"]


def test_empty_columns_are_left_out() -> None:
    assert tables.table(("a", "b"), [("x", "")], width=80) == ["a", "x"]
    assert tables.table(("a",), [], width=80) == []


@given(
    st.lists(
        st.tuples(*[st.text(st.characters(exclude_categories=["C", "M"]), max_size=50)] * 3),
        min_size=1,
        max_size=5,
    ),
    st.integers(40, 120),
)
def test_no_line_is_wider_than_asked(rows: list[tuple[str, ...]], width: int) -> None:
    for line in tables.table(("one", "two", "three"), rows, width=width):
        assert tables.columns(line) <= width
