"""Every action that asks something of the controller: the keys, and the exact request they make."""

from collections.abc import Sequence
from typing import Any

import pytest
from msgspec.structs import replace
from textual.events import Key
from textual.pilot import Pilot
from textual.widgets import Input

from tests.tui.loops import in_a_loop
from tests.tui.snapshots import HOSTILE, lr_trials, snapshot
from tests.tui.test_app import Desk, ready
from tests.tui.test_screens import seen
from tuiswp.analysis.findings import Diagnosis, Remedy
from tuiswp.controller.requests import Request
from tuiswp.model.edits import RangeEdit
from tuiswp.model.space import Constant, Parameter
from tuiswp.model.trial import Trial
from tuiswp.tui import actions
from tuiswp.tui.screens.confirm import ConfirmScreen
from tuiswp.tui.screens.form import FormScreen
from tuiswp.tui.screens.restart import RestartScreen
from tuiswp.tui.screens.sweep import SweepScreen
from tuiswp.tui.snapshot import Snapshot
from tuiswp.tui.widgets.footer import KeyFooter
from tuiswp.tui.widgets.trials import Trials

pytestmark = pytest.mark.slow  # each of them opens the interface

RUNNING, QUEUED, DONE = 7, 9, 3
RATE_ADDED = RangeEdit(("learning_rate",), "add", values=(0.1,))


def by_key(key: str) -> actions.Action:
    found = actions.by_key(key, *actions.CHAINS["table"])
    assert found is not None
    return found


async def typed(pilot: Pilot[int], *keys: str) -> None:
    for key in keys:
        await pilot.press(key)
        await pilot.pause()


async def filled(pilot: Pilot[int], **texts: str) -> None:
    """Write into the fields of the form on top, by their labels."""
    screen = pilot.app.screen
    assert isinstance(screen, FormScreen)
    for row in screen.query("Row"):
        label = row.field.label  # type: ignore[attr-defined]
        if label in texts:
            row.query_one(Input).focus()
            row.query_one(Input).value = texts[label]
            await pilot.pause()


def asked(request: Request) -> dict[str, Any]:
    """What a request asks for, without who and when, and without what is not asked for."""
    empty: tuple[Any, ...] = (False, (), {}, "")
    return {
        name: value
        for name in ("verb", "trials", "now", "fresh", "points", "edits", "settings", "why")
        if (value := getattr(request, name)) not in empty
    }


ASKED: list[tuple[str, int, dict[str, Any]]] = [
    ("I", RUNNING, {"verb": "interrupt", "trials": (7,)}),
    ("T", RUNNING, {"verb": "kill", "trials": (7,)}),
    ("K", RUNNING, {"verb": "kill", "trials": (7,), "now": True}),
    ("R", DONE, {"verb": "restart", "trials": (3,)}),
    ("F", DONE, {"verb": "restart", "trials": (3,), "fresh": True}),
    ("H", RUNNING, {"verb": "pause", "trials": (7,)}),
    ("Q", QUEUED, {"verb": "front", "trials": (9,)}),
    ("B", RUNNING, {"verb": "pause"}),
    ("V", RUNNING, {"verb": "resume"}),
    ("X", RUNNING, {"verb": "stop"}),
]


@pytest.mark.parametrize(("key", "on", "wanted"), ASKED, ids=[key for key, _, _ in ASKED])
@in_a_loop
async def test_a_key_and_a_yes_ask_for_exactly_this(
    key: str, on: int, wanted: dict[str, Any]
) -> None:
    app = Desk()
    async with app.run_test(size=(80, 24)) as pilot:
        screen = await ready(pilot)
        screen.query_one(Trials).select(on)
        await typed(pilot, key, "escape")
        assert app.sent == []
        assert isinstance(app.screen, SweepScreen)
        await typed(pilot, key)
        if key != "R":  # which has a command for each of its ways
            line = actions.command_line(by_key(key), "lr", (on,))
            assert line is not None
            assert line in seen(app)
        await typed(pilot, "y")
        assert [asked(request) for request in app.sent] == [wanted]


@in_a_loop
async def test_marks_are_what_a_request_names_and_the_question_says_who_is_left_out() -> None:
    app = Desk()
    async with app.run_test(size=(100, 30)) as pilot:
        table = (await ready(pilot)).query_one(Trials)
        for number in (RUNNING, 8, QUEUED):
            table.select(number)
            await typed(pilot, "space")
        await typed(pilot, "I")
        assert "1 other of those chosen: nothing to do there" in seen(app)
        await typed(pilot, "y")
        assert [asked(request) for request in app.sent] == [{"verb": "interrupt", "trials": (7, 8)}]


@in_a_loop
async def test_what_does_not_run_is_not_interrupted_and_what_does_not_wait_has_no_place() -> None:
    app = Desk()
    async with app.run_test(size=(100, 30)) as pilot:
        (await ready(pilot)).query_one(Trials).select(DONE)
        await typed(pilot, "I", "Q")
        assert isinstance(app.screen, SweepScreen)
        said = [note.message for note in app._notifications]
        assert said == ["nothing of it runs", "only what waits has a place in the queue"]


@in_a_loop
async def test_on_the_results_one_key_asks_for_repeats_of_the_best() -> None:
    app = Desk()
    async with app.run_test(size=(100, 40)) as pilot:
        await ready(pilot)
        await typed(pilot, "O")
        assert "R repeats the best with other seeds" in seen(app)
        await typed(pilot, "R")
        assert isinstance(app.screen, FormScreen)
        row = next(iter(app.screen.query("Row")))
        row.query_one(Input).value = "1"
        await pilot.pause()
        assert "a whole number from 2 to 20" in seen(app)
        await typed(pilot, "enter")
        assert isinstance(app.screen, FormScreen)
        row.query_one(Input).value = "3"
        await pilot.pause()
        await typed(pilot, "enter")
        assert "tuiswp replicate lr --top 3 --seeds 5" in seen(app)
        await typed(pilot, "y")
        [request] = app.sent
        assert (request.verb, request.top, request.seeds) == ("replicate", 3, 5)


@in_a_loop
async def test_the_remedy_of_a_finding_is_one_key_a_look_and_a_yes() -> None:
    app = Desk()
    remedy = Remedy("extend", "adds 0.1 to learning_rate", (RATE_ADDED,))
    found = Diagnosis("edge-of-range", "warning", "the best lies at the end", "add more", remedy)
    async with app.run_test(size=(100, 40)) as pilot:
        await ready(pilot)
        app.take(snapshot(diagnoses=(found,)))
        await typed(pilot, "O")
        assert "Z adds 0.1 to learning_rate." in seen(app)
        await typed(pilot, "Z")
        assert "Begun with what the findings ask for: adds 0.1 to learning_rate." in seen(app)
        await typed(pilot, "enter", "y")
        [request] = app.sent
        assert request.verb == "extend"
        assert 0.1 in request.edits[0].values


@in_a_loop
async def test_one_key_pins_and_lets_go_without_a_question() -> None:
    app = Desk()
    async with app.run_test(size=(80, 24)) as pilot:
        (await ready(pilot)).query_one(Trials).select(RUNNING)
        await typed(pilot, "t")
        pinned = [replace(t, pinned="anna") if t.number == 7 else t for t in lr_trials()]
        app.take(snapshot(pinned))
        await typed(pilot, "t")
        assert [asked(request) for request in app.sent] == [
            {"verb": "pin", "trials": (7,)},
            {"verb": "unpin", "trials": (7,)},
        ]


@pytest.mark.parametrize(
    ("way", "wanted"),
    [
        ("y", {"verb": "restart", "trials": (3,)}),
        ("enter", {"verb": "restart", "trials": (3,)}),
        ("f", {"verb": "restart", "trials": (3,), "fresh": True}),
        ("s", {"verb": "clone", "trials": (3,), "points": ({"seed": 6},)}),
    ],
)
@in_a_loop
async def test_a_restart_asks_in_which_way(way: str, wanted: dict[str, Any]) -> None:
    app = Desk()
    async with app.run_test(size=(80, 24)) as pilot:
        screen = await ready(pilot)
        app.take(seeded_sweep())
        screen.query_one(Trials).select(DONE)
        await typed(pilot, "R")
        assert isinstance(app.screen, RestartScreen)
        assert "seed=6" in seen(app)
        await typed(pilot, way)
        assert [asked(request) for request in app.sent] == [wanted]


@in_a_loop
async def test_without_a_parameter_called_seed_there_is_no_other_seed() -> None:
    app = Desk()
    async with app.run_test(size=(80, 24)) as pilot:
        (await ready(pilot)).query_one(Trials).select(DONE)
        await typed(pilot, "R")
        assert "no parameter is called seed" in seen(app)
        await typed(pilot, "s")
        assert isinstance(app.screen, RestartScreen)
        await typed(pilot, "e")
        assert isinstance(app.screen, FormScreen)
        await typed(pilot, "escape")
        assert app.sent == []


@in_a_loop
async def test_a_clone_carries_what_was_edited_and_nothing_else() -> None:
    app = Desk()
    async with app.run_test(size=(80, 24)) as pilot:
        (await ready(pilot)).query_one(Trials).select(DONE)
        await typed(pilot, "D")
        await filled(pilot, learning_rate="0.5", why="is it luck?")
        assert "lies outside" in seen(app)
        await typed(pilot, "enter")
        assert "Clone t0003: learning_rate=5e-1 (outside" in seen(app)
        assert "tuiswp clone lr t0003 learning_rate=0.5" in seen(app)
        await typed(pilot, "y")
        assert [asked(request) for request in app.sent] == [
            {
                "verb": "clone",
                "trials": (3,),
                "points": ({"learning_rate": 0.5},),
                "why": "is it luck?",
            }
        ]


@in_a_loop
async def test_marked_trials_are_cloned_each_with_the_same_edit_and_as_often() -> None:
    app = Desk()
    async with app.run_test(size=(80, 24)) as pilot:
        table = (await ready(pilot)).query_one(Trials)
        for number in (DONE, RUNNING):
            table.select(number)
            await typed(pilot, "space")
        await typed(pilot, "D")
        await filled(pilot, steps="90", copies="2")
        await typed(pilot, "enter")
        assert "Start 4 clones?" in seen(app)
        await typed(pilot, "y")
        [request] = app.sent
        assert (request.verb, set(request.trials)) == ("clone", {3, 7})
        assert request.points == ({"steps": 90}, {"steps": 90})


@in_a_loop
async def test_a_clone_of_which_nothing_is_changed_is_the_same_point_again() -> None:
    app = Desk()
    async with app.run_test(size=(80, 24)) as pilot:
        (await ready(pilot)).query_one(Trials).select(DONE)
        await typed(pilot, "D", "enter")
        assert "the same point again" in seen(app)
        await typed(pilot, "y")
        assert [asked(request) for request in app.sent] == [{"verb": "clone", "trials": (3,)}]


@in_a_loop
async def test_a_wrong_value_is_said_under_its_field_and_nothing_is_asked_for() -> None:
    app = Desk()
    async with app.run_test(size=(80, 24)) as pilot:
        (await ready(pilot)).query_one(Trials).select(DONE)
        await typed(pilot, "D")
        await filled(pilot, learning_rate="fast", why="")
        assert "learning_rate: 'fast' does not fit" in seen(app)
        await typed(pilot, "enter")
        assert isinstance(app.screen, FormScreen)
        assert isinstance(app.focused, Input)
        assert app.focused.value == "fast"
        await typed(pilot, "escape")
        assert app.sent == []


@in_a_loop
async def test_keys_typed_ahead_go_to_the_field_that_the_move_before_them_leads_to() -> None:
    app = Desk()
    async with app.run_test(size=(80, 24)) as pilot:
        (await ready(pilot)).query_one(Trials).select(DONE)
        await typed(pilot, "D")
        for key, text in (("down", None), ("9", "9"), ("1", "1")):  # in one packet
            app.post_message(Key(key, text))
        await pilot.pause()
        await typed(pilot, "enter", "y")
        assert [request.points for request in app.sent] == [({"steps": 91},)]


@in_a_loop
async def test_the_mouse_does_what_the_keys_do() -> None:
    app = Desk()
    async with app.run_test(size=(80, 24)) as pilot:
        (await ready(pilot)).query_one(Trials).select(DONE)
        await typed(pilot, "D")
        steps = list(app.screen.query(Input))[1]
        await pilot.click(steps)
        assert app.focused is steps
        await typed(pilot, "end", "ctrl+u", "9", "1")
        await pilot.click(KeyFooter, offset=(2, 0))
        await pilot.pause()
        assert "steps=91" in seen(app)
        await typed(pilot, "y")
        assert [request.points for request in app.sent] == [({"steps": 91},)]


@in_a_loop
async def test_in_a_form_longer_than_the_screen_the_field_one_is_at_is_in_sight() -> None:
    app = Desk()
    async with app.run_test(size=(80, 24)) as pilot:
        screen = await ready(pilot)
        many = {f"p{n:02d}": n for n in range(40)}
        extra = [Parameter((name,), Constant(n), "constant") for name, n in many.items()]
        app.take(with_parameters(extra, many))
        screen.query_one(Trials).select(DONE)
        await typed(pilot, "D", *["down"] * 30)
        assert app.focused is not None
        assert isinstance(app.focused, Input)
        assert app.screen.region.contains_region(app.focused.region)
        assert "not at all" in seen(app)
        await typed(pilot, "8", "enter")
        assert "p28=8" in seen(app)


@in_a_loop
async def test_points_are_added_as_they_are_written() -> None:
    app = Desk()
    async with app.run_test(size=(80, 24)) as pilot:
        await ready(pilot)
        await typed(pilot, "A")
        assert isinstance(app.screen, FormScreen)
        assert app.screen.form.fields[0].text  # begun with something
        await filled(pilot, **{f"point {n}": "" for n in range(1, 7)})
        await typed(pilot, "enter")
        assert "no point is named" in seen(app)
        await filled(pilot, **{"point 1": "learning_rate=2e-3,steps=60", "point 2": "steps=80"})
        await typed(pilot, "enter", "y")
        assert [asked(request) for request in app.sent] == [
            {"verb": "add", "points": ({"learning_rate": 2e-3, "steps": 60}, {"steps": 80})}
        ]


@in_a_loop
async def test_a_list_of_values_is_extended_and_the_new_trials_are_counted_before_a_yes() -> None:
    app = Desk()
    async with app.run_test(size=(80, 24)) as pilot:
        await ready(pilot)
        await typed(pilot, "Z", "enter")
        assert "nothing is changed yet" in seen(app)
        await filled(pilot, learning_rate="+=0.5,0.7")
        await typed(pilot, "enter")
        assert "2 trials more" in seen(app)
        await typed(pilot, "y")
        [request] = app.sent
        [edit] = request.edits
        assert request.verb == "extend"
        assert edit == RangeEdit(
            ("learning_rate",), "add", values=(0.5, 0.7), spelling=edit.spelling
        )


@in_a_loop
async def test_only_the_settings_that_were_changed_are_asked_for() -> None:
    app = Desk()
    async with app.run_test(size=(80, 24)) as pilot:
        await ready(pilot)
        await typed(pilot, "J", "enter")
        assert "nothing is changed yet" in seen(app)
        await filled(pilot, max_parallel="5", timeout="2h")
        await typed(pilot, "enter")
        assert "max_parallel" in seen(app)
        await typed(pilot, "y")
        assert [asked(request) for request in app.sent] == [
            {"verb": "set", "settings": {"max_parallel": 5, "timeout": 7200.0}}
        ]


@pytest.mark.parametrize("key", ["I", "K", "R", "D", "A", "Q", "Z", "J", "t"])
@in_a_loop
async def test_nothing_can_be_asked_of_runs_that_something_else_launched(key: str) -> None:
    app = Desk()
    async with app.run_test(size=(80, 24)) as pilot:
        await ready(pilot)
        app.take(snapshot(foreign=True))
        await typed(pilot, key)
        assert isinstance(app.screen, SweepScreen)
        assert app.sent == []
        assert any("only be looked at" in note.message for note in app._notifications)


@in_a_loop
async def test_with_no_controller_the_question_says_so() -> None:
    app = Desk()
    async with app.run_test(size=(80, 24)) as pilot:
        (await ready(pilot)).query_one(Trials).select(DONE)
        app.take(snapshot(controller=None))
        await typed(pilot, "D", "enter")
        assert isinstance(app.screen, ConfirmScreen)
        assert "No controller runs" in seen(app)


@pytest.mark.parametrize("text", HOSTILE)
@in_a_loop
async def test_a_hostile_value_stands_harmless_in_its_field_and_is_no_edit(text: str) -> None:
    odd = Parameter(("odd [b]",), Constant(text), "constant")
    app = Desk()
    async with app.run_test(size=(80, 24)) as pilot:
        screen = await ready(pilot)
        app.take(with_parameter(odd, {"odd [b]": text}))
        screen.query_one(Trials).select(DONE)
        await typed(pilot, "D")
        fields = [one.value for one in app.screen.query(Input)]
        assert not any("\x1b" in one or "\u202e" in one or "\x9b" in one for one in fields)
        await typed(pilot, "enter", "y")
        assert [request.points for request in app.sent] == [()]


@in_a_loop
async def test_what_is_pasted_is_made_harmless() -> None:
    app = Desk()
    async with app.run_test(size=(80, 24)) as pilot:
        (await ready(pilot)).query_one(Trials).select(DONE)
        await typed(pilot, "D")
        await filled(pilot, why="a\x1b[31mb\u202ec")
        assert all("\x1b" not in one.value for one in app.screen.query(Input))
        assert all("\u202e" not in one.value for one in app.screen.query(Input))


@pytest.mark.parametrize("key", ["D", "A", "Z", "J", "R"])
@pytest.mark.parametrize(
    ("size", "ascii"), [((1, 1), False), ((80, 24), False), ((80, 24), True), ((160, 45), False)]
)
@in_a_loop
async def test_a_form_fits_any_terminal(key: str, size: tuple[int, int], ascii: bool) -> None:
    app = Desk()
    app.look = {"colour": not ascii, "ascii": ascii}
    async with app.run_test(size=(80, 24)) as pilot:
        (await ready(pilot)).query_one(Trials).select(DONE)
        await pilot.resize_terminal(*size)
        await typed(pilot, key)
        assert isinstance(app.screen, FormScreen | RestartScreen)
        if size[0] >= 80:
            assert "not at all" in seen(app)
            if ascii:
                assert seen(app).isascii()
        await typed(pilot, "escape")
        assert isinstance(app.screen, SweepScreen)


def seeded_sweep() -> Snapshot:
    """The usual one, each trial with a seed; the last had 5."""
    return with_parameter(Parameter(("seed",), Constant(5), "constant"), {"seed": 5})


def with_parameter(parameter: Parameter, params: dict[str, Any]) -> Snapshot:
    return with_parameters([parameter], params)


def with_parameters(more: Sequence[Parameter], params: dict[str, Any]) -> Snapshot:
    usual = snapshot()
    sweep = usual.view.sweep
    trials: list[Trial] = [replace(t, params={**t.params, **params}) for t in lr_trials()]
    return snapshot(trials, sweep=replace(sweep, parameters=(*sweep.parameters, *more)))


@in_a_loop
async def test_where_a_controller_is_about_to_be_offered_its_absence_is_not_said_as_well() -> None:
    app = Desk()
    async with app.run_test(size=(80, 24)) as pilot:
        await ready(pilot)
        app.launching = True  # a request is on its way after which one is offered
        app.take(snapshot(controller=None))
        await pilot.pause()
        assert [note.message for note in app._notifications] == []
        app.take(snapshot())
        app.launching = False
        app.take(snapshot(controller=None))
        await pilot.pause()
        [note] = app._notifications
        assert "no controller runs" in note.message
