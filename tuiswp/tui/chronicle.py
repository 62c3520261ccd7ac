"""Every fact of the journal as a line of the events screen. Pure; reads nothing.

What the story of a log tells it tells in the same words; what a log leaves out is said here too:
proposals, launches with their exact command, requests that were granted, and who asked for them.
"""

from collections.abc import Sequence
from typing import TypeAlias

from tuiswp.analysis import words
from tuiswp.controller.client import SweepView
from tuiswp.controller.story import Line, Story
from tuiswp.model.events import (
    AttemptLaunching,
    ControllerStarted,
    ControllerStopped,
    KillRequested,
    Notified,
    Record,
    RequestApplied,
    SweepCreated,
    TrialSuggested,
    Warned,
)
from tuiswp.model.ids import attempt_id, trial_id
from tuiswp.spec.params import swept
from tuiswp.text import visible
from tuiswp.tui.idle import Idle
from tuiswp.tui.screens.facts import command_of
from tuiswp.tui.snapshot import EventLine

MOST = 2000  # events kept: what is older is in the journal
_TAGS = {
    "SweepCreated": "sweep", "SweepPaused": "sweep", "SweepResumed": "sweep",
    "SweepStopping": "sweep", "SweepFinished": "sweep", "ControllerStarted": "controller",
    "ControllerStopped": "controller", "TrialSuggested": "proposed", "TrialQueued": "queued",
    "TrialClosed": "closed", "AttemptLaunching": "launch", "AttemptStarted": "started",
    "AttemptEnded": "ended", "KillRequested": "ending", "RequestApplied": "request",
    "BestChanged": "best", "Warned": "warning", "InterruptRequested": "interrupt",
    "TrialAsked": "added", "TrialPinned": "pin", "QueueMoved": "queue", "SpaceEdited": "edit",
    "SettingsChanged": "edit",
    "StopperChanged": "edit", "ReplicationStarted": "repeats", "ReplicationEnded": "repeats",
    "CheckpointsRemoved": "cleaned", "Notified": "told",
    "GpuQuarantined": "gpu", "GpuReleased": "gpu",
    "TrialSilent": "silent", "TrialMoving": "goes on", "TrialSlow": "slow",
}  # fmt: skip
_Told: TypeAlias = tuple[str, str]  # text safe to show, and the raw command there was


class Chronicle:
    """Told records in their order, it keeps the newest `MOST` as lines."""

    def __init__(self, story: Story) -> None:
        self._story = story
        self.lines: tuple[EventLine, ...] = ()
        self._idle: set[tuple[int, str, float]] = set()

    def tell(self, view: SweepView, records: Sequence[Record]) -> None:
        """Add these facts, with which `view` was made."""
        if not records:
            return
        newest = records[-MOST:]  # a long journal is not told line by line to be thrown away
        told = self._story.told(newest, view.state)
        added = (self._line(view, record, line) for record, line in told)
        self.lines = (*self.lines, *added)[-MOST:]

    def idle(self, found: Sequence[Idle], now: float) -> None:
        """Add, once for each time it begins, that a trial lets its GPU idle."""
        known, self._idle = self._idle, {(one.trial, one.uuid, one.since) for one in found}
        for one in found:
            if (one.trial, one.uuid, one.since) not in known:
                text = (
                    f"{trial_id(one.trial)} holds {visible(one.label)}, which has been at 0 % for "
                )
                text += words.duration(now - one.since)
                line = EventLine(0, now, "GPU idle", one.trial, text, "note")
                self.lines = (*self.lines, line)[-MOST:]

    def _line(self, view: SweepView, record: Record, told: Line | None) -> EventLine:
        kind = type(record.event).__name__
        trial = getattr(record.event, "trial", None)
        text, command = self._own(view, record) or (told.text if told else kind, "")
        tone = told.tone if told is not None else "plain"
        if isinstance(record.event, RequestApplied) and not record.event.ok:
            tone = "bad"
        return EventLine(record.seq, record.t, _TAGS.get(kind, kind), trial, text, tone, command)

    def _own(self, view: SweepView, record: Record) -> _Told | None:
        """What the story does not tell, or does not tell whole."""
        match record.event:
            case SweepCreated(host=host, tuiswp=version):
                return f"created on {visible(host)} with tuiswp {visible(version)}", ""
            case ControllerStarted(process=process, host=host):
                return f"controller began, pid {process.pid} on {visible(host)}", ""
            case ControllerStopped(why=why):
                return f"controller ended: {visible(why)}", ""
            case TrialSuggested(trial=number, params=params, origin=origin):
                given = words.assignments(params, swept(view.sweep))
                return f"{trial_id(number)} proposed ({origin})  {given}".rstrip(), ""
            case AttemptLaunching() as event:
                return self._launch(view, event)
            case KillRequested(trial=number, request=asked) if asked.becomes == "stopped":
                return f"{trial_id(number)} is being ended: {visible(asked.why)}", ""
            case RequestApplied(verb=verb, by=by, ok=ok, outcome=outcome):
                fate = "" if ok else " refused"
                return f"{verb}{fate}, asked by {visible(by)}: {visible(outcome)}", ""
            case Notified(news=news, count=count):
                return _notified(news, count), ""
            case Warned(message=message):
                return f"warning: {visible(message)}", ""
        return None

    def _launch(self, view: SweepView, event: AttemptLaunching) -> _Told:
        trial = self._story.state.trials.get(event.trial)
        command = command_of(view, trial, event.attempt) if trial is not None else None
        head = f"{attempt_id(event.trial, event.attempt)} on {words.places(event.leases) or '?'}"
        return f"{head}: {visible(command or 'the command is not known')}", command or ""


def _notified(news: str, count: int) -> str:
    """What the command of `tuiswp.notify` was run for; 0: what it was run for before says it."""
    if not count:
        return f"{news}: said with the end"
    many = f", {count} of them" if count > 1 else ""
    return f"{news}{many}: the notify command is run"
