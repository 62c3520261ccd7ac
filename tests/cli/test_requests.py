"""`kill restart pause resume stop` while no controller runs: done here, under the sweep's lock."""

from pathlib import Path

import pytest

from tests.cli.conftest import Tuiswp
from tests.cli.world import World, finished, run_folder
from tuiswp.cli import requests
from tuiswp.controller.client import SweepReader
from tuiswp.controller.directory import Lock, SweepDirectory
from tuiswp.controller.reducer import SweepState
from tuiswp.model.trial import Queued

pytestmark = pytest.mark.slow  # real controllers that hold a sweep


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> list[SweepDirectory]:
    """Sweeps for which a controller would have been started."""
    found: list[SweepDirectory] = []

    def start(directory: SweepDirectory) -> int:
        found.append(directory)
        return 4242

    monkeypatch.setattr(requests, "start_in_background", start)
    return found


def waiting(here: Path) -> SweepDirectory:
    """t0000 done, t0001 queued."""
    world = World(here / "sweeps" / "lr")
    world.suggest(0, 3e-4)
    world.launch(0)
    world.end(0, 2.5)
    world.suggest(1, 1e-4)
    return world.close().directory


def state(directory: SweepDirectory) -> SweepState:
    return SweepReader(directory.root).refresh(with_metrics=False).state


def test_a_queued_trial_is_killed(
    tuiswp: Tuiswp, here: Path, started: list[SweepDirectory]
) -> None:
    directory = waiting(here)
    said = tuiswp("kill", "t1")
    assert (said.code, said.out) == (0, "t0001 was queued and will not run\n")
    assert state(directory).trials[1].state == "killed"
    assert started == []


def test_restart_queues_again_and_starts_a_controller(
    tuiswp: Tuiswp, here: Path, started: list[SweepDirectory]
) -> None:
    directory = waiting(here)
    said = tuiswp("restart", "lr", "0", "--fresh")
    assert said.code == 0
    assert said.out.splitlines()[0] == "t0000 is queued again"
    assert "controller was started for it (pid 4242)" in said.out
    status = state(directory).trials[0].status
    assert isinstance(status, Queued)
    assert status.fresh
    assert [one.root for one in started] == [directory.root]


def test_pause_and_resume_one_trial(
    tuiswp: Tuiswp, here: Path, started: list[SweepDirectory]
) -> None:
    directory = waiting(here)
    assert tuiswp("pause", "1").out == "t0001 is paused before it ran\n"
    assert state(directory).trials[1].state == "paused"
    assert tuiswp("resume", "1").out.startswith("t0001 is queued again\n")
    assert len(started) == 1


def test_pause_and_resume_the_sweep(
    tuiswp: Tuiswp, here: Path, started: list[SweepDirectory]
) -> None:
    directory = waiting(here)
    assert tuiswp("pause").out.startswith("paused: ")
    assert state(directory).paused is not None
    assert tuiswp("resume").out.startswith("resumed\n")
    assert state(directory).paused is None


def test_stop_takes_no_trial_and_stops(tuiswp: Tuiswp, here: Path) -> None:
    directory = waiting(here)
    assert tuiswp("stop", "--now").code == 0
    assert state(directory).stopping == "now"


def test_what_was_refused_ends_with_2(tuiswp: Tuiswp, here: Path) -> None:
    waiting(here)
    said = tuiswp("pause", "0")
    assert said.code == 2
    assert said.out == "t0000 already ended (done)\n"


def test_who_asked_is_kept(tuiswp: Tuiswp, here: Path) -> None:
    waiting(here)
    tuiswp("kill", "1")
    assert "kill by " in tuiswp("explain").out


def test_runs_of_others_cannot_be_acted_on(tuiswp: Tuiswp, here: Path) -> None:
    run_folder(here / "runs")
    for words in (["kill", "runs", "0"], ["stop", "runs"], ["pause", "runs"]):
        said = tuiswp(*words)
        assert said.code == 2
        assert "something else launched these runs" in said.err


def test_a_missing_trial_is_said_before_anything_is_asked(tuiswp: Tuiswp, here: Path) -> None:
    directory = finished(here / "sweeps" / "lr").directory
    size = directory.journal.stat().st_size
    said = tuiswp("kill", "1", "9")
    assert said.code == 2
    assert "t0009 does not exist; there are t0000 to t0003" in said.err
    assert directory.journal.stat().st_size == size


def test_a_held_sweep_is_5(tuiswp: Tuiswp, here: Path) -> None:
    lock = Lock(waiting(here))
    try:
        said = tuiswp("kill", "1")
    finally:
        lock.release()
    assert said.code == 5
    assert "another controller holds this sweep" in said.err


def test_replicate_refuses_numbers_that_make_no_sense(tuiswp: Tuiswp, here: Path) -> None:
    finished(here / "sweeps" / "lr")
    done = tuiswp("replicate", "--seeds", "1")
    assert done.code == 2
    assert "replicate takes 2 to 20 settings and 2 to 100 runs of each" in done.out


def test_replicate_reopens_a_finished_sweep_and_starts_a_controller(
    tuiswp: Tuiswp, here: Path, started: list[SweepDirectory]
) -> None:
    directory = finished(here / "sweeps" / "lr").directory
    out = tuiswp("replicate", "--top", "3", "--seeds", "4", "--why", "is it luck?").out
    assert "the best 3 settings are repeated, up to 4 runs each" in out
    assert "no parameter is a seed" in out
    found = state(directory)
    assert found.replication is not None
    assert (found.replication.asked.top, found.replication.asked.why) == (3, "is it luck?")
    assert found.finished is None
    assert [one.root for one in started] == [directory.root]
