"""Every screen at every size, from one cell to more than a wall: nothing breaks, all comes back."""

from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace
from textual.pilot import Pilot

from tests.tui.loops import in_a_loop
from tests.tui.moments import moment
from tests.tui.snapshots import HOSTILE, NOW, snapshot
from tests.tui.test_home import LIST
from tuiswp.tui import once
from tuiswp.tui.once import Ask, StillApp, StillHome

pytestmark = pytest.mark.slow  # each of them opens the interface and sizes it again and again

SIZES = ((1, 1), (20, 5), (300, 100), (80, 24))  # ends as it begins
BEGIN = SIZES[-1]
# What opens above the table: the keys that open it, and those that leave it.
OPENED = {
    "palette": (("ctrl+p",), ("escape",)),
    "palette with words": ((":", "k", "i"), ("escape",)),
    "question": (("B",), ("n",)),
    "restart": (("R",), ("escape",)),
    "clone": (("D",), ("escape",)),
    "add": (("A",), ("escape",)),
    "extend": (("Z",), ("escape",)),
    "settings": (("J",), ("escape",)),
    "columns": (("c",), ("escape",)),
    "write": (("w",), ("escape",)),
    "filter": (("/", "t"), ("escape",)),
    "chart alone": (("tab", "z"), ("z", "shift+tab")),
    "cross-hair": (("tab", "i"), ("i", "shift+tab")),
}
MOVES = ("j", "k", "right", "pagedown", "G", "g", "tab")


async def seen(pilot: Pilot[Any]) -> list[str]:
    """What stands there when nothing moves any more."""
    await once._settled(pilot)
    return [strip.text for strip in once.cells_of(pilot.app)]


async def at_every_size(pilot: Pilot[Any]) -> None:
    """Resize to each, ending with the first, and hold every line to the width."""
    app = pilot.app
    for size in SIZES:
        await pilot.resize_terminal(*size)
        await once._settled(pilot)
        assert app.is_running, size
        cells = once.cells_of(app)
        assert [strip.cell_length for strip in cells] == [size[0]] * size[1], size


@pytest.mark.parametrize("screen", once.SCREENS)
@in_a_loop
async def test_every_screen_comes_through_every_size(screen: str) -> None:
    app = app_of(screen)
    async with app.run_test(size=BEGIN) as pilot:
        if isinstance(app, StillHome):
            await once.stand_at_home(pilot, LIST)
        else:
            await once.stand(pilot, moment, Ask(screen=screen, size=BEGIN))
        before = await seen(pilot)
        await at_every_size(pilot)
        assert await seen(pilot) == before


@pytest.mark.slow
@pytest.mark.parametrize(("into", "out"), OPENED.values(), ids=OPENED)
@in_a_loop
async def test_what_opens_above_the_table_comes_through_every_size(
    into: tuple[str, ...], out: tuple[str, ...]
) -> None:
    app = app_of("sweep")
    async with app.run_test(size=BEGIN) as pilot:
        await once.stand(pilot, moment, Ask(size=BEGIN))
        before = await seen(pilot)
        await pilot.press(*into)
        assert await seen(pilot) != before
        await at_every_size(pilot)
        await pilot.press(*out)
        assert await seen(pilot) == before


@pytest.mark.slow
@pytest.mark.parametrize("size", [(1, 1), (20, 5)])
@pytest.mark.parametrize("screen", once.SCREENS)
@in_a_loop
async def test_every_screen_can_be_moved_in_where_nothing_of_it_is_seen(
    screen: str, size: tuple[int, int]
) -> None:
    app = app_of(screen)
    async with app.run_test(size=size) as pilot:
        if isinstance(app, StillHome):
            await once.stand_at_home(pilot, LIST)
        else:
            await once.stand(pilot, moment, Ask(screen=screen, size=size))
        await pilot.press(*MOVES)
        await once._settled(pilot)
        assert app.is_running


@pytest.mark.slow
@pytest.mark.parametrize("screen", sorted({*once.SCREENS} - {once.HOME, *once.OF_TRIALS}))
@in_a_loop
async def test_a_sweep_without_a_trial_comes_through_every_size(screen: str) -> None:
    app = app_of(screen)
    nothing = snapshot(trials=[], curves={}, metrics=(), inventory=None, eta_s=None)
    async with app.run_test(size=BEGIN) as pilot:
        await once.stand(pilot, lambda _: nothing, Ask(screen=screen, size=BEGIN))
        before = await seen(pilot)
        await at_every_size(pilot)
        assert await seen(pilot) == before


@in_a_loop
async def test_a_list_of_hostile_names_comes_through_every_size() -> None:
    found = tuple(
        replace(LIST[n % 4], where=Path(f"sweeps/{n}"), name=text, metric=text)
        for n, text in enumerate(HOSTILE)
    )
    app = app_of(once.HOME)
    async with app.run_test(size=BEGIN) as pilot:
        assert isinstance(app, StillHome)
        await once.stand_at_home(pilot, found)
        await at_every_size(pilot)


def app_of(screen: str) -> StillApp | StillHome:
    if screen == once.HOME:
        home = StillHome(Path("/work"))
        home.home.clock = lambda: NOW
        return home
    return StillApp(Path("/sweeps/lr"))
