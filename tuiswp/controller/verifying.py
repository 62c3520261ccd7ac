"""Hold a sweep's journal against its files, and both against the optimum. Reads; changes nothing.

Every check is told with what was found and what to do. What moves while it is looked at, because a
controller is at work, is looked at twice, and only what is wrong both times is told.
"""

import hashlib
import math
import os
import stat
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Literal, TypeAlias

import msgspec

from tuiswp.controller import elsewhere
from tuiswp.controller.directory import SweepDirectory
from tuiswp.controller.frozen import PUT_BACK, as_seen, frozen_sweep
from tuiswp.controller.journal import Scan, read
from tuiswp.controller.recomputing import best_of, best_of_phases, same, value_in
from tuiswp.controller.reducer import SweepState, replay
from tuiswp.errors import TuiswpError
from tuiswp.launchers.attempt import flaws, read_exit, read_start
from tuiswp.metrics.file import MetricFile
from tuiswp.model.events import AttemptEnded, AttemptLaunching
from tuiswp.model.ids import attempt_id
from tuiswp.model.sweep import Sweep
from tuiswp.model.trial import Attempt, Trial
from tuiswp.plain import read_plain

AGAIN_S = 0.5
_OWN_FILES = (
    "sweep.yaml", "journal.jsonl", "provenance.json", "owner.json", "best.json", "controller.log",
)  # fmt: skip

# note: worth knowing, nothing is lost. wrong: two things that should say the same do not.
Grade: TypeAlias = Literal["note", "wrong"]


class Finding(msgspec.Struct, frozen=True):
    """`code` is stable, for scripts; `where` is a path in the sweep, a trial, or empty."""

    grade: Grade
    code: str
    where: str
    text: str
    next: str | None = None


class Verified(msgspec.Struct, frozen=True):
    """What was looked at, and what is not as it should be.

    `optimum`: trial and value recomputed from the files; None if there is none, or it cannot be.
    `recorded`: the same as the journal has it. `compared`: whether the two were. `left_out`: what
    was not recomputed, and why.
    """

    facts: int
    trials: int
    attempts: int
    findings: tuple[Finding, ...]
    optimum: tuple[int, float] | None
    recorded: tuple[int, float] | None
    compared: bool
    name: str
    left_out: str | None = None

    @property
    def ok(self) -> bool:
        return all(one.grade != "wrong" for one in self.findings)


def verify(directory: SweepDirectory) -> Verified:
    """Look at everything once, and again at what is wrong while a controller is at work."""
    first = _Look(directory).whole()
    state = replay(read(directory.journal).records)
    if elsewhere.holder(directory, state) is None or not first.findings:
        return first
    time.sleep(AGAIN_S)  # a fact and its file are written one after the other
    second = _Look(directory).whole()
    stayed = {(one.code, one.where) for one in first.findings}
    kept = tuple(one for one in second.findings if (one.code, one.where) in stayed)
    return msgspec.structs.replace(second, findings=kept)


class _Look:
    """One look at one sweep."""

    def __init__(self, directory: SweepDirectory) -> None:
        self._directory = directory
        self._found: list[Finding] = []
        self._scan: Scan = read(directory.journal)
        self._state: SweepState = replay(self._scan.records)
        self._alive = elsewhere.holder(directory, self._state) is not None
        self._values: dict[int, float | None] = {}

    def whole(self) -> Verified:
        self._journal()
        self._facts()
        sweep = self._sweep()
        attempts = 0
        for trial in self._trials():
            self._trial(trial)
            for attempt in trial.attempts:
                attempts += 1
                self._attempt(trial, attempt)
            if sweep is not None:
                self._value(sweep, trial)
        self._private()
        self._left()
        optimum, compared = self._optimum(sweep)
        best = self._state.best
        return Verified(
            facts=len(self._scan.records),
            trials=len(self._state.trials),
            attempts=attempts,
            findings=tuple(self._found),
            optimum=optimum,
            recorded=None if best is None else (best.trial, best.value),
            compared=compared,
            name=self._state.name,
            left_out=self._left_out(sweep),
        )

    def _left_out(self, sweep: Sweep | None) -> str | None:
        """What of the values and the optimum is only as the journal and `analysis` have it."""
        if self._scan.newer is not None or sweep is None:
            return "nothing was recomputed: the journal or the sweep file cannot be read whole"
        if sweep.objective is None:
            return "nothing was recomputed: no metric decides"
        return None

    def _trials(self) -> Sequence[Trial]:
        return [self._state.trials[number] for number in sorted(self._state.trials)]

    def _wrong(self, code: str, where: str, text: str, next: str | None = None) -> None:
        self._found.append(Finding("wrong", code, where, text, next))

    def _note(self, code: str, where: str, text: str, next: str | None = None) -> None:
        self._found.append(Finding("note", code, where, text, next))

    # --- the journal by itself ---

    def _journal(self) -> None:
        name = self._directory.journal.name
        for one in self._scan.damage:
            self._wrong(
                "journal-damaged", f"{name}:{one.line}", one.reason,
                "nothing is written to it any more; what is whole is still read",
            )  # fmt: skip
        if self._scan.newer is not None:
            self._wrong(
                "journal-newer", name, f"is of a newer tuiswp (version {self._scan.newer})",
                "verify it with that version",
            )  # fmt: skip
        if self._scan.torn and not self._alive:
            self._note(
                "journal-torn", name,
                f"ends in {len(self._scan.torn)} bytes of a fact that was never acknowledged",
                "the next controller sets them aside",
            )  # fmt: skip
        if not self._scan.records:
            self._wrong("journal-empty", name, "holds no fact", "was it removed, or cut?")

    def _facts(self) -> None:
        """No attempt twice, no two attempts of a trial at once: by the order of the facts alone."""
        tokens: set[str] = set()
        live: dict[int, int] = {}
        newest: dict[int, int] = {}
        for record in self._scan.records:
            match record.event:
                case AttemptLaunching() as launch:
                    where = attempt_id(launch.trial, launch.attempt)
                    if launch.token in tokens or launch.attempt <= newest.get(launch.trial, 0):
                        self._wrong("launched-twice", where, "was launched twice")
                    if launch.trial in live:
                        before = attempt_id(launch.trial, live[launch.trial])
                        self._wrong("two-at-once", where, f"was launched while {before} ran")
                    tokens.add(launch.token)
                    live[launch.trial] = newest[launch.trial] = launch.attempt
                case AttemptEnded() as end if live.get(end.trial) == end.attempt:
                    del live[end.trial]
                case _:
                    pass

    # --- the files of the sweep ---

    def _sweep(self) -> Sweep | None:
        name = self._directory.sweep_file.name
        try:
            data = read_plain(self._directory.sweep_file)
        except OSError as error:
            self._wrong("sweep-file-missing", name, f"cannot be read: {error.strerror}")
            return None
        was = self._state.spec_sha256
        if was and hashlib.sha256(data).hexdigest() != was:
            self._wrong(
                "sweep-file-changed", name, "is not as it was when the sweep started",
                PUT_BACK,
            )  # fmt: skip
        try:
            return as_seen(frozen_sweep(self._directory), self._state)
        except TuiswpError as error:
            self._wrong("sweep-file-wrong", name, f"cannot be understood: {error}")
            return None

    def _trial(self, trial: Trial) -> None:
        if not any(attempt.started_at is not None for attempt in trial.attempts):
            return
        folder = self._directory.trial(trial.number)
        if not folder.is_dir():
            self._wrong("trial-missing", trial.id, "its directory is gone")
            return
        try:
            params = msgspec.json.decode(read_plain(folder / "params.json"))
        except OSError as error:
            self._wrong("params-missing", trial.id, f"params.json cannot be read: {error.strerror}")
        except (msgspec.DecodeError, RecursionError):
            self._wrong("params-differ", trial.id, "params.json is no JSON")
        else:
            if params != msgspec.to_builtins(trial.params):
                self._wrong(
                    "params-differ", trial.id, "params.json says other values than the journal"
                )

    def _attempt(self, trial: Trial, attempt: Attempt) -> None:
        where = attempt_id(trial.number, attempt.number)
        folder = self._directory.attempt(trial.number, attempt.number)
        if not folder.is_dir():
            if attempt.started_at is not None and self._directory.trial(trial.number).is_dir():
                self._wrong("attempt-missing", where, "its directory is gone")
            return
        for name, why in flaws(folder, attempt.token).items():
            self._wrong("record-not-believed", where, f"{name} {why}")
        start, end = read_start(folder, attempt.token), read_exit(folder, attempt.token)
        if attempt.started_at is not None and start is None:
            self._wrong(
                "start-missing", where, "ran by the journal, and has no start.json of its own"
            )
        if attempt.ended_at is None:
            if end is not None and not self._alive:
                self._note(
                    "end-not-recorded", where, "has ended, and no controller was there to see it",
                    "the next one records it: `tuiswp SWEEP`",
                )  # fmt: skip
            return
        told = (attempt.code, attempt.signal)
        if end is None and told != (None, None):
            self._wrong(
                "exit-missing", where, f"{_end(*told)} by the journal, and has no exit.json"
            )
        elif end is None and attempt.cause in ("done", "diverged"):
            self._wrong("no-evidence", where, "is called done, and nothing says how it ended")
        elif end is not None and told == (None, None):
            self._note(
                "exit-late", where, f"exit.json says {_end(end.code, end.signal)}; the journal had "
                f"given it up as {attempt.cause}",
            )  # fmt: skip
        elif end is not None and (end.code, end.signal) != told:
            self._wrong(
                "exit-differs", where,
                f"{_end(*told)} by the journal, {_end(end.code, end.signal)} by exit.json",
            )  # fmt: skip

    # --- the values and the optimum ---

    def _value(self, sweep: Sweep, trial: Trial) -> None:
        """Recompute what the journal says a finished trial reached."""
        if trial.state != "done" or sweep.objective is None:
            return
        self._values[trial.number] = trial.value
        path = self._directory.metrics(trial.number)
        try:
            value = value_in(path, sweep.objective, sweep.derived)
        except FileNotFoundError:
            if trial.value is not None and not self._elsewhere(trial.number):
                self._wrong(
                    "metrics-missing", trial.id,
                    f"has {trial.value:g} by the journal, and no file of metrics",
                )  # fmt: skip
            return
        except OSError as error:
            self._wrong("metrics-unreadable", trial.id, f"metrics.jsonl: {error.strerror or error}")
            return
        self._values[trial.number] = value
        if not same(value, trial.value):
            self._wrong(
                "value-differs", trial.id,
                f"{_value(trial.value)} by the journal, {_value(value)} by metrics.jsonl",
                "was the file changed after the trial had ended?",
            )  # fmt: skip

    def _elsewhere(self, number: int) -> bool:
        """Whether the trial reported by the files of another tool."""
        file = MetricFile(self._directory.metrics(number))
        file.poll(final=True)
        return file.kind is not None

    def _optimum(self, sweep: Sweep | None) -> tuple[tuple[int, float] | None, bool]:
        if self._left_out(sweep) is not None:
            return None, False
        assert sweep is not None
        assert sweep.objective is not None
        may = [trial for trial in self._trials() if trial.state == "done" and trial.complete]
        found = {one.number: self._values.get(one.number) for one in may}
        values = {n: v for n, v in found.items() if v is not None and math.isfinite(v)}
        if sweep.phases:
            best = best_of_phases(sweep, self._trials(), values, sweep.objective)
        else:
            best = best_of(values.items(), sweep.objective)
        told = self._state.best
        if best is None:
            return None, True
        if told is None or told.trial != best[0] or not same(told.value, best[1]):
            was = "none" if told is None else f"t{told.trial:04d} ({told.value:g})"
            self._wrong(
                "optimum-differs", f"t{best[0]:04d}",
                f"is the best by the files ({best[1]:g}); by the journal it is {was}",
            )  # fmt: skip
        else:
            self._best_file(self._state.trials[best[0]])
        return best, True

    def _best_file(self, best: Trial) -> None:
        name = self._directory.best.name
        try:
            written = msgspec.json.decode(read_plain(self._directory.best))
        except (OSError, msgspec.DecodeError, RecursionError):
            self._note(
                "best-missing", name, "cannot be read", "`tuiswp export --best FILE` makes one"
            )
            return
        params = msgspec.to_builtins(best.params)
        if not isinstance(written, dict) or any(written.get(k) != v for k, v in params.items()):
            self._wrong(
                "best-differs", name, f"is not the configuration of {best.id}",
                "`tuiswp export --best FILE` writes the right one",
            )  # fmt: skip

    # --- whose it is, and what lies about ---

    def _private(self) -> None:
        root = self._directory.root
        owner = root.stat().st_uid
        for path in self._ours():
            where = str(path.relative_to(root)) if path != root else "."
            try:
                found = path.lstat()
            except OSError:
                continue
            plain = stat.S_ISDIR(found.st_mode) or stat.S_ISREG(found.st_mode)
            if not plain:
                self._wrong("not-a-file", where, "is a link, or no file at all", "remove it")
            elif found.st_uid != owner:
                self._wrong("owner", where, f"belongs to uid {found.st_uid}, the sweep to {owner}")
            elif found.st_mode & 0o022:
                self._wrong("writable", where, "can be written by others", "chmod go-w it")
            elif stat.S_ISREG(found.st_mode) and found.st_nlink > 1:
                self._wrong("hard-link", where, "has another name somewhere", "copy it over itself")
            elif found.st_mode & 0o077 and (path == root or root.stat().st_mode & 0o077):
                self._note("readable", where, "can be read by others", "chmod go-rwx it")

    def _ours(self) -> Iterator[Path]:
        """What only tuiswp writes; what a training writes is its own."""
        root = self._directory.root
        yield root
        for path in (*(root / name for name in _OWN_FILES), self._directory.requests):
            if os.path.lexists(path):
                yield path
        if not self._directory.trials.is_dir():
            return
        yield self._directory.trials
        for trial in self._trials():
            folder = self._directory.trial(trial.number)
            if not folder.is_dir():
                continue
            yield folder
            yield from (p for p in (folder / "params.json",) if os.path.lexists(p))
            for attempt in trial.attempts:
                place = self._directory.attempt(trial.number, attempt.number)
                for path in (place, *(place / n for n in ("spec.json", "start.json", "exit.json"))):
                    if os.path.lexists(path):
                        yield path

    def _left(self) -> None:
        if self._alive:
            return
        live = self._state.live()
        if live:
            self._note(
                "unwatched", "", f"{len(live)} trials run by the journal, and no controller lives",
                "`tuiswp SWEEP` starts one, which finds out",
            )  # fmt: skip
        with suppress(OSError):
            waiting = sorted(self._directory.requests.glob("*.json"))
            if waiting:
                self._note("requests", "requests", f"{len(waiting)} requests wait for a controller")
        with suppress(OSError):
            drafts = [p for p in self._directory.root.glob(".*.*") if p.is_file()]
            for draft in drafts:
                self._note(
                    "draft", draft.name, "was left half written by a crash", "it can be removed"
                )


def _end(code: int | None, signal: int | None) -> str:
    return f"signal {signal}" if signal is not None else f"exit {code}"


def _value(value: float | None) -> str:
    return "no value" if value is None else repr(value)
