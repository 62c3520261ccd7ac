"""Turn requests into facts, each once, each with an outcome its asker can read."""

from collections.abc import Callable
from contextlib import suppress

from tuiswp.controller.cleaning import clean
from tuiswp.controller.core import Core, log
from tuiswp.controller.editing import Editor
from tuiswp.controller.requests import MOST, Request, pending, reject
from tuiswp.controller.watching import Watcher
from tuiswp.model.events import (
    Event,
    GpuReleased,
    InterruptRequested,
    RequestApplied,
    SweepPaused,
    SweepResumed,
    SweepStopping,
    TrialClosed,
    TrialPinned,
    TrialQueued,
)
from tuiswp.model.health import Health
from tuiswp.model.ids import trial_id
from tuiswp.model.trial import (
    Ended,
    KillRequest,
    Launching,
    Paused,
    Queued,
    Running,
    Trial,
)


def release(health: Health, request: Request) -> tuple[list[Event], bool, str]:
    """Give quarantined GPUs trials again: what becomes true, whether all were, and what to say."""
    facts: list[Event] = []
    told: list[str] = []
    well = bool(request.gpus)
    for name in request.gpus:
        gpu = next((one for one in health.gpus.values() if name in (one.name, one.uuid)), None)
        if gpu is None:
            told.append(f"no trial of this sweep has met a GPU {name}")
            well = False
        elif gpu.quarantine is None:
            told.append(f"{gpu.name} is not quarantined")
        else:
            facts.append(GpuReleased(gpu.uuid, gpu.name, request.why or "asked", request.by))
            told.append(f"{gpu.name} gets trials again")
    return facts, well, "; ".join(told) or "no GPU is named"


class Applier:
    """Applies what lies in `requests/`."""

    def __init__(self, core: Core, watcher: Watcher) -> None:
        self._core = core
        self._watcher = watcher
        self._editor = Editor(core)
        self.more = False  # requests wait for the next round
        self._applied: set[str] = {
            record.event.id
            for record in core.journal.records
            if isinstance(record.event, RequestApplied)
        }
        self._by_verb: dict[str, Callable[[Request, Trial], tuple[bool, str]]] = {
            "kill": self._kill,
            "restart": self._restart,
            "pause": self._pause,
            "resume": self._resume,
            "interrupt": self._interrupt,
            "pin": self._pin,
            "unpin": self._pin,
        }

    def apply_all(self) -> None:
        """Take the requests that wait, or as many as one round has time for: then `more`."""
        found = pending(self._core.directory)
        self.more = len(found) >= MOST
        for path, request in found:
            if isinstance(request, str):
                log.warning("%s %s; set aside", path.name, request)
                reject(path)
                continue
            if request.id not in self._applied:
                self.apply(request)
            with suppress(OSError):
                path.unlink()

    def apply(self, request: Request) -> tuple[bool, str]:
        """Do what is asked and record the outcome; (ok, what happened) for the asker."""
        facts: list[Event] = []
        if request.verb in self._editor.verbs:
            facts, ok, outcome = self._editor.plan(request)
        elif request.verb == "clean":
            facts, ok, outcome = clean(self._core, request)
        elif request.verb == "release":
            facts, ok, outcome = release(self._core.state.health, request)
        else:
            ok, outcome = self._trials(request) if request.trials else self._sweep(request)
        applied = RequestApplied(request.id, request.verb, request.by, ok, outcome)
        self._core.record(*facts, applied)
        self._applied.add(request.id)
        return ok, outcome

    def _trials(self, request: Request) -> tuple[bool, str]:
        outcomes: list[str] = []
        all_ok = True
        for number in request.trials:
            trial = self._core.state.trials.get(number)
            if trial is None:
                ok, outcome = False, f"{trial_id(number)} does not exist"
            elif request.verb not in self._by_verb:
                ok, outcome = False, f"{request.verb} takes no trial"
            else:
                ok, outcome = self._by_verb[request.verb](request, trial)
            all_ok = all_ok and ok
            outcomes.append(outcome)
        return all_ok, "; ".join(outcomes)

    def _sweep(self, request: Request) -> tuple[bool, str]:
        state = self._core.state
        if request.verb in ("pause", "stop") and state.finished is not None and not state.live():
            how = "finished" if state.stopping is None else "stopped"
            # There is nothing to hold back, but what a stop wants is so.
            return request.verb == "stop", f"the sweep is already {how}"
        match request.verb:
            case "pause":
                if state.paused is not None:
                    return True, "the sweep is already paused"
                self._core.record(SweepPaused(request.by, "asked"))
                return True, f"paused: {len(state.live())} running trials go on, no new ones start"
            case "resume":
                if self._core.unset():
                    return False, self._core.unset_words()
                if state.paused is None and state.stopping is None:
                    return True, "the sweep is not paused"
                self._core.record(SweepResumed(request.by))
                if state.reached is not None and state.reached.rule is not None:
                    off = f"the rule {state.reached.rule} stops it no more"
                    return True, f"resumed; {off} (`tuiswp set` gives it a new value)"
                return True, "resumed"
            case "stop":
                self._core.record(SweepStopping(request.by, request.now))
                live = state.live()
                if request.now:
                    for trial in live:
                        self._watcher.ask(
                            trial, self._reason(request, "stopped", "the sweep was stopped")
                        )
                    return True, f"stopping: {len(live)} running trials are being ended"
                return True, f"stopping: {len(live)} running trials end by themselves"
            case _:
                return False, f"{request.verb} needs a trial"

    def _reason(self, request: Request, becomes: str, why: str) -> KillRequest:
        return KillRequest(
            self._core.wall(),
            request.by,
            why,
            becomes,  # type: ignore[arg-type]  # the four callers pass literals
            force=request.now and request.verb == "kill",
            fresh=request.fresh,
        )

    def _kill(self, request: Request, trial: Trial) -> tuple[bool, str]:
        match trial.status:
            case Launching() | Running():
                self._watcher.ask(trial, self._reason(request, "killed", "kill was asked"))
                return True, f"{trial.id} is being ended"
            case Queued() | Paused():
                self._core.record(TrialClosed(trial.number, "killed", f"killed by {request.by}"))
                return True, f"{trial.id} was {trial.state} and will not run"
            case Ended(cause=cause):
                return True, f"{trial.id} already ended ({cause})"

    def _restart(self, request: Request, trial: Trial) -> tuple[bool, str]:
        match trial.status:
            case Launching() | Running():
                self._watcher.ask(trial, self._reason(request, "queued", "restart was asked"))
                return True, f"{trial.id} is being ended and starts again"
            case Queued() if trial.number in self._core.state.overruled:
                self._core.record(TrialQueued(trial.number, "restart", fresh=request.fresh))
                return True, f"{trial.id} is queued again, although the sweep was stopped"
            case Queued(asked=False) if self._core.state.stopping is not None:
                return (
                    False,
                    f"{trial.id} waits in a stopped sweep; `tuiswp resume` goes on with it",
                )
            case Queued():
                return True, f"{trial.id} is queued already"
            case Ended(cause="pruned") if trial.pinned is None:
                # Its curve would have it stopped again at once; who asks wants to see it run.
                self._core.record(
                    TrialQueued(trial.number, "restart", fresh=request.fresh),
                    TrialPinned(trial.number, request.by, why="restart of a pruned trial"),
                )
                return True, f"{trial.id} is queued again, and pinned: it is not pruned once more"
            case Paused() | Ended():
                self._core.record(TrialQueued(trial.number, "restart", fresh=request.fresh))
                return True, f"{trial.id} is queued again"

    def _pause(self, request: Request, trial: Trial) -> tuple[bool, str]:
        match trial.status:
            case Launching() | Running():
                self._watcher.ask(trial, self._reason(request, "paused", "pause was asked"))
                return True, f"{trial.id} is being stopped and keeps its place"
            case Queued():
                self._core.record(TrialClosed(trial.number, "paused", f"paused by {request.by}"))
                return True, f"{trial.id} is paused before it ran"
            case Paused():
                return True, f"{trial.id} is already paused"
            case Ended(cause=cause):
                return False, f"{trial.id} already ended ({cause})"

    def _resume(self, request: Request, trial: Trial) -> tuple[bool, str]:
        match trial.status:
            case Paused():
                self._core.record(TrialQueued(trial.number, "resume"))
                return True, f"{trial.id} is queued again"
            case Launching() | Running() if (
                trial.kill is not None and trial.kill.becomes == "paused"
            ):
                self._watcher.ask(trial, self._reason(request, "queued", "pause, then resume"))
                return True, f"{trial.id} is still being stopped and starts again then"
            case Queued() | Launching() | Running():
                return True, f"{trial.id} is not paused"
            case Ended(cause=cause):
                return False, f"{trial.id} already ended ({cause}); `tuiswp restart` runs it again"

    def _interrupt(self, request: Request, trial: Trial) -> tuple[bool, str]:
        match trial.status:
            case Launching() | Running() if trial.kill is not None:
                return True, f"{trial.id} is being ended already"
            case Launching() | Running():
                if not self._watcher.can_hear(trial):
                    return False, f"{trial.id} is only just starting; ask again"
                attempt = trial.attempts[-1].number
                self._core.record(
                    InterruptRequested(trial.number, attempt, request.by, request.why)
                )
                if self._watcher.interrupt(trial):
                    return True, f"{trial.id} was interrupted, as ctrl-c does; it may go on"
                return True, f"{trial.id} had just ended"
            case Queued() | Paused():
                return False, f"{trial.id} is {trial.state}: nothing of it runs"
            case Ended(cause=cause):
                return True, f"{trial.id} already ended ({cause})"

    def _pin(self, request: Request, trial: Trial) -> tuple[bool, str]:
        pinned = request.verb == "pin"
        if pinned == (trial.pinned is not None):
            return True, f"{trial.id} is {'already' if pinned else 'not'} pinned"
        self._core.record(TrialPinned(trial.number, request.by, pinned, request.why))
        if not pinned:
            return True, f"{trial.id} is no longer pinned"
        return True, f"{trial.id} is pinned: it is never pruned"
