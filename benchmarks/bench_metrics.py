"""What reading metrics costs: one new line of a long file, and a million lines at once.

    python -m benchmarks.bench_metrics

Both sides of each ratio are measured in this one run, in turns. For reading that is CPU time of
this process, user and system, and the best of several rounds is compared: what others do on the
machine only ever adds to it. For one line the medians are compared.
"""

import json
import random
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from benchmarks.rows import Row
from tuiswp.metrics.file import MetricFile

LINES = 1_000_000
NEW_LINES = 3_000
ROUNDS = 5


def main() -> list[Row]:
    """Print one line a measurement and return them."""
    with tempfile.TemporaryDirectory(prefix="tuiswp-bench-") as folder:
        long = Path(folder) / "long.jsonl"
        write(long, LINES)
        short = Path(folder) / "short.jsonl"
        write(short, 10)
        rows = [*reading(long), one_new_line(long, short)]
    for name, value, bar, held in rows:
        print(f"{name}: {value} (bar {bar}) {'ok' if held else 'missed'}")
    return rows


def write(path: Path, lines: int) -> None:
    """A file as a supervised loop leaves it: five keys, numbers of full length."""
    chance = random.Random(0)
    with path.open("w") as file:
        for step in range(lines):
            file.write(json.dumps(row(step, lines, chance)) + "\n")


def row(step: int, lines: int, chance: random.Random) -> dict[str, float]:
    return {
        "step": step,
        "train_mean_nll": 2 + chance.random(),
        "learning_rate": 1e-3 * (1 - step / lines),
        "progress": step / lines,
        "time_total": chance.random(),
    }


def reading(path: Path) -> list[Row]:
    import pandas

    def every_metric() -> None:
        consume(MetricFile(path))

    def objective_only() -> None:
        consume(MetricFile(path, only={"train_mean_nll"}))

    def by_pandas() -> None:
        assert len(pandas.read_json(path, lines=True)) == LINES

    every, only, theirs = best([every_metric, objective_only, by_pandas])
    return [
        ratio_row(f"pandas.read_json / reading {LINES:,} lines, every metric", theirs, every),
        ratio_row(f"pandas.read_json / reading {LINES:,} lines, objective only", theirs, only),
    ]


def consume(file: MetricFile) -> None:
    file.poll(max_bytes=1 << 40)
    assert file.rows == LINES
    assert file.metrics["train_mean_nll"].last is not None


def best(sides: list[Callable[[], None]]) -> list[float]:
    """Least CPU seconds of each side, the sides taking turns."""
    spent: list[list[float]] = [[] for _ in sides]
    for _ in range(ROUNDS):
        for side, seconds in zip(sides, spent, strict=True):
            began = time.process_time()
            side()
            seconds.append(time.process_time() - began)
    return [min(seconds) for seconds in spent]


def ratio_row(name: str, theirs: float, ours: float) -> Row:
    ratio = theirs / ours
    return name, f"{ratio:.2f} times less ({ours:.2f} s, {theirs:.2f} s)", ">= 6", ratio >= 6


def one_new_line(long: Path, short: Path) -> Row:
    """Append a line and poll, as a controller does; the files take turns."""
    chance = random.Random(1)
    files = [MetricFile(path) for path in (long, short)]
    for file in files:
        file.poll(max_bytes=1 << 40)
    spent: list[list[float]] = [[], []]
    for number in range(NEW_LINES):
        for file, seconds in zip(files, spent, strict=True):
            with file.path.open("a") as writer:
                writer.write(json.dumps(row(LINES + number, 2 * LINES, chance)) + "\n")
            began = time.perf_counter()
            changed = file.poll()
            value = file.metrics["train_mean_nll"].last
            seconds.append(time.perf_counter() - began)
            assert changed
            assert value is not None
    many, few = map(statistics.median, spent)
    value_text = f"{many / few:.2f} ({many * 1e6:.0f} us, {few * 1e6:.0f} us)"
    name = f"one new line, file of {LINES:,} lines / of 10"
    return name, value_text, "<= 1.2", many / few <= 1.2


if __name__ == "__main__":
    main()
