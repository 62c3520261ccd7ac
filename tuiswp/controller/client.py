"""What a client sees of a sweep, and how it asks for something. Reads files; decides nothing.

The command line and the terminal interface both stand on this: `SweepReader.refresh` gives one
frozen `SweepView`, `ask` puts a request and waits for its outcome.
"""

import time
from collections.abc import Callable, Mapping
from pathlib import Path

import msgspec

from tuiswp import proc
from tuiswp.controller import elsewhere, foreign, room
from tuiswp.controller.directory import SweepDirectory, is_run_folder
from tuiswp.controller.journal import Damage, JournalReader, last_records, no_collection
from tuiswp.controller.reducer import SweepState, replay
from tuiswp.controller.requests import Request, submit, withdraw
from tuiswp.errors import EnvironmentFault, SpecError, SweepHeld, TuiswpError, UsageError
from tuiswp.metrics.file import MetricFile
from tuiswp.metrics.follow import Follower
from tuiswp.metrics.names import find
from tuiswp.metrics.objective import reduce
from tuiswp.model.events import (
    ControllerStarted,
    ControllerStopped,
    Record,
    RequestApplied,
    SweepFinished,
)
from tuiswp.model.sweep import Resources, Run, Sweep
from tuiswp.model.trial import Launching, Process, Running, Trial
from tuiswp.plain import read_plain

ANSWER_S = 10.0
_SAID = 16 << 10
HELD_S = 3.0  # for a controller that holds the sweep to say its first words, or to leave


class Live(msgspec.Struct, frozen=True):
    """A running trial as its files say it now. `age_s`: seconds since its metrics last grew.

    `behind`: there was no time to read them to their end, so nothing is known of where it is.
    """

    step: float | None
    progress: float | None
    value: float | None
    age_s: float | None
    behind: bool = False


class SweepView(msgspec.Struct, frozen=True):
    """Everything a screen or a command draws. `foreign`: something else launched these runs.

    `controller`: the one at work; one on another host counts, which nobody here can see.
    `trouble`: why nothing can be written there now, and so nothing is launched; a sentence.
    `changed`: why the sweep file is not to be believed; what is said of goals and ranges is by it.
    `unread`: runs of a large folder that were not read yet, and so are no trials yet.
    """

    directory: Path
    sweep: Sweep
    state: SweepState
    controller: Process | None
    live: dict[int, Live]
    damage: tuple[Damage, ...] = ()
    foreign: bool = False
    unread: int = 0
    trouble: str | None = None
    changed: str | None = None

    @property
    def trials(self) -> list[Trial]:
        return [self.state.trials[number] for number in sorted(self.state.trials)]

    @property
    def elsewhere(self) -> str | None:
        """The host of a controller that cannot be seen from here; None if it can, or is none."""
        return None if self.controller is None else elsewhere.host_of_holder(self.state)

    @property
    def word(self) -> str:
        """The sweep's state in one word."""
        if self.foreign:
            return "read-only"
        if self.state.finished is not None and not self.state.live():
            return "stopped" if self.state.stopping is not None else "finished"
        if self.controller is None:
            return "orphaned" if self.state.live() else "interrupted"
        if self.state.stopping is not None:
            return "stopping"
        return "paused" if self.state.paused is not None else "running"


def planned(sweep: Sweep, state: SweepState) -> int | None:
    """How many trials a sweep will have, as it is now; None: it runs until stopped."""
    from tuiswp.search.phase_plan import trials_now
    from tuiswp.search.suggest import planned_now, planned_trials

    trials = state.trials.values()
    if sweep.phases:
        return len(trials) if state.finished is not None else trials_now(sweep, trials)
    steered = state.edits or any(trial.wish is not None for trial in trials)
    return planned_now(sweep, trials) if steered else planned_trials(sweep)


class Planned:
    """`planned` of a view, remembered until something that counts has changed."""

    def __init__(self) -> None:
        self._of: tuple[int, int, bool] | None = None
        self._number: int | None = None

    def of(self, view: SweepView) -> int | None:
        over = view.state.finished is not None
        key = (len(view.state.trials), len(view.state.changes), over)
        if key != self._of and not view.foreign:
            self._number = planned(view.sweep, view.state)
        self._of = key
        return self._number


class SweepReader:
    """Follow one sweep directory, or a folder of runs. Raises UsageError if `path` is neither."""

    def __init__(self, path: Path) -> None:
        self.directory = SweepDirectory(path)
        self._foreign = not self.directory.exists()
        if self._foreign and not is_run_folder(path):
            raise UsageError(
                "holds no sweep and no runs (*/metrics.jsonl, W&B's, …)",
                where=str(path),
                hint="give a sweep file, a sweep directory or a folder of runs",
            )
        self._folder = foreign.RunFolder(self.directory.root)
        self.news: tuple[Record, ...] = ()  # what the last `refresh` found in the journal
        self._journal = JournalReader(self.directory.journal)
        self._state = SweepState()
        self._frozen: Sweep | None = None
        self._sweep: Sweep | None = None
        self._changes = -1  # that `_sweep` has
        self._changed: str | None = None
        self._files: Follower[int] = Follower()
        self._followed: set[int] = set()

    @property
    def run_files(self) -> Mapping[int, MetricFile]:
        """In a folder of runs: the metrics of each by number, as `refresh` read them last."""
        return self._folder.files

    @property
    def unread(self) -> int:
        """How many runs of a large folder the last `refresh` had no time for."""
        return self._folder.unread

    def refresh(self, *, with_metrics: bool = True, budget_s: float | None = None) -> SweepView:
        """What the files say now; only what is new is read, and `state` is the same if nothing is.

        `budget_s`: read a large folder of runs, or the metrics of what runs, for about so many
        seconds, and go on next time.
        """
        if self._foreign:
            sweep, state, live = self._folder.refresh(budget_s=budget_s)
            seen = {n: Live(*numbers) for n, numbers in live.items()}
            return SweepView(
                self.directory.root,
                sweep,
                state,
                None,
                seen,
                foreign=True,
                unread=self._folder.unread,
            )
        with no_collection():
            self.news = tuple(self._journal.poll())
            if self.news:
                self._state = replay(self.news, self._state)
        if self._frozen is None:
            # Not at the top: a folder of runs has no sweep file to read.
            from tuiswp.controller.frozen import change_of, frozen_sweep

            try:
                self._frozen = self._sweep = frozen_sweep(self.directory)
            except (SpecError, EnvironmentFault) as error:
                if not self._state.trials:
                    raise
                return self._without_file(str(error))
            self._changed = change_of(self.directory, self._state)
        if self._sweep is None or self._changes != len(self._state.changes):
            from tuiswp.controller.frozen import as_seen

            self._changes = len(self._state.changes)
            self._sweep = as_seen(self._frozen, self._state)
        return SweepView(
            self.directory.root,
            self._sweep,
            self._state,
            elsewhere.holder(self.directory, self._state),
            self._live(budget_s) if with_metrics else {},
            tuple(self._journal.damage),
            trouble=self._trouble(),
            changed=self._changed,
        )

    def _trouble(self) -> str | None:
        """What the disk says, else the controller, where somebody has still to write."""
        if self._state.finished is not None and not self._state.live():
            return None
        disk = room.trouble(self.directory.root)
        if disk is not None:
            return f"{disk}: nothing is launched or written down until there is room"
        if self._state.controller is None or not proc.is_alive(self._state.controller):
            return None
        try:
            said = read_plain(self.directory.trouble, limit=_SAID).decode(errors="replace")
        except (OSError, TuiswpError):
            return None
        return f"the controller is held up: {said}"

    def _without_file(self, why: str) -> SweepView:
        """What the journal alone says: every trial, and no verdict, since no file says the goal."""
        trials = [self._state.trials[number] for number in sorted(self._state.trials)]
        said = f"the sweep file cannot be read: {why}"
        sweep = Sweep(
            name=self._state.name,
            method="grid",
            parameters=foreign.varying([trial.params for trial in trials]),
            objective=None,
            resources=Resources(),
            run=Run(command=(), program=None, cwd=str(self.directory.root)),
            notes=(said,),
        )
        damage = tuple(self._journal.damage)
        holder = elsewhere.holder(self.directory, self._state)
        return SweepView(self.directory.root, sweep, self._state, holder, {}, damage, changed=said)

    def _live(self, budget_s: float | None) -> dict[int, Live]:
        running = {
            trial.number
            for trial in self._state.trials.values()
            if isinstance(trial.status, Launching | Running)
        }
        for number in self._followed - running:
            self._files.remove(number)
        for number in running - self._followed:
            derived = () if self._sweep is None else self._sweep.derived
            self._files.add(number, self.directory.metrics(number), derived=derived)
        self._followed = running
        self._files.poll(budget_s=budget_s)
        return {number: self._numbers(number) for number in running}

    def _numbers(self, number: int) -> Live:
        file = self._files[number]
        if not self._files.is_read(number):
            return Live(None, None, None, None, behind=True)
        objective = self._sweep.objective if self._sweep is not None else None
        value = None
        if objective is not None:
            name = find(objective.metric, file.metrics)
            value = reduce(file.metrics[name], objective) if name is not None else None
        grown = file.last_change
        age = None if grown is None else max(0.0, time.monotonic() - grown)
        return Live(file.last_step, file.progress, value, age)


def is_over(directory: SweepDirectory) -> bool:
    """Whether the journal ends as that of a sweep that is over: nobody is to decide any more.

    Only its last facts are read; False where they leave a doubt.
    """
    facts = [record.event for record in last_records(directory.journal)]
    while facts and isinstance(facts[-1], ControllerStopped):
        facts.pop()
    return bool(facts) and isinstance(facts[-1], SweepFinished)


def _tells_who_decides(record: Record) -> bool:
    """All that is needed of a long journal to know whether somebody will answer."""
    return isinstance(record.event, ControllerStarted | ControllerStopped)


def ask(
    directory: SweepDirectory,
    request: Request,
    *,
    wait_s: float = ANSWER_S,
    given_up: Callable[[], bool] = lambda: False,
) -> RequestApplied:
    """Have a request carried out and return its outcome.

    By the controller if one lives; else here, under the sweep's lock, without launching anything
    (a kill must work when nobody decides). Raises UsageError if the controller does not answer in
    time, or before `given_up`, looked at again and again, says that nobody waits any more: the
    request stays where it will find it. Raises SweepHeld if something else keeps the sweep, a
    controller on another machine for one.
    """
    # Not at the top: it brings the whole controller, and who only looks needs none of it.
    from tuiswp.controller.offline import apply_offline

    reader = JournalReader(directory.journal)
    state = SweepState()
    deadline = time.monotonic() + wait_s
    submitted = False
    while time.monotonic() < deadline:
        for record in reader.poll():
            state = replay((record,), state) if _tells_who_decides(record) else state
            if isinstance(record.event, RequestApplied) and record.event.id == request.id:
                return record.event
        if elsewhere.holder(directory, state) is None:
            try:
                return apply_offline(directory, request)
            except SweepHeld:  # one is just coming or going, or somebody else asks
                if time.monotonic() > deadline - wait_s + HELD_S:
                    withdraw(directory, request)
                    raise
        if not submitted:
            submit(directory, request)
            submitted = True
        if given_up():
            raise UsageError("nobody waits for an answer any more; the request is kept")
        time.sleep(0.02)  # a poll for an outcome, bounded by the deadline
    host = elsewhere.host_of_holder(state)
    raise UsageError(
        f"the controller{'' if host is None else f' on {host}'} has not answered within "
        f"{wait_s:g} s; the request is kept",
        where=str(directory.root),
        hint="see controller.log there",
    )
