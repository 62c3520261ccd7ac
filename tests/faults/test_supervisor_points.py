"""The supervisor and its relay die, or their disk refuses, at the n-th thing they do, for every n:
a training never runs twice, never without a record of its start, and is not spoilt by it.

A thing they do: a change of a file, a fork, a byte into a pipe (the training's gate, an order).
"""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Literal, NamedTuple, TypeAlias

import pytest

from tests.faults.disk import CRASHED, Disk, Fault, Kind
from tests.launchers.jobs import Jobs, in_attempt, in_trial, text_of, wait_for
from tuiswp import proc
from tuiswp.launchers.attempt import read_exit, read_start, write_spec
from tuiswp.launchers.base import Job
from tuiswp.launchers.supervision.entry import main

pytestmark = pytest.mark.slow

Role: TypeAlias = Literal["supervisor", "relay"]
MANY = 60
REFUSALS: tuple[Kind, ...] = ("short", "ENOSPC", "EIO", "EROFS", "EDQUOT", "ESTALE")
CODE = 7
# It says whether its start was on record before its first instruction, and lives a moment.
TRAINING = """\
echo ran >> launches
[ -s attempts/1/start.json ] && echo recorded >> recorded
echo hello
sleep 0.1
echo over >> over
exit 7
"""


class RoleDisk(Disk):
    """Meets only one of the two processes, once: whoever forked here, or what it forks."""

    def __init__(self, root: Path, role: Role, fault: Fault | None, told: Path) -> None:
        super().__init__((root, Path("pipe:"), Path("fork")), fault, told)
        self._role = role
        self._supervisor = os.getpid()
        self._real_told = told

    def install(self) -> None:
        super().install()
        fork = os.fork

        def forked() -> int:
            self.point("fork", "fork")
            return fork()

        os.fork = forked

    def point(self, name: str, path: str) -> bool:
        mine = (os.getpid() == self._supervisor) == (self._role == "supervisor")
        refuses = self._fault is not None and self._fault.kind not in ("crash", "torn")
        if not mine or (refuses and path.startswith("pipe:")) or self._real_told.exists():
            return False
        return super().point(name, path)


class Met(NamedTuple):
    """At which point the fault was met ("": at none), and how the supervisor's process ended."""

    where: str
    code: int


def supervise(job: Job, role: Role, fault: Fault | None, home: Path) -> Met:
    """Be the supervisor of `job` in a forked process, and wait for its end."""
    told = home / "told"
    told.unlink(missing_ok=True)
    pid = os.fork()
    if pid == 0:
        code = 99
        try:
            os.setsid()
            nothing = os.open(os.devnull, os.O_RDWR)
            for fd in (0, 1, 2):
                os.dup2(nothing, fd)
            os.environ["TUISWP_TOKEN"] = job.token
            RoleDisk(Path(job.trial_dir), role, fault, told).install()
            launch_file = str(in_trial(job, "launch"))
            code = main(["supervisor.py", job.attempt_dir, launch_file])
        finally:
            os._exit(code)
    _, status = os.waitpid(pid, 0)
    return Met(text_of(told), os.waitstatus_to_exitcode(status))


def handed_over(jobs: Jobs) -> Job:
    job = jobs.make(["/bin/sh", "-c", TRAINING], env={"KEY": "secret"})
    assert write_spec(job)
    in_trial(job, "launch").write_text("")
    return job


def all_gone(job: Job) -> bool:
    return job.token not in proc.with_tokens()


def check(job: Job, met: Met) -> None:
    """What holds, whichever point it was."""
    wait_for(lambda: all_gone(job))
    ran = text_of(in_trial(job, "launches")).split()
    assert len(ran) <= 1, met
    assert text_of(in_trial(job, "recorded")).split() == ["recorded"] * len(ran), met
    assert text_of(in_trial(job, "over")).split() == ["over"] * len(ran), met
    end = read_exit(Path(job.attempt_dir), job.token)
    if end is not None and ran:
        assert (end.code, end.signal, end.error) == (CODE, None, None), met
    if end is not None and not ran:
        assert end.code != 0, met
        assert end.error, met
    if in_trial(job, "launch").exists():  # it never had the right, and nobody else has it yet
        assert not ran and end is None, met
    elif met.code != CRASHED:  # whoever is there to the end says what it was
        assert end is not None, met
        assert read_start(Path(job.attempt_dir), job.token) is not None or not ran, met


def comes_again(job: Job, home: Path, met: Met) -> None:
    """Another supervisor for the same attempt starts nothing a second time."""
    before = len(text_of(in_trial(job, "launches")).split())
    supervise(job, "supervisor", None, home)
    wait_for(lambda: all_gone(job))
    after = len(text_of(in_trial(job, "launches")).split())
    assert after <= 1, met
    if before:
        assert after == 1, met


def drafts(job: Job) -> list[Path]:
    return list(Path(job.attempt_dir).glob(".*"))


@pytest.fixture
def jobs(tmp_path: Path) -> Iterator[Jobs]:
    made = Jobs(tmp_path / "jobs")
    yield made
    made.end_all()


@pytest.mark.parametrize("kind", ["crash", pytest.param("torn", marks=pytest.mark.faults)])
def test_a_supervisor_that_dies_at_any_point_leaves_a_training_whole_or_none(
    jobs: Jobs, tmp_path: Path, kind: Kind
) -> None:
    places = set()
    for number in range(1, MANY):
        job = handed_over(jobs)
        met = supervise(job, "supervisor", Fault(kind, number), tmp_path)
        check(job, met)
        comes_again(job, tmp_path, met)
        if not met.where:
            break
        places.add(met.where.split(": ")[1].split()[0])
    assert number > 10
    assert places >= {"unlink", "fork", "open", "write", "fsync", "rename"}


def refused_everywhere(jobs: Jobs, home: Path, role: Role, kind: Kind) -> int:
    """How many points there were."""
    for number in range(1, MANY):
        job = handed_over(jobs)
        met = supervise(job, role, Fault(kind, number), home)
        check(job, met)
        assert not drafts(job), met
        told = read_exit(Path(job.attempt_dir), job.token)
        if told is not None and told.error is None and not told.log_truncated:
            assert text_of(in_attempt(job, "output.log")) == "hello\n", met
        if not met.where:
            return number - 1
    raise AssertionError("there is no end to its points")


def test_a_full_disk_at_any_point_of_a_supervisor_is_told_or_outlived(
    jobs: Jobs, tmp_path: Path
) -> None:
    assert refused_everywhere(jobs, tmp_path, "supervisor", "ENOSPC") > 8


@pytest.mark.faults
@pytest.mark.timeout(900)
@pytest.mark.parametrize("kind", REFUSALS)
@pytest.mark.parametrize("role", ["supervisor", "relay"])
def test_a_disk_that_refuses_at_any_point_of_a_supervisor_or_relay_is_told_or_outlived(
    jobs: Jobs, tmp_path: Path, role: Role, kind: Kind
) -> None:
    assert refused_everywhere(jobs, tmp_path, role, kind) >= 2


def test_a_relay_that_dies_at_any_point_is_replaced_and_its_loss_is_told(
    jobs: Jobs, tmp_path: Path
) -> None:
    assert refused_everywhere(jobs, tmp_path, "relay", "crash") >= 2
