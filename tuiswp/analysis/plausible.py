"""Is a range reasonable for what its name says, and is what interacts swept together?

Judges names and numbers of the sweep file only, and only where the name leaves no doubt: what a
parameter called `alpha` may be is not known, so nothing is said of it.
"""

from tuiswp.analysis.axes import is_learning_rate, number, shown_name, spell, words
from tuiswp.analysis.findings import Diagnosis
from tuiswp.model.space import Parameter
from tuiswp.model.sweep import Sweep
from tuiswp.spec.batch import BATCH
from tuiswp.spec.distributions import bounds
from tuiswp.spec.params import only_value, swept

# What a value outside cannot mean: (words of the name, least, most, why).
_LIMITS: tuple[tuple[frozenset[str], float, float, str], ...] = (
    (frozenset({"dropout"}), 0.0, 0.95, "a share of units to drop: 0 to under 1"),
    (frozenset({"momentum"}), 0.0, 0.9999, "a share of the last step: 0 to under 1"),
    (frozenset({"warmup", "ratio"}), 0.0, 0.5, "a share of the run: over half of it is no warm-up"),
    (frozenset({"weight", "decay"}), 0.0, 1.0, "above 1 it shrinks the weights to nothing"),
    (frozenset({"label", "smoothing"}), 0.0, 0.9, "a share of the label: 0 to under 1"),
)
_RATE_LIMITS = (1e-9, 10.0)  # of any optimiser in use, and a wide berth


def odd_range(parameter: Parameter) -> list[Diagnosis]:
    """`odd-range`: an end that a parameter of this name can hardly mean."""
    try:
        ends = bounds(parameter.distribution)
    except OverflowError:
        return []
    if ends is None:
        return []
    low, high = ends
    name = shown_name(parameter)
    if is_learning_rate(parameter):
        least, most = _RATE_LIMITS
        why = "no optimiser in use trains there"
    else:
        found = words(parameter.path[-1])
        limit = next((one for one in _LIMITS if one[0] <= found), None)
        if limit is None:
            return []
        _, least, most, why = limit
    outside = [spell(x, log=x < least) for x in (low, high) if x < least or x > most]
    if not outside:
        return []
    return [
        Diagnosis(
            "odd-range",
            "warning",
            f"{name} reaches {' and '.join(outside)}: {why}.",
            f"Keep {name} within {spell(least, log=True)} to {spell(most, log=True)}, or rename it "
            "if it means something else.",
        )
    ]


def co_tuned(sweep: Sweep) -> list[Diagnosis]:
    """`co-tune`: batch size or warm-up swept with the learning rate fixed, and the reverse.

    The best rate grows with the batch, about as its square root for Adam-like optimisers (Malladi
    et al. 2022, "On the SDEs and Scaling Rules for Adaptive Gradient Algorithms"); a larger rate
    needs a longer warm-up (Ma & Yarats 2021, "On the adequacy of untuned warmup"). A partner that
    the file does not name, or that is tied, is not judged.
    """
    moving = {p.path for p in swept(sweep)}
    tied = {tie.path for tie in sweep.constraints.tie}
    known = [p for p in sweep.parameters if p.path not in tied]
    rate = next((p for p in known if is_learning_rate(p)), None)
    if rate is None:
        return []
    found: list[Diagnosis] = []
    batch = next((p for p in known if p.path[-1].lower() in BATCH), None)
    if batch is not None and (rate.path in moving) != (batch.path in moving):
        found += _batch(rate, batch, rate_moves=rate.path in moving)
    warmup = next((p for p in known if "warmup" in words(p.path[-1])), None)
    if warmup is not None and (rate.path in moving) != (warmup.path in moving):
        found += _warmup(rate, warmup, rate_moves=rate.path in moving)
    return found


def _batch(rate: Parameter, batch: Parameter, *, rate_moves: bool) -> list[Diagnosis]:
    lr, bs = shown_name(rate), shown_name(batch)
    if rate_moves:
        size = _fixed(batch)
        if size is None or size <= 0:
            return []
        return [
            Diagnosis(
                "co-tune",
                "info",
                f"{lr} is swept with {bs} fixed at {spell(size)}: the best rate is the best for "
                "this batch only.",
                f"For another batch B take the optimum times sqrt(B/{spell(size)}), 1.41 times it "
                f"at {spell(2 * size)}, or sweep both.",
            )
        ]
    at, ends = _fixed(rate), bounds(batch.distribution)
    if at is None or ends is None or ends[0] <= 0:
        return []
    low, high = ends
    factor = (high / low) ** 0.5
    return [
        Diagnosis(
            "co-tune",
            "warning",
            f"{bs} is swept from {spell(low)} to {spell(high)} with {lr} fixed at "
            f"{spell(at, log=True)}: the best rate grows about with the square root of the batch, "
            f"by {factor:.2g} over this range, so one end runs with a rate that does not fit it.",
            f"Sweep {lr} too, or take it out of the parameters and tie it: tuiswp: {{tie: {{{lr}: "
            f'"{spell(at, log=True)} * sqrt({bs} / {spell(low)})"}}}}.',
        )
    ]


def _warmup(rate: Parameter, warmup: Parameter, *, rate_moves: bool) -> list[Diagnosis]:
    lr, name = shown_name(rate), shown_name(warmup)
    still = _fixed(warmup if rate_moves else rate)
    if still is None:
        return []
    if rate_moves:
        message = (
            f"{lr} is swept with {name} fixed at {spell(still)}: where the rate is too large for "
            "that warm-up, it looks worse than it is."
        )
        what_next = f"If the upper end diverges early, try it again with a larger {name}."
    else:
        message = (
            f"{name} is swept with {lr} fixed at {spell(still, log=True)}: how much warm-up pays "
            "depends on the rate, so the answer holds for this one only."
        )
        what_next = f"Sweep {lr} beside it, at least at half and at twice that."
    return [Diagnosis("co-tune", "info", message, what_next)]


def _fixed(parameter: Parameter) -> float | None:
    single = only_value(parameter)
    return None if single is None else number(single[0])
