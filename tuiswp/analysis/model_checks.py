"""A learning rate's range against what is safe for the model's size."""

from typing import TypeAlias

from tuiswp.analysis.findings import Diagnosis
from tuiswp.analysis.scaling import SafeRange, safe_range
from tuiswp.analysis.trained import Model
from tuiswp.spec.model_size import shown_size
from tuiswp.spec.scale import spell

Ends: TypeAlias = tuple[float, float]

_FACTOR = 1.001  # two spellings of one end


def safe_of(model: Model) -> tuple[SafeRange, ...]:
    """Both kinds of tuning if the file names none; nothing if one of them is not known."""
    if model.size is None:
        return ()
    kinds = (True, False) if model.lora is None else (model.lora,)
    found = [safe_range(model.size, lora=kind) for kind in kinds]
    return tuple(safe for safe in found if safe is not None) if None not in found else ()


def safe_text(model: Model) -> str | None:
    """`safe learning rates for 7B: 1e-4 to 3e-4 (7B with LoRA)`; None if none are known."""
    found = safe_of(model)
    if model.size is None or not found:
        return None
    shown = "; ".join(f"{_ends(safe)} ({safe.row})" for safe in found)
    return f"safe learning rates for {shown_size(model.size)}: {shown}"


def outside_safe_range(name: str, ends: Ends, model: Model) -> Diagnosis | None:
    """The finding on a learning rate that is swept from `ends[0]` to `ends[1]`; None: all is safe.

    `name` is safe to print.
    """
    safe, text = safe_of(model), safe_text(model)
    if text is None or any(_inside(ends, one) for one in safe):
        return None
    low, high = ends
    swept = f"{name} is swept from {spell(low, log=True)} to {spell(high, log=True)}"
    lowest, highest = min(one.low for one in safe), max(one.high for one in safe)
    if all(high < one.low / _FACTOR or low > one.high * _FACTOR for one in safe):
        side = "below" if high < lowest else "above" if low > highest else "outside"
        return Diagnosis(
            "outside-safe-range",
            "warning",
            f"{swept}: all of it lies {side} what is safe; {text}.",
            f"Move the range of {name}, unless you know that this model needs it.",
        )
    beyond = f" (up to {high / highest:.3g} times its upper end)" if high > highest else ""
    return Diagnosis(
        "outside-safe-range",
        "info",
        f"{swept}, beyond what is safe{beyond}; {text}.",
        "A sweep may go there to find where training breaks; where trials are dear, leave out what "
        "is far outside.",
    )


def _inside(ends: Ends, safe: SafeRange) -> bool:
    return ends[0] >= safe.low / _FACTOR and ends[1] <= safe.high * _FACTOR


def _ends(safe: SafeRange) -> str:
    return f"{spell(safe.low, log=True)} to {spell(safe.high, log=True)}"
