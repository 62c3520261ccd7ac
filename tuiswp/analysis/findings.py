"""One finding about a sweep: its code, how bad it is, what it means, what to do next."""

from typing import Literal, TypeAlias

import msgspec

Severity: TypeAlias = Literal["info", "warning", "error"]
Code: TypeAlias = Literal[
    # before the launch and after
    "narrow-range", "linear-scale", "confounded", "no-baseline", "single-value", "endless",
    "no-metric",
    # from the results
    "no-valid-result", "refused-arguments", "metric-missing", "incomplete-trials", "diverged",
    "identical-values", "tie", "baseline-wins", "within-noise", "edge-of-range", "no-u-shape",
    "next-step",
]  # fmt: skip


class Diagnosis(msgspec.Struct, frozen=True):
    """`message`: what and why. `suggestion`: what next. Both are safe to print, one line each."""

    code: Code
    severity: Severity
    message: str
    suggestion: str
