"""Replay: pure, the same by steps and at once, and no fact lost or invented."""

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.controller.histories import history
from tuiswp.controller.reducer import SweepState, apply, replay
from tuiswp.model.events import (
    AttemptEnded,
    AttemptLaunching,
    AttemptStarted,
    Event,
    KillRequested,
    Record,
    SweepFinished,
    TrialQueued,
    TrialSuggested,
)
from tuiswp.model.trial import (
    Ended,
    KillRequest,
    Launching,
    Paused,
    Process,
    Queued,
    Running,
)

relaxed = settings(deadline=None, max_examples=100)
ME = Process("boot", 1, 2)


def records(events: list[Event]) -> list[Record]:
    return [Record(1, n, float(n), event) for n, event in enumerate(events, 1)]


@relaxed
@given(history)
def test_replay_is_the_same_at_once_and_step_by_step(events: list[Event]) -> None:
    state = SweepState()
    for record in records(events):
        state = apply(state, record)
    assert replay(records(events)) == state


@relaxed
@given(history, st.data())
def test_replay_can_stop_anywhere_and_go_on(events: list[Event], data: st.DataObject) -> None:
    facts = records(events)
    cut = data.draw(st.integers(0, len(facts)))
    first = replay(facts[:cut])
    assert replay(facts[cut:], first) == replay(facts)


@relaxed
@given(history)
def test_a_state_is_never_changed_by_what_follows(events: list[Event]) -> None:
    facts = records(events)
    half = replay(facts[: len(facts) // 2])
    before = repr(half)
    replay(facts[len(facts) // 2 :], half)
    assert repr(half) == before


@relaxed
@given(history)
def test_no_attempt_is_live_twice_and_numbers_only_grow(events: list[Event]) -> None:
    for trial in replay(records(events)).trials.values():
        open_attempts = [a for a in trial.attempts if a.ended_at is None]
        live = isinstance(trial.status, Launching | Running)
        assert len(open_attempts) == (1 if live else 0)
        if live:
            assert trial.attempts[-1] is open_attempts[0]


def life(*more: Event) -> SweepState:
    return replay(
        records(
            [
                TrialSuggested(0, {"lr": 0.1}, "k", "grid", 0),
                AttemptLaunching(0, 1, "token", (), "host"),
                AttemptStarted(0, 1, ME, ME),
                *more,
            ]
        )
    )


def ended(outcome: str, **more: object) -> AttemptEnded:
    return AttemptEnded(0, 1, "signal", "SIGKILL", outcome, **more)  # type: ignore[arg-type]


def test_a_retry_is_queued_with_its_back_off_and_counted() -> None:
    trial = life(ended("queued", retry=True, retry_at=99.0)).trials[0]
    assert isinstance(trial.status, Queued)
    assert (trial.status.not_before, trial.retries) == (99.0, 1)


def test_a_paused_trial_keeps_its_place_and_resumes() -> None:
    state = life(ended("paused"))
    assert isinstance(state.trials[0].status, Paused)
    state = replay(records([TrialQueued(0, "resume")]), state)
    assert isinstance(state.trials[0].status, Queued)


def test_an_end_of_an_older_attempt_changes_nothing() -> None:
    state = life(ended("queued"), AttemptLaunching(0, 2, "second", (), "host"))
    again = replay(records([ended("done")]), state)
    assert again.trials == state.trials


def test_a_kill_request_is_kept_until_the_end_and_then_gone() -> None:
    request = KillRequest(1.0, "me", "asked", "killed")
    state = life(KillRequested(0, 1, request))
    assert state.trials[0].kill == request
    over = replay(records([ended("killed")]), state).trials[0]
    assert over.kill is None
    assert isinstance(over.status, Ended)


def test_a_restart_reopens_a_finished_sweep() -> None:
    state = life(ended("failed"), SweepFinished("all tried"))
    assert state.finished == "all tried"
    assert replay(records([TrialQueued(0, "restart")]), state).finished is None


def test_the_proposer_goes_on_after_the_highest_index() -> None:
    events: list[Event] = [
        TrialSuggested(0, {}, "a", "baseline"),
        TrialSuggested(1, {}, "b", "random", 7),
        TrialSuggested(2, {}, "c", "random", 3),
    ]
    assert replay(records(events)).next_index == 8
