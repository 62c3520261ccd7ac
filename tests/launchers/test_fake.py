"""The fake keeps the launchers' contract, and does to its attempts what a test says."""

import os
from pathlib import Path

import pytest

from tests.contracts.launcher import TRAINING, LauncherContract
from tests.launchers.jobs import Jobs
from tuiswp.errors import LauncherError
from tuiswp.launchers.attempt import read_exit, read_start
from tuiswp.launchers.base import Job, Launcher, StartRecord
from tuiswp.launchers.fake import FakeLauncher


def _fake(launcher: Launcher) -> FakeLauncher:
    assert isinstance(launcher, FakeLauncher)
    return launcher


class TestContract(LauncherContract):
    @pytest.fixture
    def launcher(self, jobs: Jobs) -> FakeLauncher:
        return FakeLauncher()

    def let_end(self, launcher: Launcher, job: Job, code: int) -> None:
        _fake(launcher).finish(job.token, code)

    def launches(self, launcher: Launcher, job: Job) -> int:
        return _fake(launcher).begun_tokens.count(job.token)

    def lose_supervisor(self, launcher: Launcher, start: StartRecord) -> None:
        _fake(launcher).orphan(start.token)

    def hand_over_only(self, launcher: Launcher, job: Job) -> None:
        _fake(launcher).hold = True
        launcher.start([job])

    def let_begin(self, launcher: Launcher, job: Job) -> None:
        _fake(launcher).hold = False


def test_an_outcome_ends_each_attempt_as_it_begins(jobs: Jobs) -> None:
    launcher = FakeLauncher(outcome=lambda job: 7)
    job = jobs.make(TRAINING)
    launcher.start([job])
    end = read_exit(Path(job.attempt_dir), job.token)
    assert end is not None and end.code == 7
    assert launcher.alive_tokens == set()


def test_a_stubborn_attempt_leaves_only_when_killed(jobs: Jobs) -> None:
    launcher = FakeLauncher()
    job = jobs.make(TRAINING)
    launcher.stubborn.add(job.token)
    launcher.start([job])
    start = read_start(Path(job.attempt_dir), job.token)
    assert start is not None
    assert launcher.ask_to_leave(start, "terminate")
    assert launcher.alive_tokens == {job.token}
    assert launcher.ask_to_leave(start, "kill")
    assert launcher.alive_tokens == set()
    assert launcher.asked == [(job.token, "terminate"), (job.token, "kill")]


def test_a_failure_is_raised_once(jobs: Jobs) -> None:
    launcher = FakeLauncher()
    launcher.failure = LauncherError("no windows today")
    job = jobs.make(TRAINING)
    with pytest.raises(LauncherError, match="no windows today"):
        launcher.start([job])
    launcher.start([job])
    assert launcher.begun_tokens == [job.token]


def test_its_pids_are_nobodys(jobs: Jobs) -> None:
    launcher = FakeLauncher()
    job = jobs.make(TRAINING)
    launcher.start([job])
    start = read_start(Path(job.attempt_dir), job.token)
    assert start is not None
    for process in (start.supervisor, start.training):
        with pytest.raises(ProcessLookupError):
            os.kill(process.pid, 0)
