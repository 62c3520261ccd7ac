"""What an early-stopping rule would have done: recorded curves run again, in parallel, under it.

A replay in discrete events: so many workers take the trials in order, each report arrives after
what it cost, the rule judges whatever runs, and a stopped trial frees its worker. Pure: no files,
no clock. What a trial that was cut short while it was recorded would have become is not known, so
it can neither win nor count as finished.
"""

from collections.abc import Collection, Mapping, Sequence
from heapq import heappop, heappush
from itertools import pairwise

import msgspec

from tuiswp.model.stopper import Rule
from tuiswp.model.sweep import Goal
from tuiswp.search.stoppers.base import Curve, Field, Stopper, Verdict
from tuiswp.search.stoppers.rules import stopper_for


class Recorded(msgspec.Struct, frozen=True):
    """What is known of a sweep that ran.

    `costs`: per trial, what it had cost by each report, in any unit of compute; a trial that is
    left out cost one for each report. `finals`: the number each complete trial is judged by, which
    may be of another metric (`final_goal`); who has one came to its end.
    """

    curves: Mapping[int, Curve]
    goal: Goal
    finals: Mapping[int, float]
    final_goal: Goal
    costs: Mapping[int, Sequence[float]] = {}
    spared: Collection[int] = ()


class Stop(msgspec.Struct, frozen=True):
    """A trial the rule would have ended: by which verdict, and what that saves.

    `final`: what it came to in the record; None: it did not come to its end there either.
    """

    verdict: Verdict
    spent: float
    whole: float
    final: float | None


class Survivor(msgspec.Struct, frozen=True):
    """A trial that comes to its end. `used`: the compute of all trials until then."""

    trial: int
    final: float | None
    used: float


class Replay(msgspec.Struct, frozen=True):
    """`stops` and `survivors` in the order in which they happen; `whole` is without the rule.

    `best`: of all trials; `kept`: of the survivors. `regret`: how much worse the second is, None if
    nobody who has a value survives. `rank`: of `kept` among all, from 1.
    """

    stops: tuple[Stop, ...]
    survivors: tuple[Survivor, ...]
    spent: float
    whole: float
    best: int | None
    kept: int | None
    regret: float | None
    rank: int | None

    @property
    def saved(self) -> float:
        """The share of the compute that the rule saves."""
        return 1.0 - self.spent / self.whole if self.whole > 0 else 0.0


def simulate(
    recorded: Recorded, rule: Rule, *, workers: int = 4, order: Sequence[int] | None = None
) -> Replay:
    """Run the record again under `rule`; trials begin in `order` (default: by number)."""
    return simulate_with(stopper_for(rule), recorded, workers=workers, order=order)


def simulate_with(
    stopper: Stopper, recorded: Recorded, *, workers: int = 4, order: Sequence[int] | None = None
) -> Replay:
    """The same under any stopper."""
    line = [n for n in (sorted(recorded.curves) if order is None else order) if _runs(recorded, n)]
    again = _Again(stopper, recorded)
    waiting = line[::-1]
    for _ in range(min(max(1, workers), len(line))):
        again.begin(waiting.pop(), 0.0)
    while again.events:
        for clock in again.step():
            if waiting:
                again.begin(waiting.pop(), clock)
    return _summary(recorded, line, again)


class _Again:
    """The state of one replay."""

    def __init__(self, stopper: Stopper, recorded: Recorded) -> None:
        self._stopper = stopper
        self._recorded = recorded
        self.events: list[tuple[float, int, int]] = []  # when, trial, which report
        self._begun: dict[int, float] = {}  # of what runs
        self._curves: dict[int, Curve] = {}
        self._settled: set[int] = set()
        self._finished: set[int] = set()
        self._passed: dict[int, float] = {}
        self._seen: dict[int, int] = {}  # reports, of what runs
        self.used = 0.0
        self.stops: list[Stop] = []
        self.survivors: list[Survivor] = []

    def begin(self, trial: int, clock: float) -> None:
        self._begun[trial] = clock
        heappush(self.events, (clock + cost_at(self._recorded, trial, 0), trial, 0))

    def step(self) -> list[float]:
        """One report arrives; the times at which workers became free by it."""
        clock, trial, index = heappop(self.events)
        if trial not in self._begun:
            return []  # it was stopped before that report
        curve = self._recorded.curves[trial]
        before = cost_at(self._recorded, trial, index - 1) if index else 0.0
        self.used += cost_at(self._recorded, trial, index) - before
        if index + 1 == len(curve):
            self._end(trial, curve)
            return [clock, *self._judge(clock)]
        self._curves[trial] = Curve(curve.positions[: index + 1], curve.values[: index + 1])
        self._seen[trial] = index
        free = self._judge(clock)
        if trial in self._begun:
            due = self._begun[trial] + cost_at(self._recorded, trial, index + 1)
            heappush(self.events, (due, trial, index + 1))
        return free

    def _end(self, trial: int, curve: Curve) -> None:
        del self._begun[trial]
        self._curves[trial] = curve
        self._settled.add(trial)
        final = self._recorded.finals.get(trial)
        if final is not None:
            self._finished.add(trial)
        self.survivors.append(Survivor(trial, final, self.used))

    def _judge(self, clock: float) -> list[float]:
        field = Field(
            self._curves,
            self._recorded.goal,
            self._begun.keys() - set(self._recorded.spared),
            self._finished,
            self._passed,
            self._settled,
        )
        free = []
        for verdict in self._stopper.judge(field):
            trial = verdict.trial
            if not verdict.stop:
                self._passed[trial] = verdict.kill_point
            elif trial in self._begun:
                del self._begun[trial]
                self._settled.add(trial)
                whole = cost_at(self._recorded, trial, len(self._recorded.curves[trial]) - 1)
                spent = cost_at(self._recorded, trial, self._seen[trial])
                final = self._recorded.finals.get(trial)
                self.stops.append(Stop(verdict, spent, whole, final))
                free.append(clock)
        return free


def _runs(recorded: Recorded, trial: int) -> bool:
    return len(recorded.curves.get(trial, ())) > 0


def cost_at(recorded: Recorded, trial: int, index: int) -> float:
    """What a trial had cost by its report number `index`, from 0."""
    costs = recorded.costs.get(trial)
    return float(index + 1) if costs is None else costs[index]


def _summary(recorded: Recorded, line: Sequence[int], again: _Again) -> Replay:
    sign = 1.0 if recorded.final_goal == "minimize" else -1.0
    ranked = sorted((sign * recorded.finals[n], n) for n in line if n in recorded.finals)
    through = {one.trial for one in again.survivors}
    kept = next((pair for pair in ranked if pair[1] in through), None)
    return Replay(
        tuple(again.stops),
        tuple(again.survivors),
        again.used,
        sum(cost_at(recorded, n, len(recorded.curves[n]) - 1) for n in line),
        ranked[0][1] if ranked else None,
        None if kept is None else kept[1],
        None if kept is None else kept[0] - ranked[0][0],
        None if kept is None else ranked.index(kept) + 1,
    )


def is_rising(costs: Sequence[float]) -> bool:
    """Whether these can be costs by report: known, and never falling."""
    return bool(costs) and costs[0] >= 0 and all(a <= b for a, b in pairwise(costs))
