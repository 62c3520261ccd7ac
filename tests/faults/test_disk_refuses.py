"""The n-th change of a file is refused, for every n: what was acknowledged holds, nothing is left
half made, and the sweep goes on to its end by itself or says in a sentence why it cannot begin.
"""

import os
import signal
import threading
from pathlib import Path

import pytest

from tests.faults.conftest import MANY, NewWorld, at_points
from tests.faults.disk import Disk, Fault, Kind
from tests.faults.world import World
from tuiswp.controller import requests
from tuiswp.controller.directory import SweepDirectory
from tuiswp.controller.journal import Journal, read
from tuiswp.errors import EnvironmentFault
from tuiswp.model.events import Warned

pytestmark = pytest.mark.slow

SOME = 13  # of how many points one is tried by `make test`
KINDS: tuple[Kind, ...] = ("short", "ENOSPC", "EIO", "EROFS", "EDQUOT", "ESTALE")


def no_drafts(world: World) -> None:
    assert not world.drafts(), world.drafts()


def one_draft_at_most(world: World) -> None:
    """Left where the disk refused to remove it, too."""
    assert len(world.drafts()) <= 1, world.drafts()


@pytest.mark.parametrize("kind", ["short", "ENOSPC", "EIO"])
def test_a_disk_that_refuses_at_some_points_costs_nothing_but_time(
    new_world: NewWorld, kind: Kind
) -> None:
    first = 2 + 3 * KINDS.index(kind)
    assert at_points(new_world, kind, range(first, MANY, SOME), after=no_drafts) > 7


@pytest.mark.faults
@pytest.mark.timeout(900)
@pytest.mark.parametrize("kind", KINDS)
def test_a_disk_that_refuses_once_at_any_point_costs_nothing_but_time(
    new_world: NewWorld, kind: Kind
) -> None:
    assert at_points(new_world, kind, range(1, MANY), after=no_drafts) > 100


@pytest.mark.faults
@pytest.mark.timeout(900)
def test_a_disk_that_refuses_a_lease_leaves_no_gpu_taken(new_world: NewWorld) -> None:
    assert at_points(new_world, "ENOSPC", range(1, MANY), gpus="sim:2x80", after=no_drafts) > 120


@pytest.mark.faults
@pytest.mark.timeout(900)
@pytest.mark.parametrize("kind", ["ENOSPC", "EIO"])
def test_a_disk_that_refuses_for_a_while_costs_nothing_but_time(
    new_world: NewWorld, kind: Kind
) -> None:
    assert at_points(new_world, kind, range(1, MANY, 2), lasts=12, after=one_draft_at_most) > 50


def refused(place: SweepDirectory, told: Path, fault: Fault) -> tuple[int, str]:
    """What becomes of a client that puts a request just then, in a process of its own."""
    pid = os.fork()
    if pid == 0:
        code = 3
        try:
            Disk((place.root,), fault, told).install()
            requests.submit(place, requests.new_request("pause"))
            code = 0
        except EnvironmentFault:
            code = 1
        finally:
            os._exit(code)
    return os.waitstatus_to_exitcode(
        os.waitpid(pid, 0)[1]
    ), told.read_text() if told.exists() else ""


@pytest.mark.parametrize("kind", ["crash", "torn", "short", "ENOSPC", "EIO"])
def test_a_request_is_put_whole_or_not_at_all(
    new_world: NewWorld, tmp_path: Path, kind: Kind
) -> None:
    for number in range(1, 30):
        place, told = new_world().place, tmp_path / f"told-{number}"
        code, met = refused(place, told, Fault(kind, number))
        found = [request for _, request in requests.pending(place)]
        assert all(isinstance(request, requests.Request) for request in found), met
        if code == 0:
            assert len(found) == 1, met
        if code == 1:
            assert not list(place.requests.glob(".*")), met
        if not met:
            assert number > 4
            return
    raise AssertionError("it never came to an end")


def test_a_request_that_was_refused_is_not_carried_out_all_the_same(
    new_world: NewWorld, tmp_path: Path
) -> None:
    """Who is told that it failed asks again; a kill must not come later, and twice."""
    for number in range(1, 30):
        place, told = new_world().place, tmp_path / f"told-{number}"
        code, met = refused(place, told, Fault("EIO", number))
        if code == 1:
            assert requests.pending(place) == [], met
        if not met:
            return


def test_signals_that_interrupt_every_call_lose_no_fact(tmp_path: Path) -> None:
    """EINTR: Python takes the call up again; whoever replaces these calls has to as well."""
    book = Journal(tmp_path / "journal.jsonl")
    stop = threading.Event()
    ours = threading.get_ident()
    heard: list[int] = []

    def disturb() -> None:
        while not stop.is_set():
            signal.pthread_kill(ours, signal.SIGUSR1)
            stop.wait(0.0002)

    before = signal.signal(signal.SIGUSR1, lambda number, frame: heard.append(number))
    other = threading.Thread(target=disturb)
    try:
        other.start()
        for n in range(200):
            book.append([Warned(f"n{n}", "x" * 500)], at=1.0)
    finally:
        stop.set()
        other.join()
        signal.signal(signal.SIGUSR1, before)
        book.close()
    found = read(tmp_path / "journal.jsonl")
    assert heard
    assert len(found.records) == 200
    assert not found.damage
