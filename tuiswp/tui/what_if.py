"""The ranking under another rule than the sweep file's: to look at, never written. Pure.

The rules are the ones a sweep file could name.
"""

from collections.abc import Mapping, Sequence

import msgspec
from msgspec.structs import replace

from tuiswp.analysis.curves import drawable
from tuiswp.analysis.diagnosis import Diagnosis, diagnose
from tuiswp.analysis.optimum import Judgement, judge
from tuiswp.analysis.shape import Shape
from tuiswp.metrics.file import MetricFile
from tuiswp.metrics.names import find
from tuiswp.metrics.objective import reduce
from tuiswp.model.sweep import Objective, Reduce, Sweep
from tuiswp.model.trial import Trial

_WINDOW = 10
_RULES: tuple[tuple[Reduce, int], ...] = (
    ("last", 1), ("mean", _WINDOW), ("median", _WINDOW), ("best", 1),
)  # fmt: skip


class WhatIf(msgspec.Struct, frozen=True):
    """What the results would say; `sweep` has the other rule."""

    sweep: Sweep
    judgement: Judgement
    diagnoses: tuple[Diagnosis, ...]
    shapes: tuple[Shape, ...] | None = None


def next_rule(own: Objective, shown: Objective | None) -> Objective | None:
    """The rule after `shown`; None is the file's own, where the round begins and ends."""
    others = [
        replace(own, reduce=rule, window=window)
        for rule, window in _RULES
        if (rule, window if rule in ("mean", "median") else own.window) != (own.reduce, own.window)
    ]
    if shown is None:
        return others[0]
    place = others.index(shown) + 1 if shown in others else 0
    return others[place] if place < len(others) else None


def rejudge(
    sweep: Sweep,
    trials: Sequence[Trial],
    files: Mapping[int, MetricFile],
    objective: Objective,
) -> WhatIf:
    """Reduce every curve by `objective` and judge anew; a trial without a curve has no value."""
    other = replace(sweep, objective=objective)
    valued = [replace(t, value=_value(files.get(t.number), objective)) for t in trials]
    judgement = judge(other, valued)
    shapes = tuple(drawable(other, judgement))
    return WhatIf(other, judgement, diagnose(other, valued, judgement), shapes)


def _value(file: MetricFile | None, objective: Objective) -> float | None:
    name = None if file is None else find(objective.metric, file.metrics)
    return None if file is None or name is None else reduce(file.metrics[name], objective)
