"""What the controller costs while 64 trials run and each reports ten times a second; then it is
killed, and the next one finds them.
"""

import statistics
import subprocess
import time
from contextlib import suppress
from pathlib import Path

from benchmarks.rows import Row, at_most, exactly, noted
from benchmarks.world import (
    command,
    cpu_seconds,
    private_world,
    resident_mb,
    state_of,
    wait_for,
    write_sweep,
)
from tuiswp import proc
from tuiswp.model.trial import Running

TRIALS = 64
SECONDS = 20.0

# The cheapest honest trial: a real process that appends a real line ten times a second.
WRITER = """\
import os, time
fd = os.open(os.environ["TUISWP_METRICS"], os.O_WRONLY | os.O_CREAT | os.O_APPEND)
step = 0
next_line = time.monotonic()
while True:
    step += 1
    os.write(fd, b'{"step": %d, "loss": %.4f, "progress": 0.1}\\n' % (step, 2 + 1 / step))
    next_line += 0.1
    time.sleep(max(0.0, next_line - time.monotonic()))
"""


def main() -> list[Row]:
    """CPU over 20 s from /proc/PID/stat, memory from /proc/PID/statm, of `tuiswp --batch`."""
    with private_world() as place:
        (place / "writer.py").write_text(WRITER)
        source = write_sweep(
            place / "sweep.json",
            name="many",
            method="grid",
            metric={"name": "loss", "goal": "minimize"},
            parameters={"seed": {"values": list(range(TRIALS))}},
            command=["/usr/bin/env", "python3", "-I", "-S", str(place / "writer.py")],
            tuiswp={"max_parallel": TRIALS, "grace_s": 1},
        )
        batch = subprocess.Popen(
            command("--batch", source),
            cwd=place,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
        )
        directory = place / "sweeps" / "many"
        successor: subprocess.Popen[bytes] | None = None
        try:
            rows = measured(directory)
            batch.kill()
            batch.wait()
            started = time.monotonic()
            successor = subprocess.Popen(
                command("_controller", directory),
                cwd=place,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
            )
            return [*rows, *readopted(directory, successor.pid, started)]
        finally:
            subprocess.run(
                command("stop", "--now", place / "sweeps" / "many"),
                stdout=subprocess.DEVNULL,
                check=False,
            )
            for process in (batch, successor):
                if process is not None:
                    process.terminate()
                    process.wait()


def measured(directory: Path) -> list[Row]:
    """The rows, once all trials run and have reported."""
    wait_for("the sweep's journal", (directory / "journal.jsonl").exists)
    wait_for("all trials run", lambda: len(running(directory)) == TRIALS, 120.0)
    files = [directory / "trials" / name / "metrics.jsonl" for name in running(directory)]
    wait_for("every trial reports", lambda: all(file.exists() for file in files))
    controller = state_of(directory).controller
    assert controller is not None
    time.sleep(2.0)  # the burst of starting them all is over
    lines, cpu, memory = count(files), cpu_seconds(controller), [resident_mb(controller)]
    started = time.monotonic()
    while time.monotonic() - started < SECONDS:
        time.sleep(1.0)
        memory.append(resident_mb(controller))
    elapsed = time.monotonic() - started
    share = 100 * (cpu_seconds(controller) - cpu) / elapsed
    rate = (count(files) - lines) / elapsed
    return [
        exactly("controller: trials that run meanwhile", len(running(directory)), TRIALS),
        noted("controller: lines a second and trial", f"{rate / TRIALS:.1f}"),
        at_most(f"controller: CPU with {TRIALS} trials, of one core", share, 5, "%"),
        at_most("controller: memory, highest", max(memory), 80, "MB", places=0),
        noted("controller: memory, median", f"{statistics.median(memory):.0f} MB"),
    ]


def readopted(directory: Path, controller: int, started: float) -> list[Row]:
    """How soon the next controller watches what the killed one left running, untouched."""
    before = {trial.id: trial.status for trial in state_of(directory).live()}
    wait_for("the next controller watches all", lambda: watched(controller) == TRIALS)
    took = time.monotonic() - started
    time.sleep(1.0)  # whatever it would do to them, it would have begun
    after = {trial.id: trial.status for trial in state_of(directory).live()}
    alive = [
        status
        for name, status in before.items()
        if isinstance(status, Running)
        and after.get(name) == status
        and proc.is_alive(status.supervisor)
        and proc.is_alive(status.training)
    ]
    return [
        at_most(f"controller: killed, {TRIALS} live trials watched by the next", took, 2, "s"),
        exactly("controller: trials that noticed", TRIALS - len(alive), 0),
    ]


def watched(controller: int) -> int:
    """How many supervisors a controller waits for: the pidfds it holds."""
    found = 0
    for link in Path(f"/proc/{controller}/fd").glob("*"):
        with suppress(OSError):
            found += str(link.readlink()) == "anon_inode:[pidfd]"
    return found


def running(directory: Path) -> list[str]:
    return [t.id for t in state_of(directory).live() if isinstance(t.status, Running)]


def count(files: list[Path]) -> int:
    """Lines written so far."""
    return sum(file.read_bytes().count(b"\n") for file in files)
