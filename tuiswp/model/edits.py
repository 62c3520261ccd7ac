"""What a person may ask a sweep to change while it lives: ranges and settings. Only data.

What an edit means is `spec.edits`; that it was made is a fact (`model.events`).
"""

from typing import Literal, TypeAlias, get_args

import msgspec

from tuiswp.model.space import Path, Value

# What `set` changes; None: no limit. `timeout`, `hang_after` in seconds; from `min_improvement` on,
# stop rules: `over` belongs to `min_improvement` (None: 10 trials), `target` is that of the metric.
Setting: TypeAlias = Literal[
    "max_parallel", "run_cap", "retries", "timeout", "hang_after",
    "min_improvement", "over", "same_best", "all_worse", "hours", "gpu_hours", "failures", "target",
]  # fmt: skip
SETTINGS: tuple[Setting, ...] = get_args(Setting)
STOP_SETTINGS: tuple[Setting, ...] = SETTINGS[5:]
Settings: TypeAlias = dict[Setting, int | float | None]


class RangeEdit(msgspec.Struct, frozen=True):
    """What becomes of one parameter's values.

    `range`: from `low` to `high` (None keeps that end). `add`, `remove`, `values` (these and no
    others): a list. `spelling`: how the author wrote a value, as in `model.space.Parameter`.
    """

    path: Path
    how: Literal["range", "add", "remove", "values"]
    low: int | float | None = None
    high: int | float | None = None
    values: tuple[Value, ...] = ()
    spelling: dict[str, str] = {}
