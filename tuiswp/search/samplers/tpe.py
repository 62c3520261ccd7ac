"""Optuna's TPE, told what it would else work out anew for every proposal. Proposes nothing itself.

Its proposals are those of Optuna's own class to the last bit, which a test holds. A third of what
one took was to find out which parameters all trials share, and to translate the same trials again.
Both are remembered here. Should a later Optuna ask otherwise, this is slower and no less right.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from optuna.distributions import BaseDistribution
from optuna.samplers import TPESampler
from optuna.study import Study
from optuna.trial import FrozenTrial


class KnownSpace:
    """The space of a study, and its trials in the numbers that Optuna computes with.

    Handed to one sampler after another: each proposal has its own, seeded for it.
    """

    def __init__(self, space: dict[str, BaseDistribution]) -> None:
        self.space = dict(sorted(space.items()))  # Optuna's order, and that of its random draws
        self._study: Study | None = None
        self._rows: list[list[float]] = []
        self._is_whole = True

    def sampler(self, seed: int) -> "KnowingTPE":
        return KnowingTPE(self, seed)

    def is_whole(self, study: Study, before: int) -> bool:
        """Whether every trial in front of number `before` has every parameter of the space."""
        if study is not self._study:
            self._study, self._rows, self._is_whole = study, [], True
        for trial in study.get_trials(deepcopy=False)[len(self._rows) : before]:
            self._is_whole &= trial.params.keys() == self.space.keys()
            if self._is_whole:
                row = [law.to_internal_repr(trial.params[n]) for n, law in self.space.items()]
                self._rows.append(row)
        return self._is_whole

    def columns(self, trials: list[FrozenTrial]) -> dict[str, NDArray[np.float64]]:
        """The values of each parameter, in the order of the trials; for a whole space only."""
        table = np.array([self._rows[trial.number] for trial in trials], dtype=float)
        columns = table.reshape(len(trials), len(self.space)).T
        return dict(zip(self.space, columns, strict=True))


class KnowingTPE(TPESampler):
    """`TPESampler` of one seed, multivariate and with constant liar, for the study of `known`."""

    def __init__(self, known: KnownSpace, seed: int) -> None:
        super().__init__(seed=seed, n_startup_trials=0, multivariate=True, constant_liar=True)
        self._known = known

    def infer_relative_search_space(
        self, study: Study, trial: FrozenTrial
    ) -> dict[str, BaseDistribution]:
        if self._known.is_whole(study, trial.number):
            return self._known.space
        return super().infer_relative_search_space(study, trial)

    def _get_internal_repr(
        self, trials: list[FrozenTrial], search_space: dict[str, BaseDistribution], study: Study
    ) -> dict[str, NDArray[Any]]:
        if search_space is self._known.space:
            return self._known.columns(trials)
        return super()._get_internal_repr(trials, search_space, study)
