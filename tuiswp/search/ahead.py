"""Proposals computed ahead in a process of its own; the controller never waits for one.

`want` says what is known and which proposal comes next, `take` gives it if it is there. A proposal
may be a result or two behind where computing one takes long; where it is quick it never is. A child
that dies is started again; one that cannot work says why.
"""

import fcntl
import os
import subprocess
import sys
import time
from collections.abc import Sequence
from contextlib import suppress

import msgspec

from tuiswp.model.sweep import Sweep
from tuiswp.search.asking import Answer, Ask
from tuiswp.search.history import History

COMMAND = (sys.executable, "-I", "-m", "tuiswp.search.worker")
QUICK_S = 1.0  # a proposal that takes no longer is made again when there is news
SLOW = 2  # proposals in a row that took longer: one alone had libraries to load
RESTART_S = 5.0
# The sampler's arrays are small: threads that share out their sums cost more than they save (a
# Gaussian process took twice as long), and the cores belong to the trials.
ONE_THREAD = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
_NO_GPU = {"CUDA_VISIBLE_DEVICES": "", "HIP_VISIBLE_DEVICES": ""}  # those are the trials', whole
_PIPE = 1 << 20  # bytes: a history of thousands of trials is handed over at once


class Ahead:
    """The parent's side of `search.worker`. Not for several threads.

    `wake`: the path of a FIFO that gets a byte whenever a proposal is there.
    """

    def __init__(
        self, sweep: Sweep, wake: str | None = None, command: Sequence[str] | None = None
    ) -> None:
        self._sweep = sweep
        self._command = (*(command or COMMAND), *(() if wake is None else (wake,)))
        self._child: subprocess.Popen[bytes] | None = None
        self._restart_at = 0.0
        self._out = bytearray()  # to the child
        self._in = bytearray()
        self._sent = History()  # what the child knows
        self._asked: tuple[int, History] | None = None
        self._ready: tuple[Answer, History] | None = None
        self._slow = 0  # answers in a row that took long
        self.trouble: str | None = None

    def want(self, history: History, index: int) -> None:
        """Have the proposal at `index` computed, if it is not there or on its way."""
        self._pump()
        if self._asked is not None:
            return
        ready = self._ready
        if ready is not None and ready[0].index == index and self._is_good(ready[1], history):
            return
        self._ready = None
        if self._child is None and not self._start():
            return
        known = self._sent.told
        since = len(known) if history.told[: len(known)] == known else 0
        ask = Ask(index, since, history.told[since:], history.flying)
        self._out += msgspec.json.encode(ask) + b"\n"
        self._sent = history
        self._asked = (index, history)
        self._pump()

    def take(self, history: History, index: int) -> Answer | None:
        """The proposal at `index`; None while it is computed. It stays until there is news."""
        self._pump()
        ready = self._ready
        if ready is None or ready[0].index != index or not self._is_good(ready[1], history):
            return None
        return ready[0]

    def close(self) -> None:
        """End the child."""
        child, self._child = self._child, None
        if child is None:
            return
        for pipe in (child.stdin, child.stdout):
            if pipe is not None:
                with suppress(OSError):
                    pipe.close()
        child.kill()
        child.wait()

    def _is_good(self, based_on: History, now: History) -> bool:
        """Whether a proposal may still be used: of slow samplers, also one that is a bit behind."""
        if based_on == now:
            return True
        return self._slow >= SLOW and _numbers(based_on) == _numbers(now)

    def _start(self) -> bool:
        if time.monotonic() < self._restart_at:
            return False
        self._restart_at = time.monotonic() + RESTART_S
        try:
            child = subprocess.Popen(
                self._command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                bufsize=0,
                start_new_session=True,  # ctrl-c at the controller's terminal is not for it
                cwd="/",
                env=os.environ | ONE_THREAD | _NO_GPU,
            )
        except OSError as error:
            self.trouble = f"the sampler's process cannot be started: {error.strerror}"
            return False
        assert child.stdin is not None and child.stdout is not None
        for pipe in (child.stdin, child.stdout):
            os.set_blocking(pipe.fileno(), False)
        with suppress(OSError):
            fcntl.fcntl(child.stdin.fileno(), fcntl.F_SETPIPE_SZ, _PIPE)
        self._child = child
        self._in.clear()
        self._out[:] = msgspec.json.encode(self._sweep) + b"\n"
        self._sent = History()
        self._slow = 0
        return True

    def _pump(self) -> None:
        """Hand over what waits and read what came; never blocks."""
        child = self._child
        if child is None:
            return
        assert child.stdin is not None and child.stdout is not None
        try:
            while self._out:
                written = os.write(child.stdin.fileno(), self._out)
                del self._out[:written]
        except BlockingIOError:
            pass
        except OSError:
            self._lost()
            return
        try:
            while piece := os.read(child.stdout.fileno(), 65536):
                self._in += piece
            self._lost()
        except BlockingIOError:
            pass
        self._read()

    def _read(self) -> None:
        while (end := self._in.find(b"\n")) >= 0:
            line = bytes(self._in[:end])
            del self._in[: end + 1]
            asked, self._asked = self._asked, None
            answer = msgspec.json.decode(line, type=Answer)
            self.trouble = answer.error
            if asked is not None and answer.error is None:
                self._ready = (answer, asked[1])
                self._slow = self._slow + 1 if answer.seconds > QUICK_S else 0

    def _lost(self) -> None:
        """The child is gone: it is started again when a proposal is wanted next."""
        self._read()
        self.close()
        self._asked = None
        if self.trouble is None:
            self.trouble = "the sampler's process ended; it is started again"


def _numbers(history: History) -> set[int]:
    return {one.number for one in history.told} | {one.number for one in history.flying}
