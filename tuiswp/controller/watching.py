"""Know what became of every live attempt: seen to start, seen to end, or gone without a word.

Wakes by the supervisors' pidfds; believes only `start.json`, `exit.json` and process identities.
"""

import os
import selectors
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path

import msgspec

from tuiswp import proc
from tuiswp.controller import ending
from tuiswp.controller.core import Core, log
from tuiswp.controller.scoring import Scores
from tuiswp.launchers import attempt as attempts
from tuiswp.launchers.base import ExitRecord, Firmness, StartRecord
from tuiswp.metrics.derived import GAPS
from tuiswp.metrics.file import MetricFile
from tuiswp.metrics.follow import Follower
from tuiswp.metrics.resource import columns
from tuiswp.model.events import AttemptEnded, AttemptStarted, Event, KillRequested
from tuiswp.model.trial import KillRequest, Launching, Process, Running, Trial
from tuiswp.model.who import US
from tuiswp.spec.batch import out_of_memory_remedy

LAUNCH_DEADLINE_S = 10.0
LAUNCH_TRIES = 4
LIVENESS_S = 1.0
READING_S = 60.0
ORPHAN_EVIDENCE = "its supervisor was killed; the training went on and its end was not seen"
REMOVED_EVIDENCE = "its directory was removed while it ran, and the record of its end with it"


class Watch:
    """One live attempt under observation."""

    def __init__(self, trial: Trial, directory: Path) -> None:
        assert isinstance(trial.status, Launching | Running)
        self.number = trial.number
        self.attempt = trial.attempts[-1].number
        self.token = trial.status.token
        self.directory = directory
        self.since = time.monotonic()
        self.start: StartRecord | None = None
        self.pidfd: int | None = None
        self.orphaned = False
        self.revoked = False  # nobody had begun to start it
        self.over_since: float | None = None  # monotonic: its end was seen
        self.asked_at: float | None = None  # monotonic: when its processes were asked to leave
        self.inherited = False  # launched by a controller before this one


class Observed(msgspec.Struct, frozen=True):
    """A live attempt that was seen to start, for who watches what it does."""

    trial: int
    attempt: int
    directory: Path
    start: StartRecord
    file: MetricFile
    inherited: bool


class Watcher:
    """All live attempts. `ended` are reported once, with everything known of them."""

    def __init__(
        self,
        core: Core,
        selector: selectors.BaseSelector,
        on_end: Callable[[str], None] = lambda token: None,
        of_its_gpus: Callable[[Trial, Process | None, float], str] = lambda *about: "",
    ) -> None:
        self._core = core
        self._on_end = on_end
        self._of_its_gpus = of_its_gpus
        self._selector = selector
        self._watches: dict[int, Watch] = {}
        self._next_liveness = 0.0
        self._suspicious = False
        self.reading = False  # some attempt's end waits for its metrics to be read
        objective = core.sweep.objective
        self._metric = objective.metric if objective is not None else None
        self.curves: Follower[int] = Follower()
        self._scores = Scores(core, self.curves)

    def __len__(self) -> int:
        return len(self._watches)

    def sync(self) -> None:
        """Watch what the state says is live, and nothing else."""
        live = {trial.number: trial for trial in self._core.state.live()}
        for number in list(self._watches):
            trial = live.get(number)
            if trial is None or trial.attempts[-1].number != self._watches[number].attempt:
                self._forget(number)
        for number, trial in live.items():
            if number not in self._watches:
                directory = self._core.directory.attempt(number, trial.attempts[-1].number)
                self._watches[number] = Watch(trial, directory)
                path = self._core.directory.metrics(number)
                derived = self._core.sweep.derived
                self.curves.add(number, path, only=self._columns(), derived=derived)

    def _columns(self) -> list[str]:
        """What of the metrics files decides anything."""
        stopper = self._core.sweep.stopper
        if self._metric is None:
            return []
        return columns(self._metric, "report" if stopper is None else stopper.resource)

    def _forget(self, number: int) -> None:
        watch = self._watches.pop(number)
        self.curves.remove(number)
        if watch.pidfd is not None:
            self._unlisten(watch)

    def _listen(self, watch: Watch, supervisor: Process) -> None:
        """Wake at this supervisor's end. A pid alone is nobody: its owner is checked afterwards."""
        with suppress(OSError):  # no descriptor left: looked for once a second instead
            watch.pidfd = os.pidfd_open(supervisor.pid)
            try:
                self._selector.register(watch.pidfd, selectors.EVENT_READ, "pidfd")
            except OSError:
                os.close(watch.pidfd)
                watch.pidfd = None
                return
            if not proc.is_alive(supervisor):
                self._unlisten(watch)
                self._suspicious = True

    def _unlisten(self, watch: Watch) -> None:
        assert watch.pidfd is not None
        self._selector.unregister(watch.pidfd)
        os.close(watch.pidfd)
        watch.pidfd = None

    def close(self) -> None:
        for number in list(self._watches):
            self._forget(number)

    def pidfd_ready(self, fd: int) -> None:
        """A supervisor is gone: what it left is looked at now, not at the next round."""
        for watch in self._watches.values():
            if watch.pidfd == fd:
                self._unlisten(watch)
        self._suspicious = True

    def check(self) -> None:
        """Record every start and end there is to see."""
        self.reading = False
        self._starts()
        self._ends()
        now = time.monotonic()
        if self._suspicious or now >= self._next_liveness:
            self._next_liveness = now + LIVENESS_S
            self._suspicious = False
            self._losses(now)
        self._ask_again()

    def _starts(self) -> None:
        events: list[Event] = []
        for watch in self._watches.values():
            if watch.start is not None:
                continue
            start = attempts.read_start(watch.directory, watch.token)
            if start is None:
                continue
            watch.start = start
            self._listen(watch, start.supervisor)
            if isinstance(self._core.trial(watch.number).status, Launching):
                events.append(
                    AttemptStarted(
                        watch.number,
                        watch.attempt,
                        start.supervisor,
                        start.training,
                        adopted=watch.inherited,
                    )
                )
        self._core.record(*events)

    def _ends(self) -> None:
        for watch in list(self._watches.values()):
            record = attempts.read_exit(watch.directory, watch.token)
            if record is None or (watch.start and proc.is_alive(watch.start.training)):
                continue  # a supervisor writes it when the training is gone: this one is forged
            if self._is_read(watch):
                self.end(watch, record)

    def _is_read(self, watch: Watch) -> bool:
        """Whether an ended attempt's metrics are read to their end; a piece of them a round.

        A file that is still being written by somebody is taken as it is after a while.
        """
        file, now = self.curves[watch.number], time.monotonic()
        file.poll(final=True)
        watch.over_since = now if watch.over_since is None else watch.over_since
        if not file.behind or now > watch.over_since + READING_S:
            return True
        self.reading = True
        return False

    def end(self, watch: Watch, record: ExitRecord) -> None:
        trial = self._core.trial(watch.number)
        verdict = ending.of_exit(
            trial,
            self._core.sweep.run,
            record,
            self._core.secrets.raw(attempts.quotable(watch.directory, record)),
            now=self._core.wall(),
            complete=self._scores.has_reached(watch.number),
            diverged=self._scores.runaway(watch.number),
            remedy=out_of_memory_remedy(self._core.whole.parameters, trial.params),
            gpu=self._gpu_evidence(watch, trial),
        )
        self._finish(watch, trial, verdict, record)

    def _gpu_evidence(self, watch: Watch, trial: Trial) -> str:
        training = None if watch.start is None else watch.start.training
        since = watch.since
        if watch.inherited:
            since = time.monotonic() - (self._core.wall() - trial.attempts[-1].launched_at)
        return self._of_its_gpus(trial, training, since)

    def _losses(self, now: float) -> None:
        """Attempts that left no `exit.json`: orphaned ones are watched on, dead ones are over."""
        started = [w for w in self._watches.values() if w.start is not None]
        unsure = [w for w in started if w.pidfd is None or w.orphaned]
        if unsure:
            alive = self._core.launcher.liveness([w.start for w in unsure if w.start is not None])
            for watch in unsure:
                self._judge_liveness(watch, alive.get(watch.token, "dead"))
        late = [
            w
            for w in self._watches.values()
            if w.start is None and now - w.since > LAUNCH_DEADLINE_S
        ]
        for watch in self._unborn(late):
            why = f"did not start within {LAUNCH_DEADLINE_S:g} s"
            if flaw := attempts.flaws(watch.directory, watch.token).get("start.json"):
                why = f"nothing is known of its start: start.json {flaw}"
            failed = ending.failed_launches(self._core.trial(watch.number))
            if watch.revoked and failed + 1 < LAUNCH_TRIES:
                self._take_back(watch, why)  # its window died, or the machine is slow
            else:
                self.never_started(watch, why)

    def _judge_liveness(self, watch: Watch, alive: str) -> None:
        if alive == "supervised":
            return
        if alive == "orphaned":
            if not watch.orphaned:
                log.warning("t%04d: the supervisor is gone, the training goes on", watch.number)
            watch.orphaned = True
            self._keep_time(watch)
            return
        record = attempts.read_exit(watch.directory, watch.token)  # written as we looked?
        if not self._is_read(watch):
            self._suspicious = True
            return
        if record is not None:
            self.end(watch, record)
            return
        assert watch.start is not None
        if self._is_hidden(watch):
            return
        reboot = watch.start.supervisor.boot_id != proc.boot_id()
        why = ORPHAN_EVIDENCE if watch.directory.is_dir() else REMOVED_EVIDENCE
        why = "the machine was restarted" if reboot else why
        trial = self._core.trial(watch.number)
        verdict = ending.of_loss(
            trial, self._core.sweep.run, reboot=reboot, why=why, now=self._core.wall()
        )
        self._finish(watch, trial, verdict, None)

    def _is_hidden(self, watch: Watch) -> bool:
        """Whether it lives in another container, as when that is where the tmux server is."""
        assert watch.start is not None
        if proc.is_of_this_namespace(watch.start.supervisor) or not proc.is_locked(watch.directory):
            return False
        self._core.warn(
            "container",
            f"t{watch.number:04d} runs in another container, where its tmux server is, and cannot "
            "be ended from here; give each container a TUISWP_TMUX_SOCKET of its own",
        )
        return True

    def _keep_time(self, watch: Watch) -> None:
        """End an orphan that runs too long: the supervisor that would have done it is gone."""
        limit, trial = self._core.sweep.run.timeout_s, self._core.trial(watch.number)
        if limit is None or trial.kill is not None or watch.start is None:
            return
        if proc.age_s(watch.start.training) > limit:
            why = f"ran longer than {limit:g} s"
            self.ask(trial, KillRequest(self._core.wall(), US, why, "timeout"))

    def settle(self) -> None:
        """After a restart: take back launches that never became a process, before any new one."""
        self.sync()
        for watch in self._watches.values():
            watch.inherited = True
        self.check()
        self.take_back("the controller ended before it was launched", at_once=True)

    def take_back(self, why: str, *, at_once: bool = False) -> None:
        """Give up, at no cost to the trial, every launch that never became a process.

        `at_once`: nothing was in its way, so it goes first again, and what is proposed next is what
        would have been. A launch that had failed before waits all the same.
        """
        for watch in self._unborn([w for w in self._watches.values() if w.start is None]):
            self._take_back(watch, why, at_once=at_once)

    def _take_back(self, watch: Watch, why: str, *, at_once: bool = False) -> None:
        trial = self._core.trial(watch.number)
        if trial.kill is not None:  # what was asked for meanwhile stays promised
            self.never_started(watch, why)
            return
        again = ending.failed_launches(trial) > 0
        wait = ending.launch_back_off(trial) if again or not at_once else 0.0
        verdict = ending.Ending("launch-error", why, "queued", retry_at=self._core.wall() + wait)
        self._finish(watch, trial, verdict, None)

    def _unborn(self, waiting: Sequence[Watch]) -> list[Watch]:
        """Those of `waiting` that have not started and never will.

        Revoked first and looked for then: between a look and a later revoke one could start.
        """
        if not waiting:
            return []
        for watch in waiting:
            watch.revoked = self._core.launcher.revoke(watch.token) or watch.revoked
        present = self._core.launcher.find({watch.token for watch in waiting})
        self._starts()  # and may even be over by now
        return [w for w in waiting if w.start is None and w.token not in present]

    def never_started(self, watch: Watch, why: str) -> None:
        """Give up an attempt of which no process was ever seen."""
        trial = self._core.trial(watch.number)
        verdict = ending.of_loss(
            trial, self._core.sweep.run, reboot=False, why=why, now=self._core.wall()
        )
        self._finish(watch, trial, verdict, None)

    def _finish(
        self, watch: Watch, trial: Trial, verdict: ending.Ending, record: ExitRecord | None
    ) -> None:
        if record is None:  # else its supervisor did
            attempts.forget_environment(watch.directory)
        aside = self._core.state.health.quarantined
        names = [lease.name for lease in trial.attempts[-1].leases if lease.uuid in aside]
        verdict = ending.excused(verdict, names)
        value, progress, step = self._scores.score(watch.number)
        reached = self._scores.has_reached(watch.number)
        complete = verdict.outcome == "done" or reached
        if reached and verdict.retry:  # it had finished; only its last word is missing
            verdict = ending.Ending(verdict.cause, verdict.evidence, "lost")
        self._core.record(
            AttemptEnded(
                watch.number,
                watch.attempt,
                verdict.cause,
                verdict.evidence,
                verdict.outcome,
                code=record.code if record is not None else None,
                signal=record.signal if record is not None else None,
                ended_at=record.ended if record is not None else None,
                value=value,
                progress=progress,
                step=step,
                complete=complete,
                retry=verdict.retry,
                retry_at=verdict.retry_at,
                fresh=verdict.fresh,
                raised=verdict.raised or msgspec.UNSET,
            )
        )
        if verdict.outcome == "done" and value is None:
            self._scores.explain_missing(trial.id, watch.number)
        if self.curves[watch.number].trouble and self.curves[watch.number].metrics:
            self._core.warn("metrics-torn", f"{trial.id}: {self.curves[watch.number].trouble}")
        for fault in self.curves[watch.number].derived_faults:
            code = f"expression-{fault.metric}-{fault.fault.at}"
            self._core.warn(code, f"{trial.id}: {fault}; {GAPS}")
        self._forget(watch.number)
        self._on_end(watch.token)

    def observed(self) -> Iterator[Observed]:
        """Every attempt that runs, once what it had reported is read."""
        for number, watch in self._watches.items():
            running = isinstance(self._core.trial(number).status, Running)
            if watch.start is not None and running and self.curves.is_read(number):
                yield Observed(
                    number,
                    watch.attempt,
                    watch.directory,
                    watch.start,
                    self.curves[number],
                    watch.inherited,
                )

    def ask(self, trial: Trial, request: KillRequest, *reasons: Event) -> None:
        """Record that an attempt is to end, after what it follows from, then ask it to."""
        attempt = trial.attempts[-1].number
        self._core.record(*reasons, KillRequested(trial.number, attempt, request))
        watch = self._watches.get(trial.number)
        if watch is not None:
            watch.asked_at = None
        self._ask_again()

    def seen(self, number: int) -> tuple[float, int]:
        """For how long a live attempt was seen to run, in seconds, and rows of metrics it wrote."""
        watch, file = self._watches.get(number), self.curves.get(number)
        if watch is None or watch.start is None:
            return 0.0, 0
        return time.monotonic() - watch.since, 0 if file is None else file.rows

    def can_hear(self, trial: Trial) -> bool:
        """Whether a signal would reach the trial: it was seen to start."""
        self._starts()
        watch = self._watches.get(trial.number)
        return watch is not None and watch.start is not None

    def interrupt(self, trial: Trial) -> bool:
        """Send SIGINT as ctrl-c does, once; False if it is already gone."""
        watch = self._watches.get(trial.number)
        if watch is None or watch.start is None:
            return False
        return self._core.launcher.ask_to_leave(watch.start, "interrupt")

    def _ask_again(self) -> None:
        """Requests that have not reached their supervisor: it was not there yet, or we were not."""
        for watch in self._watches.values():
            kill = self._core.trial(watch.number).kill
            if kill is None or watch.start is None:
                continue
            now = time.monotonic()
            firmness: Firmness = "kill" if kill.force else "terminate"
            if watch.asked_at is not None:
                # A supervisor keeps the grace itself; for orphans somebody else must.
                if not watch.orphaned or now < watch.asked_at + self._core.sweep.run.grace_s:
                    continue
                firmness = "kill"
            self._core.launcher.ask_to_leave(watch.start, firmness)
            watch.asked_at = now
