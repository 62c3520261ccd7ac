"""Wilcoxon: stop who is worse than the best finished trial, point by point, beyond chance.

One-sided signed-rank test (Wilcoxon 1945) of the differences at the points both have reported, as
in Optuna's `WilcoxonPruner`, and like there only if the mean difference agrees. Successive losses
of one run are not independent, so the p-value is a measure to stop by, not a proof.
"""

import math

from tuiswp.model.stopper import Wilcoxon
from tuiswp.search.stoppers.base import LISTED, Curve, Field, Outlook, Plan, Verdict


class WilcoxonStopper:
    """The rule over its resource. `value` is the trial's mean over the common points."""

    def __init__(self, rule: Wilcoxon) -> None:
        self._rule = rule

    def plan(self, upto: float) -> Plan:
        """By reports it is known when enough points are there; else it depends on the script."""
        if self._rule.resource != "report":
            return Plan((), every=None, complete=False)
        first = self._rule.startup
        count = max(0, int(upto) - first + 1)
        points = tuple(float(first + k) for k in range(min(count, LISTED)))
        return Plan(points, every=1.0, complete=count <= LISTED)

    def judge(self, field: Field) -> tuple[Verdict, ...]:
        leader = self._leader(field)
        if leader is None:
            return ()
        verdicts = []
        for trial in field.judged():
            curve = field.curves[trial]
            mine, theirs = _common(curve, field.curves[leader])
            if trial == leader or len(mine) < self._rule.startup:
                continue
            differences = [field.sign * (a - b) for a, b in zip(mine, theirs, strict=True)]
            if math.fsum(differences) <= 0.0 or _p_worse(differences) >= self._rule.p_threshold:
                continue
            position = curve.positions[-1]
            verdicts.append(
                Verdict(
                    trial,
                    "wilcoxon",
                    position,
                    position,
                    math.fsum(mine) / len(mine),
                    math.fsum(theirs) / len(theirs),
                    2,
                    2,
                    (leader,),
                )
            )
        return tuple(verdicts)

    def outlook(self, field: Field, trial: int) -> Outlook | None:
        curve, leader = field.curves.get(trial), self._leader(field)
        if curve is None or not len(curve):
            return None
        theirs = field.curves[leader].at(curve.positions[-1]) if leader is not None else None
        value = curve.values[-1]
        worse = theirs is not None and field.sign * value > field.sign * theirs
        after = len(curve) + 1 if self._rule.resource == "report" else curve.positions[-1]
        point = max(float(self._rule.startup), float(after))
        return Outlook(point, theirs, value, 2 if worse else 1, 2, worse)

    def _leader(self, field: Field) -> int | None:
        """The finished trial whose curve ended best; the lowest number of equals."""
        ended = [
            (field.sign * field.curves[number].values[-1], number)
            for number in field.finished
            if len(field.curves.get(number, ()))
        ]
        return min(ended)[1] if ended else None


def _common(one: Curve, other: Curve) -> tuple[list[float], list[float]]:
    """Both curves' values at the positions both have."""
    known = dict(zip(other.positions, other.values, strict=True))
    pairs = [
        (value, known[position])
        for position, value in zip(one.positions, one.values, strict=True)
        if position in known
    ]
    return [a for a, _ in pairs], [b for _, b in pairs]


def _p_worse(differences: list[float]) -> float:
    from scipy.stats import wilcoxon  # a second of start-up, for those who use it

    if not any(differences):
        return 1.0
    return float(wilcoxon(differences, alternative="greater", zero_method="zsplit").pvalue)
