"""Tell a person by their own command what has happened (`tuiswp.notify`). The loop never waits.

One command at a time, ended when its time is over. What happens meanwhile waits, and of one kind
only the newest is told, with how many there were; a new best and failures at most once a minute.
That something is told is made durable first: a restart tells nothing twice, and tells what was not.
"""

import logging
import os
import re
import signal
import subprocess
import time
from collections.abc import Callable, Sequence
from contextlib import suppress

import msgspec

from tuiswp import trust
from tuiswp.analysis.axes import measured
from tuiswp.analysis.silence import silence_text
from tuiswp.controller.core import Core
from tuiswp.controller.reducer import SweepState
from tuiswp.errors import JournalError
from tuiswp.model.events import (
    AttemptEnded,
    BestChanged,
    Event,
    Notified,
    Record,
    SweepFinished,
    SweepPaused,
    TrialSilent,
)
from tuiswp.model.ids import trial_id
from tuiswp.model.notify import NEWS, News, Notify
from tuiswp.model.sweep import Sweep
from tuiswp.model.who import US
from tuiswp.text import visible

GAP_S = 60.0  # between two of a kind that can come in a storm
GRACE_S = 2.0  # between TERM and KILL
LEAVE_S = 1.0  # for the command that runs, when the controller is asked to leave
WARNING = "notify"
_STORMY: frozenset[News] = frozenset({"best", "failed", "silent"})
_ERR_BYTES = 4096
_MACRO = re.compile(r"\$\{([a-z]+)\}")
log = logging.getLogger("tuiswp.controller")


class Told(msgspec.Struct, frozen=True):
    """What is to be told: the newest fact of its kind, and how many there are."""

    kind: News
    record: Record
    count: int = 1


def news_of(event: Event) -> News | None:
    """What a person would want to hear of this fact; None: nothing."""
    match event:
        case SweepFinished():
            return "finished"
        case SweepPaused(by=by) if by == US:
            return "paused"
        case AttemptEnded(outcome="failed" | "lost"):
            return "failed"
        case TrialSilent():
            return "silent"
        case BestChanged():
            return "best"
        case _:
            return None


class Notifier:
    """Hears every fact, and runs the command: `look` starts it, watches it and ends it."""

    def __init__(self, core: Core, clock: Callable[[], float] = time.monotonic) -> None:
        self._core = core
        self._clock = clock
        self._waiting: dict[News, Told] = {}
        self._not_before: dict[News, float] = {}
        self._running: _Running | None = None
        self._notify = core.whole.notify or Notify()
        self._program: str | None = None  # fixed now, not when there is something to tell
        if self._notify.command:
            name = self._notify.command[0]
            if "/" not in name:
                self._program = trust.program(name, core.environ) or f"/nowhere/{name}"
            self.hear(core.journal.records)
            core.listen(self.hear)

    def hear(self, records: Sequence[Record]) -> None:
        """Note what is to be told of these facts."""
        for record in records:
            kind = news_of(record.event)
            if kind is None or kind not in self._notify.events:
                continue
            if record.seq > self._core.state.notified.get(kind, 0):
                before = self._waiting.get(kind)
                self._waiting[kind] = Told(kind, record, 1 + (before.count if before else 0))

    def look(self, *, hurry: bool = False) -> None:
        """Start what waits, end what hangs. `hurry`: no gaps. Raises JournalError."""
        if self._running is not None:
            outcome = self._running.outcome(self._clock())
            if outcome is None:
                return
            self._running = None
            if outcome:
                self._complain(outcome)
        now = self._clock()
        for kind in NEWS:
            told = self._waiting.get(kind)
            if told is not None and (hurry or now >= self._not_before.get(kind, 0.0)):
                self._start(told, now)
                return

    def close(self, *, tell: bool) -> None:
        """Tell what still waits, within the time of one command, then end what runs.

        Without `tell` the next controller tells it.
        """
        deadline = self._clock() + (self._notify.timeout_s if tell else LEAVE_S)
        if not tell:
            self._waiting.clear()
        try:
            while (self._waiting or self._running) and self._clock() < deadline:
                self.look(hurry=True)
                time.sleep(0.02)  # the sweep is over: nobody else waits
        except JournalError as error:
            log.error("%s", error)
        if self._running is not None:
            self._running.end(signal.SIGKILL)
            self._running = None

    def _start(self, told: Told, now: float) -> None:
        facts = [Notified(told.kind, told.record.seq, told.count)]
        best = self._waiting.get("best") if told.kind == "finished" else None
        if best is not None:
            facts.append(Notified("best", best.record.seq, 0))  # the end says which is best
        self._core.record(*facts)
        for fact in facts:
            del self._waiting[fact.news]
        if told.kind in _STORMY:
            self._not_before[told.kind] = now + GAP_S
        sweep = self._core.whole
        said = facts_of(told, sweep, self._core.state) | {"dir": str(self._core.directory.root)}
        argv = [_MACRO.sub(lambda m: said.get(m[1], m[0]), w) for w in self._notify.command]
        known, kept = self._core.environ, sweep.run.env_from.values()
        environment = {name: text for name, text in known.items() if name not in kept}
        environment |= sweep.run.env
        argv[0] = self._program or argv[0]
        environment |= {f"TUISWP_{name.upper()}": text for name, text in said.items()}
        try:
            process = subprocess.Popen(
                argv, cwd=sweep.run.cwd, env=environment, start_new_session=True,
                stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
            )  # fmt: skip
        except (OSError, ValueError) as fault:
            self._complain(f"cannot be run: {getattr(fault, 'strerror', None) or fault}")
            return
        self._running = _Running(process, now + self._notify.timeout_s, self._notify.timeout_s)

    def _complain(self, what: str) -> None:
        """The first failure is a fact; of the others only the log tells."""
        program = visible(self._notify.command[0], limit=80)
        text = self._core.secrets.text(f"the notify command {program} {what}")
        log.warning("%s", text)
        self._core.warn(WARNING, text)


class _Running:
    """A command that runs."""

    def __init__(
        self, process: "subprocess.Popen[bytes]", deadline: float, timeout_s: float
    ) -> None:
        self._process, self._deadline, self._timeout_s = process, deadline, timeout_s
        self._late = False
        self._err = b""
        assert process.stderr is not None
        os.set_blocking(process.stderr.fileno(), False)

    def outcome(self, now: float) -> str | None:
        """None while it runs; "" if all was well; else what was not."""
        code = self._process.poll()
        self._read()
        if code is None:
            if now > self._deadline:
                self.end(signal.SIGKILL if self._late else signal.SIGTERM)
                self._deadline = now + GRACE_S
                self._late = True
            return None
        self._close()
        if self._late:
            return f"did not end within {self._timeout_s:g} s and was ended"
        return f"ended with {code}{self._said()}" if code else ""

    def end(self, number: signal.Signals) -> None:
        self._end_group(number)
        if number == signal.SIGKILL:
            self._process.wait()
            self._close()

    def _end_group(self, number: signal.Signals) -> None:
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self._process.pid, number)

    def _read(self) -> None:
        """Keep the end of what it says; it never has to wait for us."""
        assert self._process.stderr is not None
        with suppress(BlockingIOError):
            while data := os.read(self._process.stderr.fileno(), 1 << 16):
                self._err = (self._err + data)[-_ERR_BYTES:]
                if len(data) < 1 << 16:
                    break

    def _close(self) -> None:
        """It has ended, and so does what it left behind."""
        self._end_group(signal.SIGKILL)
        assert self._process.stderr is not None
        self._process.stderr.close()

    def _said(self) -> str:
        said = self._err.decode("utf-8", "replace").splitlines()
        lines = [line.strip() for line in said if line.strip()]
        return f": {visible(lines[-1], limit=200)}" if lines else ""


def facts_of(told: Told, sweep: Sweep, state: SweepState) -> dict[str, str]:
    """What the command is told, by macro; all of it safe to show, and empty where unknown."""
    event = told.record.event
    trial = event.trial if isinstance(event, AttemptEnded | BestChanged | TrialSilent) else None
    value = event.value if isinstance(event, AttemptEnded | BestChanged) else None
    metric = "" if sweep.objective is None else sweep.objective.metric
    if isinstance(event, SweepFinished) and state.best is not None:
        trial, value = state.best.trial, state.best.value
    name = visible(sweep.name, limit=100)
    return {
        "event": told.kind,
        "sweep": name,
        "trial": "" if trial is None else trial_id(trial),
        "value": "" if value is None else repr(value),
        "metric": visible(metric, limit=100),
        "count": str(told.count),
        "message": f"{name}: {_message(told, trial, value, visible(metric, limit=100))}",
    }


def _message(told: Told, trial: int | None, value: float | None, metric: str) -> str:
    who = "" if trial is None else trial_id(trial)
    scored = "" if value is None else f"{metric} {measured(value)}"
    more = f" ({told.count} in all since the last time)" if told.count > 1 else ""
    match told.record.event:
        case SweepFinished(why=why):
            best = f"; best {who}, {scored}" if who else "; no valid result"
            return f"finished: {visible(why, limit=200)}{best}"
        case SweepPaused(why=why):
            return f"paused: {visible(why, limit=300)}"
        case AttemptEnded(evidence=evidence):
            return f"{who} failed: {visible(evidence, limit=200)}{more}"
        case TrialSilent() as found:
            return f"{who} {silence_text(found)}{more}"
        case _:
            return f"new best {who}, {scored}{more}"
