"""Journals of every released version stay readable, and mean what they meant."""

from pathlib import Path
from typing import get_args

from tuiswp.controller.journal import encode_line, read
from tuiswp.controller.reducer import replay
from tuiswp.model.events import Event, SettingsChanged, SpaceEdited, StopperChanged
from tuiswp.model.space import Categorical
from tuiswp.model.stopper import Asha
from tuiswp.model.trial import Queued

HERE = Path(__file__).parent


def test_version_1_reads_whole() -> None:
    found = read(HERE / "v1.jsonl")
    assert not found.damage
    assert not found.torn
    assert found.newer is None
    kinds = {type(record.event).__name__ for record in found.records}
    assert len(kinds) == 17, "the file holds every kind of fact version 1 knows"


def test_version_1_is_written_the_same_way_today() -> None:
    path = HERE / "v1.jsonl"
    assert b"".join(map(encode_line, read(path).records)) == path.read_bytes()


def test_version_1_means_what_it_meant() -> None:
    state = replay(read(HERE / "v1.jsonl").records)
    assert state.name == "lr sweep/é"
    assert [trial.state for trial in state.trials.values()] == [
        "done", "killed", "queued", "paused",
    ]  # fmt: skip
    assert (state.stopping, state.paused, state.controller) == ("drain", None, None)
    assert state.finished == "stopped"
    assert state.best is not None
    assert (state.best.trial, state.best.value) == (0, 2.0103)
    assert state.next_index == 5
    first, second, third, _ = state.trials.values()
    assert first.params["tag"] is None
    assert second.params["tag"] == "None"
    assert (first.value, first.complete) == (2.0103, True)
    assert [attempt.cause for attempt in third.attempts] == ["signal", "exit-code"]
    assert isinstance(third.status, Queued)
    assert third.status.fresh
    assert third.status.asked


def test_version_2_reads_whole_and_is_written_the_same_way_today() -> None:
    found = read(HERE / "v2.jsonl")
    assert not found.damage
    assert found.newer is None
    assert {record.v for record in found.records} == {1, 2}
    assert b"".join(map(encode_line, found.records)) == (HERE / "v2.jsonl").read_bytes()


def test_every_kind_of_fact_is_kept_in_a_journal() -> None:
    kept = {type(record.event) for path in HERE.glob("v*.jsonl") for record in read(path).records}
    missing = {kind.__name__ for kind in set(get_args(Event)) - kept}
    assert not missing, "add a line of each to the journal of the version that writes it"


def test_version_2_means_what_it_meant() -> None:
    records = read(HERE / "v2.jsonl").records
    state = replay(records)
    first, second, clone, point, repeat, proposed = state.trials.values()
    assert (first.state, first.cause) == ("killed", "interrupted-by-user")
    assert (second.state, second.cause) == ("failed", "hang")
    assert second.pinned is not None
    assert second.interrupt is not None
    assert [one.stop for one in second.judged] == [False]
    assert second.slow is not None
    assert second.silent is None
    assert clone.wish is not None
    assert (clone.wish.source, clone.wish.changes, clone.wish.outside) == (0, "lr=0.5", ("lr",))
    assert point.wish is not None
    assert point.wish.source is None
    assert (point.state, point.retries) == ("queued", 0), "what a sick GPU failed costs nothing"
    assert (repeat.origin, proposed.origin, proposed.phase) == ("replicate", "bayes", 1)
    assert [trial.number for trial in state.queued()] == [2, 3, 4, 5]
    assert state.next_index == 7
    earlier = replay(record for record in records if record.seq <= 20)
    assert [trial.number for trial in earlier.queued()] == [3, 2], "the clone was put last"
    assert earlier.next_index == 0
    space, settings, stopper = (one.edit for one in state.edits)
    assert isinstance(space, SpaceEdited)
    assert isinstance(settings, SettingsChanged)
    assert isinstance(stopper, StopperChanged)
    [lr] = space.parameters
    assert lr.distribution == Categorical((0.001, 0.01, 0.03))
    assert settings.settings == {"max_parallel": 4, "timeout": None}
    assert stopper.rule == Asha(4.0)
    assert state.paused is not None
    assert state.paused.missing == ("KEY",)
    assert not state.health.quarantined
