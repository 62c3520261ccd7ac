"""Asynchronous successive halving: at each rung the best 1/eta so far go on, the rest stop.

Source: Li et al., "A System for Massively Parallel Hyperparameter Tuning" (MLSys 2020), in the form
that stops instead of pausing. A trial is judged when it reaches a rung, against those who have been
there, and with n of them, itself included, the best max(1, floor(n / eta)) go on. Who has passed a
rung is not judged there again, so early arrivals are judged leniently and nobody is stopped between
rungs.
"""

import math

from tuiswp.model.stopper import Asha
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


class AshaStopper:
    """The rule over its resource; needs `Field.passed`."""

    def __init__(self, rule: Asha) -> None:
        self._rule = rule
        self._ranking = Ranking(Curve.at)

    def plan(self, upto: float) -> Plan:
        points: list[float] = []
        while len(points) <= LISTED and self._rung(len(points)) <= upto:
            points.append(self._rung(len(points)))
        return Plan(tuple(points[:LISTED]), complete=len(points) <= LISTED)

    def judge(self, field: Field) -> tuple[Verdict, ...]:
        """One verdict for each rung reached and not passed; the first that stops is the last."""
        self._ranking.follow(field)
        verdicts = []
        for trial in field.judged():
            curve = field.curves[trial]
            for rung in self.plan(curve.positions[-1]).points:
                if rung <= field.passed.get(trial, -math.inf):
                    continue
                verdict = self._at(field, trial, rung)
                verdicts.append(verdict)
                if verdict.stop:
                    break
        return tuple(verdicts)

    def outlook(self, field: Field, trial: int) -> Outlook | None:
        curve = field.curves.get(trial)
        if curve is None or not len(curve):
            return None
        point = self._rung(len(self.plan(curve.positions[-1]).points))
        if not math.isfinite(point):
            return None
        self._ranking.follow(field)
        ranked = self._ranking.at(point)
        with_it = sorted([*ranked, (field.sign * curve.values[-1], trial)])
        limit = self._limit(with_it) if ranked else math.inf
        return outlook_at(field, trial, point, ranked, limit)

    def _at(self, field: Field, trial: int, rung: float) -> Verdict:
        ranked = self._ranking.at(rung)
        curve = field.curves[trial]
        value = curve.at(rung)
        assert value is not None  # it has reached the rung
        limit = self._limit(ranked)
        rank, better = standing(ranked, trial, field.sign * value)
        return Verdict(
            trial,
            "asha",
            rung,
            curve.positions[-1],
            value,
            field.sign * limit,
            rank,
            len(ranked),
            better,
            stop=field.sign * value > limit,
        )

    def _limit(self, ranked: Ranked) -> float:
        return ranked[max(1, int(len(ranked) / self._rule.eta)) - 1][0]

    def _rung(self, k: int) -> float:
        try:
            return self._rule.min_resource * self._rule.eta**k
        except OverflowError:
            return math.inf
