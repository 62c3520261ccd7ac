"""The verdict on a sweep, made again only when something ended, and the diagnosis now and then.

Ranking ten thousand trials takes a moment, finding out what the results mean takes longer: that is
done off the beat, so that it never takes more than a small share of the time. Reads no file.
"""

import time
from collections.abc import Callable, Iterable, Mapping, Sequence

from tuiswp.analysis.curves import drawable
from tuiswp.analysis.diagnosis import Diagnosis, diagnose
from tuiswp.analysis.divergence import diverged
from tuiswp.analysis.optimum import Judgement, judge
from tuiswp.analysis.shape import Shape
from tuiswp.controller.client import SweepView
from tuiswp.model.trial import Trial
from tuiswp.tui.snapshot import TrialRow

_SHARE = 20  # a diagnosis is made again after so many times as long as it took
_QUICK_S = 0.05  # what takes no longer is made at once
_LARGE = 1000  # trials from which the first rows do not wait for the diagnosis


class Verdict:
    """`key` differs when it was judged anew; `behind`: the diagnosis is older than that."""

    def __init__(self) -> None:
        self.key: object = None
        self.judgement = Judgement()
        self.diagnoses: tuple[Diagnosis, ...] = ()
        self.shapes: tuple[Shape, ...] | None = None  # of this judgement
        self.behind = False
        self._not_before: float | None = None  # monotonic
        self._lost: Mapping[int, str] = {}  # by trial number how it is known to have diverged

    def lost(self, rows: Iterable[TrialRow]) -> Mapping[int, str]:
        """How each trial is known to have diverged, by number: also those that are flagged so."""
        flagged = {row.number: "it is flagged DIVERG" for row in rows if "DIVERG" in row.flags}
        return {**flagged, **self._lost}

    def take(self, view: SweepView, trials: Sequence[Trial], clock: Callable[[], float]) -> None:
        """Judge what is true now; runs that something else launched write no journal."""
        if view.unread:  # nothing is chosen from a part
            self.judgement = Judgement(why_none=f"{view.unread} runs are not read yet")
            self.key, self.diagnoses, self.shapes, self.behind = None, (), None, True
            return
        running = sum(trial.state == "running" for trial in trials) if view.foreign else 0
        key = (view.state.seq, len(trials), running, running and clock() // 5)
        if key != self.key:
            self.key, self.judgement = key, judge(view.sweep, trials)
            self.behind, self.shapes = True, None
            if self._not_before is None and len(trials) >= _LARGE:
                self._not_before = time.monotonic() + 0.1
                return
        if self.behind and time.monotonic() >= (self._not_before or 0.0):
            began = time.monotonic()
            self.diagnoses = diagnose(view.sweep, trials, self.judgement)
            found = diverged(view.sweep, self.judgement)
            self._lost = {one.trial.number: one.how for one in found}
            self.shapes = tuple(drawable(view.sweep, self.judgement))
            took = time.monotonic() - began
            self._not_before = began + (took * _SHARE if took > _QUICK_S else 0.0)
            self.behind = False
