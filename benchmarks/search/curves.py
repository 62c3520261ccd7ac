"""Early stopping on real curves: compute until a trial within 1 % of the best has ended.

The curves of `train_curves` are replayed in random orders, four at a time, under each rule. What
is compared is the compute of all trials (in epochs) until the first that ends within 1 % of the
best final value there is; a rule that stops all of these has missed, and no compute is enough.
Plain random search at full budget takes the same orders. Optuna's pruners see the same reports, in
the same order, through `should_prune`. `foreseeing` is no rule: it knows who is good and stops the
others at their first report, so it shows what a rule that looks can come to at best.
"""

import math
import random
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import cache
from pathlib import Path

import msgspec
import optuna
import pandas as pd

from tuiswp.analysis.replay import Recorded, Replay, simulate, simulate_with
from tuiswp.model.stopper import (
    Asha,
    Bound,
    Hyperband,
    Patience,
    Percentile,
    Rule,
    Schedule,
    Wilcoxon,
)
from tuiswp.model.sweep import Goal
from tuiswp.search.stoppers.base import Curve, Field, Outlook, Plan, Verdict

DATA = Path(__file__).parent / "curves_data"
WORKERS, ORDERS, NEAR = 4, 40, 0.01
FEW_ORDERS = {"wilcoxon": 10}  # a replay of it takes seconds
RULES: dict[str, Rule] = {
    "asha, eta 3": Asha(1.0, eta=3.0),
    "asha, eta 4": Asha(1.0, eta=4.0),
    "hyperband, eta 3": Hyperband(1.0, eta=3.0),
    "hyperband, eta 4": Hyperband(1.0, eta=4.0),
    "median": Percentile(),
    "percentile 25": Percentile(25.0, startup=4, warmup=3.0),
    "schedule": Schedule((Bound(3.0, 2.0), Bound(9.0, 1.0), Bound(27.0, 0.3)), resource="report"),
    "patience": Patience(5.0),
    "wilcoxon": Wilcoxon(),
}


class Table(msgspec.Struct, frozen=True):
    name: str
    recorded: Recorded

    @property
    def good(self) -> set[int]:
        """Trials whose final value is within 1 % of the best."""
        finals = self.recorded.finals
        if self.recorded.goal == "maximize":
            limit = max(finals.values()) * (1 - NEAR)
            return {n for n, value in finals.items() if value >= limit}
        limit = min(finals.values()) * (1 + NEAR)
        return {n for n, value in finals.items() if value <= limit}


@cache
def table(name: str, column: str) -> Table:
    """The curves of one file; who diverged came to no proper end."""
    rows = pd.read_parquet(DATA / f"{name}.parquet")[column].tolist()
    whole = max(len(row) for row in rows)
    curves = {
        n: Curve([float(k + 1) for k in range(len(row))], row.tolist())
        for n, row in enumerate(rows)
        if len(row)
    }
    finals = {n: c.values[-1] for n, c in curves.items() if len(c) == whole}
    goal: Goal = "maximize" if column == "val_accuracy" else "minimize"
    return Table(name, Recorded(curves, goal, finals, goal))


class PrunerStopper:
    """One of Optuna's pruners over a study that gets the same reports. It is no pure function."""

    def __init__(self, pruner: optuna.pruners.BasePruner, goal: Goal) -> None:
        optuna.logging.set_verbosity(optuna.logging.ERROR)
        sampler = optuna.samplers.RandomSampler(seed=0)
        self._study = optuna.create_study(direction=goal, pruner=pruner, sampler=sampler)
        self._trials: dict[int, optuna.Trial] = {}
        self._reported: dict[int, int] = {}

    def plan(self, upto: float) -> Plan:
        return Plan((), complete=False)

    def judge(self, field: Field) -> tuple[Verdict, ...]:
        verdicts = []
        for number, curve in field.curves.items():
            if number not in self._trials:
                self._trials[number] = self._study.ask()
            known = self._reported.get(number, 0)
            if known == len(curve):
                continue
            self._reported[number] = len(curve)
            trial = self._trials[number]
            for k in range(known, len(curve)):
                trial.report(curve.values[k], k + 1)
            if number in field.settled:
                self._study.tell(trial, curve.values[-1])
            elif trial.should_prune():
                value, position = curve.values[-1], curve.positions[-1]
                self._study.tell(trial, state=optuna.trial.TrialState.PRUNED)
                verdicts.append(Verdict(number, "optuna", position, position, value, value, 1, 1))
        return tuple(verdicts)

    def outlook(self, field: Field, trial: int) -> Outlook | None:
        return None


class Foreseeing:
    """Stops whoever is not `good` at the first report: what the best of all rules would need."""

    def __init__(self, good: set[int]) -> None:
        self._good = good

    def plan(self, upto: float) -> Plan:
        return Plan((1.0,))

    def judge(self, field: Field) -> tuple[Verdict, ...]:
        return tuple(
            Verdict(trial, "foreseeing", 1.0, 1.0, 0.0, 0.0, 1, 1)
            for trial in field.judged()
            if trial not in self._good
        )

    def outlook(self, field: Field, trial: int) -> Outlook | None:
        return None


PRUNERS: dict[str, Callable[[int], optuna.pruners.BasePruner]] = {
    "optuna asha, eta 3": lambda _: optuna.pruners.SuccessiveHalvingPruner(
        min_resource=1, reduction_factor=3
    ),
    "optuna asha, eta 4": lambda _: optuna.pruners.SuccessiveHalvingPruner(
        min_resource=1, reduction_factor=4
    ),
    "optuna hyperband, eta 3": lambda whole: optuna.pruners.HyperbandPruner(
        min_resource=1, max_resource=whole, reduction_factor=3
    ),
    "optuna median": lambda _: optuna.pruners.MedianPruner(n_startup_trials=5, n_warmup_steps=10),
}


def until_good(found: Replay, good: set[int]) -> tuple[float, bool]:
    """The compute until a good trial has ended, and whether one did."""
    for one in found.survivors:
        if one.trial in good:
            return one.used, True
    return found.spent, False


def top_after_first(recorded: Recorded, order: list[int], good: set[int]) -> tuple[float, bool]:
    """The plain rule: every trial runs one epoch, then the best tenth run to their end."""
    sign = 1.0 if recorded.goal == "minimize" else -1.0
    first = sorted(order, key=lambda n: sign * recorded.curves[n].values[0])
    used = float(len(order))
    for trial in sorted(first[: max(1, len(first) // 10)], key=order.index):
        used += len(recorded.curves[trial]) - 1
        if trial in good:
            return used, True
    return used, False


def one(task: tuple[str, str, str, int]) -> tuple[float, bool]:
    """One method on one table in one order."""
    name, column, method, seed = task
    found = table(name, column)
    order = sorted(found.recorded.curves)
    random.Random(seed).shuffle(order)
    if method == "top tenth after the first epoch":
        return top_after_first(found.recorded, order, found.good)
    if method == "random":
        never: Rule = Schedule((Bound(1e9, 1.0),), resource="report")
        return until_good(simulate(found.recorded, never, workers=WORKERS, order=order), found.good)
    if method == "foreseeing":
        foreseen = Foreseeing(found.good)
        again = simulate_with(foreseen, found.recorded, workers=WORKERS, order=order)
    elif method in RULES:
        again = simulate(found.recorded, RULES[method], workers=WORKERS, order=order)
    else:
        whole = max(len(curve) for curve in found.recorded.curves.values())
        stopper = PrunerStopper(PRUNERS[method](whole), found.recorded.goal)
        again = simulate_with(stopper, found.recorded, workers=WORKERS, order=order)
    return until_good(again, found.good)


METHODS = ("random", *RULES, *PRUNERS, "top tenth after the first epoch", "foreseeing")
TABLES = (("digits", "val_accuracy"), ("embedded", "loss"))


def measure(jobs: int | None = None) -> Mapping[str, Mapping[str, list[tuple[float, bool]]]]:
    """table → method → for each order the compute and whether a good trial ended."""
    found: dict[str, dict[str, list[tuple[float, bool]]]] = {}
    with ProcessPoolExecutor(jobs) as workers:
        for name, column in TABLES:
            of = found.setdefault(f"{name}, {column}", {})
            for method in METHODS:
                orders = range(FEW_ORDERS.get(method, ORDERS))
                tasks = [(name, column, method, seed) for seed in orders]
                of[method] = list(workers.map(one, tasks))
    return found


def ratios(runs: Sequence[tuple[float, bool]], plain: Sequence[tuple[float, bool]]) -> list[float]:
    """The compute of a method over that of another, order by order; infinite where it missed.

    `runs` may be of the first orders only.
    """
    return [
        math.inf if not a[1] else a[0] / b[0] if b[1] else 0.0
        for a, b in zip(runs, plain, strict=False)
    ]
