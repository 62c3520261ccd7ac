"""A fresh `Bench` for each test."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.controller.bench import Bench


@pytest.fixture
def bench(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> Iterator[Bench]:
    monkeypatch.setenv("TUISWP_GPUS", "none")
    monkeypatch.setenv("TUISWP_RUNTIME_DIR", str(tmp_path / "run"))
    monkeypatch.chdir(tmp_path)
    wanted = getattr(request, "param", "")  # its lines under `tuiswp`, or all that Bench takes
    made = Bench(tmp_path, **(wanted if isinstance(wanted, dict) else {"more": wanted}))
    yield made
    made.controller.close()
