"""The journal as it was at any moment: checkpoints, so that going back a step replays little. Pure.

Records are told in their order; a clock that was set back does not make the past jump.
"""

from bisect import bisect_right
from collections.abc import Iterable

from tuiswp.controller.reducer import SweepState, replay
from tuiswp.model.events import Record

EVERY = 512  # records between two checkpoints at first; twice as many whenever there are too many
MOST = 64  # checkpoints kept: each holds a table of all trials


class Past:
    """`add` facts as they come, `at` a moment as often as one likes."""

    def __init__(self) -> None:
        self._records: list[Record] = []
        self._times: list[float] = []  # never falling
        self._states: list[SweepState] = [SweepState()]
        self._every = EVERY

    def add(self, records: Iterable[Record]) -> None:
        """More of the journal."""
        for record in records:
            before = self._times[-1] if self._times else record.t
            self._records.append(record)
            self._times.append(max(before, record.t))
        while len(self._states) * self._every <= len(self._records):
            start = (len(self._states) - 1) * self._every
            part = self._records[start : start + self._every]
            self._states.append(replay(part, self._states[-1]))
            if len(self._states) > MOST:
                del self._states[1::2]
                self._every *= 2

    def count(self, moment: float) -> int:
        """How many facts there were."""
        return bisect_right(self._times, moment)

    def at(self, moment: float) -> SweepState:
        """The state after every fact up to a moment; less than one checkpoint is replayed."""
        count = self.count(moment)
        known = min(count // self._every, len(self._states) - 1)
        return replay(self._records[known * self._every : count], self._states[known])

    @property
    def end(self) -> float:
        """When the newest fact was; 0 without one."""
        return self._times[-1] if self._times else 0.0
