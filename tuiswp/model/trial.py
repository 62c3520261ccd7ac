"""A trial and where it stands. Each status carries its own data, and only it."""

from typing import Literal, TypeAlias

import msgspec

from tuiswp.model.ids import attempt_id, trial_id
from tuiswp.model.space import Params
from tuiswp.model.stopper import Judged

# The states a person sees, in `status --json` and on every screen.
State: TypeAlias = Literal[
    "queued", "running", "paused", "done", "failed", "killed", "pruned", "lost"
]
STATES: tuple[State, ...] = (
    "queued", "running", "paused", "done", "failed", "killed", "pruned", "lost",
)  # fmt: skip

# Why an attempt ended. `unknown` is what is left without evidence; it is never called done.
Cause: TypeAlias = Literal[
    "done", "exit-code", "signal", "killed-by-user", "paused-by-user", "sweep-stopped", "timeout",
    "pruned", "gpu-oom", "host-oom", "gpu-fault", "launch-error", "disk-full", "reboot", "unknown",
    "interrupted-by-user", "diverged", "hang",
]  # fmt: skip

Origin: TypeAlias = Literal[
    "baseline", "grid", "random", "bayes", "point", "clone", "replicate"
]  # fmt: skip


class Lease(msgspec.Struct, frozen=True):
    """The right of one attempt to one GPU share, or to one CPU slot (`uuid` "cpu")."""

    uuid: str
    share: int
    name: str  # for people: "G0", "cpu1"


class Process(msgspec.Struct, frozen=True, omit_defaults=True):
    """A process nobody else can be taken for: boot, pid, start ticks (clock ticks since boot).

    `pid_ns`: the pid namespace that counts the pid, a container's for one; None in old records.
    """

    boot_id: str
    pid: int
    ticks: int
    pid_ns: int | None = None


class Queued(msgspec.Struct, frozen=True, tag="queued"):
    """Waits for a place; not before `not_before` (wall seconds) after a failure.

    `asked`: a person put it back, so it runs even in a sweep that takes no new trials.
    """

    since: float
    not_before: float = 0.0
    fresh: bool = False
    asked: bool = False


class Launching(msgspec.Struct, frozen=True, tag="launching"):
    """The intent is durable, the process is not seen yet. Shown as running."""

    since: float
    token: str
    leases: tuple[Lease, ...]


class Running(msgspec.Struct, frozen=True, tag="running"):
    since: float
    token: str
    leases: tuple[Lease, ...]
    supervisor: Process
    training: Process


class Paused(msgspec.Struct, frozen=True, tag="paused"):
    since: float


class Ended(msgspec.Struct, frozen=True, tag="ended"):
    """Over, with one cause and its evidence. `state` is what people read."""

    at: float
    state: Literal["done", "failed", "killed", "pruned", "lost"]
    cause: Cause
    evidence: str


Status: TypeAlias = Queued | Launching | Running | Paused | Ended


_WORDS: dict[type, State] = {
    Queued: "queued", Launching: "running", Running: "running", Paused: "paused",
}  # fmt: skip


class KillRequest(msgspec.Struct, frozen=True):
    """What was asked of a running attempt: who, why, and what it becomes when it is gone."""

    at: float
    by: str
    why: str
    becomes: Literal["killed", "paused", "queued", "timeout", "pruned", "stopped", "hang"]
    force: bool = False
    fresh: bool = False  # becomes queued: move the old files aside first


class Interrupt(msgspec.Struct, frozen=True):
    """SIGINT was sent to the newest attempt. While it runs, it has not ended for it."""

    at: float
    by: str
    why: str = ""


# How a trial is silent. hang: nothing of it does anything. busy: it computes, or its GPU does.
# stopped: by a signal. blocked: the kernel holds it. input: it waits for somebody to type.
Silence: TypeAlias = Literal["hang", "busy", "stopped", "blocked", "input"]


class Silent(msgspec.Struct, frozen=True):
    """The newest attempt has reported nothing for too long; fields as in `events.TrialSilent`."""

    at: float
    kind: Silence
    silent_s: float
    evidence: str
    where: str = ""


class Slow(msgspec.Struct, frozen=True):
    """The newest attempt runs at `share` of the speed of comparable ones."""

    at: float
    share: float
    evidence: str


class Wish(msgspec.Struct, frozen=True):
    """Who asked for a trial that the search did not propose; fields as in `events.TrialAsked`."""

    by: str
    why: str = ""
    source: int | None = None
    changes: str = ""
    outside: tuple[str, ...] = ()


class Attempt(msgspec.Struct, frozen=True):
    """One launch: what is known of it after the fact.

    `machine`: which of several of the name `host`, "" if unknown. `taken_back`: it failed, and
    its GPU turned out to be to blame.
    """

    number: int
    launched_at: float
    started_at: float | None = None
    ended_at: float | None = None
    cause: Cause | None = None
    evidence: str = ""
    code: int | None = None
    signal: int | None = None
    leases: tuple[Lease, ...] = ()
    host: str = ""
    machine: str = ""
    token: str = ""
    taken_back: bool = False


class Trial(msgspec.Struct, frozen=True):
    """One point of the space and what became of it.

    `value` is the objective of the last ended attempt as recorded (None: none, or not finite).
    `complete`: exit 0, or progress reached `complete_at`. `retries` counts automatic relaunches.
    `wish`: a person asked for it. `pinned`: who protects it from pruning. `interrupt`: of the
    newest attempt. `judged`: what early stopping found of its curve, oldest first. `phase`: the
    one it came to be in. `not_kept`: why it is not the best although its value is. `silent`: it
    runs, and has reported nothing for too long. `slow`: of the newest attempt.
    """

    number: int
    params: Params
    key: str
    origin: Origin
    status: Status
    attempts: tuple[Attempt, ...] = ()
    kill: KillRequest | None = None
    retries: int = 0
    value: float | None = None
    progress: float | None = None
    step: float | None = None
    complete: bool = False
    wish: Wish | None = None
    pinned: str | None = None
    interrupt: Interrupt | None = None
    judged: tuple[Judged, ...] = ()
    phase: int | None = None
    not_kept: str | None = None
    silent: Silent | None = None
    slow: Slow | None = None

    @property
    def id(self) -> str:
        return trial_id(self.number)

    @property
    def attempt_id(self) -> str | None:
        """Id of the newest attempt, `t0007.2`."""
        return attempt_id(self.number, self.attempts[-1].number) if self.attempts else None

    @property
    def state(self) -> State:
        """The one word people read."""
        status = self.status  # by its type, not by a match: asked ten thousand times a look
        return status.state if isinstance(status, Ended) else _WORDS[type(status)]

    @property
    def cause(self) -> Cause | None:
        return self.status.cause if isinstance(self.status, Ended) else None
