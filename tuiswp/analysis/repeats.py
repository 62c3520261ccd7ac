"""Trials of one setting: the same parameters but for the seed. Mean, spread, pooled noise. Pure.

A clone of a script that fixes its own seed gives the same value to the last digit: that is the same
run twice, not a repeat, and its spread of zero proves nothing.
"""

import math
import statistics
from collections import defaultdict
from collections.abc import Hashable, Iterable, Mapping, Sequence
from typing import TypeAlias

import msgspec

from tuiswp.analysis.axes import is_seed, measured
from tuiswp.analysis.optimum import Judgement, badness, finite, name_trials
from tuiswp.model.space import Parameter, Value
from tuiswp.model.sweep import Sweep
from tuiswp.model.trial import Trial
from tuiswp.spec.params import flatten, value_key

Key: TypeAlias = tuple[Hashable, ...]


class Setting(msgspec.Struct, frozen=True):
    """`trials` by number with a finite value each; `seeds` their seeds as keys, if there are any.

    `sd`: sample standard deviation (n − 1); None for one trial, or where all values are the same to
    the last digit.
    """

    trials: tuple[Trial, ...]
    values: tuple[float, ...]
    seeds: tuple[str, ...]
    mean: float
    sd: float | None

    @property
    def n(self) -> int:
        return len(self.values)

    @property
    def identical(self) -> bool:
        """Ran more than once, and nothing differed."""
        return self.n > 1 and self.sd is None

    @property
    def told(self) -> str:
        """`2.0131 ± 0.0042 (n=3: t0002, t0007, t0009)`, safe to print."""
        names = name_trials(self.trials)
        if self.sd is not None:
            return f"{measured(self.mean)} ± {measured(self.sd)} (n={self.n}: {names})"
        alike = ": the same to the last digit" if self.identical else ""
        return f"{measured(self.mean)} (n={self.n}: {names}{alike})"


def settings(sweep: Sweep, trials: Iterable[Trial]) -> tuple[Setting, ...]:
    """The trials with a finite value by setting, the best mean first."""
    objective = sweep.objective
    if objective is None:
        return ()
    chosen = tuned_of(sweep)
    seeds = [parameter for parameter in sweep.parameters if is_seed(parameter)]
    groups: dict[Key, list[Trial]] = defaultdict(list)
    for trial in trials:
        if finite(trial.value):
            groups[setting_key(chosen, trial)].append(trial)
    found = []
    for members in groups.values():
        members.sort(key=lambda trial: trial.number)
        values = tuple(trial.value for trial in members if trial.value is not None)
        keys = [
            value_key([flatten(t.params, seeds).get(p.path) for p in seeds])
            for t in members
            if seeds
        ]
        spread = statistics.stdev(values) if len(values) > 1 else 0.0
        found.append(
            Setting(tuple(members), values, tuple(keys), statistics.fmean(values), spread or None)
        )
    found.sort(key=lambda one: (badness(one.mean, objective.goal), one.trials[0].number))
    return tuple(found)


def tuned_of(sweep: Sweep) -> tuple[Parameter, ...]:
    """What makes a setting: every parameter that is no seed, fixed ones too, as a clone may move
    them."""
    return tuple(parameter for parameter in sweep.parameters if not is_seed(parameter))


def setting_key(chosen: Sequence[Parameter], trial: Trial) -> Key:
    """Equal for trials of one setting; `chosen` as `tuned_of` gives it."""
    flat = flatten(trial.params, chosen)
    return tuple(_key(flat.get(parameter.path)) for parameter in chosen)


def _key(value: Value) -> Hashable:
    """A plain number or text is its own key: `value_key` would take most of the time."""
    if type(value) is float or type(value) is int or type(value) is str:
        return value
    return (value_key(value),)


def repeated(sweep: Sweep, judgement: Judgement) -> tuple[Setting, ...]:
    """The settings that ran more than once among the trials that may win."""
    return tuple(one for one in settings(sweep, judgement.ranked) if one.n > 1)


def by_trial(found: Iterable[Setting]) -> Mapping[int, Setting]:
    """The setting each trial belongs to."""
    return {trial.number: one for one in found for trial in one.trials}


def pooled(found: Iterable[Setting]) -> tuple[float, int] | None:
    """Standard deviation between seeds over all settings, and its degrees of freedom.

    s² = Σ (n_i − 1) s_i² / Σ (n_i − 1) over settings whose repeats differ; None without one.
    """
    several = [one for one in found if one.sd is not None]
    freedom = sum(one.n - 1 for one in several)
    if not freedom:
        return None
    squares = math.fsum((one.n - 1) * (one.sd or 0.0) ** 2 for one in several)
    return math.sqrt(squares / freedom), freedom
