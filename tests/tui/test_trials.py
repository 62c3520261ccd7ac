"""The trials table under a person's hands: cursor, marks, sort, freeze, filter, scrolling."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from textual.app import App, ComposeResult
from textual.message import Message
from textual.pilot import Pilot
from textual.strip import Strip

from tests.tui.rows import NAMES, row, running
from tests.tui.test_columns import any_row
from tuiswp.model.sweep import Goal
from tuiswp.tui.ordering import Ordering
from tuiswp.tui.snapshot import TrialRow
from tuiswp.tui.widgets.trials import Trials

SIZES = [(80, 24), (160, 45)]


class Table(App[None]):
    """The table alone, fed by hand; `said` gathers its messages."""

    def __init__(self, *, colour: bool = True, ascii: bool = False) -> None:
        super().__init__()
        self.table = Trials(colour=colour, ascii=ascii)
        self.said: list[Message] = []

    def compose(self) -> ComposeResult:
        yield self.table

    def on_mount(self) -> None:
        self.table.focus()

    def on_trials_highlighted(self, message: Trials.Highlighted) -> None:
        self.said.append(message)

    def on_trials_opened(self, message: Trials.Opened) -> None:
        self.said.append(message)

    def on_trials_marks_changed(self, message: Trials.MarksChanged) -> None:
        self.said.append(message)

    def show(self, rows: Sequence[TrialRow], now: float = 0.0) -> None:
        self.table.show(tuple(rows), NAMES, "val_loss", "minimize", now)

    def screen_lines(self) -> list[str]:
        """What stands on the screen, the table's lines."""
        strips = self.table.render_lines(self.table.size.region)
        return [strip.text for strip in strips]


Steps = Callable[[Table, Pilot[None]], Awaitable[None]]


def play(steps: Steps, size: tuple[int, int] = (80, 24), app: Table | None = None) -> Table:
    """Run `steps` in an app of `size`."""
    app = Table() if app is None else app

    async def run() -> None:
        async with app.run_test(size=size) as pilot:
            await steps(app, pilot)

    asyncio.run(run())
    return app


TEN = [row(number) for number in range(10)]


@pytest.mark.parametrize("size", SIZES)
def test_the_best_is_on_top_and_rows_without_a_value_at_the_end(size: tuple[int, int]) -> None:
    async def steps(app: Table, pilot: Pilot[None]) -> None:
        app.show([row(1, value=0.5), running(2, value=0.3), row(3, value=None), row(0, value=0.9)])
        await pilot.pause()
        lines = app.screen_lines()
        assert lines[0].split()[0] == "trial"
        ids = [line[3:8] for line in lines[1:5]]
        assert ids == ["t0002", "t0001", "t0000", "t0003"]
        assert {len(line) for line in lines} == {size[0]}

    play(steps, size)


@pytest.mark.parametrize("size", SIZES)
def test_the_cursor_moves_stays_on_its_trial_and_is_told(size: tuple[int, int]) -> None:
    async def steps(app: Table, pilot: Pilot[None]) -> None:
        app.show(TEN)
        await pilot.press("down", "j", "down", "k")
        assert app.table.cursor == 2
        app.show([*TEN[:2], row(2, value=9.0), *TEN[3:]], now=10.0)  # the move counts from here
        assert app.table.order[2] == 2
        app.show([*TEN[:2], row(2, value=9.0), *TEN[3:]], now=13.5)
        assert app.table.order[-1] == 2 == app.table.cursor
        await pilot.press("home")
        assert app.table.cursor == 0
        await pilot.press("G", "enter")
        await pilot.pause()

    app = play(steps, size)
    told = [m.number for m in app.said if isinstance(m, Trials.Highlighted)]
    assert told[:5] == [0, 1, 2, 3, 2]
    assert [m.number for m in app.said if isinstance(m, Trials.Opened)] == [2]


def test_rows_do_not_jump_while_the_cursor_moves_and_the_hint_says_how_many_would() -> None:
    async def steps(app: Table, pilot: Pilot[None]) -> None:
        app.show(TEN, now=0.0)
        app.table.move(1, now=1.0)
        worse = [row(0, value=5.0), *TEN[1:8], row(8, value=0.0), TEN[9]]
        app.show(worse, now=2.0)
        assert app.table.order == tuple(range(10))
        assert "2 rows would move" in app.table.summary
        app.show(worse, now=4.1)
        assert app.table.order == (8, *range(1, 8), 9, 0)
        assert "would move" not in app.table.summary

    play(steps)


def test_sorting_on_purpose_applies_what_was_held() -> None:
    table = Ordering()
    table.show(TEN, NAMES, "minimize", 0.0)
    table.move_to(1, 0.5)
    table.show([row(0, value=5.0), *TEN[1:]], NAMES, "minimize", 1.0)
    assert table.pending == 1
    table.sort_by("value")
    assert (table.pending, table.order[-1]) == (0, 0)


def test_new_trials_join_at_the_end_while_the_order_is_held_and_gone_ones_leave() -> None:
    table = Ordering()
    table.show(TEN[:4], NAMES, "minimize", 0.0)
    table.move_to(2, 0.5)
    table.show([*TEN[:2], TEN[3], row(7, value=-1.0)], NAMES, "minimize", 1.0)
    assert table.order == [0, 1, 3, 7]
    assert table.cursor == 3  # t0002 is gone: the row that took its place
    table.show([*TEN[:2], TEN[3], row(7, value=-1.0)], NAMES, "minimize", 9.0)
    assert table.order == [7, 0, 1, 3]


def test_a_table_sorts_by_any_column_and_unknown_values_stay_last_either_way() -> None:
    table = Ordering()
    rows = [
        row(0, params=("1e-2", "64", "sgd"), step=None, state="running"),
        row(1, params=("1e-4", "8", "adam"), step=5.0),
        row(2, params=("1e-3", "128", "sgd"), step=3.0, state="failed"),
    ]
    table.show(rows, NAMES, "maximize", 0.0)
    assert table.order == [2, 1, 0]
    for name, order in {
        "lr": [1, 2, 0], "batch_size": [1, 0, 2], "opt": [1, 0, 2], "step": [2, 1, 0],
        "state": [0, 1, 2], "id": [0, 1, 2], "param.lr": [1, 2, 0],
    }.items():  # fmt: skip
        assert table.sort_by(name)
        assert table.order == order, name
    table.sort_by("step")
    table.reverse()
    assert table.order == [1, 2, 0]
    assert not table.sort_by("nonsense")


def test_marks_toggle_range_invert_and_clear() -> None:
    async def steps(app: Table, pilot: Pilot[None]) -> None:
        table = app.table
        app.show(TEN)
        assert table.selection() == (0,)
        table.toggle_mark()
        await pilot.press("down", "down", "down")
        table.mark_range()
        assert table.selection() == (0, 1, 2, 3)
        await pilot.pause()
        assert app.screen_lines()[4].startswith(">*")
        assert app.screen_lines()[1].startswith(" *")
        table.invert_marks()
        assert table.selection() == (4, 5, 6, 7, 8, 9)
        assert "6 marked" in table.summary
        app.show(TEN[:6], now=9.0)
        assert table.selection() == (4, 5)  # a trial that is gone is not acted on
        table.clear_marks()
        assert table.selection() == (3,)
        await pilot.pause()

    app = play(steps)
    assert sum(isinstance(m, Trials.MarksChanged) for m in app.said) == 4


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("lr>=3e-4", [1, 2, 3]),
        ("lr>=3e-4 batch_size:32", [3]),
        ("status:run,ok", [0, 1, 2]),
        ("status:run", [1]),
        ("-status:ok", [1, 3]),
        ("t0002", [2]),
        ("id:2", [2]),
        ("step<100", [1]),
        ("value>0.2", [2, 3]),
        ("gpu:G0", [1]),
        ("flag:NaN", [3]),
        ("opt!=sgd", [1, 3]),
        ("oom", [3]),
        ("", [0, 1, 2, 3]),
        ('"failed gpu"', [3]),
    ],
)
def test_a_filter_shows_what_it_asks_for(query: str, found: list[int]) -> None:
    table = Ordering()
    rows = [
        row(0, params=("1e-4", "32", "sgd")),
        running(1, params=("3e-4", "64", "adam"), step=50.0, value=None),
        row(2, params=("1e-3", "64", "sgd")),
        row(3, params=("0.01", "32", "adam"), state="failed", cause="gpu-oom", flags=("NaN",)),
    ]
    table.show(rows, NAMES, "minimize", 0.0)
    assert table.filter(query) is None
    assert sorted(table.order) == found


@pytest.mark.parametrize(
    ("query", "why"),
    [
        ("lr>=abc", "abc is no number"),
        ("nonsense:1", "no field nonsense"),
        ("lr:", "needs a value"),
        ('lr:"1', "not closed"),
    ],
)
def test_a_wrong_filter_keeps_the_rows_and_says_why(query: str, why: str) -> None:
    async def steps(app: Table, pilot: Pilot[None]) -> None:
        app.show(TEN)
        assert app.table.filter("lr>=9e-4") is None
        before = app.table.order
        fault = app.table.filter(query)
        assert fault is not None and why in fault
        assert app.table.order == before and "filter lr>=9e-4" in app.table.summary

    play(steps)


def test_a_parameter_named_like_a_field_is_reached_by_its_full_name() -> None:
    table = Ordering()
    table.show([row(0, params=("7",)), row(1, params=("8",))], ("step",), "minimize", 0.0)
    assert table.filter("step:7") is None
    assert table.order == []
    assert table.filter("param.step:7") is None
    assert table.order == [0]


@pytest.mark.parametrize("size", SIZES)
def test_ten_thousand_rows_scroll_with_the_cursor_and_the_wheel(size: tuple[int, int]) -> None:
    async def steps(app: Table, pilot: Pilot[None]) -> None:
        app.show([row(number, value=float(number)) for number in range(10_000)])
        await pilot.press("G")
        await pilot.pause()
        assert app.table.cursor == 9_999
        assert "t9999" in app.screen_lines()[-1]
        assert app.screen_lines()[-1].startswith(">")
        await pilot.press("pageup")
        assert app.table.cursor == 9_999 - (size[1] - 2)
        await pilot.press("g")
        await pilot.pause()
        assert app.screen_lines()[1].startswith(">  t0000")
        app.table.scroll_to(y=5000, animate=False)
        await pilot.pause()
        assert "t5000" in app.screen_lines()[1]
        assert app.table.cursor == 0  # the wheel moves the view, not the cursor

    play(steps, size)


def test_clicks_select_open_and_sort() -> None:
    async def steps(app: Table, pilot: Pilot[None]) -> None:
        app.show(TEN)
        await pilot.pause()
        await pilot.click(Trials, offset=(8, 4))
        assert app.table.cursor == 3
        header = app.screen_lines()[0]
        await pilot.click(Trials, offset=(header.index("trial"), 0))
        assert "sort trial" in app.table.summary
        await pilot.click(Trials, offset=(header.index("trial"), 0))
        assert app.table.order == tuple(range(9, -1, -1))
        await pilot.pause()

    play(steps)


def test_only_lines_that_changed_are_drawn_again(monkeypatch: pytest.MonkeyPatch) -> None:
    drawn: list[int] = []

    async def steps(app: Table, pilot: Pilot[None]) -> None:
        app.show(TEN)
        await pilot.pause()
        real = app.table.render_line

        def watched(y: int) -> Strip:
            drawn.append(y)
            return real(y)

        monkeypatch.setattr(app.table, "render_line", watched)
        app.show([*TEN[:3], row(3, step=1999.0), *TEN[4:]], now=1.0)
        await pilot.pause()
        assert drawn == [4]
        drawn.clear()
        older = [row(number, age_s=100.4) for number in range(10)]  # still "1m"
        older[3] = row(3, step=1999.0, age_s=100.4)
        app.show(older, now=2.0)
        await pilot.pause()
        assert drawn == []

    play(steps)


@pytest.mark.parametrize("colour", [True, False])
def test_a_state_is_a_word_with_and_without_colour(colour: bool) -> None:
    async def steps(app: Table, pilot: Pilot[None]) -> None:
        app.show([running(0), row(1, state="failed", cause="signal")])
        await pilot.pause()
        strips = app.table.render_lines(app.table.size.region)
        assert "running" in strips[1].text and "failed" in strips[2].text
        word = next(s for s in strips[2] if s.text.startswith("failed"))
        plain = next(s for s in strips[2] if "t0001" in s.text)
        assert word.style is not None and plain.style is not None
        assert (word.style.color != plain.style.color) is colour

    play(steps, app=Table(colour=colour))


def test_with_ascii_every_character_is_ascii() -> None:
    async def steps(app: Table, pilot: Pilot[None]) -> None:
        app.show([row(0, params=("π", "1", "ü"), flags=("▲1st",), cause="ünknown")])
        await pilot.pause()
        assert all(line.isascii() for line in app.screen_lines())
        assert app.table.summary.isascii()

    play(steps, app=Table(ascii=True))


def test_an_empty_table_and_the_smallest_screens_survive_every_key() -> None:
    async def steps(app: Table, pilot: Pilot[None]) -> None:
        app.show([])
        await pilot.press("down", "G", "pageup", "enter")
        app.table.toggle_mark()
        app.table.mark_range()
        app.table.invert_marks()
        assert app.table.selection() == () and app.table.cursor is None
        app.show(TEN, now=1.0)
        for size in ((1, 1), (3, 2), (200, 5), (80, 24)):
            await pilot.resize_terminal(*size)
            await pilot.press("down")
            await pilot.pause()
            assert {len(line) for line in app.screen_lines()} == {size[0]}

    play(steps)


def test_the_cursor_stays_in_sight_of_a_resized_screen() -> None:
    async def steps(app: Table, pilot: Pilot[None]) -> None:
        app.show([row(number) for number in range(100)])
        await pilot.press("pagedown")
        await pilot.resize_terminal(80, 10)
        await pilot.pause()
        assert any(line.startswith(">") for line in app.screen_lines())

    play(steps)


def test_any_rows_in_any_width_are_drawn_exactly_as_wide_as_the_screen() -> None:
    async def steps(app: Table, pilot: Pilot[None]) -> None:
        table = app.table

        @settings(deadline=None, max_examples=15)
        @given(rows=st.lists(any_row, max_size=6), best_is_high=st.booleans())
        def check(rows: list[TrialRow], best_is_high: bool) -> None:
            unique = tuple({one.number: one for one in rows}.values())
            goal: Goal = "maximize" if best_is_high else "minimize"
            table.show(unique, NAMES, "val_loss", goal, 0.0)
            assert sorted(table.order) == sorted(one.number for one in unique)
            for y in range(table.size.height):
                strip = table.render_line(y)
                assert sum(segment.cell_length for segment in strip) == table.size.width

        for width in (1, 7, 33, 80, 160):
            await pilot.resize_terminal(width, 12)
            await pilot.pause()
            check()

    play(steps)
