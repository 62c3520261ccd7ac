"""What early stopping sees of a sweep, for those who only look: curves, and what awaits a trial."""

from collections.abc import Iterable, Mapping

from tuiswp.metrics.file import MetricFile
from tuiswp.metrics.resource import Growing
from tuiswp.model.ids import trial_id
from tuiswp.model.stopper import Resource
from tuiswp.model.sweep import Sweep
from tuiswp.model.trial import Running, Trial
from tuiswp.search.stoppers.base import Curve, Field, Outlook
from tuiswp.search.stoppers.rules import stopper_for
from tuiswp.search.stoppers.words import rule_name


class EarlyStopping:
    """The curves of a sweep over what its rule counts in; goes through what is new only."""

    def __init__(self, metric: str, resource: Resource) -> None:
        self._metric, self._resource = metric, resource
        self._curves: dict[int, Growing] = {}

    def follow(self, files: Mapping[int, MetricFile]) -> None:
        """Take what the files have read since."""
        for number, file in files.items():
            if number not in self._curves:
                self._curves[number] = Growing(self._metric, self._resource)
            self._curves[number].update(file)

    def outlook(self, sweep: Sweep, trials: Iterable[Trial], number: int) -> Outlook | None:
        """What awaits a running trial at its next kill point; None: nothing, or it is not known."""
        if sweep.stopper is None or sweep.objective is None:
            return None
        trials = list(trials)
        field = Field(
            curves={n: Curve(one.positions, one.values) for n, one in self._curves.items()},
            goal=sweep.objective.goal,
            stoppable={t.number for t in trials if may_be_stopped(t)},
            finished={t.number for t in trials if t.state == "done"},
            passed=passed(trials),
        )
        if number not in field.stoppable:
            return None
        return stopper_for(sweep.stopper).outlook(field, number)


def may_be_stopped(trial: Trial) -> bool:
    """True if early stopping may end it: it runs, nobody asked it to end, nothing protects it."""
    return (
        isinstance(trial.status, Running)
        and trial.kill is None
        and trial.origin != "baseline"
        and trial.pinned is None
    )


def passed(trials: Iterable[Trial]) -> dict[int, float]:
    """The highest kill point that each trial was judged at and survived."""
    return {
        trial.number: max(one.kill_point for one in trial.judged if not one.stop)
        for trial in trials
        if any(not one.stop for one in trial.judged)
    }


def outlook_text(outlook: Outlook, sweep: Sweep, trial: Trial) -> str:
    """`next kill point report 9: now 0.52, rank 4 of 6, limit 0.48: in danger`."""
    assert sweep.stopper is not None
    unit = sweep.stopper.resource
    said = (
        f"{rule_name(sweep.stopper)} looks at {trial_id(trial.number)} next at "
        f"{unit} {outlook.kill_point:g}"
    )
    if outlook.threshold is None:
        return f"{said}: nobody was there yet"
    rank = "" if outlook.rank is None else f", rank {outlook.rank} of {outlook.of}"
    danger = "in danger" if outlook.in_danger else "safe as it stands"
    return (
        f"{said}: now {outlook.value:.4g}, the limit there {outlook.threshold:.4g}{rank}: {danger}"
    )
