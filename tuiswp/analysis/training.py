"""What one training log says: overfit, underfit, unstable, or well. Pure arithmetic.

It looks at the losses alone. What they do not show, or show in too few points, it does not claim.
"""

import math
import statistics
from collections.abc import Mapping, Sequence
from typing import Literal, TypeAlias

import msgspec

from tuiswp.analysis.axes import measured
from tuiswp.analysis.noise import TAIL, row_noise, tail
from tuiswp.analysis.spikes import SPIKY, spikiness
from tuiswp.metrics.names import EVALUATION
from tuiswp.metrics.series import Series
from tuiswp.text import visible

State: TypeAlias = Literal[
    "diverged", "unstable", "overfit", "stuck", "underfit", "noisy", "spiky-start",
    "levelled-off", "healthy", "unknown",
]  # fmt: skip
Curve: TypeAlias = tuple[Sequence[float], Sequence[float]]  # steps, values; NaN is a gap

OVERFIT = 0.05  # of the best evaluation loss, that the last one is worse
UNSTABLE = 0.1  # coefficient of variation of the last 20 training losses
LOUDER = 1.5  # times the noise of the rows before, that the last 20 have
MINIMAL = 0.05  # of the first training loss, that the last ones are better
FALLING = 0.01  # of the training loss, from the tenth before last to the last tenth
EARLY = 0.7  # of the whole descent: less of it by half time is slow
TOGETHER = 0.05  # of the training loss: train and eval that differ by no more
_BEYOND_NOISE = 5  # a rise that is more than so many deviations is no batch like the others
_LEAST = 8  # points of a curve that has a trend
_BLOCKS = 50  # of a long run, that say how noisy it usually is
_PARTS = 5  # of a run, each of which is to be no worse than the ones before

_CALM_DOWN = "Lower the learning rate by a factor of 3 to 10, clip gradients at 1, warm up longer."

_LOSS = ("loss", "nll", "cross_entropy", "bpb", "perplexity")
_TRAIN = ("train", "training")
# Verdicts in the order of what to mend first; the others only add to what is said.
_FIRST: tuple[State, ...] = ("diverged", "unstable", "overfit", "stuck", "underfit")


class Sign(msgspec.Struct, frozen=True):
    """One thing that the log shows, and what to do about it. Safe to print, one line each."""

    code: State
    message: str
    suggestion: str


class Health(msgspec.Struct, frozen=True):
    """`verdict`: what to mend first. `numbers`: what it rests on; None where it cannot be told.

    `train`, `evaluated`: the names of the losses that were looked at.
    """

    verdict: State
    numbers: Mapping[str, float | None]
    signs: tuple[Sign, ...]
    train: str | None = None
    evaluated: str | None = None

    @property
    def is_ill(self) -> bool:
        return self.verdict in _FIRST


def choose(
    names: Mapping[str, Series], *, train: str | None = None, evaluated: str | None = None
) -> tuple[str | None, str | None]:
    """Which metrics are the training and the evaluation loss, unless a person says it.

    Of several the one named like a loss most plainly, with a curve rather than one point.
    """
    known = {name: _words(name) for name in names}
    losses = [name for name in names if not known[name].isdisjoint(_LOSS)]
    tested = [name for name in losses if not known[name].isdisjoint(EVALUATION)]
    trained = [name for name in losses if name not in tested]

    def rank(name: str) -> tuple[bool, int, int, int]:
        words = known[name]
        plain = next((at for at, loss in enumerate(_LOSS) if loss in words), len(_LOSS))
        extra = len(words - {*_LOSS, *EVALUATION, *_TRAIN})
        return (names[name].count < 2, extra, plain, -names[name].count)

    return (
        train if train is not None else min(trained, key=rank, default=None),
        evaluated if evaluated is not None else min(tested, key=rank, default=None),
    )


def examine(
    names: Mapping[str, Series], *, train: str | None = None, evaluated: str | None = None
) -> Health:
    """The health of a training whose metrics are `names`; `train`, `evaluated`: which to take."""
    first, second = choose(names, train=train, evaluated=evaluated)
    return weigh(
        None if first is None else _curve(names[first]),
        None if second is None else _curve(names[second]),
        train=first,
        evaluated=second,
    )


def weigh(
    trained: Curve | None,
    tested: Curve | None,
    *,
    train: str | None = None,
    evaluated: str | None = None,
) -> Health:
    """The health of a training by its two losses, lower being better."""
    numbers = {**_of_training(trained), **_of_evaluation(tested, trained)}
    signs = tuple(_signs(numbers, trained))
    found = [one.code for one in signs]
    verdict: State = next((code for code in _FIRST if code in found), "healthy")
    if verdict == "healthy" and (trained is None or numbers["improvement"] is None):
        verdict = "unknown"
    return Health(verdict, numbers, signs, train, evaluated)


def as_diverged(health: Health, how: str) -> Health:
    """`health` of a training that the sweep knows to have diverged, by `how`."""
    if health.verdict == "diverged":
        return health
    sign = Sign("diverged", f"by its objective: {how}.", _CALM_DOWN)
    return msgspec.structs.replace(health, verdict="diverged", signs=(sign, *health.signs))


def _of_training(curve: Curve | None) -> dict[str, float | None]:
    """Numbers of the training loss; all None for a curve without a trend."""
    unknown: dict[str, float | None] = dict.fromkeys(
        ("first_train", "final_train", "improvement", "falling", "by_half", "variation", "louder",
         "spikes")
    )  # fmt: skip
    if curve is None:
        return unknown
    values = curve[1]
    if not math.isfinite(sum(values)):  # else, as nearly always, nothing has to be left out
        values = [value for value in values if math.isfinite(value)]
    if len(values) < _LEAST:
        return unknown
    size = max(2, len(values) // 10)
    first, final = statistics.fmean(values[:size]), statistics.fmean(values[-size:])
    middle = len(values) // 2
    half = statistics.fmean(values[middle - size // 2 : middle - size // 2 + size])
    return {
        "first_train": first,
        "final_train": final,
        "improvement": _share(first - final, first),
        "falling": _falling(values, size),
        "by_half": _share(first - half, first - final) if first > final else None,
        "variation": _variation(tail(values)),
        "louder": _louder(values),
        "spikes": spikiness(*curve, "minimize"),
    }


def _variation(values: Sequence[float]) -> float | None:
    """Standard deviation by the mean, of what a curve does beside falling.

    The plain coefficient of variation would call any steep descent unstable. Second differences of
    noise have six times its variance, and those of a smooth curve are next to nothing.
    """
    level = abs(statistics.fmean(values)) if len(values) >= _LEAST else 0.0
    if level == 0.0:
        return None
    bends = [(c - 2 * b + a) ** 2 for a, b, c in zip(values, values[1:], values[2:], strict=False)]
    return math.sqrt(math.fsum(bends) / (6 * len(bends))) / level


def _louder(values: Sequence[float]) -> float | None:
    """How much noisier the last 20 rows are than the usual 20 before them, where the run is steady.

    None where that cannot be told, or where a part of the run is worse than one before it. Batches
    that differ wobble as much early as late, and their means fall; a training that gets unstable
    gets louder, or goes back up.
    """
    before, end = values[:-TAIL], row_noise(values[-TAIL:])
    stride = max(TAIL, len(before) // _BLOCKS)
    blocks = [before[at : at + TAIL] for at in range(0, len(before) - TAIL + 1, stride)]
    usual = statistics.median([row_noise(block) or 0.0 for block in blocks]) if blocks else 0.0
    if end is None or usual == 0.0:
        return None
    size = len(values) // _PARTS
    means = [statistics.fmean(values[at * size : (at + 1) * size]) for at in range(_PARTS)]
    beyond = 3 * max(end, usual) * math.sqrt(2 / size)
    if any(mean > min(means[:at]) + beyond for at, mean in enumerate(means) if at):
        return None
    return end / usual


def _falling(values: Sequence[float], size: int) -> float | None:
    """By what share the last tenth is below the one before it, beyond what noise would do."""
    if len(values) < 2 * size:
        return None
    before, last = statistics.fmean(values[-2 * size : -size]), statistics.fmean(values[-size:])
    noise = row_noise(values[-2 * size :]) or row_noise(tail(values)) or 0.0
    if abs(before - last) <= 2 * noise * math.sqrt(2 / size):
        return 0.0
    return _share(before - last, before)


def _of_evaluation(tested: Curve | None, trained: Curve | None) -> dict[str, float | None]:
    """Numbers of the evaluation loss; a single one says nothing of a course."""
    unknown: dict[str, float | None] = dict.fromkeys(
        ("final_eval", "best_eval", "best_eval_step", "relative_overfit", "eval_falling", "gap")
    )
    points = [
        (step, value)
        for step, value in zip(*(tested or ((), ())), strict=True)
        if math.isfinite(value)
    ]
    if len(points) < 2:
        return unknown
    (at, best), final = min(points, key=lambda point: point[1]), points[-1][1]
    late = points[0][0] + 0.9 * (points[-1][0] - points[0][0])
    before = next(value for step, value in reversed(points) if step <= late)
    end = tail([] if trained is None else trained[1])
    level = statistics.fmean(end) if end else None
    return {
        "final_eval": final,
        "best_eval": best,
        "best_eval_step": at,
        "relative_overfit": _share(final - best, best),
        "eval_falling": _share(before - final, before),
        "gap": None if level is None else _share(final - level, level),
    }


def _signs(numbers: Mapping[str, float | None], trained: Curve | None) -> list[Sign]:
    """Everything the numbers show, what to mend first before the rest."""
    found = [
        *_diverged(numbers, trained),
        *_unstable(numbers),
        *_overfit(numbers),
        *_slow(numbers),
    ]
    beside = [*_noisy(numbers), *_spiky(numbers)]
    return [*found, *beside] if found else [*_levelled(numbers), *beside]


def _diverged(numbers: Mapping[str, float | None], trained: Curve | None) -> list[Sign]:
    if trained is not None and trained[1] and not math.isfinite(trained[1][-1]):
        last = f"the last training loss, at step {trained[0][-1]:g}, is not a number"
    else:
        gain, first, final = (numbers[key] for key in ("improvement", "first_train", "final_train"))
        if gain is None or gain >= -MINIMAL or first is None or final is None:
            return []
        last = f"the training loss ended at {measured(final)}, above its start of {measured(first)}"
    return [Sign("diverged", f"{last}.", _CALM_DOWN)]


def _unstable(numbers: Mapping[str, float | None]) -> list[Sign]:
    varies = numbers["variation"]
    if varies is None or varies <= UNSTABLE or _is_of_batches(numbers):
        return []
    said = f"the last 20 training losses vary by {varies:.0%} of their mean (above {UNSTABLE:.0%})"
    advice = "Lower the learning rate, clip gradients, or take a larger (effective) batch."
    return [Sign("unstable", f"{said}.", advice)]


def _noisy(numbers: Mapping[str, float | None]) -> list[Sign]:
    varies = numbers["variation"]
    if varies is None or varies <= UNSTABLE or not _is_of_batches(numbers):
        return []
    said = (
        f"the last 20 training losses vary by {varies:.0%} of their mean (above {UNSTABLE:.0%}), "
        "but no more than earlier ones, and their means fall: batches differ"
    )
    advice = "Judge by a mean of rows or by the evaluation loss; a larger batch calms it."
    return [Sign("noisy", f"{said}.", advice)]


def _is_of_batches(numbers: Mapping[str, float | None]) -> bool:
    """Whether the loss wobbles because batches differ, and not because the training does."""
    gain, louder = numbers["improvement"], numbers["louder"]
    return gain is not None and gain >= MINIMAL and louder is not None and louder <= LOUDER


def _spiky(numbers: Mapping[str, float | None]) -> list[Sign]:
    spikes, gain = numbers["spikes"], numbers["improvement"]
    if spikes is None or spikes <= SPIKY or gain is None or gain < MINIMAL:
        return []  # a rise is measured by the descent: where there is none, it says nothing
    if spikes * gain <= _BEYOND_NOISE * (numbers["variation"] or 0.0):
        return []  # no more than batches differ anyway
    rose = "was not a number once" if math.isinf(spikes) else f"rose by {spikes:.0%} of its descent"
    said = f"in the first tenth of the run the training loss {rose}."
    advice = "Warm up longer; if it is the whole run that jumps, lower the learning rate."
    return [Sign("spiky-start", said, advice)]


def _overfit(numbers: Mapping[str, float | None]) -> list[Sign]:
    over, best, final, at = (
        numbers[key] for key in ("relative_overfit", "best_eval", "final_eval", "best_eval_step")
    )
    if over is None or over <= OVERFIT or best is None or final is None or at is None:
        return []
    said = (
        f"the evaluation loss ended at {measured(final)}, {over:.1%} above its best of "
        f"{measured(best)} at step {at:g} (above {OVERFIT:.0%})"
    )
    advice = (
        "Keep the checkpoint of the best step, stop there (early stopping); then more weight "
        "decay or dropout, a smaller rank, or more data."
    )
    return [Sign("overfit", f"{said}.", advice)]


def _slow(numbers: Mapping[str, float | None]) -> list[Sign]:
    gain, falling, half = (numbers[key] for key in ("improvement", "falling", "by_half"))
    if gain is None or gain < -MINIMAL:
        return []
    if gain < MINIMAL:
        said = f"the training loss fell by {gain:.1%} in all (below {MINIMAL:.0%})"
        advice = (
            "Raise the learning rate by a factor of 3 to 10. If that changes nothing: are the "
            "trained parameters the ones that matter, and do the labels reach the loss?"
        )
        return [Sign("stuck", f"{said}.", advice)]
    evaluated = numbers["eval_falling"]
    if falling is None or falling <= FALLING or (evaluated is not None and evaluated <= FALLING):
        return []  # what falls in training alone is learned by heart, or is the order of batches
    said = f"the training loss still falls at the end, by {falling:.1%} in the last tenth"
    if half is not None and half < EARLY:
        said += f", and by half time it had come {max(0.0, half):.0%} of its way"
        return [Sign("underfit", f"{said}.", "Raise the learning rate first; then train longer.")]
    return [Sign("underfit", f"{said}.", "Train longer; or raise the learning rate.")]


def _levelled(numbers: Mapping[str, float | None]) -> list[Sign]:
    """Both losses lie flat and together: the leaf of the tree where tuning ends."""
    gap, falling = numbers["gap"], numbers["falling"]
    if gap is None or falling is None or falling > FALLING or abs(gap) > TOGETHER:
        return []
    said = f"both losses have levelled off together ({gap:+.1%} apart)"
    advice = (
        "If that is still too high, it is capacity or data, not tuning: a larger rank or model, "
        "more parameters trained, better data."
    )
    return [Sign("levelled-off", f"{said}.", advice)]


def _curve(series: Series) -> Curve:
    return series.steps(), series.values()


def _words(name: str) -> set[str]:
    """`eval/cross_entropy.loss` → its words, with `cross_entropy` whole."""
    plain = name.lower().replace("cross_entropy", "crossentropy")
    for mark in "/._-: ":
        plain = plain.replace(mark, " ")
    return {"cross_entropy" if word == "crossentropy" else word for word in plain.split()}


def _share(part: float, whole: float) -> float | None:
    return part / abs(whole) if whole and math.isfinite(part) else None


def shown(health: Health) -> str:
    """The names that were looked at, safe to print."""
    names = [name for name in (health.train, health.evaluated) if name is not None]
    return ", ".join(visible(name, limit=60) for name in names) or "no loss"
