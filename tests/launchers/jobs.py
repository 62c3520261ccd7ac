"""Jobs for the launchers' tests, and the one way they wait: for an outcome, not for a time."""

import os
import signal
import time
import uuid
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, TypeVar

from tuiswp import proc
from tuiswp.launchers.base import Job

_Seen = TypeVar("_Seen")

ENVIRONMENT = {"PATH": "/usr/local/bin:/usr/bin:/bin", "LANG": "C.UTF-8"}


def wait_for(look: Callable[[], _Seen | None], within_s: float = 30.0) -> _Seen:
    """The first result of `look` that is true; fails with the last one after `within_s`."""
    deadline = time.monotonic() + within_s
    while not (seen := look()):
        assert time.monotonic() < deadline, f"not within {within_s} s; last seen: {seen!r}"
        time.sleep(0.01)
    return seen


class Jobs:
    """Makes jobs with fresh directories and tokens, and ends what is left of them."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.tokens: list[str] = []

    def token(self) -> str:
        token = uuid.uuid4().hex
        self.tokens.append(token)
        return token

    def make(
        self,
        argv: Sequence[str],
        env: Mapping[str, str] = {},
        *,
        folder: str | None = None,
        **fields: Any,
    ) -> Job:
        """A job with a directory of its own below the root; `fields` are passed to `Job`."""
        number = len(self.tokens)
        trial = self.root / (folder or f"t{number:04d}")
        attempt = trial / "attempts" / "1"
        attempt.mkdir(parents=True)
        settings: dict[str, Any] = {"cwd": str(trial), "grace_s": 5.0} | fields
        return Job(
            id=f"t{number:04d}.1",
            token=self.token(),
            argv=tuple(argv),
            env={**ENVIRONMENT, **env},
            trial_dir=str(trial),
            attempt_dir=str(attempt),
            **settings,
        )

    def end_all(self) -> None:
        """Kill every process that carries one of our tokens."""
        for token, processes in proc.with_tokens().items():
            if token in self.tokens:
                for process in processes:
                    proc.send(process, signal.SIGKILL)


def in_trial(job: Job, name: str) -> Path:
    return Path(job.trial_dir) / name


def in_attempt(job: Job, name: str) -> Path:
    return Path(job.attempt_dir) / name


def text_of(path: Path) -> str:
    """What a file holds; empty if it is not there yet."""
    with suppress(FileNotFoundError):
        return path.read_text(errors="replace")
    return ""


def gone(pid: int) -> bool:
    return proc.start_ticks(pid) is None


def children(pid: int) -> list[int]:
    """Pids of the live children of a process."""
    found = []
    for entry in os.scandir("/proc"):
        if entry.name.isdecimal() and proc.start_ticks(int(entry.name)) is not None:
            with suppress(OSError):
                stat = Path(entry.path, "stat").read_text(errors="replace")
                if int(stat[stat.rfind(")") + 2 :].split()[1]) == pid:
                    found.append(int(entry.name))
    return found
