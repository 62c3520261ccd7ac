"""How much of a search space its constraints leave, by looking at points of it. Pure.

A space of at most `LOOKED_AT` combinations is counted in full; of a larger one so many points are
looked at, spread evenly: what is then said of it is an estimate, and said to be one.
"""

import random
from collections import Counter
from collections.abc import Iterator, Sequence
from math import prod

import msgspec

from tuiswp.model.space import Constraints, Parameter, Params, Path, Value
from tuiswp.spec.constraints import Rules, rule_text
from tuiswp.spec.distributions import grid_count, grid_values, quantile, support, support_count
from tuiswp.spec.params import nest, value_key

LOOKED_AT = 2_000


class Census(msgspec.Struct, frozen=True):
    """Of `looked_at` points `forbidden` are forbidden and `allowed` different ones remain.

    `spread`: they lie evenly over the space, else they were drawn at random. `complete`: these are
    all points. `total`: how many there are; None if not countable. `fired`: how often each rule
    forbade a point or made a parameter absent. `problems`: rules that could not be computed
    somewhere, how often, and why.
    """

    looked_at: int
    forbidden: int
    allowed: int
    complete: bool
    total: int | None
    spread: bool
    fired: dict[str, int]
    problems: dict[str, tuple[int, str]]


def take(parameters: Sequence[Parameter], constraints: Constraints, *, grid: bool) -> Census:
    """Look at the points of a space; `grid`: those of a grid over it."""
    rules = Rules(parameters, constraints)
    counts = [
        grid_count(p.distribution) if grid else support_count(p.distribution) for p in parameters
    ]
    known = [count for count in counts if count is not None]
    total = prod(known) if len(known) == len(counts) else None
    complete = total is not None and total <= LOOKED_AT
    spread = total is not None and (grid or complete)
    found = (
        _every(parameters, known, total, grid=grid)
        if total is not None and spread
        else _drawn(parameters)
    )
    fired: Counter[str] = Counter()
    problems: dict[str, tuple[int, str]] = {}
    names = {rule.path: rule_text(rule) for rule in constraints.when}
    keys: set[str] = set()
    looked_at = forbidden = 0
    for params in found:
        looked_at += 1
        point = rules.look(params)
        fired.update(names[path] for path in point.absent if path in names)
        if point.by is None:
            keys.add(value_key(point.params))
            continue
        forbidden += 1
        fired[point.by.rule] += 1
        if point.by.problem is not None:
            times, why = problems.get(point.by.rule, (0, point.by.problem))
            problems[point.by.rule] = times + 1, why
    return Census(looked_at, forbidden, len(keys), complete, total, spread, dict(fired), problems)


def _every(
    parameters: Sequence[Parameter], counts: Sequence[int], total: int, *, grid: bool
) -> Iterator[Params]:
    """Points of a countable space, all or evenly spread."""
    axes: list[Sequence[Value]] = [
        (grid_values(p.distribution) if grid else support(p.distribution)) or (None,)
        for p in parameters
    ]
    looked_at = min(total, LOOKED_AT)
    for number in range(looked_at):
        index = number * total // looked_at
        pairs: list[tuple[Path, Value]] = []
        for parameter, axis, count in zip(parameters, axes, counts, strict=True):
            index, digit = divmod(index, count)
            pairs.append((parameter.path, axis[digit]))
        yield nest(pairs)


def _drawn(parameters: Sequence[Parameter]) -> Iterator[Params]:
    chance = random.Random(0)
    for _ in range(LOOKED_AT):
        yield nest((p.path, quantile(p.distribution, chance.random())) for p in parameters)
