"""The vocabulary of facts. What is written here stays readable for ever: add, never rename.

A changed meaning needs a new type, and a new field needs a default. `JOURNAL_VERSION` rises when an
older reader could misread a record. A record carries the version that first knew it (`version_of`):
a sweep that nobody edits stays readable by the tuiswp that began it, an edited one is refused by
it, read-only.
"""

from typing import Literal, TypeAlias

import msgspec

from tuiswp.model.edits import Settings
from tuiswp.model.notify import News
from tuiswp.model.space import Parameter, Params
from tuiswp.model.stop import StopRule
from tuiswp.model.stopper import Judged, Rule
from tuiswp.model.trial import Cause, KillRequest, Lease, Origin, Process, Silence

JOURNAL_VERSION = 2


class SweepCreated(msgspec.Struct, frozen=True, tag="sweep_created"):
    name: str
    spec_sha256: str
    tuiswp: str
    host: str


class ControllerStarted(msgspec.Struct, frozen=True, tag="controller_started"):
    """`machine`: see `proc.machine`; not written by old versions."""

    process: Process
    host: str
    tuiswp: str
    machine: str | msgspec.UnsetType = msgspec.UNSET


class ControllerStopped(msgspec.Struct, frozen=True, tag="controller_stopped"):
    """A clean end of the controller; the sweep may go on later."""

    why: str


class TrialSuggested(msgspec.Struct, frozen=True, tag="trial_suggested"):
    """`index`: position in the proposer's own order, so that a resumed sweep goes on from there.

    `seen`: how many ended trials the proposal is based on, where the search learns.
    """

    trial: int
    params: Params
    key: str
    origin: Origin
    index: int | None = None
    seen: int | msgspec.UnsetType = msgspec.UNSET  # not written where nothing is learned


class AttemptLaunching(msgspec.Struct, frozen=True, tag="attempt_launching"):
    """Intent: durable before the launcher is called. `machine`: see `proc.machine`."""

    trial: int
    attempt: int
    token: str
    leases: tuple[Lease, ...]
    host: str
    machine: str | msgspec.UnsetType = msgspec.UNSET


class AttemptStarted(msgspec.Struct, frozen=True, tag="attempt_started"):
    trial: int
    attempt: int
    supervisor: Process
    training: Process
    adopted: bool = False


class KillRequested(msgspec.Struct, frozen=True, tag="kill_requested"):
    trial: int
    attempt: int
    request: KillRequest


class AttemptEnded(msgspec.Struct, frozen=True, tag="attempt_ended"):
    """How it ended, what it scored, and what follows, in one record: no crash falls between.

    `outcome`: what the trial becomes. For `queued`, `retry_at` is when (wall seconds), and `retry`
    says whether this used up one of its retries. `raised`: the error its output ends with, without
    what differs from one run to the next, so that ends can be compared.
    """

    trial: int
    attempt: int
    cause: Cause
    evidence: str
    outcome: Literal["done", "failed", "killed", "pruned", "lost", "paused", "queued"]
    code: int | None = None
    signal: int | None = None
    ended_at: float | None = None
    value: float | None = None
    progress: float | None = None
    step: float | None = None
    complete: bool = False
    retry: bool = False
    retry_at: float = 0.0
    fresh: bool = False
    raised: str | msgspec.UnsetType = msgspec.UNSET  # not written where nothing was


class TrialQueued(msgspec.Struct, frozen=True, tag="trial_queued"):
    """Back in the queue by a request: resume of a paused trial, restart of an ended one."""

    trial: int
    why: str
    fresh: bool = False


class TrialClosed(msgspec.Struct, frozen=True, tag="trial_closed"):
    """A trial that has no live attempt ends without one: killed while queued or paused."""

    trial: int
    state: Literal["killed", "paused"]
    evidence: str


class SweepPaused(msgspec.Struct, frozen=True, tag="sweep_paused", omit_defaults=True):
    """`missing`: variables of `env_from` that its controller does not have."""

    by: str
    why: str
    missing: tuple[str, ...] = ()


class SweepResumed(msgspec.Struct, frozen=True, tag="sweep_resumed"):
    by: str


class SweepStopping(msgspec.Struct, frozen=True, tag="sweep_stopping", omit_defaults=True):
    """No new trials; the running ones end by themselves (`now`: are ended).

    `rule`: a rule of the file that was reached, and `why`, with its numbers.
    """

    by: str
    now: bool
    rule: StopRule | None = None
    why: str = ""


class SweepFinished(msgspec.Struct, frozen=True, tag="sweep_finished"):
    why: str


class RequestApplied(msgspec.Struct, frozen=True, tag="request_applied"):
    id: str
    verb: str
    by: str
    ok: bool
    outcome: str


class BestChanged(msgspec.Struct, frozen=True, tag="best_changed"):
    trial: int
    value: float


class Warned(msgspec.Struct, frozen=True, tag="warned"):
    code: str
    message: str


class InterruptRequested(msgspec.Struct, frozen=True, tag="interrupt_requested"):
    """SIGINT for one attempt, as ctrl-c sends it. It may go on; nothing harder follows."""

    trial: int
    attempt: int
    by: str
    why: str = ""


class TrialAsked(msgspec.Struct, frozen=True, tag="trial_asked"):
    """A point a person asked for: it waits in the queue, beside what the search proposes.

    `source`: the trial it was cloned from. `changes`: the parameters that differ from it, as text.
    `outside`: names of parameters whose value lies outside the range the sweep had then.
    """

    trial: int
    params: Params
    key: str
    origin: Literal["point", "clone"]
    by: str
    why: str = ""
    source: int | None = None
    changes: str = ""
    outside: tuple[str, ...] = ()


class TrialPinned(msgspec.Struct, frozen=True, tag="trial_pinned"):
    """No pruner may end it; or, with `pinned` false, one may again."""

    trial: int
    by: str
    pinned: bool = True
    why: str = ""


class QueueMoved(msgspec.Struct, frozen=True, tag="queue_moved"):
    """These run before all others that wait, in this order."""

    trials: tuple[int, ...]
    by: str
    why: str = ""


class SpaceEdited(msgspec.Struct, frozen=True, tag="space_edited"):
    """From here on these parameters are as given here, whole; what ran before stays as it was.

    `what`: the change for people, a line each. `next_index`: where the proposer goes on, if the
    edit gave its points other numbers. `reopens`: a finished sweep has points to try again.
    """

    parameters: tuple[Parameter, ...]
    by: str
    what: tuple[str, ...] = ()
    why: str = ""
    next_index: int | None = None
    reopens: bool = False


class SettingsChanged(msgspec.Struct, frozen=True, tag="settings_changed"):
    """From here on these settings hold; what is not among them stays. `what` as in SpaceEdited."""

    settings: Settings
    by: str
    what: tuple[str, ...] = ()
    why: str = ""
    reopens: bool = False


class KillPointJudged(msgspec.Struct, frozen=True, tag="kill_point_judged"):
    """An early-stopping rule looked at a running trial; if it stops it, it is ended as pruned.

    That a trial passed is recorded only for rules that judge it once a kill point.
    """

    trial: int
    attempt: int
    judged: Judged


class StopperChanged(msgspec.Struct, frozen=True, tag="stopper_changed"):
    """From here on this early-stopping rule holds, None: none does. `what` as in SpaceEdited."""

    rule: Rule | None
    by: str
    what: tuple[str, ...] = ()
    why: str = ""
    reopens: bool = False


class ReplicationStarted(msgspec.Struct, frozen=True, tag="replication_started"):
    """From here on the best `top` settings are repeated, each up to `seeds` runs in all.

    It goes on once the search has nothing more to propose, until first and second are decided.
    """

    top: int
    seeds: int
    by: str
    why: str = ""


class ReplicationEnded(msgspec.Struct, frozen=True, tag="replication_ended"):
    """No more repeats are asked for; `why` says what they decided, or why they could not."""

    decided: bool
    why: str


class PhaseStarted(msgspec.Struct, frozen=True, tag="phase_started"):
    """From here on the search is that of this phase of the file, over `parameters`.

    `best`: the trial it begins at; None: the baseline, or nothing. `points`: what it tries, in
    place of what a method proposes. `next_index`: as in SpaceEdited. `why`: where it begins.
    """

    index: int
    name: str
    parameters: tuple[Parameter, ...]
    why: str = ""
    best: int | None = None
    points: tuple[Params, ...] | None = None
    next_index: int | None = None


class PhaseEnded(msgspec.Struct, frozen=True, tag="phase_ended"):
    """`best`: the trial the next one begins at. `skipped`: it never began.

    `not_kept`: trials that were better than it, but not by enough.
    """

    index: int
    name: str
    why: str
    best: int | None = None
    skipped: bool = False
    not_kept: tuple[int, ...] = ()


class CheckpointsRemoved(msgspec.Struct, frozen=True, tag="checkpoints_removed"):
    """Files of a trial that is over were removed, because somebody asked for it.

    `files`, `freed`: how many, and their bytes. `what`: the first of them, below the trial's
    directory. `failed`: those that could not be removed, and why.
    """

    trial: int
    by: str
    files: int
    freed: int
    what: tuple[str, ...] = ()
    failed: tuple[str, ...] = ()


class Notified(msgspec.Struct, frozen=True, tag="notified"):
    """A person is told, by the command of `tuiswp.notify`: durable before it is run.

    `through`: the newest fact of this kind that is told; `count`: how many at once, 0 if it is said
    with something else.
    """

    news: News
    through: int
    count: int = 1


class GpuQuarantined(msgspec.Struct, frozen=True, tag="gpu_quarantined"):
    """Attempts on this GPU fail one after another while others do well: it gets no more of them.

    `attempts`: (trial, attempt) of the failures that are taken back: these trials are queued again,
    and it costs them no retry. `why`: the evidence.
    """

    uuid: str
    name: str
    why: str
    by: str
    attempts: tuple[tuple[int, int], ...] = ()


class GpuReleased(msgspec.Struct, frozen=True, tag="gpu_released"):
    """This GPU gets trials again. `cleared`: because it turned out not to be the GPU's fault."""

    uuid: str
    name: str
    why: str
    by: str
    cleared: bool = False


class TrialSilent(msgspec.Struct, frozen=True, tag="trial_silent"):
    """A running trial reports nothing for longer than its rhythm allows: once each time it begins.

    `silent_s`: how long, of the time in which a controller watched; `limit_s`: what was allowed.
    `evidence`: what its processes did meanwhile, in words. `where`: where it stands, by its stack
    or by the kernel; the whole is in the attempt's stack.txt. "": not known.
    """

    trial: int
    attempt: int
    kind: Silence
    silent_s: float
    limit_s: float
    evidence: str
    where: str = ""


class TrialMoving(msgspec.Struct, frozen=True, tag="trial_moving"):
    """A trial that was silent goes on; `what` it was seen to do."""

    trial: int
    attempt: int
    what: str


class TrialSlow(msgspec.Struct, frozen=True, tag="trial_slow"):
    """An attempt runs at `share` of the speed of comparable ones; said once of it."""

    trial: int
    attempt: int
    share: float
    evidence: str


# By a person; and everything that makes the sweep differ from its file.
Edit: TypeAlias = SpaceEdited | SettingsChanged | StopperChanged
Change: TypeAlias = Edit | PhaseStarted

Event: TypeAlias = (
    SweepCreated | ControllerStarted | ControllerStopped | TrialSuggested | AttemptLaunching
    | AttemptStarted | KillRequested | AttemptEnded | TrialQueued | TrialClosed | SweepPaused
    | SweepResumed | SweepStopping | SweepFinished | RequestApplied | BestChanged | Warned
    | InterruptRequested | TrialAsked | TrialPinned | QueueMoved | SpaceEdited | SettingsChanged
    | KillPointJudged | StopperChanged | ReplicationStarted | ReplicationEnded
    | PhaseStarted | PhaseEnded | CheckpointsRemoved | Notified | GpuQuarantined | GpuReleased
    | TrialSilent | TrialMoving | TrialSlow
)  # fmt: skip

_SINCE_2 = (
    InterruptRequested, TrialAsked, TrialPinned, QueueMoved, SpaceEdited, SettingsChanged,
    KillPointJudged, StopperChanged, ReplicationStarted, ReplicationEnded,
    PhaseStarted, PhaseEnded, CheckpointsRemoved, Notified, GpuQuarantined, GpuReleased,
    TrialSilent, TrialMoving, TrialSlow,
)  # fmt: skip

_CAUSES_SINCE_2 = ("interrupted-by-user", "diverged", "hang")


def version_of(event: Event) -> int:
    """The journal version that first knew this fact."""
    if isinstance(event, AttemptEnded) and event.cause in _CAUSES_SINCE_2:
        return 2
    if isinstance(event, KillRequested) and event.request.becomes == "hang":
        return 2
    if isinstance(event, TrialSuggested) and event.origin in ("bayes", "replicate"):
        return 2
    return 2 if isinstance(event, _SINCE_2) else 1


class Record(msgspec.Struct, frozen=True):
    """One line of the journal: version, sequence number from 1, wall time, the fact."""

    v: int
    seq: int
    t: float
    event: Event
