"""Worlds to break: one template for a module, a fresh copy for each experiment."""

import itertools
from pathlib import Path
from typing import Protocol

import pytest

from tests.faults import world
from tests.faults.world import World
from tuiswp.controller.directory import SweepDirectory


class NewWorld(Protocol):
    """A fresh world each time; `gpus` as TUISWP_GPUS has them."""

    def __call__(self, gpus: str = "none") -> World: ...


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
