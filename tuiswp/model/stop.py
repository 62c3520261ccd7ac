"""When a sweep has found enough, as its file says. Only data: `analysis.enough` reads it."""

from typing import Literal, TypeAlias

import msgspec

# `target` is metric.target; all others stand under `tuiswp.stop`, and each can be left out.
StopRule: TypeAlias = Literal[
    "target", "min_improvement", "same_best", "all_worse", "hours", "gpu_hours", "failures"
]


class StopRules(msgspec.Struct, frozen=True):
    """None: no such rule.

    `min_improvement`: a share of the best, per trial, over the last `over` trials. `same_best` and
    `all_worse`: numbers of trials. `hours`: while trials ran. `failures`: trials that failed or
    were lost. `now`: running trials are ended too; else they come to their end.
    """

    min_improvement: float | None = None
    over: int = 10
    same_best: int | None = None
    all_worse: int | None = None
    hours: float | None = None
    gpu_hours: float | None = None
    failures: int | None = None
    now: bool = False
