"""The full screen, in a terminal of its own, on folders of runs that grow ten lines a second.

Every running trial is overlaid in the chart. The step of a line tells when it was written, so that
the age of what is on screen can be read off it. W&B LEET is measured beside it, in turn and in the
same way, where `LEET=/path/to/wandb` names one or a `wandb` is on the PATH: of two programs on a
machine that others use, the ratio says more than either figure. Takes about four minutes with LEET.
"""

import json
import os
import re
import shutil
import statistics
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from benchmarks import sweeps
from benchmarks.rows import Row, at_most, noted
from benchmarks.terminal import NotShown, Terminal, terminal
from benchmarks.world import command, private_world

RATE = 10  # lines a second of each run
PREFILL = 200
WINDOW_S = 8.0
SETTLE_S = 2.0
KEYS = 24
STARTS = 3
MANY, SOME = 10_000, 1_000
CPU_BARS = {1: 3.0, 8: 4.0, 50: 8.0}  # % of one core
AGE_BARS = {1: 0.7, 8: 0.7, 50: 0.8}  # seconds
MOST = max(CPU_BARS)
_STEP = re.compile(r"^>?\s*t0000\s+running\s+(\d+)", re.MULTILINE)
_CLOCK = re.compile(r"aclock\s+([0-9.]+)\s*$", re.MULTILINE)  # LEET's summary of a run
_DAY_S = 86400.0


class Cost(NamedTuple):
    """What a program cost while runs grew. `keys`: milliseconds from a key to a changed screen."""

    cpu: float
    written: float  # KB a second
    age: float  # seconds, at worst
    paint: float  # milliseconds
    ready: float
    memory: float  # MB
    keys: list[float]


def main() -> list[Row]:
    """What it costs to look at 1, 8 and 50 runs beside LEET, at 50 at rest, at 1,000 and 10,000."""
    rows: list[Row] = []
    with private_world() as place, terminal(place) as screen:
        leet = _leet()
        ours, theirs = {}, {}
        for count in CPU_BARS:
            ours[count] = _growing(screen, place / f"runs{count}", count)
            if leet is not None:
                theirs[count] = _leet_growing(screen, leet, place / f"wandb{count}", count)
        rows += _beside(ours, theirs)
        rows += _still(screen, place / f"runs{MOST}")
        rows += _finished(screen, place / "some")
        rows += _many_trials(screen, place / "trials")
        rows += _many_runs(screen, place / "many")
    return rows


def _beside(ours: dict[int, Cost], theirs: dict[int, Cost]) -> list[Row]:
    """The bars, and the figures of LEET under each."""
    rows: list[Row] = []
    unit = "% of a core"
    for count, bar in CPU_BARS.items():
        rows.append(at_most(f"{count} growing: CPU", ours[count].cpu, bar, unit))
        if count in theirs:
            rows.append(noted("  LEET", f"{theirs[count].cpu:.1f} {unit}"))
    for count, bar in AGE_BARS.items():
        rows.append(at_most(f"{count} growing: oldest data", ours[count].age, bar, "s", places=2))
        if count in theirs:
            rows.append(noted("  LEET", f"{theirs[count].age:.2f} s"))
    mine, other = ours[MOST], theirs.get(MOST)
    if other is not None:
        share = mine.cpu / other.cpu if other.cpu else float("inf")
        rows.insert(6, at_most(f"{MOST} growing: CPU by LEET's", share, 1 / 3, "", places=2))
    quick = 1.0 if other is None else other.paint
    for name, value, bar, unit, theirs_is in (
        ("output", mine.written, 15, "KB/s", other and other.written),
        ("memory", mine.memory, 60, "MB", other and other.memory),
        ("key to change, median", _median(mine.keys), 25, "ms", other and _median(other.keys)),
        ("key to change, p95", _p95(mine.keys), 60, "ms", other and _p95(other.keys)),
        ("first paint", mine.paint, 450, "ms", other and other.paint),
    ):
        rows.append(at_most(f"{MOST} growing: {name}", value, bar, unit))
        if theirs_is is not None:
            rows.append(noted("  LEET", f"{theirs_is:.1f} {unit}"))
    if other is None:
        rows.append(noted("LEET", "left out: LEET=/path/to/wandb names one"))
    else:
        rows.append(at_most("  first paint by LEET's", mine.paint / quick, 1, "", places=2))
    rows.append(noted("  first rows", f"{mine.ready:.0f} ms"))
    return rows


def _median(values: list[float]) -> float:
    return statistics.median(values) if values else float("nan")


def _p95(values: list[float]) -> float:
    return statistics.quantiles(values, n=20)[-1] if len(values) > 1 else float("nan")


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
        return _cost(screen, starts, age, _cursor, count)
    finally:
        runs.close()
        screen.close()


def _cost(
    screen: Terminal,
    starts: list[tuple[float, float]],
    age: Callable[[str], float | None],
    seen: Callable[[str], object],
    count: int,
) -> Cost:
    """What the program on screen costs from now on."""
    screen.record()
    cpu, written, ages = _watched(screen, age)
    memory = screen.resident_mb()
    keys = []
    if count == MOST:
        keys = [screen.press(("Down", "Up")[n % 2], seen) * 1e3 for n in _spaced(KEYS)]
    paint, ready = (statistics.median(start[n] for start in starts) * 1e3 for n in (0, 1))
    return Cost(cpu, written, max(ages, default=float("inf")), paint, ready, memory, keys)


def _cursor(shown: str) -> list[str]:
    """The cursor's row: where the mark `>` stands, whatever else moves."""
    return [line[:7] for line in shown.splitlines() if line.startswith(">")]


def _watched(
    screen: Terminal, age: Callable[[str], float | None]
) -> tuple[float, float, list[float]]:
    """Over a while: % of a core, KB written a second, and the ages of the data on screen."""
    began, cpu, written = time.monotonic(), screen.cpu_s(), screen.written()
    ages: list[float] = []
    while time.monotonic() - began < WINDOW_S:
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


def _leet() -> Path | None:
    """The `wandb` that has LEET; its Python stands beside it."""
    found = os.environ.get("LEET") or shutil.which("wandb")
    path = None if found is None else Path(found).absolute()
    return path if path is not None and path.with_name("python").exists() else None


def _leet_growing(screen: Terminal, leet: Path, folder: Path, count: int) -> Cost:
    """LEET, on as many runs that grow the same way, all of them overlaid."""
    folder.mkdir()

    def age(shown: str) -> float | None:
        found = _CLOCK.search(shown)
        return None if found is None else (time.time() - float(found[1])) % _DAY_S

    with _wandb_runs(leet, folder, count):
        try:
            starts = []
            for start in range(STARTS if count == MOST else 1):
                if start:
                    screen.close()
                program = [str(leet), "leet", str(folder / "wandb")]
                starts.append(screen.open(program, rf"Runs \[(\S+ of )?{count}[ \]]"))
            for _ in range(count - 1):  # the first is selected
                for key in ("Down", "Space"):
                    screen.type(key)
                    time.sleep(0.03)
            time.sleep(SETTLE_S)
            return _cost(screen, starts, age, _left, count)
        finally:
            screen.close()


def _left(shown: str) -> list[str]:
    """The list of runs, at the left, with the mark of the one that has the cursor."""
    return [line[:38] for line in shown.splitlines()]


@contextmanager
def _wandb_runs(leet: Path, folder: Path, count: int) -> Iterator[None]:
    """Offline runs that another Python writes until the block is over."""
    script = Path(__file__).with_name("wandb_runs.py")
    writer = subprocess.Popen(
        [leet.with_name("python"), script, folder, str(count), str(PREFILL), str(RATE)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )
    assert writer.stdin is not None and writer.stdout is not None
    try:
        for line in writer.stdout:
            if line.strip() == b"READY":
                break
        else:
            raise NotShown(f"{script} did not begin")
        yield
    finally:
        writer.stdin.close()
        writer.stdout.close()
        writer.wait()


# -- many that ended ---------------------------------------------------------------------------


def _still(screen: Terminal, folder: Path) -> list[Row]:
    """The same runs, when nobody writes any more."""
    screen.open(command(folder), r"t0000\s+running")
    time.sleep(SETTLE_S)
    screen.record()
    cpu, rate, _ = _watched(screen, lambda shown: None)
    screen.close()
    return [
        noted(f"{MOST} standing still: CPU", f"{cpu:.1f} % of a core"),
        at_most(f"{MOST} standing still: output", rate, 0.2, "KB/s", places=2),
    ]


_ACTIONS = (
    ("down", "Down"), ("page down", "PageDown"), ("last", "End"), ("first", "Home"),
    ("sort", "."), ("sort back", ","), ("reverse", "S"), ("mark", "Space"), ("filter", "/"),
    ("filter by a letter", "8"), ("no filter", "Escape"), ("open", "Enter"), ("back", "Escape"),
    ("results", "O"), ("back from results", "Escape"),
)  # fmt: skip


def _finished(screen: Terminal, folder: Path) -> list[Row]:
    """A thousand trials that ended: every key, from it to a changed screen."""
    screen.open(command(sweeps.finished(folder, SOME)), f"{SOME}/{SOME}")
    time.sleep(4.0)  # the old curves are read
    took: dict[str, float] = {}
    for _ in range(3):
        screen.type("Home")  # from where each of the keys changes something
        for name, key in _ACTIONS:
            time.sleep(0.6)
            took[name] = min(took.get(name, float("inf")), screen.press(key) * 1e3)
    screen.close()
    slowest = max(took, key=took.__getitem__)
    return [
        at_most(f"{SOME:,} finished: slowest key", took[slowest], 100, "ms"),
        noted("  which is", slowest),
        noted("  median of all keys", f"{_median(list(took.values())):.1f} ms"),
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
    """From the call to a table of all of them; then how it scrolls."""
    try:
        _, first = screen.open(command(folder), rf"t\d{{4,5}}\s+{state}")
        whole = screen.until(lambda shown: f"{MANY}/{MANY}" in shown) - screen.started
    except NotShown:
        return [at_most(f"{name} open", float("inf"), 2, "s")]
    keys = [screen.press(("PageDown", "Down")[n % 2], _cursor) * 1e3 for n in _spaced(12)]
    screen.close()
    return [
        at_most(f"{name} open, all in the table", whole, 2, "s", places=2),
        noted("  first rows", f"{first:.2f} s"),
        at_most(f"{name}: a key while it reads on, median", _median(keys), 100, "ms"),
    ]
