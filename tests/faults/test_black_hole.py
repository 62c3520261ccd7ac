"""One GPU fails every trial at once: the sweep goes on beside it, and no trial pays for it."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.faults import black_hole

pytestmark = pytest.mark.slow
TRIALS = 40


@pytest.fixture(scope="module")
def came(tmp_path_factory: pytest.TempPathFactory) -> black_hole.Came:
    return black_hole.run(tmp_path_factory.mktemp("hole"), trials=TRIALS)


def tuiswp(came: black_hole.Came, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "tuiswp.cli.main", *words],
        cwd=came.directory.parents[1],
        env={**os.environ, "TUISWP_GPUS": "sim:2x80"},
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
        check=False,
    )


def test_a_black_hole_gpu_costs_no_trial(came: black_hole.Came) -> None:
    assert came.quarantined == ["G1"], came.output
    assert (came.done, came.charged, came.code) == (TRIALS, 0, 0), came.output
    assert came.on_bad <= 6


def test_every_place_says_which_gpu_is_quarantined_why_and_how_to_take_it_back(
    came: black_hole.Came,
) -> None:
    for words in (["status"], ["explain"], ["gpus"], ["gpus", "hole"]):
        said = tuiswp(came, *words)
        assert said.returncode == 0, said.stderr
        flat = " ".join(said.stdout.split())
        assert "G1 is quarantined since" in flat
        assert "CUDA error: unspecified launch failure" in flat
        assert "`tuiswp gpus --release G1 hole` gives it trials again" in flat
    assert "G1 is quarantined: its last" in came.output
    [first, *_] = [t for t in came.state.trials.values() if t.attempts[0].taken_back]
    told = tuiswp(came, "explain", "hole", first.id).stdout
    assert "taken back: its GPU was quarantined for it" in told
    for words in (["status", "--json"], ["gpus", "--json"]):
        found = json.loads(tuiswp(came, *words).stdout)
        assert [one["gpu"] for one in found["quarantined"]] == ["G1"]


def test_files_journal_and_optimum_agree_about_what_was_taken_back(
    came: black_hole.Came,
) -> None:
    agreed = tuiswp(came, "verify")
    assert agreed.returncode == 0, agreed.stdout


def test_a_release_that_names_no_such_gpu_says_which_there_are(came: black_hole.Came) -> None:
    wrong = tuiswp(came, "gpus", "--release", "G7", "hole")
    assert wrong.returncode == 2
    assert "hole has not quarantined G7" in wrong.stderr


def test_a_gpu_that_fails_at_once_is_told_from_one_whose_trials_are_slow(tmp_path: Path) -> None:
    """The good GPU is long at its first trial when the bad one has failed all it may."""
    came = black_hole.run(tmp_path, trials=8, good_s=0.5)
    assert (came.done, came.charged, came.quarantined) == (8, 0, ["G1"]), came.output
    assert came.on_bad <= 6
