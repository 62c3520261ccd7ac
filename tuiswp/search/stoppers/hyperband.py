"""W&B's hyperband as its sweep server runs it: successive halving that looks again and again.

Source: `wandb/sweeps`, `hyperband_stopping.py`, as measured in the grammar reference, 1.7. At a
band b the values of all runs that have been there, whatever became of them, are sorted; the element
at int(n / eta) is the threshold, and a running trial whose value is worse is stopped. So
floor(n / eta) + 1 live, one run alone is never stopped, and a trial may fall behind at a band it
passed long ago, when better ones arrive there.
"""

import math
from bisect import bisect_right
from collections.abc import Sequence
from itertools import takewhile

from tuiswp.model.stopper import Hyperband
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

_BANDS = 100


class HyperbandStopper:
    """The rule over its resource; on `report` it decides exactly what W&B decides."""

    def __init__(self, rule: Hyperband) -> None:
        self._rule = rule
        self.bands = bands(rule)
        self._ranking = Ranking(Curve.at)

    def plan(self, upto: float) -> Plan:
        points = tuple(takewhile(lambda band: band <= upto, self.bands))
        return Plan(points[:LISTED], complete=len(points) <= LISTED)

    def judge(self, field: Field) -> tuple[Verdict, ...]:
        self._ranking.follow(field)
        rankings: dict[float, Ranked] = {}
        verdicts = []
        for trial in field.judged():
            curve = field.curves[trial]
            reached = bisect_right(self.bands, curve.positions[-1])
            if not reached:
                continue
            band = self.bands[reached - 1]
            if band not in rankings:
                rankings[band] = self._ranking.at(band)
            ranked = rankings[band]
            limit = threshold(ranked, self._rule.eta)
            value = self._value(field, trial, band)
            if value > limit:
                rank, better = standing(ranked, trial, value)
                verdicts.append(
                    Verdict(
                        trial,
                        "hyperband",
                        band,
                        curve.positions[-1],
                        field.sign * value,
                        field.sign * limit,
                        rank,
                        len(ranked),
                        better,
                    )
                )
        return tuple(verdicts)

    def outlook(self, field: Field, trial: int) -> Outlook | None:
        curve = field.curves.get(trial)
        if curve is None or not len(curve):
            return None
        point = next((band for band in self.bands if not curve.reaches(band)), None)
        if point is None:
            return None
        self._ranking.follow(field)
        ranked = self._ranking.at(point)
        # What the trial would meet there: itself among the others.
        with_it = sorted([*ranked, (field.sign * curve.values[-1], trial)])
        limit = threshold(with_it, self._rule.eta) if ranked else math.inf
        return outlook_at(field, trial, point, ranked, limit)

    def _value(self, field: Field, trial: int, band: float) -> float:
        curve = field.curves[trial]
        if self._rule.strict:
            value = curve.at(band)
            assert value is not None  # it has reached the band
            return field.sign * value
        return field.sign * field.best(curve.values)


def threshold(ranked: Sequence[tuple[float, int]], eta: float) -> float:
    """The value that may not be exceeded; infinite where nobody has been."""
    return ranked[int((1.0 / eta) * len(ranked))][0] if ranked else math.inf


def bands(rule: Hyperband) -> tuple[float, ...]:
    """Kill points, ascending, each once; whole numbers unless the resource is progress.

    >>> bands(Hyperband(None, max_iter=27, s=2, eta=3))
    (3.0, 9.0)
    """
    whole = rule.resource != "progress"
    if rule.max_iter is not None and rule.s is not None:
        found = _downwards(rule.max_iter, rule.s, rule.eta, whole)
    else:
        found = _upwards(rule.min_iter or 1.0, rule.eta, whole)
    return tuple(sorted(set(found)))


def _downwards(top: float, s: int, eta: float, whole: bool) -> list[float]:
    found = []
    point = top
    for _ in range(min(s, 1000)):
        point /= eta
        if whole and point < 1:
            break
        found.append(float(math.floor(point)) if whole else point)
    return found


def _upwards(lowest: float, eta: float, whole: bool) -> list[float]:
    found = []
    for k in range(_BANDS):
        try:
            point = lowest * eta**k
        except OverflowError:
            break
        if not math.isfinite(point):
            break
        found.append(float(int(point)) if whole else point)
    return found
