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
from optuna.trial import TrialState, create_trial

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
        self._space = {axis.name: _distribution(axis) for axis in cube.axes}
        self._history = History()
        self._study = self._empty()
        self._flying: dict[int, int] = {}  # our number → the study's

    def ask(self, history: History, index: int) -> Point:
        self._follow(history)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            self._study.sampler = self._make(seed_at(self._seed, index))
            trial = self._study.ask(self._space)
            # Only asked: whether it is tried is for the journal to say.
            self._study.tell(trial, state=TrialState.FAIL)
        return {name: trial.params[name] for name in self._space}

    def _empty(self) -> optuna.Study:
        return optuna.create_study(direction="minimize")

    def _follow(self, history: History) -> None:
        """Make the study hold `history`, by what is new in it where it only went on."""
        before = self._history
        if history.told[: len(before.told)] != before.told:
            self._study, self._flying, before = self._empty(), {}, History()
        values = scores(history.told, self._goal)
        known = len(before.told)
        for one, value in zip(history.told[known:], values[known:], strict=True):
            number = self._flying.pop(one.number, None)
            if number is None:
                number = self._add(self._cube.point(one.params))
            if value is None:  # ended without a value before any had one: it tells nothing
                self._study.tell(number, state=TrialState.FAIL)
            else:
                self._study.tell(number, value)
        for gone in self._flying.keys() - {one.number for one in history.flying}:
            self._study.tell(self._flying.pop(gone), state=TrialState.FAIL)
        for begun in history.flying:
            if begun.number not in self._flying:
                self._flying[begun.number] = self._add(self._cube.point(begun.params))
        self._history = history

    def _add(self, point: Point) -> int:
        """A running trial at `point`; its number in the study."""
        self._study.add_trial(
            create_trial(
                state=TrialState.RUNNING,
                params=dict(point),
                distributions={name: self._space[name] for name in point},
            )
        )
        return len(self._study.get_trials(deepcopy=False)) - 1


def _distribution(axis: Axis) -> BaseDistribution:
    match axis.kind:
        case "unit":
            return FloatDistribution(0.0, 1.0)
        case "ladder":
            return IntDistribution(0, len(axis.values) - 1)
        case "choice":
            return CategoricalDistribution(tuple(range(len(axis.values))))
