"""Private directories and a private tmux server for each test, gone with it."""

import os
import subprocess
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.launchers.jobs import Jobs


@pytest.fixture
def jobs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Jobs]:
    runtime = tmp_path / "run"
    runtime.mkdir(mode=0o700)
    monkeypatch.setenv("TUISWP_RUNTIME_DIR", str(runtime))
    made = Jobs(tmp_path)
    yield made
    made.end_all()


@pytest.fixture
def tmux_socket(monkeypatch: pytest.MonkeyPatch, tmux_version: str) -> Iterator[str]:
    """The name of a tmux socket nobody else uses; its server is killed after the test."""
    name = f"tuiswp-test-{uuid.uuid4().hex[:12]}"
    monkeypatch.delenv("TMUX", raising=False)
    yield name
    subprocess.run(["tmux", "-L", name, "kill-server"], capture_output=True, timeout=10)
    folder = Path(os.environ.get("TMUX_TMPDIR") or "/tmp", f"tmux-{os.getuid()}")
    (folder / name).unlink(missing_ok=True)  # a server that was killed leaves it
