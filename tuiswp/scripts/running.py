"""Run a person's command for a bounded time, in a process group of its own. Never through a shell.

At the end of the time: TERM, then KILL, to the group and to whatever else carries its token. What
it prints is kept up to a limit and read to the end, so that it never waits for us.
"""

import os
import secrets
import selectors
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path

import msgspec

from tuiswp import proc

KEPT = 1 << 20  # bytes of each stream
GRACE_S = 5.0
_TICK_S = 0.1


class Ran(msgspec.Struct, frozen=True):
    """How a command went. `code`: None if it was ended when its time was over.

    `missing`: why it could not be started at all.
    """

    out: str = ""
    err: str = ""
    code: int | None = None
    seconds: float = 0.0
    peak_bytes: int | None = None  # of its largest process
    missing: str | None = None

    @property
    def overran(self) -> bool:
        return self.code is None and self.missing is None


def run_bounded(
    argv: Sequence[str],
    *,
    seconds: float,
    cwd: Path,
    env: Mapping[str, str],
    watch: Callable[[], None] = lambda: None,
    token: str | None = None,
) -> Ran:
    """Run `argv` at most `seconds`; `watch` is called ten times a second meanwhile.

    `token`: by which its processes are known, also to others; else one is made.
    """
    token = token or secrets.token_hex(16)
    try:
        process = subprocess.Popen(
            argv, cwd=cwd, env={**env, proc.TOKEN_VARIABLE: token}, start_new_session=True,
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        )  # fmt: skip
    except (OSError, ValueError) as fault:
        return Ran(missing=getattr(fault, "strerror", None) or str(fault))
    started = time.monotonic()
    reader = _Reader(process)
    ended: tuple[int, int] | None = None
    try:
        ended = _until(process, reader, watch, started + seconds)
        overran = ended is None
        if overran:
            _signal(process.pid, signal.SIGTERM)
            ended = _until(process, reader, watch, time.monotonic() + GRACE_S)
    finally:
        if ended is None:
            _signal(process.pid, signal.SIGKILL)
            ended = _reap(process, 0)
        _end_rest(process.pid, token)
        reader.close()
    status, peak = ended or (0, 0)
    return Ran(
        reader.text(process.stdout), reader.text(process.stderr),
        None if overran else os.waitstatus_to_exitcode(status),
        time.monotonic() - started, peak * 1024 or None,
    )  # fmt: skip


class _Reader:
    """Takes what both streams hold, and keeps the beginning of out and the end of err."""

    def __init__(self, process: "subprocess.Popen[bytes]") -> None:
        self._selector = selectors.DefaultSelector()
        self._kept: dict[object, bytearray] = {}
        for stream in (process.stdout, process.stderr):
            assert stream is not None
            self._kept[stream] = bytearray()
            self._selector.register(stream, selectors.EVENT_READ)

    def poll(self, wait_s: float) -> None:
        if not self._selector.get_map():
            time.sleep(wait_s)  # both are closed; the process still runs
        for key, _ in self._selector.select(wait_s):
            data = os.read(key.fd, 1 << 16)
            kept = self._kept[key.fileobj]
            kept += data[: max(0, KEPT - len(kept))]
            if not data:
                self._selector.unregister(key.fileobj)

    def text(self, stream: object) -> str:
        return bytes(self._kept[stream]).decode("utf-8", "replace")

    def close(self) -> None:
        """Take what is there still, without waiting for a stranger that holds the other end."""
        for stream in self._kept:
            os.set_blocking(stream.fileno(), False)  # type: ignore[attr-defined]
        for _ in range(2 * KEPT >> 16):
            if not self._selector.get_map() or not self._selector.select(0):
                break
            self.poll(0)
        self._selector.close()
        for stream in self._kept:
            stream.close()  # type: ignore[attr-defined]


def _until(
    process: "subprocess.Popen[bytes]",
    reader: _Reader,
    watch: Callable[[], None],
    deadline: float,
) -> tuple[int, int] | None:
    """(status, peak KiB) when it has ended; None if it still runs at the deadline."""
    while True:
        reader.poll(_TICK_S)
        watch()
        ended = _reap(process, os.WNOHANG)
        if ended is not None:
            return ended
        if time.monotonic() > deadline:
            return None


def _reap(process: "subprocess.Popen[bytes]", options: int) -> tuple[int, int] | None:
    pid, status, usage = os.wait4(process.pid, options)
    if not pid:
        return None
    process.returncode = os.waitstatus_to_exitcode(status)
    return status, usage.ru_maxrss


def _signal(group: int, number: signal.Signals) -> None:
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(group, number)


def _end_rest(group: int, token: str) -> None:
    """Nothing of it goes on: its group, and what left the group but carries its token."""
    _signal(group, signal.SIGKILL)
    for stray in proc.with_tokens().get(token, []):
        proc.send(stray, signal.SIGKILL)
