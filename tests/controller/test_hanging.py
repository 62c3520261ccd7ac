"""Who is found silent, when nobody is, and what follows: on a clock of its own, with real files."""

import math
import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.controller.bench import Bench
from tuiswp.controller import hanging
from tuiswp.controller.hanging import HangWatch
from tuiswp.controller.journal import read
from tuiswp.launchers import vitals
from tuiswp.launchers.stacks import STACK, Stack
from tuiswp.launchers.vitals import Vitals
from tuiswp.model.events import KillRequested, TrialMoving, TrialSilent

pytestmark = pytest.mark.slow  # long histories

IDLE = Vitals((7,), "S", 5.0, 100, "futex_wait", "", "")


class Told:
    """Stands for the process that takes a stack: the tests of `stacks` have the real one."""

    def __init__(self, order: object) -> None:
        self.closed = False

    def outcome(self) -> Stack | None:
        return Stack("wait (train.py:7)", "Thread 1\n")

    def close(self) -> None:
        self.closed = True


class Watched:
    """A sweep whose trial 0 reports when a test says so, and time that passes when it says so."""

    def __init__(self, bench: Bench) -> None:
        self.bench = bench
        self.now, self.step = 1000.0, 0
        self.hangs = self.new()

    def new(self) -> HangWatch:
        controller = self.bench.controller
        self.bench.step()
        return HangWatch(
            controller.core, controller._watcher, controller._places, clock=lambda: self.now
        )

    def restart(self) -> None:
        self.bench.crash()
        self.hangs = self.new()

    def reports(self, times: int = 1, every: float = 1.0) -> None:
        for _ in range(times):
            self.step += 1
            with self.bench.place.metrics(0).open("a") as file:
                file.write(f'{{"step": {self.step}, "loss": 1.0}}\n')
            self.passes(every)

    def passes(self, seconds: float) -> None:
        """Time in which the controller looks every four seconds, or sooner."""
        looks = math.ceil(seconds / 4)
        for _ in range(looks):
            self.now += seconds / looks
            self.look()

    def look(self) -> None:
        self.bench.controller._watcher.curves.poll()
        self.hangs.look()

    def facts(self) -> list[str]:
        """What was told of trial 0, in order."""
        told: list[str] = []
        for record in read(self.bench.place.journal).records:
            if isinstance(record.event, TrialSilent) and record.event.trial == 0:
                told.append(record.event.kind)
            elif isinstance(record.event, TrialMoving) and record.event.trial == 0:
                told.append("moves")
        return told

    def attempt(self) -> Path:
        return self.bench.place.attempt(0, 1)


See = Callable[[Vitals], None]


@pytest.fixture
def see(monkeypatch: pytest.MonkeyPatch) -> See:
    """What every look at processes finds from now on."""

    def now(found: Vitals) -> None:
        monkeypatch.setattr(vitals, "look", lambda *_: found)

    monkeypatch.setattr(vitals, "family", dict)  # nobody is looked for in /proc
    now(IDLE)
    return now


@pytest.fixture
def watched(bench: Bench, see: See, monkeypatch: pytest.MonkeyPatch) -> Iterator[Watched]:
    monkeypatch.setattr(hanging, "Look", Told)
    made = Watched(bench)
    made.passes(1)
    yield made
    made.hangs.close()


def test_a_silence_is_told_once_and_so_is_its_end(watched: Watched) -> None:
    watched.reports(10)
    assert watched.facts() == []
    watched.passes(500)
    assert watched.facts() == ["hang"]
    silent = watched.bench.trials()[0].silent
    assert silent is not None and silent.where == "wait (train.py:7)"
    assert "usually heard of every 1.0 s" in silent.evidence
    watched.reports()
    assert watched.facts() == ["hang", "moves"]
    assert watched.bench.trials()[0].silent is None
    watched.passes(1000)  # it came back from 500 s: the same again is not yet a hang
    assert watched.facts() == ["hang", "moves"]
    watched.passes(1000)
    assert watched.facts() == ["hang", "moves", "hang"]


def test_its_stack_is_kept_for_its_owner_alone(watched: Watched) -> None:
    before = os.umask(0)
    try:
        watched.reports(10)
        watched.passes(60)
    finally:
        os.umask(before)
    kept = watched.attempt() / STACK
    assert kept.read_text().endswith("Thread 1\n")
    assert "silent for" in kept.read_text().splitlines()[0]
    assert kept.stat().st_mode & 0o777 == 0o600


def test_time_in_which_nobody_watched_makes_nobody_silent(watched: Watched) -> None:
    """A controller that was stopped, a machine that slept: hours pass between two looks."""
    watched.reports(10)
    for _ in range(4):
        watched.now += 36_000
        watched.look()
    assert watched.facts() == []


def test_what_happened_while_nobody_watched_is_no_silence(watched: Watched) -> None:
    watched.reports(10)
    watched.passes(25)
    with watched.bench.place.metrics(0).open("a") as file:
        file.write('{"step": 99, "loss": 1.0}\n')
    watched.now += 36_000
    watched.look()
    watched.passes(25)
    assert watched.facts() == []


def test_a_clock_that_is_set_makes_nobody_silent(
    watched: Watched, monkeypatch: pytest.MonkeyPatch
) -> None:
    watched.reports(10)
    real = time.time
    for jump in (-86_400.0, 365 * 86_400.0):
        monkeypatch.setattr(time, "time", lambda jump=jump: real() + jump)
        watched.reports(3)
    assert watched.facts() == []


def test_output_is_a_sign_of_life(watched: Watched) -> None:
    watched.reports(10)
    for line in range(20):
        with (watched.attempt() / "output.log").open("a") as file:
            file.write(f"batch {line}\n")
        watched.passes(20)
    assert watched.facts() == []
    watched.passes(60)
    assert watched.facts() == ["hang"]


def test_another_controller_neither_tells_it_anew_nor_misses_its_end(watched: Watched) -> None:
    watched.reports(10)
    watched.passes(60)
    watched.restart()
    watched.passes(4000)
    assert watched.facts() == ["hang"]
    watched.reports()
    assert watched.facts() == ["hang", "moves"]


def test_a_new_controller_knows_no_rhythm_and_waits_as_for_a_first_row(watched: Watched) -> None:
    watched.reports(10)
    watched.restart()
    watched.passes(1700)
    assert watched.facts() == []
    watched.passes(200)
    assert watched.facts() == ["hang"]


def test_one_that_works_is_given_more_time(watched: Watched, see: See) -> None:
    watched.reports(10)
    started = watched.now
    used = iter(range(10_000))

    while watched.now - started < 890:
        see(Vitals((7,), "R", float(next(used)), 100, "", "", ""))
        watched.passes(4)
    assert watched.facts() == []
    while watched.now - started < 930:
        see(Vitals((7,), "R", float(next(used)), 100, "", "", ""))
        watched.passes(4)
    assert watched.facts() == ["busy"]


def test_the_time_a_person_had_it_stopped_is_not_its_own(watched: Watched, see: See) -> None:
    watched.reports(10)
    see(Vitals((7,), "T", 5.0, 100, "do_signal_stop", "process 7 is stopped", ""))
    watched.passes(600)
    assert watched.facts() == ["stopped"]
    see(IDLE)
    watched.passes(20)
    assert watched.facts() == ["stopped", "moves"]
    watched.passes(60)
    assert watched.facts() == ["stopped", "moves", "hang"]


@pytest.mark.parametrize("bench", ["hang: {after: 40s, action: kill}, retries: 0"], indirect=True)
def test_only_where_the_file_says_so_a_hang_is_ended(watched: Watched) -> None:
    watched.reports(10)
    watched.passes(30)
    assert watched.facts() == []
    watched.passes(30)
    assert watched.facts() == ["hang"]
    assert (watched.bench.token(0), "terminate") in watched.bench.launcher.asked
    asked = [r.event for r in read(watched.bench.place.journal).records]
    [kill] = [event for event in asked if isinstance(event, KillRequested)]
    assert kill.request.becomes == "hang"
    assert "it sleeps in futex_wait; in wait (train.py:7)" in kill.request.why
    watched.bench.step()
    trial = watched.bench.trials()[0]
    assert (trial.state, trial.cause) == ("failed", "hang")
    assert "silent for 4" in trial.attempts[0].evidence


@pytest.mark.parametrize("bench", ["hang: {after: 40s, action: kill}"], indirect=True)
@pytest.mark.parametrize("how", ["stopped", "input", "blocked"])
def test_who_is_stopped_or_at_a_prompt_is_never_ended_for_it(
    watched: Watched, see: See, how: str
) -> None:
    watched.reports(10)
    stopped, waits = "stopped" * (how == "stopped"), "waits for input" * (how == "input")
    see(Vitals((7,), "D" if how == "blocked" else "S", 5.0, 100, "", stopped, waits))
    watched.passes(4000)
    assert watched.facts() == [how]
    assert watched.bench.launcher.asked == []


@pytest.mark.parametrize("bench", ["hang: off"], indirect=True)
def test_off_looks_at_nobody(watched: Watched) -> None:
    watched.reports(10)
    watched.passes(4000)
    assert watched.facts() == []


def test_a_trial_that_goes_on_while_its_stack_is_taken_is_not_told(
    watched: Watched, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Told, "outcome", lambda _: None)
    watched.reports(10)
    watched.passes(32)
    watched.reports()
    monkeypatch.setattr(Told, "outcome", lambda _: Stack())
    watched.passes(5)
    assert watched.facts() == []


def test_a_look_that_hangs_is_given_up_and_the_silence_is_told_without_it(
    watched: Watched, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Told, "outcome", lambda _: None)
    watched.reports(10)
    watched.passes(45)
    assert watched.facts() == []
    watched.passes(20)
    assert watched.facts() == ["hang"]
    assert not (watched.attempt() / STACK).exists()


def test_one_trial_shows_the_others_how_long_a_start_takes(watched: Watched) -> None:
    """Trial 1 has not reported: judged by trial 0, it may take ten minutes and no half hour."""
    watched.reports(10)

    def silent() -> bool:
        return watched.bench.trials()[1].silent is not None

    watched.passes(500)
    assert not silent()
    watched.passes(200)
    assert silent()
