"""Small builders of sweeps and trials for the analysis tests."""

from collections.abc import Mapping, Sequence
from typing import Literal

from tuiswp.model.space import (
    Categorical,
    Constant,
    Distribution,
    Parameter,
    Params,
    Value,
)
from tuiswp.model.sweep import Goal, Objective, Resources, Run, Sweep
from tuiswp.model.trial import Attempt, Cause, Ended, Origin, Queued, Trial

ISSUE_LRS = (1e-4, 3e-4, 1e-3, 3e-3, 1e-2, 3e-2)
ISSUE_LOSSES = (2.35, 2.22, 2.12, 2.04, 2.01, 3.37)


def choice(name: str, values: Sequence[Value]) -> Parameter:
    return Parameter((name,), Categorical(tuple(values)), "values")


def over(name: str, distribution: Distribution, kind: str = "uniform") -> Parameter:
    return Parameter((name,), distribution, kind)


def constant(name: str, value: Value) -> Parameter:
    return Parameter((name,), Constant(value), "constant")


def sweep_of(
    *parameters: Parameter,
    metric: str | None = "train_mean_nll",
    goal: Goal = "minimize",
    reduce: Literal["last", "best", "mean", "median"] = "last",
    window: int = 1,
    method: Literal["grid", "random"] = "grid",
    baseline: Params | None = None,
    name: str = "lr-sweep",
    run_cap: int | None = None,
) -> Sweep:
    return Sweep(
        name=name,
        method=method,
        parameters=parameters,
        objective=None if metric is None else Objective(metric, goal, reduce, window),
        resources=Resources(),
        run=Run(command=("python", "train.py"), program=None, cwd="/tmp"),
        baseline=baseline,
        run_cap=run_cap,
    )


def ended(
    number: int,
    params: Mapping[str, Value],
    value: float | None,
    *,
    state: Literal["done", "failed", "killed", "pruned", "lost"] = "done",
    cause: Cause | None = None,
    evidence: str = "",
    origin: Origin = "grid",
    progress: float | None = 1.0,
    step: float | None = 60.0,
    complete: bool | None = None,
) -> Trial:
    if cause is None:
        cause = "done" if state == "done" else "exit-code"
    return Trial(
        number=number,
        params=dict(params),
        key=f"k{number}",
        origin=origin,
        status=Ended(at=100.0, state=state, cause=cause, evidence=evidence),
        attempts=(Attempt(number=1, launched_at=1.0, started_at=2.0, ended_at=22.5),),
        value=value,
        progress=progress,
        step=step,
        complete=state == "done" if complete is None else complete,
    )


def queued(number: int, params: Mapping[str, Value]) -> Trial:
    return Trial(number, dict(params), f"k{number}", "grid", Queued(since=0.0))


def issue_sweep(baseline: float | None = 4.3e-3) -> Sweep:
    """The six values of the learning-rate recipe and its default."""
    return sweep_of(
        choice("learning_rate", ISSUE_LRS),
        constant("steps", 60),
        reduce="mean",
        window=10,
        baseline=None if baseline is None else {"learning_rate": baseline},
    )


def issue_trials(baseline_value: float | None = 2.03, *, default: float = 4.3e-3) -> list[Trial]:
    """Trial 0 is the default (left out when `baseline_value` is None)."""
    trials = [
        ended(number, {"learning_rate": lr, "steps": 60}, loss)
        for number, (lr, loss) in enumerate(zip(ISSUE_LRS, ISSUE_LOSSES, strict=True), start=1)
    ]
    if baseline_value is not None:
        params: Params = {"learning_rate": default, "steps": 60}
        trials.insert(0, ended(0, params, baseline_value, origin="baseline"))
    return trials


def curve(
    ys: Sequence[float | None],
    xs: Sequence[float] | None = None,
    *,
    name: str = "learning_rate",
    goal: Goal = "minimize",
) -> tuple[Sweep, list[Trial]]:
    """A sweep of one parameter; a y of None is a trial that reported and left nothing finite."""
    if xs is None:
        xs = [float(f"{3 if n % 2 else 1}e{n // 2 - 5}") for n in range(len(ys))]
    sweep = sweep_of(choice(name, list(xs)), goal=goal)
    trials = [ended(n, {name: x}, y) for n, (x, y) in enumerate(zip(xs, ys, strict=True))]
    return sweep, trials
