"""The next trial: the first point of a proposer that was not tried yet. No history, no clock."""

from collections.abc import Collection, Iterable, Sequence

import msgspec

from tuiswp.model.space import Params, Value
from tuiswp.model.sweep import Sweep
from tuiswp.model.trial import Trial
from tuiswp.search.base import Proposer
from tuiswp.search.grid import GridProposer
from tuiswp.search.keys import MAX_LISTED, point_key
from tuiswp.search.listed import ListedProposer
from tuiswp.search.random import RandomProposer
from tuiswp.spec.constraints import Rules
from tuiswp.spec.distributions import grid_values, support
from tuiswp.spec.params import baseline_params, flatten, point_params, value_key

# Random draws that may repeat tried points or be forbidden, and points of a grid that may be
# forbidden in a row, before the space is taken to be used up. A space of at most `MAX_LISTED`
# points is then looked through one by one.
MAX_MISSES = 2_000
MAX_FORBIDDEN = 100_000


class Suggestion(msgspec.Struct, frozen=True):
    """A point to try. `index` is where it came from: go on at index + 1."""

    index: int
    params: Params
    key: str


def suggest(sweep: Sweep) -> Proposer:
    """The proposer of a sweep's method; of nothing, before the first phase of a sweep begins."""
    if sweep.listed is not None or (sweep.phases and sweep.phase is None):
        return ListedProposer(sweep)
    return GridProposer(sweep) if sweep.method == "grid" else RandomProposer(sweep)


def learns(sweep: Sweep) -> bool:
    """Whether points are proposed by a sampler in a process of its own (`search.ahead`)."""
    return sweep.listed is None and (sweep.method == "bayes" or sweep.sampler is not None)


def next_point(proposer: Proposer, start: int, tried: Collection[str]) -> Suggestion | None:
    """The first untried point at index `start` or later; None when there is nothing left.

    `tried` holds the keys of all points already suggested, the baseline's included. A countable
    random space ends when all its points are tried: after many repeated draws the rest is listed in
    order instead of drawn. One that is not countable ends after `MAX_MISSES` repeated draws, which
    only a space of practically few values gives.
    """
    bounded = proposer.origin not in ("grid", "replicate")
    index, forbidden = start, 0
    while not bounded or index < start + MAX_MISSES:
        params = proposer.point(index)
        if params is None:
            return None
        allowed = proposer.resolve(params)
        if allowed is not None and (key := point_key(allowed)) not in tried:
            return Suggestion(index, allowed, key)
        forbidden += allowed is None
        if forbidden > MAX_FORBIDDEN:
            return None
        index += 1
        if bounded and proposer.size is not None and index - start >= 4 * proposer.size:
            break
    if proposer.size is None or proposer.size > MAX_LISTED:
        return None
    for params in proposer.every_point():
        key = point_key(params)
        if key not in tried:
            return Suggestion(index, params, key)
    return None


def index_after_edit(sweep: Sweep) -> int | None:
    """Where the proposer goes on when the space was edited; None: where it was.

    A grid numbers its points by the lengths of its axes, so that it begins again and leaves out
    what was tried. A random draw belongs to its index, and later indices draw from the new ranges.
    """
    return 0 if sweep.method == "grid" or sweep.listed is not None else None


def first_params(sweep: Sweep) -> list[Params]:
    """What is tried before the search begins, once each: the baseline, the person's points."""
    baseline = baseline_params(sweep)
    found = {} if baseline is None else {point_key(baseline): baseline}
    for params in point_params(sweep):
        found.setdefault(point_key(params), params)
    return list(found.values())


def own(trials: Iterable[Trial]) -> int:
    """How many of them the search itself brought forth: those that `run_cap` counts."""
    return sum(1 for trial in trials if trial.wish is None)


def room(sweep: Sweep, trials: Collection[Trial]) -> int | None:
    """How many trials the search may still bring forth, here and now; None: no limit."""
    limits = [] if sweep.run_cap is None else [sweep.run_cap - own(trials)]
    if sweep.phase is not None and (most := sweep.phases[sweep.phase].trials) is not None:
        limits.append(most - own(trial for trial in trials if trial.phase == sweep.phase))
    return max(0, min(limits)) if limits else None


def proposes(sweep: Sweep, start: int, trials: Collection[Trial]) -> bool:
    """Whether the search would bring forth another trial."""
    if room(sweep, trials) == 0:
        return False
    return next_point(suggest(sweep), start, {trial.key for trial in trials}) is not None


def planned_trials(sweep: Sweep) -> int | None:
    """How many trials the sweep will have, the baseline included; None: it runs until stopped.

    Of a sweep that nobody steered: `planned_now` counts what was asked for and edited too.
    Approximate for a random space with a countable number of points beyond `MAX_LISTED`, which the
    draws may not exhaust.
    """
    size = suggest(sweep).size
    if size is not None:
        own_points = _OwnPoints(sweep)
        size += sum(1 for params in first_params(sweep) if params not in own_points)
    if size is None or sweep.run_cap is None:
        return sweep.run_cap if size is None else size
    return min(size, sweep.run_cap)


def planned_now(sweep: Sweep, trials: Collection[Trial]) -> int | None:
    """How many trials a sweep that was steered will have: those there are, and what is left.

    What is left are the points of the space as it is now that nobody tried, as far as `run_cap`
    lets the search go.
    """
    size = suggest(sweep).size
    left = room(sweep, trials)
    if size is not None:
        own_points, tried = _OwnPoints(sweep), {trial.key: trial.params for trial in trials}
        size -= sum(1 for params in tried.values() if params in own_points)
        waits = [params for params in first_params(sweep) if point_key(params) not in tried]
        size += sum(1 for params in waits if params not in own_points)
        left = max(0, size if left is None else min(left, size))
    return None if left is None else len(trials) + left


class _OwnPoints:
    """`params in own_points`: a point of the sweep's own, counted space. Made once for many."""

    def __init__(self, sweep: Sweep) -> None:
        axis_of = grid_values if sweep.method == "grid" else support
        self._parameters = sweep.parameters
        self._rules = Rules(sweep.parameters, sweep.constraints)
        self._optional = {rule.path for rule in sweep.constraints.when}
        self._axes = [(p.path, _axis(axis_of(p.distribution))) for p in sweep.parameters]

    def __contains__(self, params: Params) -> bool:
        if self._rules.resolve(params) is None:
            return False
        values = flatten(params, self._parameters)
        return all(
            _on(axis, values[path])
            for path, axis in self._axes
            if path in values or path not in self._optional
        )


def _axis(values: Sequence[Value] | None) -> range | frozenset[str]:
    """What is asked whether a value is on it; nothing is on what cannot be counted."""
    if isinstance(values, range):
        return values
    if values is None or len(values) > MAX_LISTED:
        return frozenset()
    return frozenset(value_key(value) for value in values)


def _on(axis: range | frozenset[str], value: Value) -> bool:
    if isinstance(axis, range):
        return isinstance(value, int | float) and not isinstance(value, bool) and value in axis
    return value_key(value) in axis
