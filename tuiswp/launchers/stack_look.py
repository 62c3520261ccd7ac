"""Have `stacks` look at an attempt, in a process of its own. Waits for nothing."""

import os
import signal
import subprocess
import sys
import tempfile
from contextlib import suppress
from pathlib import Path

import msgspec

import tuiswp
from tuiswp import proc
from tuiswp.launchers.stacks import MOST_BYTES, Order, Stack

_ROOT = str(Path(tuiswp.__file__).parent.parent)
# -P and appending: no module of the current directory or of ours can hide one of Python's own.
_PROGRAM = (
    "import sys; sys.path.append(sys.argv[1]); from tuiswp.launchers.stacks import main; main()"
)


class Look:
    """A look that is being taken: ask for its `outcome` again and again, and `close` it."""

    def __init__(self, order: Order) -> None:
        self._process: subprocess.Popen[bytes] | None = None
        # Files and no pipes: what it says never waits for a reader, nor a reader for it.
        self._out = tempfile.TemporaryFile()  # noqa: SIM115  closed by `close`
        environment = {name: it for name, it in os.environ.items() if name != proc.TOKEN_VARIABLE}
        with suppress(OSError), tempfile.TemporaryFile() as given:
            given.write(msgspec.json.encode(order))
            given.seek(0)
            self._process = subprocess.Popen(
                [sys.executable, "-P", "-c", _PROGRAM, _ROOT],
                stdin=given,
                stdout=self._out,
                stderr=subprocess.DEVNULL,
                start_new_session=True,
                cwd="/",
                env=environment,
            )

    def outcome(self) -> Stack | None:
        """What was found, empty if it could not look; None while it looks."""
        if self._process is None:
            return Stack()
        if self._process.poll() is None:
            return None
        self._out.seek(0)
        try:
            return msgspec.json.decode(self._out.read(8 * MOST_BYTES), type=Stack)
        except msgspec.MsgspecError:
            return Stack()

    def close(self) -> None:
        """End it with what it runs; if even that does not end it, leave it."""
        process, self._process = self._process, None
        if process is not None and process.poll() is None:
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(process.pid, signal.SIGKILL)
            with suppress(subprocess.TimeoutExpired):
                process.wait(0.2)
        self._out.close()
