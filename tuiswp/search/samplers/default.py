"""Which sampler a sweep gets that names none. Light: it loads no library, only looks for one.

A Gaussian process finds the best of few trials over few numbers, by far (`benchmarks/search`), and
its cost grows with the cube of the trials; TPE takes choices, conditions and any number of trials.
So the first trials over numbers alone are the process's, the rest TPE's.
"""

from importlib.util import find_spec

from tuiswp.model.sweep import Sweep
from tuiswp.search.cube import Cube
from tuiswp.search.suggest import learns

STARTUP = 8  # quasi-random points before a model is believed; with fewer it settles too soon
GP_AXES = 6  # as many as were measured
GP_TRIALS = 50  # ended ones; until then a proposal takes less than a second


def has_torch() -> bool:
    """Whether a Gaussian process can be computed here: Optuna's needs torch."""
    return find_spec("torch") is not None


def is_conditional(sweep: Sweep) -> bool:
    """Whether points of several shapes are told: conditional ones, or those of earlier sweeps."""
    return bool(sweep.constraints.when or sweep.priors)


def begins_with_gp(sweep: Sweep) -> bool:
    """Whether a sweep without a `sampler` is one for a Gaussian process at first."""
    axes = Cube(sweep.parameters).axes
    return (
        sweep.sampler is None
        and 0 < len(axes) <= GP_AXES
        and all(axis.kind != "choice" for axis in axes)
        and not is_conditional(sweep)
    )


def sampler_text(sweep: Sweep) -> str | None:
    """Who proposes, for `check`; None where nothing learns, or where each phase says so itself."""
    if sweep.phases or not learns(sweep):
        return None
    if sweep.sampler is not None:
        return sweep.sampler
    if not begins_with_gp(sweep):
        return "tpe"
    if not has_torch():
        return f"tpe (gp for the first {GP_TRIALS} trials if torch were installed)"
    return f"gp until {GP_TRIALS} trials have ended, then tpe"
