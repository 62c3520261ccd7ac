"""Whose checkpoints may go, and the request that removes them. Who runs or may go on keeps them."""

from collections.abc import Iterable

from tuiswp.analysis.optimum import judge
from tuiswp.analysis.words import bytes_size, several
from tuiswp.controller import checkpoints
from tuiswp.controller.core import Core
from tuiswp.controller.requests import Request
from tuiswp.model.events import CheckpointsRemoved, Event
from tuiswp.model.ids import trial_id
from tuiswp.model.sweep import Sweep
from tuiswp.model.trial import Ended, Trial
from tuiswp.text import visible

KEEP = 3
_NAMED = 20  # paths that the journal keeps of one trial


def spared(sweep: Sweep, trials: Iterable[Trial], keep: int) -> dict[int, str]:
    """The trials whose checkpoints stay, and why.

    Empty if nothing is ranked: then none is known to be worse than another.
    """
    trials = list(trials)
    ranked = judge(sweep, trials).ranked
    if not ranked:
        return {}
    found = {trial.number: f"place {place}" for place, trial in enumerate(ranked[:keep], 1)}
    for trial in trials:
        if not isinstance(trial.status, Ended):
            found.setdefault(trial.number, trial.state)
        elif trial.pinned is not None:
            found.setdefault(trial.number, "pinned")
        elif trial.origin == "baseline":
            found.setdefault(trial.number, "the baseline")
    return found


def clean(core: Core, request: Request) -> tuple[list[Event], bool, str]:
    """Remove the checkpoints of the trials named, but for those that are spared by now."""
    stays = spared(core.whole, core.state.trials.values(), request.top)
    if not stays:
        return [], False, "no trial is ranked: none is known to be worse than another"
    facts: list[Event] = []
    told: list[str] = []
    all_ok = True
    for number in request.trials:
        if number not in core.state.trials:
            all_ok = False
            told.append(f"{trial_id(number)} does not exist")
            continue
        if number in stays:
            told.append(f"{trial_id(number)} keeps its checkpoints: {stays[number]}")
            continue
        done = checkpoints.remove(
            core.directory.trial(number), request.patterns or checkpoints.PATTERNS
        )
        all_ok = all_ok and not done.failed
        freed = sum(one.size for one in done.gone)
        if done.gone or done.failed:
            facts.append(
                CheckpointsRemoved(
                    number,
                    request.by,
                    len(done.gone),
                    freed,
                    tuple(visible(one.path, limit=200) for one in done.gone[:_NAMED]),
                    tuple(visible(one, limit=200) for one in done.failed[:_NAMED]),
                )
            )
        failed = f", {several(len(done.failed), 'file')} could not be" if done.failed else ""
        files = several(len(done.gone), "file")
        told.append(f"{trial_id(number)}: {files} removed, {bytes_size(freed)}{failed}")
        told += [visible(one, limit=200) for one in done.failed[:1]]
    return facts, all_ok, "; ".join(told)
