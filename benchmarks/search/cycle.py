"""What one more trial costs the search: ask, tell, and a durable record of both.

Ours as the controller does it: the fact of the end goes to the journal and is made durable, the
sampler's process answers over its pipe, the proposal goes to the journal and is made durable.
Beside it Optuna with the same TPE on its SQLite storage. Both begin with as many trials that ended,
and have four in flight: the oldest ends, another is asked for.
"""

import statistics
import tempfile
import time
import warnings
from pathlib import Path

import optuna

from tuiswp.controller.journal import Journal
from tuiswp.model.events import AttemptEnded, TrialSuggested
from tuiswp.model.space import LogUniform, Parameter, Params, Uniform
from tuiswp.model.sweep import Objective, Resources, Run, Sweep
from tuiswp.search.ahead import Ahead
from tuiswp.search.history import Flying, History, Told
from tuiswp.search.keys import point_key
from tuiswp.search.random import RandomProposer

CYCLES = 20
IN_FLIGHT = 4
_LOW, _HIGH = -11.5, 0.0  # 1e-5 to 1, as natural logarithms


def sweep(axes: int) -> Sweep:
    """Half of the axes logarithmic."""
    parameters = tuple(
        Parameter(
            (f"x{k}",),
            LogUniform(_LOW, _HIGH) if k % 2 else Uniform(0.0, 1.0),
            "log_uniform" if k % 2 else "uniform",
        )
        for k in range(axes)
    )
    run = Run(command=(), program=None, cwd="/")
    return Sweep("cycle", "bayes", parameters, Objective("loss"), Resources(), run)


def begun(of: Sweep, done: int) -> list[Told]:
    proposer = RandomProposer(of)
    points = [proposer.point(index) or {} for index in range(done)]
    return [Told(n, params, "done", (n * 37 % 101) / 101) for n, params in enumerate(points)]


def ours(done: int, axes: int) -> list[float]:
    """Seconds of each cycle."""
    of = sweep(axes)
    told = begun(of, done)
    flying: list[Flying] = []
    ahead = Ahead(of)
    took = []
    with tempfile.TemporaryDirectory(dir=Path.cwd(), prefix=".bench-") as folder:
        journal = Journal(Path(folder) / "journal.jsonl")
        for number in range(done, done + IN_FLIGHT):  # the child has loaded its libraries
            flying.append(Flying(number, _proposed(ahead, told, flying, number)))
        for number in range(done + IN_FLIGHT, done + IN_FLIGHT + CYCLES):
            began = time.perf_counter()
            oldest = flying.pop(0)
            journal.append([_ended(oldest.number)], at=time.time())
            told.append(Told(oldest.number, oldest.params, "done", 0.5))
            params = _proposed(ahead, told, flying, number)
            key = point_key(params)
            fact = TrialSuggested(number, params, key, "bayes", number, len(told))
            journal.append([fact], at=time.time())
            flying.append(Flying(number, params))
            took.append(time.perf_counter() - began)
        journal.close()
    ahead.close()
    return took


def _proposed(ahead: Ahead, told: list[Told], flying: list[Flying], index: int) -> Params:
    history = History(tuple(told), tuple(flying))
    while True:
        ahead.want(history, index)
        answer = ahead.take(history, index)
        if answer is not None and answer.params is not None:
            return answer.params
        time.sleep(0.0002)


def _ended(number: int) -> AttemptEnded:
    return AttemptEnded(number, 1, "done", "exit 0", "done", code=0, value=0.5, complete=True)


def theirs(done: int, axes: int) -> list[float]:
    """The same cycles of Optuna on SQLite."""
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    space: dict[str, optuna.distributions.BaseDistribution] = {
        f"x{k}": optuna.distributions.FloatDistribution(1e-5, 1.0, log=bool(k % 2))
        for k in range(axes)
    }
    took = []
    with tempfile.TemporaryDirectory(dir=Path.cwd(), prefix=".bench-") as folder:
        warnings.simplefilter("ignore")
        sampler = optuna.samplers.TPESampler(
            seed=0, n_startup_trials=0, multivariate=True, constant_liar=True
        )
        study = optuna.create_study(storage=f"sqlite:///{folder}/study.db", sampler=sampler)
        study.add_trials(
            [
                optuna.trial.create_trial(
                    params={
                        name: max(1e-5, (n * 37 + 7 * k) % 101 / 101)
                        for k, name in enumerate(space)
                    },
                    distributions=space,
                    value=(n * 37 % 101) / 101,
                )
                for n in range(done)
            ]
        )
        trials = [study.ask(space) for _ in range(IN_FLIGHT)]
        for _ in range(CYCLES):
            began = time.perf_counter()
            study.tell(trials.pop(0), 0.5)
            trials.append(study.ask(space))
            took.append(time.perf_counter() - began)
    return took


def median_ms(took: list[float]) -> float:
    return 1000 * statistics.median(took)
