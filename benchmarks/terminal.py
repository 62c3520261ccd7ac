"""A window of a tmux server of its own, and any program in it: what it shows, writes and costs."""

import os
import re
import shlex
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import psutil

SIZE = (160, 45)


DEAF_S = 3.0  # a key that did nothing for so long will do nothing


class NotShown(Exception):
    """What was waited for did not come to the screen."""


class Opened(NamedTuple):
    """Seconds from the call: to the first sign (and of CPU until then), and until it was ready."""

    paint: float
    paint_cpu: float
    ready: float


class Terminal:
    """One window of a tmux server of its own."""

    def __init__(self, socket: str, stream: Path) -> None:
        self._socket, self._stream = socket, stream
        self._opened = 0
        self._name = ""
        self.started = 0.0  # monotonic: when the program was

    def tmux(self, *arguments: str, check: bool = True) -> str:
        done = subprocess.run(
            ["tmux", "-L", self._socket, "-f", "/dev/null", *arguments],
            capture_output=True,
            text=True,
            check=check,
        )
        return done.stdout

    def open(self, program: Sequence[str], ready: str) -> Opened:
        """Start a program, and wait until `ready` (a pattern) shows."""
        self._opened += 1
        self._name = f"bench{self._opened}"
        environment = "TERM=tmux-256color COLORTERM=truecolor"
        started = self.started = time.monotonic()
        self.tmux(
            "new-session", "-d", "-s", self._name, "-x", str(SIZE[0]), "-y", str(SIZE[1]),
            f"exec env {environment} {shlex.join(program)}",
        )  # fmt: skip
        painted = self.until(lambda screen: screen.strip() != "")
        cpu = self.cpu_s()
        shown = self.until(lambda screen: re.search(ready, screen) is not None)
        return Opened(painted - started, cpu, shown - started)

    def until(self, holds: Callable[[str], bool], timeout_s: float = 20.0) -> float:
        """The moment at which the screen `holds`. Raises NotShown."""
        deadline = time.monotonic() + timeout_s
        while not holds(self.screen()):
            if time.monotonic() > deadline:
                raise NotShown(f"not shown within {timeout_s:g} s:\n{self.screen()}")
            time.sleep(0.005)  # each look costs a process, and so the program some of its time
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

    def press(self, key: str, seen: Callable[[str], object] = str) -> float:
        """Seconds from a key to a screen of which `seen` says something else; inf if it does not.

        `seen` tells only what the key itself changes, so that no tick is taken for its effect.
        """
        before = seen(self.screen())
        started = time.monotonic()
        self.type(key)
        while seen(self.screen()) == before:
            if time.monotonic() - started > DEAF_S:
                return float("inf")
        return time.monotonic() - started

    def type(self, key: str) -> None:
        self.tmux("send-keys", "-t", self._name, key)

    def close(self) -> None:
        """End the program, if it still runs."""
        self.tmux("kill-session", "-t", self._name, check=False)


@contextmanager
def terminal(place: Path) -> Iterator[Terminal]:
    """A terminal that is there as long as the block."""
    made = Terminal(f"tuiswp-bench-tui-{os.getpid()}", place / "written")
    made.tmux("new-session", "-d", "-s", "keeper", "sleep 900")  # the server stays up
    try:
        yield made
    finally:
        made.tmux("kill-server", check=False)
