"""Which options to sweep, over which values, and why. Pure; the rules are those of docs/advice.md.

An option is proposed for what its name says it is. One whose scale cannot be known without its
default (warm-up steps, a batch size) is not proposed where the default is not known.
"""

import math
from collections.abc import Callable, Sequence
from typing import TypeAlias

import msgspec

from tuiswp.analysis.advice.axes import (
    BATCH,
    DECAY,
    DROPOUT,
    RANK,
    RATE,
    WARMUP,
    role,
)
from tuiswp.analysis.advice.inputs import Inputs, Machine, Search, Tunable
from tuiswp.analysis.advice.search import search_for
from tuiswp.analysis.axes import around
from tuiswp.model.space import Value
from tuiswp.scripts.options import Interface, ScriptOption
from tuiswp.spec.scale import number, words

_AT_FIRST = 4  # parameters that are swept unless a person says otherwise
_SHORT_H = 10.0  # D1: what takes longer begins with the first of them alone
_WIDE_RATES = (1e-5, 1e-2)
_RANKS = (4, 8, 16, 32)
_LARGEST_BATCH = 1 << 20


class Proposed(msgspec.Struct, frozen=True):
    """One parameter to sweep, and why so. `tunable` has its values or its range."""

    option: ScriptOption
    tunable: Tunable
    why: str


_Rule: TypeAlias = Callable[[ScriptOption, float | None], Proposed | None]


def propose(interface: Interface) -> tuple[Proposed, ...]:
    """Everything worth a sweep, the most important first."""
    found: list[tuple[int, Proposed]] = []
    for option in interface.options:
        kind = role(option.name)
        rule = _RULES.get(kind)
        # A text where a number is expected: the name means something else here.
        if rule is None or option.flag or option.choices or isinstance(option.default, str | bool):
            continue
        one = rule(option, number(option.default))
        if one is not None:
            found.append((kind, one))
    return tuple(one for _, one in sorted(found, key=lambda pair: pair[0]))


def at_first(proposed: Sequence[Proposed], minutes: float | None) -> int:
    """How many of them to sweep, from the first: one alone if more take long, a trial at a time."""
    several = min(_AT_FIRST, len(proposed))
    if several > 1 and minutes is not None:
        trials = search_of(proposed[:several]).trials or 0
        if trials * minutes / 60 > _SHORT_H:
            return 1
    return several


def search_of(chosen: Sequence[Proposed]) -> Search:
    """Method and number of trials for these, as `tuiswp advise` would say."""
    machine = Machine(None, None, "")
    return search_for(Inputs(parameters=tuple(one.tunable for one in chosen), machine=machine))[0]


def _rate(option: ScriptOption, default: float | None) -> Proposed | None:
    if default is None or not 1e-12 < default <= 1e6:
        return _ranged(option, *_WIDE_RATES, _wide_rate(option), log=True)
    rungs = around(default)
    why = "moves the loss more than all others: an order of magnitude around what it is now"
    return _ranged(option, rungs[0], rungs[-1], why, log=True)


def _wide_rate(option: ScriptOption) -> str:
    what = "its default is not known" if option.default is None else "its default is no rate"
    return f"moves the loss more than all others; {what}, so the range is wide"


def _rank(option: ScriptOption, default: float | None) -> Proposed | None:
    # The rank of a process in a distributed run is another thing of the same name.
    if words(option.name) & {"local", "world", "node", "global"} or (default or 1) < 1:
        return None
    ranks = sorted({*_RANKS, *([int(default)] if default and default >= 1 else [])})
    return _listed(option, ranks, "r against 2r: the larger only if it is clearly better")


def _warmup(option: ScriptOption, default: float | None) -> Proposed | None:
    if words(option.name) & {"ratio", "fraction", "frac", "percent", "pct", "proportion"}:
        low, high = min(0.01, default or 0.01), max(0.1, default or 0.0)
        if high > 1:
            return None
        return _ranged(option, low, high, "worth it where the first steps are spiky")
    if default is None or default < 2 or default != int(default):
        return None
    steps = [int(default) // 2, int(default), 2 * int(default)]
    return _listed(option, steps, "half, the same and twice; worth it where the start is spiky")


def _batch(option: ScriptOption, default: float | None) -> Proposed | None:
    if default is None or default < 1 or default > _LARGEST_BATCH or default != int(default):
        return None
    middle = 2 ** math.floor(math.log2(default))
    sizes: list[Value] = [max(1, middle // 2), middle, middle * 2]
    why = "powers of two around what it is now; the best learning rate moves with it"
    return _listed(option, list(dict.fromkeys(sizes)), why)


def _decay(option: ScriptOption, default: float | None) -> Proposed | None:
    low, high = 1e-3, 0.1
    if default is not None and default > 0:
        low, high = min(low, default), max(high, default)
    return _ranged(option, low, high, "matters where it overfits; orders of magnitude", log=True)


def _dropout(option: ScriptOption, default: float | None) -> Proposed | None:
    most = 0.15 if "lora" in words(option.name) else 0.3
    if default is not None and not 0 <= default < 1:
        return None
    return _ranged(option, 0.0, max(most, default or 0.0), "matters where it overfits")


_RULES: dict[int, _Rule] = {
    RATE: _rate, RANK: _rank, WARMUP: _warmup, BATCH: _batch, DECAY: _decay, DROPOUT: _dropout,
}  # fmt: skip


def _ranged(
    option: ScriptOption, low: float, high: float, why: str, *, log: bool = False
) -> Proposed:
    """A range, within what the script itself accepts."""
    low = low if option.low is None else max(low, option.low)
    high = high if option.high is None else min(high, option.high)
    if not low < high or (log and low <= 0):
        low, high = high, max(low, high)
    ends = (float(low), float(high))
    return Proposed(option, Tunable(option.name, option.default, ends=ends, log=log), why)


def _listed(option: ScriptOption, values: Sequence[Value], why: str) -> Proposed | None:
    kept = tuple(value for value in values if _accepted(option, value))
    if len(kept) < 2:
        return None
    return Proposed(option, Tunable(option.name, option.default, grid=kept), why)


def _accepted(option: ScriptOption, value: Value) -> bool:
    x = number(value)
    low, high = option.low, option.high
    return x is not None and (low is None or x >= low) and (high is None or x <= high)
