"""The wall clock is set while a sweep runs: nothing waits for a day, nothing is lost or doubled."""

import pytest

from tests.faults.conftest import NewWorld
from tests.faults.disk import Fault
from tests.faults.world import FINISHED

pytestmark = pytest.mark.slow

DAY, YEAR = 86_400.0, 365 * 86_400.0


@pytest.mark.parametrize("jump", [-DAY, YEAR])
@pytest.mark.parametrize("at", [1, 4])
def test_a_clock_that_is_set_changes_nothing(new_world: NewWorld, jump: float, at: int) -> None:
    world = new_world()
    life = world.live(jump=(at, jump))
    assert life.code == FINISHED, life
    assert world.broken() == []


@pytest.mark.parametrize("jump", [-DAY, YEAR])
def test_a_back_off_lasts_as_long_as_it_was_to_whatever_the_clock_says(
    new_world: NewWorld, jump: float
) -> None:
    """A launch that the disk refused is tried again after seconds: `ROUNDS` are three minutes."""
    world = new_world()
    life = world.live(Fault("ENOSPC", 30), jump=(1, jump))
    assert "trials" in life.met  # while it was made ready
    assert life.code == FINISHED, life
    assert world.broken() == []
