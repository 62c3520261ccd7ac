"""Faults of a search space that can be seen before anything runs: range, spacing, what is mixed.

They judge the sweep file only; what the results say is `diagnosis`.
"""

import math
from collections.abc import Mapping, Sequence

from tuiswp.analysis.axes import (
    around,
    is_learning_rate,
    is_seed,
    listed,
    number,
    orders,
    shown_name,
    spell,
)
from tuiswp.analysis.findings import Diagnosis
from tuiswp.analysis.model_checks import outside_safe_range
from tuiswp.analysis.phase_checks import batch_between_phases
from tuiswp.analysis.plausible import co_tuned, odd_range
from tuiswp.analysis.trained import model_of
from tuiswp.model.space import Categorical, IntUniform, Parameter, Uniform, Value
from tuiswp.model.sweep import Sweep
from tuiswp.spec.distributions import bounds, grid_count
from tuiswp.spec.params import flatten, nest, swept
from tuiswp.text import visible

_ENOUGH_ORDERS = 2.0
LARGE_GRID = 100


def warnings_before(sweep: Sweep) -> tuple[Diagnosis, ...]:
    """What `tuiswp check` warns of: the range, the spacing, and what will be missing at the end."""
    return (*range_findings(sweep), *_beyond_safe(sweep), *_plan_findings(sweep))


def range_findings(sweep: Sweep) -> tuple[Diagnosis, ...]:
    """What is true of the ranges before the launch and after it."""
    found: list[Diagnosis] = []
    for parameter in tuned(sweep):
        found.extend(_narrow(sweep, parameter))
        found.extend(_linear(parameter))
        found.extend(odd_range(parameter))
    found.extend(_confounded(sweep))
    found.extend(co_tuned(sweep))
    return tuple(found)


def tuned(sweep: Sweep) -> tuple[Parameter, ...]:
    """The swept parameters without the seeds, in the order of the file."""
    return tuple(parameter for parameter in swept(sweep) if not is_seed(parameter))


def range_of(parameter: Parameter) -> tuple[float, float] | None:
    """Smallest and largest value the file allows; None for text and open laws."""
    try:
        return bounds(parameter.distribution)
    except OverflowError:
        return None


def _beyond_safe(sweep: Sweep) -> list[Diagnosis]:
    rates = [parameter for parameter in tuned(sweep) if is_learning_rate(parameter)]
    model = model_of(sweep)
    found = (
        outside_safe_range(shown_name(parameter), ends, model)
        for parameter in rates
        if (ends := range_of(parameter)) is not None
    )
    return [one for one in found if one is not None]


def _narrow(sweep: Sweep, parameter: Parameter) -> list[Diagnosis]:
    ends = range_of(parameter)
    if ends is None or not is_learning_rate(parameter):
        return []
    wide = orders(*ends)
    if wide is None or wide >= _ENOUGH_ORDERS - 1e-9:
        return []
    default = None
    if sweep.baseline is not None:
        default = number(flatten(sweep.baseline, (parameter,)).get(parameter.path))
    centre = default if default is not None and default > 0 else (ends[0] * ends[1]) ** 0.5
    name = shown_name(parameter)
    low, high = (spell(end, log=True) for end in ends)
    return [
        Diagnosis(
            "narrow-range",
            "warning",
            f"{name} spans {wide:.1f} orders of magnitude ({low} to {high}); under 2, the U of a "
            "learning rate seldom fits in, and the best is likely to be at an edge.",
            f"Take an order of magnitude below and above the default: values "
            f"{listed(around(centre), log=True)}.",
        )
    ]


def _linear(parameter: Parameter) -> list[Diagnosis]:
    ends = range_of(parameter)
    if ends is None or ends[0] == ends[1]:
        return []
    low, high = ends
    name, rate = shown_name(parameter), is_learning_rate(parameter)
    match parameter.distribution:
        case Categorical(values=values) if rate:
            numbers = sorted({x for value in values if (x := number(value)) is not None})
            if not _evenly_spaced(numbers):
                return []
            middle = (max(low, high / 100) * high) ** 0.5
            return [
                Diagnosis(
                    "linear-scale",
                    "warning",
                    f"The values of {name} are evenly spaced ({listed(numbers[:3], log=True)}, …): "
                    "a learning rate acts by factors, so equal steps crowd the high end.",
                    f"Space them by factors of about 3: {listed(around(middle), log=True)}.",
                )
            ]
        case Uniform() | IntUniform():
            wide = orders(low, high)
            if not rate and (wide is None or wide <= 1):
                return []
            start = low if low > 0 else high / 1000
            whole = isinstance(parameter.distribution, IntUniform)
            better = "q_log_uniform_values, q: 1" if whole else "log_uniform_values"
            share = min(100.0, 100 * (10 * start - low) / (high - low))
            middle = (start * high) ** 0.5
            below = 100 * (middle - low) / (high - low)
            return [
                Diagnosis(
                    "linear-scale",
                    "warning",
                    f"{name} is sampled uniformly from {spell(low)} to {spell(high)}: only "
                    f"{share:.2g} % of the samples fall below {spell(10 * start)}, and "
                    f"{below:.2g} % below the geometric middle, {spell(middle, log=True)}, so the "
                    "low end is hardly searched.",
                    f"Use distribution: {better}, min: {spell(start, log=True)}, "
                    f"max: {spell(high, log=True)}.",
                )
            ]
    return []


def _evenly_spaced(numbers: Sequence[float]) -> bool:
    if len(numbers) < 3:
        return False
    step = (numbers[-1] - numbers[0]) / (len(numbers) - 1)
    return all(abs(x - numbers[0] - n * step) <= 1e-3 * step for n, x in enumerate(numbers))


def _confounded(sweep: Sweep) -> list[Diagnosis]:
    several = tuned(sweep)
    if len(several) < 2 or sweep.phases:  # phases are the answer to it
        return []
    names = ", ".join(shown_name(parameter) for parameter in several[:6])
    if len(several) > 6:
        names += f" and {len(several) - 6} more"
    keep = next((p for p in several if is_learning_rate(p)), several[0])
    if sweep.method == "grid":
        return [
            Diagnosis(
                "confounded",
                "info",
                f"{len(several)} hyperparameters are swept together ({names}): each curve shows "
                "the best over all values of the others.",
                f"Read the table for one setting of the others, or sweep {shown_name(keep)} alone "
                "first.",
            )
        ]
    return [
        Diagnosis(
            "confounded",
            "warning",
            f"{len(several)} hyperparameters vary at once ({names}): what moves a point on one "
            "curve may be any of the others.",
            f"Sweep {shown_name(keep)} alone first, then the next with the optimum as "
            "tuiswp.baseline.",
        )
    ]


def _plan_findings(sweep: Sweep) -> list[Diagnosis]:
    found: list[Diagnosis] = []
    several = swept(sweep)
    if not several:
        found.append(
            Diagnosis(
                "single-value",
                "warning",
                "Every parameter has one value, so every trial is the same and there is nothing "
                "to compare.",
                "Give at least one parameter several `values`, or a `min` and a `max`.",
            )
        )
    if sweep.objective is None:
        found.append(
            Diagnosis(
                "no-metric",
                "warning",
                "The sweep file names no metric: the trials run, but no optimum can be chosen.",
                "Add `metric: {name: loss, goal: minimize}` with a name that the script logs.",
            )
        )
    if several and sweep.baseline is None:
        found.append(
            Diagnosis(
                "no-baseline",
                "warning",
                "The default configuration is not among the trials, so the result cannot say how "
                "much tuning gained.",
                f"Add the script's defaults: tuiswp: {{baseline: {{{_each(several)}}}}}.",
            )
        )
    found += _large_grid(sweep)
    found += batch_between_phases(sweep)
    if sweep.method == "random" and sweep.run_cap is None and several and not sweep.phases:
        found.append(
            Diagnosis(
                "endless",
                "warning",
                "Random search without `run_cap` goes on until it is stopped or the space is used "
                "up.",
                "Add `run_cap: 20`, or end it with `tuiswp stop`.",
            )
        )
    return found


def _large_grid(sweep: Sweep) -> list[Diagnosis]:
    """Rule D1 of docs/advice.md: over 100 points a grid is never the cheapest look at a space."""
    counts = [grid_count(parameter.distribution) for parameter in swept(sweep)]
    points = math.prod(count or 1 for count in counts)
    if sweep.method != "grid" or points <= LARGE_GRID:
        return []
    product = " × ".join(f"{count:,}" for count in counts[:6] if count is not None)
    return [
        Diagnosis(
            "large-grid",
            "info",
            f"The grid has {product}{' × …' if counts[6:] else ''} = {points:,} points; over "
            f"{LARGE_GRID}, random search or a model finds as good a point in fewer trials.",
            "`tuiswp advise` with this file says which, how many trials, and what they cost.",
        )
    ]


def _each(several: Sequence[Parameter]) -> str:
    """`lr: …, optim: {beta: …}` in the nesting of the file: a baseline names every swept one."""
    nested = nest([(parameter.path, None) for parameter in several[:6]])
    return _braces(nested) + (", and the others" if len(several) > 6 else "")


def _braces(level: Mapping[str, Value]) -> str:
    pairs = (
        f"{visible(name, limit=80)}: {f'{{{_braces(below)}}}' if isinstance(below, dict) else '…'}"
        for name, below in level.items()
    )
    return ", ".join(pairs)
