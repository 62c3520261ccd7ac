"""The controller on a launcher without processes: every decision, no clock, no tmux."""

import pytest

from tests.controller.bench import LONGER, Bench
from tuiswp.controller import requests
from tuiswp.controller.client import SweepReader
from tuiswp.controller.journal import read
from tuiswp.controller.loop import exit_code
from tuiswp.controller.reducer import replay
from tuiswp.errors import ExitCode, JournalError, LauncherError
from tuiswp.launchers.base import Job
from tuiswp.model.events import AttemptLaunching, RequestApplied, TrialSuggested, Warned


def test_a_sweep_runs_to_its_optimum(bench: Bench) -> None:
    bench.step()
    assert bench.states() == ["running", "running"]
    for number, value in enumerate([3.0, 1.0, 2.0, 4.0]):
        bench.finish(number, value)
    assert bench.states() == ["done"] * 4
    state = bench.controller.core.state
    assert state.finished == "every point has been tried"
    assert bench.controller.left == "finished"
    assert state.best is not None
    assert (state.best.trial, state.best.value) == (1, 1.0)
    assert exit_code(bench.controller.core.sweep, state, "finished") == ExitCode.OK


def test_a_best_trial_that_is_restarted_and_then_killed_is_the_best_no_more(bench: Bench) -> None:
    """Nothing ends by it: the trial waits when it is killed."""
    bench.step()
    for number, value in enumerate([1.0, 2.0, 3.0]):
        bench.finish(number, value)
    bench.ask("pause")
    bench.finish(3, 4.0)
    bench.ask("restart", 0)
    best = bench.controller.core.state.best
    assert best is not None
    assert (best.trial, best.value) == (1, 2.0)
    bench.ask("kill", 0)
    bench.ask("resume")
    assert bench.controller.left == "finished"
    assert bench.controller.core.state.best == best
    assert '"x": 2' in bench.place.best.read_text()


def test_without_a_best_no_file_says_there_is_one(bench: Bench) -> None:
    bench.step()
    bench.finish(0, 1.0)
    assert bench.place.best.exists()
    bench.ask("stop")
    bench.finish(1, code=1)
    bench.ask("restart", 0)
    bench.ask("kill", 0)
    assert bench.controller.core.state.best is None
    assert not bench.place.best.exists()


def test_the_intent_is_durable_before_the_launcher_is_called(bench: Bench) -> None:
    seen: list[int] = []

    def look(job: Job) -> None:
        facts = [record.event for record in read(bench.place.journal).records]
        seen.append(
            sum(
                1
                for fact in facts
                if isinstance(fact, AttemptLaunching) and fact.token == job.token
            )
        )

    bench.launcher.outcome = look
    bench.step()
    assert seen == [1, 1]


def test_parameters_lie_in_the_directory_before_the_launch(bench: Bench) -> None:
    bench.step()
    assert bench.place.trial(0).joinpath("params.json").read_text() == '{\n  "x": 1\n}\n'
    [first, second] = bench.launcher.jobs
    assert first.argv == ("sh", "train.sh", "--x=1")
    assert second.env["TUISWP_TRIAL_DIR"] == str(bench.place.trial(1))
    assert first.env["TUISWP_TRIAL"] == "t0000"
    assert (first.env["TUISWP_METRIC"], first.env["TUISWP_GOAL"]) == ("loss", "minimize")


def test_a_crash_before_the_launch_launches_once(bench: Bench) -> None:
    bench.launcher.hold = True
    bench.step(1)
    tokens = [job.token for job in bench.launcher.jobs]
    bench.launcher.hold = False
    bench.crash()
    for trial in bench.trials():
        assert trial.attempts[-1].cause == "launch-error"
        assert trial.retries == 0
    assert set(tokens).isdisjoint(bench.launcher.begun_tokens)


def test_a_crash_after_the_launch_adopts_what_runs(bench: Bench) -> None:
    bench.step()
    before = [trial.attempts for trial in bench.trials()]
    bench.crash()
    bench.step()
    assert [trial.attempts for trial in bench.trials()] == before
    assert len(bench.launcher.jobs) == 2
    for number in range(4):
        bench.finish(number, float(number))
    assert bench.states() == ["done"] * 4


def test_an_end_while_no_controller_ran_is_found_afterwards(bench: Bench) -> None:
    bench.step()
    bench.place.metrics(0).write_text('{"step": 1, "loss": 0.5}\n')
    bench.launcher.finish(bench.token(0), 0)
    bench.crash()
    assert bench.trials()[0].state == "done"
    assert bench.trials()[0].value == 0.5


def test_what_vanished_without_a_word_is_lost_after_its_retry(bench: Bench) -> None:
    bench.step()
    bench.vanish(0)
    assert bench.trials()[0].state == "queued"
    assert bench.trials()[0].retries == 1
    bench.controller._starter._ready_at[0] = 0.0  # the back-off is over
    bench.finish(1, 1.0)
    assert bench.trials()[0].state == "running"
    bench.vanish(0)
    trial = bench.trials()[0]
    assert (trial.state, trial.cause, len(trial.attempts)) == ("lost", "unknown", 2)


def test_a_resumed_sweep_proposes_what_the_uninterrupted_one_would(bench: Bench) -> None:
    bench.step()
    bench.crash()
    for number in range(4):
        bench.finish(number, 1.0)
    suggested = [
        record.event.params["x"]
        for record in read(bench.place.journal).records
        if isinstance(record.event, TrialSuggested)
    ]
    assert suggested == [1, 2, 3, 4]


def test_a_kill_ends_one_trial_and_says_who_asked(bench: Bench) -> None:
    bench.step()
    applied = bench.ask("kill", 0)
    assert applied.ok
    assert applied.outcome == "t0000 is being ended"
    trial = bench.trials()[0]
    assert (trial.state, trial.cause) == ("killed", "killed-by-user")
    assert f"pid {__import__('os').getpid()}" in trial.attempts[-1].evidence


def test_killing_twice_and_killing_the_ended_are_harmless(bench: Bench) -> None:
    bench.step()
    bench.ask("kill", 0)
    assert bench.ask("kill", 0).outcome == "t0000 already ended (killed-by-user)"
    assert bench.launcher.asked.count((bench.trials()[0].attempts[-1].token, "terminate")) == 1


def test_a_request_is_applied_once_even_if_its_file_comes_back(bench: Bench) -> None:
    bench.step()
    request = requests.new_request("kill", (0,))
    requests.submit(bench.place, request)
    bench.step()
    requests.submit(bench.place, request)
    bench.step()
    facts = [record.event for record in read(bench.place.journal).records]
    assert sum(1 for fact in facts if isinstance(fact, RequestApplied)) == 1
    assert not list(bench.place.requests.iterdir())


def test_a_trial_that_does_not_exist_is_named(bench: Bench) -> None:
    bench.step()
    applied = bench.ask("kill", 77)
    assert (applied.ok, applied.outcome) == (False, "t0077 does not exist")


def test_a_paused_trial_frees_its_place_and_comes_back_to_its_directory(bench: Bench) -> None:
    bench.step()
    bench.ask("pause", 0)
    assert bench.states()[:3] == ["paused", "running", "running"]
    bench.ask("resume", 0)
    bench.finish(1, 1.0)
    assert bench.trials()[0].state == "running"
    assert bench.launcher.jobs[-1].trial_dir == str(bench.place.trial(0))
    assert bench.launcher.jobs[-1].id == "t0000.2"


def test_a_paused_sweep_starts_nothing_until_resumed(bench: Bench) -> None:
    bench.step()
    bench.ask("pause")
    bench.finish(0, 1.0)
    assert bench.states() == ["done", "running"]
    bench.ask("resume")
    assert bench.states() == ["done", "running", "running"]


def test_stop_lets_trials_end_and_stop_now_ends_them(bench: Bench) -> None:
    bench.step()
    bench.ask("stop")
    bench.finish(0, 1.0)
    assert bench.states() == ["done", "running"]
    bench.ask("stop", now=True)
    assert bench.states() == ["done", "killed"]
    assert bench.trials()[1].cause == "sweep-stopped"
    assert bench.controller.core.state.finished == "stopped"


@pytest.mark.parametrize(("verb", "ok"), [("pause", False), ("stop", True)])
def test_a_finished_sweep_stays_finished_whatever_is_asked(
    bench: Bench, verb: requests.Verb, ok: bool
) -> None:
    bench.step()
    for number in range(4):
        bench.finish(number, 1.0 + number)
    assert bench.controller.left == "finished"
    applied = bench.ask(verb)
    assert (applied.ok, applied.outcome) == (ok, "the sweep is already finished")
    assert SweepReader(bench.place.root).refresh().word == "finished"


def test_a_stopped_sweep_is_already_stopped(bench: Bench) -> None:
    bench.step()
    bench.ask("stop")
    bench.finish(0)
    bench.finish(1)
    assert bench.ask("stop").outcome == "the sweep is already stopped"
    assert SweepReader(bench.place.root).refresh().word == "stopped"


def test_restart_makes_a_new_attempt_in_the_same_directory(bench: Bench) -> None:
    bench.step()
    bench.finish(0, 1.0, code=1)
    assert bench.trials()[0].state == "failed"
    bench.ask("restart", 0)
    bench.finish(1, 1.0)
    assert bench.trials()[0].attempts[-1].number == 2


def test_restart_fresh_moves_the_old_files_under_their_attempt(bench: Bench) -> None:
    bench.step()
    bench.finish(0, 7.0, code=1)
    request = requests.new_request("restart", (0,), fresh=True)
    requests.submit(bench.place, request)
    bench.step()
    bench.finish(1, 1.0)
    assert not bench.place.metrics(0).exists()
    assert "7.0" in bench.place.attempt(0, 1).joinpath("files/metrics.jsonl").read_text()


@pytest.mark.parametrize("bench", ["baseline: {x: 2}"], indirect=True)
def test_the_baseline_is_trial_0_and_not_run_again_on_the_grid(bench: Bench) -> None:
    bench.step()
    for number in range(4):
        bench.finish(number, float(number))
    assert [trial.params["x"] for trial in bench.trials()] == [2, 1, 3, 4]
    assert [trial.origin for trial in bench.trials()] == ["baseline", "grid", "grid", "grid"]


@pytest.mark.parametrize("bench", [{"file": LONGER}], indirect=True)
def test_first_trials_that_fail_alike_stop_the_launching(bench: Bench) -> None:
    bench.step()
    for number in range(3):
        bench.finish(number, code=2)
    state = bench.controller.core.state
    assert state.paused is not None
    assert "first 3 trials failed alike" in state.paused.why
    assert len(state.trials) <= 4


def test_a_run_whose_objective_left_the_finite_is_done_and_diverged(bench: Bench) -> None:
    bench.step()
    bench.place.metrics(0).write_text('{"step": 1, "loss": 2.0}\n{"step": 2, "loss": NaN}\n')
    bench.finish(0)
    trial = bench.trials()[0]
    assert (trial.state, trial.cause, trial.value, trial.complete) == (
        "done",
        "diverged",
        None,
        True,
    )
    bench.place.metrics(1).write_text('{"step": 1, "loss": NaN}\n{"step": 2, "loss": 2.0}\n')
    bench.finish(1)
    assert bench.trials()[1].cause == "done"


def test_some_failures_are_told_by_the_exit_code(bench: Bench) -> None:
    bench.step()
    for number in range(4):
        bench.finish(number, 1.0, code=1 if number == 2 else 0)
    state = bench.controller.core.state
    assert exit_code(bench.controller.core.sweep, state, "finished") == ExitCode.SOME_FAILED
    assert exit_code(bench.controller.core.sweep, state, "interrupted") == ExitCode.INTERRUPTED


def test_no_valid_result_is_told_by_the_exit_code_and_the_names_seen(bench: Bench) -> None:
    bench.step()
    for number in range(4):
        bench.place.metrics(number).write_text('{"step": 1, "los": 1.0}\n')
        bench.finish(number)
    state = bench.controller.core.state
    assert exit_code(bench.controller.core.sweep, state, "finished") == ExitCode.NO_RESULT
    text = bench.place.journal.read_text()
    assert "did you mean los?" in text


def test_a_trial_that_logged_nothing_is_told_where_metrics_are_looked_for(bench: Bench) -> None:
    bench.step()
    bench.finish(0)
    [text] = [
        record.event.message
        for record in read(bench.place.journal).records
        if isinstance(record.event, Warned)
    ]
    assert "metrics.jsonl in $TUISWP_TRIAL_DIR" in text
    assert "{" not in text


def test_nan_never_wins(bench: Bench) -> None:
    bench.step()
    for number, value in enumerate(["NaN", "2.0", "-Infinity", "3.0"]):
        bench.place.metrics(number).write_text(f'{{"step": 1, "loss": {value}}}\n')
        bench.finish(number)
    best = bench.controller.core.state.best
    assert best is not None
    assert (best.trial, best.value) == (1, 2.0)


def test_a_launcher_in_trouble_costs_the_trials_nothing(bench: Bench) -> None:
    bench.launcher.failure = LauncherError("tmux did not answer")
    bench.step(1)
    assert bench.states() == ["queued", "queued"]
    assert [trial.attempts[-1].cause for trial in bench.trials()] == ["launch-error"] * 2
    assert all(trial.retries == 0 for trial in bench.trials())
    assert "launcher" in bench.controller.core.state.warned


def test_a_full_disk_stops_launching_and_what_ended_meanwhile_is_recorded_later(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench.step()

    def full(fd: int) -> None:
        raise OSError(28, "No space left on device")

    bench.place.metrics(0).write_text('{"step": 1, "loss": 3.5}\n')
    with monkeypatch.context() as disk:
        disk.setattr("os.fdatasync", full)
        bench.launcher.finish(bench.token(0))
        for _ in range(2):
            with pytest.raises(JournalError, match="make room"):
                bench.controller.step()
        assert len(bench.launcher.jobs) == 2
    bench.step()
    assert bench.states() == ["done", "running", "running"]
    assert bench.trials()[0].value == 3.5
    assert not read(bench.place.journal).damage


def test_a_directory_that_cannot_be_made_costs_the_trial_nothing(bench: Bench) -> None:
    bench.place.trials.rmdir()
    bench.place.trials.write_text("in the way")
    bench.step(1)
    assert bench.states() == ["queued", "queued"]
    assert [trial.retries for trial in bench.trials()] == [0, 0]
    assert not bench.launcher.jobs


def test_replaying_the_journal_gives_the_controllers_own_state(bench: Bench) -> None:
    bench.step()
    bench.ask("pause", 0)
    bench.finish(1, 1.0)
    assert replay(read(bench.place.journal).records) == bench.controller.core.state


@pytest.mark.parametrize("damage", [b"", b"name: [", b"\x00\xff" * 50])
def test_a_damaged_sweep_file_still_lets_the_journal_be_read(bench: Bench, damage: bytes) -> None:
    bench.step()
    bench.finish(0, 3.0)
    bench.place.sweep_file.write_bytes(damage)
    view = SweepReader(bench.place.root).refresh()
    assert [trial.state for trial in view.trials] == ["done", "running", "running"]
    assert [parameter.name for parameter in view.sweep.parameters] == ["x"]
    assert "cannot be read" in view.sweep.notes[0]
