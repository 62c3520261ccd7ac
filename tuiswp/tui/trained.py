"""What the logs of trainings that ended say of them, each looked at once. Reads no file itself."""

import time
from collections.abc import Mapping, Sequence

from tuiswp.analysis.training import Health, as_diverged, examine
from tuiswp.metrics.file import MetricFile
from tuiswp.metrics.follow import Follower
from tuiswp.model.trial import Trial
from tuiswp.tui import following

_NONE: Mapping[int, Health] = {}
_BUDGET_S = 0.02  # of one reading: the first frame does not wait for this


class Trained:
    """Of sweeps whose logs are kept whole. `behind`: some are not looked at yet."""

    def __init__(self) -> None:
        self.behind = False
        self._own: dict[int, Health] = {}  # what each log says by itself
        self._lost: Mapping[int, str] = {}
        self._found: Mapping[int, Health] = {}
        self._seen: dict[int, tuple[int, int]] = {}  # attempts and rows, when it was looked at

    def take(
        self,
        trials: Sequence[Trial],
        files: Mapping[int, MetricFile] | Follower[int],
        lost: Mapping[int, str],
    ) -> Mapping[int, Health]:
        """By trial number; the same object as before if nothing new is known.

        `lost`: by the number of each trial that diverged, how that is known.
        """
        self.behind = False
        if len(trials) > following.WHOLE_FILES:
            return _NONE
        deadline = time.monotonic() + _BUDGET_S
        news: dict[int, Health] = {}
        for trial in trials:
            file = files.get(trial.number)
            if file is None or file.behind or trial.state in ("running", "queued"):
                continue
            seen = (len(trial.attempts), file.rows)
            if self._seen.get(trial.number) == seen:
                continue
            if time.monotonic() > deadline:
                self.behind = True
                break
            self._seen[trial.number] = seen
            news[trial.number] = examine(file.metrics)
        if news or lost != self._lost:
            self._own |= news
            self._lost = lost
            told = {n: as_diverged(self._own[n], how) for n, how in lost.items() if n in self._own}
            self._found = self._own | told
        return self._found
