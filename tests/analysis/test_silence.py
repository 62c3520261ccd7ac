"""Which silence is too long, against which rhythm, and what it is called."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tuiswp.analysis.silence import (
    BUSY_LEAST_S,
    FIRST_S,
    FLAG_S,
    KILL_S,
    Company,
    Pulse,
    Rhythm,
    Sample,
    allowed,
    allowed_busy,
    judge,
    rule_text,
)
from tuiswp.model.sweep import Hang

RULE = Hang()
ALONE = Company()
TIMES = st.floats(0.01, 1e5)


def heard(*gaps: float) -> Pulse:
    """An attempt that reported after each of these times."""
    pulse, at = Pulse(0.0), 0.0
    for gap in gaps:
        at += gap
        pulse.row(at)
    return pulse


def idle(*at: float, states: str = "S", gpu: int | None = None) -> list[Sample]:
    return [Sample(one, 1, 10.0, 1000, gpu, states) for one in at]


def spinning(*at: float) -> list[Sample]:
    return [Sample(one, 1, one, 1000, None, "R") for one in at]


def limit_of(pulse: Pulse, rule: Hang = RULE, company: Company = ALONE) -> float:
    return allowed(rule, pulse.rhythm, company, reported=pulse.rows > 0)


@given(st.lists(TIMES, min_size=4, max_size=200), TIMES)
def test_whoever_was_silent_as_long_before_and_came_back_is_never_called_silent(
    gaps: list[float], after: float
) -> None:
    assert limit_of(heard(*gaps), Hang(after_s=after)) > max(gaps[1:])


@given(st.lists(TIMES, min_size=1, max_size=50), TIMES)
def test_a_limit_only_grows_with_what_a_trial_or_another_came_back_from(
    gaps: list[float], more: float
) -> None:
    gaps = [0.0, 1.0, 1.0, 1.0, *gaps]
    before, after = limit_of(heard(*gaps)), limit_of(heard(*gaps, max(gaps) + more))
    assert after >= before >= FLAG_S
    assert limit_of(heard(*gaps), company=Company(gap_s=more)) >= before


@given(st.lists(st.tuples(TIMES, st.booleans()), max_size=50), TIMES)
def test_time_that_was_not_its_own_makes_nobody_silent(
    steps: list[tuple[float, bool]], frozen: float
) -> None:
    plain, shifted, at, late = Pulse(0.0), Pulse(0.0), 0.0, 0.0
    for gap, is_row in steps:
        shifted.skip(frozen)
        at, late = at + gap, late + gap + frozen
        for pulse, now in ((plain, at), (shifted, late)):
            if is_row:
                pulse.row(now)
            else:
                pulse.sign(now)
    assert shifted.silence(late) == pytest.approx(plain.silence(at), abs=1e-3)
    if plain.rhythm.longest_s is not None:
        assert shifted.rhythm.longest_s == pytest.approx(plain.rhythm.longest_s, abs=1e-3)


def test_an_evaluation_that_comes_regularly_is_no_hang() -> None:
    pulse, at = Pulse(0.0), 0.0
    for evaluation in range(5):
        for gap in (*[1.0] * 50, 120.0):
            at += gap
            limit = limit_of(pulse)
            if evaluation:
                assert pulse.silence(at) < limit / 2
            pulse.row(at)
    assert limit_of(pulse) == 360.0


def test_the_first_evaluation_works_and_is_given_the_time_of_one() -> None:
    limit = limit_of(heard(0.0, *[1.0] * 50))
    busy = allowed_busy(RULE, limit)
    assert (limit, busy) == (FLAG_S, BUSY_LEAST_S)
    assert judge(600.0, limit, busy, Rhythm(), spinning(500.0, 600.0)) is None
    found = judge(901.0, limit, busy, Rhythm(), spinning(800.0, 901.0))
    assert found is not None and found.kind == "busy"


def test_a_start_is_judged_by_the_starts_of_the_others() -> None:
    pulse = Pulse(0.0)
    assert limit_of(pulse) == FIRST_S
    assert limit_of(pulse, company=Company(start_s=900.0)) == 4500.0
    assert limit_of(pulse, company=Company(start_s=2.0)) == 600.0
    assert limit_of(pulse, Hang(first_s=5.0), Company(start_s=900.0)) == 5.0
    assert limit_of(pulse, Hang(after_s=7200.0)) == 7200.0


def test_one_row_is_no_rhythm() -> None:
    """A script may write its settings at once, and its first epoch an hour later."""
    assert limit_of(heard(0.1)) == FIRST_S
    assert limit_of(heard(0.1, 0.1)) == FIRST_S
    assert limit_of(heard(0.1), company=Company(gap_s=20.0)) == 60.0


def test_who_ends_trials_waits_longer_unless_the_file_says_so() -> None:
    pulse = heard(0.0, *[1.0] * 10)
    assert limit_of(pulse, Hang(action="kill")) == KILL_S
    assert limit_of(pulse, Hang(after_s=120.0, action="kill")) == 120.0


def test_a_silence_is_named_after_what_the_processes_did_meanwhile() -> None:
    said = {
        "hang": idle(10, 40),
        "busy": spinning(10, 40),
        "blocked": idle(10, 40, states="DS"),
    }
    for kind, samples in said.items():
        found = judge(40.0, 30.0, 30.0, Rhythm(9, 1.0, 2.0), samples)
        assert found is not None and found.kind == kind
        assert found.evidence.startswith("silent for 40.0 s, usually heard of every 1.0 s")


def test_a_gpu_that_works_is_work_and_one_that_is_not_read_is_no_evidence() -> None:
    works = judge(40.0, 30.0, 30.0, Rhythm(), idle(10, 40, gpu=97))
    rests = judge(40.0, 30.0, 30.0, Rhythm(), idle(10, 40, gpu=0))
    unknown = judge(40.0, 30.0, 30.0, Rhythm(), idle(10, 40))
    assert works is not None and rests is not None and unknown is not None
    assert (works.kind, rests.kind, unknown.kind) == ("busy", "hang", "hang")
    assert "its GPU was at 97 %" in works.evidence
    assert "its GPU did nothing" in rests.evidence
    assert "GPU" not in unknown.evidence


def test_who_saves_a_checkpoint_works() -> None:
    samples = [Sample(at, 1, 10.0, int(at) * 50_000_000, None, "S") for at in (10.0, 40.0)]
    assert judge(40.0, 30.0, 90.0, Rhythm(), samples) is None
    found = judge(95.0, 30.0, 90.0, Rhythm(), samples)
    assert found is not None and found.kind == "busy"
    assert "read and wrote 47.7 MiB a second" in found.evidence


def test_a_worker_that_ended_is_a_sign_of_life() -> None:
    samples = [Sample(10.0, 2, 500.0, None), Sample(40.0, 1, 20.0, None)]
    assert judge(40.0, 30.0, 90.0, Rhythm(), samples) is None


def test_what_is_stopped_or_waits_for_input_is_said_before_any_limit_and_not_at_once() -> None:
    stopped = [Sample(float(at), 1, 1.0, 1, None, "T", stopped="stopped") for at in range(40)]
    assert judge(3.0, 3600.0, 9e9, Rhythm(), stopped[:5]) is None
    found = judge(3.0, 3600.0, 9e9, Rhythm(), stopped)
    assert found is not None and found.kind == "stopped"
    waits = [Sample(40.0, 1, 1.0, 1, None, "S", input="it waits for input")]
    assert judge(10.0, 3600.0, 9e9, Rhythm(), waits) is None
    found = judge(31.0, 3600.0, 9e9, Rhythm(), waits)
    assert found is not None and found.kind == "input"


@given(st.floats(0, 1e4), TIMES, st.floats(1, 10), st.lists(st.sampled_from("SRDT"), max_size=9))
def test_nothing_is_said_before_its_limit(
    silent: float, limit: float, times: float, states: list[str]
) -> None:
    samples = [Sample(float(n), 1, 1.0, 1, None, state) for n, state in enumerate(states)]
    found = judge(silent, limit, limit * times, Rhythm(), samples)
    if found is not None:
        assert silent >= limit
        assert found.kind != "busy" or silent >= limit * times


@pytest.mark.parametrize(
    ("rule", "said"),
    [
        (Hang(), "for 30.0 s and 3 times its own longest gap is flagged, never ended"),
        (Hang(after_s=3600.0), "for 1 h 00 min"),
        (Hang(action="kill"), "for 30 min 00 s and 3 times its own longest gap is ended as a hang"),
        (Hang(first_s=60.0), "until its first row 1 min 00 s counts"),
        (Hang(action="off"), "not looked for"),
    ],
)
def test_check_says_the_rule(rule: Hang, said: str) -> None:
    assert said in rule_text(rule)


def test_the_usual_gap_is_a_median_of_the_newest() -> None:
    pulse = heard(5.0, *[1.0] * 9, 60.0)
    assert pulse.rhythm == Rhythm(10, 1.0, 60.0)
    assert all(a <= b for a, b in pairwise(sorted([pulse.silence(65.0), pulse.silence(80.0)])))
