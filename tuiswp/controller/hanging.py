"""Notice trials that report nothing any more, say what they do meanwhile, and keep their stack.

Whether a silence is too long is judged in `analysis.silence`; here is what was seen. A trial is
ended for it only if the sweep file says so, and never one that a person stopped or that waits for
somebody to type. Time counts while this controller looks, by a clock that nobody can set.
"""

import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import msgspec

from tuiswp.analysis import silence, words
from tuiswp.controller.core import Core, log
from tuiswp.controller.directory import write_atomically
from tuiswp.controller.places import Places
from tuiswp.controller.watched import WatchedTime
from tuiswp.controller.watching import Observed, Watcher
from tuiswp.gpu.environment import CPU
from tuiswp.launchers import vitals
from tuiswp.launchers.attempt import log_tail
from tuiswp.launchers.stack_look import Look
from tuiswp.launchers.stacks import STACK, Order, Stack, find_py_spy
from tuiswp.metrics.file import MetricFile
from tuiswp.model.events import TrialMoving, TrialSilent
from tuiswp.model.ids import attempt_id
from tuiswp.model.trial import KillRequest, Silence, Trial
from tuiswp.model.who import US

LOOK_S = 20.0  # for the stack
_SAMPLE_S = (0.25, 10.0)  # between two samples of a silent trial, at least and at most
_TAIL_BYTES = 512
_ENDED: frozenset[Silence] = frozenset({"hang", "busy"})  # where the file says kill


class _Attempt:
    """What is known of one attempt since this controller watches it."""

    def __init__(self, at: float, rows: tuple[int, int], printed: tuple[int, int]) -> None:
        self.pulse = silence.Pulse(at)
        self.rows, self.printed = rows, printed
        self.samples: list[silence.Sample] = []
        self.next_sample = 0.0
        self.held = False  # stopped or frozen: this time is not its own


class _Taking(msgspec.Struct, frozen=True):
    """A silence that is told as soon as its stack is there."""

    trial: int
    attempt: int
    finding: silence.Finding
    look: Look
    until: float


class HangWatch:
    """Looks once a round. `clock`: monotonic seconds."""

    def __init__(
        self,
        core: Core,
        watcher: Watcher,
        places: Places,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._core, self._watcher, self._places, self._clock = core, watcher, places, clock
        self._time = WatchedTime(clock)
        self._known: dict[tuple[int, int], _Attempt] = {}
        self._company = silence.Company()
        self._taking: _Taking | None = None
        self._py_spy = find_py_spy()  # once: what is run later is what was there at the start

    def look(self) -> None:
        """Say what is silent and what goes on again. Raises JournalError."""
        clock, passed = self._clock(), self._time.passes()
        if self._core.sweep.hang.action == "off":
            return
        observed = {(one.trial, one.attempt): one for one in self._watcher.observed()}
        for key in self._known.keys() - observed.keys():
            del self._known[key]
        due = [one for one in observed.values() if self._follow(one, passed)]
        if due:
            children = vitals.family()
            for one in due:
                self._sample(one, children)
        self._tell(clock)

    def close(self) -> None:
        if self._taking is not None:
            self._taking.look.close()
            self._taking = None

    # --- what is seen ---

    def _follow(self, one: Observed, passed: float) -> bool:
        """Note signs of life; whether the trial is silent for so long that it is looked at."""
        key, now = (one.trial, one.attempt), self._time.now
        rows, printed = _rows(one.file), _printed(one.directory)
        known = self._known.get(key)
        if known is None:
            self._known[key] = _Attempt(now, rows, printed)
            return False
        if known.held:
            known.pulse.skip(passed)
        if rows != known.rows:
            began = not known.pulse.rows
            gap = known.pulse.row(now)
            if not began or not one.inherited:
                self._widen(gap, began)
            self._moves(one, known, "it reports again")
        elif printed != known.printed:
            known.pulse.sign(now)
            self._moves(one, known, "it prints again")
        known.rows, known.printed = rows, printed
        told = self._core.trial(one.trial).silent
        if now < known.next_sample or (told is not None and told.kind != "stopped"):
            return False
        quiet = known.pulse.silence(now)
        return told is not None or known.held or quiet >= min(self._limit(known) / 3, _SAMPLE_S[1])

    def _widen(self, gap: float, began: bool) -> None:
        """What one trial came back from is no hang of another."""
        company = self._company
        if began:
            start = max(gap, company.start_s or 0.0)
            self._company = msgspec.structs.replace(company, start_s=start)
        else:
            longest = max(gap, company.gap_s or 0.0)
            self._company = msgspec.structs.replace(company, gap_s=longest)

    def _moves(self, one: Observed, known: _Attempt, what: str) -> None:
        known.samples.clear()
        known.held = False
        if self._core.trial(one.trial).silent is not None:
            self._core.record(TrialMoving(one.trial, one.attempt, what))

    def _limit(self, known: _Attempt) -> float:
        pulse, rule = known.pulse, self._core.sweep.hang
        return silence.allowed(rule, pulse.rhythm, self._company, reported=pulse.rows > 0)

    # --- what is looked at closely ---

    def _sample(self, one: Observed, children: dict[int, list[int]]) -> None:
        known, trial = self._known[one.trial, one.attempt], self._core.trial(one.trial)
        limit, rhythm = self._limit(known), known.pulse.rhythm
        known.next_sample = self._time.now + min(max(limit / 30, _SAMPLE_S[0]), _SAMPLE_S[1])
        tail = self._core.secrets.raw(log_tail(one.directory, _TAIL_BYTES))
        seen = vitals.look(one.start, children, tail)
        if seen is None:
            return
        if (known.held or trial.silent is not None) and not seen.stopped:
            known.pulse.sign(self._time.now)
            self._moves(one, known, "it was let go on")
        known.held = bool(seen.stopped)
        known.samples.append(self._as_sample(trial, seen))
        while len(known.samples) > 2 and known.samples[1].at <= self._time.now - limit / 2:
            del known.samples[0]
        if trial.silent is not None or trial.kill is not None or self._taking is not None:
            return
        busy = silence.allowed_busy(self._core.sweep.hang, limit)
        quiet = known.pulse.silence(self._time.now)
        found = silence.judge(quiet, limit, busy, rhythm, known.samples)
        if found is not None:
            look = Look(Order(one.start, self._py_spy))
            self._taking = _Taking(one.trial, one.attempt, found, look, self._clock() + LOOK_S)

    def _as_sample(self, trial: Trial, seen: vitals.Vitals) -> silence.Sample:
        return silence.Sample(
            at=self._time.now,
            processes=len(seen.pids),
            cpu_s=seen.cpu_s,
            moved=seen.moved,
            gpu=self._gpu(trial),
            states=seen.states,
            waits=seen.waits,
            stopped=seen.stopped,
            input=seen.input,
        )

    def _gpu(self, trial: Trial) -> int | None:
        """The most one of its GPUs does now; None if that is unknown, or may be a neighbour's."""
        inventory = self._places.inventory()
        if inventory is None or inventory.simulated:
            return None
        if self._core.sweep.resources.trials_per_gpu > 1:
            return None
        readings = [inventory.gpu(it.uuid) for it in trial.attempts[-1].leases if it.uuid != CPU]
        used = [None if gpu is None else gpu.utilization for gpu in readings]
        return None if None in used else max((one or 0 for one in used), default=None)

    # --- what is told ---

    def _tell(self, clock: float) -> None:
        """Record the silence whose stack was waited for, if it still lasts."""
        taking = self._taking
        if taking is None:
            return
        stack = taking.look.outcome()
        if stack is None and clock < taking.until:
            return
        taking.look.close()
        self._taking = None
        known = self._known.get((taking.trial, taking.attempt))
        if known is None or not known.samples:  # it ended, or went on
            return
        self._keep(taking, stack or Stack())
        found, where = taking.finding, (stack or Stack()).where
        fact = TrialSilent(
            taking.trial,
            taking.attempt,
            found.kind,
            round(found.silent_s, 1),
            round(found.limit_s, 1),
            found.evidence,
            where,
        )
        trial = self._core.trial(taking.trial)
        if self._core.sweep.hang.action == "kill" and found.kind in _ENDED:
            at = f"; in {where}" if where else ""
            why = f"hang: {found.evidence}{at}"
            self._watcher.ask(trial, KillRequest(self._core.wall(), US, why, "hang"), fact)
        else:
            self._core.record(fact)

    def _keep(self, taking: _Taking, stack: Stack) -> None:
        """Write attempts/N/stack.txt; a disk that refuses it changes nothing else."""
        if not stack.text:
            return
        now = words.clock(self._core.wall())
        head = f"{attempt_id(taking.trial, taking.attempt)}  {now}  {taking.finding.evidence}\n"
        place = self._core.directory.attempt(taking.trial, taking.attempt) / STACK
        try:
            write_atomically(place, (head + stack.text).encode())
        except OSError as error:
            log.warning("%s cannot be written: %s", place, error.strerror)


def _rows(file: MetricFile) -> tuple[int, int]:
    return file.rows, file.growths


def _printed(attempt: Path) -> tuple[int, int]:
    """Size and time of the output; (0, 0) while there is none."""
    with suppress(OSError):
        found = (attempt / "output.log").lstat()
        return found.st_size, found.st_mtime_ns
    return 0, 0
