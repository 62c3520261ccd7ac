"""The journal: what one durable append costs on this disk, and how fast a long one is replayed."""

import os
import statistics
import time
from collections.abc import Iterator
from pathlib import Path

from benchmarks.rows import Row, at_most, noted
from benchmarks.world import private_world
from tuiswp.controller.journal import Journal, encode_line, no_collection, read
from tuiswp.controller.reducer import replay
from tuiswp.model.events import (
    JOURNAL_VERSION,
    AttemptEnded,
    AttemptLaunching,
    AttemptStarted,
    BestChanged,
    Event,
    Record,
    TrialSuggested,
)
from tuiswp.model.space import Params
from tuiswp.model.trial import Lease, Process

APPENDS = 400
RECORDS = 200_000


def main() -> list[Row]:
    """Both promises, and the same bytes written without us as the floor."""
    with private_world() as place:
        append_s, floor_s = append_times(place)
        replay_s = replay_time(place)
    return [
        at_most("journal: append made durable, median", append_s * 1e3, 1.0, "ms", places=2),
        noted("journal: the same bytes by bare write + fdatasync", f"{floor_s * 1e3:.2f} ms"),
        at_most(f"journal: replay of {RECORDS:,} records", replay_s, 1.5, "s", places=2),
    ]


def append_times(place: Path) -> tuple[float, float]:
    """Median seconds of one append, and of the bare write, taken in turn on the same disk."""
    journal = Journal(place / "journal.jsonl")
    bare = os.open(place / "bare", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    ours: list[float] = []
    floor: list[float] = []
    for number, event in zip(range(APPENDS), life_of_a_sweep(), strict=False):
        line = encode_line(Record(JOURNAL_VERSION, number + 1, 1.0, event))
        started = time.perf_counter()
        journal.append((event,), at=time.time())
        between = time.perf_counter()
        os.write(bare, line)
        os.fdatasync(bare)
        ours.append(between - started)
        floor.append(time.perf_counter() - between)
    os.close(bare)
    journal.close()
    return statistics.median(ours), statistics.median(floor)


def replay_time(place: Path) -> float:
    """Median seconds, of three, from the file to the state."""
    path = place / "long.jsonl"
    with path.open("wb") as file:
        for seq, event in zip(range(1, RECORDS + 1), life_of_a_sweep(), strict=False):
            file.write(encode_line(Record(JOURNAL_VERSION, seq, 1.7e9 + seq, event)))
    times: list[float] = []
    for _ in range(3):
        started = time.perf_counter()
        with no_collection():
            state = replay(read(path).records)
        times.append(time.perf_counter() - started)
        assert state.seq == RECORDS
        del state
    return statistics.median(times)


def life_of_a_sweep() -> Iterator[Event]:
    """Facts as a long sweep writes them: four or five a trial, without end."""
    number = 0
    while True:
        token = f"{number:032x}"
        supervisor = Process("6a7d32bb-23ab-4f3d-9d2d-5f1b9f0a2f11", 1000 + number, 5000 + number)
        training = Process(supervisor.boot_id, 1001 + number, 5001 + number)
        params: Params = {
            "optimizer": {"lr": 1e-3 * (number % 97 + 1), "name": "adamw"},
            "seed": number,
        }
        lease = Lease("cpu", number % 8, f"cpu{number % 8}")
        yield TrialSuggested(number, params, f"key-{number}", "random", number)
        yield AttemptLaunching(number, 1, token, (lease,), "a-host")
        yield AttemptStarted(number, 1, supervisor, training)
        yield AttemptEnded(
            number, 1, "done", "exit 0", "done", code=0, ended_at=1.7e9 + number,
            value=2.5 - number * 1e-7, progress=1.0, step=1000.0, complete=True,
        )  # fmt: skip
        if number % 7 == 0:
            yield BestChanged(number, 2.5 - number * 1e-7)
        number += 1
