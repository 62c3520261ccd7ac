"""Launching: a hundred windows beside a hundred bare processes, with and without the supervisor."""

import statistics
import subprocess
import sys
import time
import uuid
from pathlib import Path

from benchmarks.rows import Row, at_most, noted
from benchmarks.world import private_world
from tuiswp.launchers.base import Job
from tuiswp.launchers.tmux import TmuxLauncher, Window

COUNT = 100
ROUNDS = 5


def main() -> list[Row]:
    """The ratio, both sides of it, and what the supervisor adds."""
    with private_world() as place:
        launcher = TmuxLauncher("bench")
        bare: list[float] = []
        windows: list[float] = []
        launcher.open_windows([_window(_program(place / "warm"))])  # opens server and session
        _wait(place / "warm", 1)
        for number in range(ROUNDS):
            bare.append(_bare(place / f"bare{number}"))
            windows.append(_windows(launcher, place / f"windows{number}"))
        supervised = _supervised(launcher, place / "supervised")
        launcher.close()
    ratio = statistics.median(w / b for w, b in zip(windows, bare, strict=True))
    return [
        at_most(
            f"{COUNT} windows until each ran a command / {COUNT} bare Popen", ratio, 4, "times"
        ),
        noted(f"  {COUNT} windows", f"{statistics.median(windows) * 1e3:.0f} ms"),
        noted(f"  {COUNT} bare Popen of the same", f"{statistics.median(bare) * 1e3:.0f} ms"),
        noted(f"  {COUNT} attempts, each with its supervisor", f"{supervised * 1e3:.0f} ms"),
    ]


def _program(place: Path) -> Path:
    """A program whose first command leaves one byte in `place/ran`; it then stays a while."""
    place.mkdir()
    program = place / "program"
    program.write_text(f"echo >> {place}/ran\nexec sleep 2\n")
    return program


def _window(program: Path) -> Window:
    return Window("bench", "", ("/bin/sh", str(program)))


def _wait(place: Path, count: int) -> None:
    """Until `count` programs have run their first command."""
    ran = place / "ran"
    while not ran.exists() or ran.stat().st_size < count:
        time.sleep(0.001)


def _bare(place: Path) -> float:
    program = _program(place)
    started = time.perf_counter()
    processes = [subprocess.Popen(["/bin/sh", program]) for _ in range(COUNT)]
    _wait(place, COUNT)
    taken = time.perf_counter() - started
    for process in processes:
        process.kill()
        process.wait()
    return taken


def _windows(launcher: TmuxLauncher, place: Path) -> float:
    windows = [_window(_program(place))] * COUNT
    started = time.perf_counter()
    launcher.open_windows(windows)
    _wait(place, COUNT)
    taken = time.perf_counter() - started
    time.sleep(2.5)  # the windows close by themselves, and must not disturb what is measured next
    return taken


def _supervised(launcher: TmuxLauncher, place: Path) -> float:
    program = _program(place)
    jobs = []
    for number in range(COUNT):
        attempt = place / f"{number}"
        attempt.mkdir()
        jobs.append(
            Job(
                id=f"t{number:04d}.1",
                token=uuid.uuid4().hex,
                argv=("/bin/sh", str(program)),
                cwd=str(place),
                env={"PATH": "/usr/bin:/bin"},
                trial_dir=str(attempt),
                attempt_dir=str(attempt),
            )
        )
    started = time.perf_counter()
    launcher.start(jobs)
    _wait(place, COUNT)
    return time.perf_counter() - started


if __name__ == "__main__":
    for name, value, bar, _ in main():
        sys.stdout.write(f"{name}  {value}  {bar}\n")
