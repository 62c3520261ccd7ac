"""One rich moment of a sweep, for pictures of whole screens: every state, GPUs, output, events.

Frozen: no clock, no machine and nobody's name is in it, so its pictures never change by themselves.
"""

import math

from msgspec.structs import replace

from tests.analysis.builders import choice, constant, ended, queued, sweep_of
from tests.tui.snapshots import METRIC, NOW, event, failed, falling, log_tail, running, snapshot
from tuiswp.analysis.review import Part, review
from tuiswp.gpu.inventory import GpuProcess, GpuReading, Inventory
from tuiswp.model.sweep import Sweep
from tuiswp.model.trial import Trial
from tuiswp.tui.lookback import Looked
from tuiswp.tui.snapshot import Curve, CurveKey, EventLine, Snapshot, Want

_RATES = (1e-4, 3e-4, 1e-3, 3e-3, 1e-2)
_LOSSES = (2.35, 2.22, 2.12, 2.04, 2.01)
_STEPS = 60


def moment(want: Want | None = None) -> Snapshot:
    """The moment, with what is wanted of it: a source as `once.stand` takes one."""
    want = want or Want()
    trials = _trials()
    now = snapshot(
        trials,
        sweep=_sweep(),
        curves={
            key: curve
            for key, curve in _curves(trials).items()
            if want.trials is None or key[0] in want.trials
        },
        events=_events(),
        log=None if want.log_of is None else log_tail(want.log_of, *_LOG),
        inventory=_INVENTORY,
        planned=12,
        eta_s=780.0,
        data_age_s=0.4,
    )
    return now if want.part is None else replace(now, look=_looked(want.part, now, trials))


def _looked(part: Part, now: Snapshot, trials: list[Trial]) -> Looked:
    """A part of the look back, by the curves as they are shown."""
    shown = {n: (curve.xs, curve.ys) for (n, _), curve in _curves(trials).items()}
    sweep, judgement = now.view.sweep, now.judgement
    return Looked(part, review(sweep, judgement, trials, shown, {}, parts=(part,)))


def _sweep() -> Sweep:
    return sweep_of(
        choice("learning_rate", [*_RATES, 3e-2]),
        choice("optimizer", ["adamw", "sgd"]),
        constant("steps", _STEPS),
        reduce="mean",
        window=10,
        baseline={"learning_rate": 4.3e-3, "optimizer": "adamw"},
    )


def _params(rate: float, optimizer: str = "adamw") -> dict[str, float | str | int]:
    return {"learning_rate": rate, "optimizer": optimizer, "steps": _STEPS}


def _trials() -> list[Trial]:
    """t0000 the default, five done, out of memory, killed, two running, one of them diverging."""
    done = [
        ended(number, _params(rate), loss)
        for number, (rate, loss) in enumerate(zip(_RATES, _LOSSES, strict=True), start=1)
    ]
    return [
        ended(0, _params(4.3e-3), 2.03, origin="baseline"),
        *done,
        failed(6, _params(3e-2), evidence="torch.OutOfMemoryError: CUDA out of memory; exit 1"),
        ended(
            7,
            _params(1e-2, "sgd"),
            2.9,
            state="killed",
            cause="killed-by-user",
            progress=0.4,
            step=24,
        ),
        running(8, _params(3e-3, "sgd")),
        running(9, _params(3e-2, "sgd"), gpu="G1", attempt=2),
        queued(10, _params(1e-3, "sgd")),
    ]


def _curves(trials: list[Trial]) -> dict[CurveKey, Curve]:
    found: dict[CurveKey, Curve] = {}
    for trial in trials:
        if trial.attempts:
            points = int(trial.step or 30)
            found[trial.number, METRIC] = falling(
                trial.value or 2.2, points=points, start=3.0 + trial.number / 20
            )
            found[trial.number, "grad_norm"] = falling(0.4, points=points, start=1.0)
    steps = [float(step) for step in range(1, 31)]
    away = [2.9 + step / 20 if step < 24 else math.nan for step in steps]
    found[9, METRIC] = Curve(steps, away, 30)
    return found


def _events() -> tuple[EventLine, ...]:
    told = [
        ("SweepCreated", None, "12 trials planned: grid over learning_rate and optimizer"),
        ("AttemptStarted", 0, "t0000 started on G0  learning_rate=4.3e-3  the baseline"),
        ("AttemptStarted", 6, "t0006 started on G1  learning_rate=3e-2"),
        ("AttemptEnded", 0, "t0000 done  train_mean_nll 2.0300  step 60  3 m"),
        ("BestChanged", 5, "best so far t0005  2.0100  learning_rate=1e-2"),
        ("AttemptEnded", 6, "t0006 failed: CUDA out of memory; exit 1"),
        ("KillRequested", 7, "t0007 to be ended: asked for at the keyboard"),
        ("AttemptEnded", 7, "t0007 killed  step 24"),
        ("AttemptStarted", 9, "t0009 started again on G1 (attempt 2)"),
    ]
    return tuple(
        event(60 * seq, text, kind=kind, trial=trial)
        for seq, (kind, trial, text) in enumerate(told)
    )


_LOG = (
    "loading the model",
    "UserWarning: the padding token is the end token",
    *(f"step {step}/60  nll {3 - step / 40:.4f}  lr 3.00e-03  0.31 s" for step in range(1, 31)),
    "Error: the last batch was empty; it was left out",
)


def _gpu(
    index: int, *tokens: str, used: int, busy: int | None, stranger: bool = False
) -> GpuReading:
    processes = [GpuProcess(100 + n, "me", "python", used, token) for n, token in enumerate(tokens)]
    if stranger:
        processes.append(GpuProcess(900, "someone", "jupyter", 9216))
    return GpuReading(
        uuid=f"GPU-G{index}",
        index=index,
        name="NVIDIA H200",
        memory_total_mib=143_771,
        memory_used_mib=used,
        memory_free_mib=143_771 - used,
        utilization=busy,
        temperature_c=56,
        power_w=593.0,
        power_limit_w=700.0,
        processes=tuple(processes),
        at=0.0,
    )


_INVENTORY = Inventory(
    (
        _gpu(0, "token8", used=81_920, busy=87),
        _gpu(1, "token9", used=18_432, busy=None, stranger=True),
    ),
    "nvml",
    driver="570.1",
    taken_at=NOW,
)
