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
    made = Bench(tmp_path, getattr(request, "param", ""))
    yield made
    made.controller.close()
