"""A place to measure in: own directory, own tmux server, nothing left behind."""

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec

from tests import leftovers
from tuiswp.controller.journal import read
from tuiswp.controller.reducer import SweepState, replay
from tuiswp.model.trial import Process

ROOT = Path(__file__).parents[1]
_TICKS = os.sysconf("SC_CLK_TCK")
_PAGE = os.sysconf("SC_PAGE_SIZE")


@contextmanager
def private_world() -> Iterator[Path]:
    """A fresh directory on the disk of the repository; tuiswp run in the block is alone.

    Sets TUISWP_TMUX_SOCKET and TUISWP_RUNTIME_DIR of this process, and ends at the close of the
    block whatever was started in it.
    """
    with tempfile.TemporaryDirectory(prefix=".bench-", dir=ROOT) as name:
        place = Path(name)
        (place / "run").mkdir(mode=0o700)
        socket = f"tuiswp-bench-{os.getpid()}"
        os.environ.update(
            TUISWP_TMUX_SOCKET=socket,
            TUISWP_RUNTIME_DIR=str(place / "run"),
            PATH=f"{Path(sys.executable).parent}:{os.environ.get('PATH', os.defpath)}",
        )
        os.environ.setdefault("TUISWP_GPUS", "none")
        leftovers.mark()
        try:
            yield place
        finally:
            leftovers.end_tmux_server(socket)
            leftovers.end_processes()


def tuiswp(*arguments: str | Path, cwd: Path) -> subprocess.CompletedProcess[bytes]:
    """Run the command line to its end, as a person would."""
    return subprocess.run(
        command(*arguments), cwd=cwd, capture_output=True, stdin=subprocess.DEVNULL, check=False
    )


def command(*arguments: str | Path) -> list[str]:
    """The argv of `tuiswp ARGUMENTS`, by the script that an installation makes."""
    return [str(Path(sys.executable).with_name("tuiswp")), *map(str, arguments)]


def state_of(directory: Path) -> SweepState:
    """What a sweep's journal says now."""
    return replay(read(directory / "journal.jsonl").records)


def write_sweep(path: Path, **keys: object) -> Path:
    """A sweep file, as JSON; `tuiswp=` holds our own keys."""
    path.write_bytes(msgspec.json.encode(keys))
    return path


def wait_for(what: str, condition: Callable[[], bool], timeout_s: float = 60.0) -> None:
    """Poll until `condition()`; RuntimeError that says `what` did not happen."""
    deadline = time.monotonic() + timeout_s
    while not condition():
        if time.monotonic() > deadline:
            raise RuntimeError(f"{what}: not within {timeout_s:g} s")
        time.sleep(0.02)


def cpu_seconds(process: Process) -> float:
    """User and system time of one process so far."""
    fields = Path(f"/proc/{process.pid}/stat").read_bytes().rpartition(b") ")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS


def resident_mb(process: Process) -> float:
    """Resident memory in MB (10^6 bytes)."""
    return int(Path(f"/proc/{process.pid}/statm").read_text().split()[1]) * _PAGE / 1e6
