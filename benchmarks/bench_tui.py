"""The full screen, in a terminal of its own, on folders of runs that grow ten lines a second.

Every running trial is overlaid in the chart. The step of a line tells when it was written, so that
the age of what is on screen can be read off it. Takes about 80 seconds.
"""

import json
import os
import re
import shlex
import statistics
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil

from benchmarks.rows import Row, at_most, noted
from benchmarks.world import command, private_world

SIZE = (160, 45)
RATE = 10  # lines a second of each run
PREFILL = 200
WINDOW_S = 8.0
SETTLE_S = 2.0
KEYS = 24
STARTS = 3
MANY = 10_000
CPU_BARS = {1: 3.0, 8: 4.0, 50: 8.0}  # % of one core
AGE_BARS = {1: 0.7, 8: 0.7, 50: 0.8}  # seconds
_STEP = re.compile(r"^>?\s*t0000\s+running\s+(\d+)", re.MULTILINE)


def main() -> list[Row]:
    """What it costs to look at 1, 8 and 50 runs, at 50 that stand still, and to open 10,000."""
    rows: list[Row] = []
    with private_world() as place, _server(place) as terminal:
        for count in CPU_BARS:
            rows += _growing(terminal, place / f"runs{count}", count)
        rows += _still(terminal, place / "runs50")
        rows += _many(terminal, place / "many")
    return rows


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


# -- the terminal ------------------------------------------------------------------------------


class NotShown(Exception):
    """What was waited for did not come to the screen."""


class Terminal:
    """One window of a tmux server of its own."""

    def __init__(self, socket: str, stream: Path) -> None:
        self._socket, self._stream = socket, stream
        self._opened = 0
        self._name = ""

    def tmux(self, *arguments: str, check: bool = True) -> str:
        done = subprocess.run(
            ["tmux", "-L", self._socket, "-f", "/dev/null", *arguments],
            capture_output=True,
            text=True,
            check=check,
        )
        return done.stdout

    def open(self, folder: Path, ready: str) -> tuple[float, float]:
        """Start the program; seconds to its first sign and until `ready` (a pattern) shows."""
        self._opened += 1
        self._name = f"bench{self._opened}"
        program = shlex.join(command(folder))
        environment = "TERM=tmux-256color COLORTERM=truecolor"
        started = time.monotonic()
        self.tmux(
            "new-session", "-d", "-s", self._name, "-x", str(SIZE[0]), "-y", str(SIZE[1]),
            f"exec env {environment} {program}",
        )  # fmt: skip
        painted = self._until(lambda screen: screen.strip() != "")
        shown = self._until(lambda screen: re.search(ready, screen) is not None)
        return painted - started, shown - started

    def _until(self, holds: Callable[[str], bool], timeout_s: float = 20.0) -> float:
        deadline = time.monotonic() + timeout_s
        while not holds(self.screen()):
            if time.monotonic() > deadline:
                raise NotShown(f"not shown within {timeout_s:g} s:\n{self.screen()}")
            time.sleep(0.002)
        return time.monotonic()

    def screen(self, *, styled: bool = False) -> str:
        extra = ("-e",) if styled else ()
        return self.tmux("capture-pane", "-p", *extra, "-t", self._name)

    def record(self) -> None:
        """From now on, count what is written to this terminal."""
        self._stream.write_bytes(b"")
        self.tmux("pipe-pane", "-O", "-t", self._name, f"cat > {shlex.quote(str(self._stream))}")

    def written(self) -> int:
        return self._stream.stat().st_size

    def processes(self) -> list[psutil.Process]:
        pid = int(self.tmux("display-message", "-p", "-t", self._name, "#{pane_pid}"))
        first = psutil.Process(pid)
        return [first, *first.children(recursive=True)]

    def cpu_s(self) -> float:
        return sum(sum(process.cpu_times()[:2]) for process in self.processes())

    def resident_mb(self) -> float:
        return sum(process.memory_info().rss for process in self.processes()) / 2**20

    def press(self, key: str) -> float:
        """Seconds from a key to a screen that looks different in its left part."""
        before = self._left()
        started = time.monotonic()
        self.tmux("send-keys", "-t", self._name, key)
        while self._left() == before:
            if time.monotonic() - started > 3.0:
                raise NotShown(f"{key} changed nothing")
        return time.monotonic() - started

    def _left(self) -> list[str]:
        """The cursor's row: where the mark `>` stands, whatever else moves."""
        return [line[:7] for line in self.screen().splitlines() if line.startswith(">")]

    def close(self) -> None:
        self.tmux("kill-session", "-t", self._name)


@contextmanager
def _server(place: Path) -> Iterator[Terminal]:
    terminal = Terminal(f"tuiswp-bench-tui-{os.getpid()}", place / "written")
    terminal.tmux("new-session", "-d", "-s", "keeper", "sleep 600")  # the server stays up
    try:
        yield terminal
    finally:
        terminal.tmux("kill-server", check=False)


# -- what is measured --------------------------------------------------------------------------


def _growing(terminal: Terminal, folder: Path, count: int) -> list[Row]:
    """Cost and freshness while every run writes."""
    runs = Runs(folder, count)
    try:
        starts = []
        for start in range(STARTS if count == max(CPU_BARS) else 1):
            if start:
                terminal.close()
            starts.append(terminal.open(folder, r"t0000\s+running"))
        time.sleep(SETTLE_S)
        terminal.record()
        cpu, rate, ages = _watched(terminal, runs)
        rows = [
            at_most(f"{count} growing: CPU", cpu, CPU_BARS[count], "% of a core"),
            at_most(f"{count} growing: oldest data", max(ages), AGE_BARS[count], "s", places=2),
        ]
        if count != max(CPU_BARS):
            return rows
        keys = [terminal.press(("Down", "Up")[n % 2]) * 1e3 for n in _spaced(KEYS)]
        rows += [
            at_most(f"{count} growing: output", rate, 15, "KB/s"),
            at_most("key to change, median", statistics.median(keys), 25, "ms"),
            at_most("key to change, p95", statistics.quantiles(keys, n=20)[-1], 60, "ms"),
            at_most("first paint", statistics.median(s[0] for s in starts) * 1e3, 450, "ms"),
            noted("  first rows", f"{statistics.median(s[1] for s in starts) * 1e3:.0f} ms"),
            at_most(f"{count} growing: memory", terminal.resident_mb(), 60, "MB"),
        ]
        return rows
    finally:
        runs.close()
        terminal.close()


def _watched(terminal: Terminal, runs: Runs | None) -> tuple[float, float, list[float]]:
    """Over a while: % of a core, KB written a second, and the ages of the data on screen."""
    began, cpu, written = time.monotonic(), terminal.cpu_s(), terminal.written()
    ages: list[float] = []
    while time.monotonic() - began < WINDOW_S:
        found = _STEP.search(terminal.screen()) if runs is not None else None
        if found is not None and runs is not None:
            ages.append(time.time() - runs.began - int(found[1]) / RATE)
        time.sleep(0.05)
    took = time.monotonic() - began
    return (
        100.0 * (terminal.cpu_s() - cpu) / took,
        (terminal.written() - written) / took / 1e3,
        ages,
    )


def _spaced(count: int) -> Iterator[int]:
    """Numbers from 0, a third of a second apart."""
    for number in range(count):
        yield number
        time.sleep(0.3 + 0.013 * (number % 7))  # not in step with the half seconds of the reading


def _still(terminal: Terminal, folder: Path) -> list[Row]:
    """The same runs, when nobody writes any more."""
    terminal.open(folder, r"t0000\s+running")
    time.sleep(SETTLE_S)
    terminal.record()
    cpu, rate, _ = _watched(terminal, None)
    terminal.close()
    return [
        noted("50 standing still: CPU", f"{cpu:.1f} % of a core"),
        at_most("50 standing still: output", rate, 0.2, "KB/s", places=2),
    ]


def _many(terminal: Terminal, folder: Path) -> list[Row]:
    """Ten thousand runs that ended."""
    long_ago = time.time() - 3600.0
    for number in range(MANY):
        place = folder / f"run-{number:05d}"
        place.mkdir(parents=True)
        metrics = place / "metrics.jsonl"
        metrics.write_text("".join(_line(number, step) for step in range(3)))
        (place / "config.json").write_text(json.dumps({"lr": 1e-4, "seed": number}))
        os.utime(metrics, (long_ago, long_ago))
    try:
        _, shown = terminal.open(folder, r"t\d{4,5}\s+lost")
    except NotShown:
        shown = float("inf")
    terminal.close()
    return [at_most(f"{MANY:,} runs open", shown, 2, "s", places=2)]
