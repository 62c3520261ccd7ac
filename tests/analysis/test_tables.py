"""Rows of cells in a given width: what is cut, and what a number keeps."""

import pytest

from tuiswp.analysis.tables import cut, table


@pytest.mark.parametrize(
    ("text", "size", "told"),
    [
        ("9.014e-3", 6, "9.0e-3"),
        ("1.284e-2", 6, "1.3e-2"),
        ("9.995e-3", 6, "10e-3"),
        ("1.23e-10", 6, "1e-10"),
        ("-10.64%", 6, "-10.6%"),
        ("+0.51%", 5, "+0.5%"),
        ("0.0049", 4, "0.0…"),  # rounded it would be nothing
        ("123456", 4, "123…"),
        ("t0012.5", 5, "t001…"),
        ("名前です", 5, "名前…"),
    ],
)
def test_a_number_that_is_cut_stays_the_number(text: str, size: int, told: str) -> None:
    assert cut(text, size) == told
    assert cut(told, size) == told


def test_a_narrow_table_shortens_the_widest_columns_first() -> None:
    lines = table(("lr", "note"), [("9.0142e-3", "the best of them all")], width=18)
    assert lines == ["lr        note", "9.014e-3  the bes…"]
    assert all(len(line) <= 18 for line in lines)
