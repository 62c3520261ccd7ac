"""The story of a journal, the time left, and the bars."""

from pathlib import Path

import pytest

from tests.cli.world import NOBODY, World
from tuiswp.cli.screen import bar
from tuiswp.controller.frozen import frozen_sweep
from tuiswp.controller.journal import read
from tuiswp.controller.reducer import replay
from tuiswp.controller.story import Line, Story, status_line, time_left
from tuiswp.model.events import (
    AttemptEnded,
    AttemptStarted,
    KillRequested,
    RequestApplied,
    SweepFinished,
    SweepPaused,
    SweepStopping,
    TrialClosed,
    TrialQueued,
    Warned,
)
from tuiswp.model.trial import KillRequest


def told(world: World) -> list[Line]:
    story = Story(frozen_sweep(world.directory), "lr")
    return story.tell(read(world.directory.journal).records)


@pytest.fixture
def world(here: Path) -> World:
    world = World(here / "lr")
    world.suggest(0, 3e-4)
    world.suggest(1, 1e-4)
    return world


def texts(world: World) -> list[str]:
    return [line.text for line in told(world)]


def test_a_trial_from_start_to_end(world: World) -> None:
    world.launch(1)
    world.end(1, 2.0412)
    world.close()
    assert texts(world) == [
        "t0001 started on cpu0  lr=1e-4",
        "t0001 done  loss 2.0412  step 3  18.2 s",
    ]


def test_the_baseline_is_called_so(world: World) -> None:
    world.launch(0)
    assert texts(world) == ["t0000 started on cpu0  lr=3e-4  the baseline"]


def test_a_failure_is_told_with_cause_evidence_and_what_next(world: World) -> None:
    world.launch(1)
    world.fail(1)
    line = told(world)[-1]
    assert line.tone == "bad"
    assert line.text == (
        "t0001 failed (exit-code): exit 1: boom ␛]52;c;x␇; see `tuiswp logs lr t0001`"
    )


def test_what_became_of_everything_else(world: World) -> None:
    world.launch(1)
    kill = KillRequest(world.at, "ada", "kill was asked", "killed")
    world.add(
        KillRequested(1, 1, kill),
        AttemptEnded(1, 1, "signal", "SIGSEGV, not sent by tuiswp", "queued", retry=True,
                     retry_at=world.at + 6),
    )  # fmt: skip
    world.launch(1, 2)
    world.add(
        AttemptEnded(1, 2, "killed-by-user", "kill was asked", "killed"),
        TrialQueued(1, "restart", fresh=True),
        TrialClosed(1, "killed", "killed by ada"),
        RequestApplied("x", "pause", "ada", False, "t0001 already ended"),
        Warned("metric-missing", "no loss\x1b[2J"),
        Warned("breaker", "told by the pause"),
        SweepPaused("tuiswp", "the first 3 trials failed alike"),
        SweepStopping("ada", True),
        SweepFinished("stopped"),
    )
    assert texts(world) == [
        "t0001 started on cpu0  lr=1e-4",
        "t0001 is being ended: kill was asked (by ada)",
        "t0001 signal: SIGSEGV, not sent by tuiswp; tried again in 5.0 s",
        "t0001 started again (attempt 2) on cpu0  lr=1e-4",
        "t0001 killed: kill was asked  1.0 s",
        "t0001 queued again (restart, from nothing)",
        "t0001 killed: killed by ada",
        "pause refused: t0001 already ended",
        "warning: no loss␛[2J",
        "paused by tuiswp: the first 3 trials failed alike; `tuiswp resume lr` goes on",
        "stopping, asked by ada: no new trials, running trials are ended",
        "finished: stopped",
    ]


def test_a_trial_without_the_metric_is_not_told_as_good(world: World) -> None:
    world.launch(1)
    world.end(1, None)
    line = told(world)[-1]
    assert line.text.startswith("t0001 done, without a value of loss")
    assert line.tone == "note"


def test_an_adopted_trial_is_told_as_found_again(world: World) -> None:
    world.launch(1, started=False)
    world.add(AttemptStarted(1, 1, NOBODY, NOBODY, adopted=True))
    assert texts(world) == ["t0001 found again, still running"]


def test_only_what_is_new_is_told(world: World) -> None:
    story = Story(frozen_sweep(world.directory), "lr")
    world.launch(1)
    records = read(world.directory.journal).records
    assert len(story.tell(records)) == 1
    world.end(1, 2.0)
    assert len(story.tell(read(world.directory.journal).records[len(records) :])) == 1


def test_time_left_shares_the_places_in_use(world: World) -> None:
    world.launch(0)
    world.end(0, 2.5)  # 18.2 s after its start
    world.launch(1)
    state = replay(read(world.directory.journal).records)
    now = world.at + 10
    assert time_left(state, 4, {1: 0.5}, now=now) == pytest.approx(10 + 2 * 18.2, abs=0.1)
    assert time_left(state, None, {1: 0.5}, now=now) is None
    assert time_left(state, 2, {1: 0.5}, now=now) == pytest.approx(10, abs=0.1)


def test_time_left_is_unknown_before_anything_is_known(world: World) -> None:
    world.launch(1)
    state = replay(read(world.directory.journal).records)
    assert time_left(state, 4, {1: None}, now=world.at + 5) is None


def test_the_status_line(world: World) -> None:
    world.launch(0)
    world.end(0, 2.5)
    world.launch(1)
    sweep = frozen_sweep(world.directory)
    state = replay(read(world.directory.journal).records)
    assert status_line(sweep, state, 4, {1: 0.5}, now=world.at + 10) == (
        "1 of 4 done, 1 running (t0001 50 %), about 46.4 s left"
    )


@pytest.mark.parametrize(
    ("progress", "text"),
    [(0.5, "####----"), (None, "--------"), (0.999, "#######-"), (1.0, "########"), (9.0, "#" * 8)],
)
def test_a_bar_is_full_only_at_the_end(progress: float | None, text: str) -> None:
    assert bar(progress, unicode=False, size=8) == text
