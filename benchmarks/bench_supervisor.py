"""The supervisor: how long it holds up the training's first instruction, and what it weighs."""

import json
import statistics
import subprocess
import sys
import time
import uuid
from pathlib import Path

import msgspec

from benchmarks.rows import Row, at_most, noted
from benchmarks.world import private_world
from tuiswp.launchers import supervisor
from tuiswp.launchers.attempt import log_tail, write_spec
from tuiswp.launchers.base import Job, StartRecord

ROUNDS = 30
CLOCK = ("/bin/date", "+%s.%N")  # its first act is to look at the clock


def main() -> list[Row]:
    """The promises, and the same program without a supervisor as the floor."""
    with private_world() as place:
        bare: list[float] = []
        ours: list[float] = []
        for number in range(ROUNDS):
            bare.append(_bare())
            ours.append(_supervised(place / f"{number}"))
        supervisor_mb, relay_mb, both_mb = _weight(place / "weight")
    added = (statistics.median(ours) - statistics.median(bare)) * 1e3
    return [
        at_most("supervisor: start to the training's first instruction, median", added, 60, "ms"),
        noted("  the same program by bare Popen", f"{statistics.median(bare) * 1e3:.1f} ms"),
        at_most("supervisor: resident memory", supervisor_mb, 15, "MB"),
        noted("  its relay, resident", f"{relay_mb:.1f} MB"),
        at_most("  both, shared pages counted once (PSS)", both_mb, 15, "MB"),
    ]


def _bare() -> float:
    """Seconds from Popen to the program's look at the clock."""
    started = time.time()
    shown = subprocess.run(CLOCK, stdout=subprocess.PIPE, check=True).stdout
    return float(shown) - started


def _job(attempt: Path, argv: tuple[str, ...]) -> Job:
    attempt.mkdir()
    job = Job(
        id="t0000.1",
        token=uuid.uuid4().hex,
        argv=argv,
        cwd=str(attempt),
        env={"PATH": "/usr/bin:/bin"},
        trial_dir=str(attempt),
        attempt_dir=str(attempt),
    )
    write_spec(job)
    return job


def _launch(job: Job) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-I", "-S", supervisor.__file__, job.attempt_dir]
    return subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)


def _supervised(attempt: Path) -> float:
    """Seconds from the supervisor's Popen to the program's look at the clock."""
    job = _job(attempt, CLOCK)
    started = time.time()
    _launch(job).wait()
    return float(log_tail(attempt)) - started


def _weight(attempt: Path) -> tuple[float, float, float]:
    """Resident MB of supervisor and relay, and the PSS of both, while a training prints."""
    job = _job(attempt, ("/bin/sh", "-c", "seq 1 200000; touch printed; exec sleep 60"))
    process = _launch(job)
    while not (attempt / "printed").exists():
        time.sleep(0.01)
    start = msgspec.convert(json.loads((attempt / "start.json").read_bytes()), StartRecord)
    assert start.relay is not None
    weights = [_memory_mb(pid) for pid in (start.supervisor.pid, start.relay.pid)]
    process.terminate()
    process.wait()
    return weights[0][0], weights[1][0], weights[0][1] + weights[1][1]


def _memory_mb(pid: int) -> tuple[float, float]:
    """Resident and proportional memory of a process, MB (10^6 bytes)."""
    found = {"Rss": 0.0, "Pss": 0.0}
    for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
        name, _, rest = line.partition(":")
        if name in found:
            found[name] = int(rest.split()[0]) * 1024 / 1e6
    return found["Rss"], found["Pss"]


if __name__ == "__main__":
    for name, value, bar, _ in main():
        sys.stdout.write(f"{name}  {value}  {bar}\n")
