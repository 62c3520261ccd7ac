"""Read one sweep again and again: only what is new, only what is wanted. No thread, no drawing.

This is the one module of the interface that touches files (by the readers below it).
"""

import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from msgspec.structs import replace

from tuiswp.controller.client import Planned, SweepReader, SweepView
from tuiswp.controller.directory import SweepDirectory
from tuiswp.controller.journal import JournalReader
from tuiswp.controller.reducer import SweepState
from tuiswp.controller.story import Story, durations, time_left
from tuiswp.errors import EnvironmentFault
from tuiswp.gpu.inventory import Inventory
from tuiswp.gpu.probe import GpuWatch
from tuiswp.launchers.attempt import log_tail
from tuiswp.metrics.file import MetricFile
from tuiswp.metrics.follow import Follower
from tuiswp.metrics.names import find
from tuiswp.metrics.objective import reduce
from tuiswp.metrics.resource import columns
from tuiswp.model.sweep import Objective
from tuiswp.model.trial import Trial
from tuiswp.text import visible
from tuiswp.tui.chronicle import Chronicle
from tuiswp.tui.curves import CurveMaker, same_step
from tuiswp.tui.following import Following
from tuiswp.tui.idle import IdleWatch, flagged
from tuiswp.tui.kills import EarlyWatch
from tuiswp.tui.ledger import Ledger
from tuiswp.tui.lookback import Lookback, Looked
from tuiswp.tui.processes import ProcessWatch
from tuiswp.tui.rows import RowMaker, objective_series, shown_until
from tuiswp.tui.scrub import Scrubber
from tuiswp.tui.snapshot import (
    Curve,
    CurveKey,
    LogTail,
    ProcessTree,
    SameStep,
    Snapshot,
    TrialRow,
    Want,
)
from tuiswp.tui.trained import Trained
from tuiswp.tui.verdict import Verdict
from tuiswp.tui.waiting import Queue
from tuiswp.tui.what_if import WhatIf, rejudge

READ_BUDGET_S = 0.2
FOLDER_BUDGET_S = 0.6  # while a large folder of runs is read: every picture of a part costs time
LOG_BYTES = 128 * 1024
LOG_LINES = 1000
NAMES = 200


class Reading:
    """One sweep, or a folder of runs. Raises what `SweepReader` raises."""

    def __init__(self, path: Path, *, clock: Callable[[], float] = time.time) -> None:
        self._reader = SweepReader(path)
        self._clock = clock
        self._following = Following()
        self._state: SweepState | None = None
        self._trials: list[Trial] = []  # of that state
        self._running: list[int] = []  # where those that run stand in it
        self._waiting: Sequence[int] = ()  # who waits, in the order they are to run
        self._queue = Queue()
        self._took: Sequence[float] = ()
        self._best: int | None = None
        self._names: dict[str, None] = {}  # of metrics, by first appearance
        self._verdict = Verdict()
        self._lookback = Lookback()
        self._ledger = Ledger()
        self._rows = RowMaker()
        self._curves = CurveMaker()
        self._trained = Trained()
        self._chronicle: Chronicle | None = None
        self._planned = Planned()
        self._other: tuple[object, WhatIf] | None = None
        self._processes = ProcessWatch()
        self._idle = IdleWatch()
        self._early = EarlyWatch()
        self._scrubber: Scrubber | None = None
        self._watch: GpuWatch | None = None

    def close(self) -> None:
        if self._watch is not None:
            self._watch.close()

    @property
    def behind(self) -> bool:
        """Whether the next `take` will hold more even if nothing happens."""
        return self._verdict.behind or self._lookback.behind or self._unread

    @property
    def _unread(self) -> bool:
        """Whether there is more to read of what is followed."""
        if self._reader.unread > 0 or self._trained.behind:
            return True
        return not self._reader.run_files and self._following.behind

    @property
    def _files(self) -> Mapping[int, MetricFile] | Follower[int]:
        """What was read of each trial."""
        return self._reader.run_files or self._following.files

    def take(self, want: Want) -> Snapshot:
        """Read what is new and say how everything stands, or stood at the moment wanted."""
        live = self._now(want)
        if want.as_of is None or live.view.foreign:
            self._scrubber = None
            return live
        if self._scrubber is None:
            self._scrubber = Scrubber(JournalReader(self._reader.directory.journal))
        files = {number: self._files[number] for number in self._files}
        return self._scrubber.snapshot(live, files, want.as_of)

    def _now(self, want: Want) -> Snapshot:
        if not self._reader.directory.root.is_dir():  # else nothing new would be all there is
            raise EnvironmentFault("its directory is gone")
        budget_s = FOLDER_BUDGET_S if self._trials else READ_BUDGET_S  # the first rows soon
        view = self._reader.refresh(with_metrics=False, budget_s=budget_s)
        if self._chronicle is None:
            self._chronicle = Chronicle(Story(view.sweep, view.directory.name))
        touched = self._read_on(view, want)
        now, planned = self._clock(), self._planned.of(view)
        trials = self._as_they_are(view)
        self._verdict.take(view, trials, self._clock)
        judgement = self._verdict.judgement
        best = None if judgement.optimum is None else judgement.optimum.number
        rows = self._table(view, trials, touched, best, now, want.logged)
        running = {trials[line].number: trials[line].progress for line in self._running}
        grown = [
            file.last_change
            for number in running
            if (file := self._files.get(number)) is not None and file.last_change is not None
        ]
        metrics = self._metrics(view, touched)
        files = self._early_files(view)
        inventory = self._inventory(view)
        self._chronicle.tell(view, self._reader.news)
        idle = self._idle.look(inventory, (trials[line] for line in self._running), now)
        self._chronicle.idle(idle, now)
        return Snapshot(
            view=view,
            rows=flagged(self._queue.placed(rows, self._waiting), idle),
            columns=tuple(visible(p.name, limit=40) for p in self._rows.swept(view)),
            logged=want.logged,
            metrics=metrics,
            curves=self._wanted_curves(view, want, best, metrics),
            judgement=judgement,
            diagnoses=self._verdict.diagnoses,
            events=self._chronicle.lines,
            log=self._log(view, want.log_of),
            inventory=inventory,
            planned=planned,
            eta_s=time_left(view.state, planned, running, now=now, took=self._took),
            data_age_s=max(0.0, time.monotonic() - max(grown)) if grown else None,
            at=now,
            same_step=self._same_step(view, want.compare, best),
            kill_points=self._early.points(view, files, want.x),
            outlook=self._early.outlook(view, files, want.compare),
            processes=self._tree(view, want.processes_of, inventory),
            what_if=self._what_if(view, trials, want.what_if),
            trouble=_trouble(view),
            idle=idle,
            shapes=self._verdict.shapes,
            look=self._look_back(view, trials, want),
            health=self._trained.take(trials, self._files, self._verdict.lost(rows)),
        )

    def take_whole(self, want: Want, *, gpus_s: float = 3.0) -> Snapshot:
        """As `take`, but nothing is left for the next: files read to their ends, the GPUs known.

        The GPUs are waited for no longer than `gpus_s`.
        """
        snapshot = self.take(want)
        while self.behind:
            snapshot = self.take(want)
        if snapshot.inventory is None and self._watch is not None:
            self._watch.wait_first(gpus_s)
            snapshot = self.take(want)
        return snapshot

    def _early_files(self, view: SweepView) -> Mapping[int, MetricFile]:
        """What early stopping judges by; nothing where there is no such rule."""
        if view.sweep.stopper is None or view.foreign:
            return {}
        return {number: self._files[number] for number in self._files}

    def _tree(
        self, view: SweepView, number: int | None, inventory: Inventory | None
    ) -> ProcessTree | None:
        if number is None or view.foreign:
            return None
        trial = view.state.trials.get(number)
        place = None
        if trial is not None and trial.attempts:
            here = SweepDirectory(view.directory)
            place = here.attempt(number, trial.attempts[-1].number)
        return self._processes.look(trial, inventory, place)

    def _what_if(
        self, view: SweepView, trials: list[Trial], rule: Objective | None
    ) -> WhatIf | None:
        """The ranking by another rule; made anew when the verdict is."""
        if rule is None or self._verdict.key is None:
            self._other = None
            return None
        key = (self._verdict.key, rule)
        if self._other is None or self._other[0] != key:
            files = {number: self._files[number] for number in self._files}
            self._other = (key, rejudge(view.sweep, trials, files, rule))
        return self._other[1]

    def _look_back(self, view: SweepView, trials: list[Trial], want: Want) -> Looked | None:
        """The part of the look back that is wanted; the past has none."""
        part = want.part if want.as_of is None else None
        files = {} if part is None else {number: self._files[number] for number in self._files}
        verdict, ready = self._verdict, not self._unread
        return self._lookback.take(
            view, trials, verdict.judgement, files, part, verdict.key, ready=ready
        )

    def _read_on(self, view: SweepView, want: Want) -> set[int]:
        """Read metrics; the trials whose files said something new."""
        if view.foreign:
            if view.state is self._state:
                return set()
            before = {} if self._state is None else self._state.trials
            trials = view.state.trials
            return {n for n, trial in trials.items() if trial is not before.get(n)}
        best = view.state.best
        looked_at = want.trials if want.trials is not None else (best.trial,) if best else ()
        return self._following.poll(
            view,
            looked_at,
            (*_deciding(view), *want.logged),
            first=(trial.number for trial in self._verdict.judgement.ranked),
            budget_s=READ_BUDGET_S,
        )

    def _as_they_are(self, view: SweepView) -> list[Trial]:
        """The trials by number, those that run with what their files say now."""
        if view.state is not self._state:
            self._state, self._trials = view.state, view.trials
            self._running = [n for n, one in enumerate(self._trials) if one.state == "running"]
            self._waiting = [trial.number for trial in view.state.queued()]
            self._took = durations(view.state)
        trials = self._trials[:]
        for line in self._running:
            trials[line] = self._as_it_is(view, trials[line])
        return trials

    def _table(
        self,
        view: SweepView,
        trials: list[Trial],
        touched: set[int],
        best: int | None,
        now: float,
        logged: tuple[str, ...],
    ) -> tuple[TrialRow, ...]:
        if best != self._best:
            touched = touched | {number for number in (best, self._best) if number is not None}
            self._best = best
        self._rows.swept(view)
        return self._ledger.rows(
            trials,
            lambda trial: self._rows.row(
                view, trial, self._files.get(trial.number), best, now, logged
            ),
            touched=touched,
            made_for=(self._rows.meaning, logged),
            now=now,
            shown_until=shown_until,
        )

    def _as_it_is(self, view: SweepView, trial: Trial) -> Trial:
        """A running trial with what its file says now."""
        file = self._files.get(trial.number)
        if trial.state != "running" or file is None:
            return trial
        series, objective = objective_series(view, file), view.sweep.objective
        value = None
        if series is not None and objective is not None:
            value = reduce(series, objective)
        return replace(trial, value=value, progress=file.progress, step=file.last_step)

    def _metrics(self, view: SweepView, touched: set[int]) -> tuple[str, ...]:
        """Names logged, the objective first, then by first appearance."""
        for number in sorted(touched):
            file = self._files.get(number)
            if file is not None and len(self._names) <= NAMES:
                self._names.update(dict.fromkeys(file.metrics))
        names, objective = self._names, view.sweep.objective
        first = find(objective.metric, names) if objective is not None else None
        return tuple(names) if first is None else (first, *(n for n in names if n != first))

    def _wanted_curves(
        self, view: SweepView, want: Want, best: int | None, metrics: tuple[str, ...]
    ) -> dict[CurveKey, Curve]:
        numbers = want.trials
        if numbers is None:
            running = [self._trials[line].number for line in self._running]
            numbers = tuple(running if best is None else [*running, best])
        files = {
            number: file for number in numbers if (file := self._files.get(number)) is not None
        }
        return self._curves.curves(files, want.metrics or metrics[:1], want)

    def _same_step(self, view: SweepView, number: int | None, best: int | None) -> SameStep | None:
        """Only a trial that runs is somewhere on its way."""
        objective = view.sweep.objective
        trial = view.state.trials.get(number) if number is not None else None
        if number is None or best is None or objective is None or trial is None:
            return None
        running, other = self._files.get(number), self._files.get(best)
        if trial.state != "running" or number == best or running is None or other is None:
            return None
        found = same_step(
            objective_series(view, running), objective_series(view, other), objective.goal
        )
        return None if found is None else SameStep(number, *found[:2], best, *found[2:])

    def _log(self, view: SweepView, number: int | None) -> LogTail | None:
        trial = view.state.trials.get(number) if number is not None else None
        if trial is None or not trial.attempts or view.foreign:
            return None
        attempt = trial.attempts[-1].number
        place = SweepDirectory(view.directory).attempt(trial.number, attempt)
        text = log_tail(place, LOG_BYTES).decode("utf-8", "replace").replace("\r\n", "\n")
        # A progress bar redraws its line: what it showed last is what it shows.
        lines = [visible(line.rsplit("\r", 1)[-1], limit=2000) for line in text.split("\n")]
        if lines and not lines[-1]:
            lines.pop()
        return LogTail(trial.number, attempt, tuple(lines[-LOG_LINES:]))

    def _inventory(self, view: SweepView) -> Inventory | None:
        if view.foreign:
            return None
        if self._watch is None:
            self._watch = GpuWatch()
        return self._watch.latest()


def _trouble(view: SweepView) -> str:
    if view.trouble is not None and not view.damage:
        return visible(view.trouble, limit=100)
    return _damage(view)


def _damage(view: SweepView) -> str:
    """What is wrong with the journal: one line that cannot be believed, and none is written."""
    if not view.damage:
        return visible(view.changed or "", limit=70)
    first = view.damage[0]
    if not first.line:
        return f"THE JOURNAL {visible(first.reason, limit=70)}"
    return f"JOURNAL DAMAGED in line {first.line}, nothing is launched"


def _deciding(view: SweepView) -> list[str]:
    """The columns by which trials are compared and stopped early."""
    objective, stopper = view.sweep.objective, view.sweep.stopper
    if objective is None:
        return []
    return columns(objective.metric, "report" if stopper is None else stopper.resource)
