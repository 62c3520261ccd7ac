"""What a phase makes of its sweep: which parameters it searches, where, and what it can be held to.

Pure. A phase narrows or fixes the parameters of the sweep as file and edits have it; it never adds
one. Which trial it begins at is the controller's to say.
"""

import math
from collections.abc import Iterable, Sequence

from msgspec.structs import replace

from tuiswp.errors import SpecError
from tuiswp.expression.parser import parse
from tuiswp.expression.scalar import evaluate
from tuiswp.model.events import PhaseStarted
from tuiswp.model.space import (
    Beta,
    Categorical,
    Constant,
    Distribution,
    IntUniform,
    LogNormal,
    LogUniform,
    Normal,
    Parameter,
    Params,
    Path,
    Uniform,
    Value,
)
from tuiswp.model.sweep import Phase, Sweep
from tuiswp.model.trial import Trial
from tuiswp.spec.census import take
from tuiswp.spec.distributions import distinct, quantile, value_key
from tuiswp.spec.params import (
    baseline_params,
    flatten,
    is_swept,
    only_value,
    point_params,
    value_label,
)
from tuiswp.spec.scale import is_logarithmic
from tuiswp.spec.values import check_value, lies_inside, overlaid
from tuiswp.text import visible


def in_phase(sweep: Sweep, started: PhaseStarted) -> Sweep:
    """The sweep as it is while this phase lasts; `sweep` is as file and edits have it."""
    if not 0 <= started.index < len(sweep.phases):
        return sweep
    phase = sweep.phases[started.index]
    baseline = baseline_params(sweep)
    return replace(
        sweep,
        method=phase.method or sweep.method,
        sampler=phase.sampler or (sweep.sampler if phase.method in (None, sweep.method) else None),
        parameters=started.parameters,
        baseline=None if baseline is None else overlaid(baseline, dict(phase.set)),
        stopper=phase.stopper or sweep.stopper,
        points=sweep.points if started.index == 0 else (),  # a search begins once
        priors=sweep.priors if started.index == 0 else (),
        phases=_spelled_out(sweep),
        phase=started.index,
        listed=started.points,
    )


def parameters_in(sweep: Sweep, phase: Phase, best: Params | None) -> tuple[Parameter, ...]:
    """The parameters of `phase` that begins at `best`: searched, narrowed or fixed."""
    fixed, own = dict(phase.set), {one.path: one for one in phase.ranges}
    # How a run is measured is the phase's own affair: it is not inherited with the best.
    inherited = [one for one in sweep.parameters if one not in measure(sweep)]
    known = flatten(best or {}, inherited)
    found = []
    for parameter in sweep.parameters:
        path = parameter.path
        if path in fixed:
            found.append(constant(parameter, fixed[path]))
        elif phase.searches is None or path in phase.searches:
            here = own.get(path, parameter)
            if phase.refine is not None and path in known and is_swept(here):
                here = narrowed(here, known[path], phase.refine.factor)
            found.append(here)
        elif path in known:
            found.append(constant(parameter, known[path]))
        elif only_value(parameter) is not None:
            found.append(parameter)
        else:  # it does not exist at the best: whatever it is, the rules leave it out
            found.append(constant(parameter, quantile(parameter.distribution, 0.5)))
    return tuple(found)


def constant(parameter: Parameter, value: Value) -> Parameter:
    """The parameter with this value and no other, spelled as the file does."""
    return replace(parameter, distribution=Constant(value), kind="constant")


def narrowed(parameter: Parameter, value: Value, factor: float) -> Parameter:
    """The parameter near `value`, within its range.

    On a log axis from value/factor to value·factor; else 1/factor as wide, `value` in the middle.
    Of a list of numbers the neighbours are kept; of anything else only the value itself.
    """
    law = parameter.distribution
    if isinstance(law, Categorical | Constant):
        return _neighbours(parameter, law, value)
    if isinstance(value, bool) or not isinstance(value, int | float):
        return parameter
    return replace(parameter, distribution=_near(law, value, factor, is_logarithmic(parameter)),
                   kind=_kind(parameter))  # fmt: skip


def _kind(parameter: Parameter) -> str:
    match parameter.distribution:
        case LogUniform():
            return parameter.kind.removesuffix("_values") + "_values"
        case Normal() | Beta():
            return "uniform"
        case LogNormal():
            return "log_uniform_values"
    return parameter.kind


def _near(law: Distribution, value: float, factor: float, log: bool) -> Distribution:
    match law:
        case IntUniform(min=low, max=high):
            a, b = _span(value, factor, log=log, width=high - low)
            a, b = max(low, math.floor(min(a, value - 1))), min(high, math.ceil(max(b, value + 1)))
            return law if a >= b else IntUniform(int(a), int(b))
        case Uniform(min=low, max=high, q=q):
            a, b = _span(value, factor, log=log, width=high - low)
            a, b = max(low, a), min(high, b)
            return law if not a < b else Uniform(a, b, q)
        case LogUniform(low=low, high=high, q=q, inverse=inverse, limits=limits):
            ends = limits or (math.exp(low), math.exp(high))
            a, b = max(ends[0], value / factor), min(ends[1], value * factor)
            if not 0 < a < b:
                return law
            return LogUniform(math.log(a), math.log(b), q, inverse, (a, b))
        case LogNormal(q=q) if value > 0:
            a, b = value / factor, value * factor
            return LogUniform(math.log(a), math.log(b), q, False, (a, b))
        case Normal(sigma=sigma, q=q) if sigma > 0:
            return Uniform(*_span(value, factor, log=False, width=4 * sigma), q)
        case Beta(q=q):
            a, b = _span(value, factor, log=False, width=1.0)
            return Uniform(max(0.0, a), min(1.0, b), q)
    return law


def _span(value: float, factor: float, *, log: bool, width: float) -> tuple[float, float]:
    if log and value > 0:
        return value / factor, value * factor
    return value - width / factor / 2, value + width / factor / 2


def _neighbours(parameter: Parameter, law: Categorical | Constant, value: Value) -> Parameter:
    listed = [law.value] if isinstance(law, Constant) else distinct(law)
    numbers = [v for v in listed if isinstance(v, int | float) and not isinstance(v, bool)]
    keys = [value_key(v) for v in sorted(numbers)]
    if len(numbers) < len(listed) or value_key(value) not in keys:
        return constant(parameter, value)
    at = keys.index(value_key(value))
    near: list[Value] = list(sorted(numbers)[max(0, at - 1) : at + 2])
    return replace(parameter, distribution=Categorical(tuple(near)), kind="categorical")


def begins_at_best(sweep: Sweep, phase: Phase) -> bool:
    """Whether the phase needs a best trial or a baseline to begin at."""
    if any(one is not None for one in (phase.refine, phase.validate, phase.transfer)):
        return True
    given = {path for path, _ in phase.set}
    optional = {rule.path for rule in sweep.constraints.when}
    return phase.searches is not None and any(
        is_swept(one) and one.path not in given | optional | set(phase.searches)
        for one in sweep.parameters
    )


def held_by_phase(now: Sweep, whole: Sweep, edited: Iterable[Parameter]) -> list[str]:
    """Which of the edited parameters the phase of `now` holds fixed, and what takes the edit.

    `whole` is the sweep after the edit, whatever its phase searches.
    """
    if now.phase is None:
        return []
    here = {one.path: one for one in now.parameters}
    phase, told = visible(now.phases[now.phase].name, limit=40), []
    for parameter in edited:
        held = here[parameter.path]
        if is_swept(held):
            continue
        single = only_value(held)
        value = "" if single is None else f" at {value_label(held, single[0])}"
        later = [one for one in whole.phases[now.phase + 1 :] if _takes(whole, one, parameter)]
        told.append(
            f"phase {phase} holds {visible(parameter.name, limit=60)}{value}: "
            + (
                f"the change counts from phase {visible(later[0].name, limit=40)} on"
                if later
                else "no later phase searches it, so the change has no effect"
            )
        )
    return told


def _takes(sweep: Sweep, phase: Phase, parameter: Parameter) -> bool:
    """Whether a phase to come goes by what is written of the parameter at the top of the file."""
    path = parameter.path
    if path in dict(phase.set):
        return False
    if path in {one.path for one in measure(sweep)}:
        return True
    if phase.validate is not None:
        return False
    searched_there = is_swept(parameter) if phase.searches is None else path in phase.searches
    return searched_there and path not in {one.path for one in phase.ranges}


def transferred(sweep: Sweep, phase: Phase, params: Params) -> Params:
    """The setting `params` as a phase that transfers runs it: set, then adjusted.

    `sweep` is as file and edits have it; expressions see the setting as it was. Raises
    ExpressionError, or UsageError for a value that is none of the parameter's.
    """
    assert phase.transfer is not None
    before = {one.name: value for one, value in _with_values(sweep.parameters, params)}
    values = fixed_values(sweep, phase)
    by_path = {one.path: one for one in sweep.parameters}
    for path, text in phase.transfer.adjust:
        value = evaluate(parse(text), before)
        if isinstance(before.get(by_path[path].name), int):
            value = _whole(value)
        values[path] = check_value(by_path[path], value)
    return overlaid(params, values)


def _with_values(
    parameters: Sequence[Parameter], params: Params
) -> Iterable[tuple[Parameter, Value]]:
    flat = flatten(params, parameters)
    return [(one, flat[one.path]) for one in parameters if one.path in flat]


def _whole(value: Value) -> Value:
    """2.0 * 8 is 16: a script that takes whole numbers takes no 16.0."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


def nothing_allowed(sweep: Sweep) -> SpecError | None:
    """The fault of a phase every point of which the rules between parameters forbid.

    What it will inherit from the best is not known, so it may be anything here.
    """
    for number, phase in enumerate(sweep.phases if sweep.constraints else (), 1):
        if phase.validate is not None or phase.transfer is not None:
            continue
        anything = replace(phase, searches=None, refine=None)
        census = take(parameters_in(sweep, anything, None), sweep.constraints, grid=False)
        if census.allowed or not (census.complete or census.total is None):
            continue
        worst = max(census.fired, key=lambda rule: census.fired[rule], default="")
        line = sweep.lines.get("tuiswp")
        place = sweep.source if line is None else f"{sweep.source}:{line}"
        return SpecError(
            f"rules forbid every point of {visible(phase.name, limit=40)}, "
            f"most often: {visible(worst, limit=100)}",
            where=f"{place}: tuiswp.phases.{number}",
            hint="set or search something else in it, or loosen the rule",
        )
    return None


# ── what can be compared ─────────────────────────────────────────────────────────────────────────


def searched(sweep: Sweep) -> set[Path]:
    """Every parameter that some phase searches or repeats over."""
    found: set[Path] = set()
    for phase in sweep.phases:
        if phase.validate is not None:
            found.add(phase.validate.seed)
        elif phase.searches is None:
            found |= {one.path for one in sweep.parameters if is_swept(one)}
        else:
            found |= set(phase.searches)
    return found


def measure(sweep: Sweep) -> tuple[Parameter, ...]:
    """The parameters that some phase sets and none searches: how long a run is, for example.

    Trials that differ in one of them were held to different measures: they are not compared.
    """
    given = {path for phase in sweep.phases for path, _ in phase.set}
    if not given:
        return ()
    given -= searched(sweep)
    return tuple(one for one in sweep.parameters if one.path in given)


def fixed_values(sweep: Sweep, phase: Phase) -> dict[Path, Value]:
    """What each run of `phase` has, whichever setting it repeats: what it sets, and its measure."""
    alone = {one.path: only_value(one) for one in measure(sweep)}
    values = {path: single[0] for path, single in alone.items() if single is not None}
    return values | dict(phase.set)


def measure_key(parameters: Sequence[Parameter], params: Params) -> tuple[str, ...]:
    """Equal for what can be compared."""
    flat = flatten(params, parameters)
    return tuple(value_key(flat.get(one.path)) for one in parameters)


def comparable(sweep: Sweep, params: Params, trials: Iterable[Trial]) -> list[Trial]:
    """The trials that were held to the same measure as `params`."""
    by = measure(sweep)
    if not by:
        return list(trials)
    key = measure_key(by, params)
    return [trial for trial in trials if measure_key(by, trial.params) == key]


def within(sweep: Sweep, trials: Iterable[Trial]) -> list[Trial]:
    """The trials that lie in the space of the phase, for a sampler that learns from them."""
    if sweep.phase is None:
        return list(trials)
    return [trial for trial in trials if lies_within(sweep, trial.params)]


def lies_within(sweep: Sweep, params: Params) -> bool:
    """Whether a point could be one of the phase the sweep is in; always without one."""
    if sweep.phase is None:
        return True
    flat = flatten(params, sweep.parameters)
    return all(lies_inside(one, flat[one.path]) for one in sweep.parameters if one.path in flat)


def whole(sweep: Sweep) -> Sweep:
    """The sweep with every value that any phase can give a parameter: for whoever looks at it.

    Baseline and points stay what they were, also where they took a value from there being only one.
    """
    if not sweep.phases:
        return sweep
    return replace(
        sweep,
        parameters=tuple(_every_value(sweep, one) for one in sweep.parameters),
        baseline=baseline_params(sweep),
        points=tuple(point_params(sweep)),
        phases=_spelled_out(sweep),
    )


def _spelled_out(sweep: Sweep) -> tuple[Phase, ...]:
    """The phases with what each searches, before their parameters are made others."""
    varies = tuple(one.path for one in sweep.parameters if is_swept(one))
    return tuple(
        replace(phase, searches=varies if phase.searches is None else phase.searches)
        for phase in sweep.phases
    )


def _every_value(sweep: Sweep, parameter: Parameter) -> Parameter:
    if is_swept(parameter):
        return parameter
    single = only_value(parameter)
    values = [] if single is None else [single[0]]
    for phase in sweep.phases:
        values += [value for path, value in phase.set if path == parameter.path]
        if phase.validate is not None and phase.validate.seed == parameter.path:
            values += fresh_seeds(values[0] if values else 0, phase.validate.seeds)
        for one in phase.ranges:
            if one.path != parameter.path:
                continue
            if not isinstance(one.distribution, Categorical | Constant):
                return one
            law = one.distribution
            values += [law.value] if isinstance(law, Constant) else distinct(law)
    different = distinct(Categorical(tuple(values)))
    if len(different) < 2:
        return parameter
    return replace(parameter, distribution=Categorical(tuple(different)), kind="categorical")


def fresh_seeds(used: Value, count: int) -> list[Value]:
    """Seeds that the run which chose a setting did not have: what it had was luck."""
    first = used if isinstance(used, int) and not isinstance(used, bool) else 0
    return [first + number for number in range(1, count + 1)]
