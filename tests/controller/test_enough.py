"""A sweep that has found enough stops, says which rule it was, and goes on if it is told to."""

import pytest

from tests.controller.bench import Bench
from tuiswp.controller.journal import read
from tuiswp.controller.reducer import replay
from tuiswp.controller.requests import new_request
from tuiswp.controller.story import Story


@pytest.mark.parametrize("bench", ["stop: {same_best: 2}"], indirect=True)
def test_a_rule_that_is_reached_stops_the_sweep_and_is_told(bench: Bench) -> None:
    bench.step()
    bench.finish(0, 1.0)
    bench.finish(1, 2.0)
    bench.finish(2, 3.0)  # the second after the best
    bench.finish(3, 4.0)  # ran already, and came to its end
    state = bench.controller.core.state
    assert state.reached is not None
    assert (state.reached.rule, state.reached.now) == ("same_best", False)
    why = "the best, t0000 1.0000, has not changed for 2 trials"
    assert state.finished == state.reached.why == why
    assert bench.controller.left == "finished"
    told = Story(bench.controller.core.sweep, "test").tell(read(bench.place.journal).records)
    lines = [line.text for line in told]
    assert f"enough: {why}; no new trials, running trials finish" in lines


@pytest.mark.parametrize("bench", ["stop: {same_best: 1, now: true}"], indirect=True)
def test_now_ends_what_runs(bench: Bench) -> None:
    bench.step()
    bench.finish(0, 1.0)
    bench.finish(1, 2.0)
    bench.step()
    assert bench.states()[2] == "killed"
    assert bench.trials()[2].cause == "sweep-stopped"


@pytest.mark.parametrize("bench", ["stop: {failures: 1}"], indirect=True)
def test_after_resume_the_rule_holds_no_more_until_it_is_set_anew(bench: Bench) -> None:
    bench.step()
    bench.finish(0, code=1)
    assert stopping(bench) == "drain"
    applied = bench.ask("resume")
    assert applied.ok and "the rule failures stops it no more" in applied.outcome
    bench.finish(1, code=1)
    assert stopping(bench) is None
    bench.crash()
    bench.step()
    assert stopping(bench) is None
    applied = bench.put(new_request("set", settings={"failures": 3}))
    assert applied.outcome == "failures: 1 → 3"
    bench.finish(2, code=1)
    reached = bench.controller.core.state.reached
    assert reached is not None and reached.why.startswith("3 trials failed")


@pytest.mark.parametrize("bench", ["stop: {hours: 1}"], indirect=True)
def test_a_rule_can_be_taken_away_while_it_runs(bench: Bench) -> None:
    bench.step()
    applied = bench.put(new_request("set", settings={"hours": None, "same_best": 9}))
    assert applied.outcome == "hours: 1 → no such rule; same_best: no such rule → 9"
    stop = bench.controller.core.sweep.stop
    assert (stop.hours, stop.same_best) == (None, 9)
    state = replay(read(bench.place.journal).records)
    assert state == bench.controller.core.state


def stopping(bench: Bench) -> str | None:
    return bench.controller.core.state.stopping
