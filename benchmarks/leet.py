"""W&B LEET, the program we are measured beside: where it is, runs for it, what it shows."""

import os
import re
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from benchmarks.terminal import NotShown

_CLOCK = re.compile(r"aclock\s+([0-9.]+)\s*$", re.MULTILINE)  # its summary of a run
_DAY_S = 86400.0


def found() -> Path | None:
    """The `wandb` that has LEET; its Python stands beside it."""
    named = os.environ.get("LEET") or shutil.which("wandb")
    path = None if named is None else Path(named).absolute()
    return path if path is not None and path.with_name("python").exists() else None


def age(shown: str) -> float | None:
    """Seconds since the newest data on its screen were written; None if that is not shown."""
    said = _CLOCK.search(shown)
    return None if said is None else (time.time() - float(said[1])) % _DAY_S


def listed(shown: str) -> list[str]:
    """The list of runs, at the left, with the mark of the one that has the cursor."""
    return [line[:38] for line in shown.splitlines()]


@contextmanager
def growing_runs(wandb: Path, folder: Path, count: int, prefill: int, rate: int) -> Iterator[None]:
    """Offline runs that another Python writes until the block is over."""
    script = Path(__file__).with_name("wandb_runs.py")
    writer = subprocess.Popen(
        [wandb.with_name("python"), script, folder, str(count), str(prefill), str(rate)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )
    assert writer.stdin is not None and writer.stdout is not None
    try:
        for line in writer.stdout:
            if line.strip() == b"READY":
                break
        else:
            raise NotShown(f"{script} did not begin")
        yield
    finally:
        writer.stdin.close()
        writer.stdout.close()
        writer.wait()
