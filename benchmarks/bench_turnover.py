"""How fast one trial follows another: 200 trials of `true` on two slots, through everything."""

import itertools
import statistics
import subprocess
import time

from benchmarks.rows import Row, at_most, exactly, noted
from benchmarks.world import private_world, state_of, tuiswp, write_sweep
from tuiswp.controller.directory import SweepDirectory
from tuiswp.launchers import attempt as attempts
from tuiswp.model.trial import Attempt, Trial

TRIALS = 200
SLOTS = 2


def main() -> list[Row]:
    """Wall time of the whole command, and the gaps by what the supervisors wrote."""
    with private_world() as place:
        source = write_sweep(
            place / "sweep.json",
            name="turnover",
            method="grid",
            parameters={"seed": {"values": list(range(TRIALS))}},
            command=["true"],
            tuiswp={"max_parallel": SLOTS},
        )
        started = time.monotonic()
        done = tuiswp("--batch", source, cwd=place)
        seconds = time.monotonic() - started
        directory = SweepDirectory(place / "sweeps" / "turnover")
        trials = list(state_of(directory.root).trials.values())
        gaps = gaps_s(directory, trials)
    ended_well = sum(trial.state == "done" for trial in trials)
    launched_once = sum(len(trial.attempts) == 1 for trial in trials)
    gaps.sort()
    return [
        at_most(
            f"{TRIALS} trials of `true` on {SLOTS} slots, a trial", seconds / TRIALS * 1e3, 80, "ms"
        ),
        noted(
            f"the same {TRIALS} as bare processes, {SLOTS} at a time", f"{bare_s() * 1e3:.1f} ms"
        ),
        exactly("turnover: trials done", ended_well, TRIALS),
        exactly("turnover: trials launched exactly once", launched_once, TRIALS),
        exactly("turnover: exit code, without a metric", done.returncode, 4),
        at_most(
            "end of a trial to start of the next on its slot, median",
            statistics.median(gaps) * 1e3,
            100,
            "ms",
        ),
        at_most(
            "end of a trial to start of the next on its slot, p95",
            gaps[int(len(gaps) * 0.95)] * 1e3,
            300,
            "ms",
        ),
    ]


def bare_s() -> float:
    """Seconds a run of `true` without us, as the machine is now."""
    started = time.monotonic()
    for _ in range(TRIALS // SLOTS):
        for process in [subprocess.Popen(["true"]) for _ in range(SLOTS)]:
            process.wait()
    return (time.monotonic() - started) / TRIALS


def gaps_s(directory: SweepDirectory, trials: list[Trial]) -> list[float]:
    """Seconds from each attempt's recorded end to the recorded start of the next on its slot."""
    slots: dict[tuple[str, int], list[tuple[float, float]]] = {}
    for trial in trials:
        for attempt in trial.attempts:
            slots.setdefault(slot(attempt), []).append(times(directory, trial, attempt))
    gaps = []
    for spans in slots.values():
        spans.sort()
        gaps += [start - end for (_, end), (start, _) in itertools.pairwise(spans)]
    return gaps


def slot(attempt: Attempt) -> tuple[str, int]:
    (lease,) = attempt.leases
    return lease.uuid, lease.share


def times(directory: SweepDirectory, trial: Trial, attempt: Attempt) -> tuple[float, float]:
    """Wall seconds at which its training began and ended, as its supervisor wrote them."""
    folder = directory.attempt(trial.number, attempt.number)
    start, end = (
        attempts.read_start(folder, attempt.token),
        attempts.read_exit(folder, attempt.token),
    )
    if start is None or end is None:
        raise RuntimeError(f"{folder}: no start.json or no exit.json")
    return start.t, end.ended
