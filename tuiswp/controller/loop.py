"""The one process per sweep that decides: look, record, start, wait. Headless; draws nothing.

One thread. It sleeps in `select` on the wake-up FIFO and on the supervisors' pidfds, so the end of
a trial starts the next one at once; what has no descriptor (metrics files, GPUs) is looked at twice
a second. A journal that cannot be written stops launching, never watching.
"""

import errno
import os
import selectors
import signal
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from types import FrameType
from typing import Literal, TypeAlias

import tuiswp
from tuiswp import proc
from tuiswp.analysis.enough import SEARCHING, why_enough
from tuiswp.analysis.optimum import Judgement, judge
from tuiswp.analysis.summary import best_json
from tuiswp.controller.applying import Applier
from tuiswp.controller.breakers import Breakers
from tuiswp.controller.core import Core, log
from tuiswp.controller.directory import SweepDirectory, write_atomically
from tuiswp.controller.gpufaults import GpuFaults
from tuiswp.controller.hanging import HangWatch
from tuiswp.controller.journal import Journal
from tuiswp.controller.launching import Starter, wanted
from tuiswp.controller.notifying import Notifier
from tuiswp.controller.phasing import Phaser
from tuiswp.controller.places import Places
from tuiswp.controller.pruning import Pruner
from tuiswp.controller.reducer import SweepState
from tuiswp.controller.replicating import Replicator
from tuiswp.controller.requests import WakeUp
from tuiswp.controller.stragglers import Stragglers
from tuiswp.controller.watchdog import Watchdog
from tuiswp.controller.watching import Watcher
from tuiswp.errors import EnvironmentFault, ExitCode, JournalError, TuiswpError
from tuiswp.launchers.base import Launcher
from tuiswp.model.events import (
    BestChanged,
    ControllerStarted,
    ControllerStopped,
    SweepCreated,
    SweepFinished,
    SweepPaused,
    SweepResumed,
    SweepStopping,
)
from tuiswp.model.sweep import Sweep
from tuiswp.model.trial import KillRequest
from tuiswp.model.who import US

POLL_S = 0.5
CURVES_S = 0.1  # of a round, for reading metrics
TROUBLE_S = 1.0
PROBE_S = 5.0  # between two looks whether the disk would take a fact
SLOW_S = 2.0  # for a fact to be on the disk
_PASSING = (errno.ENOSPC, errno.EDQUOT, errno.EIO, errno.ESTALE)


class DirectoryGone(EnvironmentFault):
    """The sweep directory is no longer where it was."""


Left: TypeAlias = Literal["finished", "paused", "interrupted"]


class Controller:
    """One sweep's controller. The caller holds the sweep's lock.

    `batch`: leave when tuiswp itself paused the sweep, since nobody is there to resume it.
    `umask`: what trainings get; None leaves them what the launcher gives. `environ`: what they find
    in their environment besides; None: what this process has.
    """

    def __init__(
        self,
        directory: SweepDirectory,
        sweep: Sweep,
        launcher: Launcher,
        places: Places,
        *,
        batch: bool = False,
        umask: int | None = None,
        environ: Mapping[str, str] | None = None,
    ) -> None:
        journal = Journal(directory.journal)
        self.core = Core(directory, sweep, launcher, journal, environ)
        self._places = places
        self._batch = batch
        self._home = _identity(directory.root)
        self._selector = selectors.DefaultSelector()
        self._wake = WakeUp(directory.wake)
        self._selector.register(self._wake.fd, selectors.EVENT_READ, "wake")
        self._gpu_faults = GpuFaults(self.core, places)
        self._watcher = Watcher(
            self.core, self._selector, places.release, self._gpu_faults.evidence
        )
        self._applier = Applier(self.core, self._watcher)
        self._pruner = Pruner(self.core, self._watcher)
        self._phaser = Phaser(self.core)
        self._breakers = Breakers(self.core, self._watcher, places)
        self._starter = Starter(self.core, places, self._breakers, directory.wake, umask=umask)
        self._watchdog = Watchdog(self.core, self._watcher)
        self._hangs = HangWatch(self.core, self._watcher, places)
        self._stragglers = Stragglers(self.core, self._watcher)
        self._replicator = Replicator(self.core)
        self._notifier = Notifier(self.core)
        self._judged: tuple[int, BestChanged | None] = (-1, None)
        # Whether best.json may say less than the journal: a full disk, or a crash before this.
        self._best_due = self.core.state.best is not None
        self._best_trouble = ""
        self._weighed = -1  # seq at which the stop rules were last asked
        self._left: Left | None = None  # how this ends, once it does
        self.trouble: str | None = None
        self._next_probe = 0.0

    def run(self) -> Left:
        """Run to the end of the sweep, or until asked to leave; trials never notice."""
        self.settle()
        while self._left is None:
            try:
                self.step()
                self._tell(None)
                timeout = self._timeout()
            except DirectoryGone as gone:
                log.error("%s", gone)
                self.close()
                raise
            except (TuiswpError, OSError) as error:
                if self.trouble != str(error):
                    log.error("%s", error, exc_info=isinstance(error, OSError))
                self._tell(str(error))
                timeout = TROUBLE_S
            if self._left is None:
                self._sleep(timeout)
        self.close()
        return self._left

    def _tell(self, trouble: str | None) -> None:
        """Keep what holds this up where a reader finds it: the journal may be what it is about."""
        if trouble == self.trouble:
            return
        self.trouble = trouble
        with suppress(OSError, TuiswpError):
            if trouble is None:
                self.core.directory.trouble.unlink(missing_ok=True)
            else:
                write_atomically(self.core.directory.trouble, trouble.encode(errors="replace"))

    def interrupt(self, _signum: int = 0, _frame: FrameType | None = None) -> None:
        """Leave at the next round: journal whole, trials untouched. Safe in a signal handler."""
        self._left = "interrupted"
        self.core.launcher.hurry()
        with suppress(OSError):  # full of unread bytes, it wakes all the same
            os.write(self._wake.fd, b"i")

    def stays_in(self, home: tuple[int, int]) -> None:
        """Work only in the directory that is locked: another may be in its place since."""
        self._home = home

    def install_signals(self) -> None:
        for signum in (signal.SIGTERM, signal.SIGINT):
            signal.signal(signum, self.interrupt)

    def open(self, *, spec_sha256: str) -> None:
        """Say in the journal that this controller is at work. Raises JournalError."""
        core = self.core
        with suppress(OSError, TuiswpError):  # of a controller that was killed while it was held up
            core.directory.trouble.unlink(missing_ok=True)
        if core.journal.torn:
            log.warning("set aside %d bytes of a torn last record", core.journal.torn)
        if not core.state.name:
            core.record(SweepCreated(core.sweep.name, spec_sha256, tuiswp.__version__, core.host))
        core.record(ControllerStarted(proc.myself(), core.host, tuiswp.__version__, proc.machine()))

    @property
    def left(self) -> Left | None:
        """Why this controller leaves; None while it stays."""
        return self._left

    @property
    def waiting(self) -> str | None:
        """Why nothing more is launched, in a sentence; None if nothing waits."""
        return self._starter.waiting

    def close(self) -> None:
        """Say so in the journal and let go of everything but the trials."""
        self._tell(None)
        self._notifier.close(tell=self._left in ("finished", "paused"))
        try:
            self.core.record(ControllerStopped(self._left or "finished"))
        except JournalError as error:
            log.error("%s", error)
        self._hangs.close()
        self._watcher.close()
        self._starter.close()
        self._places.close()
        if self._left == "finished":
            self.core.launcher.close()
        self._selector.close()
        self._wake.close()
        self.core.journal.close()

    def settle(self) -> None:
        """Take over what a controller before this one left running, before anything is launched."""
        self._places.adopt(self.core.state.live())
        self._watcher.settle()

    def step(self) -> None:
        """One round: requests, starts and ends, judgement, launches. Raises JournalError.

        DirectoryGone before anything is concluded from files that are elsewhere.
        """
        self._stay()
        self._listen()
        self.core.journal.verify()
        self._probe_disk()
        self._settle_doubt()
        self._applier.apply_all()
        self._watcher.sync()
        self._watcher.check()
        self._pruner.look(self._watcher.curves.poll(budget_s=CURVES_S))
        self._judge()
        self._watchdog.look()
        self._gpu_faults.look()
        self._breakers.look()
        self._hangs.look()
        self._stragglers.look()
        self._stop_if_enough()
        self._phaser.begin()
        self._starter.enough = self._phaser.enough()
        self._places.tick()
        self._wait_for_environment()
        self._replicator.look(searched=self._starter.searched and not self._phaser.more())
        self._starter.fill()
        self._watcher.sync()
        self._settle_doubt()
        self._notifier.look()
        self._finish_if_over()

    def _probe_disk(self) -> None:
        now = time.monotonic()
        if now >= self._next_probe:
            self.core.journal.probe()
            self._next_probe = now + PROBE_S
        took = self.core.journal.slowest_s
        if took > SLOW_S:
            self.core.warn(
                "slow-disk",
                f"it took {took:.1f} s until a fact was on the disk: every launch and every answer "
                "waits for that; running trials do not; put sweeps on another disk with --dir",
            )

    def _stay(self) -> None:
        root = self.core.directory.root
        with suppress(FileNotFoundError, NotADirectoryError):
            if _identity(root) == self._home:
                return
        raise DirectoryGone(
            "the sweep directory was moved or removed; running trials go on",
            where=str(root),
            hint="start the sweep again where its directory is now",
        )

    def _settle_doubt(self) -> None:
        """A launch failed half-way: what has not begun never will, and is launched again."""
        if self._starter.in_doubt is not None:
            self._watcher.sync()
            self._watcher.take_back(self._starter.in_doubt)
            self._starter.in_doubt = None

    def _wait_for_environment(self) -> None:
        """Pause while this controller has not all that trainings need; go on in one that has."""
        state, missing = self.core.state, self.core.unset()
        if state.finished is not None or state.stopping is not None:
            return
        if missing and state.paused is None:
            self.core.record(SweepPaused(US, self.core.unset_words(), missing))
        elif not missing and state.paused is not None and state.paused.missing:
            self.core.record(SweepResumed(US))

    def _judge(self) -> None:
        """What follows from ended trials: the best so far."""
        state = self.core.state
        attempts = sum(len(trial.attempts) for trial in state.trials.values())
        ended = attempts - len(state.live())
        if (ended, state.best) == self._judged and not self._best_due:
            return
        judgement = judge(self.core.sweep, list(state.trials.values()))
        best = judgement.optimum
        if best is not None and best.value is not None:
            before = None if state.best is None else (state.best.trial, state.best.value)
            if before != (best.number, best.value):
                self.core.record(BestChanged(best.number, best.value))
                self._best_due = True
        if self._best_due or best is None:
            self._write_best(judgement)
        self._judged = (ended, self.core.state.best)

    def _stop_if_enough(self) -> None:
        """Stop for a rule of the file that is reached, and say which."""
        state, sweep = self.core.state, self.core.sweep
        if state.stopping is not None or state.finished is not None or not state.trials:
            return
        timed = sweep.stop.hours is not None or sweep.stop.gpu_hours is not None
        if state.seq == self._weighed and not timed:
            return
        self._weighed = state.seq
        trials = state.trials.values()
        # In phases, what says that a search has nothing more to give ends only its phase.
        off = state.rules_off.union(() if sweep.phase is None else SEARCHING)
        reached = why_enough(sweep, trials, self.core.wall(), off)
        if reached is None:
            return
        self.core.record(SweepStopping(US, sweep.stop.now, reached.rule, reached.why))
        if sweep.stop.now:
            for trial in state.live():
                why = KillRequest(self.core.wall(), US, reached.why, "stopped")
                self._watcher.ask(trial, why)

    def _write_best(self, judgement: Judgement, *, last: bool = False) -> None:
        """Write best.json (remove it if there is no best), or note that it is due.

        Raises EnvironmentFault if this was the `last` occasion and there may yet be room.
        """
        try:
            if judgement.optimum is None:
                self.core.directory.best.unlink(missing_ok=True)
            else:
                self.core.write_best(best_json(self.core.sweep, judgement))
            self._best_due, self._best_trouble = False, ""
        except OSError as error:
            if self._best_trouble != str(error):
                log.error("best.json: %s; it is written as soon as it can be", error)
            self._best_due, self._best_trouble = True, str(error)
            if last and error.errno in _PASSING:
                raise EnvironmentFault(
                    f"cannot be written: {error.strerror}",
                    where=str(self.core.directory.best),
                    hint="the sweep is finished when it can be",
                ) from error

    def _finish_if_over(self) -> None:
        state = self.core.state
        if state.live():
            return
        if state.stopping is None and state.paused is not None:
            if self._batch and state.paused.by == US:
                self._left = "paused"
            return
        if self._batch and wanted(state) and self.core.unset():  # asked for in a stopped sweep
            self._left = "paused"
            return
        if wanted(state) or (state.replication is not None and not self._phaser.more()):
            return
        if state.stopping is None and any(t.state == "paused" for t in state.trials.values()):
            return
        if state.stopping is not None or self._starter.exhausted:
            if state.stopping is None and self._phaser.move_on(self._starter.enough):
                return
            if self.core.state.replication is not None:  # what was left of the phases was skipped
                return
            if state.finished is None:
                why = "stopped" if state.stopping is not None else "every point has been tried"
                if state.phases and state.stopping is None:
                    why = "every phase is over"
                if state.reached is not None:
                    why = state.reached.why
                # First: once a sweep is finished nobody comes back to write it.
                self._write_best(judge(self.core.sweep, state.trials.values()), last=True)
                self.core.record(SweepFinished(why))
            self._left = "finished"

    def _timeout(self) -> float:
        if self._watcher.reading or self._applier.more:
            return 0.0
        wait = POLL_S
        ready = self._starter.next_ready()
        if ready is not None:
            wait = min(wait, max(0.0, ready - time.monotonic()))
        return wait

    def _listen(self) -> None:
        """Be heard again after somebody tidied the runtime directory."""
        if self._wake.mend():
            self._selector.unregister(self._wake.fd)
            self._selector.register(self._wake.fd, selectors.EVENT_READ, "wake")

    def _sleep(self, timeout: float) -> None:
        for key, _ in self._selector.select(timeout):
            if key.data == "wake":
                self._wake.drain()
            else:
                self._watcher.pidfd_ready(key.fd)


def _identity(path: Path) -> tuple[int, int]:
    found = path.stat()
    return found.st_dev, found.st_ino


def exit_code(sweep: Sweep, state: SweepState, left: Left) -> ExitCode:
    """The exit code of `--batch` (DESIGN: stable)."""
    if left == "interrupted":
        return ExitCode.INTERRUPTED
    if left == "paused" and state.paused is not None and state.paused.missing:
        return ExitCode.USAGE  # as it would have been at the start
    trials = list(state.trials.values())
    if judge(sweep, trials).optimum is None:
        return ExitCode.NO_RESULT
    if any(trial.state in ("failed", "lost") for trial in trials):
        return ExitCode.SOME_FAILED
    return ExitCode.OK
