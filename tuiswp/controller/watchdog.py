"""The objective's name against what is logged: said after the first rows, and never silently wrong.

A sweep whose metric never appears would run to its end and choose nothing. What may still come (an
evaluation at a later step) is only asked about; what finished trials never logged pauses the sweep.
It ends no trial.
"""

from collections.abc import Iterable, Sequence
from pathlib import Path

from tuiswp.controller.core import Core
from tuiswp.controller.watching import Watcher
from tuiswp.metrics.derived import absent, needed
from tuiswp.metrics.file import MetricFile
from tuiswp.metrics.names import find, is_evaluation, near
from tuiswp.model.events import SweepPaused
from tuiswp.model.sweep import DerivedMetric
from tuiswp.model.who import US
from tuiswp.text import visible

ROWS = 10  # of a trial, after which its names are looked at
EVALUATED = 10  # times as many for a metric that is evaluated now and then
FINISHED = 3  # trials without the metric that prove it
EARLY, NEVER = "metric-watch", "metric-never"
_SHOWN = 8


class Watchdog:
    """Looks at the names of the first trials, until the metric is seen once."""

    def __init__(self, core: Core, watcher: Watcher) -> None:
        self._core = core
        self._watcher = watcher
        self._look_at: dict[int, int] = {}  # trial → rows after which its names are looked at again
        self._seen = False
        self._computed = False  # whether metrics of a person's own were looked at
        self._judged = -1  # seq of the state that was last looked at for finished trials

    def look(self) -> None:
        """Say what is missing once, and pause once it is certain. Raises JournalError."""
        if not self._computed:
            self._look_at_expressions()
        objective, state = self._core.sweep.objective, self._core.state
        if objective is None or self._seen or NEVER in state.warned:
            return
        if any(trial.value is not None for trial in state.trials.values()):
            self._seen = True
            return
        for trial in state.live():
            file = self._watcher.curves.get(trial.number)
            if file is None:
                continue
            if find(objective.metric, file.metrics) is not None:
                self._seen = True
                return
            if file.rows >= self._look_at.get(trial.number, ROWS) and EARLY not in state.warned:
                self._say(trial.id, trial.number, objective.metric, file)
                return
        if state.seq != self._judged:
            self._judged = state.seq
            self._pause_if_certain(objective.metric)

    def _may_come(self, metric: str, names: Sequence[str]) -> bool:
        """An evaluation comes late by its nature, unless a misspelt one is there already."""
        return is_evaluation(metric) and not near(metric, filter(is_evaluation, names))

    def _say(self, trial: str, number: int, metric: str, file: MetricFile) -> None:
        names = logged_names(self._core.directory.metrics(number))
        shown = visible(metric, limit=80)
        if find(metric, names) is not None:
            self._seen = True
            return
        late = ROWS * EVALUATED
        if file.rows < late and self._may_come(metric, names):
            self._look_at[number] = late
            return
        if missing := file.derived_missing:
            what = absent(missing, names)
        elif not names:
            what = "it logs no metric at all"
        else:
            what = f"it logs {_listed(names)}{_nearest(metric, names)}"
        stop = "" if what.endswith("?") else "."
        self._core.warn(
            EARLY,
            f"{trial} has not logged {shown} in its first {file.rows} rows: {what}{stop} "
            f"If {shown} comes later, all is well",
        )

    def _pause_if_certain(self, metric: str) -> None:
        """The first finished trials have no value, and none of them ever logged the name."""
        state = self._core.state
        done = [trial for trial in state.trials.values() if trial.state == "done"]
        if len(done) < FINISHED or state.paused is not None or state.stopping is not None:
            return
        names: dict[str, None] = {}
        for trial in done[:FINISHED]:
            found = logged_names(
                self._core.directory.metrics(trial.number), derived=self._core.sweep.derived
            )
            if find(metric, found) is not None:  # it is there, and not finite: `diverged` says so
                self._seen = True
                return
            names |= dict.fromkeys(found)
        shown = visible(metric, limit=80)
        logged = (
            f"they log {_listed(list(names))}{_nearest(metric, names)}"
            if names
            else ("they log no metric at all; rows belong in metrics.jsonl in $TUISWP_TRIAL_DIR")
        )
        stop = "" if logged.endswith("?") else "."
        why = (
            f"the first {FINISHED} finished trials never logged {shown}, so nothing can be judged: "
            f"{logged}{stop} Correct {self._named_in(metric)} in the sweep file and start it under "
            "another --name, or resume to run it without an optimum"
        )
        self._core.record(SweepPaused(US, why))
        self._core.warn(NEVER, why)

    def _named_in(self, metric: str) -> str:
        """Where in a sweep file the name of the objective, or what it is computed from, stands."""
        computed = any(one.name == metric for one in self._core.sweep.derived)
        return f"tuiswp.metrics.{visible(metric, limit=80)}" if computed else "metric.name"

    def _look_at_expressions(self) -> None:
        """Metrics of a person's own that decide nothing: what the first finished trial lacked."""
        core = self._core
        done = (trial for trial in core.state.trials.values() if trial.state == "done")
        if not core.sweep.derived or (first := next(done, None)) is None:
            return
        self._computed = True
        file = MetricFile(core.directory.metrics(first.number), derived=core.sweep.derived)
        file.poll(final=True)
        objective = core.sweep.objective
        decides = [] if objective is None else needed([objective.metric], core.sweep.derived)[1]
        for metric, columns in file.derived_missing.items():
            if metric not in decides:  # of that one it is said above
                what = absent({metric: columns}, list(file.metrics))
                core.warn(f"expression-missing-{metric}", f"{first.id}: {what}")


def logged_names(path: Path, derived: Sequence[DerivedMetric] = ()) -> list[str]:
    """The metrics in a file, in the order they appeared; its first megabytes will do."""
    file = MetricFile(path, derived=derived)
    file.poll(final=True)
    return list(file.metrics)


def _listed(names: Sequence[str]) -> str:
    shown = ", ".join(visible(name, limit=60) for name in names[:_SHOWN])
    rest = len(names) - _SHOWN
    return f"{shown} and {rest} more" if rest > 0 else shown


def _nearest(metric: str, names: Iterable[str]) -> str:
    close = near(metric, names)
    return f"; did you mean {visible(close[0], limit=80)}?" if close else ""
