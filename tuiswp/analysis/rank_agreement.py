"""Is the metric that stops trials early a good guide to where they end? Ranks at each kill point.

Only trials that came to their end are compared: what a stopped one would have become is not known,
so where many were stopped the agreement is of the survivors, and looks worse than it was.
"""

import math
import warnings
from collections.abc import Mapping, Sequence

import msgspec

from tuiswp.model.sweep import Goal
from tuiswp.search.stoppers.base import Curve
from tuiswp.text import visible

LEAST = 5  # trials


class Agreement(msgspec.Struct, frozen=True):
    """At `point`: how `trials` by `metric` there are ranked as by their final values.

    `spearman` with its 95 % interval `low` to `high`; `kendall` is τ-b. `best_rank`: where the
    trial that ended best stood then. `kept`: of the `keep` best at the point, how many are the
    same under the sweep's own metric; None for that metric itself.
    """

    metric: str
    point: float
    trials: int
    spearman: float
    low: float
    high: float
    kendall: float
    best_rank: int
    keep: int
    kept: int | None = None

    def told(self, unit: str) -> str:
        """Safe to print."""
        text = (
            f"{visible(self.metric, limit=60)} at {unit} {self.point:g}: Spearman "
            f"{self.spearman:+.2f} (95 %: {self.low:+.2f} to {self.high:+.2f}), Kendall "
            f"{self.kendall:+.2f} with the end, over {self.trials} trials; the best at the end was "
            f"{self.best_rank} of {self.trials} then"
        )
        if self.kept is not None:
            text += f"; {self.kept} of the {self.keep} best are those of the stopping metric"
        return text


def agreements(
    curves: Mapping[int, Curve],
    finals: Mapping[int, float],
    points: Sequence[float],
    goal: Goal,
    *,
    metric: str,
    share: float = 1 / 3,
    others: Mapping[str, Mapping[int, Curve]] | None = None,
) -> tuple[Agreement, ...]:
    """How `metric` at each kill point ranks the trials as their end does, then how `others` would.

    `share`: kept at a kill point (1/eta). The direction of another metric is not declared: the
    sign of its rank correlation at the last point is taken, which flatters it.
    """
    found: list[Agreement] = []
    keepers: dict[float, list[int]] = {}
    final_sign = 1.0 if goal == "minimize" else -1.0
    for point in points:
        ranked = _ranked(curves, finals, point, final_sign)
        if len(ranked) < LEAST:
            continue
        keep = max(1, math.floor(share * len(ranked)))
        keepers[point] = ranked[:keep]
        found.append(
            _agreement(metric, curves, finals, point, ranked, final_sign, final_sign, keep)
        )
    for name, other in (others or {}).items():
        signs = [
            correlation
            for point in reversed(list(keepers))
            if (correlation := _spearman(other, finals, point)) is not None
        ]
        if not signs:
            continue
        sign = final_sign * (1.0 if signs[0] >= 0 else -1.0)
        for point, own in keepers.items():
            ranked = _ranked(other, finals, point, sign)
            if len(ranked) < LEAST:
                continue
            keep = min(len(own), len(ranked))
            one = _agreement(name, other, finals, point, ranked, sign, final_sign, keep)
            found.append(msgspec.structs.replace(one, kept=len({*own} & {*ranked[:keep]})))
    return tuple(found)


def _ranked(
    curves: Mapping[int, Curve], finals: Mapping[int, float], point: float, sign: float
) -> list[int]:
    """Who came to its end and has a value at the point, best there first."""
    values = {
        number: sign * value
        for number in finals
        if number in curves and (value := curves[number].at(point)) is not None
    }
    return sorted(values, key=lambda number: (values[number], number))


def _spearman(
    curves: Mapping[int, Curve], finals: Mapping[int, float], point: float
) -> float | None:
    numbers = _ranked(curves, finals, point, 1.0)
    if len(numbers) < LEAST:
        return None
    value = correlations(
        [curves[n].at(point) or 0.0 for n in numbers], [finals[n] for n in numbers]
    )[0]
    return value if math.isfinite(value) else None


def _agreement(
    metric: str,
    curves: Mapping[int, Curve],
    finals: Mapping[int, float],
    point: float,
    ranked: Sequence[int],
    sign: float,
    final_sign: float,
    keep: int,
) -> Agreement:
    there = [sign * (curves[n].at(point) or 0.0) for n in ranked]
    end = [final_sign * finals[n] for n in ranked]
    spearman, kendall = correlations(there, end)
    low, high = fisher_interval(spearman, len(ranked))
    best = min(range(len(ranked)), key=end.__getitem__)
    return Agreement(metric, point, len(ranked), spearman, low, high, kendall, best + 1, keep)


def correlations(xs: Sequence[float], ys: Sequence[float]) -> tuple[float, float]:
    """Spearman's ρ and Kendall's τ-b; NaN where one side does not vary."""
    from scipy import stats

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", stats.ConstantInputWarning)
        return float(stats.spearmanr(xs, ys).statistic), float(stats.kendalltau(xs, ys).statistic)


def fisher_interval(rho: float, count: int) -> tuple[float, float]:
    """95 % interval of Spearman's ρ: tanh(artanh ρ ± 1.96 √((1 + ρ²/2)/(n − 3))).

    Bonett & Wright 2000. −1 to 1 where it has none.
    """
    if not math.isfinite(rho) or count < 4 or abs(rho) >= 1:
        return (rho, rho) if abs(rho) == 1 else (-1.0, 1.0)
    reach = 1.96 * math.sqrt((1 + rho * rho / 2) / (count - 3))
    centre = math.atanh(rho)
    return math.tanh(centre - reach), math.tanh(centre + reach)
