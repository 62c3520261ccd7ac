"""What the trials table costs the interface's thread: first show, one changed value, a page."""

import asyncio
import statistics
import time
from collections.abc import Sequence

from msgspec.structs import replace
from textual.app import App, ComposeResult

from benchmarks.rows import Row, at_most
from tuiswp.tui.snapshot import TrialRow
from tuiswp.tui.widgets.trials import Trials

NAMES = ("lr", "batch_size", "optimizer")
SIZE = (160, 45)
ROUNDS = 15


class Table(App[None]):
    """The table and nothing else."""

    def __init__(self) -> None:
        super().__init__()
        self.table = Trials()

    def compose(self) -> ComposeResult:
        yield self.table


def main() -> list[Row]:
    """Milliseconds at 160x45, medians; first shows and pages with drawing all that is in sight."""
    fews = [asyncio.run(_measure(1000)) for _ in range(3)]
    few = {name: statistics.median(one[name] for one in fews) for name in fews[0]}
    many = asyncio.run(_measure(10_000))
    return [
        at_most("table, 1,000 trials: first show", few["first"], 40, "ms"),
        at_most("table, 1,000 trials: one changed value", few["one"], 3, "ms", places=2),
        at_most("table, 1,000 trials: every age changed", few["ages"], 10, "ms", places=2),
        at_most("table, 10,000 trials: first show", many["first"], 300, "ms"),
        at_most("table, 10,000 trials: scroll a page", many["page"], 10, "ms", places=2),
    ]


async def _measure(count: int) -> dict[str, float]:
    app = Table()
    ones, ages, pages = [], [], []
    async with app.run_test(size=SIZE) as pilot:
        table = app.table
        rows = [_row(number) for number in range(count)]
        first = _show(table, rows, 0.0)
        for turn in range(ROUNDS):
            await pilot.pause()
            # Copies stand for a feed that makes every row anew.
            rows = [replace(row) for row in rows]
            rows[turn] = replace(rows[turn], value=0.5 + turn * 0.01)
            ones.append(_show(table, rows, 10.0 + turn, draw=False))
        for turn in range(ROUNDS):
            await pilot.pause()
            rows = [replace(row, age_s=(row.age_s or 0.0) + 60.0) for row in rows]
            ages.append(_show(table, rows, 100.0 + turn, draw=False))
        for _ in range(ROUNDS):
            await pilot.pause()
            began = time.perf_counter()
            table.action_page(1)
            _draw(table)
            pages.append((time.perf_counter() - began) * 1e3)
    median = statistics.median
    return {"first": first, "one": median(ones), "ages": median(ages), "page": median(pages)}


def _show(table: Trials, rows: Sequence[TrialRow], now: float, *, draw: bool = True) -> float:
    """Milliseconds to take `rows`, and with `draw` to draw every line in sight."""
    began = time.perf_counter()
    table.show(rows, NAMES, "val_loss", "minimize", now)
    if draw:
        _draw(table)
    return (time.perf_counter() - began) * 1e3


def _draw(table: Trials) -> None:
    table.render_lines(table.size.region)


def _row(number: int) -> TrialRow:
    is_running = number % 20 == 0
    return TrialRow(
        number=number,
        id=f"t{number:04d}",
        state="running" if is_running else "done",
        cause="" if is_running else "done",
        params=(f"{number % 97 + 1}e-5", str(2 ** (number % 7)), "adamw"),
        value=2.0 + (number * 7919 % 10007) / 5003,
        step=float(number % 2000),
        progress=number % 2000 / 2000,
        eta_s=100.0 if is_running else None,
        place="G0" if is_running else "",
        age_s=float(number % 5000),
        attempt=1,
        flags=("BEST",) if number == 3 else (),
        spark=tuple(4.0 / (1 + i) + number * 1e-4 for i in range(40)),
    )
