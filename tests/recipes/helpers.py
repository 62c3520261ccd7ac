"""Run the recipes as a sweep runs them: as commands, with a cache of their own."""

import functools
import json
import os
import socket
import subprocess
import sys
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from tests.recipes.preloaded import Command, commands

ROOT = Path(__file__).parents[2]
MICRO = ("hidden_size=32", "layers=2", "heads=2", "steps=40", "batch_size=4", "context=64")
OPEN = ExitStack()  # closed with the session by tests/recipes/conftest.py
OF_THE_MACHINE = {"tokens_per_second", "peak_memory_mib", "_timestamp"}  # not of the run


def environment(cache: Path) -> dict[str, str]:
    """The tests' own environment, of no sweep, with a cache of its own and one thread."""
    ours = {name: value for name, value in os.environ.items() if not name.startswith("TUISWP_")}
    return ours | {
        "XDG_CACHE_HOME": str(cache),
        "OMP_NUM_THREADS": "1",
        "PYTHONUNBUFFERED": "1",
    }


def start(cache: Path, module: str, *arguments: str) -> Command:
    return Command(_preloaded(), [module, *arguments], environment(cache))


def start_alone(cache: Path, module: str, *arguments: str) -> "subprocess.Popen[str]":
    """Likewise, from a new interpreter, as a sweep does it."""
    return subprocess.Popen(
        [sys.executable, "-m", module, *arguments],
        cwd=ROOT,
        env=environment(cache),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


@functools.cache
def _preloaded() -> socket.socket:
    """One for the process that runs the tests, ended with it."""
    return OPEN.enter_context(commands(environment(Path(os.devnull))))


def finish(process: "Command | subprocess.Popen[str]", timeout: float = 90) -> tuple[int, str, str]:
    """Exit code, output and errors; killed, and TimeoutExpired raised, if it takes too long."""
    try:
        out, err = process.communicate(timeout=timeout)
    except subprocess.TimeoutExpired:
        process.kill()
        process.communicate()
        raise
    assert process.returncode is not None
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
