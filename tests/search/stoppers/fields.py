"""Fields for the tests of the rules: curves by report number, everybody running unless said."""

from collections.abc import Collection, Mapping, Sequence

from tuiswp.model.sweep import Goal
from tuiswp.search.stoppers.base import Curve, Field


def reported(values: Sequence[float], *, every: float = 1.0) -> Curve:
    """A curve reported every so much of the resource."""
    return Curve([every * (k + 1) for k in range(len(values))], list(values))


def field(
    *curves: Sequence[float],
    goal: Goal = "minimize",
    running: Collection[int] | None = None,
    finished: Collection[int] = (),
    passed: Mapping[int, float] | None = None,
) -> Field:
    """Trials 0, 1, 2 … with these values."""
    return Field(
        {number: reported(values) for number, values in enumerate(curves)},
        goal,
        stoppable=[n for n in range(len(curves)) if n not in finished]
        if running is None
        else running,
        finished=finished,
        passed=passed or {},
    )
