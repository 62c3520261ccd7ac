"""Is the first better than the second, beyond noise? Decided by seeds, or only seen in the curves.

Pure, deterministic, standard library. Two settings are compared, the two best by mean: that they
were chosen from many makes the gap look larger than it is, which no test of the two can take back.
"""

import math
import statistics
from collections.abc import Mapping, Sequence
from itertools import accumulate
from typing import Literal, TypeAlias

import msgspec

from tuiswp.analysis import student
from tuiswp.analysis.axes import measured
from tuiswp.analysis.optimum import Judgement, badness
from tuiswp.analysis.repeats import Setting, pooled, settings
from tuiswp.model.sweep import Sweep

Curve: TypeAlias = tuple[Sequence[float], Sequence[float]]
By: TypeAlias = Literal["paired seeds", "seeds", "pooled seeds", "rows", "nothing"]
Ruling: TypeAlias = Literal["decided", "undecided", "these-runs"]

SURE = 0.95
POWER = 0.8
MOST_SEEDS = 1000
_PAIRS = 3  # shared seeds from which pairing pays for the freedom it costs
_ROWS = 8
_SHARE = 0.2  # of the curve that is its end
_MOST_ROWS = 400


class Contest(msgspec.Struct, frozen=True):
    """`gap`: how much worse the second is, with its interval `low` to `high`.

    `ruling`: `decided` when the interval over seeds is above 0; `these-runs` when only the ends of
    two single runs differ beyond their own noise, so that another seed may turn it; else
    `undecided`. `more`: seeds that the one with fewer would need besides, and the other up to as
    many, to decide a true gap of this size in four of five cases; None: not known. `told` is safe
    to print.
    """

    first: Setting
    second: Setting
    by: By
    gap: float
    low: float | None
    high: float | None
    ruling: Ruling
    told: str
    more: int | None = None


def contest(
    sweep: Sweep,
    judgement: Judgement,
    curves: Mapping[int, Curve] | None = None,
    *,
    sure: float = SURE,
) -> Contest | None:
    """First against second; None with fewer than two settings. `curves`: of the objective.

    `sure`: of the interval over seeds; who looks several times asks for more (Bonferroni).
    """
    if sweep.objective is None:
        return None
    repeats = settings(sweep, judgement.ranked[: judgement.repeats])
    every = repeats if len(repeats) > 1 else settings(sweep, judgement.ranked)
    if len(every) < 2:
        return None
    first, second = every[0], every[1]
    sign = 1.0 if sweep.objective.goal == "minimize" else -1.0
    gap = badness(second.mean, sweep.objective.goal) - badness(first.mean, sweep.objective.goal)
    same = [one for one in every if one.identical]
    by, error, freedom, noise = _by_seeds(first, second, every, sign)
    if by is not None:
        reach = student.quantile(0.5 + sure / 2, freedom) * error
        found = Contest(first, second, by, gap, gap - reach, gap + reach, "undecided", "")
        decided = gap - reach > 0
        more = None if decided else seeds_needed(gap, noise, min(first.n, second.n))
        return msgspec.structs.replace(
            found, ruling="decided" if decided else "undecided", more=more,
            told=_told(found, decided=decided, more=more, sure=sure),
        )  # fmt: skip
    return _by_rows(first, second, gap, sign, curves or {}, repeats_fixed=bool(same))


def _by_seeds(
    first: Setting, second: Setting, every: Sequence[Setting], sign: float
) -> tuple[By | None, float, float, float]:
    """How the seeds decide: by what, the gap's standard error, its freedom, the noise of one seed.

    Paired by seed: t on the differences. Both repeated: Welch (1947), error² = s₁²/n₁ + s₂²/n₂ with
    Satterthwaite's freedom. Else the noise pooled over all repeated settings stands for both.
    """
    pairs = _pairs(first, second)
    if len(pairs) >= _PAIRS:
        differences = [sign * (b - a) for a, b in pairs]
        spread = statistics.stdev(differences)
        if spread > 0:
            size = spread / math.sqrt(len(pairs))
            return "paired seeds", size, len(pairs) - 1, spread / math.sqrt(2)
    if first.sd is not None and second.sd is not None:
        a, b = first.sd**2 / first.n, second.sd**2 / second.n
        freedom = (a + b) ** 2 / (a * a / (first.n - 1) + b * b / (second.n - 1))
        noise = math.sqrt((first.sd**2 + second.sd**2) / 2)
        return "seeds", math.sqrt(a + b), freedom, noise
    known = pooled(every)
    if known is None or first.identical or second.identical:
        return None, 0.0, 0, 0.0
    noise, free = known
    return "pooled seeds", noise * math.sqrt(1 / first.n + 1 / second.n), free, noise


def _pairs(first: Setting, second: Setting) -> list[tuple[float, float]]:
    """Values of both under the same seed; only if every seed ran once in each, and all are shared.

    With unshared seeds the gap of the pairs would not be the gap of the means.
    """
    if not first.seeds or set(first.seeds) != set(second.seeds):
        return []
    if len(set(first.seeds)) < first.n or len(set(second.seeds)) < second.n:
        return []
    other = dict(zip(second.seeds, second.values, strict=True))
    return [(a, other[seed]) for seed, a in zip(first.seeds, first.values, strict=True)]


def seeds_needed(gap: float, noise: float, have: int) -> int | None:
    """How many more seeds each needs; None if over a thousand, or if there is no gap to find.

    The least n with n ≥ 2 s² (t(0.975; 2n − 2) + t(0.8; 2n − 2))² / gap²: the two-sample size for
    a two-sided 5 % test with 80 % power (Cohen 1988), at the gap that was seen.
    """
    if gap <= 0 or noise <= 0:
        return None

    def enough(n: int) -> bool:
        df = 2 * n - 2
        reach = student.quantile(0.5 + SURE / 2, df) + student.quantile(POWER, df)
        return n >= 2 * (noise * reach / gap) ** 2

    low, high = 1, 2
    while not enough(high):
        low, high = high, 2 * high
        if low > MOST_SEEDS:
            return None
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if enough(middle) else (middle, high)
    # What was seen did not decide it, so at least one more is needed.
    return max(1, high - have)


def _by_rows(
    first: Setting,
    second: Setting,
    gap: float,
    sign: float,
    curves: Mapping[int, Curve],
    *,
    repeats_fixed: bool,
) -> Contest:
    """Paired by step over the end of the two curves; only these two runs are judged."""
    one, other = first.trials[0], second.trials[0]
    found = None
    if one.number in curves and other.number in curves:
        found = rows_apart(curves[one.number], curves[other.number], sign)
    again = (
        "Repeats gave the same value to the last digit: the script fixes its seed, so only another "
        "seed can tell. "
        if repeats_fixed
        else ""
    )
    ask = f"{again}Each ran once: `tuiswp replicate` runs both again with other seeds."
    names = f"{one.id} against {other.id}"
    if found is None:
        told = f"{names}: {measured(gap)} apart, and no noise is known to hold that against. {ask}"
        return Contest(first, second, "nothing", gap, None, None, "undecided", told)
    mean, low, high, rows = found
    apart = low > 0 or high < 0
    way = "worse" if mean >= 0 else "better"
    over = (
        f"over their last {rows} common rows the second is {measured(abs(mean))} {way} "
        f"(95 % of how much worse: {measured(low)} to {measured(high)})"
    )
    verdict = (
        "these two runs differ, which another seed may turn"
        if apart
        else "not even these two runs can be told apart"
    )
    ruling: Ruling = "these-runs" if low > 0 else "undecided"
    return Contest(
        first, second, "rows", gap, low, high, ruling, f"{names}: {over}; {verdict}. {ask}"
    )


def rows_apart(
    first: Curve, second: Curve, sign: float = 1.0
) -> tuple[float, float, float, int] | None:
    """Mean difference over the end of two curves, its 95 % interval, and over how many rows.

    Differences at the same step over the last fifth (8 to 400 rows). Successive losses are not
    independent, so whole blocks count: the variance of the mean is that of the moving-block
    bootstrap (Künsch 1989), which for a mean has a closed form, the variance of all overlapping
    block means over the number k of blocks that fit; the interval is Student's with k − 1. A block
    is twice as long as the differences remember (`correlation_time`), and at least n^⅓.
    None with fewer than eight common rows.
    """
    at = {step: value for step, value in zip(*first, strict=False) if math.isfinite(value)}
    both = [
        sign * (value - at[step])
        for step, value in zip(*second, strict=False)
        if step in at and math.isfinite(value)
    ]
    if len(both) < _ROWS:
        return None
    end = both[-min(max(_ROWS, math.ceil(_SHARE * len(both))), _MOST_ROWS) :]
    rows, mean = len(end), statistics.fmean(end)
    memory = 2 * correlation_time(end)
    length = min(max(math.ceil(rows ** (1 / 3)), math.ceil(memory)), rows // 2)
    sums = [0.0, *accumulate(end)]
    blocks = [(sums[n + length] - sums[n]) / length for n in range(rows - length + 1)]
    count = rows / length
    error = math.sqrt(math.fsum((one - mean) ** 2 for one in blocks) / len(blocks) / count)
    reach = student.quantile(0.5 + SURE / 2, count - 1) * error
    return mean, mean - reach, mean + reach, rows


def correlation_time(values: Sequence[float]) -> float:
    """1 + 2 Σ ρ_k up to the first ρ_k ≤ 0: over how many rows a value is remembered; 1: not."""
    mean = statistics.fmean(values)
    centred = [value - mean for value in values]
    power = math.fsum(x * x for x in centred)
    if power <= 0:
        return 1.0
    total = 1.0
    for lag in range(1, len(values) // 2):
        share = math.fsum(a * b for a, b in zip(centred, centred[lag:], strict=False)) / power
        if share <= 0:
            break
        total += 2 * share
    return total


def _told(found: Contest, *, decided: bool, more: int | None, sure: float) -> str:
    how = {
        "paired seeds": "paired by seed",
        "seeds": "Welch's t over seeds",
        "pooled seeds": "by the noise of the settings that were repeated",
    }.get(found.by, found.by)
    head = (
        f"{found.first.told} against {found.second.told}: the second is {measured(found.gap)} "
        f"worse ({100 * sure:.3g} %: {measured(found.low or 0.0)} to "
        f"{measured(found.high or 0.0)}, {how})"
    )
    if decided:
        return f"{head}: decided."
    if more is None:
        return f"{head}: undecided, and no reasonable number of seeds would: call them equal."
    total = min(found.first.n, found.second.n) + more
    return f"{head}: undecided; about {total} seeds of each would decide a gap of this size."
