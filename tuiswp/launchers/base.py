"""What a launcher promises, in the words of the controller.

A launcher starts attempts and asks them to stop. It is never asked how an attempt ended: the
supervisor writes that into the attempt's directory (`start.json`, `exit.json`), and
`launchers.attempt` reads it. Every launcher passes `tests/contracts/launcher.py`.
"""

from collections.abc import Collection, Sequence
from typing import Literal, Protocol, TypeAlias

import msgspec

from tuiswp.model.trial import Process

# How firmly an attempt is asked to leave: SIGINT and no more, as ctrl-c does; SIGTERM with grace,
# then KILL; or KILL at once.
Firmness: TypeAlias = Literal["interrupt", "terminate", "kill"]

# supervised: its end will be written down. orphaned: the supervisor is gone, the training or
# something it started lives on. dead: no process of it is left.
Liveness: TypeAlias = Literal["supervised", "orphaned", "dead"]


class Job(msgspec.Struct, frozen=True):
    """One attempt to start; written to `attempt_dir/spec.json` for the supervisor.

    All paths absolute. `argv` reaches the training byte for byte. `env` is the complete environment
    of the training; the supervisor adds `TUISWP_TOKEN`, and `TERM` of the window if it runs in one.
    `timeout_s` counts from the training's start; `grace_s` is the time between asking and KILL.
    `wake`: a FIFO that gets one byte when something happened (None: nobody waits). `log_cap_bytes`:
    most that output.log and the output.log.1 it is rotated to hold together. `leftovers`: what
    becomes of descendants that outlive the training. `secret`: names in `env` whose values
    nobody is to quote from the output.
    """

    id: str  # "t0007.2"
    token: str  # 32 hex digits, unique to this attempt
    argv: tuple[str, ...]
    cwd: str
    env: dict[str, str]
    trial_dir: str
    attempt_dir: str
    grace_s: float = 30.0
    timeout_s: float | None = None
    wake: str | None = None
    log_cap_bytes: int = 256 * 1024 * 1024
    leftovers: Literal["kill", "report"] = "kill"
    umask: int | None = None  # of the training; None: what its window was started with
    secret: tuple[str, ...] = ()
    v: int = 1

    def __repr__(self) -> str:
        return f"Job({self.id!r})"  # a traceback with values must not show the environment


class StartRecord(msgspec.Struct, frozen=True):
    """`start.json`: written before the training's first instruction."""

    token: str
    supervisor: Process
    training: Process
    t: float
    host: str
    relay: Process | None = None
    v: int = 1


class ExitRecord(msgspec.Struct, frozen=True):
    """`exit.json`: written once, atomically, when the attempt is over and its descendants are gone.

    Exactly one of `code`, `signal`, `error` says how it ended; `error` is a launch error (program
    not found, not executable), with `code` 127 or 126 beside it as a shell would give.
    `requested`: what this supervisor was asked ("interrupt", "terminate", "kill", "timeout"), if
    anything. Times are wall seconds, `duration_s` is monotonic. `oom_kill`: the cgroup's or the
    machine's oom_kill counter rose meanwhile (None: could not be read). `leftovers`: descendants
    that outlived the training, killed unless the job says "report"; `unkillable`: those of them
    that were still there 10 s after KILL, so what they hold (a GPU) is not free. `hidden`: where
    secrets stand in the last output: name, start in bytes before its end, and length.
    """

    token: str
    code: int | None
    signal: int | None
    requested: str | None
    started: float
    ended: float
    duration_s: float
    error: str | None = None
    max_rss_kib: int | None = None
    leftovers: tuple[int, ...] = ()
    unkillable: tuple[int, ...] = ()
    oom_kill: bool | None = None
    log_truncated: bool = False
    hidden: tuple[tuple[str, int, int], ...] = ()
    v: int = 1


class Launcher(Protocol):
    """Starts attempts and asks them to leave. Raises LauncherError when it cannot."""

    def check(self) -> str:
        """Say what would be used (`tmux 3.3a at /usr/bin/tmux`); LauncherError if it cannot be."""
        ...

    def start(self, jobs: Sequence[Job]) -> None:
        """Start all `jobs`; returns when each is handed over, not when it runs.

        `attempt_dir` exists. Writes `spec.json` there (0600) and nothing else. Starting a token
        twice starts nothing the second time. On LauncherError, any of the jobs may have started.
        """
        ...

    def ask_to_leave(self, start: StartRecord, firmness: Firmness) -> bool:
        """Ask one attempt to end; False if it is already gone. Never signals what is not ours."""
        ...

    def liveness(self, starts: Sequence[StartRecord]) -> dict[str, Liveness]:
        """What still runs of each attempt, by token. Cheap while all supervisors live."""
        ...

    def find(self, tokens: Collection[str]) -> set[str]:
        """Those of `tokens` that a live process carries, with or without a start record.

        For the time after a crash of the controller: `revoke` first, then `find`. What is then
        not found has not started and never will.
        """
        ...

    def revoke(self, token: str) -> bool:
        """Take back the right to start; True if the attempt had not begun and now never will."""
        ...

    def attach_command(self, attempt: str, token: str) -> list[str] | None:
        """The argv that puts a person into the attempt's window; None if it has none."""
        ...

    def hurry(self) -> None:
        """Whoever calls is to leave: wait for nobody any longer than a moment, from now on.

        Safe in a signal handler, also during a call of `start`, which may then raise LauncherError.
        """
        ...

    def close(self) -> None:
        """The sweep is over: leave nothing that outlives its attempts. Harmless twice.

        Attempts that still run go on.
        """
        ...
