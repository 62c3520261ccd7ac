"""Run the measurements and print one table: `python -m benchmarks [NAME...] [--all]`.

Each `bench_NAME.py` has `main() -> list[Row]` and runs in a process of its own, so that none warms
up or weighs down another. A bar that is missed is shown and is no failure of this command: timings
belong to a machine. Exit code 1 says that a script crashed.
"""

import argparse
import os
import platform
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import msgspec

from benchmarks.rows import Row
from tuiswp.text import visible

HERE = Path(__file__).parent
MINUTES = ("demo", "lora", "status", "storm", "tui")  # take minutes: only by name or with --all
MARKS = {True: "pass", False: "FALL SHORT", None: ""}


def main(argv: list[str] | None = None) -> int:
    """Run the parts asked for; 0, or 1 if any of them crashed."""
    names = [path.stem.removeprefix("bench_") for path in sorted(HERE.glob("bench_*.py"))]
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(names))
    parser.add_argument("--all", action="store_true", help=f"also {', '.join(MINUTES)} (minutes)")
    asked = parser.parse_args(argv)
    unknown = [name for name in asked.names if name not in names]
    if unknown:
        parser.error(f"no benchmark {', '.join(unknown)}; there are: {', '.join(names)}")
    wanted = asked.names or [name for name in names if asked.all or name not in MINUTES]
    print(machine(), flush=True)
    rows: list[Row] = []
    crashed: list[str] = []
    for name in wanted:
        print(f"measuring {name} ...", file=sys.stderr, flush=True)
        found = measure(name)
        if found is None:
            crashed.append(name)
        else:
            rows += found
    print(table(rows))
    print(machine())
    if crashed:
        print(f"crashed: {', '.join(crashed)}")
    return 1 if crashed else 0


def measure(name: str) -> list[Row] | None:
    """The rows of one script, run in a process of its own; None if it crashed."""
    with tempfile.TemporaryDirectory() as folder:
        answer = Path(folder) / "rows.json"
        done = subprocess.run(
            [sys.executable, "-m", "benchmarks.run_one", name, answer],
            stdin=subprocess.DEVNULL,
            check=False,
            cwd=HERE.parent,
        )
        if done.returncode != 0:
            return None
        return msgspec.json.decode(answer.read_bytes(), type=list[Row])


def table(rows: list[Row]) -> str:
    """Aligned columns: what, value, bar, mark."""
    cells = [
        ("what", "value", "bar", ""),
        *(
            (visible(name), visible(value), visible(bar), MARKS[ok])
            for name, value, bar, ok in rows
        ),
    ]
    widths = [max(len(row[column]) for row in cells) for column in range(3)]
    lines = []
    for what, value, bar, mark in cells:
        lines.append(
            f"{what:<{widths[0]}}  {value:>{widths[1]}}  {bar:<{widths[2]}}  {mark}".rstrip()
        )
    lines.insert(1, "-" * max(map(len, lines)))
    short = sum(ok is False for *_, ok in rows)
    barred = sum(ok is not None for *_, ok in rows)
    return "\n".join([*lines, f"{barred - short} of {barred} bars met"])


def machine() -> str:
    """What the figures belong to."""
    load = os.getloadavg()[0]
    clock = time.strftime("%Y-%m-%d %H:%M")
    return (
        f"{clock}, {len(os.sched_getaffinity(0))} cores, load {load:.1f}, "
        f"Python {platform.python_version()}, Linux {platform.release().partition('-')[0]}"
    )


if __name__ == "__main__":
    sys.exit(main())
