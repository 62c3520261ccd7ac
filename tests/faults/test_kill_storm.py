"""Kill controllers, supervisors, relays and the tmux server, stop them, ask for things meanwhile:
what the trainings wrote themselves tells that every promise held.

The seed is printed with the table; `tests/faults/storm/` says what is done and how it is judged.
"""

import time
from pathlib import Path

import pytest

from tests.faults.storm.storm import Report, rage

pytestmark = pytest.mark.slow

LONG_S = 600.0
SHORT_S = 20.0


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, tmux_socket: str) -> Path:
    """A world of the storm's own: its leases, launch files and tmux server are nobody else's."""
    (tmp_path / "run").mkdir(mode=0o700)
    monkeypatch.setenv("TUISWP_RUNTIME_DIR", str(tmp_path / "run"))
    monkeypatch.setenv("TUISWP_TMUX_SOCKET", f"{tmux_socket}-storm")
    monkeypatch.setenv("TUISWP_GPUS", "sim:6x80")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def held(report: Report) -> bool:
    print(report.text())
    assert report.broken == (), report.text()
    return True


@pytest.mark.timeout(240)
def test_whatever_is_killed_no_fact_is_lost_nothing_runs_twice_and_no_training_notices(
    folder: Path,
) -> None:
    report = rage(folder, SHORT_S, seed=20261122, beats=6)
    assert held(report)
    assert report.launches > 3  # a machine with much else to do starts few
    assert len(report.blows) > 5


@pytest.mark.faults
@pytest.mark.timeout(1200)
def test_ten_minutes_of_killing_lose_no_fact_launch_nothing_twice_and_no_training_notices(
    folder: Path,
) -> None:
    report = rage(folder, LONG_S, seed=time.time_ns() % 2**32)
    assert held(report)
    assert report.launches > 100  # three times as many where nothing else runs
    assert len(report.blows) > 12
