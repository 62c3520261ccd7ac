"""A sweep as an Optuna study in a SQLite file, for optuna-dashboard and Optuna's own analyses.

A copy for looking at: nothing here reads it back, and the journal stays the record.
"""

import datetime
import math
import sqlite3
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import optuna
from optuna.distributions import (
    BaseDistribution,
    CategoricalDistribution,
    FloatDistribution,
    IntDistribution,
)
from optuna.trial import FrozenTrial, TrialState, create_trial

from tuiswp.model.space import IntUniform, LogNormal, LogUniform, Parameter, Value
from tuiswp.model.sweep import Sweep
from tuiswp.model.trial import State, Trial
from tuiswp.spec.distributions import bounds, value_key
from tuiswp.spec.params import flatten, swept

POINTS = 200  # intermediate values kept of a curve
_STATES: Mapping[State, TrialState] = {
    "done": TrialState.COMPLETE, "pruned": TrialState.PRUNED, "failed": TrialState.FAIL,
    "killed": TrialState.FAIL, "lost": TrialState.FAIL, "running": TrialState.RUNNING,
    "queued": TrialState.WAITING, "paused": TrialState.WAITING,
}  # fmt: skip


def export(
    sweep: Sweep,
    trials: Sequence[Trial],
    curves: Mapping[int, tuple[Sequence[float], Sequence[float]]],
    file: Path,
) -> int:
    """Write `trials` with the (steps, values) of their objective; the number of trials written.

    `file` must not exist. Every trial keeps its number, so the study's trial 7 is t0007. A range is
    as wide as the values that were tried, where a person went beyond it.
    """
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    goal = sweep.objective.goal if sweep.objective is not None else "minimize"
    # By a connection of our own: a path is no URL, and would be cut at a question mark.
    storage = optuna.storages.RDBStorage(
        "sqlite://", engine_kwargs={"creator": lambda: sqlite3.connect(file)}
    )
    study = optuna.create_study(storage=storage, study_name=sweep.name, direction=goal)
    if sweep.objective is not None:
        study.set_user_attr("metric", sweep.objective.metric)
    values = [flatten(trial.params, sweep.parameters) for trial in trials]
    laws: dict[str, BaseDistribution] = {}
    for parameter in swept(sweep):
        tried = [flat[parameter.path] for flat in values if parameter.path in flat]
        laws[parameter.name] = _law(parameter, tried)
    ordered = sorted(zip(trials, values, strict=True), key=lambda pair: pair[0].number)
    frozen = []
    for trial, flat in ordered:
        params = {
            parameter.name: _shown(flat[parameter.path], laws[parameter.name])
            for parameter in swept(sweep)
            if parameter.path in flat
        }
        frozen.append(_frozen(trial, params, laws, curves.get(trial.number, ((), ()))))
    study.add_trials(frozen)
    storage.engine.dispose()
    return len(frozen)


def _frozen(
    trial: Trial,
    params: dict[str, Any],
    laws: Mapping[str, BaseDistribution],
    curve: tuple[Sequence[float], Sequence[float]],
) -> FrozenTrial:
    state = _STATES[trial.state]
    if state is TrialState.COMPLETE and trial.value is None:
        state = TrialState.FAIL
    points = [(int(s), v) for s, v in zip(*curve, strict=True) if math.isfinite(v)]
    made = create_trial(
        state=state,
        value=trial.value if state in (TrialState.COMPLETE, TrialState.PRUNED) else None,
        params=params,
        distributions={name: laws[name] for name in params},
        intermediate_values=dict(points[:: max(1, math.ceil(len(points) / POINTS))]),
        user_attrs={"trial": trial.id, "state": trial.state, "cause": trial.cause or ""},
    )
    if trial.attempts and state is not TrialState.WAITING:
        made.datetime_start = datetime.datetime.fromtimestamp(trial.attempts[0].launched_at)
        ended = trial.attempts[-1].ended_at
        if state.is_finished():
            made.datetime_complete = (
                made.datetime_start if ended is None else datetime.datetime.fromtimestamp(ended)
            )
    return made


def _law(parameter: Parameter, tried: Sequence[Value]) -> BaseDistribution:
    """Optuna's distribution of a parameter; a choice of their texts for what is no number."""
    numbers = [v for v in tried if isinstance(v, int | float) and not isinstance(v, bool)]
    ends = bounds(parameter.distribution)
    if len(numbers) < len(tried) or (ends is None and not numbers):
        return CategoricalDistribution(sorted({_text(value) for value in tried}))
    low, high = min([*numbers, *(ends or ())]), max([*numbers, *(ends or ())])
    if isinstance(parameter.distribution, IntUniform) and all(v == int(v) for v in numbers):
        return IntDistribution(int(low), int(high))
    log = isinstance(parameter.distribution, LogUniform | LogNormal) and low > 0
    return FloatDistribution(float(low), float(high), log=log)


def _shown(value: Value, law: BaseDistribution) -> object:
    match law:
        case CategoricalDistribution():
            return _text(value)
        case IntDistribution():
            assert isinstance(value, int | float)
            return int(value)
    assert isinstance(value, int | float)
    return float(value)


def _text(value: Value) -> str:
    return value if isinstance(value, str) else value_key(value)
