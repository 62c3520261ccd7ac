"""What people did to a sweep and its trials, a sentence each. Pure; prints nothing."""

from typing import TypeAlias

from tuiswp.analysis import words
from tuiswp.analysis.silence import silence_text
from tuiswp.controller.reducer import SweepState
from tuiswp.model.events import (
    Edit,
    GpuQuarantined,
    InterruptRequested,
    PhaseEnded,
    PhaseStarted,
    QueueMoved,
    ReplicationStarted,
    SettingsChanged,
    SpaceEdited,
    StopperChanged,
    TrialAsked,
    TrialPinned,
)
from tuiswp.model.ids import trial_id
from tuiswp.model.sweep import Sweep
from tuiswp.model.trial import Trial, Wish
from tuiswp.text import visible

Steering: TypeAlias = (
    InterruptRequested | TrialAsked | TrialPinned | QueueMoved | ReplicationStarted | Edit
)


def sentence(event: Steering) -> str:
    """One such fact, with who and why."""
    match event:
        case InterruptRequested(trial=number):
            text = f"{trial_id(number)} interrupted, as ctrl-c does,"
        case TrialAsked(trial=number):
            wish = Wish(event.by, event.why, event.source, event.changes, event.outside)
            return f"{trial_id(number)} {wished(wish)}"
        case TrialPinned(trial=number, pinned=pinned):
            text = f"{trial_id(number)} {'pinned' if pinned else 'no longer pinned, asked'}"
        case QueueMoved(trials=trials):
            text = f"{', '.join(map(trial_id, trials))} moved to the front of the queue"
        case ReplicationStarted(top=top, seeds=seeds):
            text = f"the best {top} settings are repeated, up to {seeds} runs each,"
        case SpaceEdited(what=what) | SettingsChanged(what=what) | StopperChanged(what=what):
            why = f" ({visible(event.why)})" if event.why else ""
            return f"edited by {visible(event.by)}{why}: {'; '.join(map(visible, what))}"
    return f"{text} by {visible(event.by)}{_why(event.why)}"


def phase_line(event: PhaseStarted | PhaseEnded) -> str:
    """`phase 2, refine, begins: from t0007 (0.4312)`."""
    name = visible(event.name, limit=60)
    if isinstance(event, PhaseStarted):
        return f"phase {event.index + 1}, {name}, begins: {visible(event.why)}"
    how = "" if event.skipped else "is over: "
    return f"phase {event.index + 1}, {name}, {how}{visible(event.why)}"


def quarantine_line(event: GpuQuarantined, sweep: str) -> str:
    """What was decided of a GPU, why, what became of its trials, and how to take it back."""
    many = len({trial for trial, _ in event.attempts})
    back = f"; {words.several(many, 'trial')} will run elsewhere, at no cost" if many else ""
    name = visible(event.name)
    return (
        f"{name} is quarantined: {visible(event.why)}{back}; "
        f"`tuiswp gpus --release {name} {visible(sweep)}` gives it trials again"
    )


def quarantines(state: SweepState, sweep: str) -> list[str]:
    """A sentence for each GPU that is set aside now."""
    lines = []
    for gpu in state.health.quarantined.values():
        aside = gpu.quarantine
        assert aside is not None
        name, probes = visible(gpu.name), ""
        if aside.probes:
            probes = f"; {words.several(aside.probes, 'attempt')} failed on it since"
        lines.append(
            f"{name} is quarantined since {words.clock(aside.at)}: {visible(aside.why)}{probes}; "
            f"`tuiswp gpus --release {name} {visible(sweep)}` gives it trials again"
        )
    return lines


def why_closed(state: SweepState) -> dict[str, str]:
    """By UUID, why a quarantined GPU gets no trial, for whoever places or explains."""
    return {
        uuid: f"{visible(gpu.name)} is quarantined: {visible(gpu.quarantine.why)}"
        for uuid, gpu in state.health.quarantined.items()
        if gpu.quarantine is not None
    }


def phases(sweep: Sweep, state: SweepState) -> list[str]:
    """What became of each phase, and which are to come."""
    known = {run.index: run for run in state.phases}
    lines = []
    for index, phase in enumerate(sweep.phases):
        run = known.get(index)
        head = f"phase {index + 1} of {len(sweep.phases)}, {visible(phase.name, limit=60)}: "
        if run is None:
            lines.append(f"{head}to come")
        elif run.began is None:
            lines.append(f"{head}{visible(run.end)}")
        else:
            many = words.several(sum(t.phase == index for t in state.trials.values()), "trial")
            now = "now" if run.ended is None else visible(run.end)
            lines.append(f"{head}{many}, {visible(run.why)}; {now}")
    return lines


def wished(wish: Wish) -> str:
    """`cloned from t0003 with lr=1e-3 by anna: is it luck?`"""
    text = "added"
    if wish.source is not None:
        change = f" with {visible(wish.changes)}" if wish.changes else ", the same point again,"
        text = f"cloned from {trial_id(wish.source)}{change}"
    beyond = ", ".join(visible(name, limit=60) for name in wish.outside)
    beside = f"; {beyond} outside the range" if beyond else ""
    return f"{text} by {visible(wish.by)}{_why(wish.why)}{beside}"


def about(trial: Trial, *, now: float | None = None) -> list[str]:
    """What people did to one trial that still matters, and what is wrong with it.

    `now`: wall seconds, else the clock's.
    """
    lines = [] if trial.wish is None else [wished(trial.wish)]
    if trial.pinned is not None:
        lines.append(f"pinned by {visible(trial.pinned)}: never pruned")
    sent = trial.interrupt
    if sent is not None and trial.state == "running":
        since = words.ago(sent.at, now=now)
        lines.append(f"interrupted by {visible(sent.by)} {since}, and goes on{_why(sent.why)}")
    if trial.silent is not None:
        since = words.ago(trial.silent.at, now=now)
        lines.append(f"{silence_text(trial.silent)} (flagged {since})")
    if trial.slow is not None:
        lines.append(f"slow: {visible(trial.slow.evidence)}")
    return lines


def edits(state: SweepState) -> list[str]:
    """How the sweep differs from its file: what, by whom, when and why; oldest first."""
    return [
        f"{visible(what)} ({words.clock(one.at)}, by {visible(one.edit.by)}{_why(one.edit.why)})"
        for one in state.edits
        for what in one.edit.what
    ]


def _why(why: str) -> str:
    return f": {visible(why)}" if why else ""
