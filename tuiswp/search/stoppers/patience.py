"""Patience: stop a trial that has stopped improving. Other trials do not matter.

Of the reports within the last `patience` of the resource none betters the best before them by more
than `min_delta` (as Optuna's `PatientPruner` counts, without a rule behind it).
"""

from bisect import bisect_right

from tuiswp.model.stopper import Patience
from tuiswp.search.stoppers.base import LISTED, Curve, Field, Outlook, Plan, Verdict


class PatienceStopper:
    """The rule over its resource."""

    def __init__(self, rule: Patience) -> None:
        self._rule = rule

    def plan(self, upto: float) -> Plan:
        first = max(self._rule.warmup, self._rule.patience)
        if first > upto:
            return Plan(())
        every = 1.0 if self._rule.resource == "report" else None
        count = int(upto - first) + 1 if every else 1
        points = tuple(first + k for k in range(min(count, LISTED)))
        return Plan(points, every=every, complete=every is not None and count <= LISTED)

    def judge(self, field: Field) -> tuple[Verdict, ...]:
        verdicts = []
        for trial in field.judged():
            curve = field.curves[trial]
            position = curve.positions[-1]
            parts = self._parts(curve)
            if position < self._rule.warmup or parts is None:
                continue
            before, since = (field.sign * field.best(part) for part in parts)
            limit = before - self._rule.min_delta
            if since >= limit:
                verdicts.append(
                    Verdict(
                        trial,
                        "patience",
                        position,
                        position,
                        field.sign * since,
                        field.sign * limit,
                        1,
                        1,
                    )
                )
        return tuple(verdicts)

    def outlook(self, field: Field, trial: int) -> Outlook | None:
        """When it is stopped if nothing improves from now on."""
        curve = field.curves.get(trial)
        if curve is None or not len(curve):
            return None
        signed = [field.sign * value for value in curve.values]
        best_at = _last_improvement(signed, self._rule.min_delta)
        point = max(curve.positions[best_at] + self._rule.patience, self._rule.warmup)
        limit = signed[best_at] - self._rule.min_delta
        return Outlook(
            kill_point=point,
            threshold=field.sign * limit,
            value=field.sign * signed[-1],
            rank=None,
            of=1,
            in_danger=best_at < len(signed) - 1,
        )

    def _parts(self, curve: Curve) -> tuple[list[float], list[float]] | None:
        """Values before the window of patience and within it; None: the run is too short."""
        cut = bisect_right(curve.positions, curve.positions[-1] - self._rule.patience)
        if cut == 0 or cut == len(curve):
            return None
        return list(curve.values[:cut]), list(curve.values[cut:])


def _last_improvement(signed: list[float], min_delta: float) -> int:
    best, found = signed[0], 0
    for index, value in enumerate(signed):
        if value < best - min_delta:
            best, found = value, index
    return found
