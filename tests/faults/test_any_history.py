"""Any history of a sweep, one step at a time: what trainings, people, disks, clocks and GPUs do in
any order, controllers that die and come again. After each step everything that was promised holds.

Hypothesis finds the histories and shortens those that break something.
"""

import itertools
import math
import os
import shutil
import tempfile
from collections import Counter
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    rule,
    run_state_machine_as_test,
)

from tests.faults.disk import Fault
from tests.faults.living import GPUS, LivingSweep
from tuiswp.cli.status import as_json
from tuiswp.controller import requests
from tuiswp.controller.client import SweepReader
from tuiswp.controller.directory import SweepDirectory
from tuiswp.controller.opening import create
from tuiswp.controller.recomputing import best_of, same, value_in
from tuiswp.controller.reducer import SweepState, replay
from tuiswp.errors import LauncherError
from tuiswp.model.edits import RangeEdit
from tuiswp.model.events import (
    AttemptEnded,
    AttemptLaunching,
    GpuQuarantined,
    Record,
    RequestApplied,
    TrialQueued,
)
from tuiswp.model.sweep import Objective
from tuiswp.model.trial import Ended, Launching, Running

pytestmark = pytest.mark.slow

FILE = """\
name: test
program: train.sh
method: grid
metric: {name: loss, goal: minimize}
parameters:
  x: {values: [1, 2, 3, 4]}
command: [sh, "${program}", "${args}"]
tuiswp: {max_parallel: 2, grace_s: 1}
"""
OBJECTIVE = Objective("loss")
ENDING_ROUNDS = 400
FAST = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None  # every fact is synced, thousands are
LIVE = Launching | Running

trial = st.integers(0, 5)
point = st.integers(1, 12)
pick = st.integers(0, 9)
losses = st.floats(0, 9, width=16) | st.sampled_from([math.nan, math.inf])
faults = st.builds(
    Fault,
    st.sampled_from(["crash", "crash", "torn", "short", "ENOSPC", "EIO"]),
    st.integers(1, 40),
    st.sampled_from([1, 1, 4, 60]),
)


class AnyHistory(RuleBasedStateMachine):
    """One sweep of a grid of four, on two GPUs."""

    template: SweepDirectory

    def __init__(self) -> None:
        super().__init__()
        self.home = Path(tempfile.mkdtemp(prefix="history-", dir=FAST))
        self.sweep = LivingSweep(self.home, self.template)
        self.asked: list[str] = []
        self.most_retries = 1
        self.seen: tuple[Record, ...] = ()
        self.seen_state = SweepState()

    def teardown(self) -> None:
        try:
            self._comes_to_its_end()
        finally:
            if self.sweep.controller is not None:
                self.sweep.die()
            shutil.rmtree(self.home)

    # --- the controller, and what befalls it ---

    @initialize(done=st.integers(0, 3))
    def begin(self, done: int) -> None:
        """Some trials are over already: much can only happen then."""
        self.sweep.come()
        self.sweep.round()
        self.things_go_well(done, 5.0)

    @rule()
    def a_round(self) -> None:
        self.sweep.round()

    @rule()
    def things_go_on(self) -> None:
        """What was handed over begins, and its start is seen."""
        self._all_begin()
        self.sweep.round()

    @rule(times=st.integers(1, 3), loss=losses)
    def things_go_well(self, times: int, loss: float) -> None:
        """And one after the other comes to its end."""
        for number in range(times):
            self.things_go_on()
            self.a_training_ends(0, loss - number, "well")
            self.sweep.round()

    @rule(times=st.integers(1, 4), how=st.sampled_from(["signal", "memory", "code"]))
    def things_go_wrong(self, times: int, how: str) -> None:
        """Again and again, and each time the back-off is over."""
        for _ in range(times):
            self.things_go_on()
            self.a_training_ends(0, 5.0, how)
            self.sweep.round()
            self.sweep.clock.passed += 700

    def _all_begin(self) -> None:
        for job in self.sweep.trainings.waiting():
            with self.sweep.clock.running():
                self.sweep.trainings.begin(job.token)

    @rule(fault=faults)
    def the_disk_fails(self, fault: Fault) -> None:
        self.sweep.round(fault)

    @rule(torn=st.binary(max_size=30))
    def the_controller_is_killed(self, torn: bytes) -> None:
        """What it was writing may be there in part."""
        if self.sweep.controller is None:  # no precondition: rules are chosen by the dice alone
            return
        self.sweep.die()
        if torn and b"\n" not in torn and self.sweep.place.journal.exists():
            with self.sweep.place.journal.open("ab") as file:
                file.write(torn)

    @rule()
    def the_controller_is_told_to_go(self) -> None:
        if self.sweep.controller is not None:
            self.sweep.leave()

    @rule(seconds=st.sampled_from([0.5, 2.0, 11.0, 70.0, 700.0]))
    def time_passes(self, seconds: float) -> None:
        self.sweep.clock.passed += seconds

    @rule(seconds=st.sampled_from([-86400.0, -30.0, 30.0, 86400.0 * 365]))
    def the_clock_is_set(self, seconds: float) -> None:
        self.sweep.clock.set_by += seconds

    @rule(uuid=st.sampled_from(GPUS))
    def a_gpu_goes_or_comes_back(self, uuid: str) -> None:
        self.sweep.gpus.sick ^= {uuid}

    @rule()
    def the_next_launch_fails(self) -> None:
        self.sweep.trainings.failure = LauncherError("no tmux")

    # --- trainings ---

    def _alive(self, which: int) -> str | None:
        alive = sorted(self.sweep.trainings.alive_tokens)
        return alive[which % len(alive)] if alive else None

    def _job_dir(self, token: str) -> Path:
        return Path(next(j.trial_dir for j in self.sweep.trainings.jobs if j.token == token))

    @rule(which=pick)
    def a_training_begins(self, which: int) -> None:
        waiting = self.sweep.trainings.waiting()
        if waiting:
            with self.sweep.clock.running():
                self.sweep.trainings.begin(waiting[which % len(waiting)].token)

    @rule(which=pick, loss=losses)
    def a_training_reports(self, which: int, loss: float) -> None:
        token = self._alive(which)
        if token is not None:
            self._report(token, f'{{"step": 1, "loss": {msgspec.json.encode(loss).decode()}}}\n')

    @rule(which=pick)
    def a_training_writes_rubbish(self, which: int) -> None:
        token = self._alive(which)
        if token is not None:
            self._report(token, '{"step": 1, "lo\n\0\n')

    def _report(self, token: str, line: str) -> None:
        with (self._job_dir(token) / "metrics.jsonl").open("a") as file:
            file.write(line)

    @rule(
        which=pick,
        loss=losses,
        how=st.sampled_from(
            ["well", "well", "well", "silent", "code", "signal", "memory", "launch"]
        ),
    )
    def a_training_ends(self, which: int, loss: float, how: str) -> None:
        token = self._alive(which)
        if token is None:
            return
        if how != "silent":
            self.a_training_reports(which, loss)
        finish = self.sweep.trainings.finish
        ends: dict[str, Callable[[], None]] = {
            "code": lambda: finish(token, 1),
            "signal": lambda: finish(token, signal=11),
            "memory": lambda: finish(token, signal=9, oom_kill=True),
            "launch": lambda: finish(token, 127, error="no such program"),
        }
        with self.sweep.clock.running():
            ends.get(how, lambda: finish(token, 0))()

    @rule(which=pick)
    def a_training_vanishes(self, which: int) -> None:
        token = self._alive(which)
        if token is not None:
            self.sweep.trainings.vanish(token)

    @rule(which=pick)
    def a_supervisor_is_killed(self, which: int) -> None:
        token = self._alive(which)
        if token is not None:
            self.sweep.trainings.orphan(token)

    @rule(which=pick)
    def a_training_grows_deaf(self, which: int) -> None:
        token = self._alive(which)
        if token is not None:
            self.sweep.trainings.stubborn.add(token)

    # --- people ---

    def _ask(self, verb: requests.Verb, trials: tuple[int, ...] = (), **more: Any) -> None:
        with self.sweep.clock.running():
            request = requests.new_request(verb, trials, **more)
            requests.submit(self.sweep.place, request)
        self.asked.append(request.id)

    @rule(
        verb=st.sampled_from(["kill", "pause", "resume", "interrupt", "pin", "unpin", "front"]),
        number=trial,
        now=st.booleans(),
    )
    def someone_asks_about_a_trial(self, verb: requests.Verb, number: int, now: bool) -> None:
        self._ask(verb, (number,), now=now)

    @rule(number=trial, fresh=st.booleans())
    def someone_restarts(self, number: int, fresh: bool) -> None:
        self._ask("restart", (number,), fresh=fresh)

    @rule(then=st.sampled_from(["kill", "pause", "resume"]))
    def someone_changes_their_mind_about_the_best(self, then: requests.Verb) -> None:
        best = self.sweep.state().best
        if best is not None:
            self._ask("restart", (best.trial,))
            self._ask(then, (best.trial,))

    @rule(number=trial, x=point)
    def someone_clones(self, number: int, x: int) -> None:
        if len(self.sweep.state().trials) < 12:
            self._ask("clone", (number,), points=({"x": x},))

    @rule(verb=st.sampled_from(["pause", "resume", "resume", "stop"]), now=st.booleans())
    def someone_asks_about_the_sweep(self, verb: requests.Verb, now: bool) -> None:
        self._ask(verb, now=now and verb == "stop")

    @rule(x=point)
    def someone_extends(self, x: int) -> None:
        if len(self.sweep.state().trials) < 12:
            self._ask("extend", edits=(RangeEdit(("x",), "add", values=(x,)),))

    @rule(name=st.sampled_from(["max_parallel", "retries", "run_cap"]), value=st.integers(0, 3))
    def someone_sets(self, name: Any, value: int) -> None:
        if name == "retries":
            self.most_retries = max(self.most_retries, value)
        self._ask("set", settings={name: value})

    @rule()
    def someone_wants_repeats(self) -> None:
        if len(self.sweep.state().trials) < 12:
            self._ask("replicate", top=2, seeds=2)

    @rule(which=pick)
    def a_request_comes_again(self, which: int) -> None:
        """The very same file, as a copy of a directory would bring it."""
        if self.asked:
            again = self.asked[which % len(self.asked)]
            request = requests.Request(again, "restart", "somebody", 0.0, (0,))
            (self.sweep.place.requests / f"{again}.json").write_bytes(msgspec.json.encode(request))

    # --- what holds after each of these ---

    @invariant()
    def everything_holds(self) -> None:
        self.the_journal_says_what_the_controller_knows()
        self.no_trial_has_two_live_attempts()
        self.nobody_shares_a_gpu_and_none_is_lost()
        self.every_end_has_its_evidence()
        self.retries_are_counted_and_bounded()
        self.a_request_is_applied_once_at_most()
        self.the_best_is_the_best()
        self.status_can_be_told()

    def the_journal_says_what_the_controller_knows(self) -> None:
        records = self.sweep.records()
        if (controller := self.sweep.controller) is not None:
            known = controller.core.state
            # What the disk took and would neither sync nor give back: never acknowledged, cut next.
            assert len(records) == known.seq or controller.core.journal._broken
            records = records[: known.seq]
            assert replay(records) == known
        assert records[: len(self.seen)] == self.seen, "an acknowledged fact is lost"
        state = replay(records)
        half = len(records) // 2
        assert replay(records[half:], replay(records[:half])) == state
        self._ended_trials_stay_as_they_are(records[len(self.seen) :], state)
        self.seen, self.seen_state = records, state

    def _ended_trials_stay_as_they_are(self, new: tuple[Record, ...], now: SweepState) -> None:
        again = {one.event.trial for one in new if isinstance(one.event, TrialQueued)}
        excused = {number for number, _ in _taken_back(new)}
        again |= excused
        for number, before in self.seen_state.trials.items():
            after = now.trials[number]
            if number not in excused:
                assert before.attempts[:-1] == after.attempts[: max(0, len(before.attempts) - 1)]
            if isinstance(before.status, Ended) and number not in again:
                assert (after.status, after.value) == (before.status, before.value)

    def no_trial_has_two_live_attempts(self) -> None:
        trainings = self.sweep.trainings
        alive = Counter(
            job.trial_dir for job in trainings.jobs if job.token in trainings.alive_tokens
        )
        assert all(times == 1 for times in alive.values()), alive
        begun = set(trainings.begun_tokens)
        launched = Counter(job.id for job in trainings.jobs if job.token in begun)
        assert all(times == 1 for times in launched.values()), launched
        intents = {r.event.token for r in self.seen if isinstance(r.event, AttemptLaunching)}
        assert begun <= intents, "something runs that the journal does not know"

    def nobody_shares_a_gpu_and_none_is_lost(self) -> None:
        held = self.sweep.held()
        assert all(times == 1 for times in Counter(one.uuid for one in held).values()), held
        owners = {one.token for one in held}
        assert self.sweep.trainings.alive_tokens <= owners
        if self.sweep.sound:
            live = {
                one.status.token
                for one in self.seen_state.trials.values()
                if isinstance(one.status, LIVE)
            }
            assert live <= owners
            if self.sweep.controller is not None:
                assert owners <= set(self.sweep.controller._places._holds)

    def every_end_has_its_evidence(self) -> None:
        tokens = {
            (r.event.trial, r.event.attempt): r.event.token
            for r in self.seen
            if isinstance(r.event, AttemptLaunching)
        }
        trainings = self.sweep.trainings
        ends = [r.event for r in self.seen if isinstance(r.event, AttemptEnded)]
        times = Counter((end.trial, end.attempt) for end in ends)
        assert all(count == 1 for count in times.values()), "an attempt ended twice"
        for end in ends:
            token = tokens[end.trial, end.attempt]
            if end.cause in ("done", "exit-code", "signal", "host-oom"):
                assert trainings.ends[token] == (end.code, end.signal)
            if end.cause == "done":
                assert end.code == 0
            if end.cause == "unknown":
                assert token in trainings.unseen or token not in trainings.begun_tokens

    def retries_are_counted_and_bounded(self) -> None:
        """What failed on a GPU that turned out to be bad is given back."""
        counted: Counter[int] = Counter()
        back = Counter(number for number, _ in _taken_back(self.seen))
        for record in self.seen:
            match record.event:
                case TrialQueued():
                    counted[record.event.trial] = 0
                case AttemptEnded(retry=True):
                    counted[record.event.trial] += 1
                case _:
                    continue
            number = record.event.trial
            assert counted[number] <= self.most_retries + back[number]
        for number, one in self.seen_state.trials.items():
            assert counted[number] - back[number] <= one.retries <= counted[number]

    def a_request_is_applied_once_at_most(self) -> None:
        applied = Counter(r.event.id for r in self.seen if isinstance(r.event, RequestApplied))
        assert all(times == 1 for times in applied.values()), applied

    def the_best_is_the_best(self) -> None:
        if not self.sweep.sound:
            return
        done = [one for one in self.seen_state.trials.values() if one.state == "done"]
        values = [(one.number, value_in(self.sweep.place.metrics(one.number), OBJECTIVE))
                  for one in done if self.sweep.place.metrics(one.number).exists()]  # fmt: skip
        best = best_of(((n, value) for n, value in values if value is not None), OBJECTIVE)
        told = self.seen_state.best
        if best is not None:
            assert told is not None
            assert told.trial == best[0]
            assert same(told.value, best[1])
            file = msgspec.json.decode(self.sweep.place.best.read_bytes())
            assert file["x"] == self.seen_state.trials[told.trial].params["x"]
        else:
            assert not self.sweep.place.best.exists()

    def status_can_be_told(self) -> None:
        if not self.sweep.place.journal.exists():
            return
        view = SweepReader(self.sweep.place.root).refresh()
        assert view.state.seq >= self.seen_state.seq
        msgspec.json.encode(as_json(view))

    # --- and in the end ---

    def _comes_to_its_end(self) -> None:
        """Once nothing is in its way any more, a sweep ends, and leaves nothing behind."""
        sweep = self.sweep
        sweep.gpus.sick = set()
        sweep.trainings.failure = None
        sweep.trainings.stubborn.clear()
        for round_ in itertools.count():
            assert round_ < ENDING_ROUNDS, (sweep.trouble, sweep.state())
            if self._go_on():
                break
            sweep.round()
            sweep.clock.passed += 20
            self._all_begin()
            for token in sorted(sweep.trainings.alive_tokens):
                self._report(token, '{"step": 1, "loss": 5}\n')
                with sweep.clock.running():
                    if token in sweep.trainings.unseen:
                        sweep.trainings.vanish(token)
                    else:
                        sweep.trainings.finish(token, 0)
        state = sweep.state()
        assert {one.state for one in state.trials.values()} <= {
            "done", "failed", "killed", "lost",
        }  # fmt: skip
        assert sweep.trainings.alive_tokens == set()
        assert sweep.held() == []
        applied = {r.event.id for r in sweep.records() if isinstance(r.event, RequestApplied)}
        assert set(self.asked) <= applied, "a request was never applied"
        self.the_journal_says_what_the_controller_knows()
        self.the_best_is_the_best()

    def _go_on(self) -> bool:
        """Whether all is over; whatever a person has held back is let go on."""
        state = self.sweep.state()
        if list(self.sweep.place.requests.glob("*.json")):
            return False
        if state.paused is not None or state.stopping is not None:
            self._ask("resume")
            return False
        paused = tuple(n for n, one in state.trials.items() if one.state == "paused")
        if paused:
            self._ask("resume", paused)
            return False
        return self.sweep.controller is None and state.finished is not None


def _taken_back(records: Iterable[Record]) -> list[tuple[int, int]]:
    """Trial and attempt of every failure that was excused by the GPU it ran on."""
    events = (record.event for record in records)
    return [one for event in events if isinstance(event, GpuQuarantined) for one in event.attempts]


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> SweepDirectory:
    folder = tmp_path_factory.mktemp("histories")
    (folder / "train.sh").write_text("")
    (folder / "sweep.yaml").write_text(FILE)
    place = SweepDirectory(folder / "test")
    create(place, folder / "sweep.yaml")
    return place


def histories(template: SweepDirectory, monkeypatch: pytest.MonkeyPatch, **more: Any) -> None:
    monkeypatch.setenv("TUISWP_RUNTIME_DIR", os.environ["TUISWP_RUNTIME_DIR"])  # put back after
    monkeypatch.setattr(AnyHistory, "template", template, raising=False)
    run_state_machine_as_test(
        AnyHistory,
        settings=settings(
            deadline=None,
            database=None,
            suppress_health_check=list(HealthCheck),
            **more,
        ),
    )


def test_some_histories_break_nothing(
    template: SweepDirectory, monkeypatch: pytest.MonkeyPatch
) -> None:
    histories(
        template,
        monkeypatch,
        derandomize=True,
        max_examples=12,
        stateful_step_count=25,
        phases=(Phase.generate,),
    )


@pytest.mark.faults
@pytest.mark.timeout(1200)
def test_many_histories_break_nothing(
    template: SweepDirectory, monkeypatch: pytest.MonkeyPatch
) -> None:
    histories(template, monkeypatch, max_examples=150, stateful_step_count=50)
