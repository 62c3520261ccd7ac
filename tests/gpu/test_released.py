"""What a person said of a GPU: for this boot, this user, and nobody else's file."""

import os
import stat
from pathlib import Path

import pytest

from tuiswp.gpu.inventory import GpuReading, Health
from tuiswp.gpu.released import Releases

GPU = GpuReading("GPU-a", 0, health=Health(memory_errors=2, remapped=1, remap_pending=True))
PART = GpuReading("MIG-b", 1, mig=True, share_of="GPU-b", mig_index=0)


def test_a_release_is_kept_and_private(tmp_path: Path) -> None:
    Releases(tmp_path / "released").put(GPU, 7)
    kept = Releases(tmp_path / "released").all()["GPU-a"]
    assert (kept.seq, kept.memory_errors, kept.remapped, kept.memory) == (7, 2, 1, True)
    (path,) = (tmp_path / "released").iterdir()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


def test_a_part_is_released_with_its_board(tmp_path: Path) -> None:
    Releases(tmp_path / "released").put(PART, None)
    assert list(Releases(tmp_path / "released").all()) == ["GPU-b"]


def test_a_new_boot_knows_of_no_release(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    releases = Releases(tmp_path / "released")
    releases.put(GPU, 7)
    other = tmp_path / "boot"
    other.write_text("another\n")
    monkeypatch.setenv("TUISWP_BOOT_ID_FILE", str(other))
    assert releases.all() == {}


@pytest.mark.parametrize("kind", ["link", "pipe", "directory", "garbage", "huge", "other"])
def test_what_is_no_release_of_ours_releases_nothing_and_holds_nothing_up(
    tmp_path: Path, kind: str
) -> None:
    releases = Releases(tmp_path / "released")
    releases.put(GPU, 7)
    (path,) = (tmp_path / "released").iterdir()
    good = path.read_bytes()
    path.unlink()
    match kind:
        case "link":
            (tmp_path / "elsewhere").write_bytes(good)
            path.symlink_to(tmp_path / "elsewhere")
        case "pipe":
            os.mkfifo(path)
        case "directory":
            path.mkdir()
        case "garbage":
            path.write_bytes(b"\xff{[" * 20)
        case "huge":
            path.write_bytes(good + b" " * 10_000_000 + b"x")
        case "other":
            path.write_text('{"uuid": 5}')
    assert releases.all() == {}
    if kind != "directory":
        releases.put(GPU, 8)
        assert releases.all()["GPU-a"].seq == 8


def test_without_a_directory_nothing_is_released(tmp_path: Path) -> None:
    assert Releases(tmp_path / "none").all() == {}
