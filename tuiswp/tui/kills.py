"""Early stopping on the screen: where trials are judged, and what awaits the chosen one."""

from collections.abc import Mapping

from tuiswp.analysis.early import EarlyStopping, outlook_text
from tuiswp.controller.client import SweepView
from tuiswp.metrics.file import MetricFile
from tuiswp.metrics.resource import Growing
from tuiswp.model.stopper import Rule
from tuiswp.search.stoppers.rules import stopper_for
from tuiswp.search.stoppers.words import plan_of
from tuiswp.tui.along import XKind
from tuiswp.tui.snapshot import KillPoint

MOST = 12  # kill points drawn; a rule that looks more often has its first


class EarlyWatch:
    """What the feed remembers of early stopping between two looks."""

    def __init__(self) -> None:
        self._rule: Rule | None = None
        self._stopping: EarlyStopping | None = None
        self._steps: dict[float, float] = {}  # kill point → the step at which a trial got there

    def outlook(
        self, view: SweepView, files: Mapping[int, MetricFile], number: int | None
    ) -> str | None:
        """What awaits a running trial, in a sentence."""
        rule, objective = view.sweep.stopper, view.sweep.objective
        trial = view.state.trials.get(number) if number is not None else None
        if rule is None or objective is None or trial is None or trial.state != "running":
            return None
        if self._stopping is None or rule != self._rule:
            self._rule, self._stopping = rule, EarlyStopping(objective.metric, rule.resource)
        self._stopping.follow(files)
        found = self._stopping.outlook(view.sweep, view.trials, trial.number)
        return None if found is None else outlook_text(found, view.sweep, trial)

    def points(
        self, view: SweepView, files: Mapping[int, MetricFile], x: XKind
    ) -> tuple[KillPoint, ...]:
        """Where on the x axis trials are judged; none where that cannot be told."""
        rule, objective = view.sweep.stopper, view.sweep.objective
        if rule is None or objective is None:
            return ()
        plan = plan_of(rule, view.sweep.length) or stopper_for(rule).plan(1e9)
        found = plan.points[: MOST if plan.every is None else 1]
        if x == rule.resource:
            return tuple(_point(at, at, x) for at in found)
        if x != "step":
            return ()
        if rule.resource in view.sweep.length and "step" in view.sweep.length:
            factor = view.sweep.length["step"] / view.sweep.length[rule.resource]
            return tuple(_point(at * factor, at, x) for at in found)
        for at in found:
            if at not in self._steps:
                step = _step_at(at, rule, objective.metric, files)
                if step is not None:
                    self._steps[at] = step
        return tuple(_point(self._steps[at], at, x) for at in found if at in self._steps)


def _point(place: float, at: float, x: XKind) -> KillPoint:
    return KillPoint(place, f"kill {at:g}", x)


def _step_at(at: float, rule: Rule, metric: str, files: Mapping[int, MetricFile]) -> float | None:
    """The step at which the first trial that got so far was there."""
    for file in files.values():
        curve = Growing(metric, rule.resource)
        curve.update(file)
        if not curve.positions or curve.positions[-1] < at:
            continue
        by_step = Growing(metric, "step")
        by_step.update(file)
        index = next(n for n, place in enumerate(curve.positions) if place >= at)
        if len(by_step.positions) == len(curve.positions):
            return by_step.positions[index]
    return None
