"""What a launcher promises, in the words of the controller.

A launcher starts attempts and asks them to stop. It is never asked how an attempt ended: the
supervisor writes that into the attempt's directory (`start.json`, `exit.json`), and
`launchers.attempt` reads it. Every launcher passes `tests/contracts/launcher.py`.
"""

from collections.abc import Sequence
from typing import Literal, Protocol, TypeAlias

import msgspec

from tuiswp.model.trial import Process

# How firmly an attempt is asked to leave: SIGINT or SIGTERM with grace then KILL, or KILL at once.
Firmness: TypeAlias = Literal["interrupt", "terminate", "kill"]


class Job(msgspec.Struct, frozen=True):
    """One attempt to start; written to `attempt_dir/spec.json` for the supervisor.

    All paths absolute. `argv` reaches the training byte for byte. `env` is the complete environment
    of the training. `wake`: a FIFO that gets one byte when something happened (None: nobody waits).
    `log_cap_bytes`: size at which output.log is rotated to output.log.1.
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
    v: int = 1


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
    machine's oom_kill counter rose meanwhile (None: could not be read).
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
    oom_kill: bool | None = None
    log_truncated: bool = False
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

    def attach_command(self, attempt: str, token: str) -> list[str] | None:
        """The argv that puts a person into the attempt's window; None if it has none."""
        ...

    def close(self) -> None:
        """The sweep is over: remove what the launcher left (an empty session). Harmless twice."""
        ...
