"""Where a sweep comes from is kept: command, commit, uncommitted diff, packages, machine."""

import json
import subprocess
from pathlib import Path

import pytest

from tuiswp.controller import provenance
from tuiswp.controller.directory import SweepDirectory
from tuiswp.controller.frozen import frozen_sweep
from tuiswp.controller.opening import create, open_or_create


def git(folder: Path, *words: str) -> None:
    identity = ["-c", "user.name=a", "-c", "user.email=a@b"]
    subprocess.run(["git", *identity, *words], cwd=folder, check=True, capture_output=True)


@pytest.fixture
def source(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TUISWP_GPUS", "sim:1x80")
    path = tmp_path / "sweep.yaml"
    path.write_text("method: grid\nparameters: {x: {values: [1]}}\ncommand: ['true']\n")
    return path


def test_commit_and_uncommitted_diff_are_kept(source: Path, tmp_path: Path) -> None:
    git(tmp_path, "init", "-q")
    git(tmp_path, "add", ".")
    git(tmp_path, "commit", "-qm", "first")
    source.write_text(source.read_text() + "description: changed\n")
    place = SweepDirectory(tmp_path / "sweeps" / "a")
    create(place, source)
    kept = provenance.load(place)
    assert kept is not None
    assert kept.git_commit is not None and len(kept.git_commit) == 40
    assert kept.git_dirty is True
    assert "+description: changed" in (place.root / "provenance.diff").read_text()


def test_outside_a_repository_nothing_is_invented(source: Path, tmp_path: Path) -> None:
    place = SweepDirectory(tmp_path / "sweeps" / "a")
    create(place, source)
    kept = provenance.load(place)
    assert kept is not None
    assert (kept.git_commit, kept.git_dirty) == (None, None)
    assert kept.cwd == str(tmp_path)
    assert kept.packages["msgspec"]
    assert [gpu.split()[0] for gpu in kept.gpus] == ["G0"]
    assert not (place.root / "provenance.diff").exists()


def test_a_file_without_a_name_gives_the_sweep_its_own(source: Path, tmp_path: Path) -> None:
    """The frozen copy is called sweep.yaml, whatever the source was called."""
    unnamed = source.rename(tmp_path / "rates.yaml")
    place, sweep, _ = open_or_create(unnamed)
    assert (place.root.name, sweep.name, frozen_sweep(place).name) == ("rates",) * 3


def test_a_name_given_on_the_command_line_is_the_sweeps_name(source: Path, tmp_path: Path) -> None:
    source.write_text("name: from the file\n" + source.read_text())
    place, sweep, _ = open_or_create(source, name="second try")
    assert sweep.name == "second try"
    assert frozen_sweep(place).name == "second try"


def test_an_older_record_of_origin_still_names_the_sweep(source: Path, tmp_path: Path) -> None:
    unnamed = source.rename(tmp_path / "rates.yaml")
    place, _, _ = open_or_create(unnamed, directory=tmp_path / "elsewhere")
    kept = json.loads(place.provenance.read_bytes())
    kept.pop("name", None)
    place.provenance.write_text(json.dumps(kept))
    assert frozen_sweep(place).name == "rates"
    place.provenance.unlink()
    assert frozen_sweep(place).name == "elsewhere"
