"""From a sweep to the sampler it asks for. Optuna, scipy and torch load here, when it is made."""

import os

from tuiswp.errors import EnvironmentFault
from tuiswp.model.sweep import Sweep
from tuiswp.search.cube import Cube, Point
from tuiswp.search.history import History
from tuiswp.search.samplers.base import Sampler
from tuiswp.search.samplers.sobol import SobolSampler

DEFAULT = "tpe"
STARTUP = 8  # quasi-random points before a model is believed; with fewer it settles too soon
EVEN = 3  # of so many proposals, one has its choices drawn evenly


class Warmed:
    """Quasi-random until enough trials have ended, then the sampler.

    With a `cube`, every third proposal takes its choices from the quasi-random points and only its
    numbers from the model: one that meets a good choice early would not try the others again.
    """

    def __init__(
        self, first: Sampler, then: Sampler, cube: Cube | None = None, startup: int = STARTUP
    ) -> None:
        self._first, self._then, self._startup = first, then, startup
        self._choices = [axis.name for axis in cube.axes if axis.kind == "choice"] if cube else []

    def ask(self, history: History, index: int) -> Point:
        ended = sum(one.value is not None for one in history.told)
        if ended < self._startup:
            return self._first.ask(history, index)
        point = self._then.ask(history, index)
        if self._choices and index % EVEN == EVEN - 1:
            even = self._first.ask(history, index)
            point |= {name: even[name] for name in self._choices}
        return point


def sampler_of(sweep: Sweep) -> Sampler:
    """The sampler of a sweep whose method learns. Raises EnvironmentFault if torch is missing."""
    cube = Cube(sweep.parameters)
    goal = sweep.objective.goal if sweep.objective is not None else "minimize"
    even = SobolSampler(cube, sweep.seed)
    # Points of several shapes are modelled apart: conditional ones, or those of earlier sweeps.
    conditional = bool(sweep.constraints.when or sweep.priors)
    match sweep.sampler or DEFAULT:
        case "qmc":
            return even
        case "cmaes":
            from tuiswp.search.samplers.cmaes import CmaEsSampler

            return CmaEsSampler(cube, goal, sweep.seed)
        case "gp":
            os.environ.setdefault("OMP_NUM_THREADS", "1")  # read once, when torch loads
            try:
                import torch
            except ImportError:
                raise EnvironmentFault(
                    "the sampler gp needs torch, and it is not installed",
                    hint="pip install torch, or write sampler: tpe",
                ) from None
            torch.set_num_threads(1)
            from optuna.samplers import GPSampler

            from tuiswp.search.samplers.optuna_study import StudySampler

            gp = StudySampler(
                cube, goal, sweep.seed, lambda seed: GPSampler(seed=seed, n_startup_trials=0)
            )
            return Warmed(even, gp)
        case _:
            from optuna.samplers import TPESampler

            from tuiswp.search.samplers.optuna_study import StudySampler

            tpe = StudySampler(
                cube,
                goal,
                sweep.seed,
                lambda seed: TPESampler(
                    seed=seed,
                    n_startup_trials=0,
                    multivariate=True,
                    constant_liar=True,
                    group=conditional,
                ),
            )
            return Warmed(even, tpe, cube)
