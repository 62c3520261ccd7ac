"""One screen, once, without a terminal: opened headless, fed until nothing is missing, taken down.

It waits for what the screen asks for, never for a time; it starts, asks and changes nothing.
"""

import asyncio
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any, TypeAlias

import msgspec
from rich.console import Console
from textual.app import App
from textual.pilot import Pilot
from textual.strip import Strip

from tuiswp.controller.here import Here
from tuiswp.errors import UsageError
from tuiswp.model.ids import trial_id
from tuiswp.text import visible
from tuiswp.tui.app import SweepApp
from tuiswp.tui.content import content, home_content
from tuiswp.tui.home_app import HomeApp
from tuiswp.tui.home_feed import Found
from tuiswp.tui.opened import screen_for
from tuiswp.tui.reading import Reading
from tuiswp.tui.screens.sweep import SweepScreen
from tuiswp.tui.snapshot import Snapshot, Want

Source: TypeAlias = Callable[[Want], Snapshot]  # reads until nothing of what is wanted is missing

HOME = "home"  # the one that is of a folder; the others are of a sweep
SCREENS = (HOME, "sweep", "trial", "compare", "results", "landscape", "events", "help")
OF_TRIALS = ("trial", "compare")  # the screens that are of certain trials
_ACTIONS = {"trial": "open"}  # what opens a screen, where it is not called as the screen
_COMPARED = 3  # how many of the best, when nobody says which
_LOOKS = 50
_ROUNDS = 8  # a screen asks at most once for each thing it learns: metrics, whose, how wide


class Ask(msgspec.Struct, frozen=True):
    """Which picture. `trials`: whose, for `OF_TRIALS`; empty: chosen by what is known."""

    screen: str = "sweep"
    trials: tuple[int, ...] = ()
    size: tuple[int, int] = (120, 35)
    colour: bool = True
    ascii: bool = False


class StillApp(SweepApp):
    """The application without its feed: whoever opens it hands it every moment."""

    wanted: Want | None = None

    def first_screen(self) -> SweepScreen:
        """As a sweep opens when nobody has looked at it: nothing is remembered, nor kept."""
        return SweepScreen(memory=None, **self.look)

    def start_feed(self) -> None:
        """Nothing is read unasked."""

    def want(self, want: Want) -> None:
        """Keep what the screen on top is about to show."""
        self.wanted = want


class StillHome(HomeApp):
    """The list without its feed: whoever opens it hands it what lies there."""

    def start_feed(self) -> None:
        """Nothing is looked for unasked."""


class Picture(msgspec.Struct, frozen=True):
    """One screen in every form. `ansi`: its text with its colours."""

    text: str
    ansi: str
    svg: str
    content: dict[str, object]


def take(path: Path, ask: Ask) -> Picture:
    """The picture of a sweep directory or a folder of runs.

    Raises UsageError where there is nothing to show of what is asked, and what reading raises.
    """
    reading = Reading(path)
    try:
        return asyncio.run(_taken(path, reading.take_whole, ask))
    finally:
        reading.close()


def take_home(folder: Path, ask: Ask) -> Picture:
    """The picture of the sweeps that lie in a folder."""
    return asyncio.run(_home_taken(folder, Here(folder).look(), ask))


async def _taken(path: Path, source: Source, ask: Ask) -> Picture:
    app = StillApp(path, colour=ask.colour, ascii=ask.ascii)
    async with app.run_test(size=ask.size) as pilot:
        snapshot, trials = await stand(pilot, source, ask)
        name = visible(snapshot.view.sweep.name, limit=60)
        return _picture(app, f"tuiswp  {name}  {ask.screen}", content(ask.screen, snapshot, trials))


async def _home_taken(folder: Path, found: Found, ask: Ask) -> Picture:
    app = StillHome(folder, colour=ask.colour, ascii=ask.ascii)
    async with app.run_test(size=ask.size) as pilot:
        await stand_at_home(pilot, found)
        return _picture(app, "tuiswp  home", home_content(folder, found, app.home.clock()))


def _picture(app: SweepApp, title: str, plain: dict[str, object]) -> Picture:
    cells = cells_of(app)
    console = Console(color_system="truecolor", force_terminal=True, no_color=False)
    return Picture(
        text=_lines(strip.text for strip in cells),
        ansi=_lines(strip.simplify().render(console) for strip in cells),
        svg=app.export_screenshot(title=title),
        content=plain,
    )


def _lines(rows: Iterable[str]) -> str:
    return "".join(f"{row.rstrip()}\n" for row in rows)


async def stand(pilot: Pilot[Any], source: Source, ask: Ask) -> tuple[Snapshot, tuple[int, ...]]:
    """Bring the app to where the screen holds all it asks for; what it shows, and whose.

    The same way for a picture as for a test of one.
    """
    app = pilot.app
    assert isinstance(app, StillApp)
    app.animation_level = "none"
    want = Want()
    snapshot = source(want)
    trials = _chosen(ask, snapshot)
    await _settled(pilot)  # the lowest screen has its widgets
    app.take(snapshot)
    action = _ACTIONS.get(ask.screen, ask.screen)
    screen = screen_for(action, trials, snapshot, app.look, "table")
    if screen is not None:
        await app.push_screen(screen)
    for _ in range(_ROUNDS):
        await _settled(pilot)
        app.take(snapshot)  # the panes have their sizes now
        await _settled(pilot)
        if app.wanted is None or app.wanted == want:
            break
        want = app.wanted
        snapshot = source(want)
        app.take(snapshot)
    return snapshot, trials


async def stand_at_home(pilot: Pilot[Any], found: Found) -> None:
    """Bring the list to where it holds what was found. For a picture as for a test of one."""
    app = pilot.app
    assert isinstance(app, StillHome)
    app.animation_level = "none"
    await _settled(pilot)
    app.home.show(found)
    await _settled(pilot)


async def _settled(pilot: Pilot[Any]) -> None:
    """Until every message is worked off and two more looks saw nothing move: a layout may ask for
    a drawing, and that for another layout.
    """
    app = pilot.app
    before: list[str] = []
    same = 0
    for _ in range(_LOOKS):
        await pilot.pause(0)
        now = [strip.text for strip in cells_of(app)]
        same = same + 1 if now == before else 0
        if same == 2:
            break
        before = now


def _chosen(ask: Ask, snapshot: Snapshot) -> tuple[int, ...]:
    """Whose screen: the trials asked for; else the best, else the newest."""
    if ask.screen not in OF_TRIALS:
        return ()
    known = [row.number for row in snapshot.rows]
    for number in ask.trials:
        if number not in known:
            raise UsageError(f"{trial_id(number)} does not exist", hint=_which(known))
    best = [trial.number for trial in snapshot.judgement.ranked]
    chosen = ask.trials or tuple(dict.fromkeys([*best, *reversed(known)]))
    if ask.screen == "trial" and chosen:
        return chosen[:1]
    if len(chosen) < 2:
        raise UsageError(
            "no trial has been started yet" if not chosen else "to compare takes two trials",
            hint=_which(known),
        )
    return chosen if ask.trials else chosen[:_COMPARED]


def _which(known: Sequence[int]) -> str:
    if not known:
        return "`tuiswp status` says what the sweep waits for"
    return f"there are {trial_id(min(known))} to {trial_id(max(known))}"


def cells_of(app: App[Any]) -> list[Strip]:
    """What stands on the screen, row by row, as the terminal would get it."""
    return app.screen._compositor.render_strips()  # Textual gives it out as SVG alone
