"""Run the recipes as a sweep runs them: as commands, with a cache of their own."""

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
MICRO = ("hidden_size=32", "layers=2", "heads=2", "steps=40", "batch_size=4", "context=64")
OF_THE_MACHINE = {"tokens_per_second", "peak_memory_mib", "_timestamp"}  # not of the run


def environment(cache: Path) -> dict[str, str]:
    """The tests' own environment, of no sweep, with a cache of its own and one thread."""
    ours = {name: value for name, value in os.environ.items() if not name.startswith("TUISWP_")}
    return ours | {
        "XDG_CACHE_HOME": str(cache),
        "OMP_NUM_THREADS": "1",
        "PYTHONUNBUFFERED": "1",
    }


def start(cache: Path, module: str, *arguments: str) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [sys.executable, "-m", module, *arguments],
        cwd=ROOT,
        env=environment(cache),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def finish(process: "subprocess.Popen[str]", timeout: float = 90) -> tuple[int, str, str]:
    """Exit code, output and errors; killed, and TimeoutExpired raised, if it takes too long."""
    try:
        out, err = process.communicate(timeout=timeout)
    except subprocess.TimeoutExpired:
        process.kill()
        process.communicate()
        raise
    return process.returncode, out, err


def run(cache: Path, module: str, *arguments: str) -> tuple[int, str, str]:
    return finish(start(cache, module, *arguments))


def rows(directory: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (directory / "metrics.jsonl").read_text().splitlines()]


def curve(directory: Path) -> dict[int, dict[str, Any]]:
    """What each step logged; a step logged again replaces what was logged before."""
    found: dict[int, dict[str, Any]] = {}
    for row in rows(directory):
        found.setdefault(row["step"], {}).update(
            {name: value for name, value in row.items() if name not in OF_THE_MACHINE}
        )
    return found


def stitched(found: list[dict[str, Any]]) -> list[Mapping[str, Any]]:
    """One row a step, the last one written wins; without the time it took."""
    by_step = {row["step"]: {k: v for k, v in row.items() if k != "time_total"} for row in found}
    return [by_step[step] for step in sorted(by_step)]
