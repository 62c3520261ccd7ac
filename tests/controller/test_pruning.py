"""Early stopping in a living sweep: who is stopped, what is written down, who is spared."""

import json
from pathlib import Path

import pytest

from tests.controller.bench import Bench
from tuiswp.controller.journal import read
from tuiswp.controller.requests import new_request
from tuiswp.model.events import AttemptEnded, KillPointJudged, KillRequested, Warned
from tuiswp.model.stopper import Hyperband, Judged

HYPERBAND = "early_stop: {type: hyperband, min_iter: 2, eta: 3}"
ASHA = "early_stop: {type: asha, min_resource: 2, eta: 2}"


def report(bench: Bench, number: int, *losses: float) -> None:
    """Append one row a loss to the trial's metrics."""
    path = bench.place.metrics(number)
    begun = len(path.read_text().splitlines()) if path.exists() else 0
    with path.open("a") as out:
        for step, loss in enumerate(losses, begun + 1):
            out.write(json.dumps({"step": 10 * step, "loss": loss}) + "\n")


def judged(bench: Bench) -> list[tuple[int, Judged]]:
    return [
        (record.event.trial, record.event.judged)
        for record in read(bench.place.journal).records
        if isinstance(record.event, KillPointJudged)
    ]


def kills(bench: Bench) -> list[KillRequested]:
    return [
        record.event
        for record in read(bench.place.journal).records
        if isinstance(record.event, KillRequested)
    ]


@pytest.fixture
def hyperband(tmp_path: Path) -> Bench:
    bench = Bench(tmp_path, HYPERBAND)
    bench.step()
    return bench


def test_the_worse_of_two_is_stopped_at_its_kill_point_with_its_evidence(hyperband: Bench) -> None:
    report(hyperband, 0, 3.0, 1.0)
    report(hyperband, 1, 3.0)
    hyperband.step()
    assert judged(hyperband) == []
    report(hyperband, 1, 2.0)
    hyperband.step()
    [(number, found)] = judged(hyperband)
    assert number == 1
    assert found == Judged("hyperband", "report", 2, 2, 2.0, 1.0, 2, 2, (0,))
    [kill] = kills(hyperband)
    assert (kill.trial, kill.request.becomes, kill.request.by) == (1, "pruned", "tuiswp")
    assert kill.request.why == (
        "hyperband at report 2: loss 2 is worse than 1; rank 2 of 2, t0000 is best"
    )


def test_a_stopped_trial_is_pruned_and_its_place_is_filled(hyperband: Bench) -> None:
    report(hyperband, 0, 3.0, 1.0)
    report(hyperband, 1, 3.0, 2.0)
    hyperband.step()
    assert hyperband.states() == ["running", "pruned", "running"]
    [end] = [
        record.event
        for record in read(hyperband.place.journal).records
        if isinstance(record.event, AttemptEnded)
    ]
    assert (end.cause, end.value) == ("pruned", 2.0)


def test_ended_trials_count_in_the_thresholds_also_after_a_restart_of_the_controller(
    hyperband: Bench,
) -> None:
    report(hyperband, 0, 1.0, 1.0)
    hyperband.step()
    hyperband.finish(0)
    hyperband.crash()
    report(hyperband, 1, 5.0, 5.0)
    hyperband.step()
    assert [number for number, _ in judged(hyperband)] == [1]


def test_a_pinned_trial_is_never_stopped_and_unpinned_it_is(hyperband: Bench) -> None:
    hyperband.put(new_request("pin", (1,)))
    report(hyperband, 0, 1.0, 1.0)
    report(hyperband, 1, 5.0, 5.0)
    hyperband.step()
    assert judged(hyperband) == []
    hyperband.put(new_request("unpin", (1,)))
    report(hyperband, 1, 5.0)
    hyperband.step()
    assert [number for number, _ in judged(hyperband)] == [1]


def test_the_baseline_is_never_stopped(tmp_path: Path) -> None:
    bench = Bench(tmp_path, f"baseline: {{x: 9}}, {HYPERBAND}")
    bench.step()
    report(bench, 0, 9.0, 9.0, 9.0)
    report(bench, 1, 1.0, 1.0, 1.0)
    bench.step()
    assert bench.trials()[0].origin == "baseline"
    assert judged(bench) == []


def test_a_kill_is_asked_for_once(hyperband: Bench) -> None:
    report(hyperband, 0, 1.0, 1.0)
    report(hyperband, 1, 5.0, 5.0)
    hyperband.step()
    report(hyperband, 1, 6.0)
    report(hyperband, 0, 1.0)
    hyperband.step(5)
    assert len(kills(hyperband)) == 1


def test_a_pruned_trial_that_a_person_restarts_is_pinned(hyperband: Bench) -> None:
    report(hyperband, 0, 1.0, 1.0)
    report(hyperband, 1, 5.0, 5.0)
    hyperband.step()
    assert "and pinned" in hyperband.put(new_request("restart", (1,))).outcome
    hyperband.finish(0, code=0)
    assert hyperband.trials()[1].state == "running"
    report(hyperband, 1, 5.0)
    hyperband.step()
    assert len(judged(hyperband)) == 1


def test_a_passed_rung_is_a_fact_and_is_not_judged_again(tmp_path: Path) -> None:
    bench = Bench(tmp_path, ASHA)
    bench.step()
    report(bench, 0, 2.0, 2.0)
    bench.step()
    assert [(n, one.stop, one.kill_point) for n, one in judged(bench)] == [(0, False, 2)]
    report(bench, 1, 1.0, 1.0)  # better, but the other has passed already
    bench.step()
    bench.crash()
    report(bench, 0, 2.0)
    bench.step()
    assert [(n, one.stop) for n, one in judged(bench)] == [(0, False), (1, False)]
    report(bench, 0, 2.0)
    report(bench, 1, 1.0, 1.0)
    bench.step()
    assert [(n, one.stop, one.kill_point) for n, one in judged(bench)][2:] == [
        (0, True, 4),
        (1, False, 4),
    ]


def test_steps_are_counted_where_the_file_says_so(tmp_path: Path) -> None:
    bench = Bench(tmp_path, "early_stop: {type: hyperband, min_iter: 20, resource: step}")
    bench.step()
    report(bench, 0, 1.0, 1.0)
    report(bench, 1, 5.0)
    bench.step()
    assert judged(bench) == []
    report(bench, 1, 5.0)
    bench.step()
    assert [(n, one.kill_point, one.resource) for n, one in judged(bench)] == [(1, 20, "step")]


def test_a_rule_that_no_run_reaches_is_told_once_the_first_has_ended(tmp_path: Path) -> None:
    bench = Bench(tmp_path, "early_stop: {type: hyperband, min_iter: 25}")
    bench.step()
    report(bench, 0, *[1.0] * 20)
    bench.finish(0)
    assert warnings(bench) == [
        "t0000 ended at report 20 without reaching a kill point; the first kill point is report "
        "25. Lower it with `tuiswp set early_stop=…`"
    ]


def test_a_resource_that_is_never_logged_is_told(tmp_path: Path) -> None:
    bench = Bench(tmp_path, "early_stop: {type: median, resource: progress}")
    bench.step()
    report(bench, 0, 1.0)
    bench.finish(0)
    [warning] = warnings(bench)
    assert "counts progress, and t0000 reported none" in warning
    assert "`tuiswp set early_stop=…` with resource=report" in warning


def warnings(bench: Bench) -> list[str]:
    return [
        record.event.message
        for record in read(bench.place.journal).records
        if isinstance(record.event, Warned)
    ]


def test_the_rule_can_be_changed_while_the_sweep_runs(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    bench.step()
    report(bench, 0, 1.0, 1.0)
    report(bench, 1, 5.0, 5.0)
    bench.step()
    assert judged(bench) == []
    asked = bench.put(new_request("set", stopper=Hyperband(2.0), why="they never end"))
    assert asked.outcome.startswith("early_stop: none → hyperband(min_iter=2.0")
    bench.step()
    assert [number for number, _ in judged(bench)] == [1]
    bench.crash()
    assert bench.controller.core.sweep.stopper == Hyperband(2.0)
    again = bench.put(new_request("set", stopper=Hyperband(2.0)))
    assert (again.ok, again.outcome) == (True, "early_stop is so already")
    bench.put(new_request("set", stopper="none"))
    assert bench.controller.core.sweep.stopper is None


def test_a_trial_that_has_done_its_work_is_not_stopped_at_its_last_report(
    hyperband: Bench,
) -> None:
    for number, loss in ((0, 1.0), (1, 5.0)):
        rows = [{"step": step, "loss": loss, "progress": step / 2} for step in (1, 2)]
        text = "".join(json.dumps(row) + "\n" for row in rows)
        hyperband.place.metrics(number).write_text(text)
    hyperband.step()
    assert judged(hyperband) == []
