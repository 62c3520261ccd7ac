"""Whether the terminal rings: something happened that the sweep file wants told. Draws nothing.

A storm of new bests rings once in a while; what is looked at of the past never does.
"""

from typing import TYPE_CHECKING

from tuiswp.model.notify import News
from tuiswp.model.who import US

if TYPE_CHECKING:  # the first frame is drawn before anything is read
    from tuiswp.controller.reducer import SweepState
    from tuiswp.model.trial import Trial
    from tuiswp.tui.snapshot import Snapshot

GAP_S = 10.0


class Bell:
    """Remembers when it rang."""

    def __init__(self) -> None:
        self._next = 0.0

    def rings(self, before: "Snapshot | None", after: "Snapshot", now: float) -> bool:
        """Whether to ring for what `after` shows and `before` did not; `now`: monotonic."""
        if before is None or before.as_of is not None or after.as_of is not None:
            return False
        notify = after.view.sweep.notify
        same = before.view.directory == after.view.directory
        if notify is None or not notify.bell or not same or now < self._next:
            return False
        if not news_between(before.view.state, after.view.state) & set(notify.events):
            return False
        self._next = now + GAP_S
        return True


def news_between(before: "SweepState", after: "SweepState") -> set[News]:
    """What is new for a person in the later of two states."""
    found: set[News] = set()
    if after.seq == before.seq:
        return found
    if after.finished is not None and before.finished is None:
        found.add("finished")
    if after.paused is not None and after.paused.by == US and before.paused is None:
        found.add("paused")
    if after.best is not None and after.best != before.best:
        found.add("best")
    if _failures(after) > _failures(before):
        found.add("failed")
    if any(trial.silent is not None and _was_heard(before, trial) for trial in after.live()):
        found.add("silent")
    return found


def _was_heard(before: "SweepState", trial: "Trial") -> bool:
    known = before.trials.get(trial.number)
    return known is None or known.silent is None


def _failures(state: "SweepState") -> int:
    return sum(trial.state in ("failed", "lost") for trial in state.trials.values())
