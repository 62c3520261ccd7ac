"""From a sweep to the sampler it asks for. Optuna, scipy and torch load here, when it is made."""

from typing import TYPE_CHECKING

from tuiswp.errors import EnvironmentFault
from tuiswp.model.sweep import Goal, Sweep
from tuiswp.search.cube import Cube, Point
from tuiswp.search.history import History
from tuiswp.search.samplers.base import Sampler
from tuiswp.search.samplers.default import (
    GP_TRIALS,
    STARTUP,
    begins_with_gp,
    has_torch,
    is_conditional,
)
from tuiswp.search.samplers.sobol import SobolSampler

if TYPE_CHECKING:
    from optuna.samplers import BaseSampler

EVEN = 3  # of so many proposals, one has its choices drawn evenly


class Warmed:
    """One sampler until enough trials have ended, then another.

    With a `cube`, every third proposal takes its choices from the first and only its numbers from
    the second: a model that meets a good choice early would not try the others again.
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
    match sweep.sampler:
        case "qmc":
            return even
        case "cmaes":
            from tuiswp.search.samplers.cmaes import CmaEsSampler

            return CmaEsSampler(cube, goal, sweep.seed)
        case "gp":
            if not has_torch():
                raise EnvironmentFault(
                    "the sampler gp needs torch, and it is not installed",
                    hint="pip install torch, or write sampler: tpe",
                )
            return Warmed(even, _gp(cube, goal, sweep.seed))
        case "tpe":
            return Warmed(even, _tpe(cube, goal, sweep), cube)
        case None:
            tpe = _tpe(cube, goal, sweep)
            if not begins_with_gp(sweep) or not has_torch():
                return Warmed(even, tpe, cube)
            return Warmed(even, Warmed(_gp(cube, goal, sweep.seed), tpe, startup=GP_TRIALS))


def _gp(cube: Cube, goal: Goal, seed: int) -> Sampler:
    from tuiswp.search.samplers.optuna_study import StudySampler

    def make(seed: int) -> "BaseSampler":
        from optuna.samplers import GPSampler  # loads torch, which takes seconds: not before

        return GPSampler(seed=seed, n_startup_trials=0)

    return StudySampler(cube, goal, seed, make)


def _tpe(cube: Cube, goal: Goal, sweep: Sweep) -> Sampler:
    from optuna.samplers import TPESampler

    from tuiswp.search.samplers.optuna_study import StudySampler, space_of
    from tuiswp.search.samplers.tpe import KnownSpace

    if is_conditional(sweep):  # points of several shapes are modelled apart
        return StudySampler(
            cube,
            goal,
            sweep.seed,
            lambda seed: TPESampler(
                seed=seed, n_startup_trials=0, multivariate=True, constant_liar=True, group=True
            ),
        )
    return StudySampler(cube, goal, sweep.seed, KnownSpace(space_of(cube)).sampler)
