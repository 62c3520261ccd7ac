"""Learning rates from a model's size and family, and how they scale. Figures and arithmetic only.

Every figure has its source in docs/advice.md; where there is none, the answer is None. The recipes
carry the same formula by themselves, since they may not import this; a test holds the two together.
"""

import math
from itertools import pairwise

import msgspec

EXPONENTS = {"llama": 0.781, "qwen": 0.0775}
# Names that hold a known word ("Llama-3.3-Nemotron") and were not fitted.
NOT_FITTED = ("deepseek-v3", "gpt-oss", "inkling", "kimi", "nemotron")

_LORA = ((7.0, (1e-4, 3e-4)), (13.0, (5e-5, 2e-4)), (70.0, (1e-5, 5e-5)))
_FULL = (1e-6, 5e-6)
_NEAR = 1.5  # a size within this factor of a row's is of that row


class SafeRange(msgspec.Struct, frozen=True):
    """Learning rates that are known to train; `row`: the size or sizes they were given for."""

    low: float
    high: float
    row: str


def family_of(name: str) -> str | None:
    """`llama`, `qwen`, or None: no figure was fitted for this name."""
    name = name.lower()
    if any(word in name for word in NOT_FITTED):
        return None
    return next((family for family in EXPONENTS if family in name), None)


def default_rate(family: str, hidden_size: int, *, lora: bool) -> float:
    """LR = 5e-5 · M · (2000 / H)^P.

    >>> default_rate("llama", 4096, lora=True)
    0.0002856415043086949
    """
    return float(5e-5 * (10 if lora else 1) * (2000 / hidden_size) ** EXPONENTS[family])


def scaled(rate: float, old: int, new: int) -> float:
    """The rate for `new` sequences a batch, or GPUs, where `rate` is good for `old`: LR·√(new/old).

    >>> scaled(1e-4, 16, 64)
    0.0002
    """
    return rate * math.sqrt(new / old)


def safe_range(size: float | None, *, lora: bool) -> SafeRange | None:
    """By size in billions; between two rows both, outside them None. Full: the same for all."""
    if not lora:
        return SafeRange(*_FULL, "full fine-tuning")
    if size is None:
        return None
    row, ends = min(_LORA, key=lambda one: abs(math.log(one[0] / size)))
    if max(row / size, size / row) <= _NEAR:
        return SafeRange(*ends, f"{row:g}B with LoRA")
    for (below, first), (above, second) in pairwise(_LORA):
        if below < size < above:
            between = f"between {below:g}B and {above:g}B with LoRA"
            return SafeRange(min(first[0], second[0]), max(first[1], second[1]), between)
    return None


def sizes_known() -> str:
    """`7B, 13B, 70B`."""
    return ", ".join(f"{size:g}B" for size, _ in _LORA)
