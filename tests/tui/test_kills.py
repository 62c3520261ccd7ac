"""Early stopping as the feed tells it: kill points on the axis, and what awaits a trial."""

import json
from pathlib import Path

import pytest

from tests.controller.bench import Bench
from tuiswp.tui.reading import Reading
from tuiswp.tui.snapshot import Want


def report(bench: Bench, number: int, *losses: float) -> None:
    rows = ({"step": 10 * k, "progress": k / 40, "loss": loss} for k, loss in enumerate(losses, 1))
    bench.place.metrics(number).write_text("".join(json.dumps(row) + "\n" for row in rows))


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    made = Bench(tmp_path, "early_stop: {type: hyperband, min_iter: 2}")
    made.step()
    return made


def test_kill_points_stand_where_a_trial_got_to_them(bench: Bench) -> None:
    report(bench, 0, *[1.0] * 7)
    report(bench, 1, 1.0)
    reading = Reading(bench.place.root)
    snapshot = reading.take(Want())
    assert [(one.at, one.label, one.x) for one in snapshot.kill_points] == [
        (20, "kill 2", "step"),
        (60, "kill 6", "step"),
    ]
    assert reading.take(Want(x="progress")).kill_points == ()
    reading.close()


def test_a_length_in_the_file_places_them_before_anything_is_reported(tmp_path: Path) -> None:
    more = "early_stop: {type: hyperband, min_iter: 2}, length: {report: 20, step: 200}"
    made = Bench(tmp_path, more)
    made.step()
    reading = Reading(made.place.root)
    assert [one.at for one in reading.take(Want()).kill_points] == [20, 60, 180]
    reading.close()


def test_what_awaits_the_chosen_trial_is_said_before_it_happens(bench: Bench) -> None:
    report(bench, 0, 1.0, 1.0, 1.0)
    report(bench, 1, 5.0)
    reading = Reading(bench.place.root)
    assert reading.take(Want(compare=1)).outlook == (
        "hyperband looks at t0001 next at report 2: now 5, the limit there 1, rank 2 of 2: "
        "in danger"
    )
    assert reading.take(Want(compare=0)).outlook == (
        "hyperband looks at t0000 next at report 6: nobody was there yet"
    )
    assert reading.take(Want()).outlook is None
    reading.close()


def test_a_sweep_without_a_rule_has_neither(tmp_path: Path) -> None:
    made = Bench(tmp_path)
    made.step()
    report(made, 0, 1.0, 1.0, 1.0)
    reading = Reading(made.place.root)
    snapshot = reading.take(Want(compare=0))
    assert (snapshot.kill_points, snapshot.outlook) == ((), None)
    reading.close()
