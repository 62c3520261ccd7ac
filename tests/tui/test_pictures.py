"""Every screen as a picture: 80x24 and 160x45, in colour, without it, in ASCII.

The accepted pictures lie in `__snapshots__/`; `make snapshots` accepts new ones. The same screens
are held, cell by cell, to what a terminal without colour or without UTF-8 can show.
"""

import re
from pathlib import Path
from typing import Any, Protocol

import pytest
import textual
from textual.pilot import Pilot
from textual.strip import Strip

from tests.tui.loops import in_a_loop
from tests.tui.moments import moment
from tests.tui.snapshots import NOW
from tests.tui.test_home import LIST
from tuiswp.tui import filters, once
from tuiswp.tui.app import SweepApp
from tuiswp.tui.once import Ask, StillApp
from tuiswp.tui.pieces import only_ascii

SIZES = ((80, 24), (160, 45))
LOOKS = {"colour": (True, False), "no-colour": (False, False), "ascii": (True, True)}
COMPARED = (5, 0, 8)
# What Textual draws by itself, for which there is no other way than its filter.
SCROLL_BARS = set("▁▂▃▄▅▆▇")

HOW = """this screen looks different from the picture that was accepted.
  look:    snapshot_report.html, which this run writes: both beside each other
  accept:  make snapshots, and commit what it changes in tests/tui/__snapshots__"""


class Compare(Protocol):
    """`snap_compare` of pytest-textual-snapshot."""

    def __call__(
        self, app: object, *, terminal_size: tuple[int, int], run_before: object
    ) -> bool: ...


def asked(screen: str, size: tuple[int, int], look: str) -> Ask:
    colour, ascii = LOOKS[look]
    trials = {"trial": (8,), "compare": COMPARED}.get(screen, ())
    return Ask(screen=screen, trials=trials, size=size, colour=colour, ascii=ascii)


def app_for(ask: Ask) -> SweepApp:
    if ask.screen == once.HOME:
        home = once.StillHome(Path("/work"), colour=ask.colour, ascii=ask.ascii)
        home.home.clock = lambda: NOW
        return home
    return StillApp(Path("/sweeps/lr"), colour=ask.colour, ascii=ask.ascii)


def named(value: object) -> str | None:
    return f"{value[0]}x{value[1]}" if isinstance(value, tuple) else None


@pytest.mark.slow  # each draws a whole screen
@pytest.mark.parametrize("look", LOOKS)
@pytest.mark.parametrize("size", SIZES, ids=named)
@pytest.mark.parametrize("screen", once.SCREENS)
def test_every_screen_looks_as_accepted(
    screen: str,
    size: tuple[int, int],
    look: str,
    snap_compare: Compare,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    ask = asked(screen, size, look)
    strangers = strangers_to_ascii(monkeypatch)
    cells: list[Strip] = []

    async def stand(pilot: Pilot[Any]) -> None:
        if ask.screen == once.HOME:
            await once.stand_at_home(pilot, LIST)
        else:
            await once.stand(pilot, moment, ask)
        cells[:] = once.cells_of(pilot.app)

    same = snap_compare(app_for(ask), terminal_size=size, run_before=stand)
    assert [row.cell_length for row in cells] == [size[0]] * size[1]
    if not ask.colour:
        assert_colourless(cells)
    if ask.ascii:
        assert [row.text for row in cells if not row.text.isascii()] == []
        assert strangers <= SCROLL_BARS  # widgets draw in ASCII; the filter is for Textual's own
    assert same, f"{screen}: {HOW}{_of_another_textual()}"


def assert_colourless(cells: list[Strip]) -> None:
    styles = [segment.style for row in cells for segment in row if segment.style is not None]
    assert [style for style in styles if style.color or style.bgcolor] == []
    assert any(style.bold for style in styles)  # there is something to see


def strangers_to_ascii(monkeypatch: pytest.MonkeyPatch) -> set[str]:
    """The characters that came as far as the last filter and were none of ASCII."""
    found: set[str] = set()

    def watched(text: str) -> str:
        found.update(char for char in text if not char.isascii())
        return only_ascii(text)

    monkeypatch.setattr(filters, "only_ascii", watched)
    return found


def _of_another_textual() -> str:
    from tests.tui.conftest import pinned_textual

    drawn, accepted = textual.__version__, pinned_textual()
    return (
        "" if drawn == accepted else f"\n  (Textual {drawn} drew it, {accepted} the accepted one)"
    )


@in_a_loop
async def test_a_picture_asks_nobody_for_a_font() -> None:
    ask = asked("sweep", (80, 24), "colour")
    app = app_for(ask)
    async with app.run_test(size=ask.size) as pilot:
        await once.stand(pilot, moment, ask)
        svg = app.export_screenshot()
    assert "font-family: 'DejaVu Sans Mono'" in svg
    assert re.findall(r"https?://[^\"]*", svg) == ["http://www.w3.org/2000/svg"]  # a name
    assert "url(" not in svg.replace("url(#", "")
