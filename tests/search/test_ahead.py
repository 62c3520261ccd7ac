"""Proposals computed ahead, by the real process: never blocking, never twice, always again."""

import os
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from select import select

import pytest
from msgspec.structs import replace

from tests.search.spaces import MIXED, loss, space
from tuiswp.search.ahead import Ahead
from tuiswp.search.asking import Answer
from tuiswp.search.cube import Cube
from tuiswp.search.history import Flying, History, Told
from tuiswp.search.keys import point_key
from tuiswp.search.samplers.choose import sampler_of

pytestmark = pytest.mark.slow  # a sampler in a process of its own

DEADLINE_S = 30.0


@pytest.fixture
def ahead() -> Iterator[Ahead]:
    started = Ahead(space())
    yield started
    started.close()


def taken(ahead: Ahead, history: History, index: int) -> Answer:
    """What is proposed; waits for it as the controller's loop does."""
    deadline = time.monotonic() + DEADLINE_S
    while time.monotonic() < deadline:
        ahead.want(history, index)
        answer = ahead.take(history, index)
        if answer is not None:
            return answer
        time.sleep(0.005)  # a poll for an outcome, bounded by the deadline
    raise AssertionError(f"nothing proposed: {ahead.trouble}")


def test_it_proposes_what_the_sampler_would_here(ahead: Ahead) -> None:
    sampler, cube = sampler_of(space()), Cube(space().parameters)
    told: tuple[Told, ...] = ()
    for index in range(13):
        history = History(told)
        answer = taken(ahead, history, index)
        assert answer.params == cube.params(sampler.ask(history, index))
        assert (answer.seen, answer.key) == (index, point_key(answer.params or {}))
        told = (*told, Told(index, answer.params or {}, "done", loss(answer.params or {})))


def test_asking_does_not_wait(ahead: Ahead) -> None:
    began = time.monotonic()
    ahead.want(History(), 0)
    assert ahead.take(History(), 0) is None
    assert time.monotonic() - began < 0.5
    taken(ahead, History(), 0)


def test_news_make_a_quick_proposal_stale(ahead: Ahead) -> None:
    first = taken(ahead, History(), 0)
    flying = History(flying=(Flying(0, first.params or {}),))
    ahead.want(flying, 1)
    later = History(told=(Told(0, first.params or {}, "done", 1.0),))
    assert taken(ahead, later, 1).seen == 1


def test_only_a_sampler_that_stays_slow_may_be_behind(
    ahead: Ahead, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first proposal after a start has libraries to load, and a resumed sweep would differ."""
    monkeypatch.setattr("tuiswp.search.ahead.QUICK_S", -1.0)  # every answer took long
    flying, later = History(flying=(Flying(0, {}),)), History(told=(Told(0, {}, "failed"),))
    taken(ahead, flying, 1)
    assert taken(ahead, later, 1).seen == 1
    taken(ahead, flying, 2)
    assert taken(ahead, later, 2).seen == 0


def test_a_child_that_dies_is_started_again_and_knows_everything(
    ahead: Ahead, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tuiswp.search.ahead.RESTART_S", 0.0)
    first = taken(ahead, History(), 0)
    assert ahead._child is not None
    ahead._child.kill()
    ahead._child.wait()
    history = History(told=(Told(0, first.params or {}, "done", 1.0),))
    assert taken(ahead, history, 1).seen == 1


def test_a_space_that_is_used_up_has_no_further_proposal() -> None:
    small = space("method: random\nmetric: {name: l}\nparameters: {x: {values: [1, 2, 3]}}\n")
    ahead = Ahead(small)
    try:
        told: tuple[Told, ...] = ()
        for index in range(3):
            answer = taken(ahead, History(told), index)
            told = (*told, Told(index, answer.params or {}, "done", 1.0))
        assert sorted(str(one.params) for one in told) == ["{'x': 1}", "{'x': 2}", "{'x': 3}"]
        assert taken(ahead, History(told), 3).params is None
    finally:
        ahead.close()


def test_a_sampler_that_cannot_work_says_why() -> None:
    broken = Ahead(space(), command=(sys.executable, "-c", "import sys; sys.stdin.readline()"))
    try:
        deadline = time.monotonic() + DEADLINE_S
        while broken.trouble is None and time.monotonic() < deadline:
            broken.want(History(), 0)
            time.sleep(0.005)
        assert broken.trouble == "the sampler's process ended; it is started again"
    finally:
        broken.close()


def test_thousands_of_trials_are_handed_over_without_blocking() -> None:
    sweep = replace(space(MIXED), sampler="qmc")
    cube, sampler = Cube(sweep.parameters), sampler_of(sweep)
    told = tuple(
        Told(n, cube.params(sampler.ask(History(), n)), "done", float(n)) for n in range(50)
    )
    many = History(tuple(replace(told[n % 50], number=n) for n in range(5_000)))
    ahead = Ahead(sweep)
    try:
        began = time.monotonic()
        ahead.want(many, 60)
        assert time.monotonic() - began < 1.0
        assert taken(ahead, many, 60).seen == 5_000
    finally:
        ahead.close()


def test_closing_leaves_no_process() -> None:
    ahead = Ahead(space())
    ahead.want(History(), 0)
    assert ahead._child is not None
    pid = ahead._child.pid
    ahead.close()
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


def test_it_never_sees_a_gpu(ahead: Ahead, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "0,1")  # torch may be loaded to propose
    taken(ahead, History(), 0)
    assert ahead._child is not None
    environment = Path(f"/proc/{ahead._child.pid}/environ").read_bytes().split(b"\0")
    assert b"CUDA_VISIBLE_DEVICES=" in environment


def test_a_proposal_wakes_who_sleeps(tmp_path: Path) -> None:
    fifo = tmp_path / "wake"
    os.mkfifo(fifo)
    ear = os.open(fifo, os.O_RDWR | os.O_NONBLOCK)
    ahead = Ahead(space(), str(fifo))
    try:
        ahead.want(History(), 0)
        assert select([ear], [], [], DEADLINE_S)[0]
        assert ahead.take(History(), 0) is not None
    finally:
        ahead.close()
        os.close(ear)
