"""The median rule and its relatives: no worse, at its best, than most finished trials were there.

Source: Golovin et al., "Google Vizier" (KDD 2017), 3.2.2: a trial is stopped at s if its best value
up to s is strictly worse than the median of what finished trials showed at s. Another percentile q
keeps the best q percent. As in Optuna's `PercentilePruner`, but a finished trial counts with the
newest value it had at s, so that curves reported at other steps can be compared.
"""

import math
from bisect import bisect_right
from collections.abc import Sequence

from tuiswp.model.stopper import Percentile
from tuiswp.search.stoppers.base import (
    LISTED,
    Curve,
    Field,
    Outlook,
    Plan,
    Verdict,
    outlook_at,
    standing,
)
from tuiswp.search.stoppers.ranking import Ranked, Ranking


class PercentileStopper:
    """The rule over its resource."""

    def __init__(self, rule: Percentile) -> None:
        self._rule = rule
        self._ranking = Ranking(_newest)
        self._name = "median" if rule.percentile == 50.0 else "percentile"

    def plan(self, upto: float) -> Plan:
        first, every = self._rule.warmup, self._rule.interval
        if first > upto:
            return Plan(())
        count = int((upto - first) / every + 1e-9) + 1
        points = tuple(first + every * k for k in range(min(count, LISTED)))
        return Plan(points, every=every, complete=count <= LISTED)

    def judge(self, field: Field) -> tuple[Verdict, ...]:
        self._ranking.follow(field, field.finished)
        verdicts = []
        for trial in field.judged():
            position = field.curves[trial].positions[-1]
            point = self._point_before(position)
            if point is None:
                continue
            ranked = self._others(field, point, trial)
            limit = self._limit(ranked)
            seen = field.curves[trial].until(point)
            if limit is None or not seen:
                continue
            value = field.sign * field.best(seen)
            if value > limit:
                rank, better = standing(ranked, trial, value)
                verdicts.append(
                    Verdict(
                        trial,
                        self._name,
                        point,
                        position,
                        field.sign * value,
                        field.sign * limit,
                        rank,
                        len(ranked) + 1,
                        better,
                    )
                )
        return tuple(verdicts)

    def outlook(self, field: Field, trial: int) -> Outlook | None:
        curve = field.curves.get(trial)
        if curve is None or not len(curve):
            return None
        before = self._point_before(curve.positions[-1])
        point = self._rule.warmup if before is None else before + self._rule.interval
        self._ranking.follow(field, field.finished)
        ranked = self._others(field, point, trial)
        limit = self._limit(ranked)
        return outlook_at(field, trial, point, ranked, math.inf if limit is None else limit)

    def _point_before(self, position: float) -> float | None:
        """The newest kill point that was reached."""
        if position < self._rule.warmup:
            return None
        passed = math.floor((position - self._rule.warmup) / self._rule.interval + 1e-9)
        return self._rule.warmup + passed * self._rule.interval

    def _others(self, field: Field, point: float, trial: int) -> Ranked:
        """The other finished trials, ranked by the newest value that each had at `point`."""
        ranked = self._ranking.at(point)
        return [one for one in ranked if one[1] != trial] if trial in field.finished else ranked

    def _limit(self, ranked: Sequence[tuple[float, int]]) -> float | None:
        """The percentile of those values, linear between two; None: too few have finished."""
        if len(ranked) < max(1, self._rule.startup):
            return None
        place = (len(ranked) - 1) * self._rule.percentile / 100.0
        low = math.floor(place)
        high = min(low + 1, len(ranked) - 1)
        below, above = ranked[low][0], ranked[high][0]
        return below + (above - below) * (place - low) if above != below else below


def _newest(curve: Curve, point: float) -> float | None:
    index = bisect_right(curve.positions, point)
    return curve.values[index - 1] if index else None
