"""The controller dies at the n-th change it makes to a file, for every n: what it had said holds.

A change is any call that writes, syncs, makes, renames or removes something, and each hand-over of
a trial. See `World.broken` for what must hold, read from the trainings' own files.
"""

import random

import pytest

from tests.faults.conftest import MANY, NewWorld, at_points
from tests.faults.disk import Fault, Kind

pytestmark = pytest.mark.slow

SOME = 9  # of how many points one is tried by `make test`


def test_a_crash_at_some_points_loses_nothing_and_launches_nothing_twice(
    new_world: NewWorld,
) -> None:
    assert at_points(new_world, "crash", range(3, MANY, SOME)) > 10


@pytest.mark.faults
@pytest.mark.timeout(900)
@pytest.mark.parametrize("kind", ["crash", "torn"])
def test_a_crash_at_any_point_loses_nothing_and_launches_nothing_twice(
    new_world: NewWorld, kind: Kind
) -> None:
    assert at_points(new_world, kind, range(1, MANY)) > 100


@pytest.mark.faults
@pytest.mark.timeout(900)
def test_a_crash_at_any_point_leaves_no_gpu_taken(new_world: NewWorld) -> None:
    assert at_points(new_world, "crash", range(1, MANY), gpus="sim:2x80") > 120


@pytest.mark.faults
@pytest.mark.timeout(900)
def test_crashes_in_the_middle_of_recovering_from_a_crash_lose_nothing(
    new_world: NewWorld,
) -> None:
    dice = random.Random(20261121)
    for _ in range(60):
        new_world().survive(*(Fault("crash", dice.randint(1, 100)) for _ in range(4)))
