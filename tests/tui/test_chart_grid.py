"""Panes of charts: how many, which metric in each, and what they share."""

import math
from collections.abc import Sequence
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace
from textual.app import App, ComposeResult
from textual.pilot import Pilot
from textual.widgets import Static

from tests.tui.loops import in_a_loop
from tests.tui.snapshots import METRIC, falling, lr_trials, snapshot
from tuiswp.model.trial import Ended
from tuiswp.tui.along import XKind
from tuiswp.tui.snapshot import Curve, KillPoint, SameStep, Snapshot
from tuiswp.tui.widgets.chart import Chart
from tuiswp.tui.widgets.chart_grid import (
    MOST,
    PANE_HEIGHT,
    PANE_WIDTH,
    ChartGrid,
    ChartsView,
    shape,
)

METRICS = ("loss", "acc", "lr", "norm", "speed", "kl")
TRIALS = (7, 0, 8)


def moment(metrics: Sequence[str] = METRICS, x: XKind = "step", **more: object) -> Snapshot:
    curves = {
        (number, name): replace(falling(1.0 + number / 10, points=200), x=x)
        for number, name in product(TRIALS, metrics)
    }
    return replace(snapshot(curves=curves, metrics=metrics), **more)


class Tiny(App[None]):
    def __init__(self, grid: ChartGrid) -> None:
        super().__init__()
        self.grid = grid
        self.changes = 0

    def compose(self) -> ComposeResult:
        yield self.grid

    def on_chart_grid_changed(self, event: ChartGrid.Changed) -> None:
        assert event.control is self.grid
        self.changes += 1


def in_sight(grid: ChartGrid) -> list[Chart]:
    return [pane for pane in grid.query(Chart) if pane.display]


def titles(grid: ChartGrid) -> list[str]:
    return [pane.plot.title for pane in in_sight(grid)]


async def opened(pilot: Pilot[None], grid: ChartGrid, now: Snapshot | None = None) -> None:
    grid.show(moment() if now is None else now, TRIALS, front=7)
    await pilot.pause()
    await pilot.pause()  # new panes are mounted and then have a size


# -- how many panes ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("size", "count", "panes"),
    [
        ((80, 9), 6, (1, 1)),  # the strip below the table at 80x24
        ((72, 31), 6, (2, 3)),  # beside the table at 160x45
        ((109, 43), 20, (3, 3)),  # at 240x60
        ((72, 31), 2, (1, 2)),
        ((72, 31), 1, (1, 1)),
        ((240, 60), 3, (3, 1)),
        ((1, 1), 9, (1, 1)),
        ((160, 12), 4, (2, 1)),
    ],
)
def test_the_space_decides_how_many_panes_there_are(
    size: tuple[int, int], count: int, panes: tuple[int, int]
) -> None:
    assert shape(*size, count) == panes


@given(st.integers(0, 300), st.integers(0, 100), st.integers(0, 40))
def test_no_pane_is_too_small_to_read_and_none_is_without_need(
    width: int, height: int, count: int
) -> None:
    columns, rows = shape(width, height, count)
    assert 1 <= columns <= MOST
    assert 1 <= rows <= MOST
    assert columns == 1 or width // columns >= PANE_WIDTH
    assert rows == 1 or height // rows >= PANE_HEIGHT
    assert columns * rows < max(1, count) + max(columns, rows)


@in_a_loop
async def test_each_pane_has_one_metric_and_the_objective_is_first() -> None:
    grid = ChartGrid()
    async with Tiny(grid).run_test(size=(80, 24)) as pilot:
        await opened(pilot, grid)
        assert titles(grid) == ["loss", "acc", "lr", "norm"]
        assert grid.wants(TRIALS).metrics == METRICS[:4]
        assert all(pane.size.width >= 35 for pane in in_sight(grid))
        await pilot.resize_terminal(80, 12)
        await pilot.pause()
        assert titles(grid) == ["loss"]
        await opened(pilot, grid, moment(("loss",)))
        assert titles(grid) == ["loss"]


# -- paging --------------------------------------------------------------------------------------


@in_a_loop
async def test_paging_goes_round_and_the_focus_stays_where_it_was() -> None:
    grid = ChartGrid()
    async with Tiny(grid).run_test(size=(80, 24)) as pilot:
        await opened(pilot, grid)
        panes = in_sight(grid)
        panes[1].focus()
        await pilot.pause()
        assert grid.do("metric_next")
        assert titles(grid) == ["speed", "kl"]
        assert grid.active is panes[1]
        grid.do("metric_next")
        assert titles(grid) == list(METRICS[:4])
        panes[3].focus()
        await pilot.pause()
        grid.do("metric_previous")
        await pilot.pause()
        assert titles(grid) == ["speed", "kl"]
        assert grid.active is panes[1]  # the last that is left


@in_a_loop
async def test_a_full_pane_pages_one_metric_at_a_time() -> None:
    grid = ChartGrid()
    app = Tiny(grid)
    async with app.run_test(size=(80, 24)) as pilot:
        await opened(pilot, grid)
        app.screen.maximize(grid.panes[1])
        await pilot.pause()
        assert grid.panes[1].size.width >= 78
        grid.do("metric_next")
        assert grid.panes[1].plot.title == "lr"
        app.screen.minimize()
        await pilot.pause()
        assert titles(grid) == ["acc", "lr", "norm", "speed"]


@in_a_loop
async def test_above_the_panes_stands_which_page_it_is_and_how_the_chosen_trial_does() -> None:
    grid = ChartGrid()
    same = SameStep(7, 1210.0, 0.2012, 6, 0.2216, 0.092)
    async with Tiny(grid).run_test(size=(80, 24)) as pilot:
        await opened(pilot, grid, moment(same_step=same))
        told = "t0007 at step 1210: 0.2012, t0006 had 0.2216: 9.2% better"
        assert caption(grid) == f"1/2  {told}"
        grid.show(moment(same_step=same), TRIALS, front=8)
        assert caption(grid) == "1/2"
        grid.show(moment(same_step=same), TRIALS, front=7)
        await pilot.resize_terminal(80, 12)
        await pilot.pause()
        assert grid.panes[0].plot.note == f"1/6  {told}"


@in_a_loop
async def test_hidden_charts_want_no_curves_and_are_there_when_shown_again() -> None:
    grid = ChartGrid()
    async with Tiny(grid).run_test(size=(80, 24)) as pilot:
        await opened(pilot, grid)
        grid.display = False
        assert grid.wants(TRIALS).trials == ()
        grid.show(replace(moment(), curves={}), TRIALS)
        await pilot.pause()
        assert grid.panes[0].plot.lines
        grid.display = True
        await pilot.pause()
        assert not grid.panes[0].plot.lines
        assert grid.wants(TRIALS).trials == TRIALS


def caption(grid: ChartGrid) -> str:
    return str(grid.query_one(".caption", Static).render())


# -- what panes share ----------------------------------------------------------------------------


@in_a_loop
async def test_zoom_cross_hair_and_smoothing_are_shared_and_log_y_is_not() -> None:
    grid = ChartGrid()
    app = Tiny(grid)
    async with app.run_test(size=(80, 24)) as pilot:
        await opened(pilot, grid)
        first, second, *_ = in_sight(grid)
        second.focus()
        await pilot.pause()
        for action in ("crosshair", "zoom_in", "smooth_more", "log_y"):
            assert grid.do(action)
            await pilot.pause()
        assert second.view.log_y
        assert not first.view.log_y
        for pane in in_sight(grid):
            assert pane.view.x_range == second.view.x_range is not None
            assert pane.view.cursor == second.view.cursor is not None
            assert pane.view.smooth == 0.3
        assert app.changes == 4
        wanted = grid.wants(TRIALS)
        assert (wanted.span, wanted.smooth) == (second.view.x_range, 0.3)


@in_a_loop
async def test_focus_and_cross_hair_survive_paging_and_resizing() -> None:
    grid = ChartGrid()
    async with Tiny(grid).run_test(size=(80, 24)) as pilot:
        await opened(pilot, grid)
        grid.panes[1].focus()
        await pilot.pause()
        grid.do("crosshair")
        grid.do("far_left")
        await pilot.pause()
        cursor = grid.panes[0].view.cursor
        assert cursor is not None
        grid.do("metric_next")
        await pilot.resize_terminal(120, 40)
        await pilot.pause()
        await pilot.pause()
        assert {pane.view.cursor for pane in in_sight(grid)} == {cursor}
        assert grid.panes[1].has_focus
        assert all(pane.readout is not None for pane in in_sight(grid))


@in_a_loop
async def test_another_x_axis_lets_go_of_the_zoom_and_keeps_the_cross_hair() -> None:
    grid = ChartGrid()
    async with Tiny(grid).run_test(size=(80, 24)) as pilot:
        await opened(pilot, grid)
        grid.do("crosshair")
        grid.do("zoom_in")
        await pilot.pause()
        grid.do("x_kind")
        assert grid.wants(TRIALS).x == "time"
        assert grid.wants(TRIALS).span is None
        assert grid.panes[0].shown.cursor is None  # until the curves are there
        grid.show(moment(x="time"), TRIALS)
        await pilot.pause()
        assert {pane.shown.cursor for pane in in_sight(grid)} == {200.0}
        assert {pane.shown.x for pane in in_sight(grid)} == {"time"}
        grid.do("x_kind")
        grid.do("x_kind")
        assert grid.wants(TRIALS).x == "step"


@in_a_loop
async def test_a_pane_says_so_where_no_times_were_logged() -> None:
    grid = ChartGrid()
    now = moment(("loss", "acc"))
    curves = {
        key: Curve((), (), 9, "time") if key[1] == "loss" or key[0] == 0 else replace(one, x="time")
        for key, one in now.curves.items()
    }
    async with Tiny(grid).run_test(size=(80, 24)) as pilot:
        grid.do("x_kind")
        await opened(pilot, grid, replace(now, curves=curves))
        without, with_some = in_sight(grid)
        rows = [without.render_line(y).text for y in range(without.size.height)]
        assert any("no times logged" in row for row in rows)
        assert "1 without times" in with_some.render_line(0).text


@in_a_loop
async def test_what_a_person_chose_can_be_kept_and_given_back() -> None:
    grid = ChartGrid()
    async with Tiny(grid).run_test(size=(80, 24)) as pilot:
        await opened(pilot, grid)
        for action in ("metric_next", "smooth_more", "log_y", "log_x", "x_kind"):
            grid.do(action)
            await pilot.pause()
        grid.refer_to(8)
        kept = grid.state
        assert kept == ChartsView("speed", "time", 0.3, True, ("speed",), 8)
    again = ChartGrid()
    again.state = kept
    async with Tiny(again).run_test(size=(80, 24)) as pilot:
        await opened(pilot, again)
        assert titles(again) == ["speed", "kl"]
        assert again.panes[0].shown.log_y
        assert again.wants(TRIALS).smooth == 0.3
        assert again.state == kept


# -- whose curves --------------------------------------------------------------------------------


@in_a_loop
async def test_the_reference_is_read_drawn_last_and_compared_with() -> None:
    grid = ChartGrid()
    now = replace(moment(), metrics=("train_mean_nll", "acc"))
    now = replace(now, curves={(n, "train_mean_nll"): falling(1.0 + n) for n in TRIALS})
    async with Tiny(grid).run_test(size=(80, 24)) as pilot:
        await opened(pilot, grid, now)
        best = now.judgement.optimum
        assert best is not None
        assert grid.panes[0].plot.reference == best.number
        assert grid.panes[1].plot.reference is None  # of that metric nobody said what is better
        grid.refer_to(0)
        plot = grid.panes[0].plot
        assert plot.reference == plot.lines[-1].key == 0
        assert [line.key for line in plot.lines if line.front] == [7, 0]
        assert grid.wants((7,)).trials == (7, 0)
        assert grid.wants(None).trials is None
        grid.refer_to(0)
        assert grid.wants((7,)).trials == (7,)


@in_a_loop
async def test_kill_points_and_pruned_trials_come_from_the_snapshot() -> None:
    trials = [
        replace(trial, status=Ended(0.0, "pruned", "pruned", "")) if trial.number == 0 else trial
        for trial in lr_trials()
    ]
    now = moment([METRIC], kill_points=(KillPoint(25.0, "kill 25"),))
    pruned = {trial.number: trial for trial in trials}
    state = replace(now.view.state, trials=pruned)
    now = replace(now, view=replace(now.view, state=state))
    grid = ChartGrid()
    async with Tiny(grid).run_test(size=(80, 24)) as pilot:
        await opened(pilot, grid, now)
        pane = grid.panes[0]
        rows = [pane.render_line(y).text for y in range(pane.size.height)]
        assert any("⊣kill 25" in row for row in rows)
        assert {line.key for line in pane.plot.lines if line.pruned} == {0}


@in_a_loop
async def test_without_a_metric_every_action_is_taken() -> None:
    grid = ChartGrid(ascii=True, colour=False)
    async with Tiny(grid).run_test(size=(80, 24)) as pilot:
        for action in ("metric_next", "metric_previous", "x_kind", "crosshair", "zoom_in"):
            assert grid.do(action)
        assert not grid.do("terminate")
        grid.refer_to(3)
        await opened(pilot, grid, moment(()))
        assert math.isclose(grid.wants(TRIALS).smooth, 0.0)
