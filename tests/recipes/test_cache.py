"""Something built once is shared, whole, by all that ask for it at the same time."""

import json
import os
import subprocess
import sys
from contextlib import ExitStack
from pathlib import Path
from subprocess import PIPE

import pytest

from recipes.cache import cache_home, cached
from tests.recipes.helpers import ROOT

pytestmark = pytest.mark.slow  # processes that build


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))


def build_and_note(directory: Path) -> None:
    """Note the builder outside of what it builds, so that building twice can be seen."""
    with (cache_home() / "builders").open("a") as note:
        note.write(f"{os.getpid()}\n")
    (directory / "thing").write_text("thing")


def builders() -> int:
    return len((cache_home() / "builders").read_text().split())


ASK = """
import sys
from recipes.cache import cached
from tests.recipes.test_cache import build_and_note
print("ready", flush=True)
sys.stdin.readline()
assert (cached("it", build_and_note) / "thing").read_text() == "thing"
"""


def test_four_processes_at_once_build_one() -> None:
    with ExitStack() as stack:
        askers = [
            stack.enter_context(
                subprocess.Popen([sys.executable, "-c", ASK], stdin=PIPE, stdout=PIPE, cwd=ROOT)
            )
            for _ in range(4)
        ]
        for asker in askers:
            assert asker.stdout is not None
            assert asker.stdout.readline() == b"ready\n"
        for asker in askers:
            asker.communicate(b"\n", timeout=60)
        assert [asker.returncode for asker in askers] == [0] * 4
    assert builders() == 1


@pytest.mark.parametrize("damage", ["cut", "removed", "sums"])
def test_what_is_damaged_is_built_again(damage: str, capsys: pytest.CaptureFixture[str]) -> None:
    place = cached("it", build_and_note)
    match damage:
        case "cut":
            (place / "thing").write_text("thi")
        case "removed":
            (place / "thing").unlink()
        case _:
            (place / "sums.json").write_text("{")
    assert (cached("it", build_and_note) / "thing").read_text() == "thing"
    assert builders() == 2
    assert "is damaged" in capsys.readouterr().out


def test_a_builder_that_dies_leaves_nothing_that_counts() -> None:
    def die(directory: Path) -> None:
        (directory / "half").write_text("half")
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        cached("it", die)
    place = cached("it", build_and_note)
    assert sorted(file.name for file in place.iterdir()) == ["sums.json", "thing"]
    assert not list(cache_home().glob("it.new-*"))


def test_every_file_is_checked(tmp_path: Path) -> None:
    place = cached("it", build_and_note)
    assert set(json.loads((place / "sums.json").read_text())) == {"thing"}


def test_a_relative_cache_home_is_ignored(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", "somewhere/relative")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert cache_home() == tmp_path / ".cache" / "tuiswp"


def test_a_cache_that_cannot_be_written_says_what_to_set(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    with pytest.raises(SystemExit) as left:
        cached("it", build_and_note)
    assert left.value.code == 2
    assert "set XDG_CACHE_HOME" in capsys.readouterr().err
