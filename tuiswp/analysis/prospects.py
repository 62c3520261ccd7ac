"""Where a running trial's curve is heading, and which can no longer beat the best. It ends nothing.

A curve is extrapolated by a power law, c + a·p^(−b) over the share p of the run, as losses of
training mostly follow (Hestness et al. 2017). A law that cannot be told from the data makes the
interval wide, and a trial is listed only when even its better end is worse than the best.
"""

import math
import statistics
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import TypeAlias

import msgspec

from tuiswp.analysis import student
from tuiswp.analysis.axes import measured
from tuiswp.analysis.optimum import Judgement, badness, finite, percent
from tuiswp.model.sweep import Sweep
from tuiswp.model.trial import Trial

Curve: TypeAlias = tuple[Sequence[float], Sequence[float]]
Row: TypeAlias = tuple[float, float]  # place, value

_ROWS = 24
_FINE = 480  # rows after thinning: enough to see a bend within a block
_BLOCKS = (8, 24)  # means of at least three neighbouring rows: nearly independent
_FROM = 0.2  # of the run
_WARM = 0.25  # of the rows at the start are another law: warm-up
_BENDS = [0.05 * 1.22**n for n in range(22)]  # b from 0.05 to 3.3
_LIKELY = 3.84  # χ²(1) at 95 %


class Prospect(msgspec.Struct, frozen=True):
    """Where trial `number` is heading: `low` to `high` at its end, in the metric's own units.

    `low` is the better end. `hopeless`: even that is worse than the best. `told` is safe to print.
    """

    number: int
    progress: float
    low: float
    high: float
    hopeless: bool
    told: str


def prospects(
    sweep: Sweep, judgement: Judgement, trials: Sequence[Trial], curves: Mapping[int, Curve]
) -> tuple[Prospect, ...]:
    """Every running trial whose curve says something of its end, by number."""
    objective, best = sweep.objective, judgement.optimum
    if objective is None or best is None or best.value is None:
        return ()
    bar = badness(best.value, objective.goal)
    running = [one for one in trials if one.state == "running" and one.number in curves]
    usual = _usual_length(judgement, curves) if running else None
    found = []
    for trial in running:
        steps, values = curves[trial.number]
        length = _length(trial, steps) or usual
        if length is None or not steps or length <= 0:
            continue
        share = steps[-1] / length
        if not _FROM <= share < 1:
            continue
        places = [step / length for step in steps]
        ends = extrapolated(places, [badness(value, objective.goal) for value in values])
        if ends is None:
            continue
        good, bad = ends if objective.goal == "minimize" else (-ends[0], -ends[1])
        hopeless = ends[0] > bar
        verdict = (
            f"it cannot beat {best.id} ({measured(best.value)})"
            if hopeless
            else f"it may still beat {best.id} ({measured(best.value)})"
        )
        told = (
            f"{trial.id} at {percent(share)} is heading for {measured(good)} to {measured(bad)} "
            f"(95 %, power law): {verdict}."
        )
        found.append(Prospect(trial.number, share, good, bad, hopeless, told))
    return tuple(found)


def _length(trial: Trial, steps: Sequence[float]) -> float | None:
    """Steps of a whole run, from the trial's own progress."""
    if not finite(trial.progress) or trial.progress <= 0 or not steps:
        return None
    return (trial.step if finite(trial.step) else steps[-1]) / trial.progress


def _usual_length(judgement: Judgement, curves: Mapping[int, Curve]) -> float | None:
    """The last step of the runs that came to their end, if all agree within a tenth."""
    ends = [curves[t.number][0][-1] for t in judgement.ranked if curves.get(t.number, ((),))[0]]
    if not ends or max(ends) > 1.1 * min(ends):
        return None
    return statistics.median(ends)


def extrapolated(places: Sequence[float], values: Sequence[float]) -> tuple[float, float] | None:
    """The interval in which a curve's value at place 1 lies; None if there are too few rows.

    Block means of the curve without its first quarter are fitted by c + a·p^(−b): least squares in
    c and a for each b of a ladder, finer around the best. Every b that is as likely as the best
    within 95 % (n·ln(SSE/SSE₀) ≤ χ²) takes part; the interval is the union of their 95 % prediction
    intervals for a mean of one block.
    """
    rows = [
        (place, value)
        for place, value in zip(places, values, strict=True)
        if place > 0 and math.isfinite(value)
    ]
    rows = rows[int(_WARM * len(rows)) :]
    if len(rows) < _ROWS:
        return None
    rows = [_mean(part) for part in _parts(rows, _FINE)]
    count = min(max(_BLOCKS[0], len(rows) // 3), _BLOCKS[1])
    blocks = _parts(rows, count)
    fits = {bend: _power_fit(blocks, bend) for bend in _BENDS}
    for _ in range(2):  # between the rungs around the best, twice: the law itself must not be off
        bends = sorted(fits)
        at = min(range(len(bends)), key=lambda n: fits[bends[n]][0])
        a, b = bends[max(0, at - 1)], bends[min(at + 1, len(bends) - 1)]
        fits |= {
            bend: _power_fit(blocks, bend) for n in range(1, 12) if (bend := a + (b - a) * n / 12)
        }
    least = max(min(fit[0] for fit in fits.values()), 1e-30)
    sure = student.quantile(0.975, count - 3)
    likely = [
        (end - sure * spread, end + sure * spread)
        for squares, end, spread in fits.values()
        if count * math.log(max(squares, 1e-30) / least) <= _LIKELY
    ]
    return min(low for low, _ in likely), max(high for _, high in likely)


def _parts(rows: Sequence[Row], count: int) -> list[Sequence[Row]]:
    """The rows in at most `count` neighbouring parts of about one size, none empty."""
    cuts = [round(n * len(rows) / count) for n in range(count + 1)]
    return [rows[a:b] for a, b in pairwise(cuts) if b > a]


def _mean(rows: Sequence[Row]) -> Row:
    return statistics.fmean(p for p, _ in rows), statistics.fmean(y for _, y in rows)


def _power_fit(blocks: Sequence[Sequence[Row]], bend: float) -> tuple[float, float, float]:
    """Sum of squares, value at the end, and its standard error of prediction, for one b.

    The law is averaged over a block as the curve is: a bend within it adds no bias.
    """
    xs = [statistics.fmean(place**-bend for place, _ in block) for block in blocks]
    ys = [statistics.fmean(value for _, value in block) for block in blocks]
    count, mean_x, mean_y = len(xs), statistics.fmean(xs), statistics.fmean(ys)
    width = math.fsum((x - mean_x) ** 2 for x in xs)
    slope = math.fsum((x - mean_x) * (y - mean_y) for x, y in zip(xs, ys, strict=True)) / width
    squares = math.fsum(
        (y - mean_y - slope * (x - mean_x)) ** 2 for x, y in zip(xs, ys, strict=True)
    )
    spread = math.sqrt(squares / max(1, count - 3)) * math.sqrt(
        1 + 1 / count + (1 - mean_x) ** 2 / width
    )
    return squares, mean_y + slope * (1 - mean_x), spread
