"""The parent's end of the NVML child: start it, ask it, end it. Never waits without a limit.

The child is a fresh program and not a fork, so it shares no lock and no thread with its parent.
"""

import os
import select
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import msgspec

import tuiswp
from tuiswp.gpu.inventory import Inventory
from tuiswp.proc import TOKEN_VARIABLE

_ROOT = str(Path(tuiswp.__file__).parent.parent)
# -P and appending: no module of the current directory or of ours can hide one of Python's own.
_PROGRAM = "import sys; sys.path.append(sys.argv[1]); from tuiswp.gpu.child import main; main()"
_MAX_ANSWER = 16 * 1024 * 1024
_DECODER = msgspec.json.Decoder(Inventory)


class ReaderGone(Exception):
    """The child ended or answered what is no inventory. Caught by `gpu.probe`."""


class Reader:
    """One child. Raises OSError if it cannot be started."""

    def __init__(self) -> None:
        # A controller started from inside a trial must not lend its token to this child.
        environment = {name: value for name, value in os.environ.items() if name != TOKEN_VARIABLE}
        self._buffer = b""
        self._process = subprocess.Popen(
            [sys.executable, "-P", "-c", _PROGRAM, _ROOT],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            bufsize=0,
            close_fds=True,
            start_new_session=True,  # ctrl-c on the terminal is not for it
            cwd="/",
            env=environment,
        )

    @property
    def pid(self) -> int:
        return self._process.pid

    def ask(self, until: float) -> None:
        """Ask for a reading; single GPUs are waited for until `until` (monotonic seconds)."""
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(b"%r\n" % until)
        except OSError as error:
            raise ReaderGone(str(error)) from error

    def answer(self, deadline: float) -> Inventory | None:
        """The answer to the last question, None if there is none by `deadline` (monotonic)."""
        assert self._process.stdout is not None
        poll = select.poll()
        poll.register(self._process.stdout, select.POLLIN)
        while b"\n" not in self._buffer:
            left = deadline - time.monotonic()
            if left <= 0 or not poll.poll(left * 1000):
                return None
            try:
                piece = os.read(self._process.stdout.fileno(), 1 << 16)
            except (OSError, ValueError) as error:
                raise ReaderGone(str(error)) from error
            self._buffer += piece
            if not piece or len(self._buffer) > _MAX_ANSWER:
                raise ReaderGone("it ended without an answer")
        line, _, self._buffer = self._buffer.partition(b"\n")
        try:
            return _DECODER.decode(line)
        except msgspec.MsgspecError as error:
            raise ReaderGone(str(error)) from error

    def kill(self) -> None:
        """End the child now; whoever waits for its answer gets ReaderGone."""
        self._process.kill()

    def close(self, patience_s: float = 0.5) -> bool:
        """End the child; False if it cannot be ended yet (it hangs inside the driver)."""
        self._process.kill()
        try:
            self._process.wait(patience_s)
        except subprocess.TimeoutExpired:
            return False
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                with suppress(OSError):
                    pipe.close()
        return True
