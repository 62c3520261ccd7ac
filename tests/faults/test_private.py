"""Nothing of a sweep can be read by others, whatever the umask of whoever started it."""

import os
from pathlib import Path

import pytest

from tests.faults import world
from tests.faults.world import World

pytestmark = pytest.mark.slow

TRAININGS_OWN = ("launches", "heartbeat", "metrics.jsonl")


@pytest.mark.parametrize("umask", [0o000, 0o022])
def test_everything_of_a_sweep_is_private_under_any_umask(tmp_path: Path, umask: int) -> None:
    before = os.umask(umask)
    try:
        for name in ("template", "home", "home/run"):
            (tmp_path / name).mkdir(mode=0o700)
        made = World(tmp_path / "home", world.template(tmp_path / "template"))
        assert made.survive()
    finally:
        os.umask(before)
    created, ran = tmp_path / "template" / "sweeps" / "test", made.place.root
    paths = [
        created,
        *created.rglob("*"),
        ran,
        *ran.rglob("*"),
        *made.home.joinpath("run").iterdir(),
    ]
    open_to_others = [
        str(path.relative_to(tmp_path))
        for path in paths
        if path.stat().st_mode & 0o077 and path.name not in TRAININGS_OWN
    ]
    assert open_to_others == []
    assert len(paths) > 30
