"""The feed: what is read becomes one frozen snapshot; only what is wanted is in it."""

import json
import math
import queue
from pathlib import Path

import pytest

from tests.cli.world import World
from tests.controller.bench import Bench
from tuiswp.analysis.review import PARTS, Part
from tuiswp.controller.requests import new_request, submit
from tuiswp.model.sweep import Objective
from tuiswp.tui import following, lookback
from tuiswp.tui.feed import Feed
from tuiswp.tui.reading import Reading
from tuiswp.tui.screens.facts import command_of
from tuiswp.tui.screens.results import result_lines
from tuiswp.tui.snapshot import Snapshot, Want

pytestmark = pytest.mark.slow  # large sweeps


@pytest.fixture
def bench(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Bench:
    monkeypatch.setenv("TUISWP_GPUS", "none")
    monkeypatch.setenv("TUISWP_RUNTIME_DIR", str(tmp_path / "run"))
    monkeypatch.chdir(tmp_path)
    return Bench(tmp_path)


def metrics(bench: Bench, number: int, losses: list[float]) -> None:
    rows = [
        json.dumps({"step": step, "loss": loss, "lr": 0.1, "progress": (step + 1) / 10}) + "\n"
        for step, loss in enumerate(losses)
    ]
    bench.place.metrics(number).write_text("".join(rows))


def test_running_and_ended_trials_stand_beside_each_other(bench: Bench) -> None:
    bench.step()
    metrics(bench, 0, [4.0, 3.0])
    bench.launcher.finish(bench.token(0))
    bench.step()
    metrics(bench, 1, [4.0, 2.5, 2.0])
    reading = Reading(bench.place.root)
    snapshot = reading.take(Want())
    rows = {row.id: row for row in snapshot.rows}
    assert [row.state for row in snapshot.rows] == ["done", "running", "running"]
    assert rows["t0000"].flags == ("BEST",)
    assert (rows["t0001"].value, rows["t0001"].progress) == (2.0, 0.3)
    assert rows["t0001"].spark == (4.0, 2.5, 2.0)
    assert snapshot.columns == ("x",)
    assert snapshot.metrics == ("loss", "lr")
    assert snapshot.planned == 4
    reading.close()


def test_a_training_that_ended_is_looked_at_once_and_told_in_the_results(bench: Bench) -> None:
    bench.step()
    metrics(bench, 0, [4.0 - 0.1 * step for step in range(20)])  # it still fell at its end
    bench.launcher.finish(bench.token(0))
    bench.step()
    metrics(bench, 1, [4.0 - 0.1 * step for step in range(20)])
    reading = Reading(bench.place.root)
    snapshot = reading.take_whole(Want())
    assert {number: one.verdict for number, one in snapshot.health.items()} == {0: "underfit"}
    assert reading.take(Want()).health is snapshot.health
    lines = ["".join(text for text, _ in line) for line in result_lines(snapshot, 100, 8)]
    head = next(line for line in lines if line.startswith("#"))
    row = next(line for line in lines if " t0000 " in line and line.startswith("1"))
    assert row[head.index("training") :].startswith("underfit")
    reading.close()


def test_metrics_of_ones_own_are_curves_like_others_and_flag_their_trial(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TUISWP_GPUS", "none")
    monkeypatch.setenv("TUISWP_RUNTIME_DIR", str(tmp_path / "run"))
    bench = Bench(tmp_path, "metrics: {inverse: 1 / loss}, objective: {expr: 2 * loss}")
    bench.step()
    metrics(bench, 0, [4.0, 0.0, 2.0])
    metrics(bench, 1, [4.0, 3.0])
    reading = Reading(bench.place.root)
    snapshot = reading.take(Want(metrics=("inverse",)))
    assert snapshot.metrics == ("objective", "loss", "lr", "inverse")
    assert [row.value for row in snapshot.rows] == [4.0, 6.0]
    assert [row.flags for row in snapshot.rows] == [("EXPR",), ()]
    assert snapshot.curves[1, "inverse"].ys[-1] == 1 / 3
    reading.close()


def test_the_curves_that_are_wanted_are_there_and_no_others(bench: Bench) -> None:
    bench.step()
    metrics(bench, 0, [4.0, 3.0])
    metrics(bench, 1, [5.0])
    reading = Reading(bench.place.root)
    assert set(reading.take(Want()).curves) == {(0, "loss"), (1, "loss")}
    wanted = reading.take(Want(metrics=("lr",), trials=(0,)))
    assert set(wanted.curves) == {(0, "lr")}
    assert list(wanted.curves[0, "lr"].ys) == [0.1, 0.1]
    reading.close()


def test_output_is_made_harmless_and_a_progress_bar_shows_its_last_state(bench: Bench) -> None:
    bench.step()
    place = bench.place.attempt(0, 1)
    (place / "output.log").write_bytes(b"10%\r20%\r30%\nplain\n\x1b]52;c;x\x07[/red]\n")
    reading = Reading(bench.place.root)
    log = reading.take(Want(log_of=0)).log
    assert log is not None
    assert log.lines == ("30%", "plain", "␛]52;c;x␇[/red]")
    reading.close()


def test_the_journal_is_told_in_lines(bench: Bench) -> None:
    bench.step()
    reading = Reading(bench.place.root)
    told = reading.take(Want()).events
    assert any(line.trial == 0 and "started" in line.text for line in told)
    assert len(reading.take(Want()).events) == len(told)
    reading.close()


def test_every_fact_is_an_event_with_who_asked_and_the_command_as_it_ran(bench: Bench) -> None:
    bench.step()
    asked = new_request("kill", (0,))
    submit(bench.place, asked)
    bench.step()
    reading = Reading(bench.place.root)
    snapshot = reading.take(Want())
    kinds = {line.kind for line in snapshot.events}
    assert kinds >= {"controller", "proposed", "launch", "started", "ending", "request"}
    (request,) = [line for line in snapshot.events if line.kind == "request"]
    assert request.text.startswith(f"kill, asked by {asked.by}: ")
    launch = next(line for line in snapshot.events if line.kind == "launch")
    assert launch.command
    assert launch.command == command_of(snapshot.view, snapshot.view.state.trials[0])
    assert len(snapshot.events) == snapshot.view.state.seq
    reading.close()


def test_another_rule_ranks_what_the_files_say_and_leaves_the_verdict(bench: Bench) -> None:
    bench.step()
    metrics(bench, 0, [1.0, 3.0])
    metrics(bench, 1, [4.0, 2.0])
    for number in (0, 1):
        bench.launcher.finish(bench.token(number))
    bench.step()
    reading = Reading(bench.place.root)
    rule = Objective("loss", reduce="best")
    snapshot = reading.take(Want(what_if=rule))
    assert snapshot.what_if is not None
    assert [t.number for t in snapshot.what_if.judgement.ranked] == [0, 1]
    assert [t.number for t in snapshot.judgement.ranked] == [1, 0]
    assert reading.take(Want(what_if=rule)).what_if is snapshot.what_if
    assert reading.take(Want()).what_if is None
    reading.close()


def test_the_feed_posts_at_once_when_something_else_is_wanted(bench: Bench) -> None:
    bench.step()
    metrics(bench, 0, [4.0])
    posted: queue.Queue[Snapshot] = queue.Queue()
    failed: list[str] = []
    feed = Feed(bench.place.root, posted.put, failed.append)
    feed.start()
    posted.get(timeout=5)
    feed.want(Want(metrics=("lr",), trials=(0,)))
    while (0, "lr") not in posted.get(timeout=5).curves:
        pass
    feed.close()
    assert not feed.is_alive()
    assert not failed


def test_curves_come_by_time_and_progress_and_smoothed_if_wanted(bench: Bench) -> None:
    bench.step()
    rows = [
        {"step": n, "loss": 4.0 - n, "_timestamp": 1.8e9 + 30.0 * n, "progress": n / 4}
        for n in range(4)
    ]
    place = bench.place.metrics(0)
    place.write_text("".join(json.dumps(row) + "\n" for row in rows))
    metrics(bench, 1, [5.0, 4.0])
    reading = Reading(bench.place.root)
    by_time = reading.take(Want(x="time", smooth=0.5)).curves
    assert list(by_time[0, "loss"].xs) == [0.0, 30.0, 60.0, 90.0]
    assert by_time[0, "loss"].smoothed == pytest.approx([4.0, 10 / 3, 18 / 7, 26 / 15])
    untimed = by_time[1, "loss"]
    assert (list(untimed.xs), untimed.count, untimed.x) == ([], 2, "time")
    by_progress = reading.take(Want(x="progress", span=(0.4, 0.6))).curves
    assert list(by_progress[0, "loss"].xs) == [0.25, 0.5, 0.75]
    assert list(by_progress[1, "loss"].xs) == [0.2]
    assert set(reading.take(Want(x="time")).metrics) == {"loss", "lr"}
    reading.close()


def test_a_running_trial_is_put_beside_the_best_where_it_is_now(bench: Bench) -> None:
    bench.step()
    metrics(bench, 0, [4.0, 3.0, 2.0])
    bench.launcher.finish(bench.token(0))
    bench.step()
    metrics(bench, 1, [5.0, 2.4, math.nan])
    reading = Reading(bench.place.root)
    found = reading.take(Want(compare=1)).same_step
    assert found is not None
    assert (found.trial, found.step, found.value) == (1, 1.0, 2.4)
    assert (found.best, found.best_value) == (0, 3.0)
    assert found.better == pytest.approx(0.2)
    assert reading.take(Want(compare=0)).same_step is None
    assert reading.take(Want()).same_step is None
    reading.close()


def large(folder: Path, count: int) -> Path:
    """A sweep of many trials that ended; every seventh failed, some curves have gaps."""
    world = World(folder)
    for number in range(count):
        world.suggest(number, 10.0 ** -(1 + number % 4))
        world.launch(number)
        value = 2.0 + (number * 7919 % 97) / 97
        world.metrics(number, [5.0, 4.0, float("nan") if number % 9 == 2 else 3.0, value] * 30)
        if number % 7 == 6:
            world.fail(number)
        else:
            world.end(number, value)
    world.over()
    world.close()
    return folder


def at_rest(reading: Reading) -> Snapshot:
    snapshot = reading.take(Want())
    while reading.behind:
        snapshot = reading.take(Want())
    return snapshot


def test_a_large_sweep_is_told_as_a_small_one_once_it_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TUISWP_GPUS", "none")
    place = large(tmp_path / "many", 90)
    large_one, small_one = (Reading(place, clock=lambda: 2e9) for _ in range(2))
    found = at_rest(large_one)
    monkeypatch.setattr(following, "WHOLE_FILES", 1000)
    whole = at_rest(small_one)
    assert found.rows == whole.rows
    assert sum(len(row.spark) > 3 for row in found.rows) == 90
    assert (found.judgement, found.diagnoses) == (whole.judgement, whole.diagnoses)
    assert set(found.metrics) == set(whole.metrics)
    assert found.events == whole.events
    large_one.close()
    small_one.close()


@pytest.mark.parametrize("part", PARTS)
def test_the_look_back_at_a_large_sweep_is_that_of_a_small_one_read_a_little_at_a_time(
    part: Part, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TUISWP_GPUS", "none")
    place = large(tmp_path / "many", 70)
    slow, quick = (Reading(place, clock=lambda: 2e9) for _ in range(2))
    monkeypatch.setattr(lookback, "_READ_S", 0.0)
    found = slow.take_whole(Want(part=part))
    monkeypatch.setattr(following, "WHOLE_FILES", 1000)
    whole = quick.take_whole(Want(part=part))
    assert found.look is not None
    assert found.look.found is not None
    assert repr(found.look) == repr(whole.look)  # a correlation may be NaN
    assert slow.take(Want(part=part)).look is found.look
    assert slow.take(Want()).look is None
    slow.close()
    quick.close()


def test_what_did_not_change_is_the_same_row(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TUISWP_GPUS", "none")
    reading = Reading(large(tmp_path / "many", 70), clock=lambda: 2e9)
    first, second = at_rest(reading), reading.take(Want())
    assert all(one is other for one, other in zip(first.rows, second.rows, strict=True))
    reading.close()


def test_only_the_trials_looked_at_last_are_kept_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TUISWP_GPUS", "none")
    monkeypatch.setattr(following, "WHOLE_FILES", 4)
    reading = Reading(large(tmp_path / "many", 12))
    at_rest(reading)
    for number in range(12):
        wanted = Want(metrics=("progress",), trials=(number,))
        snapshot = reading.take(wanted)
        assert snapshot.rows[number].spark
    assert 5 <= len(reading._following._whole) <= 6
    reading.close()
