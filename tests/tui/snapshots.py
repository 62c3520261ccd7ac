"""Snapshots made by hand from real model objects, for tests of screens and widgets. Reads nothing.

`snapshot()` alone is the learning-rate sweep of the recipe: seven trials done (t0000 the default),
t0007 and t0008 running, t0009 queued.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from tests.analysis.builders import issue_sweep, issue_trials, queued
from tuiswp.analysis.diagnosis import Diagnosis, diagnose
from tuiswp.analysis.optimum import Judgement, judge
from tuiswp.controller.client import Live, SweepView
from tuiswp.controller.reducer import SweepState
from tuiswp.gpu.inventory import Inventory
from tuiswp.model.space import Value
from tuiswp.model.sweep import Sweep
from tuiswp.model.trial import Attempt, Cause, Ended, Lease, Process, Running, Trial
from tuiswp.spec.params import flatten, label, swept
from tuiswp.text import visible
from tuiswp.tui.snapshot import Curve, CurveKey, EventLine, LogTail, Snapshot, TrialRow

NOW = 1_800_000_000.0  # the frozen clock of every hand-made snapshot
CONTROLLER = Process("boot", 4242, 99)
METRIC = "train_mean_nll"

# What must never reach a terminal, nor be taken for markup.
HOSTILE = (
    "\x1b]52;c;cHduZWQ=\x07", "\x1b[2J\x1b[31m", "[/nope]", "[link=file:x]click[/link]",
    "\u202egnp.exe\u202c", "a\u200bb\ufeffc", "\x9b31m\x90q", "[@click=app.quit]x[/]",
    "tab\tand\r\nnewline", "\ud800", "$x{y} \\[", "e" + "\u0301" * 40,
)  # fmt: skip


def running(
    number: int,
    params: Mapping[str, Value],
    *,
    gpu: str = "G0",
    since: float = NOW - 180.0,
    attempt: int = 1,
) -> Trial:
    """A trial with a live attempt on a share of one GPU."""
    lease = (Lease(f"GPU-{gpu}", 0, gpu),)
    status = Running(since, f"token{number}", lease, CONTROLLER, CONTROLLER)
    attempts = tuple(
        Attempt(number=n, launched_at=since - 1.0, started_at=since, leases=lease, host="here")
        for n in range(1, attempt + 1)
    )
    return Trial(number, dict(params), f"k{number}", "grid", status, attempts=attempts)


def failed(
    number: int, params: Mapping[str, Value], *, cause: Cause = "gpu-oom", evidence: str = "exit 1"
) -> Trial:
    """A trial that ended badly, with its evidence."""
    attempt = Attempt(
        1, NOW - 400.0, NOW - 399.0, NOW - 100.0, cause, evidence, 1, None, (), "here"
    )
    status = Ended(NOW - 100.0, "failed", cause, evidence)
    return Trial(
        number, dict(params), f"k{number}", "grid", status, (attempt,), progress=0.3, step=18.0
    )


def lr_trials() -> list[Trial]:
    """t0000 to t0006 done, t0007 and t0008 running, t0009 queued."""
    return [
        *issue_trials(),
        running(7, {"learning_rate": 2e-3, "steps": 60}),
        running(8, {"learning_rate": 5e-3, "steps": 60}, gpu="G1"),
        queued(9, {"learning_rate": 2e-2, "steps": 60}),
    ]


def falling(end: float, *, points: int = 60, start: float = 3.0) -> Curve:
    """A curve that falls from `start` towards `end`, one point a step."""
    xs = [float(step) for step in range(1, points + 1)]
    ys = [end + (start - end) * math.exp(-step / 12.0) for step in xs]
    return Curve(xs, ys, points)


def default_curves(trials: Iterable[Trial]) -> dict[CurveKey, Curve]:
    """A falling curve of the objective for every trial that ran; running ones are half done."""
    return {
        (trial.number, METRIC): falling(
            trial.value or 2.2, points=int(trial.step or 30), start=3.0 + trial.number / 20
        )
        for trial in trials
        if trial.attempts
    }


def row(sweep: Sweep, trial: Trial, live: Live | None, judgement: Judgement) -> TrialRow:
    """The table row of one trial, as the feed would make it."""
    parameters = swept(sweep)
    values = flatten(trial.params, parameters)
    best = judgement.optimum is not None and judgement.optimum.number == trial.number
    flags = ("BEST",) * best + ("BASE",) * (trial.origin == "baseline")
    return TrialRow(
        number=trial.number,
        id=trial.id,
        state=trial.state,
        cause=trial.cause or "",
        params=tuple(label(values[p.path]) if p.path in values else "" for p in parameters),
        value=trial.value if live is None else live.value,
        step=trial.step if live is None else live.step,
        progress=trial.progress if live is None else live.progress,
        eta_s=None if live is None else 90.0,
        place=trial.attempts[-1].leases[0].name
        if trial.attempts and trial.attempts[-1].leases
        else "",
        age_s=None if live is None else live.age_s,
        attempt=len(trial.attempts),
        flags=flags,
        spark=(3.0, 2.6, 2.4, 2.3, 2.25) if trial.attempts else (),
    )


def snapshot(
    trials: Sequence[Trial] | None = None,
    *,
    sweep: Sweep | None = None,
    live: Mapping[int, Live] | None = None,
    curves: Mapping[CurveKey, Curve] | None = None,
    metrics: Sequence[str] = (METRIC, "grad_norm"),
    diagnoses: Sequence[Diagnosis] | None = None,
    events: Sequence[EventLine] = (),
    log: LogTail | None = None,
    inventory: Inventory | None = None,
    controller: Process | None = CONTROLLER,
    state: SweepState | None = None,
    foreign: bool = False,
    planned: int | None = 10,
    eta_s: float | None = 240.0,
    data_age_s: float | None = 0.3,
    at: float = NOW,
) -> Snapshot:
    """One moment of a sweep. What is not given is the recipe's learning-rate sweep.

    Texts are made safe here as the feed does it; `view` keeps them raw, as the model does.
    """
    sweep = issue_sweep() if sweep is None else sweep
    trials = lr_trials() if trials is None else list(trials)
    if live is None:
        live = {t.number: Live(30.0, 0.5, 2.2, 0.3) for t in trials if t.state == "running"}
    if state is None:
        state = SweepState(
            name=sweep.name,
            host="here",
            trials={t.number: t for t in trials},
            controller=controller,
        )
    judgement = judge(sweep, trials)
    if diagnoses is None:
        diagnoses = diagnose(sweep, trials, judgement)
    return Snapshot(
        view=SweepView(Path("/sweeps/lr"), sweep, state, controller, dict(live), foreign=foreign),
        rows=tuple(row(sweep, t, live.get(t.number), judgement) for t in trials),
        columns=tuple(visible(parameter.name) for parameter in swept(sweep)),
        metrics=tuple(visible(name) for name in metrics),
        curves=default_curves(trials) if curves is None else curves,
        judgement=judgement,
        diagnoses=tuple(diagnoses),
        events=tuple(events),
        log=log,
        inventory=inventory,
        planned=planned,
        eta_s=eta_s,
        data_age_s=data_age_s,
        at=at,
    )


def event(
    seq: int, text: str, *, kind: str = "warned", trial: int | None = None, at: float | None = None
) -> EventLine:
    """One line of the event screen, `seq` seconds after the sweep began."""
    return EventLine(seq, NOW - 3600.0 + seq if at is None else at, kind, trial, visible(text))


def log_tail(trial: int, *lines: str, attempt: int = 1) -> LogTail:
    """What an attempt printed, as the feed would hand it on."""
    return LogTail(trial, attempt, tuple(visible(line) for line in lines))
