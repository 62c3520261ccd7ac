"""`tuiswp clean`: lists first, removes with --yes, and never of what is best, runs or may go on."""

from pathlib import Path

import pytest

from tests.cli.conftest import Tuiswp
from tests.cli.world import World, finished
from tuiswp.controller.journal import read
from tuiswp.errors import ExitCode
from tuiswp.model.events import CheckpointsRemoved, TrialPinned


def give_checkpoints(world: World) -> None:
    for number in range(4):
        folder = world.directory.trial(number) / "checkpoint-1"
        folder.mkdir(parents=True)
        (folder / "model.bin").write_bytes(b"x" * 2048)


def have_checkpoints(world: World) -> list[int]:
    return [
        number
        for number in range(4)
        if (world.directory.trial(number) / "checkpoint-1" / "model.bin").exists()
    ]


@pytest.fixture
def world(here: Path) -> World:
    """Four trials: t0000 the baseline, t0002 the best."""
    made = finished(here / "sweeps" / "lr")
    give_checkpoints(made)
    return made


def test_it_lists_what_could_go_and_removes_nothing(tuiswp: Tuiswp, world: World) -> None:
    said = tuiswp("clean", "--keep", "1")
    assert said.code == ExitCode.OK, said.err
    assert "t0001  2.0 KiB      1  checkpoint-1/model.bin" in said.out
    assert "4.0 KiB in 2 trials; nothing was removed yet" in said.out
    assert "kept: t0000 (the baseline), t0002 (place 1)" in said.out
    assert have_checkpoints(world) == [0, 1, 2, 3]


def test_with_yes_it_removes_them_and_the_journal_says_who_and_how_much(
    tuiswp: Tuiswp, world: World
) -> None:
    said = tuiswp("clean", "--keep", "1", "--yes", "--json")
    assert said.code == ExitCode.OK, said.err
    assert said.json["removed"] is True
    assert said.json["bytes"] == 4096
    assert have_checkpoints(world) == [0, 2]
    assert world.directory.metrics(1).exists()
    scan = read(world.directory.journal)
    found = [one.event for one in scan.records if isinstance(one.event, CheckpointsRemoved)]
    assert [(one.trial, one.files, one.freed) for one in found] == [(1, 1, 2048), (3, 1, 2048)]
    assert all("pid" in one.by for one in found)
    assert {one.v for one in scan.records if isinstance(one.event, CheckpointsRemoved)} == {2}
    again = tuiswp("clean", "--keep", "1", "--yes")
    assert "nothing to remove" in again.out
    assert tuiswp("status").code == ExitCode.OK


def test_a_pinned_trial_keeps_its_checkpoints(tuiswp: Tuiswp, here: Path) -> None:
    made = World(here / "sweeps" / "lr")
    made.run_all()
    made.add(TrialPinned(3, "me"))
    made.over()
    made.close()
    give_checkpoints(made)
    assert tuiswp("clean", "--keep", "1", "--yes").code == ExitCode.OK
    assert have_checkpoints(made) == [0, 2, 3]


def test_a_trial_that_waits_again_keeps_its_checkpoints(tuiswp: Tuiswp, world: World) -> None:
    """The list was made before; who carries it out looks again."""
    from tuiswp.controller.client import ask
    from tuiswp.controller.requests import new_request

    ask(world.directory, new_request("restart", (3,)))
    said = ask(world.directory, new_request("clean", (1, 3), top=1))
    assert said.ok
    assert "t0003 keeps its checkpoints: queued" in said.outcome
    assert have_checkpoints(world) == [0, 2, 3]


def test_where_no_trial_is_ranked_nothing_is_removed(tuiswp: Tuiswp, here: Path) -> None:
    made = World(here / "sweeps" / "lr")
    made.suggest(0, 1e-3)
    made.launch(0)
    made.fail(0)
    made.close()
    (made.directory.trial(0) / "last.pt").write_bytes(b"x")
    said = tuiswp("clean", "--yes", "--keep", "0")
    assert said.code == ExitCode.NO_RESULT
    assert "no trial is ranked" in said.err
    assert (made.directory.trial(0) / "last.pt").exists()


@pytest.mark.parametrize("pattern", ["*", "*/", "../*.pt", "/etc/*", ""])
def test_a_pattern_that_names_no_kind_of_file_is_refused(
    tuiswp: Tuiswp, world: World, pattern: str
) -> None:
    said = tuiswp("clean", "--yes", "--pattern", pattern)
    assert said.code == ExitCode.USAGE
    assert have_checkpoints(world) == [0, 1, 2, 3]
