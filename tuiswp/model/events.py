"""The vocabulary of facts. What is written here stays readable for ever: add, never rename.

A changed meaning needs a new type, and a new field needs a default. `JOURNAL_VERSION` rises when an
older reader could misread a record; such a journal is refused by it, read-only.
"""

from typing import Literal, TypeAlias

import msgspec

from tuiswp.model.space import Params
from tuiswp.model.trial import Cause, KillRequest, Lease, Origin, Process

JOURNAL_VERSION = 1


class SweepCreated(msgspec.Struct, frozen=True, tag="sweep_created"):
    name: str
    spec_sha256: str
    tuiswp: str
    host: str


class ControllerStarted(msgspec.Struct, frozen=True, tag="controller_started"):
    process: Process
    host: str
    tuiswp: str


class ControllerStopped(msgspec.Struct, frozen=True, tag="controller_stopped"):
    """A clean end of the controller; the sweep may go on later."""

    why: str


class TrialSuggested(msgspec.Struct, frozen=True, tag="trial_suggested"):
    """`index`: position in the proposer's own order, so that a resumed sweep goes on from there."""

    trial: int
    params: Params
    key: str
    origin: Origin
    index: int | None = None


class AttemptLaunching(msgspec.Struct, frozen=True, tag="attempt_launching"):
    """Intent: durable before the launcher is called."""

    trial: int
    attempt: int
    token: str
    leases: tuple[Lease, ...]
    host: str


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
    says whether this used up one of its retries.
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


class SweepPaused(msgspec.Struct, frozen=True, tag="sweep_paused"):
    by: str
    why: str


class SweepResumed(msgspec.Struct, frozen=True, tag="sweep_resumed"):
    by: str


class SweepStopping(msgspec.Struct, frozen=True, tag="sweep_stopping"):
    """No new trials; the running ones end by themselves (`now`: are ended)."""

    by: str
    now: bool


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


Event: TypeAlias = (
    SweepCreated | ControllerStarted | ControllerStopped | TrialSuggested | AttemptLaunching
    | AttemptStarted | KillRequested | AttemptEnded | TrialQueued | TrialClosed | SweepPaused
    | SweepResumed | SweepStopping | SweepFinished | RequestApplied | BestChanged | Warned
)  # fmt: skip


class Record(msgspec.Struct, frozen=True):
    """One line of the journal: version, sequence number from 1, wall time, the fact."""

    v: int
    seq: int
    t: float
    event: Event
