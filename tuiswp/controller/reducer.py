"""Turn facts into state. Pure: no clock, no disk, no tmux, no randomness.

`replay` is the only way to build a `SweepState`, so a crash and a restart meet in the same place.
A fact about something unknown, or about an attempt that is not the newest, changes nothing.
"""

from collections.abc import Iterable, Mapping
from typing import Literal, assert_never

import msgspec
from msgspec.structs import replace

from tuiswp.controller import health
from tuiswp.controller.moves import TrialFact, forgive, move
from tuiswp.model.events import (
    AttemptEnded,
    AttemptLaunching,
    AttemptStarted,
    BestChanged,
    Change,
    CheckpointsRemoved,
    ControllerStarted,
    ControllerStopped,
    Edit,
    GpuQuarantined,
    GpuReleased,
    InterruptRequested,
    KillPointJudged,
    KillRequested,
    Notified,
    PhaseEnded,
    PhaseStarted,
    QueueMoved,
    Record,
    ReplicationEnded,
    ReplicationStarted,
    RequestApplied,
    SettingsChanged,
    SpaceEdited,
    StopperChanged,
    SweepCreated,
    SweepFinished,
    SweepPaused,
    SweepResumed,
    SweepStopping,
    TrialAsked,
    TrialClosed,
    TrialMoving,
    TrialPinned,
    TrialQueued,
    TrialSilent,
    TrialSlow,
    TrialSuggested,
    Warned,
)
from tuiswp.model.health import Failure, Health
from tuiswp.model.stop import StopRule
from tuiswp.model.trial import (
    Launching,
    Process,
    Queued,
    Running,
    Trial,
    Wish,
)
from tuiswp.model.who import US

# Rules that leave nothing to spend on repeats; the others only say that the search is over.
_SPENT: frozenset[StopRule] = frozenset({"hours", "gpu_hours", "failures"})


class Edited(msgspec.Struct, frozen=True):
    """An edit and when it was made."""

    at: float
    edit: Edit


class Replication(msgspec.Struct, frozen=True):
    """Repeats that go on: `asked` as it was asked for, `first` the first trial that may be one."""

    asked: ReplicationStarted
    first: int


class Changed(msgspec.Struct, frozen=True):
    """What makes the sweep differ from its file, and since when."""

    at: float
    change: Change


class PhaseRun(msgspec.Struct, frozen=True):
    """What became of a phase. `began` None: it was skipped. `ended` None: it is the one now.

    `start`: the trial it began at. `best`: the one it left to the next.
    """

    index: int
    name: str
    began: float | None
    why: str = ""
    start: int | None = None
    ended: float | None = None
    end: str = ""
    best: int | None = None


class SweepState(msgspec.Struct, frozen=True):
    """Everything the journal says. `trials` by number; treat it as read-only.

    `next_index`: where the proposer goes on. `controller`: the last one that started and did not
    say that it stopped; whether it lives is for the reader to check (`elsewhere.holder`).
    `stopping`: no new trials ("drain"), or running ones are ended too ("now"). `reached`: the rule
    of the file that stopped it. `rules_off`: rules that stopped it once, and a person went on.
    `overruled`: trials that a person had queued before that stop; it holds for them too. `front`:
    who runs before all others that wait.
    `changes`: how the sweep differs from its file, oldest first; `spec.edits` applies them.
    `phases`: those that began or were skipped, in order.
    `replication`: repeats of the best go on. `notified`: by kind of news, the fact that was told
    last. `health`: what failures say about GPUs and the sweep.
    """

    name: str = ""
    spec_sha256: str = ""
    created: float = 0.0
    host: str = ""
    trials: Mapping[int, Trial] = {}
    next_index: int = 0
    controller: Process | None = None
    controller_host: str = ""
    controller_machine: str = ""
    paused: SweepPaused | None = None
    stopping: Literal["drain", "now"] | None = None
    reached: SweepStopping | None = None
    rules_off: frozenset[str] = frozenset()
    overruled: frozenset[int] = frozenset()
    front: tuple[int, ...] = ()
    changes: tuple[Changed, ...] = ()
    phases: tuple[PhaseRun, ...] = ()
    replication: Replication | None = None
    finished: str | None = None
    best: BestChanged | None = None
    warned: frozenset[str] = frozenset()
    notified: Mapping[str, int] = {}
    health: Health = Health()
    seq: int = 0
    at: float = 0.0

    @property
    def edits(self) -> tuple[Edited, ...]:
        """What people changed."""
        return tuple(
            Edited(one.at, one.change)
            for one in self.changes
            if not isinstance(one.change, PhaseStarted)
        )

    @property
    def phase(self) -> PhaseRun | None:
        """The phase the sweep is in; None: it has none, or all are over."""
        return self.phases[-1] if self.phases and self.phases[-1].ended is None else None

    @property
    def keys(self) -> set[str]:
        """Keys of every point ever suggested."""
        return {trial.key for trial in self.trials.values()}

    def live(self) -> list[Trial]:
        """Trials with an attempt that may hold processes and leases."""
        return [t for t in self.trials.values() if isinstance(t.status, Launching | Running)]

    def queued(self) -> list[Trial]:
        """Trials that wait, in the order in which they are to run."""
        place = {number: place for place, number in enumerate(self.front)}
        last = len(place)
        return sorted(
            (t for t in self.trials.values() if isinstance(t.status, Queued)),
            key=lambda trial: (place.get(trial.number, last), trial.number),
        )


def replay(records: Iterable[Record], state: SweepState | None = None) -> SweepState:
    """Fold `records` onto `state` (nothing, by default)."""
    draft = _Draft(state or SweepState())
    for record in records:
        draft.step(record)
    return draft.freeze()


def apply(state: SweepState, record: Record) -> SweepState:
    """One fact further."""
    return replay((record,), state)


class _Draft:
    """A state being built; `trials` is a copy, so the state it came from stays as it was."""

    def __init__(self, state: SweepState) -> None:
        self.base = state
        self.trials = dict(state.trials)
        self.changes: dict[str, object] = {}
        self.warned: set[str] = set()  # beside it: a set made anew for each would cost n of n

    def freeze(self) -> SweepState:
        if self.warned:
            self.changes["warned"] = self.base.warned | self.warned
        return replace(self.base, trials=self.trials, **self.changes)

    def step(self, record: Record) -> None:
        self.changes["seq"] = record.seq
        self.changes["at"] = record.t
        match record.event:
            case (
                AttemptLaunching()
                | AttemptStarted()
                | KillRequested()
                | AttemptEnded()
                | TrialQueued()
                | TrialClosed()
                | InterruptRequested()
                | TrialPinned()
                | KillPointJudged()
                | TrialSilent()
                | TrialMoving()
                | TrialSlow()
            ) as event:
                trial = self.trials.get(event.trial)
                if trial is not None:
                    moved = self.trials[event.trial] = move(trial, event, record.t)
                    self._around(event)
                    if isinstance(event, AttemptEnded) and moved is not trial:
                        self.changes["health"] = health.ended(self._health(), moved, event)
            case TrialSuggested() | TrialAsked() as event:
                self._new(event, record.t)
            case QueueMoved() | SpaceEdited() | SettingsChanged() | StopperChanged() as event:
                self._steered(event, record.t)
            case PhaseStarted() | PhaseEnded() as event:
                self._phase(event, record.t)
            case GpuQuarantined() as event:
                self._quarantine(event, record.t)
            case GpuReleased() as event:
                self.changes["health"] = health.released(self._health(), event)
            case Warned(code=code):
                self.warned.add(code)
            case _ as event:
                self._sweep(event, record.t)

    def _around(self, event: TrialFact) -> None:
        """What a fact about one trial changes beside it."""
        if isinstance(event, TrialQueued):
            before = self.changes.get("overruled", self.base.overruled)
            assert isinstance(before, frozenset)
            self.changes.update(finished=None, overruled=before - {event.trial})
            best = self.changes.get("best", self.base.best)
            if isinstance(best, BestChanged) and best.trial == event.trial:
                self.changes["best"] = None  # what it was worth is asked anew
        over = isinstance(event, AttemptEnded) and event.outcome != "queued"
        if over or isinstance(event, TrialClosed):
            self.changes["front"] = tuple(n for n in self._front() if n != event.trial)

    def _health(self) -> Health:
        before = self.changes.get("health", self.base.health)
        assert isinstance(before, Health)
        return before

    def _quarantine(self, event: GpuQuarantined, at: float) -> None:
        """Failures on a bad GPU are none: the trials wait again, at no cost to them."""
        known = self._health().gpus.get(event.uuid)
        failures = {(one.trial, one.attempt): one for one in (known.streak if known else ())}
        taken_back: list[Failure] = []
        for number, attempt in event.attempts:
            trial = self.trials.get(number)
            if trial is None:
                continue
            self.trials[number] = forgive(trial, attempt, at)
            if trial.state in ("failed", "lost") and self.trials[number].state == "queued":
                self.changes["finished"] = None
                if (number, attempt) in failures:
                    taken_back.append(failures[number, attempt])
        self.changes["health"] = health.quarantined(self._health(), event, taken_back, at)

    def _front(self) -> tuple[int, ...]:
        before = self.changes.get("front", self.base.front)
        assert isinstance(before, tuple)
        return before

    def _steered(self, event: QueueMoved | Edit, at: float) -> None:
        if isinstance(event, QueueMoved):
            first = tuple(dict.fromkeys(n for n in event.trials if n in self.trials))
            self.changes["front"] = (*first, *(n for n in self._front() if n not in first))
            return
        self._change(event, at)
        if event.reopens:
            self.changes["finished"] = None
        if isinstance(event, SettingsChanged):
            self.changes["rules_off"] = self._rules_off() - set(event.settings)
        elif isinstance(event, SpaceEdited) and event.next_index is not None:
            self.changes["next_index"] = event.next_index

    def _change(self, event: Change, at: float) -> None:
        before = self.changes.get("changes", self.base.changes)
        assert isinstance(before, tuple)
        self.changes["changes"] = (*before, Changed(at, event))

    def _phases(self) -> tuple[PhaseRun, ...]:
        before = self.changes.get("phases", self.base.phases)
        assert isinstance(before, tuple)
        return before

    def _phase(self, event: PhaseStarted | PhaseEnded, at: float) -> None:
        runs = self._phases()
        if isinstance(event, PhaseStarted):
            run = PhaseRun(event.index, event.name, at, event.why, event.best)
            self.changes["phases"] = (*runs, run)
            if event.next_index is not None:
                self.changes["next_index"] = event.next_index
            self._change(event, at)
            return
        if event.skipped:
            over = PhaseRun(event.index, event.name, None, "", None, at, event.why, event.best)
            self.changes["phases"] = (*runs, over)
        elif runs and runs[-1].index == event.index:
            over = replace(runs[-1], ended=at, end=event.why, best=event.best)
            self.changes["phases"] = (*runs[:-1], over)
        for number in event.not_kept:
            if number in self.trials:
                self.trials[number] = replace(self.trials[number], not_kept=event.why)

    def _new(self, event: TrialSuggested | TrialAsked, at: float) -> None:
        if event.trial in self.trials:
            return
        wish = None
        if isinstance(event, TrialAsked):
            wish = Wish(event.by, event.why, event.source, event.changes, event.outside)
        self.trials[event.trial] = Trial(
            event.trial,
            event.params,
            event.key,
            event.origin,
            Queued(since=at, asked=wish is not None),
            wish=wish,
            phase=next((run.index for run in reversed(self._phases()) if run.began), None),
        )
        self.changes["finished"] = None
        if isinstance(event, TrialSuggested) and event.index is not None:
            before = self.changes.get("next_index", self.base.next_index)
            assert isinstance(before, int)
            self.changes["next_index"] = max(before, event.index + 1)

    def _sweep(
        self,
        event: SweepCreated
        | ControllerStarted
        | ControllerStopped
        | SweepPaused
        | SweepResumed
        | SweepStopping
        | SweepFinished
        | RequestApplied
        | BestChanged
        | ReplicationStarted
        | ReplicationEnded
        | CheckpointsRemoved
        | Notified,
        at: float,
    ) -> None:
        match event:
            case SweepCreated():
                self.changes.update(
                    name=event.name, spec_sha256=event.spec_sha256, created=at, host=event.host
                )
            case ControllerStarted():
                self.changes.update(
                    controller=event.process,
                    controller_host=event.host,
                    controller_machine=event.machine or "",
                )
            case ControllerStopped():
                self.changes["controller"] = None
            case SweepPaused():
                self.changes["paused"] = event
            case SweepResumed():
                self._go_on()
            case SweepStopping():
                self.changes["stopping"] = "now" if event.now else "drain"
                self.changes["reached"] = event if event.rule is not None else None
                if event.rule is None or event.rule in _SPENT:
                    self.changes["replication"] = None
                self.changes["overruled"] = frozenset(
                    number
                    for number, trial in self.trials.items()
                    if isinstance(trial.status, Queued) and trial.status.asked
                )
            case SweepFinished():
                self.changes["finished"] = event.why
            case BestChanged():
                self.changes["best"] = event
            case ReplicationStarted():
                first = max(self.trials, default=-1) + 1
                self.changes.update(replication=Replication(event, first), finished=None)
            case ReplicationEnded():
                self.changes["replication"] = None
            case Notified(news=news, through=through):
                told = self.changes.get("notified", self.base.notified)
                assert isinstance(told, Mapping)
                self.changes["notified"] = {**told, news: through}
            case CheckpointsRemoved():
                pass  # what the journal knows of a trial is not in its checkpoints
            case RequestApplied():
                pass  # told to whoever asked; its effects are facts of their own
            case _:
                assert_never(event)

    def _go_on(self) -> None:
        """A rule that a person went on after holds no more, until it is set anew."""
        reached = self.changes.get("reached", self.base.reached)
        if isinstance(reached, SweepStopping):
            self.changes["rules_off"] = self._rules_off() | {reached.rule}
        paused = self.changes.get("paused", self.base.paused)
        if not (isinstance(paused, SweepPaused) and paused.missing):
            by_us = isinstance(paused, SweepPaused) and paused.by == US
            self.changes["health"] = health.resumed(self._health(), after_us=by_us)
        self.changes.update(
            paused=None,
            stopping=None,
            reached=None,
            finished=None,
            overruled=frozenset(),
        )

    def _rules_off(self) -> frozenset[str]:
        before = self.changes.get("rules_off", self.base.rules_off)
        assert isinstance(before, frozenset)
        return before
