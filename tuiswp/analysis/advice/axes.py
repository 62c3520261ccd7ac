"""Which values of a parameter to try, by its name and what is known of it. Arithmetic only.

Ranges are those of docs/advice.md; for a name without one, and without a default, there is none.
"""

import math
from collections.abc import Iterable
from typing import NamedTuple

import msgspec

from tuiswp.analysis.advice.inputs import Axis, Inputs, Tunable
from tuiswp.analysis.axes import around
from tuiswp.analysis.scaling import default_rate, safe_range
from tuiswp.analysis.trained import Model
from tuiswp.model.space import Value
from tuiswp.spec.model_size import shown_size
from tuiswp.spec.scale import names_learning_rate, number, spell, words

RATE, RANK, WARMUP, BATCH, DECAY, DROPOUT, ALPHA, OTHER, SEED = range(9)
A1, A2, E4, E6, E8 = (f"{code}, docs/advice.md" for code in ("A1", "A2", "E4", "E6", "E8"))

FILE = "your file"
LEAST_RATE = 1e-12  # below it somebody mistyped

_LADDER, _FEW = 6, 3  # grid values of a learning rate, and of any other parameter
_E4_RATES = (5e-5, 5e-4)


class Range(NamedTuple):
    """Of E4 and D2: least, most, and the values for a grid."""

    low: float
    high: float
    grid: tuple[Value, ...]
    log: bool = False


_WARMUP_RATIO = Range(0.01, 0.1, (0.01, 0.05, 0.1))
_KNOWN = {
    RANK: Range(4, 32, (4, 8, 16, 32)),
    DECAY: Range(1e-3, 0.1, (1e-3, 1e-2, 1e-1), log=True),
    DROPOUT: Range(0.0, 0.15, (0.0, 0.075, 0.15)),
}


def role(name: str) -> int:
    """What a parameter is, by its name; the order of the constants is the order of tuning."""
    last = name.rpartition(".")[2]
    found = words(last)
    if names_learning_rate(last):
        return RATE
    if "seed" in found:
        return SEED
    if "rank" in found or found == {"r"} or {"lora", "r"} <= found:
        return RANK
    if "warmup" in found or {"warm", "up"} <= found:
        return WARMUP
    if ("batch" in found or found & {"bs", "batchsize"}) and not found & {"eval", "steps"}:
        return BATCH
    if {"weight", "decay"} <= found or found & {"wd", "decay"} == found:
        return DECAY
    return DROPOUT if "dropout" in found else ALPHA if "alpha" in found else OTHER


def in_order(parameters: Iterable[Tunable]) -> tuple[Tunable, ...]:
    """Most important first; seeds are repeated, not tuned. Stable: the rest as it was given."""
    tuned = (one for one in parameters if role(one.name) != SEED)
    return tuple(sorted(tuned, key=lambda one: role(one.name)))


def known_rate(inputs: Inputs) -> tuple[float, str, str] | None:
    """The learning rate to start from, how it was computed, and its source; None: not known."""
    named = (number(one.default) for one in inputs.parameters if role(one.name) == RATE)
    positive = (x for x in named if x is not None and LEAST_RATE < x <= 1e6)
    rate = inputs.rate if inputs.rate is not None else next(positive, None)
    if rate is not None:
        return rate, f"{spell(rate, log=True)}, as given", "what you use now"
    return formula_rate(inputs.model)


def formula_rate(model: Model) -> tuple[float, str, str] | None:
    """The default of A1; None while family, hidden size or kind of tuning is not known."""
    if model.family is None or model.hidden_size is None or model.lora is None:
        return None
    rate = default_rate(model.family, model.hidden_size, lora=model.lora)
    power = {"llama": "0.781", "qwen": "0.0775"}[model.family]
    times = 10 if model.lora else 1
    text = f"5e-5 × {times} × (2000 / {model.hidden_size})^{power} = {rate:.4g}"
    return rate, text, A1


def axis_of(one: Tunable, inputs: Inputs) -> Axis:
    """The values to try of one parameter: those of its file, else those of the rules."""
    found = _of_file(one, inputs) or _of_rules(one, inputs)
    return msgspec.structs.replace(found, name=one.name, path=one.path)


def _of_file(one: Tunable, inputs: Inputs) -> Axis | None:
    if one.grid:
        default = next((value for value in one.grid if value == one.default), one.default)
        return Axis(one.name, one.grid, log=one.log, default=default, source=FILE)
    if one.ends is None:
        return None
    (low, high), rate = one.ends, role(one.name) == RATE
    log = one.log and low > 0
    grid = _spread(Range(low, high, (low,), log), inputs.values or (_LADDER if rate else _FEW))
    if rate and log and inputs.values is None:
        ladder = around(math.sqrt(low) * math.sqrt(high), _LADDER * 4)
        grid = tuple(x for x in ladder if low * 0.999 <= x <= high * 1.001) or grid
    if one.whole:
        grid = tuple(dict.fromkeys(round(x) for x in grid if isinstance(x, int | float)))
    return Axis(one.name, grid, low, high, log, one.default, FILE, one.whole)


def _of_rules(one: Tunable, inputs: Inputs) -> Axis:
    kind = role(one.name)
    if kind == RATE:
        return _rate_axis(one.name, inputs, inputs.values or _LADDER)
    default = number(one.default)
    if kind == RANK and default is not None and 1 <= default <= 1e6:
        rank = int(default)
        return Axis(one.name, (rank, 2 * rank), default=rank, source=E6)
    known = _WARMUP_RATIO if kind == WARMUP and "ratio" in words(one.name) else _KNOWN.get(kind)
    if known is not None and kind == RANK:
        return Axis(one.name, known.grid, source=E4)
    if known is not None:
        grid = known.grid if inputs.values is None else _spread(known, inputs.values)
        return Axis(one.name, grid, known.low, known.high, known.log, default, E4)
    if default is None or not 0 < default < 1e15:
        return Axis(one.name, (), default=one.default)
    return _around_default(one.name, default)


def _rate_axis(name: str, inputs: Inputs, count: int) -> Axis:
    found = known_rate(inputs)
    if found is not None:
        rate, _, source = found
        return _ladder(name, rate, count, rate, f"{A2}, around {source}" if source != A1 else A2)
    model = inputs.model
    safe = None if model.lora is None else safe_range(model.size, lora=model.lora)
    if safe is not None:
        centre = math.sqrt(safe.low * safe.high)
        size = "" if model.size is None else f" for {shown_size(model.size)}"
        return _ladder(name, centre, count, None, f"{A2}, around the safe range{size} (E8)")
    if model.lora:
        low, high = _E4_RATES
        return _ladder(name, math.sqrt(low * high), count, None, f"{A2}, around the range of E4")
    return Axis(name, ())


def _ladder(name: str, centre: float, count: int, default: float | None, source: str) -> Axis:
    rungs = around(centre, count)
    kept = None if default is None else float(f"{default:.3g}")
    return Axis(name, rungs, rungs[0], rungs[-1], True, kept, source)


def _around_default(name: str, default: float) -> Axis:
    """Half, the same, twice: the least that shows whether the best lies inside."""
    whole = default == int(default) and default >= 2
    grid: list[Value] = [int(default * x) if whole else default * x for x in (0.5, 1, 2)]
    kept = int(default) if whole else default
    return Axis(name, tuple(grid), default=kept, source="half, the same and twice your default")


def _spread(known: Range, count: int) -> tuple[Value, ...]:
    if count < 2:
        return known.grid[:1]
    steps = [n / (count - 1) for n in range(count)]
    if known.log:
        low, high = math.log(known.low), math.log(known.high)
        points = [math.exp(low * (1 - u) + high * u) for u in steps]
    else:
        points = [known.low * (1 - u) + known.high * u for u in steps]
    return (known.low, *(float(f"{x:.3g}") for x in points[1:-1]), known.high)
