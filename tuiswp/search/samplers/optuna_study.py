"""An Optuna study in memory that follows a history, for Optuna's samplers. Writes no file.

Optuna's own stores are slow and one torn line ends them, so the journal is the record and the study
is made of it. Each proposal gets a sampler of its own, seeded for its index, so that nothing
depends on how many were asked before.
"""

import warnings
from collections.abc import Callable

import optuna
from optuna.distributions import (
    BaseDistribution,
    CategoricalDistribution,
    FloatDistribution,
    IntDistribution,
)
from optuna.samplers import BaseSampler
from optuna.storages import InMemoryStorage
from optuna.trial import TrialState

from tuiswp.model.sweep import Goal
from tuiswp.search.cube import Axis, Cube, Point
from tuiswp.search.history import History, scores
from tuiswp.search.samplers.base import seed_at

optuna.logging.set_verbosity(optuna.logging.ERROR)


class StudySampler:
    """`make` gives an Optuna sampler for a seed. Values are told so that smaller is better."""

    def __init__(
        self, cube: Cube, goal: Goal, seed: int, make: Callable[[int], BaseSampler]
    ) -> None:
        self._cube, self._goal, self._seed, self._make = cube, goal, seed, make
        self._space = space_of(cube)
        self._begin()

    def ask(self, history: History, index: int) -> Point:
        self._follow(history)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            self._study.sampler = self._make(seed_at(self._seed, index))
            number = self._study.ask(self._space).number
        params = self._storage.get_trial(number).params
        # Only asked: whether it is tried is for the journal to say.
        self._storage.set_trial_state_values(number, TrialState.FAIL)
        return {name: params[name] for name in self._space}

    def _begin(self) -> None:
        """An empty study, alone in its store: a trial's id there is its number.

        What happens to a trial is told to the store itself, since a study copies deeply whatever
        it is given and gives.
        """
        self._storage = InMemoryStorage()
        self._study = optuna.create_study(storage=self._storage, direction="minimize")
        self._study_id = self._storage.get_study_id_from_name(self._study.study_name)
        self._history = History()
        self._flying: dict[int, int] = {}  # our number → the study's

    def _follow(self, history: History) -> None:
        """Make the study hold `history`, by what is new in it where it only went on."""
        known = len(self._history.told)
        if history.told[:known] != self._history.told:
            self._begin()
            known = 0
        values = scores(history.told, self._goal)
        for one, value in zip(history.told[known:], values[known:], strict=True):
            number = self._flying.pop(one.number, None)
            if number is None:
                number = self._add(self._cube.point(one.params))
            if value is None:  # ended without a value before any had one: it tells nothing
                self._storage.set_trial_state_values(number, TrialState.FAIL)
            else:
                self._storage.set_trial_state_values(number, TrialState.COMPLETE, [value])
        for gone in self._flying.keys() - {one.number for one in history.flying}:
            self._storage.set_trial_state_values(self._flying.pop(gone), TrialState.FAIL)
        for begun in history.flying:
            if begun.number not in self._flying:
                self._flying[begun.number] = self._add(self._cube.point(begun.params))
        self._history = history

    def _add(self, point: Point) -> int:
        """A running trial at `point`; its number in the study."""
        number = self._storage.create_new_trial(self._study_id)
        trial = self._storage.get_trial(number)  # the store's own: what is set here is kept there
        trial.distributions = {name: self._space[name] for name in point}
        trial.params = dict(point)
        return number


def space_of(cube: Cube) -> dict[str, BaseDistribution]:
    """The axes of a cube in Optuna's words."""
    return {axis.name: _distribution(axis) for axis in cube.axes}


def _distribution(axis: Axis) -> BaseDistribution:
    match axis.kind:
        case "unit":
            return FloatDistribution(0.0, 1.0)
        case "ladder":
            return IntDistribution(0, len(axis.values) - 1)
        case "choice":
            return CategoricalDistribution(tuple(range(len(axis.values))))
