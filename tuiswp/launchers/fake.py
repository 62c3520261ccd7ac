"""A launcher without processes, for tests of what stands above it. Keeps the launchers' contract.

It writes the files a supervisor would and remembers who would be alive. Its pids lie above what a
kernel gives away, so nothing real can be hit by mistake.
"""

import itertools
import os
import time
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass

import msgspec

from tuiswp import proc
from tuiswp.errors import LauncherError
from tuiswp.launchers.attempt import write_spec
from tuiswp.launchers.base import ExitRecord, Firmness, Job, Liveness, StartRecord
from tuiswp.launchers.supervision.records import poke, write_record
from tuiswp.model.trial import Process

_PID_MAX_LIMIT = 2**22  # of the kernel, on every machine
_pids = itertools.count(_PID_MAX_LIMIT + 1)
_SIGNALS = {"interrupt": 2, "terminate": 15, "kill": 9}


@dataclass
class _Attempt:
    """One token's course: handed over, then begun (`start`), then over (`over`)."""

    job: Job
    start: StartRecord | None = None
    orphaned: bool = False
    over: bool = False


class FakeLauncher:
    """A `base.Launcher` whose attempts do what a test says.

    `outcome`: the exit code an attempt ends with as soon as it has begun; None lets it run until
    `finish`. `hold`: attempts are handed over but do not begin until `begin`. `stubborn`: tokens
    that leave only when killed. `failure`: raised by the next `start`, once.
    """

    def __init__(self, outcome: Callable[[Job], int | None] = lambda job: None) -> None:
        self.outcome = outcome
        self.hold = False
        self.stubborn: set[str] = set()
        self.failure: LauncherError | None = None
        self.asked: list[tuple[str, Firmness]] = []
        self.closed = False
        self.hurried = False
        self._attempts: dict[str, _Attempt] = {}

    # --- what a test sees and does ---

    @property
    def jobs(self) -> list[Job]:
        """Every job ever handed over, in order."""
        return [attempt.job for attempt in self._attempts.values()]

    @property
    def begun_tokens(self) -> list[str]:
        """Tokens whose training has begun, in the order of the hand-over."""
        return [token for token, a in self._attempts.items() if a.start is not None]

    @property
    def alive_tokens(self) -> set[str]:
        """Tokens that have begun and are not over."""
        return {t for t, a in self._attempts.items() if a.start is not None and not a.over}

    def begin(self, token: str) -> StartRecord:
        """Let a handed-over attempt begin: writes start.json and wakes the controller."""
        attempt = self._attempts[token]
        attempt.start = StartRecord(
            token=token,
            supervisor=_nobody(),
            training=_nobody(),
            relay=_nobody(),
            t=time.time(),
            host=proc.hostname(),
        )
        _write(attempt.job, "start.json", attempt.start)
        code = self.outcome(attempt.job)
        if code is not None:
            self.finish(token, code)
        return attempt.start

    def finish(
        self,
        token: str,
        code: int | None = 0,
        *,
        signal: int | None = None,
        requested: str | None = None,
        error: str | None = None,
        oom_kill: bool | None = None,
    ) -> None:
        """End an attempt as its supervisor would: exit.json, a wake-up. `signal` beats `code`."""
        attempt = self._attempts[token]
        started = attempt.start.t if attempt.start is not None else time.time()
        record = ExitRecord(
            token=token,
            code=code if signal is None else None,
            signal=signal,
            requested=requested,
            started=started,
            ended=time.time(),
            duration_s=max(0.0, time.time() - started),
            error=error,
            oom_kill=oom_kill,
        )
        attempt.over = True
        _write(attempt.job, "exit.json", record)

    def vanish(self, token: str) -> None:
        """End an attempt without a word, as a power cut would."""
        self._attempts[token].over = True

    def orphan(self, token: str) -> None:
        """Take the supervisor away; the training goes on and its end will not be written."""
        self._attempts[token].orphaned = True

    # --- the promise ---

    def check(self) -> str:
        return "a fake launcher: nothing is run"

    def start(self, jobs: Sequence[Job]) -> None:
        if self.failure is not None:
            failure, self.failure = self.failure, None
            raise failure
        for job in jobs:
            if write_spec(job):
                self._attempts[job.token] = _Attempt(job)
                if not self.hold:
                    self.begin(job.token)

    def ask_to_leave(self, start: StartRecord, firmness: Firmness) -> bool:
        attempt = self._attempts.get(start.token)
        if attempt is None or attempt.start != start or attempt.over:
            return False
        self.asked.append((start.token, firmness))
        if start.token in self.stubborn and firmness != "kill":
            return True
        if attempt.orphaned:
            self.vanish(start.token)
        else:
            self.finish(start.token, signal=_SIGNALS[firmness], requested=firmness)
        return True

    def liveness(self, starts: Sequence[StartRecord]) -> dict[str, Liveness]:
        found: dict[str, Liveness] = {}
        for start in starts:
            attempt = self._attempts.get(start.token)
            if attempt is None or attempt.start != start or attempt.over:
                found[start.token] = "dead"
            else:
                found[start.token] = "orphaned" if attempt.orphaned else "supervised"
        return found

    def find(self, tokens: Collection[str]) -> set[str]:
        return self.alive_tokens & set(tokens)

    def revoke(self, token: str) -> bool:
        attempt = self._attempts.get(token)
        if attempt is None or attempt.start is not None:
            return False
        del self._attempts[token]  # spec.json stays, so this token never starts again
        return True

    def attach_command(self, attempt: str, token: str) -> list[str] | None:
        return ["true", attempt] if token in self.alive_tokens else None

    def hurry(self) -> None:
        self.hurried = True

    def close(self) -> None:
        self.closed = True


def _nobody() -> Process:
    return Process(proc.boot_id(), next(_pids), 1, proc.pid_namespace())


def _write(job: Job, name: str, record: StartRecord | ExitRecord) -> None:
    folder = os.open(job.attempt_dir, os.O_RDONLY | os.O_DIRECTORY)
    try:
        write_record(folder, name, msgspec.to_builtins(record))
    finally:
        os.close(folder)
    poke(job.wake)
