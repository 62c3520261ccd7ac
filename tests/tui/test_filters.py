"""A terminal that can do less: the sides of a notice are lines there, not question marks."""

from rich.segment import Segment
from textual.color import Color

from tuiswp.tui.filters import OnlyAscii


def test_the_side_of_a_notice_is_a_line_in_ascii() -> None:
    shown = OnlyAscii().apply([Segment("▌ saved "), Segment("naïve │ ▐")], Color(0, 0, 0))
    assert "".join(one.text for one in shown) == "| saved na?ve | |"
