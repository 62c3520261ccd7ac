"""The rows of all trials, each made again only when something of it changed. Reads nothing.

Ten thousand trials that ended cost a look at each whether it is the same, and nothing else.
"""

import heapq
from collections.abc import Callable, Iterable, Sequence

from tuiswp.model.trial import Trial
from tuiswp.tui.snapshot import TrialRow


class Ledger:
    """Rows in the order of the trials."""

    def __init__(self) -> None:
        self._trials: list[Trial] = []
        self._rows: list[TrialRow] = []
        self._made_for: object = None
        self._due: list[tuple[float, int, float]] = []  # a heap: when, which line, made when

    def rows(
        self,
        trials: Sequence[Trial],
        make: Callable[[Trial], TrialRow],
        *,
        touched: Iterable[int],
        made_for: object,
        now: float,
        shown_until: Callable[[Trial, float], float | None],
    ) -> tuple[TrialRow, ...]:
        """The rows of `trials`, which are by number.

        Made again: those of trials that are not the same object as before, of the numbers
        `touched`, of those whose time is over (`shown_until`, wall seconds), and all of them when
        `made_for` differs.
        """
        if made_for != self._made_for or not self._continue(trials):
            self._made_for = made_for
            self._trials, self._rows, self._due = [], [], []
        known = len(self._rows)
        stale = {
            line
            for line, (trial, old) in enumerate(zip(trials, self._trials, strict=False))
            if trial is not old
        }
        stale |= {line for number in touched if (line := _line(trials, number)) is not None}
        while self._due and self._due[0][0] <= now:
            stale.add(heapq.heappop(self._due)[1])
        stale = {line for line in stale if line < known}
        for line in (*sorted(stale), *range(known, len(trials))):
            trial = trials[line]
            row = make(trial)
            if line < known:
                self._rows[line] = row
            else:
                self._rows.append(row)
            until = shown_until(trial, now)
            if until is not None:
                heapq.heappush(self._due, (until, line, now))
        self._trials = list(trials)
        return tuple(self._rows)

    def _continue(self, trials: Sequence[Trial]) -> bool:
        """Whether the trials stand where they stood before, maybe with more behind them."""
        old = self._trials
        return len(trials) >= len(old) and all(
            trial is before or trial.number == before.number
            for trial, before in zip(trials, old, strict=False)
        )


def _line(trials: Sequence[Trial], number: int) -> int | None:
    """Where the trial of that number stands; nearly always at its number."""
    if number < len(trials) and trials[number].number == number:
        return number
    return next((line for line, trial in enumerate(trials) if trial.number == number), None)
