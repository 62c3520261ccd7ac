"""When two metric names mean the same metric, and which name was probably meant.

Hugging Face logs `eval_loss` and renames it to `eval/loss` for W&B only, so a sweep file says one
and the raw log the other. Nothing else is treated as equal: case, dots and spaces count.
"""

import difflib
import re
from collections.abc import Iterable, Mapping, Set

# Words of a metric's name that say: measured on data held out.
EVALUATION = frozenset({"eval", "val", "valid", "validation", "test", "dev", "heldout"})


def normal(name: str) -> str:
    """The form under which equal names are equal: `eval/roc_auc` → `eval_roc_auc`."""
    return name.replace("/", "_")


def same(a: str, b: str) -> bool:
    """True if both are one metric.

    >>> same("eval/roc_auc", "eval_roc_auc")
    True
    """
    return normal(a) == normal(b)


def find(name: str, metrics: Iterable[str]) -> str | None:
    """The name in `metrics` that means `name`: the exact one, else the first equal one."""
    if isinstance(metrics, Mapping | Set) and name in metrics:  # as nearly always, at once
        return name
    equal: str | None = None
    for candidate in metrics:
        if candidate == name:
            return candidate
        if equal is None and same(candidate, name):
            equal = candidate
    return equal


def is_evaluation(name: str) -> bool:
    """Whether the name says that it is measured now and then, on data held out.

    >>> is_evaluation("eval/roc_auc"), is_evaluation("val_loss"), is_evaluation("train/loss")
    (True, True, False)
    """
    return not EVALUATION.isdisjoint(re.split(r"[^a-z]+", name.lower()))


def near(name: str, names: Iterable[str], *, limit: int = 3) -> list[str]:
    """Names a person may have meant by `name`, best first: alike, or with the same last part."""
    wanted = normal(name).lower()
    tail = _last_part(name)
    scored: list[tuple[float, str]] = []
    for candidate in names:
        matcher = difflib.SequenceMatcher(None, wanted, normal(candidate).lower())
        # quick_ratio is an upper bound, so that thousands of names stay cheap.
        score = matcher.ratio() if matcher.quick_ratio() >= 0.6 else 0.0
        if _last_part(candidate) == tail:
            score = max(score, 0.6)
        if score >= 0.6:
            scored.append((-score, candidate))
    return [candidate for _, candidate in sorted(scored)[:limit]]


def _last_part(name: str) -> str:
    return name.rsplit("/", 1)[-1].lower()
