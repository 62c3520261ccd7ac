"""Worlds to break: one template for a module, a fresh copy for each experiment."""

import itertools
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

import pytest

from tests.faults import world
from tests.faults.disk import Fault, Kind
from tests.faults.world import World
from tuiswp.controller.directory import SweepDirectory

MANY = 400  # more points than a sweep of the template has


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The longest first, so that all else is done beside it."""
    items.sort(key=lambda item: not item.name.startswith("test_ten_minutes"))


class NewWorld(Protocol):
    """A fresh world each time; `gpus` as TUISWP_GPUS has them."""

    def __call__(self, gpus: str = "none") -> World: ...


def at_points(
    new_world: NewWorld,
    kind: Kind,
    numbers: range,
    *,
    lasts: int = 1,
    gpus: str = "none",
    after: Callable[[World], None] = lambda _: None,
) -> int:
    """Meet a fault at each of the points `numbers`; how many of them there were.

    `after` looks at each world that met one.
    """
    for met, number in enumerate(numbers):
        made = new_world(gpus)
        if not made.survive(Fault(kind, number, lasts)):
            return met
        after(made)
    raise AssertionError(f"there are more than {numbers.stop} points")


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> SweepDirectory:
    return world.template(tmp_path_factory.mktemp("template"))


@pytest.fixture
def new_world(tmp_path: Path, template: SweepDirectory) -> NewWorld:
    numbers = itertools.count()

    def make(gpus: str = "none") -> World:
        home = tmp_path / str(next(numbers))
        (home / "run").mkdir(mode=0o700, parents=True)
        return World(home, template, gpus)

    return make
