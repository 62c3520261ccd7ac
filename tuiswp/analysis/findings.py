"""One finding about a sweep: its code, how bad it is, what it means, what to do next.

Where the next step is one request, the finding carries it as data: a client that has a key for it
need not read the sentence.
"""

from typing import Literal, TypeAlias

import msgspec

from tuiswp.model.edits import RangeEdit, Settings
from tuiswp.model.space import Params

Severity: TypeAlias = Literal["info", "warning", "error"]
Code: TypeAlias = Literal[
    # before the launch and after
    "narrow-range", "linear-scale", "confounded", "no-baseline", "single-value", "endless",
    "no-metric", "odd-range", "co-tune", "outside-safe-range", "large-grid",
    "batch-between-phases",
    # from the results
    "no-valid-result", "refused-arguments", "metric-missing", "unread-metrics", "expression-faults",
    "incomplete-trials", "diverged", "identical-values", "tie", "baseline-wins", "within-noise",
    "edge-of-range", "no-u-shape", "noisy-loss", "mostly-pruned",
    "died-early", "found-twice", "found-apart", "at-bound", "next-step", "silent-trials",
]  # fmt: skip


class Remedy(msgspec.Struct, frozen=True):
    """The suggestion as the data of one request (`controller.requests`); `told` is safe to print.

    `edits` go with extend, `points` with add, `settings` with set.
    """

    verb: Literal["extend", "add", "set"]
    told: str
    edits: tuple[RangeEdit, ...] = ()
    points: tuple[Params, ...] = ()
    settings: Settings = {}


class Diagnosis(msgspec.Struct, frozen=True):
    """`message`: what and why. `suggestion`: what next. Both are safe to print, one line each.

    `remedy`: the suggestion as one request; None where it takes more than that, or a decision.
    """

    code: Code
    severity: Severity
    message: str
    suggestion: str
    remedy: Remedy | None = None
