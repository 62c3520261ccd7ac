"""What search and early stopping are worth, beside random search and beside Optuna.

What one trial costs is measured here. Regret and replayed curves take minutes: they are printed as
`make bench-search` measured them last.
"""

import math
import random
import statistics
from collections.abc import Sequence
from typing import TypeAlias

from benchmarks.rows import Row, at_most, exactly, noted
from benchmarks.search import curves, cycle, store
from tuiswp.model.stopper import Hyperband
from tuiswp.search.stoppers.hyperband import bands, threshold

_BANDS = {(27, 3, 2): [3, 9], (27, 3, 5): [1, 3, 9], (18, 3, 2): [2, 6], (10, 2, 2): [2, 5],
          (5, 2, 2): [1, 2]}  # fmt: skip
_RESAMPLES = 2_000
Regrets: TypeAlias = dict[str, list[list[float]]]  # by method, seed and budget


def main() -> list[Row]:
    return [*decisions(), *costs(), *regrets(), *replayed()]


def decisions() -> list[Row]:
    """The worked cases of W&B's rule; tests/search/stoppers/test_hyperband.py has them all."""
    found = all(
        list(bands(Hyperband(None, max_iter=top, s=s, eta=eta))) == expected
        for (top, eta, s), expected in _BANDS.items()
    )
    ranked = [(float(k), k) for k in range(9)]
    found = found and sum(value <= threshold(ranked, 3.0) for value, _ in ranked) == 4
    return [exactly("search: hyperband as in W&B's worked cases", "yes" if found else "no", "yes")]


def costs() -> list[Row]:
    ours, theirs = (cycle.median_ms(one(100, 8)) for one in (cycle.ours, cycle.theirs))
    many = cycle.median_ms(cycle.ours(1_000, 8))
    rate = 1000 / many
    return [
        noted("search: ask, tell, durable record, 100 done", f"{ours:.1f} ms"),
        noted("search: the same, Optuna on SQLite", f"{theirs:.1f} ms"),
        at_most("search: ours / Optuna on SQLite", ours / theirs, 0.1, "", places=2),
        ("search: trials a second, 8 axes, 1,000 done", f"{rate:.0f}", ">= 20", rate >= 20),
    ]


def regrets() -> list[Row]:
    stored = store.load("regret")
    if stored is None:
        return [noted("search: regret", "run make bench-search")]
    rows = [noted("search: regret, measured", store.origin(stored))]
    for problem, methods in stored["regret"].items():
        for k, budget in enumerate(stored["budgets"]):
            for method in methods:
                rows += [
                    found
                    for other in ("random", "optuna tpe")
                    if (found := regret(problem, methods, method, other, k, budget)) is not None
                ]
    return rows


def regret(
    problem: str, methods: Regrets, method: str, other: str, k: int, budget: int
) -> Row | None:
    """A method's regret over another's, by the seeds that both have; the bars are our default's."""
    pairs = [
        math.log((mine[k] + 1e-12) / (its[k] + 1e-12))
        for mine, its in zip(methods[method], methods.get(other, ()), strict=False)
        if k < len(mine)
    ]
    if method in ("random", "optuna tpe") or not pairs:
        return None
    ratio, low, high = interval(pairs)
    value = f"{ratio:.2g} [{low:.2g}, {high:.2g}]"
    name = f"{method}, regret / {other}: {problem}, {budget} trials, {len(pairs)} seeds"
    if method != "tuiswp":
        return noted(name, value)
    if other == "random":
        return name, value, "clearly below 1", high < 1
    return name, value, "interval not above 1", low <= 1


def interval(logs: Sequence[float]) -> tuple[float, float, float]:
    """The median ratio, and where 95 % of bootstrap medians lie."""
    draw = random.Random(0)
    medians = sorted(statistics.median(draw.choices(logs, k=len(logs))) for _ in range(_RESAMPLES))
    low, high = medians[int(0.025 * _RESAMPLES)], medians[int(0.975 * _RESAMPLES)]
    return math.exp(statistics.median(logs)), math.exp(low), math.exp(high)


def replayed() -> list[Row]:
    stored = store.load("curves")
    if stored is None:
        return [noted("search: curves", "run make bench-search")]
    rows = [noted("search: curves replayed, measured", store.origin(stored))]
    for table, methods in stored["used"].items():
        for method, runs in methods.items():
            if method == "random":
                continue
            logs = [math.log(one) for one in curves.ratios(runs, methods["random"])]
            ratio, low, high = interval(logs)
            reached = sum(1 for _, hit in runs if hit)
            value = f"{ratio:.2f} [{low:.2f}, {high:.2f}], {reached} of {len(runs)} reach it"
            barred = method in ("asha, eta 3", "hyperband, eta 3")
            ok = ratio <= 0.25 if barred else None
            name = f"compute to 1 % / random: {table}: {method}"
            rows.append((name, value, "<= 0.25" if barred else "", ok))
        for mine, other in (("asha, eta 3", "optuna asha, eta 3"),
                            ("hyperband, eta 3", "optuna hyperband, eta 3")):  # fmt: skip
            used, beside = (
                statistics.median(one for one, _ in methods[name]) for name in (mine, other)
            )
            name = f"compute / {other}: {table}: {mine}"
            rows.append(at_most(name, used / beside, 1, "", places=2))
    return rows
