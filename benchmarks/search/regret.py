"""Simple regret of samplers on known functions, four trials at a time, paired by seed.

A trial takes between 0.5 and 1.5 of a unit of time, by seed and number, so that trials end in
another order than they began; every method meets the same durations. `trace` gives the best seen
after each trial that ended.
"""

import math
import random
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from heapq import heappop, heappush
from typing import Protocol, TypeAlias

import msgspec
import optuna

from benchmarks.search.functions import PROBLEMS, Problem
from tuiswp.model.space import Categorical, IntUniform, LogUniform, Parameter, Params, Uniform
from tuiswp.search.asking import Ask
from tuiswp.search.history import Flying, Told
from tuiswp.search.random import RandomProposer
from tuiswp.search.samplers.default import begins_with_gp
from tuiswp.search.worker import Proposing

PARALLEL = 4
TRIALS = 100
BUDGETS = (25, 50, 100)


class Method(Protocol):
    """Something that proposes, by trial number, and is told how trials ended."""

    def ask(self, number: int) -> Params: ...

    def tell(self, number: int, params: Params, value: float) -> None: ...


class Ours:
    """What the sampler's process does, without the process."""

    def __init__(self, problem: Problem, seed: int, **sweep: object) -> None:
        self._proposing = Proposing(problem.sweep(seed, **sweep))
        self._told: list[Told] = []
        self._flying: dict[int, Flying] = {}

    def ask(self, number: int) -> Params:
        flying = tuple(self._flying[key] for key in sorted(self._flying))
        answer = self._proposing.answer(Ask(number, 0, tuple(self._told), flying))
        assert answer.params is not None
        self._flying[number] = Flying(number, answer.params)
        return answer.params

    def tell(self, number: int, params: Params, value: float) -> None:
        del self._flying[number]
        self._told.append(Told(number, params, "done", value))


class Drawn:
    """Random search."""

    def __init__(self, problem: Problem, seed: int) -> None:
        self._proposer = RandomProposer(problem.sweep(seed))

    def ask(self, number: int) -> Params:
        params = self._proposer.point(number)
        assert params is not None
        return params

    def tell(self, number: int, params: Params, value: float) -> None:
        pass


class PlainOptuna:
    """Optuna's TPE as it comes, in the space as a person would write it there."""

    def __init__(self, problem: Problem, seed: int) -> None:
        optuna.logging.set_verbosity(optuna.logging.ERROR)
        self._study = optuna.create_study(sampler=optuna.samplers.TPESampler(seed=seed))
        self._space = {p.path[0]: distribution(p) for p in problem.parameters}
        self._trials: dict[int, optuna.Trial] = {}

    def ask(self, number: int) -> Params:
        trial = self._trials[number] = self._study.ask(self._space)
        return dict(trial.params)

    def tell(self, number: int, params: Params, value: float) -> None:
        self._study.tell(self._trials.pop(number), value)


def distribution(parameter: Parameter) -> optuna.distributions.BaseDistribution:
    match parameter.distribution:
        case Uniform(min=low, max=high):
            return optuna.distributions.FloatDistribution(low, high)
        case LogUniform() as law:
            low, high = math.exp(law.low), math.exp(law.high)
            return optuna.distributions.FloatDistribution(low, high, log=True)
        case IntUniform(min=low, max=high):
            return optuna.distributions.IntDistribution(int(low), int(high))
        case Categorical(values=values):
            names = [value for value in values if isinstance(value, str)]
            return optuna.distributions.CategoricalDistribution(names)
        case other:
            raise ValueError(f"no such axis here: {other}")


METHODS: dict[str, Callable[[Problem, int], Method]] = {
    "tuiswp": Ours,  # as a sweep file gets it that names no sampler
    "random": Drawn,
    "optuna tpe": PlainOptuna,
    "tpe": lambda problem, seed: Ours(problem, seed, sampler="tpe"),
    "gp": lambda problem, seed: Ours(problem, seed, sampler="gp"),
    "cmaes": lambda problem, seed: Ours(problem, seed, sampler="cmaes"),
    "qmc": lambda problem, seed: Ours(problem, seed, sampler="qmc"),
}


def trace(problem: Problem, method: Method, seed: int, trials: int = TRIALS) -> list[float]:
    """The least regret known after each of the trials that ended."""
    took = random.Random(seed)
    running: list[tuple[float, int, Params]] = []
    found: list[float] = []
    best, clock, begun = float("inf"), 0.0, 0
    while len(found) < trials:
        while begun < trials and len(running) < PARALLEL:
            params = method.ask(begun)
            heappush(running, (clock + took.uniform(0.5, 1.5), begun, params))
            begun += 1
        clock, number, params = heappop(running)
        value = problem.value(params)
        method.tell(number, params, value)
        best = min(best, value - problem.optimum)
        found.append(best)
    return found


FIRST_SEED = 2_000  # the sampler's defaults were chosen on lower ones
SEEDS = 24  # where a Gaussian process takes part, which costs most of a minute a seed
MANY_SEEDS = 120
GP_SEEDS, GP_TRIALS = 20, 25  # of the process over choices, where it is not the default


class Part(msgspec.Struct, frozen=True):
    """What is measured of one method on one problem."""

    method: str
    problem: str
    seeds: int
    trials: int = TRIALS


def parts() -> list[Part]:
    """The quick ones first. `tuiswp` is `gp` over numbers to 50 trials, and `tpe` over choices."""
    quick, slow = [], []
    for problem in PROBLEMS:
        numbers = begins_with_gp(problem.sweep(0))
        seeds = SEEDS if numbers else MANY_SEEDS
        learning = "tpe" if numbers else "tuiswp"
        quick += [
            Part(method, problem.name, seeds)
            for method in ("random", "optuna tpe", "cmaes", learning)
        ]
        slow.append(
            Part("tuiswp", problem.name, seeds)
            if numbers
            else Part("gp", problem.name, GP_SEEDS, GP_TRIALS)
        )
    return quick + slow


def one(task: tuple[Part, int]) -> list[float]:
    """The regret at each of the budgets, with one seed."""
    part, seed = task
    problem = next(problem for problem in PROBLEMS if problem.name == part.problem)
    found = trace(problem, METHODS[part.method](problem, seed), seed, part.trials)
    return [found[budget - 1] for budget in BUDGETS if budget <= part.trials]


Regrets: TypeAlias = dict[str, dict[str, list[list[float]]]]


def measure(jobs: int | None = None) -> Iterator[Regrets]:
    """problem → method → for each seed the regrets at `BUDGETS`; all there is, after each part."""
    found: Regrets = {problem.name: {} for problem in PROBLEMS}
    with ProcessPoolExecutor(jobs) as workers:
        for part in parts():
            tasks = [(part, FIRST_SEED + k) for k in range(part.seeds)]
            found[part.problem][part.method] = list(workers.map(one, tasks))
            print(f"  {part.method} on {part.problem}", file=sys.stderr, flush=True)
            yield found
