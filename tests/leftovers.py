"""Find and end what tests and benchmarks left running: by an inherited mark, never by name.

A supervisor outlives its tmux server and a controller its terminal, which is their purpose; so
whoever starts them for a moment marks its environment first and looks for the mark at the end.
"""

import os
import select
import signal
import subprocess
import time
import uuid
from contextlib import suppress
from pathlib import Path

_MARKER = "TUISWP_STARTED_BY"


def mark() -> None:
    """From now on, everything this process starts carries its mark, however deep."""
    os.environ[_MARKER] = uuid.uuid4().hex


def end_tmux_server(name: str) -> None:
    """End the server of exactly this name, and remove its socket."""
    with suppress(FileNotFoundError):  # no tmux here, so no server either
        subprocess.run(["tmux", "-L", name, "kill-server"], capture_output=True, check=False)
    Path(f"/tmp/tmux-{os.getuid()}", name).unlink(missing_ok=True)  # tmux leaves it behind


def end_processes() -> list[str]:
    """Kill what carries our mark and does not leave within a second; what it was, a line each."""
    found = _with_marker(f"{_MARKER}={os.environ[_MARKER]}".encode())
    deadline = time.monotonic() + 1.0
    left = []
    for fd, command in found:
        gone, _, _ = select.select([fd], [], [], max(0.0, deadline - time.monotonic()))
        if not gone:
            left.append(command)
            with suppress(ProcessLookupError):
                signal.pidfd_send_signal(fd, signal.SIGKILL)
        os.close(fd)
    return left


def until_readable(child: subprocess.Popen[bytes]) -> None:
    """Until /proc shows what `child` runs: argv and environ are there a moment after exec."""
    deadline = time.monotonic() + 10
    while not Path(f"/proc/{child.pid}/cmdline").read_bytes():
        assert time.monotonic() < deadline, f"pid {child.pid} never became what was started"


def _with_marker(wanted: bytes) -> list[tuple[int, str]]:
    """Every process with `wanted` in its environment: a pidfd, and what to call it."""
    found = []
    for entry in Path("/proc").iterdir():
        if not entry.name.isdecimal() or int(entry.name) == os.getpid():
            continue
        with suppress(OSError):
            fd = os.pidfd_open(int(entry.name))  # first, so that the pid cannot become another's
            try:
                ours = wanted in (entry / "environ").read_bytes().split(b"\0")
                command = (entry / "cmdline").read_bytes().replace(b"\0", b" ")
            except OSError:
                ours = False
            if ours:
                found.append((fd, f"pid {entry.name}: {command.decode('utf-8', 'replace')}"))
            else:
                os.close(fd)
    return found
