"""The map of a search space: every trial in its place, told apart, reached by keys."""

import asyncio
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tests.analysis.builders import choice, ended, queued, sweep_of
from tests.tui.snapshots import failed, running, snapshot
from tests.tui.test_screens import Stage, hostile, is_inert, looked_at, on_stage, seen, text_of
from tuiswp.analysis.optimum import judge
from tuiswp.model.trial import Trial
from tuiswp.tui.plane import BEST, CHOSEN, FAILED, RUNNING, WAITING, WORST, draw, kinds
from tuiswp.tui.screens.landscape import LandscapeScreen
from tuiswp.tui.snapshot import Snapshot

pytestmark = pytest.mark.slow  # each of them opens the interface

LR, RANK = choice("lr", [1e-4, 1e-3, 1e-2]), choice("rank", [4, 8, 16])
SWEEP = sweep_of(LR, RANK)


def trials() -> list[Trial]:
    """A grid: lr from left to right, rank upwards; the middle one is the best."""
    found = [
        ended(3 * n + m, {"lr": lr, "rank": rank}, 2.0 + abs(n - 1) + abs(m - 1) / 2)
        for n, lr in enumerate((1e-4, 1e-3, 1e-2))
        for m, rank in enumerate((4, 8, 16))
    ]
    found[0] = failed(0, {"lr": 1e-4, "rank": 4})
    found[1] = running(1, {"lr": 1e-4, "rank": 8})
    found[2] = queued(2, {"lr": 1e-4, "rank": 16})
    return found


def of_grid() -> Snapshot:
    return snapshot(trials(), sweep=SWEEP)


def test_every_kind_of_trial_has_its_own_glyph() -> None:
    found = kinds(judge(SWEEP, trials()), trials())
    assert found[4] is CHOSEN
    assert (found[0], found[1], found[2]) == (FAILED, RUNNING, WAITING)
    assert BEST in found.values()
    assert WORST in found.values()
    for glyphs in ({k.glyph for k in found.values()}, {k.ascii for k in found.values()}):
        assert len(glyphs) == len(set(found.values()))


def test_trials_lie_where_their_parameters_are_on_a_logarithmic_axis() -> None:
    plane = draw(SWEEP, judge(SWEEP, trials()), trials(), LR, RANK, 60, 20)
    at = {spot.number: (spot.column, spot.row) for spot in plane.spots}
    assert at[0][0] < at[3][0] < at[6][0]
    assert abs((at[3][0] - at[0][0]) - (at[6][0] - at[3][0])) <= 1
    assert at[0][1] > at[1][1] > at[2][1]
    text = text_of(plane.lines)
    assert "1e-4" in text
    assert "★" in text


def test_arrows_go_to_the_neighbour_and_stop_at_the_edge() -> None:
    plane = draw(SWEEP, judge(SWEEP, trials()), trials(), LR, RANK, 60, 20)
    assert plane.beside(4, 1, 0) == 7
    assert plane.beside(4, -1, 0) == 1
    assert plane.beside(4, 0, -1) == 5
    assert plane.beside(4, 0, 1) == 3
    assert plane.beside(8, 1, 0) == 8


def test_trials_in_one_cell_are_all_reached() -> None:
    same = [ended(n, {"lr": 1e-3, "rank": 8}, 2.0 + n) for n in range(3)]
    plane = draw(SWEEP, judge(SWEEP, same), same, LR, RANK, 60, 20)
    assert plane.beside(0, 1, 0) == 1
    assert plane.beside(1, 1, 0) == 2


def test_with_one_parameter_it_is_the_curve_over_it() -> None:
    text = looked_at(LandscapeScreen(None, snapshot()))
    assert "train_mean_nll over learning_rate" in text
    assert "★ chosen" in text
    assert any("\u2800" < char <= "\u28ff" for char in text)


def test_a_parameter_without_numbers_has_a_place_for_each_value() -> None:
    sweep = sweep_of(choice("opt", ["adam", "sgd"]), choice("lr", [1e-3, 1e-2]))
    some = [ended(n, {"opt": opt, "lr": 1e-3}, 2.0 + n) for n, opt in enumerate(["adam", "sgd"])]
    text = looked_at(LandscapeScreen(0, snapshot(some, sweep=sweep)))
    assert "adam" in text
    assert "sgd" in text


def test_the_cursor_chooses_whom_an_action_touches_and_enter_opens_it() -> None:
    async def act(pilot: Any, app: Stage) -> tuple[str, tuple[int, ...], list[str]]:
        await pilot.press("right", "T", "enter")
        await pilot.pause()
        screen = app.screen
        assert isinstance(screen, LandscapeScreen)
        return seen(app), screen.selected, app.done

    text, selected, done = on_stage(LandscapeScreen(4, of_grid()), act)
    assert selected == (7,)
    assert "t0007  done  lr=" in text
    assert done == ["terminate", "open"]


def test_x_and_y_choose_the_axes() -> None:
    async def act(pilot: Any, app: Stage) -> tuple[str, str]:
        await pilot.press("x")
        await pilot.pause()
        one = seen(app)
        await pilot.press("y")
        await pilot.pause()
        return one, seen(app)

    one, other = on_stage(LandscapeScreen(4, of_grid()), act)
    assert "train_mean_nll over rank" in one  # both axes the same: the curve over it
    assert "x rank   y lr" in other


@pytest.mark.parametrize("size", [(160, 45), (80, 24), (30, 8), (3, 2), (1, 1)])
def test_hostile_names_and_values_stay_inert_at_any_size(size: tuple[int, int]) -> None:
    for ascii in (False, True):
        assert is_inert(looked_at(LandscapeScreen(0, hostile(), ascii=ascii), size))


@settings(max_examples=100, deadline=None)
@example(points=[(8.376776382136472e47, 0.0)], width=28, height=6)
@given(
    st.lists(st.tuples(st.floats(), st.floats()), max_size=12),
    st.integers(0, 60),
    st.integers(0, 20),
)
def test_whatever_the_values_a_plane_has_the_size_asked_for(
    points: list[tuple[float, float]], width: int, height: int
) -> None:
    some = [ended(n, {"lr": x, "rank": y}, x) for n, (x, y) in enumerate(points)]
    for y in (RANK, None):
        plane = draw(SWEEP, judge(SWEEP, some), some, LR, y, width, height)
        assert len(plane.lines) == max(1, height)
        assert all(sum(len(t) for t, _ in line) <= max(width, 19) for line in plane.lines)
        assert {s.number for s in plane.spots} | set(plane.out) == {t.number for t in some}


def test_without_a_parameter_or_a_trial_it_says_so() -> None:
    assert "t000" not in looked_at(LandscapeScreen(None, snapshot([], sweep=SWEEP)))
    assert "no parameter varies" in looked_at(LandscapeScreen(None, snapshot([], sweep=sweep_of())))
    assert is_inert(looked_at(LandscapeScreen(None)))


def test_a_click_chooses_and_a_second_one_opens() -> None:
    async def play() -> tuple[int | None, list[str]]:
        app = Stage()
        async with app.run_test(size=(80, 24)) as pilot:
            screen = LandscapeScreen(4, of_grid())
            await app.push_screen(screen)
            await pilot.pause()
            plane = screen.query_one("PlanePane").plane  # type: ignore[attr-defined]
            spot = next(s for s in plane.spots if s.number == 8)
            for _ in range(2):
                await pilot.click("PlanePane", offset=(spot.column, spot.row))
                await pilot.pause()
            return screen.cursor, app.done

    assert asyncio.run(play()) == (8, ["open"])
