"""The chart keys on the screens that have charts: what is asked of the feed, where the focus is."""

from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

import pytest
from msgspec.structs import replace
from textual.app import App
from textual.screen import Screen

from tests.tui.loops import in_a_loop
from tests.tui.snapshots import METRIC, default_curves, falling, lr_trials, snapshot
from tuiswp.tui.screens.compare import CompareScreen, at_same_step, compare_lines
from tuiswp.tui.screens.sweep import SweepScreen
from tuiswp.tui.screens.trial import TrialScreen
from tuiswp.tui.snapshot import SameStep, Snapshot
from tuiswp.tui.widgets.chart import Chart
from tuiswp.tui.widgets.chart_grid import ChartGrid

pytestmark = pytest.mark.slow  # each of them opens the interface

T = TypeVar("T")


def full() -> Snapshot:
    trials = lr_trials()
    return snapshot(trials, curves=default_curves(trials))


async def on(
    screen: Screen[Any], act: Callable[[Any], Awaitable[T]], size: tuple[int, int] = (160, 45)
) -> T:
    app: App[None] = App()
    async with app.run_test(size=size) as pilot:
        await app.push_screen(screen)
        screen.update(full())  # type: ignore[attr-defined]  # every screen has it
        await pilot.pause()
        await pilot.pause()
        return await act(pilot)


@pytest.mark.parametrize(
    "make", [SweepScreen, lambda: TrialScreen(7), lambda: CompareScreen([0, 7])]
)
@in_a_loop
async def test_the_x_key_asks_for_curves_by_time_and_by_progress(
    make: Callable[[], Any],
) -> None:
    screen = make()

    async def act(pilot: Any) -> list[str]:
        asked = [screen.wants.x]
        for _ in range(3):
            await pilot.press("x")
            asked.append(screen.wants.x)
        return asked

    assert await on(screen, act) == ["step", "time", "progress", "step"]


@in_a_loop
async def test_tab_goes_from_the_table_through_every_pane() -> None:
    screen = SweepScreen()

    async def act(pilot: Any) -> int:
        reached = set()
        for _ in range(6):
            screen.focus_next()
            await pilot.pause()
            if isinstance(screen.focused, Chart):
                reached.add(screen.focused)
        return len(reached)

    assert await on(screen, act) == 2


@in_a_loop
async def test_marking_the_reference_puts_its_curve_among_the_others() -> None:
    screen = SweepScreen()

    async def act(pilot: Any) -> None:
        assert screen.wants.trials is not None
        await pilot.press("end", "m")
        await pilot.pause()
        number = screen.wants.compare
        assert number is not None
        assert screen.query_one(ChartGrid).state.reference == number
        assert number in screen.wants.trials

    await on(screen, act)


@pytest.mark.parametrize("size", [(80, 24), (160, 45)])
@in_a_loop
async def test_the_trial_under_the_cursor_is_put_beside_the_best(size: tuple[int, int]) -> None:
    screen = SweepScreen()

    async def act(pilot: Any) -> str:
        number = screen.wants.compare
        assert number is not None
        same = SameStep(number, 1210.0, 0.2012, 6, 0.2216, 0.092)
        screen.update(replace(full(), same_step=same))
        await pilot.pause()
        if screen.query_one(ChartGrid).has_class("many"):
            return str(screen.query_one("ChartGrid .caption").render())
        return screen.query(Chart).first().render_line(0).text

    said = "0.2012, t0006 had 0.2216: 9.2% better"
    assert said in await on(screen, act, size)


@in_a_loop
async def test_a_full_pane_keeps_what_was_zoomed_and_gives_the_room_back() -> None:
    screen = SweepScreen()

    async def act(pilot: Any) -> None:
        chart = screen.query(Chart).first()
        chart.focus()
        await pilot.press("plus", "z")
        await pilot.pause()
        assert chart.size.width > 150
        assert screen.wants.span is not None
        await pilot.press("escape")
        await pilot.pause()
        assert chart.size.width < 80
        assert chart.has_focus

    await on(screen, act)


@in_a_loop
async def test_the_table_of_a_comparison_is_of_whole_curves_however_far_one_zooms() -> None:
    screen = CompareScreen([0, 7])

    async def act(pilot: Any) -> None:
        await pilot.press("plus", "plus")
        await pilot.pause()
        assert screen.query(Chart).first().view.x_range is not None
        assert screen.wants.span is None
        assert screen.wants.metrics == full().metrics

    await on(screen, act)


def test_a_comparison_by_time_names_the_time() -> None:
    curves = {
        (number, METRIC): replace(falling(end, points=90), x="time")
        for number, end in ((0, 2.0), (7, 1.0))
    }
    now = snapshot(curves=curves)
    (at,) = at_same_step(now, [0, 7])
    assert at.place == "90 s"
    text = "\n".join("".join(part for part, _ in line) for line in compare_lines(now, [0, 7], 100))
    assert f"{METRIC} @90 s" in text
    assert "At 90 s t0007 is best" in text
