"""One trial, one fact about it: what it is afterwards. Pure; `reducer` folds them to a sweep.

A fact that does not fit the trial's status, or is not about its newest attempt, changes nothing.
"""

from typing import TypeAlias

from msgspec.structs import replace

from tuiswp.model.events import (
    AttemptEnded,
    AttemptLaunching,
    AttemptStarted,
    InterruptRequested,
    KillPointJudged,
    KillRequested,
    TrialClosed,
    TrialMoving,
    TrialPinned,
    TrialQueued,
    TrialSilent,
    TrialSlow,
)
from tuiswp.model.trial import (
    Attempt,
    Ended,
    Interrupt,
    Launching,
    Paused,
    Queued,
    Running,
    Silent,
    Slow,
    Trial,
)

TrialFact: TypeAlias = (
    AttemptLaunching
    | AttemptStarted
    | KillRequested
    | AttemptEnded
    | TrialQueued
    | TrialClosed
    | InterruptRequested
    | TrialPinned
    | KillPointJudged
    | TrialSilent
    | TrialMoving
    | TrialSlow
)


def move(trial: Trial, event: TrialFact, at: float) -> Trial:
    """One trial, one fact about it. A fact that does not fit its status changes nothing."""
    if isinstance(event, TrialPinned):
        return replace(trial, pinned=event.by if event.pinned else None)
    match event, trial.status:
        case AttemptLaunching(), Queued():
            attempt = Attempt(
                event.attempt,
                at,
                leases=event.leases,
                host=event.host,
                machine=event.machine or "",
                token=event.token,
            )
            return replace(
                trial,
                status=Launching(at, event.token, event.leases),
                attempts=(*trial.attempts, attempt),
                kill=None,
                interrupt=None,
                silent=None,
                slow=None,
            )
        case AttemptStarted(), Launching() as before if _newest(trial, event.attempt):
            running = Running(at, before.token, before.leases, event.supervisor, event.training)
            return replace(trial, status=running, attempts=_last(trial, started_at=at))
        case KillRequested(), Launching() | Running() if _newest(trial, event.attempt):
            return replace(trial, kill=event.request)
        case InterruptRequested(), Launching() | Running() if _newest(trial, event.attempt):
            return replace(trial, interrupt=Interrupt(at, event.by, event.why))
        case KillPointJudged(), Launching() | Running() if _newest(trial, event.attempt):
            return replace(trial, judged=(*trial.judged, event.judged))
        case TrialSilent(), Running() if _newest(trial, event.attempt):
            found = Silent(at, event.kind, event.silent_s, event.evidence, event.where)
            return replace(trial, silent=found)
        case TrialMoving(), Running() if _newest(trial, event.attempt):
            return replace(trial, silent=None)
        case TrialSlow(), Running() if _newest(trial, event.attempt):
            return replace(trial, slow=Slow(at, event.share, event.evidence))
        case AttemptEnded(), Launching() | Running() if _newest(trial, event.attempt):
            return _ended(trial, event, at)
        case TrialQueued(), Paused() | Ended():
            return replace(
                trial,
                status=Queued(since=at, fresh=event.fresh, asked=True),
                value=None,
                complete=False,
                kill=None,
                interrupt=None,
                retries=0,
                judged=() if event.fresh else trial.judged,
            )
        case TrialClosed(), Queued() | Paused():
            if event.state == "paused":
                return replace(trial, status=Paused(since=at))
            return replace(trial, status=Ended(at, event.state, "killed-by-user", event.evidence))
        case _:
            return trial


def forgive(trial: Trial, attempt: int, at: float) -> Trial:
    """The failure of this attempt is taken back: its trial waits again, or has a retry more."""
    attempts = tuple(
        replace(one, taken_back=True) if one.number == attempt else one for one in trial.attempts
    )
    trial = replace(trial, attempts=attempts)
    if _newest(trial, attempt) and trial.state in ("failed", "lost"):
        waits = Queued(since=at)
        return replace(trial, status=waits, value=None, complete=False, kill=None, interrupt=None)
    if isinstance(trial.status, Ended):  # it failed elsewhere, too
        return trial
    status = trial.status
    if isinstance(status, Queued) and _newest(trial, attempt):
        status = replace(status, not_before=0.0)
    return replace(trial, status=status, retries=max(0, trial.retries - 1))


def _ended(trial: Trial, event: AttemptEnded, at: float) -> Trial:
    when = event.ended_at if event.ended_at is not None else at
    status: Queued | Paused | Ended
    if event.outcome == "queued":
        status = Queued(since=at, not_before=event.retry_at, fresh=event.fresh)
    elif event.outcome == "paused":
        status = Paused(since=at)
    else:
        status = Ended(when, event.outcome, event.cause, event.evidence)
    return replace(
        trial,
        status=status,
        attempts=_last(
            trial,
            ended_at=when,
            cause=event.cause,
            evidence=event.evidence,
            code=event.code,
            signal=event.signal,
        ),
        kill=None,
        silent=None,
        retries=trial.retries + event.retry,
        value=event.value,
        progress=event.progress,
        step=event.step,
        complete=event.complete,
    )


def _newest(trial: Trial, attempt: int) -> bool:
    return bool(trial.attempts) and trial.attempts[-1].number == attempt


def _last(trial: Trial, **changes: object) -> tuple[Attempt, ...]:
    return (*trial.attempts[:-1], replace(trial.attempts[-1], **changes))
