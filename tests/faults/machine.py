"""A machine of files: a launcher whose trainings outlive any controller, and time that is counted.

What runs is told by files beside the sweep, so it survives the death of the process that launched
it, as tmux windows do. Trainings write `launches` and `heartbeat` themselves; that is what the
invariants are read from. Time passes only in `tick`.
"""

import os
from collections.abc import Collection, Sequence
from pathlib import Path

import msgspec

from tests.faults.disk import Disk
from tuiswp import proc
from tuiswp.launchers.attempt import write_spec
from tuiswp.launchers.base import ExitRecord, Firmness, Job, Liveness, StartRecord
from tuiswp.launchers.supervision.records import write_record
from tuiswp.model.trial import Process

NO_PID = 2**22 + 1  # above what a kernel gives away
LIFE = 3  # ticks from a training's start to its end


class Training(msgspec.Struct):
    """One handed-over attempt, in the machine's own file."""

    job: Job
    begun: int | None = None
    over: bool = False
    asked: Firmness | None = None


class Machine:
    """Implements `launchers.base.Launcher`. `disk`: counts the hand-overs as points, too."""

    def __init__(self, home: Path, disk: Disk | None = None) -> None:
        self._home = home
        self._disk = disk or Disk((), None, home / "told")
        for name in ("trainings", "claims"):
            (home / name).mkdir(exist_ok=True, parents=True)

    # --- time ---

    def tick(self) -> None:
        """A moment passes: what was handed over begins, what runs beats, what is done ends."""
        with self._disk.aside():
            now = self.now() + 1
            (self._home / "now").write_text(str(now))
            for training in self._all():
                if training.over:
                    continue
                if training.begun is None:
                    if self._claim(training.job.token):
                        self._begin(training, now)
                elif training.asked is not None:
                    self._end(training, signal=15)
                elif now >= training.begun + LIFE:
                    self._beat(training, now)
                    self._end(training, code=0)
                else:
                    self._beat(training, now)

    def now(self) -> int:
        clock = self._home / "now"
        return int(clock.read_text()) if clock.exists() else 0

    def idle(self) -> bool:
        """Whether nothing runs and nothing is about to."""
        return all(training.over for training in self._all())

    # --- what a training and its supervisor do ---

    def _begin(self, training: Training, now: int) -> None:
        job = training.job
        _append(Path(job.trial_dir, "launches"), f"{job.id} {job.token}")
        training.begun = now
        self._keep(training)
        self._record(job, "start.json", _start(job))
        self._beat(training, now)

    def _beat(self, training: Training, now: int) -> None:
        job = training.job
        _append(Path(job.trial_dir, "heartbeat"), f"{job.token} {now}")
        value = job.argv[-1].partition("=")[2]
        _append(Path(job.trial_dir, "metrics.jsonl"), f'{{"step": {now}, "loss": {value}}}')

    def _end(
        self, training: Training, *, code: int | None = None, signal: int | None = None
    ) -> None:
        job = training.job
        training.over = True
        self._keep(training)
        end = ExitRecord(job.token, code, signal, training.asked, 1.0, 2.0, 1.0)
        self._record(job, "exit.json", end)

    def _record(self, job: Job, name: str, record: StartRecord | ExitRecord) -> None:
        folder = os.open(job.attempt_dir, os.O_RDONLY | os.O_DIRECTORY)
        try:
            write_record(folder, name, msgspec.to_builtins(record))
        finally:
            os.close(folder)

    # --- the machine's own files ---

    def _all(self) -> list[Training]:
        found = sorted((self._home / "trainings").glob("[0-9a-f]*"))
        return [msgspec.json.decode(path.read_bytes(), type=Training) for path in found]

    def _get(self, token: str) -> Training | None:
        path = self._home / "trainings" / token
        return msgspec.json.decode(path.read_bytes(), type=Training) if path.exists() else None

    def _keep(self, training: Training) -> None:
        draft = self._home / "trainings" / f".{training.job.token}"
        draft.write_bytes(msgspec.json.encode(training))
        draft.replace(draft.with_name(training.job.token))

    def _claim(self, token: str) -> bool:
        try:
            os.close(os.open(self._home / "claims" / token, os.O_CREAT | os.O_EXCL, 0o600))
        except FileExistsError:
            return False
        return True

    # --- the promise ---

    def check(self) -> str:
        return "a machine of files"

    def start(self, jobs: Sequence[Job]) -> None:
        for job in jobs:
            self._disk.point("before the window of", job.attempt_dir)
            if write_spec(job):
                with self._disk.aside():
                    self._keep(Training(job))
            self._disk.point("after the window of", job.attempt_dir)

    def ask_to_leave(self, start: StartRecord, firmness: Firmness) -> bool:
        with self._disk.aside():
            training = self._get(start.token)
            if training is None or training.over:
                return False
            training.asked = firmness
            self._keep(training)
            return True

    def liveness(self, starts: Sequence[StartRecord]) -> dict[str, Liveness]:
        alive = self._alive()
        return {one.token: "supervised" if one.token in alive else "dead" for one in starts}

    def find(self, tokens: Collection[str]) -> set[str]:
        return self._alive() & set(tokens)

    def _alive(self) -> set[str]:
        with self._disk.aside():
            return {t.job.token for t in self._all() if t.begun is not None and not t.over}

    def revoke(self, token: str) -> bool:
        with self._disk.aside():
            mine = self._claim(token)
            training = self._get(token)
            if mine and training is not None:
                training.over = True
                self._keep(training)
            return mine

    def attach_command(self, attempt: str, token: str) -> list[str] | None:
        return None

    def hurry(self) -> None:
        pass

    def close(self) -> None:
        pass


def _start(job: Job) -> StartRecord:
    nobody = Process(proc.boot_id(), NO_PID, 1)
    return StartRecord(job.token, nobody, nobody, 1.0, proc.hostname())


def _append(path: Path, line: str) -> None:
    with path.open("a") as file:
        file.write(line + "\n")
