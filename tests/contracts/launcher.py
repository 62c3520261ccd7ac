"""What every launcher keeps of `tuiswp.launchers.base`. Inherit, provide the fixtures, and pass.

A backend provides `launcher`, and by overriding the hooks says how, in its world, a training ends,
a supervisor dies and a hand-over is caught before it begins.
"""

import os
import stat
from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec
import pytest

from tests.launchers.jobs import Jobs, wait_for
from tuiswp.launchers.attempt import read_exit, read_start
from tuiswp.launchers.base import ExitRecord, Job, Launcher, StartRecord
from tuiswp.model.trial import Process

# Appends a line to `launches`, then runs until a number is put into `go`: its exit code.
TRAINING = (
    "/bin/sh",
    "-c",
    'echo "$TUISWP_TOKEN" >> launches; until [ -s go ]; do sleep 0.02; done; exit "$(cat go)"',
)


def started(job: Job) -> StartRecord:
    return wait_for(lambda: read_start(Path(job.attempt_dir), job.token))


def ended(job: Job) -> ExitRecord:
    return wait_for(lambda: read_exit(Path(job.attempt_dir), job.token))


class LauncherContract:
    """The promises of `launchers/base.py`."""

    # --- what a backend says ---

    def let_end(self, launcher: Launcher, job: Job, code: int) -> None:
        """Let the training end with `code`."""
        raise NotImplementedError

    def launches(self, launcher: Launcher, job: Job) -> int:
        """How often the training of this job has begun."""
        raise NotImplementedError

    def lose_supervisor(self, launcher: Launcher, start: StartRecord) -> None:
        """Take the supervisor away as kill -9 does."""
        raise NotImplementedError

    def hand_over_only(self, launcher: Launcher, job: Job) -> None:
        """Start the job, caught at the instant before it begins."""
        raise NotImplementedError

    def let_begin(self, launcher: Launcher, job: Job) -> None:
        """Let a caught job begin, if it may."""
        raise NotImplementedError

    @pytest.fixture
    def job(self, jobs: Jobs) -> Job:
        return jobs.make(TRAINING)

    @pytest.fixture
    def wake(self, tmp_path: Path) -> Iterator[tuple[str, Callable[[], bytes]]]:
        fifo = tmp_path / "wake"
        os.mkfifo(fifo)
        fd = os.open(fifo, os.O_RDWR | os.O_NONBLOCK)

        def heard() -> bytes:
            try:
                return os.read(fd, 100)
            except BlockingIOError:
                return b""

        yield str(fifo), heard
        os.close(fd)

    # --- starting ---

    def test_check_says_what_would_be_used(self, launcher: Launcher) -> None:
        assert launcher.check()

    def test_a_started_attempt_says_who_it_is_before_it_says_how_it_ended(
        self, launcher: Launcher, job: Job
    ) -> None:
        launcher.start([job])
        start = started(job)
        assert start.token == job.token
        assert start.supervisor.pid != start.training.pid
        assert read_exit(Path(job.attempt_dir), job.token) is None

    @pytest.mark.parametrize("code", [0, 3])
    def test_the_exit_code_is_written_down(self, launcher: Launcher, job: Job, code: int) -> None:
        launcher.start([job])
        start = started(job)
        self.let_end(launcher, job, code)
        end = ended(job)
        assert (end.code, end.signal, end.error, end.requested) == (code, None, None, None)
        assert start.t - 1 <= end.started <= end.ended

    def test_spec_json_is_private_and_holds_the_job(self, launcher: Launcher, job: Job) -> None:
        launcher.start([job])
        spec = Path(job.attempt_dir) / "spec.json"
        assert stat.S_IMODE(spec.stat().st_mode) == 0o600
        assert msgspec.json.decode(spec.read_bytes(), type=Job) == job

    def test_a_token_started_twice_runs_once(self, launcher: Launcher, job: Job) -> None:
        launcher.start([job])
        launcher.start([job])
        started(job)
        launcher.start([job, job])
        self.let_end(launcher, job, 0)
        ended(job)
        launcher.start([job])
        assert self.launches(launcher, job) == 1

    def test_many_are_started_by_one_call(self, launcher: Launcher, jobs: Jobs) -> None:
        many = [jobs.make(TRAINING) for _ in range(8)]
        launcher.start(many)
        assert {started(job).token for job in many} == {job.token for job in many}
        for number, job in enumerate(many):
            self.let_end(launcher, job, number)
        assert [ended(job).code for job in many] == list(range(8))

    def test_starting_nothing_is_nothing(self, launcher: Launcher) -> None:
        launcher.start([])

    def test_the_waiting_one_is_woken_at_the_start_and_at_the_end(
        self, launcher: Launcher, jobs: Jobs, wake: tuple[str, Callable[[], bytes]]
    ) -> None:
        fifo, heard = wake
        job = jobs.make(TRAINING, wake=fifo)
        launcher.start([job])
        wait_for(heard)
        started(job)
        self.let_end(launcher, job, 0)
        wait_for(heard)
        ended(job)

    # --- leaving ---

    @pytest.mark.parametrize(
        ("firmness", "number"), [("interrupt", 2), ("terminate", 15), ("kill", 9)]
    )
    def test_an_attempt_asked_to_leave_leaves_and_the_asking_is_recorded(
        self, launcher: Launcher, job: Job, firmness: str, number: int
    ) -> None:
        launcher.start([job])
        start = started(job)
        wait_for(lambda: self.launches(launcher, job))
        assert launcher.ask_to_leave(start, firmness)  # type: ignore[arg-type]  # parametrized
        end = ended(job)
        assert (end.signal, end.code, end.requested) == (number, None, firmness)

    def test_asking_one_that_is_gone_is_harmless_and_says_so(
        self, launcher: Launcher, job: Job
    ) -> None:
        launcher.start([job])
        start = started(job)
        launcher.ask_to_leave(start, "kill")
        end = ended(job)
        wait_for(lambda: launcher.liveness([start])[job.token] == "dead")
        assert not launcher.ask_to_leave(start, "terminate")
        assert not launcher.ask_to_leave(start, "kill")
        assert read_exit(Path(job.attempt_dir), job.token) == end

    def test_a_process_that_is_not_the_attempts_is_not_signalled(
        self, launcher: Launcher, jobs: Jobs, job: Job
    ) -> None:
        """A reused pid has other start ticks, a reboot another boot id."""
        launcher.start([job])
        start = started(job)
        later = _aged(start)
        earlier_boot = msgspec.structs.replace(
            start,
            token=jobs.token(),
            supervisor=_of_another_boot(start.supervisor),
            training=_of_another_boot(start.training),
        )
        for stranger in (later, earlier_boot):
            stranger = msgspec.structs.replace(stranger, token=jobs.token())
            assert not launcher.ask_to_leave(stranger, "kill")
            assert launcher.liveness([stranger]) == {stranger.token: "dead"}
        assert launcher.liveness([start]) == {job.token: "supervised"}

    # --- watching ---

    def test_liveness_tells_supervised_orphaned_and_dead_apart(
        self, launcher: Launcher, jobs: Jobs
    ) -> None:
        kept, lost, over = (jobs.make(TRAINING) for _ in range(3))
        launcher.start([kept, lost, over])
        starts = [started(job) for job in (kept, lost, over)]
        wait_for(lambda: self.launches(launcher, lost))
        self.lose_supervisor(launcher, starts[1])
        self.let_end(launcher, over, 0)
        ended(over)
        expected = {kept.token: "supervised", lost.token: "orphaned", over.token: "dead"}
        wait_for(lambda: launcher.liveness(starts) == expected)

    def test_an_orphan_can_be_ended_too(self, launcher: Launcher, job: Job) -> None:
        launcher.start([job])
        start = started(job)
        wait_for(lambda: self.launches(launcher, job))
        self.lose_supervisor(launcher, start)
        wait_for(lambda: launcher.liveness([start])[job.token] == "orphaned")
        assert launcher.ask_to_leave(start, "terminate")
        wait_for(lambda: launcher.liveness([start])[job.token] == "dead")
        assert read_exit(Path(job.attempt_dir), job.token) is None

    def test_find_knows_who_lives_without_a_start_record(
        self, launcher: Launcher, jobs: Jobs
    ) -> None:
        running, over = jobs.make(TRAINING), jobs.make(TRAINING)
        launcher.start([running, over])
        started(running)
        start = started(over)
        self.let_end(launcher, over, 0)
        ended(over)
        wait_for(lambda: launcher.liveness([start])[over.token] == "dead")
        wait_for(lambda: launcher.find([over.token]) == set())
        assert launcher.find([running.token, over.token, jobs.token()]) == {running.token}

    # --- taking back ---

    def test_what_is_revoked_before_it_begins_never_begins(
        self, launcher: Launcher, job: Job
    ) -> None:
        self.hand_over_only(launcher, job)
        assert launcher.revoke(job.token)
        assert not launcher.revoke(job.token)
        self.let_begin(launcher, job)
        launcher.start([job])
        assert launcher.find([job.token]) == set()
        assert read_start(Path(job.attempt_dir), job.token) is None
        assert self.launches(launcher, job) == 0

    def test_what_has_begun_cannot_be_revoked(self, launcher: Launcher, job: Job) -> None:
        launcher.start([job])
        start = started(job)
        assert not launcher.revoke(job.token)
        assert launcher.liveness([start]) == {job.token: "supervised"}

    # --- looking and closing ---

    def test_only_a_running_attempt_can_be_looked_at(
        self, launcher: Launcher, jobs: Jobs, job: Job
    ) -> None:
        assert launcher.attach_command(job.id, job.token) is None
        launcher.start([job])
        started(job)
        assert launcher.attach_command(job.id, job.token)
        assert launcher.attach_command(job.id, jobs.token()) is None

    def test_closing_twice_ends_no_attempt(self, launcher: Launcher, job: Job) -> None:
        launcher.start([job])
        start = started(job)
        launcher.close()
        launcher.close()
        assert launcher.liveness([start]) == {job.token: "supervised"}
        self.let_end(launcher, job, 0)
        assert ended(job).code == 0


def _aged(start: StartRecord) -> StartRecord:
    """The same pids, taken by processes that started later."""

    def later(process: Process) -> Process:
        return msgspec.structs.replace(process, ticks=process.ticks + 1)

    return msgspec.structs.replace(
        start, supervisor=later(start.supervisor), training=later(start.training)
    )


def _of_another_boot(process: Process) -> Process:
    return msgspec.structs.replace(process, boot_id="11111111-2222-3333-4444-555555555555")
