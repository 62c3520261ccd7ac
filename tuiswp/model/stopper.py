"""The early-stopping rules a sweep file can ask for, as data; `search.stoppers` carries them out.

Every rule counts in one resource: `report`, the n-th finite value of the metric (what W&B counts);
`step`; `progress`, 0 to 1; or `epoch`, the column of that name.
"""

from typing import Literal, TypeAlias

import msgspec

Resource: TypeAlias = Literal["report", "step", "progress", "epoch"]


class Hyperband(msgspec.Struct, frozen=True, tag="hyperband"):
    """W&B's `early_terminate`: stop who is not among the best 1/eta at a band, whenever looked at.

    Exactly one of `min_iter` and (`max_iter`, `s`) is set. `strict`: the value at the band counts,
    else the best of the whole curve.
    """

    min_iter: float | None
    max_iter: float | None = None
    s: int | None = None
    eta: float = 3.0
    strict: bool = True
    resource: Resource = "report"


class Asha(msgspec.Struct, frozen=True, tag="asha"):
    """Asynchronous successive halving (Li et al. 2020): at each rung the best 1/eta go on.

    Rungs at `min_resource` x eta^k. A trial is judged once a rung, when it gets there.
    """

    min_resource: float
    eta: float = 4.0
    resource: Resource = "report"


class Percentile(msgspec.Struct, frozen=True, tag="percentile"):
    """Stop who at its best is worse than this percentile of the finished trials at the same point.

    50 is the median rule (Golovin et al. 2017). Not before `startup` trials have finished, nor in
    the first `warmup` of the resource; looked at every `interval` from there.
    """

    percentile: float = 50.0
    startup: int = 5
    warmup: float = 10.0
    interval: float = 1.0
    resource: Resource = "report"


class Bound(msgspec.Struct, frozen=True):
    """At `at`, no more than `worse_by` (a fraction of the best's size) worse than the best."""

    at: float
    worse_by: float


class Schedule(msgspec.Struct, frozen=True, tag="schedule"):
    """Stop who is too much worse than the best was at the same point; `bounds` ascend in `at`."""

    bounds: tuple[Bound, ...]
    resource: Resource = "progress"


class Patience(msgspec.Struct, frozen=True, tag="patience"):
    """Stop a trial whose own best has not improved by `min_delta` within the last `patience`.

    Not before `warmup`. Other trials do not matter.
    """

    patience: float
    min_delta: float = 0.0
    warmup: float = 0.0
    resource: Resource = "report"


class Wilcoxon(msgspec.Struct, frozen=True, tag="wilcoxon"):
    """Stop who is worse than the best finished trial, point by point, beyond chance.

    One-sided Wilcoxon signed-rank test over the points both have, from `startup` common points on.
    """

    p_threshold: float = 0.1
    startup: int = 8
    resource: Resource = "report"


Rule: TypeAlias = Hyperband | Asha | Percentile | Schedule | Patience | Wilcoxon


class Judged(msgspec.Struct, frozen=True):
    """What a rule found of a trial at a kill point, as the journal keeps it.

    `kill_point` and `position` in `resource`; `value` and `threshold` in the metric's own units.
    `rank` counts from 1 among `of` compared trials; `others` were better. `stop` False: it passed.
    """

    rule: str
    resource: Resource
    kill_point: float
    position: float
    value: float
    threshold: float
    rank: int
    of: int
    others: tuple[int, ...] = ()
    stop: bool = True
