"""Say where in the last output of a training its own secrets stand; never what they are.

Only here is a value known for certain: the controller that reads the end may have been started by a
shell with another one, or with none.
"""

# pathlib and contextlib would cost time at every start.

from __future__ import annotations

import os
import stat

from tuiswp.launchers.supervision.training import as_bytes

TAIL = 64 * 1024  # as much as `launchers.attempt.log_tail` reads
SHORTEST = 6  # bytes: what is shorter is in every other word
MOST = 1000


def hidden(folder: int, values: dict[str, str]) -> list[tuple[str, int, int]]:
    """Name, start (counted back from the end of the output) and length of each place of a value."""
    wanted = {name: as_bytes(value) for name, value in values.items()}
    wanted = {name: value for name, value in wanted.items() if len(value) >= SHORTEST}
    if not wanted:
        return []
    tail = b""
    for name in ("output.log", "output.log.1"):
        tail = end_of(folder, name, TAIL - len(tail)) + tail
    found: list[tuple[str, int, int]] = []
    for name, value in wanted.items():
        cut = [n for n in range(SHORTEST, len(value)) if tail.startswith(value[-n:])]
        if cut:  # the tail may begin in the middle of one
            found.append((name, len(tail), cut[-1]))
        at = tail.rfind(value)
        while at >= 0:
            if len(found) >= MOST:  # all that is older, then
                found.append((name, len(tail), at + len(value)))
                break
            found.append((name, len(tail) - at, len(value)))
            at = tail.rfind(value, 0, at)
    return found


def end_of(folder: int, name: str, most: int) -> bytes:
    try:
        fd = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK, dir_fd=folder)
    except OSError:
        return b""
    try:
        status = os.fstat(fd)
        if not stat.S_ISREG(status.st_mode):
            return b""
        return os.pread(fd, most, max(0, status.st_size - most))
    except OSError:
        return b""
    finally:
        os.close(fd)
