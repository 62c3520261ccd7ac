"""Which rows the trials table shows, in which order, where the cursor is, what is marked.

No Textual and no clock: time comes in with the calls. The cursor belongs to a trial, not to a line.
"""

import math
from bisect import bisect_left
from collections.abc import Callable, Sequence

from tuiswp.model.sweep import Goal
from tuiswp.model.trial import STATES
from tuiswp.tui import query
from tuiswp.tui.columns import METRIC, PARAM
from tuiswp.tui.snapshot import TrialRow

FREEZE_S = 3.0
CALM_S = 2.0  # what runs changes places no oftener: a table in motion cannot be read
_PLACE_OF_STATE = {state: float(place) for place, state in enumerate(STATES)}
_QUEUE = 1e9  # more than can wait: who waits stands in the order of the queue

_Key = tuple[int, float, str]  # numbers before texts


class Ordering:
    """`order`: the trials shown, by number; `pending`: how many rows would move but are held.

    While the cursor moved within the last `FREEZE_S` seconds rows keep their places and rows that
    no longer match the filter stay; new trials join at the end.
    """

    def __init__(self) -> None:
        self.rows: dict[int, TrialRow] = {}
        self.order: list[int] = []
        self.place: dict[int, int] = {}
        self.cursor: int | None = None
        self.marks: set[int] = set()
        self.sort, self.down = "value", False
        self.query, self.pending = "", 0
        self._names: tuple[str, ...] = ()
        self._logged: tuple[str, ...] = ()
        self._goal: Goal = "minimize"
        self._test: query.Test | None = None
        self._anchor: int | None = None
        self._moved_at: float | None = None
        self._moved = False
        self._arranged_at, self._behind = float("-inf"), False

    def show(
        self,
        rows: Sequence[TrialRow],
        names: Sequence[str],
        goal: Goal,
        now: float,
        logged: Sequence[str] = (),
    ) -> list[TrialRow]:
        """Take what is true now; returns the rows that are new or changed."""
        known = self.rows
        changed = [
            row
            for row in rows
            if (old := known.get(row.number)) is None or (old is not row and old != row)
        ]
        given = (tuple(names), tuple(logged), goal)
        renamed = given != (self._names, self._logged, self._goal)
        if self._moved:
            self._moved, self._moved_at = False, now
        if renamed:
            self._names, self._logged, self._goal = given
            self._reread()
        if changed or len(rows) != len(known):
            self.rows = {row.number: row for row in rows}
            self.marks &= self.rows.keys()
        if not (renamed or self.pending or self._behind) and self._stands(rows, changed, known):
            return changed
        held = self._moved_at is not None and 0 <= now - self._moved_at < FREEZE_S
        alike = not renamed and len(rows) == len(known) and _only_values(changed, known)
        if alike and not self.pending and 0 <= now - self._arranged_at < CALM_S:
            self._behind = self._behind or bool(changed)
        elif not alike or changed or self.pending or self._behind:
            self._arranged_at, self._behind = now, False
            self._arrange(held=held)
        return changed

    def _stands(
        self, rows: Sequence[TrialRow], changed: Sequence[TrialRow], known: dict[int, TrialRow]
    ) -> bool:
        """Whether the order holds as it is: in what changed nothing is sorted or filtered by."""
        test = self._test
        return len(rows) == len(known) and all(
            (old := known.get(row.number)) is not None
            and self._key(old) == self._key(row)
            and (test is None or test(old) == test(row))
            for row in changed
        )

    def sort_by(self, name: str) -> bool:
        """Sort by a column or a parameter, applied at once; False if there is none of that name."""
        key = name if name in _READ or name.startswith((PARAM, METRIC)) else PARAM + name
        if not self._has(key):
            return False
        self.sort, self.down = key, key == "value" and self._goal == "maximize"
        self._arrange(held=False)
        return True

    def reverse(self) -> None:
        self.down = not self.down
        self._arrange(held=False)

    def filter(self, text: str) -> str | None:
        """Show only what `text` asks for; a wrong one changes nothing and its fault is returned."""
        try:
            self._test = query.parse(text, self._names)
        except query.QueryError as error:
            return str(error)
        self.query = text.strip()
        self._arrange(held=False)
        return None

    def move_to(self, index: int, now: float | None) -> None:
        """Put the cursor on the row at `index`, as near as there is one."""
        if now is None:
            self._moved = True
        else:
            self._moved_at = now
        if self.order:
            self.cursor = self.order[max(0, min(len(self.order) - 1, index))]

    @property
    def is_usual(self) -> bool:
        """True while it is sorted as where nobody chose: by the objective, the best first."""
        return self.sort == "value" and self.down == (self._goal == "maximize")

    @property
    def line(self) -> int:
        """The index of the cursor's row; 0 without one."""
        return 0 if self.cursor is None else self.place.get(self.cursor, 0)

    @property
    def hint(self) -> str:
        """`2 rows would move` while the sort is held, else nothing."""
        if not self.pending:
            return ""
        return f"{self.pending} row{'s' * (self.pending != 1)} would move"

    def toggle_mark(self) -> None:
        if self.cursor is not None:
            self.marks ^= {self.cursor}
            self._anchor = self.cursor

    def mark_range(self) -> None:
        """Mark every row from the one marked last to the cursor."""
        if self.cursor is None:
            return
        here = self.line
        there = here if self._anchor is None else self.place.get(self._anchor, here)
        self.marks.update(self.order[min(here, there) : max(here, there) + 1])
        self._anchor = self.cursor

    def invert_marks(self) -> None:
        """Swap marked and unmarked among the rows shown; marks out of sight stay."""
        self.marks ^= set(self.order)

    def clear_marks(self) -> None:
        self.marks.clear()
        self._anchor = None

    def selection(self) -> tuple[int, ...]:
        """The marked trials, by number; without marks that of the cursor."""
        if self.marks:
            return tuple(sorted(self.marks))
        return () if self.cursor is None else (self.cursor,)

    def _reread(self) -> None:
        """The filter and the sort mean the same words of another table, if it has them."""
        try:
            self._test = query.parse(self.query, self._names)
        except query.QueryError:
            self._test, self.query = None, ""
        if self.sort == "value":
            self.down = self._goal == "maximize"
        elif not self._has(self.sort):
            self.sort, self.down = "value", self._goal == "maximize"

    def _has(self, key: str) -> bool:
        if key.startswith(METRIC):
            return key.removeprefix(METRIC) in self._logged
        return key in _READ or key.removeprefix(PARAM) in self._names

    def _arrange(self, *, held: bool) -> None:
        wanted = self._wanted()
        line = self.line
        if not held:
            self.order, self.pending = wanted, 0
        else:
            kept = [number for number in self.order if number in self.rows]
            known = self.place.keys()
            self.order = kept + [number for number in wanted if number not in known]
            self.pending = _moves(self.order, wanted)
        self.place = {number: index for index, number in enumerate(self.order)}
        if self.cursor not in self.place:
            end = len(self.order) - 1
            self.cursor = self.order[min(line, end)] if self.order else None

    def _wanted(self) -> list[int]:
        test = self._test
        shown = sorted(n for n, row in self.rows.items() if test is None or test(row))
        if self.sort == "value":
            return self._by_value(shown)
        keys = {number: self._key(self.rows[number]) for number in shown}
        with_key = [(key, number) for number in shown if (key := keys[number]) is not None]
        with_key.sort(key=lambda pair: pair[0], reverse=self.down)
        return [n for _, n in with_key] + [n for n in shown if keys[n] is None]

    def _by_value(self, shown: list[int]) -> list[int]:
        rows = self.rows
        sign = -1.0 if self.down else 1.0
        valued: list[tuple[float, int]] = []
        without: list[int] = []
        for number in shown:
            value = rows[number].value
            if value is None or not math.isfinite(value):
                without.append(number)
            else:
                valued.append((sign * value, number))
        valued.sort()
        return [number for _, number in valued] + without

    def _key(self, row: TrialRow) -> _Key | None:
        """What a row is sorted by; None goes to the end, either way round."""
        read = _READ.get(self.sort)
        if read is not None:
            return _as_key(read(row))
        if self.sort.startswith(METRIC):
            index = self._logged.index(self.sort.removeprefix(METRIC))
            return _as_key(row.logged[index] if index < len(row.logged) else None)
        index = self._names.index(self.sort.removeprefix(PARAM))
        return _as_key(row.params[index] if index < len(row.params) else None)


_READ: dict[str, Callable[[TrialRow], float | str | None]] = {
    "id": lambda row: str(row.number),
    "state": lambda row: _PLACE_OF_STATE[row.state] + (row.queue or 0) / _QUEUE,
    "step": lambda row: row.step,
    "progress": lambda row: row.progress,
    "left": lambda row: row.eta_s,
    "value": lambda row: row.value,
    "trend": lambda row: row.value,
    "place": lambda row: row.place or None,
    "age": lambda row: row.age_s,
    "attempt": lambda row: float(row.attempt),
    "flags": lambda row: " ".join(row.flags) or None,
}


def _as_key(value: float | str | None) -> _Key | None:
    if value is None:
        return None
    if isinstance(value, str):
        parsed = query.number(value)
        return (1, 0.0, value.casefold()) if parsed is None else (0, parsed, "")
    return None if math.isnan(value) else (0, value, "")


def _moves(old: Sequence[int], new: Sequence[int]) -> int:
    """How many rows leave their place among the others on the way from `old` to `new`."""
    if old == new:
        return 0
    place = {number: index for index, number in enumerate(new)}
    tails: list[int] = []  # of ever longer ascending runs: those rows can stay
    for number in old:
        at = place.get(number)
        if at is None:
            continue
        where = bisect_left(tails, at)
        if where == len(tails):
            tails.append(at)
        else:
            tails[where] = at
    return max(len(old), len(new)) - len(tails)


def _only_values(changed: Sequence[TrialRow], known: dict[int, TrialRow]) -> bool:
    """True if no row came, began or ended: what runs only says other numbers."""
    return all(
        row.state == "running"
        and (old := known.get(row.number)) is not None
        and old.state == "running"
        for row in changed
    )
