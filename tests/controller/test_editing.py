"""Steering a living sweep: clone, add, front, pin, interrupt, extend, set; no clock, no tmux."""

import tempfile
from pathlib import Path

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from tests.controller.bench import FILE, Bench
from tuiswp.controller import requests
from tuiswp.controller.journal import read
from tuiswp.controller.reducer import replay
from tuiswp.controller.requests import new_request
from tuiswp.model.edits import RangeEdit
from tuiswp.model.events import RequestApplied, TrialAsked
from tuiswp.model.trial import Interrupt

pytestmark = pytest.mark.slow  # long histories


def outcome(applied: RequestApplied) -> tuple[bool, str]:
    return applied.ok, applied.outcome


def values(bench: Bench) -> list[object]:
    return [trial.params["x"] for trial in bench.trials()]


def finish_all(bench: Bench) -> None:
    """End whatever runs, one after the other, until nothing does."""
    while live := bench.controller.core.state.live():
        bench.finish(live[0].number, float(live[0].number))


# --- points ---


def test_a_clone_runs_with_the_values_named_and_says_where_it_comes_from(bench: Bench) -> None:
    bench.step()
    applied = bench.put(new_request("clone", (1,), points=({"x": 4},), why="is it luck?"))
    assert outcome(applied) == (True, "t0002 is cloned from t0001 with x=4")
    trial = bench.trials()[2]
    assert trial.wish is not None
    assert (trial.origin, trial.wish.source, trial.wish.why) == ("clone", 1, "is it luck?")
    assert trial.wish.by.endswith(applied.by[-8:])
    finish_all(bench)
    assert values(bench) == [1, 2, 4, 3]  # 4 is not proposed again


def test_a_clone_without_a_change_is_a_replicate(bench: Bench) -> None:
    bench.step()
    applied = bench.put(new_request("clone", (0,)))
    assert outcome(applied) == (True, "t0002 is cloned from t0000, the same point again")
    finish_all(bench)
    assert values(bench) == [1, 2, 1, 3, 4]
    assert bench.controller.left == "finished"


def test_a_point_outside_the_range_is_a_persons_to_choose_and_told(bench: Bench) -> None:
    bench.step()
    applied = bench.put(new_request("add", points=({"x": 9},)))
    assert outcome(applied) == (
        True,
        "t0002 waits in the queue; x lies outside one of 1, 2, 3, 4",
    )
    wish = bench.trials()[2].wish
    assert wish is not None
    assert wish.outside == ("x",)


def test_a_value_of_the_wrong_type_is_refused_with_what_is_allowed(bench: Bench) -> None:
    bench.step()
    calls: list[tuple[requests.Verb, tuple[int, ...]]] = [("clone", (0,)), ("add", ())]
    for verb, trials in calls:
        applied = bench.put(new_request(verb, trials, points=({"x": "high"},)))
        assert outcome(applied) == (False, "x: 'high' does not fit; it takes one of 1, 2, 3, 4")
    assert len(bench.trials()) == 2


def test_an_unknown_parameter_or_trial_is_refused_whole(bench: Bench) -> None:
    bench.step()
    applied = bench.put(new_request("add", points=({"x": 4}, {"y": 4})))
    assert outcome(applied) == (False, "no parameter is called 'y'; known: x")
    assert outcome(bench.put(new_request("clone", (0, 7)))) == (False, "t0007 does not exist")
    assert outcome(bench.put(new_request("clone"))) == (False, "clone needs a trial")
    assert len(bench.trials()) == 2


def test_a_point_that_leaves_something_out_takes_it_from_the_best(bench: Bench) -> None:
    bench.step()
    applied = bench.put(new_request("add", points=({},)))
    assert not applied.ok
    assert applied.outcome.startswith("the point leaves out x, and there is neither a baseline")
    bench.finish(0, 5.0)
    bench.finish(1, 1.0)
    applied = bench.put(new_request("add", points=({},)))
    assert outcome(applied) == (True, "t0004 waits in the queue (the same point as t0001)")
    assert bench.trials()[4].params == {"x": 2}


def test_a_request_that_makes_trials_makes_them_once_whatever_crashes(bench: Bench) -> None:
    bench.step()
    request = new_request("add", points=({"x": 7}, {"x": 8}))
    bench.put(request)
    requests.submit(bench.place, request)
    bench.crash()
    bench.step()
    facts = [record.event for record in read(bench.place.journal).records]
    asked = [fact for fact in facts if isinstance(fact, TrialAsked)]
    assert [fact.params["x"] for fact in asked] == [7, 8]
    at = facts.index(asked[0])
    assert isinstance(facts[at + 2], RequestApplied)  # in one write with its outcome


def test_points_added_to_a_finished_sweep_run(bench: Bench) -> None:
    bench.step()
    finish_all(bench)
    bench.crash()
    bench.put(new_request("add", points=({"x": 7},)))
    assert bench.controller.core.state.finished is None
    finish_all(bench)
    assert values(bench) == [1, 2, 3, 4, 7]
    assert bench.controller.core.state.finished == "every point has been tried"


# --- the queue, pins ---


def test_what_is_moved_to_the_front_runs_next_in_the_order_given(bench: Bench) -> None:
    bench.step()
    bench.put(new_request("add", points=({"x": 7}, {"x": 8}, {"x": 9})))
    applied = bench.ask("front", 4, 2)
    assert outcome(applied) == (True, "t0004, t0002 are next")
    bench.crash()
    for number in (0, 1):
        bench.finish(number, 1.0)
    assert [job.id for job in bench.launcher.jobs[2:]] == ["t0004.1", "t0002.1"]
    bench.finish(4, 1.0)
    assert bench.launcher.jobs[-1].id == "t0003.1"


def test_only_what_waits_has_a_place_in_the_queue(bench: Bench) -> None:
    bench.step()
    bench.put(new_request("add", points=({"x": 7},)))
    applied = bench.ask("front", 0, 2)
    assert outcome(applied) == (
        False,
        "t0002 is next; t0000 is running: only what waits has a place in the queue",
    )


def test_a_pin_is_kept_until_it_is_taken_off(bench: Bench) -> None:
    bench.step()
    assert outcome(bench.ask("pin", 0)) == (True, "t0000 is pinned: it is never pruned")
    assert outcome(bench.ask("pin", 0)) == (True, "t0000 is already pinned")
    bench.crash()
    assert bench.trials()[0].pinned is not None
    bench.finish(0, 1.0)
    assert bench.trials()[0].pinned is not None
    assert outcome(bench.ask("unpin", 0)) == (True, "t0000 is no longer pinned")
    assert outcome(bench.ask("unpin", 0)) == (True, "t0000 is not pinned")
    assert bench.trials()[0].pinned is None


# --- interrupt ---


def test_an_interrupt_that_ends_a_trial_says_who_sent_it(bench: Bench) -> None:
    bench.step()
    applied = bench.put(new_request("interrupt", (0,), why="lunch"))
    assert outcome(applied) == (True, "t0000 was interrupted, as ctrl-c does; it may go on")
    trial = bench.trials()[0]
    assert (trial.state, trial.cause) == ("killed", "interrupted-by-user")
    assert trial.attempts[-1].evidence == f"interrupted by {applied.by}: lunch; signal 2"
    assert bench.launcher.asked == [(trial.attempts[-1].token, "interrupt")]


def test_a_trial_that_catches_the_interrupt_goes_on_and_that_is_seen(bench: Bench) -> None:
    bench.step()
    bench.launcher.stubborn.add(bench.token(0))
    applied = bench.ask("interrupt", 0)
    bench.step()
    trial = bench.trials()[0]
    assert trial.state == "running"
    assert trial.kill is None
    assert isinstance(trial.interrupt, Interrupt)
    assert trial.interrupt.by == applied.by
    assert [firmness for _, firmness in bench.launcher.asked] == ["interrupt"]
    bench.crash()
    bench.step()
    assert bench.launcher.asked == [(bench.token(0), "interrupt")]  # nothing follows by itself


def test_what_saves_and_leaves_soon_after_was_interrupted_and_is_not_done(bench: Bench) -> None:
    bench.step()
    bench.launcher.stubborn.add(bench.token(0))
    bench.ask("interrupt", 0)
    bench.finish(0, 1.0)
    trial = bench.trials()[0]
    assert (trial.state, trial.cause, trial.complete) == ("killed", "interrupted-by-user", False)
    assert trial.retries == 0


def test_what_came_to_its_end_was_not_ended_by_the_interrupt(bench: Bench) -> None:
    bench.step()
    bench.launcher.stubborn.add(bench.token(0))
    bench.ask("interrupt", 0)
    bench.place.metrics(0).write_text('{"step": 9, "loss": 1.0, "progress": 1.0}\n')
    bench.finish(0)
    assert (bench.trials()[0].state, bench.trials()[0].cause) == ("done", "done")


def test_a_kill_after_an_interrupt_is_a_kill(bench: Bench) -> None:
    bench.step()
    bench.launcher.stubborn.add(bench.token(0))
    bench.ask("interrupt", 0)
    bench.launcher.stubborn.clear()
    bench.ask("kill", 0)
    assert bench.trials()[0].cause == "killed-by-user"


def test_interrupting_what_does_not_run_is_told(bench: Bench) -> None:
    bench.step()
    bench.finish(0, 1.0)
    assert outcome(bench.ask("interrupt", 0)) == (True, "t0000 already ended (done)")
    bench.ask("pause", 1)
    assert outcome(bench.ask("interrupt", 1)) == (
        False,
        "t0001 is paused: nothing of it runs",
    )


# --- ranges and settings ---


def extended(bench: Bench, *edits: RangeEdit, why: str = "") -> tuple[bool, str]:
    return outcome(bench.put(new_request("extend", edits=edits, why=why)))


def test_values_added_to_a_grid_are_the_only_new_points(bench: Bench) -> None:
    bench.step()
    assert extended(bench, RangeEdit(("x",), "add", values=(0, 2, 9))) == (
        True,
        "x: 1, 2, 3, 4 → 1, 2, 3, 4, 0, 9",
    )
    bench.crash()
    finish_all(bench)
    assert values(bench) == [1, 2, 3, 4, 0, 9]
    assert bench.controller.left == "finished"


def test_a_finished_sweep_that_is_extended_goes_on_and_reruns_nothing(bench: Bench) -> None:
    bench.step()
    finish_all(bench)
    launched = len(bench.launcher.jobs)
    bench.crash()
    assert extended(bench, RangeEdit(("x",), "add", values=(9,))) == (
        True,
        "x: 1, 2, 3, 4 → 1, 2, 3, 4, 9; the sweep goes on",
    )
    finish_all(bench)
    assert [job.id for job in bench.launcher.jobs[launched:]] == ["t0004.1"]
    assert values(bench) == [1, 2, 3, 4, 9]


def test_an_extension_that_brings_nothing_new_leaves_the_sweep_finished(bench: Bench) -> None:
    bench.step()
    finish_all(bench)
    ok, told = extended(bench, RangeEdit(("x",), "remove", values=(4,)))
    assert (ok, told) == (True, "x: 1, 2, 3, 4 → 1, 2, 3; there is nothing new to try")
    assert bench.controller.core.state.finished == "every point has been tried"


def test_a_running_trial_whose_value_is_removed_goes_on_and_is_named(bench: Bench) -> None:
    bench.step()
    assert extended(bench, RangeEdit(("x",), "remove", values=(2, 4))) == (
        True,
        "x: 1, 2, 3, 4 → 1, 3; t0001 runs outside of that and goes on",
    )
    finish_all(bench)
    assert values(bench) == [1, 2, 3]
    assert bench.states() == ["done"] * 3


def test_an_edit_that_changes_nothing_makes_no_fact(bench: Bench) -> None:
    bench.step()
    assert extended(bench, RangeEdit(("x",), "add", values=(2,))) == (True, "x is so already")
    assert bench.controller.core.state.edits == ()
    assert extended(bench) == (False, "extend needs something to change")
    assert extended(bench, RangeEdit(("y",), "add", values=(2,))) == (
        False,
        "no parameter is called 'y'",
    )


def test_max_parallel_follows_at_once_and_ends_nobody(bench: Bench) -> None:
    bench.step()
    applied = bench.put(new_request("set", settings={"max_parallel": 3}))
    assert outcome(applied) == (True, "max_parallel: 2 → 3")
    assert bench.states() == ["running"] * 3
    applied = bench.put(new_request("set", settings={"max_parallel": 1}, why="quiet"))
    assert outcome(applied) == (True, "max_parallel: 3 → 1; 3 trials run now and go on")
    bench.finish(0, 1.0)
    assert bench.states() == ["done", "running", "running"]
    bench.crash()
    bench.step()
    assert bench.states() == ["done", "running", "running"]


def test_a_run_cap_counts_what_the_search_brought_forth_alone(bench: Bench) -> None:
    bench.put(new_request("set", settings={"run_cap": 2}))
    bench.put(new_request("add", points=({"x": 7},)))
    finish_all(bench)
    assert values(bench) == [1, 2, 7]
    bench.crash()
    bench.put(new_request("extend", settings={"run_cap": 3}))
    finish_all(bench)
    assert values(bench) == [1, 2, 7, 3]
    assert bench.controller.left == "finished"


def test_a_setting_that_is_none_of_its_kind_is_refused(bench: Bench) -> None:
    applied = bench.put(new_request("set", settings={"max_parallel": 0}))
    assert outcome(applied) == (
        False,
        "max_parallel: '0' is not a whole number from 1 up; "
        "write max_parallel=4, or max_parallel=none",
    )


def test_replaying_an_edited_journal_gives_the_controllers_own_state(bench: Bench) -> None:
    bench.step()
    bench.put(new_request("clone", (0,), points=({"x": 4},)))
    bench.ask("pin", 0)
    bench.ask("front", 2)
    extended(bench, RangeEdit(("x",), "values", values=(4, 5)), why="the edge won")
    bench.put(new_request("set", settings={"retries": 2, "timeout": 60}))
    bench.ask("interrupt", 1)
    assert replay(read(bench.place.journal).records) == bench.controller.core.state
    run = bench.controller.core.sweep.run
    assert (run.retries, run.timeout_s) == (2, 60)


# --- whatever happens in between ---

RANDOM = """\
name: test
program: train.sh
method: random
metric: {{name: loss, goal: minimize}}
parameters:
  x: {{min: 0.0, max: 1.0}}
  n: {{values: [1, 2]}}
command: [sh, "${{program}}", "${{args}}"]
tuiswp: {{max_parallel: 2, {more}}}
"""
wider = st.builds(
    lambda low, high: new_request("extend", edits=(RangeEdit(("x",), "range", low, high),)),
    st.floats(-2, 0.4),
    st.floats(0.5, 3),
)
listed = st.builds(
    lambda name, how, values: new_request(
        "extend", edits=(RangeEdit((name,), how, values=tuple(values)),)
    ),
    st.sampled_from(["x", "n"]),
    st.sampled_from(["add", "remove", "values"]),
    st.lists(st.integers(0, 6), min_size=1, max_size=3),
)
asked = st.builds(
    lambda trial, value: new_request("clone", (trial,), points=({"x": value},)),
    st.integers(0, 2),
    st.integers(0, 6),
)
capped = st.builds(
    lambda cap: new_request("set", settings={"run_cap": cap}), st.none() | st.integers(1, 9)
)
step = st.just("finish") | wider | listed | listed | asked | capped


def suggestions(file: str, steps: list[str | requests.Request], crashes: set[int]) -> object:
    """Every trial a history brings forth, restarted before some of its steps."""
    with tempfile.TemporaryDirectory() as folder:
        bench = Bench(Path(folder), file=file)
        bench.step()
        for at, one in enumerate(steps):
            if at in crashes:
                bench.crash()
            if isinstance(one, requests.Request):
                bench.put(one)
            elif live := bench.controller.core.state.live():
                bench.finish(live[0].number, 1.0)
        for _ in range(6):
            if live := bench.controller.core.state.live():
                bench.finish(live[0].number, 1.0)
        bench.controller.close()
        return [(trial.number, trial.params, trial.key, trial.origin) for trial in bench.trials()]


STEERED: list[str | requests.Request] = [
    "finish",
    new_request("extend", edits=(RangeEdit(("x",), "add", values=(9,)),)),
    new_request("extend", edits=(RangeEdit(("x",), "range", 0.5, 3.0),)),
    "finish",
    new_request("clone", (0,), points=({"x": 3},)),
    new_request("extend", edits=(RangeEdit(("x",), "remove", values=(4,)),)),
    "finish",
    "finish",
]


@pytest.mark.parametrize("file", [FILE, RANDOM], ids=["grid", "random"])
@pytest.mark.parametrize("crashes", [{2}, {3, 5}, set(range(8))])
def test_an_edited_sweep_goes_on_after_a_restart_as_if_there_had_been_none(
    file: str, crashes: set[int]
) -> None:
    assert suggestions(file, STEERED, crashes) == suggestions(file, STEERED, set())


@pytest.mark.timeout(300)
@pytest.mark.parametrize("file", [FILE, RANDOM], ids=["grid", "random"])
@settings(max_examples=25, deadline=None, phases=[Phase.generate])  # shrinking takes minutes
@given(steps=st.lists(step, min_size=4, max_size=8), crashes=st.sets(st.integers(1, 7), min_size=1))
def test_so_it_does_after_any_history_of_edits_and_restarts(
    file: str, steps: list[str | requests.Request], crashes: set[int]
) -> None:
    assert suggestions(file, steps, crashes) == suggestions(file, steps, set())
