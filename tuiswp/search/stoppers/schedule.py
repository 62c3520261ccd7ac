"""A schedule of thresholds: by so much of the run, no more than so much worse than the best.

The tolerance usually narrows as the run goes on, and after the last bound nobody is stopped any
more. "Worse by" is a fraction of the size of the best value at the same point.
"""

import math

from tuiswp.model.stopper import Schedule
from tuiswp.search.stoppers.base import (
    Curve,
    Field,
    Outlook,
    Plan,
    Verdict,
    outlook_at,
    standing,
)
from tuiswp.search.stoppers.ranking import Ranking


class ScheduleStopper:
    """The rule over its resource. Judged at the newest bound that was reached."""

    def __init__(self, rule: Schedule) -> None:
        self._bounds = rule.bounds
        self._ranking = Ranking(Curve.at)

    def plan(self, upto: float) -> Plan:
        return Plan(tuple(bound.at for bound in self._bounds if bound.at <= upto))

    def judge(self, field: Field) -> tuple[Verdict, ...]:
        self._ranking.follow(field)
        verdicts = []
        for trial in field.judged():
            curve = field.curves[trial]
            bound = next((b for b in reversed(self._bounds) if curve.reaches(b.at)), None)
            if bound is None or bound.at <= field.passed.get(trial, -math.inf):
                continue
            ranked = self._ranking.at(bound.at)
            limit = _limit(ranked[0][0], bound.worse_by)
            value = curve.at(bound.at)
            assert value is not None  # it has reached the bound
            rank, better = standing(ranked, trial, field.sign * value)
            verdicts.append(
                Verdict(
                    trial,
                    "schedule",
                    bound.at,
                    curve.positions[-1],
                    value,
                    field.sign * limit,
                    rank,
                    len(ranked),
                    better,
                    stop=field.sign * value > limit,
                )
            )
        return tuple(verdicts)

    def outlook(self, field: Field, trial: int) -> Outlook | None:
        curve = field.curves.get(trial)
        if curve is None or not len(curve):
            return None
        bound = next((b for b in self._bounds if not curve.reaches(b.at)), None)
        if bound is None:
            return None
        self._ranking.follow(field)
        ranked = self._ranking.at(bound.at)
        limit = _limit(ranked[0][0], bound.worse_by) if ranked else math.inf
        return outlook_at(field, trial, bound.at, ranked, limit)


def _limit(best: float, worse_by: float) -> float:
    return best + worse_by * abs(best)
