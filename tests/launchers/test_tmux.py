"""The tmux launcher keeps the launchers' contract, on a real server with a private socket."""

import os
import signal

import pytest

from tests.contracts.launcher import LauncherContract
from tests.launchers.jobs import Jobs, in_trial, text_of
from tuiswp import proc
from tuiswp.launchers.attempt import write_spec
from tuiswp.launchers.base import Job, Launcher, StartRecord
from tuiswp.launchers.tmux import TmuxLauncher

pytestmark = [pytest.mark.slow, pytest.mark.other_tmux]


class TestContract(LauncherContract):
    @pytest.fixture
    def launcher(self, jobs: Jobs, tmux_socket: str) -> TmuxLauncher:
        return TmuxLauncher("contract", socket=tmux_socket)

    def let_end(self, launcher: Launcher, job: Job, code: int) -> None:
        ready = in_trial(job, "ready")
        ready.write_text(str(code))
        ready.rename(in_trial(job, "go"))

    def launches(self, launcher: Launcher, job: Job) -> int:
        return text_of(in_trial(job, "launches")).count("\n")

    def lose_supervisor(self, launcher: Launcher, start: StartRecord) -> None:
        assert proc.send(start.supervisor, signal.SIGKILL)

    def hand_over_only(self, launcher: Launcher, job: Job) -> None:
        """As if the controller had died between the launch file and the call of tmux."""
        assert isinstance(launcher, TmuxLauncher)
        assert write_spec(job)
        launch_dir = proc.runtime_dir() / "launch"
        launch_dir.mkdir(mode=0o700)
        launcher.write_launch_file(launch_dir / job.token, job)

    def let_begin(self, launcher: Launcher, job: Job) -> None:
        """Run what tmux would have run, had its window been opened already."""
        path = proc.runtime_dir() / "launch" / job.token
        assert os.spawnv(os.P_WAIT, "/bin/sh", ["sh", str(path)]) != 0
