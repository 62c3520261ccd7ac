"""The sweep's journal as a story: one line for each thing worth telling. Pure; prints nothing.

The same lines go to a log and above the live bars of a terminal.
"""

import time
from collections.abc import Iterable, Sequence
from typing import Literal, TypeAlias

import msgspec

from tuiswp.analysis import words
from tuiswp.analysis.axes import measured
from tuiswp.analysis.optimum import objective_text
from tuiswp.analysis.silence import silence_text
from tuiswp.controller.reducer import SweepState, replay
from tuiswp.controller.steered import phase_line, quarantine_line, sentence
from tuiswp.model.events import (
    AttemptEnded,
    AttemptStarted,
    BestChanged,
    CheckpointsRemoved,
    GpuQuarantined,
    GpuReleased,
    InterruptRequested,
    KillRequested,
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
    Warned,
)
from tuiswp.model.ids import trial_id
from tuiswp.model.space import Parameter
from tuiswp.model.sweep import Sweep
from tuiswp.model.trial import Attempt, Trial
from tuiswp.spec.edits import effective
from tuiswp.spec.params import swept
from tuiswp.spec.phased import whole
from tuiswp.text import visible

# Warnings that pause the sweep as well: the pause says it.
TOLD_BY_THE_PAUSE = ("breaker", "metric-never")

# How a line is meant, for whoever colours it.
Tone: TypeAlias = Literal["plain", "good", "bad", "note"]


class Line(msgspec.Struct, frozen=True):
    text: str
    tone: Tone = "plain"


class Story:
    """Told records move `state`; `name` is how the sweep is named on a command line."""

    def __init__(self, sweep: Sweep, name: str, state: SweepState | None = None) -> None:
        self.sweep = sweep
        self.state = state or SweepState()
        self._name = name
        self._swept: tuple[int, tuple[Parameter, ...]] = (0, swept(sweep))

    def tell(self, records: Iterable[Record]) -> list[Line]:
        """Lines for `records`, in their order."""
        return [line for _, line in self.told(records) if line is not None]

    def told(
        self, records: Iterable[Record], after: SweepState | None = None
    ) -> list[tuple[Record, Line | None]]:
        """Each record with its line; None for what is not worth one.

        `after`: the state they led to, if somebody knows it already.
        """
        records = list(records)
        self.state = replay(records, self.state) if after is None else after
        return [(record, self._line(record)) for record in records]

    @property
    def _parameters(self) -> tuple[Parameter, ...]:
        """The varying parameters, as they are after what was told."""
        changes = self.state.changes
        if len(changes) != self._swept[0]:
            now = whole(effective(self.sweep, (one.change for one in changes)))
            self._swept = (len(changes), swept(now))
        return self._swept[1]

    def _line(self, record: Record) -> Line | None:
        match record.event:
            case AttemptStarted() as event:
                return self._started(event)
            case AttemptEnded() as event:
                return self._ended(event, record.t)
            case KillRequested(trial=number, request=request) if request.becomes != "stopped":
                return Line(
                    f"{trial_id(number)} is being ended: {visible(request.why)} "
                    f"(by {visible(request.by)})"
                )
            case TrialQueued(trial=number, why=why, fresh=fresh):
                anew = ", from nothing" if fresh else ""
                return Line(f"{trial_id(number)} queued again ({visible(why)}{anew})")
            case TrialClosed(trial=number, state=state, evidence=evidence):
                return Line(f"{trial_id(number)} {state}: {visible(evidence)}")
            case BestChanged(trial=number, value=value):
                return self._best(number, value)
            case Warned(code=code, message=message) if code not in TOLD_BY_THE_PAUSE:
                return Line(f"warning: {visible(message)}", "note")
            case (
                InterruptRequested()
                | TrialAsked()
                | TrialPinned()
                | QueueMoved()
                | ReplicationStarted()
                | SpaceEdited()
                | SettingsChanged()
                | StopperChanged()
            ) as event:
                return Line(sentence(event))
            case GpuQuarantined() as event:
                return Line(quarantine_line(event, self._name), "bad")
            case GpuReleased(name=name, why=why, by=by):
                return Line(f"{visible(name)} gets trials again ({visible(by)}): {visible(why)}")
            case ReplicationEnded(decided=decided, why=why):
                return Line(f"repeats ended: {visible(why)}", "good" if decided else "note")
            case RequestApplied(ok=False, verb=verb, outcome=outcome):
                return Line(f"{verb} refused: {visible(outcome)}", "note")
            case SweepPaused() | SweepResumed() | SweepStopping() | SweepFinished() as event:
                return self._sweep_line(event)
            case CheckpointsRemoved(trial=number, by=by, files=files, freed=freed):
                told = f"{words.several(files, 'file')}, {words.bytes_size(freed)}"
                return Line(f"{trial_id(number)}: checkpoints removed by {visible(by)}: {told}")
            case PhaseStarted() | PhaseEnded() as event:
                return Line(phase_line(event))
            case TrialSilent() as event:
                return Line(f"{trial_id(event.trial)} {silence_text(event)}", "bad")
            case TrialSlow(trial=number, evidence=evidence):
                return Line(f"{trial_id(number)} is slow: {visible(evidence)}", "note")
            case TrialMoving(trial=number, what=what):
                return Line(f"{trial_id(number)} goes on: {visible(what)}")
            case _:
                return None

    def _sweep_line(
        self, event: SweepPaused | SweepResumed | SweepStopping | SweepFinished
    ) -> Line:
        match event:
            case SweepPaused(by=by, why=why):
                go_on = f"; `tuiswp resume {visible(self._name)}` goes on"
                if event.missing:  # `why` says where to type it
                    go_on = ""
                return Line(f"paused by {visible(by)}: {visible(why)}{go_on}", "note")
            case SweepResumed(by=by):
                return Line(f"resumed by {visible(by)}")
            case SweepStopping(by=by, now=now, rule=rule, why=why):
                how = "running trials are ended" if now else "running trials finish"
                if rule is not None:
                    return Line(f"enough: {visible(why)}; no new trials, {how}", "note")
                return Line(f"stopping, asked by {visible(by)}: no new trials, {how}", "note")
            case SweepFinished(why=why):
                return Line(f"finished: {visible(why)}")

    def _started(self, event: AttemptStarted) -> Line | None:
        trial = self.state.trials.get(event.trial)
        if trial is None:
            return None
        attempt = _attempt(trial, event.attempt)
        if event.adopted:
            return Line(f"{trial.id} found again, still running")
        where = words.places(attempt.leases) if attempt is not None else ""
        again = f" again (attempt {event.attempt})" if event.attempt > 1 else ""
        params = words.assignments(trial.params, self._parameters)
        origin = "  the baseline" if trial.origin == "baseline" else ""
        return Line(f"{trial.id} started{again} on {where}  {params}{origin}".rstrip())

    def _ended(self, event: AttemptEnded, at: float) -> Line:
        name = trial_id(event.trial)
        trial = self.state.trials.get(event.trial)
        attempt = None if trial is None else _attempt(trial, event.attempt)
        end = event.ended_at if event.ended_at is not None else at
        begin = None if attempt is None else (attempt.started_at or attempt.launched_at)
        took = f"  {words.duration(end - begin)}" if begin is not None else ""
        evidence = visible(event.evidence)
        match event.outcome:
            case "done":
                return self._done(name, event, took)
            case "paused":
                return Line(f"{name} paused, keeps its place{took}")
            case "queued" if event.cause == "killed-by-user":
                return Line(f"{name} ended to start again{took}")
            case "queued":
                wait = max(0.0, event.retry_at - at)
                soon = f" in {words.duration(wait)}" if wait > 0 else ""
                return Line(f"{name} {event.cause}: {evidence}; tried again{soon}", "note")
            case "failed" | "lost" as outcome:
                look = f"; see `tuiswp logs {visible(self._name)} {name}`"
                return Line(f"{name} {outcome} ({event.cause}): {evidence}{look}", "bad")
            case outcome:
                return Line(f"{name} {outcome}: {evidence}{took}", "note")

    def _done(self, name: str, event: AttemptEnded, took: str) -> Line:
        objective = self.sweep.objective
        step = "" if event.step is None else f"  step {words.step(event.step)}"
        if objective is None:
            return Line(f"{name} done{step}{took}", "good")
        if event.value is None:
            metric = visible(objective.metric, limit=80)
            return Line(f"{name} done, without a value of {metric}{step}{took}", "note")
        return Line(
            f"{name} done  {objective_text(objective)} {measured(event.value)}{step}{took}", "good"
        )

    def _best(self, number: int, value: float) -> Line:
        trial = self.state.trials.get(number)
        params = "" if trial is None else words.assignments(trial.params, self._parameters)
        return Line(f"best so far {trial_id(number)}  {measured(value)}  {params}".rstrip())


def _attempt(trial: Trial, number: int) -> Attempt | None:
    return next((one for one in trial.attempts if one.number == number), None)


def time_left(
    state: SweepState,
    planned: int | None,
    progress: dict[int, float | None],
    *,
    now: float,
    took: Sequence[float] | None = None,
) -> float | None:
    """Seconds until the sweep is over, by the trials that are done; None if not foreseeable.

    `progress` of the running trials by number; `took`: the `durations` in `state`, if known. The
    trials that wait share the places in use now.
    """
    live = state.live()
    if planned is None or not live:
        return None
    if took is None:
        took = durations(state)
    mean = sum(took) / len(took) if took else None
    left = [trial_left(trial, progress.get(trial.number), mean, now=now) for trial in live]
    if any(one is None for one in left):
        return None
    known = [one for one in left if one is not None]
    waiting = len(state.queued())
    if state.stopping is None:
        waiting += max(0, planned - len(state.trials))
    if waiting and mean is None:
        return None
    return max(max(known), (sum(known) + waiting * (mean or 0.0)) / len(known))


def durations(state: SweepState) -> list[float]:
    """How long the last attempt of each finished trial took, in seconds."""
    found = []
    for trial in state.trials.values():
        if trial.state == "done" and trial.attempts and trial.attempts[-1].ended_at is not None:
            attempt = trial.attempts[-1]
            assert attempt.ended_at is not None
            found.append(max(0.0, attempt.ended_at - (attempt.started_at or attempt.launched_at)))
    return found


def trial_left(
    trial: Trial, progress: float | None, mean: float | None, *, now: float
) -> float | None:
    """Seconds a running trial still needs: by its progress, else by what others took.

    Of one that is silent nobody knows.
    """
    if trial.silent is not None:
        return None
    attempt = trial.attempts[-1]
    ran = max(0.0, now - (attempt.started_at or attempt.launched_at))
    if progress is not None and 0 < progress <= 1 and ran > 0:
        return ran * (1 - progress) / progress
    return max(0.0, mean - ran) if mean is not None else None


def status_line(
    sweep: Sweep,
    state: SweepState,
    planned: int | None,
    progress: dict[int, float | None],
    *,
    now: float | None = None,
) -> str:
    """`3 of 7 done, 1 failed, 2 running (t0004 48 %, t0005 12 %), best …, about 2 min left`."""
    found = words.counts(state.trials.values())
    of = "" if planned is None else f" of {planned}"
    parts = [f"{found['done']}{of} done"]
    parts += [f"{found[s]} {s}" for s in ("failed", "lost", "killed", "pruned") if found[s]]
    if found["running"]:
        parts.append(f"{found['running']} running{_shares(progress)}")
    parts += [f"{found[s]} {s}" for s in ("queued", "paused") if found[s]]
    if state.best is not None and sweep.objective is not None:
        parts.append(f"best {trial_id(state.best.trial)} {measured(state.best.value)}")
    left = time_left(state, planned, progress, now=time.time() if now is None else now)
    if left is not None:
        parts.append(f"about {words.duration(left)} left")
    return ", ".join(parts)


def _shares(progress: dict[int, float | None]) -> str:
    known = [(n, p) for n, p in sorted(progress.items()) if p is not None]
    if not known or len(known) > 8:
        return ""
    return " (" + ", ".join(f"{trial_id(n)} {words.share(p)}" for n, p in known) + ")"


def opening_lines(sweep: Sweep, planned: int | None, parallel: str, where: str) -> Sequence[str]:
    """What is about to run, in three lines."""
    from tuiswp.spec.params import describe

    axes = ", ".join(f"{visible(p.name, limit=40)} ({describe(p)})" for p in swept(sweep)[:6])
    many = words.several(planned, "trial") if planned is not None else "trials until it is stopped"
    baseline = ", the baseline among them" if sweep.baseline is not None else ""
    goal = (
        f"{sweep.objective.goal} {objective_text(sweep.objective)}"
        if sweep.objective is not None
        else "no metric is named, so there will be no optimum"
    )
    return (
        f"{visible(sweep.name)}: {many}{baseline}; {parallel}",
        f"{sweep.method} over {axes or 'nothing'}; {goal}",
        f"everything is kept in {visible(where)}",
    )
