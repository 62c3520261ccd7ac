"""The gradient norm against the current learning rate, over all runs: where training gets unstable.

The rate is the one logged at the same step, decayed and warmed up, not the parameter. Pure.
"""

import math
import statistics
from collections.abc import Iterable, Mapping, Sequence
from typing import TypeAlias

import msgspec

from tuiswp.analysis.axes import spell, words

Curve: TypeAlias = tuple[Sequence[float], Sequence[float]]

PER_DECADE = 4
ENOUGH = 20  # rows in a bin
_CLIPS = ("max_grad_norm", "grad_clip", "clip_grad_norm", "gradient_clip_val", "gradient_clip",
          "clip_norm", "grad_norm_clip", "max_norm", "clip")  # fmt: skip


class Bin(msgspec.Struct, frozen=True):
    """Rates from `low` to `high`: rows, median and 90 % of the norm, the share above the clip.

    `few`: under 20 rows, so that the numbers say little. `clipped` None: no clip is known.
    """

    low: float
    high: float
    rows: int
    median: float
    p90: float
    clipped: float | None
    few: bool


class Gradients(msgspec.Struct, frozen=True):
    """`norm` and `rate`: the columns read. `runs`: how many logged both. `told`: safe to print."""

    norm: str
    rate: str
    runs: int
    bins: tuple[Bin, ...]
    told: str


def norm_column(names: Iterable[str]) -> str | None:
    """The gradient norm among logged names: `grad_norm`, `train/gradient_norm`, `gnorm`."""
    for name in names:
        found = words(name)
        if found & {"gnorm", "gradnorm"} or ("norm" in found and found & {"grad", "gradient"}):
            return name
    return None


def rate_column(names: Iterable[str]) -> str | None:
    """The current learning rate among logged names."""
    for name in names:
        found = words(name)
        if "lr" in found or {"learning", "rate"} <= found:
            return name
    return None


def clip_of(params: Mapping[str, object]) -> float | None:
    """The clip among flat parameters, by its name; None where none is named, or it is off."""
    for name in _CLIPS:
        value = params.get(name)
        if isinstance(value, int | float) and not isinstance(value, bool) and value > 0:
            return float(value)
    return None


def gradients(
    runs: Mapping[int, tuple[Curve, Curve]],
    clips: Mapping[int, float],
    *,
    norm: str,
    rate: str,
) -> Gradients | None:
    """Bins of a quarter of a decade; `runs`: norm and rate by trial. None without a common step."""
    rows: dict[int, list[tuple[float, float | None]]] = {}
    used = 0
    for number, (norms, rates) in runs.items():
        at = dict(zip(*rates, strict=False))
        clip = clips.get(number)
        before = sum(map(len, rows.values()))
        for step, value in zip(*norms, strict=False):
            now = at.get(step)
            if now is not None and now > 0 and math.isfinite(now) and math.isfinite(value):
                place = math.floor(PER_DECADE * math.log10(now) + 1e-9)
                rows.setdefault(place, []).append((value, clip))
        used += sum(map(len, rows.values())) > before
    if not rows:
        return None
    bins = tuple(_bin(place, rows[place]) for place in sorted(rows))
    return Gradients(norm, rate, used, bins, _told(bins, used))


def _bin(place: int, rows: Sequence[tuple[float, float | None]]) -> Bin:
    values = sorted(value for value, _ in rows)
    known = [value > clip for value, clip in rows if clip is not None]
    return Bin(
        10 ** (place / PER_DECADE),
        10 ** ((place + 1) / PER_DECADE),
        len(rows),
        statistics.median(values),
        values[min(len(values) - 1, math.ceil(0.9 * len(values)) - 1)],
        sum(known) / len(known) if known else None,
        len(rows) < ENOUGH,
    )


def _told(bins: Sequence[Bin], runs: int) -> str:
    solid = [one for one in bins if not one.few]
    text = f"{runs} runs, {sum(one.rows for one in bins):,} rows in {len(bins)} bins"
    thin = len(bins) - len(solid)
    if thin:
        text += f", {thin} of them with under {ENOUGH} rows"
    half = next((one for one in solid if one.clipped is not None and one.clipped > 0.5), None)
    if half is not None:
        start = spell(_round(half.low), log=True)
        return f"{text}; from {start} on, over half of the rows are clipped."
    if all(one.clipped is None for one in bins):
        return f"{text}; no clip is among the parameters, so the clipped share is unknown."
    return f"{text}; in no bin with enough rows is more than half clipped."


def _round(x: float) -> float:
    return float(f"{x:.2g}")
