"""The application on snapshots made by hand: keys to screens, a yes to requests, no disk."""

import asyncio
from pathlib import Path
from typing import cast

import pytest
from msgspec.structs import replace
from textual.pilot import Pilot

from tests.tui.loops import in_a_loop
from tests.tui.snapshots import snapshot
from tests.tui.test_screens import seen
from tuiswp.controller import opening
from tuiswp.controller.directory import SweepDirectory
from tuiswp.controller.requests import Request
from tuiswp.tui.app import SweepApp
from tuiswp.tui.screens.compare import CompareScreen
from tuiswp.tui.screens.confirm import ConfirmScreen
from tuiswp.tui.screens.events import EventsScreen
from tuiswp.tui.screens.help import HelpScreen
from tuiswp.tui.screens.results import ResultsScreen
from tuiswp.tui.screens.sweep import SweepScreen
from tuiswp.tui.screens.trial import TrialScreen
from tuiswp.tui.snapshot import AsOf, Want
from tuiswp.tui.widgets.chart import Chart
from tuiswp.tui.widgets.gpus import GpuStrip
from tuiswp.tui.widgets.trials import Trials

pytestmark = pytest.mark.slow  # each of them opens the interface

SIZES = [(80, 24), (160, 45)]


class Desk(SweepApp):
    """The application with its feed off: a test hands it snapshots and keeps what it would send."""

    def __init__(self) -> None:
        super().__init__(Path("nowhere"))
        self.sent: list[Request] = []
        self.wanted: list[Want] = []

    def start_feed(self) -> None:
        self.call_after_refresh(self.take, snapshot())

    def want(self, want: Want) -> None:
        self.wanted.append(want)

    def send(self, request: Request) -> None:
        self.sent.append(request)


async def ready(pilot: Pilot[int]) -> SweepScreen:
    app = cast(SweepApp, pilot.app)
    await pilot.pause()
    while app.snapshot is None:  # the frame comes first
        await pilot.pause()
    screen = app.screen
    assert isinstance(screen, SweepScreen)
    return screen


@pytest.mark.parametrize("size", SIZES)
@in_a_loop
async def test_the_table_shows_every_trial_and_the_chart_the_objective(
    size: tuple[int, int],
) -> None:
    app = Desk()
    async with app.run_test(size=size) as pilot:
        screen = await ready(pilot)
        shown = snapshot()
        assert set(screen.query_one(Trials).order) == {row.number for row in shown.rows}
        assert screen.query_one(Chart).plot.title == shown.metrics[0]


@pytest.mark.parametrize(
    ("key", "kind"),
    [
        ("question_mark", HelpScreen),
        ("O", ResultsScreen),
        ("L", EventsScreen),
        ("enter", TrialScreen),
        ("l", TrialScreen),
    ],
)
@in_a_loop
async def test_a_key_opens_its_screen_and_escape_comes_back(key: str, kind: type) -> None:
    app = Desk()
    async with app.run_test(size=(100, 30)) as pilot:
        await ready(pilot)
        await pilot.press(key)
        await pilot.pause()
        assert isinstance(app.screen, kind)
        await pilot.press("escape")
        await pilot.pause()
        assert isinstance(app.screen, SweepScreen)


@in_a_loop
async def test_two_marks_can_be_compared_and_one_cannot() -> None:
    app = Desk()
    async with app.run_test(size=(100, 30)) as pilot:
        await ready(pilot)
        await pilot.press("C")
        await pilot.pause()
        assert isinstance(app.screen, SweepScreen)
        await pilot.press("space", "down", "space", "C")
        await pilot.pause()
        assert isinstance(app.screen, CompareScreen)


@in_a_loop
async def test_nothing_is_asked_of_the_controller_without_a_yes() -> None:
    app = Desk()
    async with app.run_test(size=(100, 30)) as pilot:
        screen = await ready(pilot)
        running = next(row.number for row in snapshot().rows if row.state == "running")
        screen.query_one(Trials).select(running)
        await pilot.press("T")
        await pilot.pause()
        assert isinstance(app.screen, ConfirmScreen)
        await pilot.press("n")
        await pilot.pause()
        assert app.sent == []
        await pilot.press("T")
        await pilot.pause()
        await pilot.press("y")
        await pilot.pause()
        [request] = app.sent
        assert (request.verb, request.trials, request.now) == ("kill", (running,), False)


@pytest.mark.parametrize(("key", "verb"), [("B", "pause"), ("X", "stop")])
@in_a_loop
async def test_the_sweep_itself_can_be_braked_and_stopped(key: str, verb: str) -> None:
    app = Desk()
    async with app.run_test(size=(100, 30)) as pilot:
        await ready(pilot)
        await pilot.press(key)
        await pilot.pause()
        await pilot.press("y")
        await pilot.pause()
        [request] = app.sent
        assert (request.verb, request.trials) == (verb, ())


@in_a_loop
async def test_frozen_it_draws_nothing_new() -> None:
    from tuiswp.tui.app import SnapshotArrived

    app = Desk()
    async with app.run_test(size=(100, 30)) as pilot:
        await ready(pilot)
        before = app.snapshot
        await pilot.press("p")
        app.post_message(SnapshotArrived(snapshot()))
        await pilot.pause()
        assert app.snapshot is before
        await pilot.press("p")
        app.post_message(SnapshotArrived(snapshot()))
        await pilot.pause()
        assert app.snapshot is not before


@in_a_loop
async def test_quitting_leaves_with_0_and_asks_nothing() -> None:
    app = Desk()
    async with app.run_test(size=(80, 24)) as pilot:
        await ready(pilot)
        await pilot.press("q")
    assert app.return_value == 0
    assert app.sent == []


@pytest.mark.parametrize("size", [(1, 1), (5, 2), (20, 5), (400, 100)])
@in_a_loop
async def test_any_size_is_survived(size: tuple[int, int]) -> None:
    app = Desk()
    async with app.run_test(size=(80, 24)) as pilot:
        await ready(pilot)
        await pilot.resize_terminal(*size)
        await pilot.pause()
        app.take(snapshot())
        await pilot.resize_terminal(80, 24)
        await pilot.pause()
    assert app.return_code in (None, 0)


@in_a_loop
async def test_a_filter_narrows_the_table_and_escape_clears_it() -> None:
    app = Desk()
    async with app.run_test(size=(100, 30)) as pilot:
        screen = await ready(pilot)
        everything = screen.query_one(Trials).order
        await pilot.press("slash", *"status:run", "enter")
        await pilot.pause()
        assert 0 < len(screen.query_one(Trials).order) < len(everything)
        await pilot.press("escape")
        await pilot.pause()
        assert screen.query_one(Trials).order == everything


def test_a_fault_of_ours_keeps_its_traceback_and_shows_no_variables(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    app = Desk()

    def broken(_: object) -> None:
        secret = "canary-5f3a9c01"
        raise RuntimeError(f"{len(secret)} characters")

    monkeypatch.setattr(app, "take", broken)

    async def play() -> None:
        async with app.run_test(size=(80, 24)) as pilot:
            await pilot.pause()

    with pytest.raises(RuntimeError, match="15 characters"):
        asyncio.run(play())
    assert isinstance(app.crash, RuntimeError)
    said = capsys.readouterr()
    assert "canary" not in said.out + said.err


@in_a_loop
async def test_of_the_past_nothing_can_be_asked_and_escape_comes_back_to_now() -> None:
    app = Desk()
    async with app.run_test(size=(120, 40)) as pilot:
        await ready(pilot)
        await pilot.press("left_square_bracket")
        moment = app.as_of
        assert moment is not None
        shown = snapshot()
        app.take(replace(shown, at=moment, as_of=AsOf(moment, shown.at)))
        await pilot.press("K")
        await pilot.pause()
        assert isinstance(app.screen, SweepScreen)
        assert "AS OF" in seen(app)
        await pilot.press("escape")
        assert app.as_of is None
        assert app.sent == []


@in_a_loop
async def test_a_controller_that_died_is_said_and_one_is_started_after_a_yes(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    started: list[Path] = []

    def start(place: SweepDirectory) -> int:
        started.append(place.root)
        return 4711

    monkeypatch.setattr(opening, "start_in_background", start)
    app = Desk()
    async with app.run_test(size=(120, 40)) as pilot:
        await ready(pilot)
        await pilot.press("W")
        await pilot.pause()
        assert isinstance(app.screen, SweepScreen)  # one runs: nothing to ask
        app.take(snapshot(controller=None))
        await pilot.pause()
        assert "CONTROLLER DEAD" in seen(app)
        assert any("W starts one" in note.message for note in app._notifications)
        await pilot.press("W")
        await pilot.pause()
        assert isinstance(app.screen, ConfirmScreen)
        assert "It takes over 2 running trials" in seen(app)
        await pilot.press("n", "W", "y")
        await pilot.pause()
        await app.workers.wait_for_complete()
        await pilot.pause()
        assert started == [SweepDirectory(app.path).root]
        assert any("pid 4711" in note.message for note in app._notifications)


@in_a_loop
async def test_enter_on_the_gpu_strip_goes_to_the_trial_that_is_pointed_at() -> None:
    app = Desk()
    async with app.run_test(size=(120, 40)) as pilot:
        screen = await ready(pilot)
        screen.query_one(GpuStrip).focus()
        await pilot.press("right", "enter")
        await pilot.pause()
        assert isinstance(app.screen, TrialScreen)
        assert app.screen.number == 8
        assert screen.query_one(Trials).cursor == 8
