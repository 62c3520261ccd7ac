"""A bad GPU and a bug: what is quarantined, what is paused, what is taken back; nothing runs."""

import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.controller.bench import Bench
from tuiswp.controller import breakers, ending, health, requests
from tuiswp.controller.journal import read
from tuiswp.controller.reducer import replay
from tuiswp.launchers.base import Job
from tuiswp.model.events import (
    AttemptEnded,
    GpuQuarantined,
    GpuReleased,
    SweepPaused,
    Warned,
)
from tuiswp.model.health import STREAK_KEPT, GpuHealth, Health
from tuiswp.model.space import Parameter, Uniform
from tuiswp.model.trial import Queued, Trial

FILE = """\
name: test
program: train.sh
method: grid
metric: {{name: loss, goal: minimize}}
parameters:
  x: {{values: [%s]}}
command: [sh, "${{program}}", "${{args}}"]
tuiswp: {{{more}}}
"""
FORTY = FILE % ", ".join(map(str, range(40)))


class Gpus:
    """A sweep on simulated GPUs; `codes`: what a trial on a GPU ends with at once, None: it runs"""

    def __init__(self, folder: Path, trials: int, more: str = "") -> None:
        file = FILE % ", ".join(map(str, range(trials)))
        self.bench = Bench(folder, more, file=file)
        self.codes: dict[str, int | None] = {}
        self.bench.launcher.outcome = self._outcome

    def _outcome(self, job: Job) -> int | None:
        code = self.codes.get(job.env["TUISWP_GPU"])
        if code == 0:
            Path(job.trial_dir, "metrics.jsonl").write_text('{"step": 1, "loss": 1}\n')
        return code

    def events(self, kind: type) -> list[object]:
        found = [record.event for record in read(self.bench.place.journal).records]
        return [event for event in found if isinstance(event, kind)]

    def gpu(self, name: str) -> GpuHealth:
        health = self.bench.controller.core.state.health
        [gpu] = [gpu for gpu in health.gpus.values() if gpu.name == name]
        return gpu

    def on(self, name: str) -> list[str]:
        """Attempts that were launched on a GPU, in their order."""
        return [job.id for job in self.bench.launcher.jobs if job.env["TUISWP_GPU"] == name]

    def run(self, rounds: int = 40) -> None:
        for _ in range(rounds):
            if self.bench.controller.left is None:
                self.bench.step(1)

    def finish(self, within_s: float = 30.0) -> None:
        """Round after round to the end: staggered launches wait by a real clock."""
        until = time.monotonic() + within_s
        while self.bench.controller.left is None and time.monotonic() < until:
            self.bench.step(1)


@pytest.fixture
def gpus(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., Gpus]]:
    made: list[Gpus] = []

    def make(trials: int, more: str = "", *, many: int = 2) -> Gpus:
        monkeypatch.setenv("TUISWP_GPUS", f"sim:{many}x80")
        (tmp_path / "run").mkdir(mode=0o700)
        monkeypatch.setenv("TUISWP_RUNTIME_DIR", str(tmp_path / "run"))  # leases of its own
        made.append(Gpus(tmp_path, trials, more))
        return made[-1]

    yield make
    for one in made:
        one.bench.controller.close()


def test_a_black_hole_beside_a_good_gpu_costs_no_trial(gpus: Callable[..., Gpus]) -> None:
    sweep = gpus(40)
    sweep.codes = {"G0": 0, "G1": 1}
    sweep.run(80)
    assert sweep.bench.states() == ["done"] * 40
    [event] = sweep.events(GpuQuarantined)
    assert isinstance(event, GpuQuarantined)
    assert event.name == "G1"
    assert len(sweep.on("G1")) == health.STREAK
    assert not sweep.events(SweepPaused)


def test_a_gpu_that_only_fails_is_held_back_until_another_tells_that_it_is_to_blame(
    gpus: Callable[..., Gpus], monkeypatch: pytest.MonkeyPatch
) -> None:
    sweep = gpus(40)
    sweep.codes = {"G0": None, "G1": 1}
    sweep.run()
    assert len(sweep.on("G1")) == 3
    assert not sweep.events(GpuQuarantined)
    assert not sweep.events(SweepPaused)
    waiting = sweep.bench.controller.waiting
    assert waiting is not None
    closed = sweep.bench.controller._breakers.closed()
    assert [why for why in closed.values() if "held back" in why]
    state = sweep.bench.controller.core.state
    assert health.held_back(state.health, state.live()) == closed, "whoever reads says the same"

    # The other runs on and reports: that is evidence, long before it is done.
    monkeypatch.setattr(breakers, "LEAST_S", 0.0)
    monkeypatch.setattr(breakers, "OUTLIVES", 0.0)
    sweep.bench.place.metrics(0).write_text('{"step": 1, "loss": 1}\n')
    sweep.run()
    [event] = sweep.events(GpuQuarantined)
    assert isinstance(event, GpuQuarantined)
    assert "t0000 on G0 runs for" in event.why
    trials = sweep.bench.trials()
    assert [(trial.state, trial.retries) for trial in trials[1:]] == [("queued", 0)] * 3


def test_gpus_that_fail_alike_pause_the_sweep_and_none_is_quarantined(
    gpus: Callable[..., Gpus],
) -> None:
    sweep = gpus(40, many=4)
    sweep.codes = dict.fromkeys(("G0", "G1", "G2", "G3"), 1)
    sweep.run()
    assert not sweep.events(GpuQuarantined)
    [event] = sweep.events(SweepPaused)
    assert isinstance(event, SweepPaused)
    assert "failed alike: exit 1" in event.why
    assert len(sweep.bench.launcher.jobs) <= 8


def test_a_quarantine_outlives_the_controller_and_so_do_the_failures_it_is_made_of(
    gpus: Callable[..., Gpus],
) -> None:
    sweep = gpus(40)
    sweep.codes = {"G0": None, "G1": 1}
    sweep.bench.step(1)
    for _ in range(10):
        sweep.bench.crash()
        sweep.bench.step(1)
    assert len(sweep.on("G1")) == 3
    sweep.codes["G0"] = 0
    sweep.bench.finish(0, 1.0)
    assert sweep.gpu("G1").quarantine is not None
    sweep.bench.crash()
    sweep.run(80)
    assert sweep.bench.states() == ["done"] * 40
    assert len(sweep.on("G1")) == 3
    records = read(sweep.bench.place.journal).records
    assert replay(records) == sweep.bench.controller.core.state


def test_a_person_gives_a_quarantined_gpu_trials_again(gpus: Callable[..., Gpus]) -> None:
    sweep = gpus(400)
    sweep.codes = {"G0": 0, "G1": 1}
    sweep.run(4)
    assert sweep.gpu("G1").quarantine is not None
    sweep.codes["G1"] = 0
    applied = sweep.bench.put(requests.new_request("release", gpus=("G1",)))
    assert applied.ok
    assert "G1 gets trials again" in applied.outcome
    assert sweep.gpu("G1").quarantine is None
    assert len(sweep.on("G1")) > 3
    again = sweep.bench.put(requests.new_request("release", gpus=("G1", "G7")))
    assert (again.ok, again.outcome) == (
        False, "G1 is not quarantined; no trial of this sweep has met a GPU G7",
    )  # fmt: skip


def test_a_quarantined_gpu_is_probed_and_comes_back_when_it_works(
    gpus: Callable[..., Gpus], monkeypatch: pytest.MonkeyPatch
) -> None:
    sweep = gpus(400)
    sweep.codes = {"G0": 0, "G1": 1}
    sweep.run(4)
    assert len(sweep.on("G1")) == 3
    monkeypatch.setattr(breakers, "PROBE_S", 0.0)
    sweep.bench.crash()  # a restart forgets no quarantine, and times it anew
    sweep.run(3)
    aside = sweep.gpu("G1").quarantine
    assert aside is not None
    assert aside.probes > 0
    assert all(trial.state != "failed" for trial in sweep.bench.trials())
    assert all(trial.retries == 0 for trial in sweep.bench.trials())
    sweep.codes["G1"] = 0
    sweep.run(5)
    assert sweep.gpu("G1").quarantine is None
    [event] = sweep.events(GpuReleased)
    assert isinstance(event, GpuReleased)
    assert "did well on it" in event.why


def test_trials_that_fail_elsewhere_too_clear_the_gpu(gpus: Callable[..., Gpus]) -> None:
    sweep = gpus(40)
    sweep.codes = {"G0": None, "G1": 1}
    sweep.run(10)
    sweep.bench.finish(0, 1.0)
    assert sweep.gpu("G1").quarantine is not None
    for _ in range(2):
        [running] = [t.number for t in sweep.bench.trials() if t.state == "running"]
        sweep.bench.finish(running, code=1)
    [event] = sweep.events(GpuReleased)
    assert isinstance(event, GpuReleased)
    assert event.cleared
    assert "failed elsewhere as well" in event.why


def test_a_cpu_slot_is_never_quarantined(bench: Bench) -> None:
    bench.launcher.outcome = lambda job: 1
    bench.step(10)
    assert not bench.controller.core.state.health.gpus


def test_what_is_out_of_memory_or_cannot_start_says_nothing_of_its_gpu(
    gpus: Callable[..., Gpus],
) -> None:
    sweep = gpus(40)
    sweep.codes = {"G0": 0}
    sweep.bench.step(1)
    for _ in range(5):
        running = [t for t in sweep.bench.trials() if t.state == "running"]
        if not running:
            break
        sweep.bench.launcher.finish(running[0].attempts[-1].token, 127, error="nosuch: not found")
        sweep.bench.step(1)
    assert not sweep.events(GpuQuarantined)
    assert any(
        event.cause == "launch-error"
        for event in sweep.events(AttemptEnded)
        if isinstance(event, AttemptEnded)
    )


@pytest.mark.parametrize("bench", [{"more": "max_parallel: 2", "file": FORTY}], indirect=True)
def test_failures_that_are_as_many_as_what_is_done_pause_the_sweep(bench: Bench) -> None:
    codes = iter([0, 0, 1, 1, 1, 1, 1, 1, 1, 1])
    bench.launcher.outcome = lambda job: next(codes, 0)
    bench.step(20)
    paused = bench.controller.core.state.paused
    assert paused is not None
    assert "6 trials failed and 2 are done" in paused.why


@pytest.mark.parametrize("bench", [{"more": "max_parallel: 1", "file": FORTY}], indirect=True)
def test_after_a_resume_the_same_failures_do_not_pause_it_at_once_again(bench: Bench) -> None:
    bench.launcher.outcome = lambda job: 1
    bench.step(20)
    assert bench.controller.core.state.paused is not None
    before = len(bench.trials())
    bench.ask("resume")
    bench.step(20)
    paused = bench.controller.core.state.paused
    assert paused is not None, "it fails on, so it is paused once more"
    assert "since it was resumed" in paused.why
    assert len(bench.trials()) - before == 2 * health.FIRST, "after more than the last time"


TRACEBACK = """\
Traceback (most recent call last):
  File "train.py", line 41, in main
    step(x)
RuntimeError: shapes %s and (3, 4) do not fit
"""


def crashing(bench: Bench, code_of: Callable[[int], int | None]) -> None:
    """Trials that end as `code_of` says by their number, a traceback behind those that fail."""

    def outcome(job: Job) -> int | None:
        number = int(job.id[1:5])
        code = code_of(number)
        if code:
            Path(job.attempt_dir, "output.log").write_text(TRACEBACK % f"({number}, 2)")
        elif code == 0:
            Path(job.trial_dir, "metrics.jsonl").write_text('{"step": 1, "loss": 1}\n')
        return code

    bench.launcher.outcome = outcome


@pytest.mark.parametrize("bench", [{"more": "max_parallel: 1", "file": FORTY}], indirect=True)
def test_three_trials_with_the_same_traceback_pause_the_sweep_and_it_is_quoted(
    bench: Bench,
) -> None:
    crashing(bench, lambda number: 1 if number >= 6 else 0)
    bench.step(20)
    paused = bench.controller.core.state.paused
    assert paused is not None
    assert "(t0006, t0007, t0008) ended with the same error" in paused.why
    assert "RuntimeError: shapes (#, #) and (#, #) do not fit at train.py:41 in main" in paused.why
    bench.crash()
    bench.step(5)
    assert len(bench.trials()) == 9
    crashing(bench, lambda number: 0)
    bench.ask("resume")
    bench.step(40)
    assert bench.controller.left == "finished"
    assert len(bench.trials()) == 40


@pytest.mark.parametrize("bench", [{"more": "max_parallel: 1", "file": FORTY}], indirect=True)
def test_what_fails_in_a_region_while_others_do_well_is_a_warning_with_the_region(
    bench: Bench,
) -> None:
    crashing(bench, lambda number: 1 if number in (20, 22, 24, 26) else 0)
    bench.step(60)
    assert bench.controller.left == "finished"
    [told] = [
        record.event.message
        for record in read(bench.place.journal).records
        if isinstance(record.event, Warned) and record.event.code.startswith("alike-")
    ]
    assert "t0020, t0022, t0024 ended with the same error while others do well" in told


def test_the_side_of_a_range_that_only_failures_are_on_is_named() -> None:
    axis = Parameter(("lr",), Uniform(0.0, 9.0), "uniform")

    def trials(*values: float) -> list[Trial]:
        waits = Queued(0.0)
        return [Trial(n, {"lr": value}, str(n), "grid", waits) for n, value in enumerate(values)]

    assert breakers.in_common(trials(3, 4), trials(1, 2), [axis]) == "lr of at least 3"
    assert breakers.in_common(trials(0.1), trials(1, 2), [axis]) == "lr of at most 0.1"
    assert breakers.in_common(trials(1.5, 4), trials(1, 2), [axis]) == ""


@pytest.mark.parametrize(
    "bench", [{"more": "max_parallel: 1", "file": FILE % "1, 2, 3"}], indirect=True
)
def test_nothing_is_paused_when_nothing_is_left_to_start(bench: Bench) -> None:
    bench.launcher.outcome = lambda job: 1
    bench.step(10)
    assert bench.controller.left == "finished"
    assert bench.controller.core.state.paused is None


@pytest.mark.parametrize(
    "bench", [{"more": "max_parallel: 1, retries: 2", "file": FILE % "1"}], indirect=True
)
def test_retries_and_their_waits_are_counted_across_controllers_that_die(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each attempt fails under another controller: the third failure is the last all the same."""
    monkeypatch.setattr(ending, "BACKOFF_S", 0.0)
    for _ in range(8):
        bench.step(2)
        if bench.states() == ["running"]:
            bench.launcher.finish(bench.token(0), 1)
        bench.crash()
    bench.step()
    [trial] = bench.trials()
    assert (trial.state, trial.retries, len(trial.attempts)) == ("failed", 2, 3)


def test_a_bad_pair_of_gpus_is_told_from_a_good_one(gpus: Callable[..., Gpus]) -> None:
    sweep = gpus(40, "gpus_per_trial: 2", many=4)
    sweep.codes = {"G0,G1": 0, "G2,G3": 1, "G2,G0": 1, "G2,G1": 1, "G3,G0": 1, "G3,G1": 1}
    sweep.run(80)
    assert sweep.bench.states() == ["done"] * 40
    names = {
        event.name for event in sweep.events(GpuQuarantined) if isinstance(event, GpuQuarantined)
    }
    assert names <= {"G2", "G3"} and names


@pytest.mark.parametrize("more", ["max_parallel: 1", "trials_per_gpu: 3", "stagger_s: 0.01"])
def test_a_black_hole_is_found_however_the_places_are_given(
    gpus: Callable[..., Gpus], more: str
) -> None:
    sweep = gpus(30, more)
    sweep.codes = {"G0": 1, "G1": 0}  # the first that is given away is the bad one
    sweep.finish()
    assert sweep.bench.states() == ["done"] * 30
    assert len(sweep.on("G0")) <= 6


def test_two_bad_gpus_of_three_are_both_found(gpus: Callable[..., Gpus]) -> None:
    sweep = gpus(30, many=3)
    sweep.codes = {"G0": 1, "G1": 0, "G2": 1}
    sweep.run(100)
    assert sweep.bench.states() == ["done"] * 30
    assert sweep.gpu("G0").quarantine and sweep.gpu("G2").quarantine
    assert sweep.gpu("G1").quarantine is None


def test_deaths_by_signal_count_and_their_retries_are_given_back(
    gpus: Callable[..., Gpus],
) -> None:
    sweep = gpus(40)
    sweep.codes = {"G0": 0}
    for _ in range(100):
        sweep.bench.step(1)
        for job in sweep.bench.launcher.jobs:
            if job.env["TUISWP_GPU"] == "G1" and job.token in sweep.bench.launcher.alive_tokens:
                sweep.bench.launcher.finish(job.token, signal=9)
        if sweep.bench.controller.left is not None:
            break
    assert sweep.bench.states() == ["done"] * 40
    assert [trial.retries for trial in sweep.bench.trials()] == [0] * 40
    assert sweep.gpu("G1").quarantine is not None


@pytest.mark.parametrize(
    "bench", [{"more": "max_parallel: 2, stop: {failures: 30}", "file": FORTY}], indirect=True
)
def test_the_failures_a_persons_own_rule_allows_pause_nothing(bench: Bench) -> None:
    codes = iter([0, 0, *[1] * 38])
    bench.launcher.outcome = lambda job: next(codes, 0)
    bench.step(60)
    assert bench.controller.core.state.paused is None
    assert bench.controller.core.state.stopping is not None


def test_where_trials_fail_now_and_then_everywhere_a_row_of_failures_proves_less() -> None:
    def needed(overcome: int, done: int, cleared: int = 0) -> int:
        other = GpuHealth("U0", "G0", done=done, overcome=overcome)
        mine = GpuHealth("U1", "G1", cleared=cleared)
        return health.most(Health({"U0": other, "U1": mine}), mine)

    assert needed(0, 0) == needed(0, 50) == needed(1, 50) == 3
    assert needed(10, 15) == 5
    assert needed(10, 9) == 6
    assert needed(99, 1) == STREAK_KEPT
    assert needed(0, 50, cleared=1) == 6


def test_points_that_look_like_a_bad_gpu_by_where_they_fell_are_put_right(
    gpus: Callable[..., Gpus],
) -> None:
    """Those of uneven number fail, at first all on the second GPU; then elsewhere as well."""
    sweep = gpus(40, "stop: {failures: 60}")

    def code_of(number: int) -> int:
        return int(number % 7 in (1, 3, 5))

    crashing(sweep.bench, code_of)
    sweep.run(150)
    assert sweep.bench.controller.left == "finished"
    told = [event for event in sweep.events(GpuReleased) if isinstance(event, GpuReleased)]
    assert told and told[0].cleared
    failed = [trial.number for trial in sweep.bench.trials() if trial.state == "failed"]
    assert failed == [number for number in range(40) if code_of(number)]
    assert len(sweep.on("G1")) > 6
