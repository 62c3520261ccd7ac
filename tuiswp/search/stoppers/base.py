"""What an early-stopping rule promises, and what it may look at. Pure: no clock, no files.

A verdict follows from the curves there are, not from when they came; so a controller that dies and
comes back stops the same trials. The one thing a rule may need of the past, which kill points a
trial has passed, is a fact of the journal and is handed in.
"""

import math
from bisect import bisect_left, bisect_right
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Protocol

import msgspec

from tuiswp.model.sweep import Goal

LISTED = 200  # kill points named one by one; a rule that looks more often is told by its period


class Curve(msgspec.Struct, frozen=True):
    """One trial's metric over the resource: `positions` ascend strictly, `values` are finite."""

    positions: Sequence[float]
    values: Sequence[float]

    def __len__(self) -> int:
        return len(self.positions)

    def reaches(self, point: float) -> bool:
        return bool(self.positions) and self.positions[-1] >= point

    def at(self, point: float) -> float | None:
        """The first value reported at `point` or beyond it; None: it is not there yet."""
        index = bisect_left(self.positions, point)
        return self.values[index] if index < len(self.values) else None

    def until(self, point: float) -> Sequence[float]:
        """Every value reported up to `point`, that one included."""
        return self.values[: bisect_right(self.positions, point)]


class Field(msgspec.Struct, frozen=True):
    """All that a rule may look at, by trial number.

    `curves`: of every trial that reported, whatever became of it. `stoppable`: who runs and is
    neither the baseline nor pinned. `finished`: who came to its proper end. `passed`: the highest
    kill point that each was judged at and survived. `settled`: whose curves are the same objects
    until something in them changes, so that a rule may remember what it made of them.
    """

    curves: Mapping[int, Curve]
    goal: Goal
    stoppable: Collection[int]
    finished: Collection[int] = ()
    passed: Mapping[int, float] = {}
    settled: Collection[int] = ()

    @property
    def sign(self) -> float:
        """Multiplied with a value, smaller is better."""
        return 1.0 if self.goal == "minimize" else -1.0

    def best(self, values: Iterable[float]) -> float:
        """The best of some values. Raises ValueError if there is none."""
        return (min if self.goal == "minimize" else max)(values)

    def judged(self) -> list[int]:
        """Who can be judged now, ascending: stoppable, and has reported."""
        return sorted(number for number in self.stoppable if len(self.curves.get(number, ())))


class Verdict(msgspec.Struct, frozen=True):
    """What a rule says of one trial at one kill point; `stop` False: it has passed it.

    `position`: where the trial was when judged. `value` and `threshold` are in the metric's own
    units; stopped means strictly worse. `rank` counts from 1 among the `of` trials compared at the
    point, itself included; `others` are those that were better. A rule that compares with nobody
    has rank 1 of 1.
    """

    trial: int
    rule: str
    kill_point: float
    position: float
    value: float
    threshold: float
    rank: int
    of: int
    others: tuple[int, ...] = ()
    stop: bool = True


class Outlook(msgspec.Struct, frozen=True):
    """What awaits a running trial, before it happens.

    `threshold`: as it stands at the next `kill_point`, from those who have been there; None while
    nobody has. `value`: what the trial shows now. `in_danger`: it would be stopped if it got there
    with this value and nobody else moved.
    """

    kill_point: float
    threshold: float | None
    value: float
    rank: int | None
    of: int
    in_danger: bool


class Plan(msgspec.Struct, frozen=True):
    """When a rule looks: at `points`, ascending; after the last, if `every` is set, so often again.

    `complete` False: more points follow beyond those listed.
    """

    points: tuple[float, ...]
    every: float | None = None
    complete: bool = True


class Stopper(Protocol):
    """One rule over one resource."""

    def plan(self, upto: float) -> Plan:
        """The kill points not beyond `upto`; none: it can never fire in such a run."""
        ...

    def judge(self, field: Field) -> tuple[Verdict, ...]:
        """What follows from the curves as they are, one verdict a trial at most."""
        ...

    def outlook(self, field: Field, trial: int) -> Outlook | None:
        """The next kill point of a trial; None if there is none or it has reported nothing."""
        ...


def standing(
    ranked: Sequence[tuple[float, int]], trial: int, value: float
) -> tuple[int, tuple[int, ...]]:
    """(rank, who is better) of `value` (times sign) among ranked ones; ties share the best rank."""
    better = tuple(number for other, number in ranked if other < value and number != trial)
    return len(better) + 1, better


def outlook_at(
    field: Field, trial: int, point: float, ranked: Sequence[tuple[float, int]], threshold: float
) -> Outlook:
    """The outlook of a trial on a point where those `ranked` have been."""
    now = field.sign * field.curves[trial].values[-1]
    rank, _ = standing(ranked, trial, now)
    known = math.isfinite(threshold)
    return Outlook(
        kill_point=point,
        threshold=field.sign * threshold if known else None,
        value=field.sign * now,
        rank=rank if ranked else None,
        of=len(ranked) + (all(number != trial for _, number in ranked)),
        in_danger=known and now > threshold,
    )
