"""The place of each queued trial in the queue, for its row of the table. Pure."""

from collections.abc import Iterable

from msgspec.structs import replace

from tuiswp.tui.snapshot import TrialRow


class Queue:
    """`placed` gives a queued row its place; a row that stays as it is stays the same object."""

    def __init__(self) -> None:
        self._known: dict[int, tuple[TrialRow, TrialRow]] = {}  # as it was given, as it is shown

    def placed(self, rows: tuple[TrialRow, ...], order: Iterable[int]) -> tuple[TrialRow, ...]:
        """`order`: who waits, in the order in which they are to run."""
        place = {number: at for at, number in enumerate(order, 1)}
        if not place:
            self._known.clear()
            return rows
        return tuple(
            self._row(row, place[row.number]) if row.number in place else row for row in rows
        )

    def _row(self, row: TrialRow, at: int) -> TrialRow:
        known = self._known.get(row.number)
        if known is None or known[0] is not row or known[1].queue != at:
            known = self._known[row.number] = (row, replace(row, queue=at, place=f"q{at}"))
        return known[1]
