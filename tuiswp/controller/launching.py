"""Decide what runs next and start it: intent first, then the directory, then the window.

What is proposed is `search`'s, where it may run is `controller.places`'; this module turns the
choice into facts, files and one call of the launcher.
"""

import secrets
import time
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Literal

import msgspec

from tuiswp import proc
from tuiswp.controller import room
from tuiswp.controller.breakers import Breakers
from tuiswp.controller.causes import CAUSES
from tuiswp.controller.core import Core, log
from tuiswp.controller.directory import own_folder, write_atomically
from tuiswp.controller.ending import launch_back_off
from tuiswp.controller.environment import WANDB_PARAMS, for_tuiswp, for_wandb, metrics_note
from tuiswp.controller.places import Places
from tuiswp.controller.priors import kept
from tuiswp.controller.reducer import SweepState
from tuiswp.controller.secrets import secret_names
from tuiswp.errors import JournalError, TuiswpError
from tuiswp.launchers.base import Job
from tuiswp.metrics.sources.note import FILE as NOTE
from tuiswp.model.events import AttemptEnded, AttemptLaunching, TrialSuggested
from tuiswp.model.ids import attempt_id, trial_id
from tuiswp.model.space import Params
from tuiswp.model.sweep import Sweep
from tuiswp.model.trial import Lease, Queued, Trial
from tuiswp.search.ahead import Ahead
from tuiswp.search.history import History, history_of
from tuiswp.search.keys import point_key
from tuiswp.search.suggest import learns, next_point, suggest
from tuiswp.search.suggest import room as room_for
from tuiswp.spec.command import CommandContext, default_interpreter, expand
from tuiswp.spec.params import baseline_params, point_params, wandb_config
from tuiswp.spec.phased import lies_within, within

TROUBLE_S = 5.0
BATCH = 64


class Candidate(msgspec.Struct, frozen=True):
    """What could be started next; `suggestion` is the fact to record first, for a new trial."""

    number: int
    attempt: int
    params: Params
    fresh: bool = False
    suggestion: TrialSuggested | None = None


class Plan(msgspec.Struct, frozen=True):
    """A candidate with its place and the token that will tell its processes from all others."""

    candidate: Candidate
    token: str
    leases: tuple[Lease, ...]


class Starter:
    """Fills free places. `exhausted`: the search has no further point; `waiting`: why not more.

    `enough`: why nothing more is to be proposed in this phase, although there would be more.
    """

    def __init__(
        self,
        core: Core,
        places: Places,
        breakers: Breakers,
        wake: Path | None,
        *,
        umask: int | None = None,
    ) -> None:
        self._umask = umask
        self._core = core
        self._places = places
        self._breakers = breakers
        self._wake = str(wake) if wake is not None else None
        self._ahead: Ahead | None = None
        self._known: tuple[int, History] = (-1, History())  # of which seq
        self._follow(core.sweep)
        self._ready_at: dict[int, float] = {}
        self._waits: dict[int, Queued] = {}  # what `_ready_at` was made of
        self._next_launch = 0.0
        self.waiting: str | None = None
        self._full: str | None = None  # why the disk took nothing when it was last asked
        self.enough: str | None = None
        self.in_doubt: str | None = None  # a launch failed half-way

    def _follow(self, sweep: Sweep) -> None:
        """Propose and place as the sweep is now."""
        self._sweep = sweep
        self._proposer = suggest(sweep)
        self.close()
        self._ahead = Ahead(sweep, self._wake) if learns(sweep) else None
        told = kept(self._core.directory) if self._ahead is not None and sweep.priors else ()
        self._told = tuple(one for one in told if lies_within(sweep, one.params))
        self._baseline = baseline_params(sweep)
        self._points = point_params(sweep)
        self.exhausted = False
        self._known = (-1, History())
        self._places.follow(sweep.resources)

    @property
    def searched(self) -> bool:
        """Whether the sweep as it is now, in the phase it is in, has no more to propose."""
        return self.exhausted and self._core.sweep is self._sweep

    def close(self) -> None:
        """End the process that computes proposals, if there is one."""
        if self._ahead is not None:
            self._ahead.close()

    def fill(self) -> None:
        """Start as much as there is room for. Raises JournalError with nothing started."""
        if self._core.sweep is not self._sweep:
            self._follow(self._core.sweep)
        now = time.monotonic()
        if now < self._next_launch or self._core.state.paused:
            return
        if self._core.unset():
            self.waiting = self._core.unset_words()
            return
        if not self._has_room():
            return
        plans = self._plans(now)
        if not plans:
            self._say_if_for_ever()
            return
        try:
            self._core.record(
                *(
                    event
                    for plan in plans
                    for event in (plan.candidate.suggestion, self._intent(plan))
                    if event is not None
                )
            )
        except Exception:
            self._release(plans)
            raise
        self._next_launch = now + self._core.sweep.run.stagger_s
        self._launch(plans)

    def _has_room(self) -> bool:
        """Whether the disk takes what a launch writes; said once each time it begins not to."""
        was, now = self._full, room.trouble(self._core.directory.root)
        self._full = now
        if now is None:
            if was is not None:
                log.warning("there is room again: launching goes on")
            return True
        self.waiting = f"{now}: nothing is launched until there is room"
        if was is None:
            log.error("%s", self.waiting)
            with suppress(JournalError):  # the last block of the journal may take it
                self._core.warn("disk", f"{self.waiting}; what runs goes on and is watched")
        return False

    def _say_if_for_ever(self) -> None:
        """Nobody at a batch run sees why it waits; what no waiting mends is told once."""
        if self.waiting is not None and "never-fits" not in self._core.state.warned:
            why = self._places.never_fits()
            if why is not None:
                self._core.warn("never-fits", why)

    def _plans(self, now: float) -> list[Plan]:
        plans: list[Plan] = []
        self.waiting = None
        most = 1 if self._core.sweep.run.stagger_s > 0 else BATCH
        closed, probe = self._breakers.closed(), self._breakers.probe()
        rest: list[Candidate] = []  # wait, and failed on the GPU that is to be probed
        try:
            for candidate in self._candidates(now):
                open_, known = closed, self._failed_on(candidate, probe)
                if probe is not None and not known:
                    open_ = {uuid: why for uuid, why in closed.items() if uuid != probe}
                plan = self._plan(candidate, open_)
                if plan is None and known and candidate.suggestion is None:
                    rest.append(candidate)
                    continue
                if plan is None:
                    break
                plans.append(plan)
                if any(lease.uuid == probe for lease in plan.leases):
                    probe = None
                if len(plans) == most:
                    break
            if rest and probe is not None and len(plans) < most:
                # Nobody else can probe it: rather the same trial once more than never.
                del closed[probe]
                plan = self._plan(rest[0], closed)
                plans += [] if plan is None else [plan]
        except Exception:
            self._release(plans)
            raise
        return plans

    def _plan(self, candidate: Candidate, closed: Mapping[str, str]) -> Plan | None:
        """A place for it, on no GPU that is `closed`; None, and `waiting` says why, if none."""
        token = secrets.token_hex(16)
        place = self._places.take(
            token,
            attempt_id(candidate.number, candidate.attempt),
            self._core.directory.attempt(candidate.number, candidate.attempt),
            closed,
        )
        if isinstance(place, str):
            self.waiting = place
            return None
        return Plan(candidate, token, place)

    def _failed_on(self, candidate: Candidate, uuid: str | None) -> bool:
        """Whether an attempt of this trial failed on that GPU."""
        trial = self._core.state.trials.get(candidate.number)
        return trial is not None and any(
            attempt.cause is not None
            and CAUSES[attempt.cause].blames_gpu
            and any(lease.uuid == uuid for lease in attempt.leases)
            for attempt in trial.attempts
        )

    def _release(self, plans: list[Plan]) -> None:
        for plan in plans:
            self._places.release(plan.token)

    def _candidates(self, now: float) -> Iterator[Candidate]:
        """Waiting trials in their order, then new ones as the search proposes them."""
        state = self._core.state
        for trial in wanted(state):
            if self._is_ready(trial, now):
                attempt = trial.attempts[-1].number + 1 if trial.attempts else 1
                assert isinstance(trial.status, Queued)
                yield Candidate(trial.number, attempt, trial.params, trial.status.fresh)
        if state.stopping is not None:
            return
        number = max(state.trials, default=-1) + 1
        keys, index = state.keys, state.next_index
        left = room_for(self._core.sweep, state.trials.values())
        if self.enough is not None:
            left = 0
        if (
            self._baseline is not None
            and left != 0
            and not any(trial.origin == "baseline" for trial in state.trials.values())
        ):
            key = point_key(self._baseline)
            keys.add(key)
            suggestion = TrialSuggested(number, self._baseline, key, "baseline")
            yield Candidate(number, 1, self._baseline, suggestion=suggestion)
            number, left = number + 1, None if left is None else left - 1
        for params in self._points:
            key = point_key(params)
            if key not in keys and left != 0:
                keys.add(key)
                suggestion = TrialSuggested(number, params, key, "point")
                yield Candidate(number, 1, params, suggestion=suggestion)
                number, left = number + 1, None if left is None else left - 1
        if self._ahead is not None and number > max(state.trials, default=-1) + 1:
            return  # what is proposed depends on these being under way: the next round
        if self._ahead is not None and left != 0:
            # One at a time: what is proposed next depends on this one being under way.
            candidate = self._learned(number, index)
            if candidate is not None:
                yield candidate
            return
        while left != 0:
            point = next_point(self._proposer, index, keys)
            if point is None:
                self.exhausted = True
                return
            keys.add(point.key)
            index = point.index + 1
            suggestion = TrialSuggested(
                number, point.params, point.key, self._proposer.origin, point.index
            )
            yield Candidate(number, 1, point.params, suggestion=suggestion)
            number, left = number + 1, None if left is None else left - 1
        self.exhausted = True

    def _learned(self, number: int, index: int) -> Candidate | None:
        """The next trial by what the sampler made of the results; None while it is computed."""
        assert self._ahead is not None
        state = self._core.state
        if self._known[0] != state.seq:
            history = history_of(within(self._core.sweep, state.trials.values()))
            history = History((*self._told, *history.told), history.flying)
            self._known = (state.seq, history)
        history = self._known[1]
        self._ahead.want(history, index)
        answer = self._ahead.take(history, index)
        if answer is None:
            self.waiting = self._ahead.trouble or "the next point is being computed"
            if self._ahead.trouble is not None:
                self._core.warn("sampler", self._ahead.trouble)
            return None
        if answer.params is None:
            self.exhausted = True
            return None
        suggestion = TrialSuggested(number, answer.params, answer.key, "bayes", index, answer.seen)
        return Candidate(number, 1, answer.params, suggestion=suggestion)

    def _is_ready(self, trial: Trial, now: float) -> bool:
        """Whether a back-off is over, by a clock that no one can set."""
        assert isinstance(trial.status, Queued)
        changed = self._waits.get(trial.number, trial.status) != trial.status
        if trial.number not in self._ready_at or changed:
            wait = trial.status.not_before - self._core.wall()
            longest = max(0.0, trial.status.not_before - trial.status.since)
            self._ready_at[trial.number] = now + min(max(wait, 0.0), longest)
            self._waits[trial.number] = trial.status
        if now < self._ready_at[trial.number]:
            return False
        del self._ready_at[trial.number]
        return True

    def next_ready(self) -> float | None:
        """Monotonic time at which a back-off or a pause between launches ends; None: none does.

        What is ready already waits for something else (a place, a resume), which wakes by itself.
        """
        now = time.monotonic()
        ends = (*self._ready_at.values(), self._next_launch)
        return min((at for at in ends if at > now), default=None)

    def _intent(self, plan: Plan) -> AttemptLaunching:
        candidate = plan.candidate
        return AttemptLaunching(
            candidate.number,
            candidate.attempt,
            plan.token,
            plan.leases,
            self._core.host,
            proc.machine(),
        )

    def _launch(self, plans: list[Plan]) -> None:
        # Until the launcher has them all: whatever fails, `Watcher.take_back` settles the rest.
        self.in_doubt = "the controller failed before it was launched"
        jobs: list[Job] = []
        for plan in plans:
            try:
                jobs.append(self._prepare(plan))
            except TuiswpError as error:  # the same configuration would meet it again
                self._give_up(plan, str(error), outcome="failed")
            except OSError as error:
                self._give_up(plan, f"its directory could not be prepared: {error}")
        try:
            if jobs:
                self._core.launcher.start(jobs)
            self.in_doubt = None
        except (TuiswpError, OSError) as error:
            self.in_doubt = str(error)
            self._next_launch = time.monotonic() + TROUBLE_S
            log.error("launch failed: %s", error)
            self._core.warn("launcher", str(error))

    def _give_up(
        self, plan: Plan, why: str, *, outcome: Literal["queued", "failed"] = "queued"
    ) -> None:
        """An attempt never began: back to the queue at no cost to the trial, or failed."""
        log.error("%s: %s", trial_id(plan.candidate.number), why)
        self._core.record(
            AttemptEnded(
                plan.candidate.number,
                plan.candidate.attempt,
                "launch-error",
                why,
                outcome,
                retry_at=self._core.wall()
                + launch_back_off(self._core.trial(plan.candidate.number)),
            )
        )
        self._next_launch = time.monotonic() + TROUBLE_S
        self._places.release(plan.token)

    def _prepare(self, plan: Plan) -> Job:
        """Make the attempt's directory and files; all of them before the launcher is called."""
        candidate, directory = plan.candidate, self._core.directory
        trial_dir = directory.trial(candidate.number)
        attempt_dir = directory.attempt(candidate.number, candidate.attempt)
        # One by one: a mode does not hold for what `parents` makes on the way.
        for folder in (trial_dir, attempt_dir.parent):
            own_folder(folder)
        if candidate.fresh and candidate.attempt > 1:
            set_aside(trial_dir, directory.attempt(candidate.number, candidate.attempt - 1))
        own_folder(attempt_dir)
        write_atomically(
            trial_dir / "params.json",
            msgspec.json.format(msgspec.json.encode(candidate.params), indent=2) + b"\n",
        )
        run = self._core.sweep.run
        given = self._core.environ
        named = {name: given[source] for name, source in run.env_from.items()}
        environment = {**given, **run.env, **named, **self._places.environment(plan.leases)}
        context = CommandContext(
            trial_dir=str(trial_dir),
            sweep_id=directory.id,
            # Of its own for each attempt: W&B refuses to upload two runs as one.
            run_id=f"{directory.id}-{trial_id(candidate.number)}-{candidate.attempt}",
            interpreter=default_interpreter(environment),
            environ=environment,
        )
        expansion = expand(self._core.sweep, candidate.params, context)
        for path, content in expansion.files.items():
            write_atomically(Path(path), content)
        write_atomically(
            trial_dir / WANDB_PARAMS, msgspec.json.encode(wandb_config(candidate.params))
        )
        environment = for_wandb(environment, trial_dir, context.sweep_id, context.run_id)
        note = metrics_note(environment, run.cwd, run.metrics_from)
        write_atomically(trial_dir / NOTE, msgspec.json.encode(note))
        trial = trial_id(candidate.number)
        environment |= for_tuiswp(trial_dir, self._core.sweep.name, trial, candidate.attempt)
        if self._core.sweep.objective is not None:
            environment["TUISWP_METRIC"] = self._core.sweep.objective.metric
            environment["TUISWP_GOAL"] = self._core.sweep.objective.goal
        return Job(
            id=attempt_id(candidate.number, candidate.attempt),
            token=plan.token,
            argv=expansion.argv,
            cwd=run.cwd,
            env=environment,
            trial_dir=str(trial_dir),
            attempt_dir=str(attempt_dir),
            grace_s=run.grace_s,
            timeout_s=run.timeout_s,
            wake=self._wake,
            umask=self._umask,
            secret=secret_names(environment, run),
        )


def wanted(state: SweepState) -> list[Trial]:
    """Waiting trials that are to run, in their order; after a stop, only those asked for since."""
    queued = state.queued()
    if state.stopping is None:
        return queued
    return [
        trial
        for trial in queued
        if isinstance(trial.status, Queued)
        and trial.status.asked
        and trial.number not in state.overruled
    ]


def set_aside(trial_dir: Path, attempt_dir: Path) -> None:
    """Move what earlier attempts left in the trial directory under the last of them."""
    place = attempt_dir / "files"
    place.mkdir(mode=0o700, parents=True, exist_ok=True)
    for entry in list(trial_dir.iterdir()):
        if entry.name not in ("attempts", "params.json", WANDB_PARAMS, NOTE):
            with suppress(FileNotFoundError):
                entry.rename(place / entry.name)
