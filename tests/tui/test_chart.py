"""The chart in a running app: what keys and the mouse do to it, and how little is drawn again."""

import math

import msgspec
import pytest
from textual.app import App, ComposeResult
from textual.events import MouseScrollDown, MouseScrollUp
from textual.geometry import Region
from textual.pilot import Pilot

from tests.tui.loops import in_a_loop
from tuiswp.tui.plot import Line, Plot
from tuiswp.tui.widgets.chart import Chart, View

SIZE = (80, 24)


def line(key: int, count: int, *, front: bool = False) -> Line:
    xs = [5.0 * n for n in range(count)]
    ys = [3.0 * math.exp(-n / 60.0) + 1.0 + key / 8.0 for n in range(count)]
    return Line(key, f"t{key:04}", xs, ys, slot=key, front=front)


def plot(count: int = 200) -> Plot:
    return Plot("loss", (line(0, count, front=True), line(1, count // 2)))


class Watched(Chart):
    """Remembers what was marked to be drawn again; an empty entry is all of it."""

    marked: list[tuple[Region, ...]]

    def refresh(
        self,
        *regions: Region,
        repaint: bool = True,
        layout: bool = False,
        recompose: bool = False,
    ) -> "Watched":
        if not hasattr(self, "marked"):
            self.marked = []
        self.marked.append(regions)
        super().refresh(*regions, repaint=repaint, layout=layout, recompose=recompose)
        return self


class Tiny(App[None]):
    def __init__(self, chart: Chart) -> None:
        super().__init__()
        self.chart = chart
        self.told: list[View] = []

    def compose(self) -> ComposeResult:
        yield self.chart

    def on_chart_view_changed(self, message: Chart.ViewChanged) -> None:
        assert message.control is self.chart
        assert message.span == message.view.x_range
        self.told.append(message.view)


def rows(chart: Chart) -> list[str]:
    return [chart.render_line(y).text for y in range(chart.size.height)]


def on_screen(app: App[None]) -> list[str]:
    """What the compositor has for the terminal, row by row."""
    return [strip.text for strip in app.screen._compositor.render_strips()]


def in_sight(chart: Chart) -> tuple[float, float] | None:
    return chart.view.x_range


def ranked(chart: Chart) -> list[int] | None:
    return [one.key for one in chart.readout.readings] if chart.readout is not None else None


def column_of(chart: Chart, x: float | None) -> int | None:
    frame = chart._current().frame
    assert frame is not None
    assert x is not None
    return frame.column_of(x)


async def settle(pilot: Pilot[None]) -> None:
    await pilot.pause()


@in_a_loop
async def test_the_chart_fills_its_place_and_shows_what_it_was_given() -> None:
    app = Tiny(Chart(plot()))
    async with app.run_test(size=SIZE) as pilot:
        shown = on_screen(app)
        assert [len(row) for row in shown] == [80] * 24
        assert shown[0].startswith("loss")
        assert any(row.endswith("●t0000") for row in shown)
        await pilot.resize_terminal(50, 12)
        await settle(pilot)
        assert [len(row) for row in on_screen(app)] == [50] * 12
        assert rows(app.chart) == on_screen(app)


@pytest.mark.parametrize("size", [(1, 1), (2, 30), (200, 1), (7, 5)])
@in_a_loop
async def test_any_size_is_survived(size: tuple[int, int]) -> None:
    app = Tiny(Chart(plot()))
    async with app.run_test(size=size) as pilot:
        app.chart.cursor_toggle()
        app.chart.zoom(2.0)
        await settle(pilot)
        assert [len(row) for row in rows(app.chart)] == [size[0]] * size[1]


@in_a_loop
async def test_a_new_last_point_marks_few_rows_and_the_screen_follows() -> None:
    chart = Watched(plot(180))
    app = Tiny(chart)
    async with app.run_test(size=SIZE) as pilot:
        chart.marked.clear()
        chart.plot = plot(184)
        marked = [region for regions in chart.marked for region in regions]
        assert () not in chart.marked
        assert 1 <= len({region.y for region in marked}) <= 4
        assert sum(region.area for region in marked) < 30
        await settle(pilot)
        assert on_screen(app) == rows(chart)


@in_a_loop
async def test_the_same_plot_again_marks_nothing() -> None:
    chart = Watched(plot())
    async with Tiny(chart).run_test(size=SIZE):
        chart.marked.clear()
        chart.plot = plot()
        chart.plot = msgspec.structs.replace(plot(), lines=tuple(plot().lines))
        assert chart.marked == []


@in_a_loop
async def test_another_title_starts_with_axes_of_its_own() -> None:
    chart = Chart(plot())
    async with Tiny(chart).run_test(size=SIZE):
        wide = Plot("other", (Line(0, "t0000", [0.0, 5.0], [0.0, 900.0]),))
        chart.plot = wide
        chart.plot = plot()
        frame = chart._current().frame
        assert frame is not None
        assert frame.y.high < 10.0


@in_a_loop
async def test_zoom_and_pan_change_what_is_in_sight_and_tell_the_screen() -> None:
    app = Tiny(Chart(plot()))
    async with app.run_test(size=SIZE) as pilot:
        chart = app.chart
        chart.pan(0.5)
        assert in_sight(chart) is None
        chart.zoom(2.0)
        assert chart.view.x_range == pytest.approx((250.0, 750.0))
        chart.pan(-0.2)
        assert chart.view.x_range == pytest.approx((150.0, 650.0))
        chart.pan(-9.0)
        assert chart.view.x_range == pytest.approx((0.0, 500.0))
        chart.plot = plot(201)
        assert "zoomed" in rows(chart)[0]
        chart.zoom(0.1)
        assert in_sight(chart) is None
        await settle(pilot)
        assert len(app.told) == 4
        chart.zoom(4.0)
        chart.reset_zoom()
        assert "zoomed" not in rows(chart)[0]


@in_a_loop
async def test_zooming_in_for_ever_ends() -> None:
    chart = Chart(plot())
    async with Tiny(chart).run_test(size=SIZE):
        for _ in range(200):
            chart.zoom(2.0)
        low, high = in_sight(chart) or (0.0, 0.0)
        assert 1e-4 < high - low < 1.0


@in_a_loop
async def test_a_log_x_axis_zooms_by_its_own_measure() -> None:
    chart = Chart(plot())
    async with Tiny(chart).run_test(size=SIZE):
        chart.toggle_log_x()
        frame = chart._current().frame
        assert frame is not None
        assert frame.x.log
        chart.zoom(2.0)
        low, high = in_sight(chart) or (0.0, 0.0)
        assert 0.0 < low < 50.0 < high < 500.0
        chart.toggle_log_x()
        assert in_sight(chart) is None


@in_a_loop
async def test_axes_and_smoothing_stay_as_chosen_when_the_next_plot_comes() -> None:
    chart = Chart(plot())
    async with Tiny(chart).run_test(size=SIZE):
        chart.toggle_log_y()
        chart.smooth(+2)
        chart.plot = plot(201)
        assert "log y" in rows(chart)[0]
        assert "ema 0.6" in rows(chart)[0]
        chart.smooth(-9)
        chart.toggle_log_y()
        assert rows(chart)[0].strip() == "loss"
        chart.smooth(+99)
        assert chart.shown.smooth == 0.99


@in_a_loop
async def test_the_cross_hair_moves_by_columns_and_ranks_what_it_meets() -> None:
    chart = Chart(plot())
    async with Tiny(chart).run_test(size=SIZE):
        assert ranked(chart) is None
        chart.cursor_toggle()
        assert chart.view.cursor == 995.0
        start = column_of(chart, chart.view.cursor)
        assert start is not None
        chart.cursor_move(-10)
        assert column_of(chart, chart.view.cursor) == start - 10
        assert ranked(chart) == [0, 1]
        assert any("┆" in row for row in rows(chart))
        chart.cursor_to("start")
        assert chart.view.cursor == 0.0
        chart.cursor_move(-1000)
        frame = chart._current().frame
        assert frame is not None
        assert column_of(chart, chart.view.cursor) == frame.left
        chart.cursor_toggle()
        assert ranked(chart) is None
        assert not any("┆" in row for row in rows(chart))


@in_a_loop
async def test_at_the_edge_of_a_zoomed_chart_the_cross_hair_takes_the_view_along() -> None:
    chart = Chart(plot())
    async with Tiny(chart).run_test(size=SIZE):
        chart.zoom(4.0)
        chart.cursor_to("end")
        before = in_sight(chart)
        assert before is not None
        chart.cursor_move(+10)
        assert (in_sight(chart) or before)[0] > before[0]
        assert column_of(chart, chart.view.cursor) is not None


@in_a_loop
async def test_two_charts_can_share_a_view() -> None:
    app = Tiny(Chart(plot()))
    async with app.run_test(size=SIZE) as pilot:
        app.chart.view = View(x_range=(100.0, 300.0), cursor=200.0, log_y=True)
        await settle(pilot)
        assert app.told == []  # whoever set it knows
        assert "zoomed" in rows(app.chart)[0]
        assert app.chart.readout is not None
        assert app.chart.readout.x == 200.0


@in_a_loop
async def test_the_wheel_zooms_where_the_mouse_is_and_a_click_sets_the_cross_hair() -> None:
    app = Tiny(Chart(plot()))
    async with app.run_test(size=SIZE) as pilot:
        chart = app.chart
        await pilot.click(Chart, offset=(40, 10))
        assert column_of(chart, chart.view.cursor) == 40
        under = chart._current().frame
        assert under is not None
        x = under.x_at(20)
        await pilot._post_mouse_events([MouseScrollUp], Chart, offset=(20, 10))
        assert in_sight(chart) is not None
        assert abs((column_of(chart, x) or 0) - 20) <= 1
        await pilot._post_mouse_events([MouseScrollDown, MouseScrollDown], Chart, offset=(20, 10))
        assert in_sight(chart) is None
        await pilot.click(Chart, offset=(1, 10))  # on the axis: nothing to point at
        assert column_of(chart, chart.view.cursor) == 40


@in_a_loop
async def test_an_empty_chart_takes_every_command() -> None:
    chart = Chart()
    async with Tiny(chart).run_test(size=SIZE) as pilot:
        chart.zoom(2.0)
        chart.pan(1.0)
        chart.cursor_toggle()
        chart.cursor_move(3)
        chart.cursor_to("start")
        chart.smooth(1)
        chart.toggle_log_x()
        chart.toggle_log_y()
        chart.reset_zoom()
        await pilot.click(Chart, offset=(40, 10))
        assert any("no data yet" in row for row in rows(chart))


@in_a_loop
async def test_without_colour_and_in_ascii_nothing_else_is_drawn() -> None:
    def hues() -> int:
        styles = {segment.style for y in range(SIZE[1]) for segment in chart.render_line(y)}
        return len({style.color for style in styles if style is not None})

    chart = Chart(plot())
    async with Tiny(chart).run_test(size=SIZE) as pilot:
        assert hues() > 2
        chart.plot = msgspec.structs.replace(plot(), ascii=True, colour=False)
        await settle(pilot)
        assert hues() == 1  # the theme's own
        assert all(row.isascii() for row in rows(chart))
