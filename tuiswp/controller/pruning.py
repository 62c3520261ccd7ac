"""Early stopping: show the rule every curve there is, record what it finds, end who is hopeless.

The rule itself is pure (`search.stoppers`). Curves of running trials come from what the watcher
reads anyway; those of ended trials are read from their files, once, a few a round. The baseline and
pinned trials count as company, and are never stopped.
"""

import time
from collections.abc import Collection, Iterator

from tuiswp.analysis.early import may_be_stopped, passed
from tuiswp.controller.core import Core
from tuiswp.controller.watching import Watcher
from tuiswp.metrics.file import MetricFile, read_whole
from tuiswp.metrics.resource import Growing, columns
from tuiswp.model.events import KillPointJudged
from tuiswp.model.stopper import Judged, Resource, Rule
from tuiswp.model.trial import KillRequest, Trial
from tuiswp.model.who import US
from tuiswp.search.stoppers.base import Curve, Field, Stopper, Verdict
from tuiswp.search.stoppers.rules import stopper_for
from tuiswp.search.stoppers.words import verdict_text
from tuiswp.spec.phased import measure, measure_key

READING_S = 0.1  # of a round, for the files of ended trials


class Pruner:
    """Asks the sweep's rule whenever a curve has grown."""

    def __init__(self, core: Core, watcher: Watcher) -> None:
        self._core = core
        self._watcher = watcher
        self._rule: Rule | None = None
        self._stopper: Stopper | None = None
        self._live: dict[int, Growing] = {}
        self._ended: dict[int, tuple[int, Curve]] = {}  # by trial: attempts it had, its curve

    def look(self, grown: Collection[int]) -> None:
        """Judge what runs, after the curves of `grown` trials did. Raises JournalError."""
        rule, objective = self._core.sweep.stopper, self._core.sweep.objective
        if rule is None or objective is None:
            return
        if rule != self._rule:
            self._rule, self._stopper = rule, stopper_for(rule)
            self._live.clear()
            self._ended.clear()
        news = self._follow(grown, objective.metric, rule.resource)
        behind = self._read_ended(objective.metric, rule.resource)
        if not news or behind or self._stopper is None:
            return
        for field in self._fields(objective.goal):
            for verdict in self._stopper.judge(field):
                self._act(verdict, rule.resource, objective.metric)

    def _follow(self, grown: Collection[int], metric: str, resource: Resource) -> bool:
        """Bring the curves of live trials up to date; False if none has changed."""
        live = {trial.number for trial in self._core.state.live()}
        for number in self._live.keys() - live:
            del self._live[number]
        news = False
        for number in live:
            file = self._watcher.curves.get(number)
            if file is None or (number in self._live and number not in grown):
                continue
            growing = self._live.setdefault(number, Growing(metric, resource))
            growing.update(file)
            news = True
        return news

    def _read_ended(self, metric: str, resource: Resource) -> bool:
        """Read the files of trials that ended; True while some are still to be read."""
        deadline = time.monotonic() + READING_S
        for number, trial in self._core.state.trials.items():
            if number in self._live or not trial.attempts:
                continue
            known = self._ended.get(number)
            if known is not None and known[0] == len(trial.attempts):
                continue
            if time.monotonic() > deadline:
                return True
            file = MetricFile(
                self._core.directory.metrics(number),
                only=columns(metric, resource),
                derived=self._core.sweep.derived,
            )
            read_whole(file)
            growing = Growing(metric, resource)
            growing.update(file)
            curve = Curve(growing.positions, growing.values)
            self._ended[number] = (len(trial.attempts), curve)
            if trial.state == "done":
                self._warn_if_idle(trial, curve, file)
        return False

    def _warn_if_idle(self, trial: Trial, curve: Curve, file: MetricFile) -> None:
        """A whole run without a kill point means that early stopping will never act: say so."""
        rule = self._rule
        if rule is None or self._stopper is None or trial.judged:
            return
        if not len(curve):
            if file.metrics:
                self._core.warn(
                    "stopper-blind",
                    f"early stopping counts {rule.resource}, and {trial.id} reported none beside "
                    f"the metric: nothing will be stopped. Log {rule.resource}, or let it count "
                    f"what is logged: `tuiswp set early_stop=…` with resource=report",
                )
            return
        end = curve.positions[-1]
        plan = self._stopper.plan(end)
        if not plan.points and plan.complete:
            first = next(iter(self._stopper.plan(1e18).points), None)
            point = "" if first is None else f"; the first kill point is {rule.resource} {first:g}"
            self._core.warn(
                "stopper-idle",
                f"{trial.id} ended at {rule.resource} {end:g} without reaching a kill point{point}"
                ". Lower it with `tuiswp set early_stop=…`",
            )

    def _fields(self, goal: str) -> Iterator[Field]:
        """Trials that can be compared with each other: all of them, but for sweeps in phases."""
        trials = self._core.state.trials
        curves = {n: curve for n, (_, curve) in self._ended.items() if n in trials}
        curves |= {n: Curve(one.positions, one.values) for n, one in self._live.items()}
        by = measure(self._core.sweep)
        groups: dict[tuple[str, ...], dict[int, Trial]] = {}
        for number, trial in trials.items():
            groups.setdefault(measure_key(by, trial.params), {})[number] = trial
        for group in groups.values():
            stoppable = {n for n, t in group.items() if may_be_stopped(t) and not self._is_over(n)}
            if stoppable:
                yield Field(
                    curves={n: curve for n, curve in curves.items() if n in group},
                    goal="maximize" if goal == "maximize" else "minimize",
                    stoppable=stoppable,
                    finished={n for n, trial in group.items() if trial.state == "done"},
                    passed=passed(group.values()),
                    settled=(self._ended.keys() - self._live.keys()) & group.keys(),
                )

    def _is_over(self, number: int) -> bool:
        """Whether a running trial has done its work: stopping it would only lose its result."""
        file = self._watcher.curves.get(number)
        done = None if file is None else file.progress
        return done is not None and done >= self._core.sweep.complete_at

    def _act(self, verdict: Verdict, resource: Resource, metric: str) -> None:
        trial = self._core.trial(verdict.trial)
        judged = Judged(
            verdict.rule,
            resource,
            verdict.kill_point,
            verdict.position,
            verdict.value,
            verdict.threshold,
            verdict.rank,
            verdict.of,
            verdict.others[:16],
            verdict.stop,
        )
        fact = KillPointJudged(trial.number, trial.attempts[-1].number, judged)
        if not verdict.stop:
            self._core.record(fact)
            return
        why = verdict_text(judged, metric)
        self._watcher.ask(trial, KillRequest(self._core.wall(), US, why, "pruned"), fact)
