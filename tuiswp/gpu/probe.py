"""Keep an inventory of the GPUs fresh without ever waiting for NVML in the caller's thread.

`GpuWatch` asks a child process in the background; `read_once` asks once, for the command line.
What NVML does not answer in time is shown as it was, with its age, and is good for no decision.
"""

import os
import threading
import time
from collections.abc import Mapping

import msgspec

from tuiswp.gpu.continuity import carry_on
from tuiswp.gpu.health import judged
from tuiswp.gpu.inventory import Inventory
from tuiswp.gpu.kernel import KernelLog
from tuiswp.gpu.reader import Reader, ReaderGone
from tuiswp.gpu.released import Releases
from tuiswp.gpu.selection import Real, choose, restrict, without_nvml
from tuiswp.gpu.xids import Xid

_FOR_THE_GPUS = 0.8  # of a deadline; the rest is for the way back
_SILENT = "NVML does not answer"
_BACK_OFF_S = (1.0, 60.0)


def read_once(deadline_s: float = 2.0, *, environ: Mapping[str, str] | None = None) -> Inventory:
    """One look at the GPUs, or an inventory whose `problem` says why not, within `deadline_s`.

    Raises UsageError if TUISWP_GPUS cannot be understood.
    """
    selection = choose(os.environ if environ is None else environ)
    if not isinstance(selection, Real):
        return without_nvml(selection)
    problem = f"{_SILENT} ({deadline_s:g} s)"
    asked = time.monotonic()
    log = KernelLog()
    said = log.standing()
    log.close()
    try:
        reader = Reader()
    except OSError as error:
        return Inventory((), "nvml", f"the NVML reader cannot be started: {error}")
    try:
        reader.ask(asked + deadline_s * _FOR_THE_GPUS)
        found = reader.answer(asked + deadline_s)
    except ReaderGone as gone:
        found, problem = None, f"the NVML reader ended: {gone}"
    finally:
        reader.close()
    if found is None:
        found = Inventory((), "nvml", problem, taken_at=time.time())
    return restrict(judged(found, said, Releases().all()), selection)


class GpuWatch:
    """The GPUs of this machine, read every `period_s` seconds by a child process.

    A child that does not answer within `deadline_s` (its first time within `start_deadline_s`:
    a driver without persistence mode starts slowly) is killed and started again with back-off.
    Where there is no NVML, no child stays, and one is tried every `absent_retry_s`. Raises
    UsageError if TUISWP_GPUS cannot be understood. Thread-safe; `close` it.
    """

    def __init__(
        self,
        *,
        environ: Mapping[str, str] | None = None,
        period_s: float = 2.0,
        deadline_s: float = 2.0,
        start_deadline_s: float = 10.0,
        absent_retry_s: float = 60.0,
        sick_retry_s: float = 10.0,
    ) -> None:
        self._selection = choose(os.environ if environ is None else environ)
        self._log = KernelLog()
        self._releases = Releases()
        self._period_s = period_s
        self._deadline_s = deadline_s
        self._start_deadline_s = start_deadline_s
        self._absent_retry_s = absent_retry_s
        self._sick_retry_s = sick_retry_s
        self._changed = threading.Condition()  # guards what follows
        self._reader: Reader | None = None
        self._unkillable: list[Reader] = []
        self._last: Inventory | None = None
        self._last_at = time.monotonic()
        self._failure: str | None = None
        self._failures = 0
        self._due = 0.0
        self._not_before = 0.0
        self._closed = False
        self._thread: threading.Thread | None = None
        if isinstance(self._selection, Real):
            self._thread = threading.Thread(target=self._run, name="gpu-watch", daemon=True)
            self._thread.start()

    def latest(self) -> Inventory | None:
        """What is known now, None before the first answer. Never blocks.

        While NVML is silent, and after a stop of this very process, `problem` says for how long
        nothing was heard.
        """
        if not isinstance(self._selection, Real):
            return without_nvml(self._selection)
        with self._changed:
            last, failure, last_at = self._last, self._failure, self._last_at
        if last is None and failure is None:
            return None
        age = time.monotonic() - last_at
        if last is None:
            last = Inventory((), "nvml", taken_at=time.time())
        elif failure is None and last.source == "nvml" and last.problem is None:
            failure = _SILENT if age > self._period_s + self._deadline_s + 1 else None
        if failure is not None:
            last = msgspec.structs.replace(last, problem=f"{failure} ({age:.0f} s)")
        if last.source == "nvml":
            last = judged(last, self._log.standing(), self._releases.all())
        return restrict(last, self._selection)

    def said(self) -> tuple[Xid, ...]:
        """What the driver told the kernel of any GPU, as far back as its log goes. Never blocks."""
        return self._log.look() if isinstance(self._selection, Real) else ()

    def refresh(self) -> None:
        """Ask now, unless NVML is absent or sick and a next try is already set. Does not wait."""
        with self._changed:
            self._due = 0.0
            self._changed.notify_all()

    def wait_first(self, timeout_s: float) -> Inventory | None:
        """Wait for the first answer (or the first failure to answer) and return `latest()`."""
        with self._changed:
            if self._thread is not None:
                self._changed.wait_for(
                    lambda: self._last is not None or self._failure is not None, timeout_s
                )
        return self.latest()

    def close(self) -> None:
        """End the child and the thread. Harmless twice; a child stuck in the driver is left."""
        with self._changed:
            self._closed = True
            if self._reader is not None:
                self._reader.kill()
            self._changed.notify_all()
        if self._thread is not None:
            self._thread.join(timeout=2.0)
        self._log.close()

    def _run(self) -> None:
        while True:
            with self._changed:
                while not self._closed and self._wait_s() > 0:
                    self._changed.wait(self._wait_s())
                if self._closed:
                    break
                self._due = time.monotonic() + self._period_s
            try:
                self._turn()
            except ReaderGone:
                self._fail("the NVML reader ended without an answer", drop=True)
            except OSError as error:
                self._fail(f"the NVML reader cannot be started: {error}", drop=True)
        self._drop()

    def _wait_s(self) -> float:
        return max(self._due, self._not_before) - time.monotonic()

    def _turn(self) -> None:
        """Ask once. Raises ReaderGone or OSError if there is nobody to ask."""
        self._unkillable = [one for one in self._unkillable if not one.close(0)]
        if self._unkillable:  # one stuck child is enough
            self._fail(_SILENT, drop=False)
            return
        asked = time.monotonic()
        reader, patience_s = self._reader, self._deadline_s
        if reader is None:
            patience_s = max(self._deadline_s, self._start_deadline_s)
            reader = Reader()
            with self._changed:
                self._reader = reader
                if self._closed:
                    return
        reader.ask(asked + self._deadline_s * _FOR_THE_GPUS)
        found = reader.answer(asked + self._deadline_s)
        if found is None and patience_s > self._deadline_s:
            self._publish(None, _SILENT)
            found = reader.answer(asked + patience_s)
        if found is None:
            self._fail(_SILENT, drop=True)
            return
        self._publish(found, None)
        if not found.gpus:  # the child has ended: only a fresh one can try again
            self._drop()
            absent = self._last is not None and self._last.source == "none"
            rest = self._absent_retry_s if absent else self._sick_retry_s
            self._not_before = time.monotonic() + rest

    def _publish(self, found: Inventory | None, failure: str | None) -> None:
        with self._changed:
            self._failure = failure
            if found is not None:
                self._failures = 0
                self._last = carry_on(self._last, found)
                self._last_at = time.monotonic()
            self._changed.notify_all()

    def _fail(self, failure: str, *, drop: bool) -> None:
        """Nobody answered: say so, and try again later and later."""
        if drop:
            self._drop()
        least, most = _BACK_OFF_S
        self._not_before = time.monotonic() + min(most, least * 2**self._failures)
        self._failures += 1
        self._publish(None, failure)

    def _drop(self) -> None:
        with self._changed:
            reader, self._reader = self._reader, None
        if reader is not None and not reader.close():
            self._unkillable.append(reader)
