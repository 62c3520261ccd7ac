"""The full screen, in a terminal of its own, on folders of runs that grow ten lines a second.

Every running trial is overlaid in the chart. The step of a line tells when it was written, so that
the age of what is on screen can be read off it. W&B LEET is measured beside it, in turn and in the
same way, where `LEET=/path/to/wandb` names one or a `wandb` is on the PATH: of two programs on a
machine that others use, the ratio says more than either figure. Takes about four minutes with LEET.
What cannot be measured is a row that says why, and the others are measured all the same.
"""

import json
import os
import re
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple, TypeAlias

import psutil

from benchmarks import leet, sweeps
from benchmarks.rows import Row, at_most, failed, noted
from benchmarks.terminal import NotShown, Opened, Terminal, terminal
from benchmarks.world import command, private_world

RATE = 10  # lines a second of each run
PREFILL = 200
WINDOW_S = 8.0
STILL_S = 30.0  # long enough for the ages of runs to step
SETTLE_S = 2.0
KEYS = 24
STARTS = 3
MANY, SOME, POINTS = 10_000, 1_000, 1_000_000
CPU_BARS = {1: 3.0, 8: 4.0, 50: 8.0}  # % of one core
AGE_BARS = {1: 0.7, 8: 0.7, 50: 0.8}  # seconds
MOST = max(CPU_BARS)
_STEP = re.compile(r"^>?\s*t0000\s+running\s+(\d+)", re.MULTILINE)
_SORT = re.compile(r"sort \S+ \S")
_SHOWN = re.compile(r"\d+/\d{4,5}")
_NUMBERS = re.compile(r"└(.*)$", re.MULTILINE)
Part: TypeAlias = Callable[[], list[Row]]


class Cost(NamedTuple):
    """What a program cost while runs grew. `keys`: milliseconds from a key to a changed screen."""

    cpu: float
    written: float  # KB a second
    age: float  # seconds, at worst
    opened: Opened
    memory: float  # MB
    keys: list[float]


def main() -> list[Row]:
    """What it costs to look at 1, 8 and 50 runs beside LEET, at 50 at rest, and at very many."""
    rows: list[Row] = []
    with private_world() as place, terminal(place) as screen:
        program = leet.found()
        ours: dict[int, Cost] = {}
        theirs: dict[int, Cost] = {}
        lost: list[Row] = []
        still: list[Row] = []
        for count in CPU_BARS:
            with _attempt(f"{count} growing", screen, lost):
                ours[count] = _growing(screen, place / f"runs{count}", count)
            if count == MOST:  # before they have been silent for so long that they count as lost
                with _attempt(f"{count} standing still", screen, still):
                    still += _still(screen, place / f"runs{count}")
            if program is not None:
                with _attempt(f"{count} growing: LEET", screen, lost):
                    theirs[count] = _leet_growing(screen, program, place / f"wandb{count}", count)
        rows += [*_beside(ours, theirs), *still, *lost]
        parts: tuple[tuple[str, Part], ...] = (
            ("one long run", lambda: _long(screen, place / "long")),
            (f"{SOME:,} finished", lambda: _finished(screen, place / "some", SOME)),
            (f"{MANY:,} trials", lambda: _many_trials(screen, place / "trials")),
            (f"{MANY:,} runs", lambda: _many_runs(screen, place / "many")),
        )
        for name, part in parts:
            with _attempt(name, screen, rows):
                rows += part()
    return rows


@contextmanager
def _attempt(name: str, screen: Terminal, rows: list[Row]) -> Iterator[None]:
    """What goes wrong in the block is a row, and what it had on screen is said aside."""
    print(f"  {name} ...", file=sys.stderr, flush=True)
    try:
        yield
    except (NotShown, subprocess.SubprocessError, psutil.Error, OSError) as error:
        print(f"{type(error).__name__}: {error}", file=sys.stderr, flush=True)
        rows.append(failed(name, str(error).partition("\n")[0] or type(error).__name__))
    finally:
        screen.close()


def _beside(ours: dict[int, Cost], theirs: dict[int, Cost]) -> list[Row]:
    """The bars, and the figures of LEET under each."""
    rows: list[Row] = []
    for count, bar in CPU_BARS.items():
        if count in ours:
            mine, other = ours[count], theirs.get(count)
            rows += _pair(f"{count} growing: CPU", mine, other, bar, "% of a core", _cpu)
            if count == MOST and other is not None:
                share = _cpu(mine) / (_cpu(other) or float("nan"))
                rows.append(at_most(f"{count} growing: CPU by LEET's", share, 0.33, "", places=2))
    for count, bar in AGE_BARS.items():
        if count in ours:
            name = f"{count} growing: oldest data"
            rows += _pair(name, ours[count], theirs.get(count), bar, "s", lambda cost: cost.age, 2)
    if MOST not in ours:
        return rows
    mine, other = ours[MOST], theirs.get(MOST)
    for name, bar, unit, read in _AT_MOST:
        rows += _pair(f"{MOST} growing: {name}", mine, other, bar, unit, read)
    if other is None:
        rows.append(noted("LEET", "left out: LEET=/path/to/wandb names one"))
    else:
        share = mine.opened.paint / other.opened.paint
        rows.append(at_most(f"{MOST} growing: first paint by LEET's", share, 1, "", places=2))
    rows += _pair("  of it CPU", mine, other, None, "ms", lambda cost: cost.opened.paint_cpu * 1e3)
    rows += _pair("  first rows", mine, other, None, "ms", lambda cost: cost.opened.ready * 1e3)
    return rows


def _pair(
    name: str,
    mine: Cost,
    other: Cost | None,
    bar: float | None,
    unit: str,
    read: Callable[[Cost], float],
    places: int = 1,
) -> list[Row]:
    """Ours, and LEET's below it."""
    value = read(mine)
    row = noted(name, f"{value:.{places}f} {unit}")
    rows = [row if bar is None else at_most(name, value, bar, unit, places=places)]
    if other is not None:
        rows.append(noted("    LEET", f"{read(other):.{places}f} {unit}"))
    return rows


def _cpu(cost: Cost) -> float:
    return cost.cpu


def _median(values: list[float]) -> float:
    return statistics.median(values) if values else float("nan")


def _p95(values: list[float]) -> float:
    if len(values) < 2 or max(values) == float("inf"):
        return max(values, default=float("nan"))
    return statistics.quantiles(values, n=20)[-1]


_AT_MOST: tuple[tuple[str, float, str, Callable[[Cost], float]], ...] = (
    ("output", 15, "KB/s", lambda cost: cost.written),
    ("memory", 60, "MB", lambda cost: cost.memory),
    ("key to change, median", 25, "ms", lambda cost: _median(cost.keys)),
    ("key to change, p95", 60, "ms", lambda cost: _p95(cost.keys)),
    ("first paint", 450, "ms", lambda cost: cost.opened.paint * 1e3),
)


# -- what is looked at -------------------------------------------------------------------------


class Runs:
    """Run folders that grow in a thread. Step n is written n/RATE seconds after `began`."""

    def __init__(self, folder: Path, count: int) -> None:
        self._files = []
        for number in range(count):
            place = folder / f"run-{number:03d}"
            place.mkdir(parents=True)
            config = {"lr": 10.0 ** -(1 + number % 4), "width": 64 << number % 3, "seed": number}
            (place / "config.json").write_text(json.dumps(config))
            self._files.append((place / "metrics.jsonl").open("w", buffering=1))
        for step in range(PREFILL):
            self._write(step)
        self.began = time.time() - PREFILL / RATE
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._grow, daemon=True)
        self._thread.start()

    def _grow(self) -> None:
        step = PREFILL
        while not self._over.wait(max(0.0, self.began + step / RATE - time.time())):
            self._write(step)
            step += 1

    def _write(self, step: int) -> None:
        for number, file in enumerate(self._files):
            file.write(_line(number, step))

    def close(self) -> None:
        self._over.set()
        self._thread.join()
        for file in self._files:
            file.close()


def _line(number: int, step: int) -> str:
    """A falling loss with noise that is the same in every run of this."""
    loss = 0.2 + 2.3 / (1.0 + step * 10.0 ** -(1 + number % 4))
    noise = (step * 7919 + number * 104729) % 1009 / 1009 - 0.5
    return (
        f'{{"step": {step}, "train/loss": {loss + 0.1 * noise:.6f}, '
        f'"val/loss": {1.1 * loss + 0.15 * noise:.6f}, "val/acc": {1 - loss / 2.8:.6f}, '
        f'"lr": {10.0 ** -(1 + number % 4)}, "grad/norm": {1 + noise:.6f}}}\n'
    )


# -- what is measured --------------------------------------------------------------------------


def _growing(screen: Terminal, folder: Path, count: int) -> Cost:
    """Ours, while every run writes."""
    runs = Runs(folder, count)

    def age(shown: str) -> float | None:
        found = _STEP.search(shown)
        return None if found is None else time.time() - runs.began - int(found[1]) / RATE

    try:
        starts = []
        for start in range(STARTS if count == MOST else 1):
            if start:
                screen.close()
            starts.append(screen.open(command(folder), r"t0000\s+running"))
        time.sleep(SETTLE_S)
        return _cost(screen, starts, age, _cursor, ("Down", "Up"), count)
    finally:
        runs.close()


def _cost(
    screen: Terminal,
    starts: list[Opened],
    age: Callable[[str], float | None],
    seen: Callable[[str], object],
    to_and_fro: tuple[str, str],
    count: int,
) -> Cost:
    """What the program on screen costs from now on."""
    screen.record()
    cpu, written, ages = _watched(screen, age)
    memory = screen.resident_mb()
    keys = []
    if count == MOST:
        keys = [screen.press(to_and_fro[n % 2], seen) * 1e3 for n in _spaced(KEYS)]
    opened = Opened(*(statistics.median(column) for column in zip(*starts, strict=True)))
    return Cost(cpu, written, max(ages, default=float("inf")), opened, memory, keys)


def _cursor(shown: str) -> list[str]:
    """The mark `>` with the trial it stands at, and whether that is marked, whatever else moves."""
    return [line[:9] for line in shown.splitlines() if line.startswith(">")]


def _watched(
    screen: Terminal, age: Callable[[str], float | None], window_s: float = WINDOW_S
) -> tuple[float, float, list[float]]:
    """Over a while: % of a core, KB written a second, and the ages of the data on screen."""
    began, cpu, written = time.monotonic(), screen.cpu_s(), screen.written()
    ages: list[float] = []
    while time.monotonic() - began < window_s:
        found = age(screen.screen())
        if found is not None:
            ages.append(found)
        time.sleep(0.05)
    took = time.monotonic() - began
    return 100.0 * (screen.cpu_s() - cpu) / took, (screen.written() - written) / took / 1e3, ages


def _spaced(count: int) -> Iterator[int]:
    """Numbers from 0, a third of a second apart."""
    for number in range(count):
        yield number
        time.sleep(0.3 + 0.013 * (number % 7))  # not in step with the half seconds of the reading


# -- LEET --------------------------------------------------------------------------------------


def _leet_growing(screen: Terminal, wandb: Path, folder: Path, count: int) -> Cost:
    """LEET, on as many runs that grow the same way, all of them overlaid."""
    folder.mkdir()

    with leet.growing_runs(wandb, folder, count, PREFILL, RATE):
        starts = []
        for start in range(STARTS if count == MOST else 1):
            if start:
                screen.close()
            program = [str(wandb), "leet", str(folder / "wandb")]
            starts.append(screen.open(program, rf"Runs \[(\S+ of )?{count}[ \]]"))
        for _ in range(count - 1):  # the first is selected
            for key in ("Down", "Space"):
                screen.type(key)
                time.sleep(0.03)
        time.sleep(SETTLE_S)
        return _cost(screen, starts, leet.age, leet.listed, ("Up", "Down"), count)


# -- many that ended ---------------------------------------------------------------------------


def _still(screen: Terminal, folder: Path) -> list[Row]:
    """The same runs, when nobody writes any more."""
    screen.open(command(folder), r"t0000\s+running")
    time.sleep(SETTLE_S)
    screen.record()
    cpu, rate, _ = _watched(screen, lambda shown: None, STILL_S)
    return [
        noted(f"{MOST} standing still: CPU", f"{cpu:.1f} % of a core"),
        at_most(f"{MOST} standing still: output", rate, 0.2, "KB/s", places=2),
    ]


def _long(screen: Terminal, folder: Path) -> list[Row]:
    """A run of a million points: how soon the chart is there again after a key."""
    place = folder / "run-000"
    place.mkdir(parents=True)
    with (place / "metrics.jsonl").open("w") as file:
        for step in range(POINTS):
            file.write(
                f'{{"step": {step}, "loss": {2.0 / (1 + step) + (step * 7919 % 1009):.4f}}}\n'
            )
    opened = screen.open(command(folder), r"t0000\s+\w+\s+1M")
    time.sleep(SETTLE_S)
    screen.type("Tab")  # to the chart
    keys = [screen.press(key, _axis) * 1e3 for key in ("+", "+", "-", "-") for _ in _spaced(1)]
    return [
        noted(f"{POINTS:,} points: read", f"{opened.ready:.1f} s"),
        at_most(f"{POINTS:,} points: drawn after a key", max(keys), 100, "ms"),
    ]


def _axis(shown: str) -> list[str]:
    """The numbers under a chart, which a zoom changes."""
    return _NUMBERS.findall(shown)


def _sorted(shown: str) -> list[str]:
    return _SORT.findall(shown)


def _counted(shown: str) -> list[str]:
    return _SHOWN.findall(shown)


def _writing(shown: str) -> bool:
    """Whether the line to filter with is there."""
    return "lr>=1e-4" in shown


def _table(shown: str) -> bool:
    """Whether the table is on top."""
    return "trial state" in shown


# Each key with what it alone changes.
_ACTIONS: tuple[tuple[str, str, Callable[[str], object]], ...] = (
    ("down", "Down", _cursor), ("page down", "PageDown", _cursor), ("last", "End", _cursor),
    ("first", "Home", _cursor), ("sort", ".", _sorted), ("sort back", ",", _sorted),
    ("reverse", "S", _sorted), ("reverse again", "S", _sorted), ("mark", "Space", _cursor),
    ("unmark", "Space", _cursor), ("filter", "/", _writing), ("filter by a letter", "8", _counted),
    ("no filter", "Escape", _counted), ("open", "Enter", _table), ("back", "Escape", _table),
    ("results", "O", _table), ("back from results", "Escape", _table),
)  # fmt: skip


def _finished(screen: Terminal, folder: Path, count: int) -> list[Row]:
    """Trials that ended: every key, from it to the change that it makes, at worst of three."""
    screen.open(command(sweeps.finished(folder, count)), f"{count}/{count}")
    time.sleep(4.0)  # the old curves are read
    return _pressed(screen, count)


def _pressed(screen: Terminal, count: int, times: int = 3) -> list[Row]:
    took: dict[str, list[float]] = {name: [] for name, _, _ in _ACTIONS}
    for _ in range(times):
        screen.type("Home")  # from where each of the keys changes something
        for name, key, seen in _ACTIONS:
            time.sleep(0.35)
            took[name].append(screen.press(key, seen) * 1e3)
    worst = sorted(_ACTIONS, key=lambda action: max(took[action[0]]), reverse=True)[:3]
    every = [one for ones in took.values() for one in ones]
    said = ", ".join(f"{name} {max(took[name]):.0f}" for name, _, _ in worst)
    return [
        at_most(f"{count:,} finished: slowest key", max(every), 100, "ms"),
        noted("  the slowest", said),
        noted("  median of all keys", f"{_median(every):.1f} ms"),
    ]


def _many_trials(screen: Terminal, folder: Path) -> list[Row]:
    """A sweep of ten thousand trials that ended."""
    sweeps.finished(folder, MANY, steps=5)
    return _opened(screen, folder, f"{MANY:,} trials", "(done|failed)")


def _many_runs(screen: Terminal, folder: Path) -> list[Row]:
    """A folder of ten thousand runs that ended."""
    long_ago = time.time() - 3600.0
    for number in range(MANY):
        place = folder / f"run-{number:05d}"
        place.mkdir(parents=True)
        metrics = place / "metrics.jsonl"
        metrics.write_text("".join(_line(number, step) for step in range(3)))
        (place / "config.json").write_text(json.dumps({"lr": 1e-4, "seed": number}))
        os.utime(metrics, (long_ago, long_ago))
    return _opened(screen, folder, f"{MANY:,} runs", "lost")


def _opened(screen: Terminal, folder: Path, name: str, state: str) -> list[Row]:
    """From the call to a table of all of them, and how it scrolls meanwhile."""
    opened = screen.open(command(folder), rf"t\d{{4,5}}\s+{state}")
    try:
        whole = screen.until(lambda shown: f"{MANY}/{MANY}" in shown) - screen.started
    except NotShown:
        whole = float("inf")
    keys = [screen.press(("PageDown", "Down")[n % 2], _cursor) * 1e3 for n in _spaced(12)]
    return [
        at_most(f"{name} open, all in the table", whole, 2, "s", places=2),
        noted("  first rows", f"{opened.ready:.2f} s"),
        at_most(f"{name}: a key while it reads on, at worst", max(keys), 100, "ms"),
    ]
