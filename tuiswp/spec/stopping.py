"""Read `tuiswp.stop`: when a sweep has found enough. Every rule can be left out."""

import re

from tuiswp.model.stop import StopRules
from tuiswp.spec.reader import Section, kind_of
from tuiswp.spec.scalars import as_number
from tuiswp.spec.tree import Leaf

STOP_KEYS = (
    "min_improvement", "over", "same_best", "all_worse", "hours", "gpu_hours", "failures", "now",
)  # fmt: skip
_JUDGING = ("min_improvement", "same_best", "all_worse")
_HINTS = {
    "target": "write metric: {name: …, target: …}",
    "trials": "write run_cap", "run_cap": "it stands at the top of the file",
    "gpu_budget": "write gpu_hours", "budget": "write hours or gpu_hours",
    "timeout": "write hours; tuiswp.timeout ends one trial",
    "patience": "write same_best", "errors": "write failures",
}  # fmt: skip
_PERCENT = re.compile(r"([0-9.]+(?:e[-+]?[0-9]+)?)\s*%", re.IGNORECASE)


def read_stop(ours: Section, *, judged: bool) -> StopRules:
    """The stop rules of a file; `judged`: there is a metric, which some of them need."""
    section = ours.section("stop")
    if section is None:
        return StopRules()
    section.unknown(STOP_KEYS, _HINTS)
    for key in _JUDGING:
        if key in section and not judged:
            section.fault(key, "needs a metric", "add metric: {name: …, goal: …}")
    over = section.integer("over", minimum=1, maximum=10_000)
    if over is not None and "min_improvement" not in section:
        section.fault("over", "belongs to min_improvement", "add min_improvement: 0.1%")
    return StopRules(
        min_improvement=read_share(section, "min_improvement"),
        over=StopRules().over if over is None else over,
        same_best=section.integer("same_best", minimum=1),
        all_worse=section.integer("all_worse", minimum=1),
        hours=read_hours(section, "hours"),
        gpu_hours=read_hours(section, "gpu_hours"),
        failures=section.integer("failures", minimum=1),
        now=bool(section.boolean("now")),
    )


def read_share(section: Section, key: str, after: str = "") -> float | None:
    """`0.1%` as 0.001; a number without its unit could mean either, and is refused.

    `after`: words that may stand before it.
    """
    node = section.get(key)
    if node is None:
        return None
    found = share(node.text.strip().removeprefix(after)) if isinstance(node, Leaf) else None
    if found is None:
        section.fault(key, f"{kind_of(node)} is no percentage", "write it with its unit: 0.1%")
    return found


def share(text: str) -> float | None:
    """0.001 of `0.1%`, None of what is no percentage from 0 to 100.

    >>> share("0.1%"), share("2 %"), share("0.1")
    (0.001, 0.02, None)
    """
    found = _PERCENT.fullmatch(text.strip())
    number = None if found is None else as_number(found[1])
    return None if number is None or not 0 < number < 100 else number / 100


def read_hours(section: Section, key: str) -> float | None:
    number = section.number(key, above=0, maximum=10**6)
    return None if number is None else float(number)
