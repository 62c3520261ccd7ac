"""Which method, how many trials, and what they cost: the rules of D1. Pure arithmetic."""

import math
from collections.abc import Iterator, Sequence

from tuiswp.analysis.advice import say
from tuiswp.analysis.advice.axes import RATE, axis_of, in_order, role
from tuiswp.analysis.advice.inputs import Advice, Axis, Budget, Inputs, Machine, Question, Search
from tuiswp.analysis.space_checks import LARGE_GRID
from tuiswp.analysis.words import several
from tuiswp.model.sweep import Method

D1 = "D1, docs/advice.md"
ARITHMETIC = "arithmetic"
_SHORT_BUDGET_H = 10.0
_FEW = 3  # values of a parameter of which nothing is known
_TOP = 0.05
RANDOM_TRIALS = math.ceil(math.log(0.05) / math.log(1 - _TOP))
TRIALS_PER_PARAMETER = 10


def search_for(inputs: Inputs) -> tuple[Search, tuple[Advice | Question, ...]]:
    """The search that the rules advise, and why."""
    axes = tuple(axis_of(one, inputs) for one in in_order(inputs.parameters))
    count = len(axes) or inputs.count
    rate_alone = _rate_alone(inputs, axes, count)
    if rate_alone is not None:
        axes, count = rate_alone, 1
    factors = _factors(inputs, axes, count)
    points = math.prod(factors) if factors else None
    method, why = _method(count, points)
    said: list[Advice | Question] = []
    if count is None:
        said.append(Question("--params lr,rank,…", "choose between grid, random and model"))
    product = (
        f"{' × '.join(map(str, factors))} = {say.amount(points)} grid points" if points else ""
    )
    says = f"{method}: {why}"
    lines = [_as_power(product, factors)] if len(factors) > 1 else []
    if points and inputs.values is None and not all(axis.grid for axis in axes or (Axis("", ()),)):
        lines.append(f"{_FEW} values each where no range is known")
    if rate_alone is not None:
        found = _clock_hours(inputs.budget, inputs.machine)
        says = f"{method}, the learning rate alone: the budget is under {_SHORT_BUDGET_H:g} h"
        lines = [f"budget {found:.3g} h < {_SHORT_BUDGET_H:g} h"] if found else []
        held = _held(inputs)
        if held is not None and held[0] >= RANDOM_TRIALS:
            lines.append("the rule is for long trials: what is left buys the others, one by one")
    said.append(Advice("method", says, tuple(lines), D1))
    trials, how = _trials(method, axes, count, points)
    search, more = _cost(inputs, Search(method, axes, points, trials), how)
    return search, (*said, *more)


def clock_hours(trials: float, minutes: float, parallel: int) -> float:
    """Hours until `trials` of `minutes` each are over, `parallel` at once."""
    return math.ceil(trials / parallel) * minutes / 60


def _rate_alone(inputs: Inputs, axes: Sequence[Axis], count: int | None) -> tuple[Axis, ...] | None:
    """The axis of the learning rate, where the budget allows no other; None: tune all."""
    found = _clock_hours(inputs.budget, inputs.machine)
    if found is None or found >= _SHORT_BUDGET_H or count == 1:
        return None
    named = tuple(axis for axis in axes if role(axis.name) == RATE)
    return named[:1] if named or not axes else None


def _clock_hours(budget: Budget | None, machine: Machine) -> float | None:
    if budget is None or budget.kind == "wall":
        return None if budget is None else budget.hours
    if not machine.parallel or not machine.gpus_per_trial:
        return None
    return budget.hours / (machine.parallel * machine.gpus_per_trial)


def _factors(inputs: Inputs, axes: Sequence[Axis], count: int | None) -> list[int]:
    """The k of each parameter: its values, or `--values`, or a few where nothing is known."""
    if axes:
        return [len(axis.grid) or inputs.values or _FEW for axis in axes]
    if count is None:
        return []
    return [inputs.values or (6 if count == 1 else _FEW)] * count


def _as_power(product: str, factors: Sequence[int]) -> str:
    if len(set(factors)) == 1 and len(factors) > 1:
        points = product.rpartition("= ")[2]
        return f"k^n = {factors[0]}^{len(factors)} = {points}"
    return product


def _method(count: int | None, points: int | None) -> tuple[Method, str]:
    if count is None or points is None:
        return "random", "what is tuned is not known, and random is never far off"
    noun = several(count, "parameter")
    if count >= 5:
        return "bayes", f"{noun}, and from 5 on a model that learns from each trial pays"
    if count >= 3:
        return "random", f"{noun}, too many for a grid and too few for a model to pay"
    if points > LARGE_GRID:
        return "random", f"{noun}, but over {LARGE_GRID} points are never a grid"
    return "grid", f"{noun}, and a grid shows the whole curve"


def _trials(
    method: Method, axes: Sequence[Axis], count: int | None, points: int | None
) -> tuple[int | None, str]:
    """How many trials, and how that comes about."""
    ready = [axis for axis in axes if axis.grid]
    known = all(axis.default is not None for axis in ready)
    extra = 1 if known and any(axis.off_grid for axis in ready) else 0
    if method == "grid" and points is not None:
        default = " + 1 for your default" if extra else ""
        noun = several(points + extra, "trial")
        return (
            points + extra,
            f"{points}{default} = {noun}" if extra else f"a trial a point: {noun}",
        )
    if method == "random":
        wanted = RANDOM_TRIALS
        how = f"⌈ln 0.05 / ln 0.95⌉ = {wanted}: 95 % sure of one in the best 5 % of the space"
    else:
        wanted = TRIALS_PER_PARAMETER * (count or 1)
        how = f"{TRIALS_PER_PARAMETER} × {several(count or 1, 'parameter')} = {wanted}"
    listed = bool(axes) and all(axis.grid and axis.low is None for axis in axes)
    if listed and points is not None and points + extra < wanted:
        return points + extra, f"the space has only {points + extra} points, of {wanted} wanted"
    return wanted, how


def _cost(inputs: Inputs, search: Search, how: str) -> tuple[Search, tuple[Advice | Question, ...]]:
    source = {
        "grid": D1,
        "random": "D1, docs/advice.md; Bergstra and Bengio 2012",
        "bayes": "D1, docs/advice.md; Loeppky, Sacks and Welch 2009",
    }[search.method]
    trials = search.trials
    said: list[Advice | Question] = []
    if trials is None:
        return search, ()
    lines = [how]
    held = _held(inputs)
    if held is not None:
        fit, line = held
        lines.append(line)
        if fit < trials and search.method != "grid" and fit > 0:
            trials = fit
            if search.method == "random":
                lines.append(f"1 − 0.95^{fit} = {1 - 0.95**fit:.0%} sure of one in the best 5 %")
    says = several(trials, "trial")
    if held is not None and held[0] < trials:
        says += f", and the budget holds only {held[0]}: shorter trials, or the short way below"
    said.append(Advice("trials", says, tuple(lines), source))
    done = Search(search.method, search.axes, search.points, trials)
    return _time(inputs, done, said)


def _held(inputs: Inputs) -> tuple[int, str] | None:
    """How many trials the budget holds; None while anything it takes is not known."""
    budget, minutes, machine = inputs.budget, inputs.minutes, inputs.machine
    if budget is None or minutes is None:
        return None
    if budget.kind == "wall":
        if not machine.parallel:
            return None
        waves = math.floor(budget.hours * 60 / minutes + 1e-9)
        fit = waves * machine.parallel
        return fit, (
            f"budget {say.hours(budget.hours)}: ⌊{budget.hours * 60:g} min / {minutes:g} min⌋ × "
            f"{machine.parallel} at once = {say.amount(fit)} trials at most"
        )
    if machine.gpus_per_trial is None:
        return None
    each = minutes / 60 * machine.gpus_per_trial
    fit = math.floor(budget.hours / each + 1e-9)
    total = say.gpu_hours(budget.hours)
    return fit, f"budget {total} / {each:.3g} a trial = {say.amount(fit)} trials at most"


def _time(
    inputs: Inputs, search: Search, said: list[Advice | Question]
) -> tuple[Search, tuple[Advice | Question, ...]]:
    trials, machine, minutes = search.trials or 0, inputs.machine, inputs.minutes
    if minutes is None:
        said.append(Question("--minutes-per-trial", "see hours and GPU-hours"))
    if not machine.parallel:
        said.append(Question("--gpus N", f"see waves and hours ({machine.words})"))
        return search, tuple(said)
    waves = math.ceil(trials / machine.parallel)
    lines = [f"⌈{trials} / {machine.parallel}⌉ = {several(waves, 'wave')}"]
    says = f"{several(waves, 'wave')} ({machine.words})"
    clock = spent = None
    if minutes is not None:
        clock = clock_hours(trials, minutes, machine.parallel)
        lines.append(f"{waves} × {minutes:g} min = {say.hours(clock)}")
        says = f"{say.hours(clock)}, {says}"
        if machine.gpus_per_trial is not None:
            each = machine.gpus_per_trial
            spent = trials * minutes / 60 * each
            gpus = f" × {each:.3g} GPU" if each != 1 else ""
            lines.append(f"{trials} × {minutes:g} min{gpus} = {say.gpu_hours(spent)}")
            says += f", {say.gpu_hours(spent)}"
    said.append(Advice("time", says, tuple(lines), ARITHMETIC))
    found = Search(search.method, search.axes, search.points, search.trials, waves, clock, spent)
    return found, tuple(said)


def as_written(inputs: Inputs, search: Search) -> Iterator[Advice]:
    """What the sweep file would do, where that is not what is advised."""
    written = inputs.written
    if written is None or (written.method, written.trials) == (search.method, search.trials):
        return
    many = "runs until it is stopped"
    lines: list[str] = []
    if written.trials is not None:
        many = several(written.trials, "trial")
        if inputs.machine.parallel and inputs.minutes is not None:
            clock = clock_hours(written.trials, inputs.minutes, inputs.machine.parallel)
            parallel = inputs.machine.parallel
            lines.append(
                f"⌈{written.trials} / {parallel}⌉ × {inputs.minutes:g} min = {say.hours(clock)}"
            )
    where = say.name(written.name)
    yield Advice("as written", f"{where} is {written.method}, {many}", tuple(lines), "your file")
