"""How many trials the phases of a sweep will have, as far as that can be told before they begin."""

from collections.abc import Collection

from msgspec.structs import replace

from tuiswp.model.events import PhaseStarted
from tuiswp.model.space import Params
from tuiswp.model.sweep import Sweep
from tuiswp.model.trial import Queued, Trial
from tuiswp.search.suggest import own, planned_trials
from tuiswp.spec.distributions import quantile
from tuiswp.spec.params import baseline_params, nest
from tuiswp.spec.phased import in_phase, parameters_in, within
from tuiswp.spec.values import overlaid


def phase_trials(sweep: Sweep, index: int) -> int | None:
    """Trials of one phase, if it is not skipped; None: its time ends it.

    Values of a refined range are counted as if the best were the baseline, or in the middle.
    """
    phase = sweep.phases[index]
    if phase.validate is not None:
        return phase.validate.top * phase.validate.seeds
    if phase.transfer is not None:
        return phase.transfer.top
    middle = baseline_params(sweep) or nest(
        (one.path, quantile(one.distribution, 0.5)) for one in sweep.parameters
    )
    started = PhaseStarted(index, phase.name, parameters_in(sweep, phase, middle))
    now = replace(in_phase(sweep, started), phases=(), phase=None, run_cap=None)
    size = planned_trials(now if index == 0 else replace(now, baseline=None))
    if size is not None and index and sweep.phases[index - 1].set == phase.set:
        # The best so far is one of its points, if it lies there: it ran already.
        inside = within(replace(now, phase=index), [_standing(overlaid(middle, dict(phase.set)))])
        size -= len(inside)
    if size is None or phase.trials is None:
        return phase.trials if size is None else size
    return min(size, phase.trials)


def _standing(params: Params) -> Trial:
    """A trial for the best so far, of which only the point counts."""
    return Trial(0, params, "", "point", Queued(0.0))


def all_trials(sweep: Sweep) -> int | None:
    """Trials of all phases, if none is skipped; None: not known."""
    return _capped(sweep, [phase_trials(sweep, index) for index in range(len(sweep.phases))])


def trials_now(sweep: Sweep, trials: Collection[Trial]) -> int | None:
    """Those there are and those to come, in the phase that is on and after it."""
    if sweep.phase is None:
        return all_trials(sweep)
    left: list[int | None] = [len(trials)]
    for index in range(sweep.phase, len(sweep.phases)):
        size = phase_trials(sweep, index)
        had = own(trial for trial in trials if trial.phase == index)
        left.append(None if size is None else max(0, size - had))
    return _capped(sweep, left)


def _capped(sweep: Sweep, counts: list[int | None]) -> int | None:
    known = [count for count in counts if count is not None]
    if len(known) < len(counts):
        return sweep.run_cap
    return sum(known) if sweep.run_cap is None else min(sum(known), sweep.run_cap)
