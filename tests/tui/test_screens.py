"""Every screen on hand-made snapshots, through Textual's pilot: small, large, and hostile."""

import asyncio
import unicodedata
from collections.abc import Awaitable, Callable, Iterable
from typing import Any, TypeVar

import pytest
from msgspec.structs import replace
from textual.app import App
from textual.screen import Screen
from textual.widgets import Input

from tests.analysis.builders import choice, ended, sweep_of
from tests.tui.snapshots import (
    HOSTILE,
    METRIC,
    default_curves,
    event,
    failed,
    falling,
    log_tail,
    lr_trials,
    running,
    snapshot,
)
from tuiswp.analysis.optimum import judge
from tuiswp.analysis.reason import why
from tuiswp.analysis.review import review
from tuiswp.model.sweep import Objective
from tuiswp.model.trial import Paused
from tuiswp.tui.actions import ACTIONS, CHAINS, UNASKED, request_for
from tuiswp.tui.lookback import Looked
from tuiswp.tui.palette_provider import ActionProvider
from tuiswp.tui.pieces import Line
from tuiswp.tui.screens.about import sections
from tuiswp.tui.screens.compare import CompareScreen, at_same_step, compare_lines, value_at
from tuiswp.tui.screens.confirm import MOST, ConfirmScreen, Question, question
from tuiswp.tui.screens.events import EventsScreen
from tuiswp.tui.screens.facts import (
    ParameterRow,
    attempt_lines,
    command_of,
    differing,
    parameter_rows,
)
from tuiswp.tui.screens.help import HelpScreen, help_lines
from tuiswp.tui.screens.looking_back import part_lines
from tuiswp.tui.screens.results import ResultsScreen, result_lines
from tuiswp.tui.screens.trial import TrialScreen
from tuiswp.tui.snapshot import AsOf, Curve, ProcessLine, ProcessTree, Snapshot, Want
from tuiswp.tui.what_if import WhatIf, next_rule
from tuiswp.tui.widgets.chart import Chart
from tuiswp.tui.widgets.footer import KeyFooter
from tuiswp.tui.widgets.lines import Lines
from tuiswp.tui.widgets.prose import Prose

pytestmark = pytest.mark.slow  # each of them opens the interface

T = TypeVar("T")
SIZES = [(80, 24), (160, 45), (30, 8), (1, 1)]


class Stage(App[None]):
    """An app with nothing of its own: it keeps what screens hand on to it."""

    def __init__(self) -> None:
        super().__init__()
        self.animation_level = "none"  # a scroll is over when its key is
        self.done: list[str] = []
        self.answer: bool | None = None

    def action_do(self, action_id: str) -> None:
        self.done.append(action_id)


def on_stage(
    screen: Screen[Any],
    act: Callable[[Any, Stage], Awaitable[T]],
    size: tuple[int, int] = (80, 24),
) -> T:
    """Show `screen`, let `act` press keys and look, and return what it found."""

    async def play() -> T:
        app = Stage()
        async with app.run_test(size=size) as pilot:
            await app.push_screen(screen, lambda answer: setattr(app, "answer", answer))
            await pilot.pause()
            return await act(pilot, app)

    return asyncio.run(play())


def seen(app: App[Any]) -> str:
    """The characters that would go to the terminal, without styles."""
    strips = app.screen._compositor.render_strips()
    return "\n".join("".join(segment.text for segment in strip) for strip in strips)


def looked_at(screen: Screen[Any], size: tuple[int, int] = (80, 24)) -> str:
    """What is on the screen."""

    async def look(pilot: Any, app: Stage) -> str:
        return seen(app)

    return on_stage(screen, look, size)


def is_inert(text: str) -> bool:
    return not [
        char
        for char in text
        if char != "\n" and unicodedata.category(char) in ("Cc", "Cf", "Cs", "Co", "Zl", "Zp")
    ]


def text_of(lines: Iterable[Iterable[tuple[str, str]]]) -> str:
    return "\n".join("".join(text for text, _ in line) for line in lines)


def full(trial: int = 7) -> Snapshot:
    return snapshot(
        events=[event(1, "the sweep began"), event(2, "t0007 was launched", trial=7)],
        log=log_tail(trial, "step 1 loss 3.0", "WARNING: clipped", "step 2 loss 2.9"),
    )


def hostile() -> Snapshot:
    """Hostile names, values, evidence, hosts, metric names, log lines, events."""
    parameters = [choice(f"p{n}{text}", [text, n]) for n, text in enumerate(HOSTILE)]
    values = {f"p{n}{text}": text for n, text in enumerate(HOSTILE)}
    others = {f"p{n}{text}": n for n, text in enumerate(HOSTILE)}
    everything = "".join(HOSTILE)
    sweep = sweep_of(*parameters, metric=f"loss{everything}", name=everything)
    bad = failed(2, values, evidence=everything)
    attempts = (replace(bad.attempts[0], host=everything),)
    trials = [
        ended(0, values, 2.0),
        ended(1, others, 3.0),
        replace(bad, attempts=attempts),
        running(3, values, gpu=everything),
    ]
    metrics = [f"loss{everything}", *HOSTILE]
    curves = {(n, name): falling(2.0) for n in range(4) for name in metrics}
    made = snapshot(
        trials,
        sweep=sweep,
        curves=curves,
        events=[event(n, text, trial=1) for n, text in enumerate(HOSTILE)],
        log=log_tail(3, *HOSTILE),
    )
    return replace(made, metrics=tuple(metrics))  # metric names may come raw


def every_screen(of: Snapshot) -> list[Screen[Any]]:
    asked = question("terminate", of, [row.number for row in of.rows])
    assert asked is not None
    return [
        HelpScreen("table", of),
        ResultsScreen(of),
        EventsScreen(of),
        TrialScreen(of.rows[-1].number, of),
        TrialScreen(2, of),
        CompareScreen([row.number for row in of.rows], of),
        ConfirmScreen(asked),
    ]


@pytest.mark.parametrize("index", range(7))
def test_a_screen_draws_at_any_size_and_takes_another_moment(index: int) -> None:
    async def look(pilot: Any, app: Stage) -> list[tuple[int, str]]:
        found = []
        for size in SIZES:
            await pilot.resize_terminal(*size)
            app.screen.update(full())  # type: ignore[attr-defined]  # every screen of ours has it
            await pilot.pause()
            found.append((size[0], seen(app)))
        return found

    for width, text in on_stage(every_screen(full())[index], look):
        assert is_inert(text)
        assert len(text.split()) > 8 or width < 80


@pytest.mark.parametrize("index", range(7))
def test_hostile_texts_stay_inert_on_every_screen(index: int) -> None:
    async def look(pilot: Any, app: Stage) -> list[tuple[str, str]]:
        found = []
        for size in SIZES[:2]:
            await pilot.resize_terminal(*size)
            await pilot.press("j", "n")
            await pilot.pause()
            found.append((seen(app), app.export_screenshot()))
        return found

    for text, svg in on_stage(every_screen(hostile())[index], look):
        assert is_inert(text)
        assert "\x1b" not in svg
        assert "\x9b" not in svg
        assert 'href="file:' not in svg


def test_a_terminal_without_unicode_gets_ascii_alone_on_every_screen() -> None:
    of = hostile()
    asked = question("terminate", of, [3])
    assert asked is not None
    screens: list[Screen[Any]] = [
        HelpScreen("table", of, ascii=True),
        ResultsScreen(full(), ascii=True),
        EventsScreen(of, ascii=True),
        TrialScreen(7, full(), ascii=True),
        CompareScreen([5, 7], full(), ascii=True),
        ConfirmScreen(asked, ascii=True),
    ]
    for screen in screens:
        text = looked_at(screen)
        odd = {char for char in text if not char.isascii()}
        assert odd <= set("▁▂▃▄▅▆▇█▎▊"), (screen, odd)  # Textual's own scrollbar
    assert "up k" in text_of(help_lines("table", 78, ascii=True))


def test_hostile_texts_are_seen_and_not_swallowed() -> None:
    text = looked_at(TrialScreen(3, hostile()), (160, 45))
    assert "[/nope]" in text
    assert "␛]52;c;cHduZWQ=␇" in text


def test_a_screen_without_a_snapshot_yet_says_so_or_stays_empty() -> None:
    for screen in (ResultsScreen(), EventsScreen(), TrialScreen(1), CompareScreen([1, 2])):
        assert is_inert(looked_at(screen))


@pytest.mark.parametrize("key", ["escape", "q"])
def test_escape_and_q_leave_a_screen_and_never_the_app(key: str) -> None:
    async def leave(pilot: Any, app: Stage) -> int:
        await pilot.press(key)
        await pilot.pause()
        return len(app.screen_stack)

    for screen in every_screen(full()):
        assert on_stage(screen, leave) == 1


# -- results --------------------------------------------------------------------------------


def test_the_results_open_with_the_answer_and_its_reason_at_80x24() -> None:
    text = looked_at(ResultsScreen(full()))
    assert "Optimal LR: 1.00e-02" in text
    assert "Why t0005: the lowest train_mean_nll" in text
    assert "Runner-up t0000" in text


def test_the_results_tell_what_repeats_decide_also_without_unicode() -> None:
    trials = [
        ended(n, {"learning_rate": lr, "steps": 60}, value)
        for n, (lr, value) in enumerate(((1e-4, 2.0), (1e-4, 2.02), (1e-3, 3.0), (1e-3, 3.02)))
    ]
    text = text_of(result_lines(snapshot(trials), 78, 12))
    assert "2.0100 ± 0.0141 (n=2: t0000, t0001) against 3.0100" in text
    plain = text_of(result_lines(snapshot(trials), 78, 12, ascii=True))
    assert "2.0100 +/- 0.0141 (n=2: t0000, t0001)" in plain


def test_the_results_hold_findings_curve_verdict_and_every_trial() -> None:
    text = text_of(result_lines(full(), 78, 12))
    assert "★" in text
    assert "The full U is visible" in text
    assert "within-noise:" in text
    assert all(row.id in text for row in full().rows)


def test_no_line_of_the_results_is_wider_than_the_pane() -> None:
    for width in (60, 78, 158):
        lines = result_lines(full(), width, 10)
        assert max(sum(len(text) for text, _ in line) for line in lines) <= width


def test_a_narrower_terminal_wraps_the_text_again_without_new_data() -> None:
    async def act(pilot: Any, app: Stage) -> tuple[int, int]:
        pane = app.screen.query_one(Prose)
        wide = len(pane.plain.splitlines())
        await pilot.resize_terminal(44, 24)
        await pilot.pause()
        await pilot.pause()
        return wide, len(pane.plain.splitlines())

    wide, narrow = on_stage(HelpScreen("table"), act, (160, 45))
    assert narrow > wide


def test_only_the_lines_that_changed_are_drawn_again() -> None:
    async def act(pilot: Any, app: Stage) -> tuple[str, str]:
        pane = app.screen.query_one("#facts", Prose)
        before = seen(app)
        text: list[Line] = [(("first", "plain"),), (("second", "plain"),)]
        pane.show(text)
        await pilot.pause()
        pane.show([text[0], (("changed", "plain"),)])
        await pilot.pause()
        return before, seen(app)

    before, after = on_stage(TrialScreen(7, full()), act)
    assert "parameters" in before
    assert "changed" in after
    assert "second" not in after
    assert "first" in after


def test_a_tie_is_said_and_a_sweep_without_a_result_says_why() -> None:
    sweep = sweep_of(choice("lr", [1, 2]))
    tied = snapshot([ended(0, {"lr": 1}, 2.0), ended(1, {"lr": 2}, 2.0)], sweep=sweep)
    assert "1 other just as good: the first wins." in why(sweep, tied.judgement)[0]
    none = snapshot([running(0, {"lr": 1})], sweep=sweep)
    assert why(sweep, none.judgement) == []
    assert "No optimum" in text_of(result_lines(none, 78, 10))


def test_a_filter_of_the_results_keeps_the_rows_that_match() -> None:
    text = text_of(result_lines(full(), 78, 12, words="t0003"))
    table = text[text.index("#  trial") :]
    assert table.count("t000") == 1
    assert "no trial has these words" in text_of(result_lines(full(), 78, 12, words="zebra"))


def test_ascii_results_have_no_other_character_in_their_curve() -> None:
    lines = result_lines(full(), 78, 12, ascii=True)
    assert text_of(lines).replace("…", "").isascii()


def test_the_scroll_position_stays_when_another_moment_comes() -> None:
    async def act(pilot: Any, app: Stage) -> tuple[float, float]:
        pane = app.screen.query_one(Prose)
        await pilot.press("j", "j", "j")
        await pilot.pause()
        before = pane.scroll_y
        moved = replace(full(), diagnoses=())
        app.screen.update(moved)  # type: ignore[attr-defined]  # a ResultsScreen
        await pilot.pause()
        return before, pane.scroll_y

    before, after = on_stage(ResultsScreen(full()), act)
    assert before == after == 3


def test_a_new_result_is_drawn_at_once_and_mere_progress_within_two_seconds() -> None:
    async def act(pilot: Any, app: Stage) -> list[bool]:
        screen = app.screen
        assert isinstance(screen, ResultsScreen)
        start = full()
        screen.update(start)
        calm = replace(start, at=start.at + 1.0, diagnoses=())
        later = replace(calm, at=start.at + 2.0)
        trials = [*lr_trials()[:7], ended(7, {"learning_rate": 2e-3, "steps": 60}, 1.5)]
        better = replace(snapshot(trials), at=later.at + 0.1)
        found = []
        for moment in (calm, later, better):
            screen.update(moment)
            found.append(screen.snapshot is moment)
        return found

    assert on_stage(ResultsScreen(full()), act) == [False, True, True]


# -- help and palette ------------------------------------------------------------------------


@pytest.mark.parametrize("place", CHAINS)
def test_help_names_every_action_and_puts_those_of_the_place_first(place: str) -> None:
    text = text_of(help_lines(place, 200))
    assert all(action.help in text for action in ACTIONS)
    assert text.startswith(f"Here: {place}")


def test_help_is_filtered_as_one_types_and_escape_clears_the_filter() -> None:
    async def act(pilot: Any, app: Stage) -> tuple[str, str, int]:
        await pilot.press("slash", *"grace")
        await pilot.pause()
        filtered = app.screen.query_one(Prose).plain
        await pilot.press("enter", "escape")
        await pilot.pause()
        return filtered, app.screen.query_one(Prose).plain, len(app.screen_stack)

    filtered, after, depth = on_stage(HelpScreen("table"), act)
    assert "tuiswp kill --now SWEEP TRIAL..." in filtered
    assert "Save this screen" not in filtered
    assert "Save this screen" in after
    assert depth == 2


def test_help_says_when_nothing_is_found() -> None:
    assert "No action has 'zebra'" in text_of(help_lines("table", 78, "zebra"))


class Palette(Stage):
    COMMANDS = {ActionProvider}  # noqa: RUF012  Textual's own form


def test_the_palette_finds_actions_by_help_and_runs_the_chosen_one() -> None:
    async def play() -> tuple[list[str], int]:
        app = Palette()
        async with app.run_test(size=(80, 24)) as pilot:
            await pilot.press("ctrl+p")
            await pilot.press(*"without grace")
            await app.workers.wait_for_complete()
            await pilot.pause()
            await pilot.press("down", "enter")
            await pilot.pause()
            return app.done, len(app.screen_stack)

    done, depth = asyncio.run(play())
    assert done == ["kill"]
    assert depth == 1


# -- confirm ---------------------------------------------------------------------------------


def test_a_question_names_the_trial_and_what_it_gets() -> None:
    asked = question("terminate", full(), [7])
    assert asked is not None
    assert asked.title == "End t0007 (learning_rate=2e-3, running, step 30, 50 %)?"
    assert asked.effect == "It gets TERM, then KILL after 30 s."
    assert asked.numbers == (7,)


def test_a_question_leaves_out_trials_that_the_action_does_nothing_to() -> None:
    asked = question("kill", full(), [0, 1, 7, 8])
    assert asked is not None
    assert asked.title == "Kill 2 trials?"
    assert asked.numbers == (7, 8)
    assert asked.rest == "2 others of those chosen: nothing to do there"
    assert question("kill", full(), [0, 1]) is None
    assert question("resume", full(), [7]) is None
    assert question("kill", full(), []) is None
    assert question("sort", full(), [7]) is None


def test_a_question_lists_at_most_ten_and_counts_the_rest() -> None:
    trials = [running(n, {"learning_rate": 1e-3}) for n in range(14)]
    asked = question("terminate", snapshot(trials), range(14))
    assert asked is not None
    assert len(asked.trials) == MOST
    assert asked.rest == "and 4 more, 14 in all"
    assert len(asked.numbers) == 14


def test_running_and_waiting_trials_are_told_apart_in_one_question() -> None:
    asked = question("terminate", full(), [8, 9])
    assert asked is not None
    assert asked.effect == (
        "Those that run get TERM, then KILL after 30 s. The others will not run."
    )


@pytest.mark.parametrize(
    "action", [one for one in ACTIONS if one.touches_process and one.id not in UNASKED]
)
def test_every_action_on_a_process_has_a_question(action: Any) -> None:
    held = replace(lr_trials()[9], status=Paused(0.0))
    waits = replace(lr_trials()[9], number=10)
    asked = question(action.id, snapshot([*lr_trials()[:9], held, waits]), [7, 9, 10])
    assert asked is not None
    assert request_for(action.id, asked.numbers) is not None
    assert asked.title.endswith("?")
    assert asked.effect.endswith(".")


@pytest.mark.parametrize(
    ("key", "answer"), [("y", True), ("enter", True), ("n", False), ("escape", False)]
)
def test_a_question_is_answered_by_one_key(key: str, answer: bool) -> None:
    async def act(pilot: Any, app: Stage) -> bool | None:
        await pilot.press(key)
        await pilot.pause()
        return app.answer

    asked = Question("End it?", "It ends.")
    assert on_stage(ConfirmScreen(asked), act) is answer


def test_no_other_key_answers_a_question() -> None:
    async def act(pilot: Any, app: Stage) -> tuple[bool | None, int]:
        await pilot.press("K", "T", "space", "x", "tab")
        await pilot.pause()
        return app.answer, len(app.screen_stack)

    assert on_stage(ConfirmScreen(Question("End it?", "It ends.")), act) == (None, 2)


def test_another_rule_ranks_anew_and_says_that_it_is_not_the_verdict() -> None:
    of = full()
    sweep = of.view.sweep
    rule = next_rule(sweep.objective or Objective("x"), None)
    assert rule is not None
    other = replace(sweep, objective=rule)
    trials = [
        replace(t, value=3.0 - n / 10) if t.value else t for n, t in enumerate(of.view.trials)
    ]
    judged = replace(of, what_if=WhatIf(other, judge(other, trials), ()))

    async def act(pilot: Any, app: Stage) -> tuple[str, str, str]:
        await pilot.press("o")
        waiting = seen(app)
        app.screen.update(judged)  # type: ignore[attr-defined]  # a ResultsScreen
        await pilot.pause()
        anew = seen(app)
        await pilot.press("y", *"ooo")
        return waiting, anew, app.clipboard + seen(app)

    waiting, anew, after = on_stage(ResultsScreen(of), act)
    assert "is being read" in waiting
    assert "WHAT IF it were train_mean_nll." in anew
    assert "(mean of last 10) chose t0005; nothing of this is written" in " ".join(anew.split())
    assert "Why t0006" in anew
    assert "Optimal LR: 1.00e-02" in after  # what is copied is the verdict
    assert "WHAT IF" not in after


def test_the_rules_go_round_and_end_at_the_file_s_own() -> None:
    own = Objective("loss", reduce="mean", window=10)
    seen_rules, rule = [], next_rule(own, None)
    while rule is not None:
        seen_rules.append((rule.reduce, rule.window))
        rule = next_rule(own, rule)
    assert seen_rules == [("last", 1), ("median", 10), ("best", 1)]


def test_the_table_shows_how_far_running_trials_are_now() -> None:
    of = full()
    rows = tuple(
        replace(row, value=1.2345, progress=0.77) if row.number == 7 else row for row in of.rows
    )
    (line,) = [
        text_of([line])
        for line in result_lines(replace(of, rows=rows), 120, 12)
        if text_of([line]).startswith("-  t0007")
    ]
    assert "1.2345" in line
    assert "still running at 77 %" in line


def test_n_goes_through_the_curves_over_each_parameter() -> None:
    sweep = sweep_of(choice("lr", [1e-3, 1e-2, 1e-1]), choice("rank", [4, 8, 16]))
    trials = [
        ended(n, {"lr": lr, "rank": rank}, 2.0 + lr + rank)
        for n, (lr, rank) in enumerate([(1e-3, 4), (1e-2, 8), (1e-1, 16)])
    ]

    async def act(pilot: Any, app: Stage) -> list[str]:
        found = [seen(app)]
        for key in "nnN":
            await pilot.press(key)
            await pilot.pause()
            found.append(seen(app))
        return found

    first, second, third, back = on_stage(
        ResultsScreen(snapshot(trials, sweep=sweep)), act, (100, 60)
    )
    assert "over lr (1 of 2, n N)" in first.replace("(log axis) ", "").replace("(log axis)", "")
    assert "over rank" in second
    assert "over lr" in third
    assert "over rank" in back


# -- events ----------------------------------------------------------------------------------


def test_events_come_newest_first_and_are_filtered_as_one_types() -> None:
    async def act(pilot: Any, app: Stage) -> tuple[str, str]:
        before = seen(app)
        await pilot.press("slash", *"launched")
        await pilot.pause()
        return before, seen(app)

    before, after = on_stage(EventsScreen(full()), act)
    assert before.index("t0007 was launched") < before.index("the sweep began")
    assert "the sweep began" not in after
    assert "1 of 2" in after


def test_the_events_in_sight_are_copied() -> None:
    async def act(pilot: Any, app: Stage) -> str:
        await pilot.press("y")
        return app.clipboard

    assert on_stage(EventsScreen(full()), act).endswith("the sweep began")


def test_the_commands_alone_are_shown_and_copied_as_they_ran() -> None:
    launch = replace(event(3, "t0007.1 on G0: train '--lr=1'"), command="train '--lr=1'")
    of = replace(full(), events=(*full().events, launch))

    async def act(pilot: Any, app: Stage) -> tuple[str, str]:
        await pilot.press("x", "y")
        await pilot.pause()
        return seen(app), app.clipboard

    text, copied = on_stage(EventsScreen(of), act)
    assert "Commands run: 1" in text
    assert copied == "train '--lr=1'"


# -- trial -----------------------------------------------------------------------------------


@pytest.mark.parametrize("size", SIZES[:2])
def test_a_trial_shows_its_parameters_curve_and_output(size: tuple[int, int]) -> None:
    text = looked_at(TrialScreen(7, full()), size)
    assert "t0007  running" in text
    assert "learning_rate" in text
    assert METRIC in text
    assert "step 2 loss 2.9" in text


def test_a_trial_wants_its_own_log_and_the_metric_in_sight() -> None:
    async def act(pilot: Any, app: Stage) -> list[tuple[str, ...]]:
        screen = app.screen
        assert isinstance(screen, TrialScreen)
        seen_so_far = [screen.wants.metrics]
        for key in ("n", "n", "N"):
            await pilot.press(key)
            seen_so_far.append(screen.wants.metrics)
        assert screen.wants.log_of == 7
        assert screen.wants.trials == (7,)
        return seen_so_far

    assert on_stage(TrialScreen(7, full()), act) == [
        (METRIC,), ("grad_norm",), (METRIC,), ("grad_norm",),
    ]  # fmt: skip


def test_the_log_is_filtered_held_and_followed_again() -> None:
    async def act(pilot: Any, app: Stage) -> tuple[str, bool, bool]:
        await pilot.press("slash", *"warning", "enter")
        await pilot.pause()
        text = seen(app)
        pane = app.screen.query_one(Lines)
        await pilot.press("f")
        held = pane.following
        await pilot.press("f")
        return text, held, pane.following

    text, held, followed = on_stage(TrialScreen(7, full()), act)
    assert "1 of 3 lines" in text
    assert "step 2 loss" not in text
    assert (held, followed) == (False, True)


def test_chart_keys_work_on_a_trial_whatever_pane_has_the_focus() -> None:
    async def act(pilot: Any, app: Stage) -> tuple[float, bool, bool]:
        chart = app.screen.query_one(Chart)
        await pilot.press("E", "E", "i", "plus", "Y")
        return chart.shown.smooth, chart.shown.cursor is not None, chart.shown.log_x

    assert on_stage(TrialScreen(7, full()), act) == (0.6, True, True)


def test_y_copies_the_command_and_on_the_chart_makes_the_axis_logarithmic() -> None:
    async def act(pilot: Any, app: Stage) -> tuple[str, bool]:
        await pilot.press("y")
        app.screen.query_one(Chart).focus()
        await pilot.press("y")
        return app.clipboard, app.screen.query_one(Chart).shown.log_y

    assert on_stage(TrialScreen(7, full()), act) == ("python train.py", True)


def test_an_action_on_the_process_goes_to_the_app_with_its_trial() -> None:
    async def act(pilot: Any, app: Stage) -> tuple[list[str], tuple[int, ...]]:
        await pilot.press("K", "T", "a")
        screen = app.screen
        assert isinstance(screen, TrialScreen)
        return app.done, screen.selected

    assert on_stage(TrialScreen(7, full()), act) == (["kill", "terminate", "attach"], (7,))


def test_a_click_on_a_key_of_the_footer_stands_for_the_key() -> None:
    async def act(pilot: Any, app: Stage) -> list[str]:
        text = seen(app).splitlines()[-1]
        assert "T terminate" in text
        await pilot.click(KeyFooter, offset=(text.index("T terminate"), 0))
        await pilot.pause()
        return app.done

    assert on_stage(TrialScreen(7, full()), act) == ["terminate"]


def test_a_pane_takes_the_whole_screen_and_escape_gives_it_back() -> None:
    async def act(pilot: Any, app: Stage) -> tuple[bool, bool, int]:
        await pilot.press("z")
        large = app.screen.maximized is not None
        await pilot.press("escape")
        return large, app.screen.maximized is not None, len(app.screen_stack)

    assert on_stage(TrialScreen(7, full()), act) == (True, False, 2)


def facts_of(of: Snapshot, number: int, width: int = 78) -> str:
    return "\n".join(text_of(lines) for _, lines in sections(of, number, width))


def test_what_is_not_as_in_the_default_is_marked_with_what_the_default_has() -> None:
    told = facts_of(full(), 5)
    assert "* is not as in the default, t0000" in told
    assert "* learning_rate 1e-2  float   default 4.3e-3" in told
    assert "  steps         60  int" in told
    assert "default" not in facts_of(full(), 0).split("2 attempts")[0]


def test_the_processes_of_a_running_trial_are_a_tree_and_unknown_is_a_question_mark() -> None:
    lines = (
        ProcessLine(41, 0, 62.0, 98.6, 812, 18 * 1024, "python train.py"),
        ProcessLine(42, 1, None, None, None, None, "worker"),
        ProcessLine(43, 1, 1.0, 0.0, 1, 0, "worker 2"),
    )
    told = facts_of(replace(full(), processes=ProcessTree(7, 1, lines, "and 9 more")), 7)
    assert "41  1 min 02 s  99%  812 MiB  18.0 GiB  python train.py" in told
    assert "42  ?             ?  ?        ?           worker" in told
    assert "43  1.0 s        0%  1 MiB    -           worker 2" in told
    assert "and 9 more" in told
    assert "not read yet" in facts_of(full(), 8)
    assert "none: it does not run" in facts_of(full(), 5)


def test_what_pins_a_trial_to_its_gpu_is_told_with_the_command() -> None:
    told = facts_of(full(), 7)
    assert "CUDA_VISIBLE_DEVICES=GPU-G0" in told
    assert "CUDA_DEVICE_ORDER=PCI_BUS_ID" in told


@pytest.mark.parametrize(
    ("key", "heading"),
    [("1", "1 parameters"), ("2", "2 attempts"), ("3", "3 command"), ("4", "4 processes")],
)
def test_a_number_brings_its_section_into_sight_at_80x24(key: str, heading: str) -> None:
    async def act(pilot: Any, app: Stage) -> str:
        await pilot.press("5", key)
        await pilot.pause()
        await pilot.pause()
        return seen(app)

    assert heading in on_stage(TrialScreen(7, full()), act)


def test_highlighting_marks_words_of_the_output_and_keeps_every_line() -> None:
    async def act(pilot: Any, app: Stage) -> tuple[str, list[str], int]:
        await pilot.press("ampersand", *"loss", "enter")
        await pilot.pause()
        log = app.screen.query_one("#log", Lines)
        marked = [
            segment.text
            for y in range(3)
            for segment in log.render_line(y)
            if segment.style is not None and segment.style.reverse
        ]
        await pilot.press("escape")
        await pilot.pause()
        return seen(app), marked, log.found

    text, marked, after = on_stage(TrialScreen(7, full()), act, (160, 45))
    assert marked == ["loss", "loss"]
    assert after == 0
    assert "WARNING: clipped" in text


def test_attempts_tell_cause_code_evidence_place_and_host() -> None:
    trial = failed(1, {"lr": 1.0}, evidence="CUDA out of memory")
    told = "\n".join(attempt_lines(trial, 0.0))
    assert "t0001.1" in told
    assert "gpu-oom, code 1" in told
    assert "on here" in told
    assert "CUDA out of memory" in told


def test_an_attempt_whose_end_nobody_saw_is_unknown_and_not_running() -> None:
    trial = running(1, {"lr": 1.0}, attempt=2)
    newest, older = attempt_lines(trial, trial.attempts[-1].launched_at + 61.0)
    assert newest.endswith("running")
    assert older.endswith("end unknown")


def test_parameters_are_typed_and_the_swept_ones_come_first() -> None:
    sweep = sweep_of(choice("lr", [1e-3, 1e-2]))
    trial = ended(0, {"name": "x", "opt": {"beta": 1}, "flag": True, "none": None, "lr": 1e-3}, 2.0)
    rows = parameter_rows(snapshot([trial], sweep=sweep).view, trial)
    assert rows[0] == ParameterRow("lr", "1e-3", "float", True)
    assert {row.name: row.kind for row in rows} == {
        "lr": "float", "name": "text", "opt.beta": "int", "flag": "bool", "none": "null",
    }  # fmt: skip


def test_the_command_of_a_trial_that_something_else_launched_is_unknown() -> None:
    seen_from = full()
    foreign = replace(seen_from, view=replace(seen_from.view, foreign=True))
    trial = seen_from.view.trials[7]
    assert command_of(seen_from.view, trial) == "python train.py"
    assert command_of(foreign.view, trial) is None
    assert "something else launched" in facts_of(foreign, 7)


def test_a_trial_that_is_not_there_is_said_to_be_missing() -> None:
    assert "t0099 is not in this sweep" in looked_at(TrialScreen(99, full()))


# -- compare ---------------------------------------------------------------------------------


def test_only_parameters_that_differ_are_compared_and_types_count() -> None:
    a = ended(0, {"lr": 1, "same": [1], "group": {"x": 1, "y": 2}}, 2.0)
    b = ended(1, {"lr": 1.0, "same": [1], "group": {"x": 1, "y": 3}, "only": "b"}, 2.0)
    rows = dict(differing([a, b]))
    assert set(rows) == {"lr", "group.y", "only"}
    assert rows["only"] == ("", "b")


def test_values_are_compared_at_the_largest_step_that_all_have_reached() -> None:
    curves = {(0, METRIC): falling(2.0, points=60), (7, METRIC): falling(1.0, points=30)}
    (at,) = at_same_step(snapshot(curves=curves), [0, 7])
    assert at.step == 30.0
    assert at.best == 7
    assert at.values[0] == value_at(curves[0, METRIC], 30.0)


def test_a_metric_that_one_trial_has_not_logged_is_not_compared() -> None:
    curves = {(0, METRIC): falling(2.0)}
    assert at_same_step(snapshot(curves=curves), [0, 7]) == []


def test_nan_at_the_common_step_is_unknown_and_never_best() -> None:
    gap = Curve([1.0, 2.0], [3.0, float("nan")], 2)
    curves = {(0, METRIC): gap, (7, METRIC): falling(1.0, points=2)}
    (at,) = at_same_step(snapshot(curves=curves), [0, 7])
    assert at.values[0] is None
    assert at.best is None
    assert value_at(gap, 0.5) is None


def test_the_comparison_says_who_is_better_at_that_step() -> None:
    text = text_of(compare_lines(full(), [5, 7], 100))
    assert "learning_rate" in text
    assert "steps" not in text  # the same in both
    assert "is best in train_mean_nll" in text


def test_one_trial_cannot_be_compared_and_the_screen_says_what_to_do() -> None:
    assert "Mark two trials" in looked_at(CompareScreen([7], full()))


@pytest.mark.parametrize("size", SIZES[:2])
def test_a_comparison_shows_table_and_chart(size: tuple[int, int]) -> None:
    trials = lr_trials()
    text = looked_at(CompareScreen([5, 7], snapshot(trials, curves=default_curves(trials))), size)
    assert "t0005" in text
    assert METRIC in text
    assert any("\u2800" < char < "\u2900" for char in text)


def test_the_filter_line_takes_one_row_only_when_it_is_wanted() -> None:
    async def act(pilot: Any, app: Stage) -> tuple[int, int]:
        line = app.screen.query_one(Input)
        before = line.size.height
        await pilot.press("slash")
        await pilot.pause()
        return before, line.size.height

    assert on_stage(ResultsScreen(full()), act) == (0, 1)


def test_more_trials_than_columns_have_a_row_each_and_what_else_is_recorded_is_compared() -> None:
    lines = compare_lines(full(), range(9), 78)
    text = text_of(lines)
    (row,) = [line for line in text.splitlines() if line.startswith("t0008")]
    assert "running" in row
    assert "G1" in row
    table = text.split("At step")[0].splitlines()
    assert max(len(line) for line in table) <= 78


def test_one_key_adds_the_points_that_are_offered_after_a_yes() -> None:
    sweep = sweep_of(choice("lr", [1e-4, 1e-3, 1e-2]))
    trials = [ended(n, {"lr": lr}, 3.0 - n) for n, lr in enumerate((1e-4, 1e-3, 1e-2))]
    sent: list[Any] = []

    async def act(pilot: Any, app: Stage) -> tuple[str, str]:
        app.send = sent.append  # type: ignore[attr-defined]  # the real application has it
        page = seen(app)
        await pilot.press("A")
        await pilot.pause()
        asked = seen(app)
        await pilot.press("n", "A", "y")
        await pilot.pause()
        return page, asked

    page, asked = on_stage(ResultsScreen(snapshot(trials, sweep=sweep)), act, (100, 50))
    assert "A adds lr = 1e-1, 1." in page
    assert "Add 2 trials to lr-sweep?" in asked
    (request,) = sent
    assert (request.verb, request.points) == ("add", ({"lr": 0.1}, {"lr": 1.0}))


def test_where_no_point_is_missing_the_key_says_so_and_sends_nothing() -> None:
    async def act(pilot: Any, app: Stage) -> int:
        await pilot.press("A")
        await pilot.pause()
        return len(app.screen_stack)

    assert on_stage(ResultsScreen(full()), act) == 2


def test_of_a_very_long_table_the_best_are_shown_and_the_rest_is_found_by_filtering() -> None:
    one = full()
    sweep = one.view.sweep
    trials = [ended(number, {}, float(number)) for number in range(400)]
    many = replace(one, judgement=judge(sweep, trials))
    text = text_of(result_lines(many, 78, 12))
    assert "and 100 more: / keeps what you look for, w writes all" in text
    assert "t0299" in text
    assert "t0399" not in text
    found = text_of(result_lines(many, 78, 12, words="t0399"))
    assert "t0399" in found
    assert "more: /" not in found


def test_each_part_of_the_look_back_is_a_key_and_is_asked_for_when_it_is_opened() -> None:
    wanted: list[Want] = []

    async def act(pilot: Any, app: Stage) -> list[str]:
        app.want = wanted.append  # type: ignore[attr-defined]  # the real application has it
        pages = []
        for key in "234561":
            await pilot.press(key)
            await pilot.pause()
            screen = app.screen
            assert isinstance(screen, ResultsScreen)
            screen.update(replace(looked_back(screen.wants), at=screen.snapshot.at + 10))  # type: ignore[union-attr]
            await pilot.pause()
            pages.append(seen(app))
        return pages

    sure, mattered, search, early, gradients, answer = on_stage(
        ResultsScreen(looked_back(Want())), act, (100, 60)
    )
    assert [want.part for want in wanted] == [
        "sure", "mattered", "search", "early", "gradients", "sure",
    ]  # fmt: skip
    assert "first-second: t0001 against" in sure
    assert "R repeats the best" in sure
    assert "complete trials are too few" in mattered
    assert "over all axes" in search
    assert "Too few trials came to their end" in early
    assert "No trial logs both a gradient norm" in gradients
    assert "[1 answer]" in answer
    assert "Optimal " in answer


def test_a_part_that_was_made_for_this_verdict_is_there_again_at_once() -> None:
    one = looked_back(Want(part="search"))

    async def act(pilot: Any, app: Stage) -> list[str]:
        screen = app.screen
        assert isinstance(screen, ResultsScreen)
        pages = []
        screen.update(replace(one, at=one.at + 10))
        other = looked_back(Want())  # of another verdict
        for then in (replace(one, look=None, at=one.at + 20), replace(other, at=one.at + 30)):
            screen.update(then)
            await pilot.press("4")
            await pilot.pause()
            pages.append(seen(app))
        return pages

    before, other = on_stage(ResultsScreen(one), act, (100, 60))
    assert "over all axes" in before
    assert "is being made" in other


def test_until_a_part_is_made_it_says_so_and_of_the_past_there_is_none() -> None:
    one = replace(full(), look=Looked("search", None, "12 of 900 files are read"))
    assert "is being made: 12 of 900 files are read" in text_of(part_lines(one, "search", 80))
    assert "is being made …" in text_of(part_lines(one, "mattered", 80))
    then = replace(one, as_of=AsOf(1.0, 2.0))
    assert "esc comes back to now" in text_of(part_lines(then, "search", 80))


def looked_back(want: Want) -> Snapshot:
    """Two parameters, eight results, and the part that is wanted."""
    sweep = sweep_of(choice("lr", [1e-4, 1e-3, 1e-2, 1e-1]), choice("wd", [0.0, 0.1]))
    trials = [
        ended(n, {"lr": 10.0 ** (n // 2 - 4), "wd": 0.1 * (n % 2)}, 2.0 + 0.1 * (n - 1) ** 2)
        for n in range(8)
    ]
    one = snapshot(trials, sweep=sweep)
    if want.part is None:
        return one
    found = review(sweep, one.judgement, trials, {}, {}, parts=(want.part,))
    return replace(one, look=Looked(want.part, found))
