"""The sweep as it was: facts replayed up to a moment, curves cut there, nothing asked of it."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.controller.bench import Bench
from tests.controller.histories import event
from tuiswp.controller.reducer import replay
from tuiswp.model.events import Record
from tuiswp.tui import past as past_module
from tuiswp.tui.moments import moved, told
from tuiswp.tui.past import Past
from tuiswp.tui.reading import Reading
from tuiswp.tui.snapshot import AsOf, Want


@given(st.lists(event, max_size=60), st.integers(0, 70), st.integers(1, 7), st.integers(2, 4))
def test_every_moment_is_the_replay_of_the_facts_until_then(
    events: list[object], count: int, every: int, most: int
) -> None:
    records = [Record(1, n, float(n), e) for n, e in enumerate(events, 1)]  # type: ignore[arg-type]
    before = past_module.MOST
    past_module.MOST = most
    try:
        past = Past()
        past._every = every
        past.add(records[: len(records) // 2])
        past.add(records[len(records) // 2 :])
    finally:
        past_module.MOST = before
    assert past.at(float(count)) == replay(records[:count])
    assert past.at(count - 0.5) == replay(records[: max(0, count - 1)])


def test_going_back_through_a_long_journal_replays_little_each_time(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from tuiswp.model.events import BestChanged

    past = Past()
    past.add(Record(1, n, float(n), BestChanged(0, 1.0)) for n in range(1, 100_001))
    replayed: list[int] = []
    original = replay

    def counted(records: list[Record], state: object) -> object:
        replayed.append(len(records))
        return original(records, state)  # type: ignore[arg-type]

    monkeypatch.setattr(past_module, "replay", counted)
    for moment in range(0, 100_000, 1000):
        assert past.at(float(moment)).seq == moment
    assert max(replayed) <= 100_000 / past_module.MOST * 4
    assert len(past._states) <= past_module.MOST


def test_a_clock_that_was_set_back_does_not_lose_facts() -> None:
    from tuiswp.model.events import BestChanged

    past = Past()
    past.add([Record(1, n, t, BestChanged(n, 1.0)) for n, t in enumerate((10.0, 5.0, 20.0), 1)])
    assert [past.count(t) for t in (9.0, 10.0, 19.0, 20.0)] == [0, 2, 2, 3]


def test_steps_are_round_and_end_at_the_beginning_and_live() -> None:
    assert moved(None, -1, 0.0, 3600.0) == 3540.0
    assert moved(3540.0, 1, 0.0, 3600.0) is None
    assert moved(30.0, -1, 0.0, 3600.0) == 0.0
    assert moved(None, -10, 0.0, 3600.0) == 3000.0
    assert moved(None, 1, 0.0, 3600.0) is None


def test_how_far_back_one_looks_is_told() -> None:
    assert "(-35 min)" in told(AsOf(1000.0, 1000.0 + 35 * 60))
    assert "curves approximate" in told(AsOf(1000.0, 1060.0, approximate=True))


@pytest.fixture
def bench(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Bench:
    monkeypatch.setenv("TUISWP_GPUS", "none")
    monkeypatch.setenv("TUISWP_RUNTIME_DIR", str(tmp_path / "run"))
    monkeypatch.chdir(tmp_path)
    return Bench(tmp_path)


@pytest.mark.parametrize("stamped", [True, False])
def test_the_screen_shows_states_values_and_curves_as_they_were(
    bench: Bench, stamped: bool
) -> None:
    bench.step()
    bench.launcher.finish(bench.token(0))
    bench.step()
    reading = Reading(bench.place.root)
    (attempt,) = reading.take(Want()).view.state.trials[0].attempts
    start, end = attempt.started_at, attempt.ended_at
    assert start is not None
    assert end is not None
    moment = start + 0.45 * (end - start)
    rows = [
        {"step": n, "loss": 10.0 - n, "progress": (n + 1) / 10}
        | ({"_timestamp": start + n * (end - start) / 10} if stamped else {})
        for n in range(10)
    ]
    bench.place.metrics(0).write_text("".join(json.dumps(row) + "\n" for row in rows))
    live = reading.take(Want(trials=(0,)))
    assert live.rows[0].state == "done"
    assert live.as_of is None
    then = reading.take(Want(trials=(0,), as_of=moment))
    assert then.as_of is not None
    assert then.as_of.approximate is not stamped
    assert then.rows[0].state == "running"
    assert then.at == moment
    assert then.inventory is None
    assert then.judgement.optimum is None
    assert all(line.at <= moment for line in then.events)
    (curve,) = then.curves.values()
    if stamped:
        assert list(curve.xs) == [0.0, 1.0, 2.0, 3.0, 4.0]
        assert (then.rows[0].value, then.rows[0].step, then.rows[0].progress) == (6.0, 4.0, 0.5)
    else:
        assert 0 < len(curve.xs) < 10
    before = reading.take(Want(as_of=live.view.state.created - 1.0))
    assert before.rows == ()
    assert reading.take(Want(trials=(0,))).rows == live.rows
    reading.close()
