"""Read one sweep again and again: only what is new, only what is wanted. No thread, no drawing.

This is the one module of the interface that touches files (by the readers below it).
"""

import time
from collections.abc import Callable, Mapping
from pathlib import Path

from msgspec.structs import replace

from tuiswp.analysis.diagnosis import Diagnosis, diagnose
from tuiswp.analysis.optimum import Judgement, judge
from tuiswp.controller.client import SweepReader, SweepView
from tuiswp.controller.directory import SweepDirectory
from tuiswp.controller.journal import JournalReader
from tuiswp.controller.story import Story, time_left
from tuiswp.gpu.inventory import Inventory
from tuiswp.gpu.probe import GpuWatch
from tuiswp.launchers.attempt import log_tail
from tuiswp.metrics.file import MetricFile
from tuiswp.metrics.follow import Follower
from tuiswp.metrics.names import find
from tuiswp.metrics.objective import reduce
from tuiswp.model.sweep import Objective
from tuiswp.model.trial import Trial
from tuiswp.search.suggest import planned_trials
from tuiswp.text import visible
from tuiswp.tui.chronicle import Chronicle
from tuiswp.tui.curves import CurveMaker, same_step
from tuiswp.tui.processes import ProcessWatch
from tuiswp.tui.rows import RowMaker, objective_series
from tuiswp.tui.snapshot import Curve, CurveKey, LogTail, ProcessTree, SameStep, Snapshot, Want
from tuiswp.tui.what_if import WhatIf, rejudge

READ_BUDGET_S = 0.2
LOG_BYTES = 128 * 1024
LOG_LINES = 1000
WHOLE_FILES = 64  # sweeps up to this size keep every metric of every trial
NAMES = 200


class Reading:
    """One sweep, or a folder of runs. Raises what `SweepReader` raises."""

    def __init__(self, path: Path, *, clock: Callable[[], float] = time.time) -> None:
        self._reader = SweepReader(path)
        self._clock = clock
        self._followed: Follower[int] = Follower()
        self._files: Mapping[int, MetricFile] | Follower[int] = self._followed
        self._whole: set[int] = set()
        self._logged: tuple[str, ...] = ()
        self._rows = RowMaker()
        self._curves = CurveMaker()
        self._chronicle: Chronicle | None = None
        self._journal = JournalReader(self._reader.directory.journal)
        self._planned: int | None = None
        self._judged: tuple[object, Judgement, tuple[Diagnosis, ...]] | None = None
        self._other: tuple[object, WhatIf] | None = None
        self._processes = ProcessWatch()
        self._watch: GpuWatch | None = None

    def close(self) -> None:
        if self._watch is not None:
            self._watch.close()

    def take(self, want: Want) -> Snapshot:
        """Read what is new and say how everything stands."""
        view = self._reader.refresh(with_metrics=False)
        if self._chronicle is None:
            self._chronicle = Chronicle(Story(view.sweep, view.directory.name))
            self._planned = None if view.foreign else planned_trials(view.sweep)
        if view.foreign:
            self._files = self._reader.run_files
        else:
            self._follow(view, want)
            self._followed.poll(budget_s=READ_BUDGET_S)
        now = self._clock()
        trials = [self._as_it_is(view, trial) for trial in view.trials]
        judgement, diagnoses = self._judge(view, trials)
        best = judgement.optimum.number if judgement.optimum is not None else None
        rows = tuple(
            self._rows.row(view, trial, self._files.get(trial.number), best, now, want.logged)
            for trial in trials
        )
        running = {trial.number: trial.progress for trial in trials if trial.state == "running"}
        grown = [
            file.last_change
            for number in running
            if (file := self._files.get(number)) is not None and file.last_change is not None
        ]
        metrics = self._metrics(view)
        inventory = self._inventory(view)
        self._chronicle.tell(view, list(self._journal.poll()))
        return Snapshot(
            view=view,
            rows=rows,
            columns=tuple(visible(p.name, limit=40) for p in self._rows.swept(view)),
            logged=want.logged,
            metrics=metrics,
            curves=self._wanted_curves(view, want, best, metrics),
            judgement=judgement,
            diagnoses=diagnoses,
            events=self._chronicle.lines,
            log=self._log(view, want.log_of),
            inventory=inventory,
            planned=self._planned,
            eta_s=time_left(view.state, self._planned, running, now=now),
            data_age_s=max(0.0, time.monotonic() - max(grown)) if grown else None,
            at=now,
            same_step=self._same_step(view, want.compare, best),
            processes=self._tree(view, want.processes_of, inventory),
            what_if=self._what_if(view, trials, want.what_if),
        )

    def _tree(
        self, view: SweepView, number: int | None, inventory: Inventory | None
    ) -> ProcessTree | None:
        if number is None or view.foreign:
            return None
        return self._processes.look(view.state.trials.get(number), inventory)

    def _what_if(
        self, view: SweepView, trials: list[Trial], rule: Objective | None
    ) -> WhatIf | None:
        """The ranking by another rule; made anew when the verdict is."""
        if rule is None or self._judged is None:
            self._other = None
            return None
        key = (self._judged[0], rule)
        if self._other is None or self._other[0] != key:
            files = {number: self._files[number] for number in self._files}
            self._other = (key, rejudge(view.sweep, trials, files, rule))
        return self._other[1]

    def _follow(self, view: SweepView, want: Want) -> None:
        """Follow each trial that has a file; of those nobody looks at, the objective alone."""
        objective = view.sweep.objective
        few = len(view.state.trials) <= WHOLE_FILES
        if want.logged != self._logged:  # those followed for less are followed anew
            self._logged = want.logged
            for number in [n for n in self._followed if n not in self._whole]:
                self._followed.remove(number)
        for trial in view.trials:
            number = trial.number
            if not trial.attempts:
                continue
            looked_at = few or trial.state == "running" or number in (want.trials or ())
            if number in self._followed and (number in self._whole or not looked_at):
                continue
            path = SweepDirectory(view.directory).metrics(number)
            if looked_at or objective is None:
                self._followed.add(number, path)
                self._whole.add(number)
            else:
                self._followed.add(number, path, only=[objective.metric, *want.logged])

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

    def _judge(
        self, view: SweepView, trials: list[Trial]
    ) -> tuple[Judgement, tuple[Diagnosis, ...]]:
        """Judged again only when a trial has ended or begun since; runs write no journal."""
        running = sum(trial.state == "running" for trial in trials) if view.foreign else 0
        key = (view.state.seq, len(trials), running, running and self._clock() // 5)
        if self._judged is None or self._judged[0] != key:
            judgement = judge(view.sweep, trials)
            self._judged = (key, judgement, diagnose(view.sweep, trials, judgement))
        return self._judged[1], self._judged[2]

    def _metrics(self, view: SweepView) -> tuple[str, ...]:
        """Names logged, the objective first, then by first appearance."""
        names: dict[str, None] = {}
        for number in self._files:
            names.update(dict.fromkeys(self._files[number].metrics))
            if len(names) > NAMES:
                break
        objective = view.sweep.objective
        first = find(objective.metric, names) if objective is not None else None
        return tuple(names) if first is None else (first, *(n for n in names if n != first))

    def _wanted_curves(
        self, view: SweepView, want: Want, best: int | None, metrics: tuple[str, ...]
    ) -> dict[CurveKey, Curve]:
        numbers = want.trials
        if numbers is None:
            running = [trial.number for trial in view.trials if trial.state == "running"]
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
