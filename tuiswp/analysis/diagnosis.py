"""Say what the results of a sweep mean and what to do next, one finding a line.

It reports only what the trials show; where a reason is not known it says which, and never guesses.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence

from tuiswp.analysis import optimum_checks, red_flags, result_checks
from tuiswp.analysis.divergence import diverged
from tuiswp.analysis.findings import Diagnosis
from tuiswp.analysis.optimum import Judgement
from tuiswp.analysis.refusals import refused_arguments
from tuiswp.analysis.shape import numeric_swept, shape
from tuiswp.analysis.silence_checks import silent_trials
from tuiswp.analysis.space_checks import range_findings, warnings_before
from tuiswp.metrics.derived import DerivedFault
from tuiswp.model.sweep import Sweep
from tuiswp.model.trial import Trial

__all__ = ["Diagnosis", "diagnose", "warnings_before"]


def diagnose(
    sweep: Sweep,
    trials: Iterable[Trial],
    judgement: Judgement,
    *,
    seen_metrics: Mapping[int, Collection[str]] | None = None,
    first_values: Mapping[int, float] | None = None,
    curves: Mapping[int, Sequence[float]] | None = None,
    epochs: Mapping[int, float] | None = None,
    faults: Mapping[int, Sequence[DerivedFault]] | None = None,
) -> tuple[Diagnosis, ...]:
    """Every finding about the sweep, what stops a verdict first, the next step last.

    `seen_metrics`: by trial number, the names it logged; `first_values`: the objective's first
    value; `curves`: all its values; `epochs`: the last epoch; `faults`: where an expression could
    not be computed. Without them, what depends on them is
    not claimed.
    """
    trials = sorted(trials, key=lambda trial: trial.number)
    lost = diverged(sweep, judgement, seen_metrics=seen_metrics, first_values=first_values)
    shapes = [shape(sweep, judgement, p, seen_metrics=seen_metrics) for p in numeric_swept(sweep)]
    return (
        *result_checks.no_valid_result(judgement),
        *refused_arguments(trials),
        *result_checks.metric_missing(sweep, trials, judgement, seen_metrics),
        *result_checks.expression_faults(trials, faults or {}),
        *result_checks.incomplete(sweep, judgement),
        *result_checks.gone_astray(sweep, lost),
        *red_flags.died_early(sweep, trials, lost, epochs),
        *red_flags.mostly_pruned(trials),
        *silent_trials(trials),
        *result_checks.identical(sweep, trials, judgement),
        *result_checks.ties(judgement),
        *optimum_checks.against_baseline(sweep, judgement),
        *optimum_checks.all_alike(sweep, judgement),
        *red_flags.noisy_loss(sweep, judgement, curves),
        *red_flags.found_twice(sweep, judgement),
        *optimum_checks.edges(sweep, judgement, shapes),
        *optimum_checks.no_u(sweep, judgement, shapes),
        *red_flags.at_bound(sweep, trials),
        *range_findings(sweep),
        *optimum_checks.next_step(sweep, judgement, shapes),
    )
