"""Journals of every released version stay readable, and mean what they meant."""

from pathlib import Path

from tuiswp.controller.journal import encode_line, read
from tuiswp.controller.reducer import replay
from tuiswp.model.events import SettingsChanged, SpaceEdited
from tuiswp.model.space import Categorical
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
    new = {type(record.event).__name__ for record in found.records if record.v == 2}
    assert new == {
        "InterruptRequested", "TrialAsked", "TrialPinned", "QueueMoved", "SpaceEdited",
        "SettingsChanged", "AttemptEnded",
    }  # fmt: skip
    assert {record.v for record in found.records} == {1, 2}
    assert b"".join(map(encode_line, found.records)) == (HERE / "v2.jsonl").read_bytes()


def test_version_2_means_what_it_meant() -> None:
    state = replay(read(HERE / "v2.jsonl").records)
    first, second, clone, point = state.trials.values()
    assert (first.state, first.cause) == ("killed", "interrupted-by-user")
    assert second.pinned is not None
    assert second.interrupt is not None
    assert clone.wish is not None
    assert (clone.wish.source, clone.wish.changes, clone.wish.outside) == (0, "lr=0.5", ("lr",))
    assert point.wish is not None
    assert point.wish.source is None
    assert [trial.number for trial in state.queued()] == [3, 2]
    assert state.next_index == 0
    space, settings = (one.edit for one in state.edits)
    assert isinstance(space, SpaceEdited)
    assert isinstance(settings, SettingsChanged)
    [lr] = space.parameters
    assert lr.distribution == Categorical((0.001, 0.01, 0.03))
    assert settings.settings == {"max_parallel": 4, "timeout": None}
