"""Values that only trainings are to have: where they may be printed, none of us repeats them."""

import json
import logging
import os
from pathlib import Path

import pytest

from tests.controller.bench import Bench
from tuiswp.controller.journal import read
from tuiswp.controller.launching import Starter
from tuiswp.controller.secrets import CleanFormatter, Secrets, take
from tuiswp.launchers import attempt as attempts
from tuiswp.launchers.base import ExitRecord, Job
from tuiswp.launchers.supervision.hidden import hidden
from tuiswp.model.events import AttemptEnded, SweepPaused, SweepResumed, TrialSuggested, Warned
from tuiswp.model.sweep import Run

KEY = "canary-5f3a9c01"
RUN = Run(("sh",), None, "/", env_from={"HF_TOKEN": "MY_HF"})


def test_what_is_taken_is_no_longer_inherited() -> None:
    around = {"MY_HF": KEY, "WANDB_API_KEY": "abc", "HOME": "/home/me", "TUISWP_TOKEN": "0" * 32}
    assert take(around, RUN) == {"MY_HF": KEY, "WANDB_API_KEY": "abc", "HOME": "/home/me"}
    assert around == {"HOME": "/home/me"}


def test_every_spelling_of_a_value_becomes_its_name() -> None:
    odd = 'pass/"word" 1'
    pem = "-----BEGIN-----\nMIIEvQIBADANBgkqhkiG9w0\n-----END-----"
    secrets = Secrets({"A": odd, "B": pem, "SHORT": "x", "LONG": f"{odd}+more"})
    text = f"{odd} {json.dumps(odd)} pass%2F%22word%22%201 MIIEvQIBADANBgkqhkiG9w0 x {odd}+more"
    assert secrets.text(text) == '‹A› "‹A›" ‹A› ‹B› x ‹LONG›'
    assert secrets.raw(text.encode()) == secrets.text(text).encode()
    assert repr(secrets) == "Secrets(A, B, SHORT, LONG)"


def test_facts_lose_values_in_their_texts_and_nothing_else() -> None:
    secrets = Secrets({"K": KEY})
    ended = AttemptEnded(1, 1, "exit-code", f"exit 1: {KEY}", "failed")
    point = TrialSuggested(1, {"tag": KEY}, KEY, "grid", 1)
    clean = secrets.events((ended, point, Warned("x", "fine")))
    assert clean[0] == AttemptEnded(1, 1, "exit-code", "exit 1: ‹K›", "failed")
    assert clean[1] is point or clean[1] == point  # what was sampled is what was sampled
    assert clean[2] == Warned("x", "fine")


def test_a_log_line_and_its_traceback_lose_them_too() -> None:
    form = CleanFormatter("%(message)s", Secrets({"K": KEY}))
    try:
        raise ValueError(KEY)
    except ValueError as error:
        info = (ValueError, error, error.__traceback__)
    said = form.format(logging.LogRecord("x", 40, "x", 1, "it was %s", (KEY,), info))
    assert "it was ‹K›" in said and "ValueError: ‹K›" in said
    assert KEY not in said


def test_a_job_shows_itself_without_its_environment() -> None:
    assert KEY not in repr(Job("t0001.1", "0" * 32, ("sh",), "/", {"K": KEY}, "/", "/"))


@pytest.mark.parametrize("lines", [0, 1, 5000])
def test_the_supervisor_says_where_secrets_stand_so_that_a_stranger_to_them_quotes_none(
    tmp_path: Path, lines: int
) -> None:
    (tmp_path / "output.log.1").write_text(f"old {KEY}\n" * lines)
    (tmp_path / "output.log").write_text(f"a {KEY} b {KEY}\nlast {KEY}{KEY}\n")
    folder = os.open(tmp_path, os.O_RDONLY)
    try:
        found = hidden(folder, {"K": KEY, "SHORT": "a"})
    finally:
        os.close(folder)
    record = ExitRecord("0" * 32, 1, None, None, 0, 1, 1, hidden=tuple(found))
    said = attempts.quotable(tmp_path, record)
    assert said.decode("utf-8", "replace").endswith("a ‹K› b ‹K›\nlast ‹K›‹K›\n")
    assert KEY.encode() not in said


def test_a_value_that_the_end_of_the_output_begins_in_is_hidden_too(tmp_path: Path) -> None:
    (tmp_path / "output.log").write_text(f"{KEY[3:]} and more\n")
    folder = os.open(tmp_path, os.O_RDONLY)
    found = hidden(folder, {"K": KEY})
    os.close(folder)
    record = ExitRecord("0" * 32, 1, None, None, 0, 1, 1, hidden=tuple(found))
    assert attempts.quotable(tmp_path, record).decode() == "‹K› and more\n"


def test_places_that_a_record_makes_up_hide_nothing_and_break_nothing(tmp_path: Path) -> None:
    (tmp_path / "output.log").write_text("done\n")
    places = (("A", 99, 5), ("B", 3, 9), ("C", -1, 4), ("D", 5, 0), ("E", 5, -2))
    record = ExitRecord("0" * 32, 1, None, None, 0, 1, 1, hidden=places)
    assert attempts.quotable(tmp_path, record) == b"done\n"


@pytest.fixture
def bench(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Bench:
    monkeypatch.setenv("MY_HF", KEY)
    return Bench(tmp_path, "env_from: {HF_TOKEN: MY_HF}")


def test_the_training_finds_the_value_under_its_own_name(bench: Bench) -> None:
    bench.step()
    assert bench.launcher.jobs[0].env["HF_TOKEN"] == KEY
    assert "HF_TOKEN" in bench.launcher.jobs[0].secret


def test_a_controller_without_the_variable_waits_watches_and_goes_on_in_one_that_has_it(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench.step()
    monkeypatch.delenv("MY_HF")
    bench.crash()
    bench.step()
    bench.finish(0, 1.0)
    assert bench.states()[:2] == ["done", "running"]  # what ran is watched to its end
    assert len(bench.launcher.jobs) == 2  # and nothing takes its place
    paused = bench.controller.core.state.paused
    assert paused is not None and paused.missing == ("MY_HF",)
    assert paused.why.startswith("MY_HF is not set where the controller was started, on ")
    answer = bench.ask("resume")
    assert not answer.ok and "export it and type `tuiswp resume test` there" in answer.outcome
    monkeypatch.setenv("MY_HF", "another-value-1")  # retries get what the newest controller has
    bench.crash()
    bench.step()
    assert bench.controller.core.state.paused is None
    assert bench.launcher.jobs[2].env["HF_TOKEN"] == "another-value-1"
    events = [record.event for record in read(bench.place.journal).records]
    told = [event for event in events if isinstance(event, SweepPaused | SweepResumed)]
    assert [type(event) for event in told] == [SweepPaused, SweepResumed]


def test_a_pause_by_a_person_stays_one(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    bench.ask("pause")
    monkeypatch.delenv("MY_HF")
    bench.crash()
    bench.step()
    monkeypatch.setenv("MY_HF", KEY)
    bench.crash()
    bench.step()
    paused = bench.controller.core.state.paused
    assert paused is not None and paused.missing == () and len(bench.launcher.jobs) <= 2


def test_a_batch_run_without_the_variable_leaves_once_nothing_runs(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("MY_HF")
    bench.controller.core.journal.close()
    bench.new(batch=True)
    bench.step()
    assert bench.controller.left == "paused"
    assert bench.launcher.jobs == []


def test_a_launch_that_never_began_leaves_no_environment_behind(bench: Bench) -> None:
    bench.launcher.hold = True
    bench.step()
    spec = bench.place.attempt(0, 1) / "spec.json"
    assert KEY in spec.read_text()
    bench.crash()  # takes back what has not begun
    assert KEY not in spec.read_text()
    assert json.loads(spec.read_text())["token"]  # the proof that it was once handed over stays


def test_the_notify_command_is_not_given_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MY_HF", KEY)
    told = tmp_path / "told"
    bench = Bench(
        tmp_path, f'env_from: [MY_HF], notify: [sh, -c, "env > {told}; mv {told} {told}.whole"]'
    )
    bench.step()
    bench.finish(0, code=3)
    notifier = bench.controller._notifier
    notifier.close(tell=True)
    assert KEY not in Path(f"{told}.whole").read_text()
    assert "TUISWP_EVENT=failed" in Path(f"{told}.whole").read_text()
    assert isinstance(bench.controller._starter, Starter)
