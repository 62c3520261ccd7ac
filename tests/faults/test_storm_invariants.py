"""The judge of the storm is judged: each kind of broken evidence is called by its name."""

from collections.abc import Callable

import pytest
from msgspec.structs import replace

from tests.faults.storm.evidence import Evidence, Launch, Life, Over
from tests.faults.storm.invariants import Claims, Told, broken, unexplained

GPU = "GPU-1"


def life(trial: int, attempt: int, start: float, *, gpu: str = "", seconds: float = 2.0) -> Life:
    """A training that began at `start`, beat five times a second, and ended well."""
    token = f"{trial}.{attempt}"
    beats = tuple(start + n * 0.2 for n in range(int(seconds * 5)))
    launch = Launch(token, attempt, 1000 + trial, 1, start, gpu or f"GPU-{trial}", trial)
    return Life(trial, launch, beats, Over(token, start + seconds, 0, 0, 10.0 + trial))


def told(one: Life, cause: str | None = "done", **more: object) -> Told:
    well = Told(one.trial, one.launch.attempt, one.launch.token, cause, code=0)
    return replace(well, **more)


LIVES = (life(1, 1, 100.0), life(2, 1, 100.0), life(3, 1, 101.0))
FACTS = (b"1\n", b"2\n", b"3\n")
CONTROL = tuple(99.0 + n * 0.05 for n in range(200))
EVIDENCE = Evidence(LIVES, CONTROL)
CLAIMS = Claims(
    acked=FACTS,
    journal=FACTS,
    asked=("r1",),
    applied=("r1",),
    attempts=tuple(map(told, LIVES)),
    states={1: "done", 2: "done", 3: "done"},
    points={1: 1, 2: 2, 3: 3},
    optimum=(1, 11.0),
)


def with_life(one: Life, cause: str | None = "done", **more: object) -> tuple[Evidence, Claims]:
    """All is well, but for `one` in place of the first life or beside the others."""
    others = tuple(x for x in LIVES if x.launch.token != one.launch.token)
    attempts = tuple(x for x in CLAIMS.attempts if x.token != one.launch.token)
    return (
        replace(EVIDENCE, lives=(*others, one)),
        replace(CLAIMS, attempts=(*attempts, told(one, cause, **more))),
    )


def silent(since: float, until: float) -> Life:
    first = LIVES[0]
    return replace(first, beats=tuple(t for t in first.beats if not since < t < until))


def killed(one: Life) -> Life:
    return replace(one, over=None)


def test_what_is_whole_is_called_so() -> None:
    assert broken(EVIDENCE, CLAIMS) == []


BROKEN: dict[str, tuple[Callable[[], tuple[Evidence, Claims]], str]] = {
    "a fact that was read is gone": (
        lambda: (EVIDENCE, replace(CLAIMS, journal=FACTS[:2])),
        "1 acknowledged facts are lost",
    ),
    "facts changed places": (
        lambda: (EVIDENCE, replace(CLAIMS, journal=(FACTS[1], FACTS[0], FACTS[2]))),
        "another order",
    ),
    "a request was never applied": (
        lambda: (EVIDENCE, replace(CLAIMS, applied=())),
        "r1 was applied 0 times",
    ),
    "a request was applied twice": (
        lambda: (EVIDENCE, replace(CLAIMS, applied=("r1", "r1"))),
        "r1 was applied 2 times",
    ),
    "an attempt was launched twice": (
        lambda: (replace(EVIDENCE, lives=(*LIVES, LIVES[0])), CLAIMS),
        "was launched 2 times",
    ),
    "something ran that nobody knows": (
        lambda: (replace(EVIDENCE, lives=(*LIVES, life(9, 1, 100.0))), CLAIMS),
        "t0009.1 ran and the journal does not know it",
    ),
    "a point was tried by two trials": (
        lambda: (EVIDENCE, replace(CLAIMS, points={**CLAIMS.points, 4: 3})),
        "the points tried are [1, 2, 3, 3]",
    ),
    "a training got the point of another": (
        lambda: (EVIDENCE, replace(CLAIMS, points={1: 2, 2: 1, 3: 3})),
        "t0001.1 trained x=1, not its own point",
    ),
    "a trial ran twice at once": (
        lambda: with_life(life(1, 2, 101.5, gpu="GPU-8")),
        "t0001: t0001.1 and t0001.2 lived at once",
    ),
    "two trials on one GPU": (
        lambda: with_life(life(4, 1, 101.0, gpu="GPU-1")),
        "GPU-1: t0001.1 and t0004.1 lived at once",
    ),
    "a GPU given away before what was left on it was gone": (
        lambda: (
            replace(
                EVIDENCE,
                lives=(
                    replace(LIVES[0], daemon=(102.5, 104.0)),
                    LIVES[1],
                    replace(life(3, 1, 103.0, gpu="GPU-1")),
                ),
            ),
            CLAIMS,
        ),
        "GPU-1: t0001.1 and t0003.1 lived at once",
    ),
    "a training was held up": (
        lambda: with_life(silent(100.3, 101.7)),
        "t0001.1: silent for",
    ),
    "a training was held up before its first step": (
        lambda: with_life(replace(LIVES[0], beats=(101.9,))),
        "t0001.1: silent for 1.90 s",
    ),
    "called done without exit 0": (
        lambda: with_life(replace(LIVES[0], over=Over("1.1", 102.0, 3, 0, 11.0))),
        "t0001.1 is called done, but the training told of (3, None)",
    ),
    "called done although it died of a signal": (
        lambda: with_life(replace(LIVES[0], over=Over("1.1", 102.0, 0, 11, 11.0))),
        "t0001.1 is called done, but the training told of (None, 11)",
    ),
    "called done and never began": (
        lambda: (replace(EVIDENCE, lives=LIVES[1:]), replace(CLAIMS, optimum=(2, 12.0))),
        "t0001.1 is called done, but it never began",
    ),
    "another exit code than its own": (
        lambda: with_life(
            replace(LIVES[0], over=Over("1.1", 102.0, 3, 0, 11.0)), "exit-code", code=4
        ),
        "told of (3, None), not (4, None)",
    ),
    "ended and nobody asked": (
        lambda: with_life(killed(LIVES[0]), "signal", code=None, signal=9),
        "it did not end by itself, and nobody asked",
    ),
    "called killed and nobody asked": (
        lambda: with_life(LIVES[0], "killed-by-user"),
        "but nobody asked",
    ),
    "called unknown although its supervisor saw the end": (
        lambda: with_life(LIVES[0], "unknown"),
        "its supervisor was left alone",
    ),
    "called never launched although it ran": (
        lambda: with_life(LIVES[0], "launch-error"),
        "but it began",
    ),
    "two ends of one attempt": (
        lambda: (EVIDENCE, replace(CLAIMS, attempts=(*CLAIMS.attempts, told(LIVES[0])))),
        "attempt 1.1 ended 2 times",
    ),
    "no cause": (lambda: with_life(LIVES[0], cause=None), "t0001.1 has no cause"),
    "called running when all is over": (
        lambda: (EVIDENCE, replace(CLAIMS, states={**CLAIMS.states, 7: "running"})),
        "t0007 is called running",
    ),
    "another optimum than the files have": (
        lambda: (EVIDENCE, replace(CLAIMS, optimum=(2, 12.0))),
        "the optimum is called (12.0, 2), but it is (11.0, 1)",
    ),
    "an optimum that failed": (
        lambda: (EVIDENCE, replace(CLAIMS, states={**CLAIMS.states, 1: "failed"})),
        "the optimum is called (11.0, 1), but it is (12.0, 2)",
    ),
    "something was left": (
        lambda: (EVIDENCE, replace(CLAIMS, left=("a lease is left: G1",))),
        "a lease is left: G1",
    ),
}


@pytest.mark.parametrize("what", BROKEN)
def test_what_is_broken_is_called_by_its_name(what: str) -> None:
    make, words = BROKEN[what]
    found = broken(*make())
    assert any(words in one for one in found), found


def test_a_silence_of_the_whole_machine_is_not_ours() -> None:
    slow = tuple(t for t in CONTROL if not 100.3 < t < 101.7)
    evidence = replace(EVIDENCE, lives=(silent(100.3, 101.7), *LIVES[1:]), control=slow)
    assert unexplained(evidence) == []
    assert broken(evidence, CLAIMS) == []


def test_a_short_silence_of_the_machine_does_not_excuse_a_long_one_of_ours() -> None:
    slow = tuple(t for t in CONTROL if not 100.5 < t < 101.0)
    evidence = replace(EVIDENCE, lives=(silent(100.1, 101.9), *LIVES[1:]), control=slow)
    assert [one.trial for one, _ in unexplained(evidence)] == [1]


def test_a_training_that_was_asked_to_end_needs_no_last_words() -> None:
    evidence, claims = with_life(killed(LIVES[0]), "killed-by-user", code=None, asked=True)
    states = {**CLAIMS.states, 1: "killed"}
    assert broken(evidence, replace(claims, states=states, optimum=(2, 12.0))) == []


def test_an_end_that_nobody_can_have_seen_may_be_unknown() -> None:
    evidence, claims = with_life(LIVES[0], "unknown", code=None)
    claims = replace(claims, unseen=frozenset({"1.1"}), states={**CLAIMS.states, 1: "lost"})
    assert broken(evidence, replace(claims, optimum=(2, 12.0))) == []
