"""Choosing columns: on the sweep screen, by keys, with what the feed is then asked for."""

import pytest
from msgspec.structs import replace
from textual.pilot import Pilot

from tests.tui.loops import in_a_loop
from tests.tui.snapshots import HOSTILE, snapshot
from tests.tui.test_app import Desk, ready
from tests.tui.test_screens import is_inert, seen
from tuiswp.tui.screens.choosing import ChooseColumns
from tuiswp.tui.screens.sweep import SweepScreen
from tuiswp.tui.widgets.picks import Picks
from tuiswp.tui.widgets.trials import Trials

pytestmark = pytest.mark.slow  # each of them opens the interface


async def chooser(pilot: Pilot[int]) -> Picks:
    await pilot.press("c")
    await pilot.pause()
    assert isinstance(pilot.app.screen, ChooseColumns)
    return pilot.app.screen.query_one(Picks)


def shown(screen: SweepScreen) -> list[str]:
    return [column.key for column in screen.query_one(Trials)._layout.columns]


@in_a_loop
async def test_a_column_is_taken_off_moved_and_kept() -> None:
    app = Desk()
    async with app.run_test(size=(140, 40)) as pilot:
        screen = await ready(pilot)
        picks = await chooser(pilot)
        picks.select("trend")
        await pilot.press("space")
        picks.select("value")
        await pilot.press(*["comma"] * len(picks.keys))
        await pilot.press("enter")
        await pilot.pause()
        assert shown(screen)[:3] == ["mark", "id", "value"]
        assert "trend" not in shown(screen)


@in_a_loop
async def test_a_logged_metric_becomes_a_column_that_the_feed_is_asked_for_and_that_sorts() -> None:
    app = Desk()
    async with app.run_test(size=(140, 40)) as pilot:
        screen = await ready(pilot)
        picks = await chooser(pilot)
        await pilot.press("slash", *"grad", "enter")
        assert picks.keys == ("metric.grad_norm",)
        await pilot.press("space", "c")
        await pilot.pause()
        assert app.wanted[-1].logged == ("grad_norm",)
        moment = snapshot()
        rows = tuple(replace(row, logged=(float(-row.number),)) for row in moment.rows)
        app.take(replace(moment, rows=rows, logged=("grad_norm",)))
        await pilot.pause()
        assert "metric.grad_norm" in shown(screen)
        table = screen.query_one(Trials)
        assert table.sort_by("metric.grad_norm")
        assert table.order == tuple(sorted(table.order, reverse=True))


@in_a_loop
async def test_escape_changes_nothing_and_reset_lets_the_width_decide_again() -> None:
    app = Desk()
    async with app.run_test(size=(140, 40)) as pilot:
        screen = await ready(pilot)
        before = shown(screen)
        await chooser(pilot)
        await pilot.press("space", "down", "space", "escape")
        await pilot.pause()
        assert shown(screen) == before
        await chooser(pilot)
        await pilot.press("space", "enter")
        await pilot.pause()
        assert shown(screen) != before
        await chooser(pilot)
        await pilot.press("r", "enter")
        await pilot.pause()
        assert shown(screen) == before
        assert screen.query_one(Trials).chosen is None


@in_a_loop
async def test_left_and_right_reach_the_columns_that_do_not_fit_and_a_hint_counts_them() -> None:
    app = Desk()
    async with app.run_test(size=(44, 24)) as pilot:
        screen = await ready(pilot)
        table = screen.query_one(Trials)
        assert "→" in table.summary
        seen_keys = set(shown(screen))
        for _ in range(12):
            await pilot.press("right")
            seen_keys |= set(shown(screen))
        assert set(table.columns) <= seen_keys
        assert "→" not in table.summary
        assert "←" in table.summary
        await pilot.press(*["left"] * 12)
        assert shown(screen)[2] == "state"


@in_a_loop
async def test_names_from_a_trial_reach_the_screen_only_harmless() -> None:
    app = Desk()
    async with app.run_test(size=(120, 40)) as pilot:
        await ready(pilot)
        app.take(replace(snapshot(), metrics=("train_mean_nll", *HOSTILE)))
        await chooser(pilot)
        assert is_inert(seen(app))
