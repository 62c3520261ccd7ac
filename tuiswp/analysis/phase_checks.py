"""Faults of the way from phase to phase, seen before anything runs. Judges the sweep file only."""

from tuiswp.analysis.axes import is_learning_rate, shown_name, spell
from tuiswp.analysis.findings import Diagnosis
from tuiswp.analysis.scaling import scaled
from tuiswp.model.space import Parameter, Path, Value
from tuiswp.model.sweep import Phase, Sweep
from tuiswp.spec.batch import ACCUMULATION, BATCH, effective_batch
from tuiswp.spec.params import is_swept, nest, only_value
from tuiswp.text import visible


def batch_between_phases(sweep: Sweep) -> list[Diagnosis]:
    """`batch-between-phases`: a learning rate found at one effective batch is used at another.

    The best rate grows with the square root of the batch, and so does it with the number of GPUs.
    Nothing is said where a batch is not named, or is searched itself.
    """
    rate = next((one for one in sweep.parameters if is_learning_rate(one)), None)
    if rate is None:
        return []
    found: list[Diagnosis] = []
    finder: tuple[Phase, int] | None = None
    for phase in sweep.phases:
        batch = _batch(sweep, phase)
        if batch is None:
            continue
        if finder is not None and batch != finder[1] and _carries(phase, rate):
            found.append(_finding(rate, *finder, phase, batch))
        if _finds(phase, rate):
            finder = phase, batch
    return found


def _batch(sweep: Sweep, phase: Phase) -> int | None:
    """The effective batch of the phase's trials; None: not known, or not one."""
    given = dict(phase.set)
    touched: set[Path] = set(phase.searches or ())
    if phase.transfer is not None:
        touched |= {path for path, _ in phase.transfer.adjust}
    pairs: list[tuple[Path, Value]] = []
    for one in sweep.parameters:
        single = only_value(one)
        if one.path in given:
            pairs.append((one.path, given[one.path]))
        elif single is not None and one.path not in touched:
            pairs.append((one.path, single[0]))
        elif one.path[-1].lower() in BATCH | ACCUMULATION:
            return None
    return effective_batch(sweep.parameters, nest(pairs))


def _finds(phase: Phase, rate: Parameter) -> bool:
    """Whether this phase searches the learning rate."""
    if phase.validate is not None or phase.transfer is not None:
        return False
    own = next((one for one in phase.ranges if one.path == rate.path), rate)
    return is_swept(own) and (phase.searches is None or rate.path in phase.searches)


def _carries(phase: Phase, rate: Parameter) -> bool:
    """Whether the rate comes from the best so far, as it was found."""
    if rate.path in dict(phase.set):
        return False
    if phase.transfer is not None:
        return rate.path not in dict(phase.transfer.adjust)
    return phase.refine is not None or not _finds(phase, rate)


def _finding(rate: Parameter, before: Phase, old: int, phase: Phase, new: int) -> Diagnosis:
    name, factor = shown_name(rate), scaled(1.0, old, new)
    here, there = visible(phase.name, limit=40), visible(before.name, limit=40)
    times = f"{spell(float(f'{factor:.3g}'))} * {name}"
    remedy = (
        f"Add it: transfer: {{adjust: {{{name}: {times}}}}}, or keep the effective batch."
        if phase.transfer is not None
        else f"Keep the effective batch, search {name} here too, or carry settings over with "
        f"transfer: {{adjust: {{{name}: {times}}}}}."
    )
    return Diagnosis(
        "batch-between-phases",
        "warning",
        f"Phase {here} has an effective batch of {new}, phase {there}, which finds {name}, of "
        f"{old}: a rate that is good there is about right here times sqrt({new}/{old}) = "
        f"{factor:.3g}.",
        remedy,
    )
