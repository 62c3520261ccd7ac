"""Whole sweeps on disks that really fill, run out of inodes or become read-only in the middle.

What the controller is to do then it cannot write down, so it is read from what the trainings wrote
themselves, and from what those see who ask. Needs root, for mounting.
"""

import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.end_to_end.harness import (
    kill_trials_of,
    launches,
    running,
    state_of,
    tuiswp,
    wait_for,
    widest_gap,
    write_sweep,
)
from tests.faults.states import can_mount
from tuiswp.errors import ExitCode

pytestmark = [pytest.mark.faults, pytest.mark.timeout(300)]

TRIALS = 8
PATIENCE_S = 60


class Disk(NamedTuple):
    """How it is mounted, how it is made to refuse, and how it is mended; each given its folder."""

    mount: Callable[[Path], object]
    spoil: Callable[[Path], object]
    mend: Callable[[Path], object]
    said: str


def run(*words: str | Path) -> None:
    subprocess.run(words, check=True, capture_output=True)


def fill(folder: Path) -> None:
    with suppress(OSError), (folder / "filler").open("wb", buffering=0) as file:
        for piece in (4096, 512, 1):
            with suppress(OSError):
                while file.write(bytes(piece)):
                    pass


def use_up_names(folder: Path) -> None:
    (folder / "names").mkdir()
    with suppress(OSError):
        for number in range(10_000):
            (folder / "names" / str(number)).touch()


def release_names(folder: Path) -> None:
    run("rm", "-r", folder / "names")


def tmpfs(options: str) -> Callable[[Path], object]:
    return lambda folder: run("mount", "-t", "tmpfs", "-o", options, "none", folder)


def ext4(folder: Path) -> None:
    """A disk that goes read-only at its first error, as most machines have them."""
    image = folder.with_suffix(".img")
    with image.open("wb") as file:
        file.truncate(32 << 20)
    run("mkfs.ext4", "-q", image)
    run("mount", "-o", "loop,errors=remount-ro", image, folder)


def break_ext4(folder: Path) -> None:
    device = subprocess.check_output(["findmnt", "-n", "-o", "SOURCE", folder], text=True).strip()
    Path("/sys/fs/ext4", Path(device).name, "trigger_fs_error").write_text("a test\n")


def mend_ext4(folder: Path) -> None:
    run("mount", "-o", "remount,rw", folder)


DISKS = {
    "full": Disk(
        tmpfs("size=3m"), fill, lambda folder: (folder / "filler").unlink(), "the disk is full"
    ),
    "inodes": Disk(
        tmpfs("size=30m,nr_inodes=400"), use_up_names, release_names, "takes no more files"
    ),
}


@contextmanager
def mounted(folder: Path, disk: Disk) -> Iterator[Path]:
    folder.mkdir()
    try:
        disk.mount(folder)
    except (subprocess.CalledProcessError, FileNotFoundError) as error:
        pytest.skip(f"cannot be mounted here: {error}")
    try:
        yield folder
    finally:
        run("umount", "-l", folder)


@pytest.mark.parametrize("kind", DISKS)
@pytest.mark.skipif(not can_mount(), reason="nothing can be mounted here: not root")
def test_a_sweep_on_a_disk_that_fills_goes_on_by_itself_when_there_is_room(
    tmp_path: Path, kind: str
) -> None:
    disk = DISKS[kind]
    source = write_sweep(tmp_path, trials=TRIALS, parallel=2, steps=40, script=TRIAL)
    with mounted(tmp_path / "disk", disk) as folder:
        place = folder / "sweep"
        with running("--batch", source, "--dir", place, cwd=tmp_path) as batch:
            try:
                wait_for(lambda: len(alive(tmp_path)) == 2, timeout=PATIENCE_S, what="none began")
                disk.spoil(folder)
                begun = launches(place)
                wait_for(
                    lambda: (
                        disk.said in (place / "controller.log").read_text()
                        or disk.said in tuiswp("status", place, cwd=tmp_path).stdout
                    ),
                    timeout=PATIENCE_S,
                    what="nobody is told",
                )
                asked = tuiswp("status", place, cwd=tmp_path)
                assert asked.returncode == ExitCode.OK, asked
                assert disk.said in asked.stdout
                wait_for(lambda: not alive(tmp_path), timeout=PATIENCE_S, what="they did not end")
                assert launches(place) == begun, "something was launched on a full disk"
                assert batch.poll() is None
                disk.mend(folder)
                wait_for(lambda: batch.poll() is not None, timeout=PATIENCE_S, what=told(place))
            finally:
                kill_trials_of(place)
            assert batch.poll() == ExitCode.OK, told(place)
        whole(place, tmp_path)


TRIAL = """\
echo "$TUISWP_ATTEMPT $$" >> "$TUISWP_TRIAL_DIR/launches"
value=${1#--x=}
step=0
touch "$PWD/alive-$value"
while [ "$step" -lt "${STEPS:-8}" ]; do
  step=$((step + 1))
  date +%s.%N >> "$PWD/heartbeat-$value"
  echo "{\\"step\\": $step, \\"loss\\": $value.$step}" >> "$TUISWP_TRIAL_DIR/metrics.jsonl"
  sleep 0.05
done
rm "$PWD/alive-$value"
exit 0
"""


def alive(cwd: Path) -> list[Path]:
    """Trials that run by their own word, on a disk with room."""
    return list(cwd.glob("alive-*"))


def told(place: Path) -> str:
    return (place / "controller.log").read_text()[-2000:]


def whole(place: Path, cwd: Path) -> None:
    """Every point ran once, nothing was disturbed, every end is recorded, and it agrees."""
    state = state_of(place)
    assert [trial.state for trial in state.trials.values()] == ["done"] * TRIALS, told(place)
    assert all(len(ran) == 1 for ran in launches(place).values()), launches(place)
    assert len(launches(place)) == TRIALS
    for beats in cwd.glob("heartbeat-*"):
        assert widest_gap(beats) < 5, beats
    verified = tuiswp("verify", place, cwd=cwd)
    assert verified.returncode == ExitCode.OK, verified.stdout


@pytest.mark.skipif(not can_mount(), reason="nothing can be mounted here: not root")
def test_a_disk_that_goes_read_only_ends_nothing_and_loses_no_fact(tmp_path: Path) -> None:
    """As ext4 does at an error. What trainings wrote meanwhile is theirs to lose; ends are kept."""
    disk = Disk(ext4, break_ext4, mend_ext4, "Read-only file system")
    source = write_sweep(tmp_path, trials=TRIALS, parallel=2, steps=40, script=TRIAL)
    with mounted(tmp_path / "disk", disk) as folder:
        place = folder / "sweep"
        with running("--batch", source, "--dir", place, cwd=tmp_path) as batch:
            try:
                wait_for(lambda: len(alive(tmp_path)) == 2, timeout=PATIENCE_S, what="none began")
                try:
                    disk.spoil(folder)
                except OSError as error:
                    pytest.skip(f"its kernel has no such test: {error}")
                before = (place / "journal.jsonl").read_bytes()
                wait_for(
                    lambda: disk.said in tuiswp("status", place, cwd=tmp_path).stdout,
                    timeout=PATIENCE_S,
                    what="nobody is told",
                )
                wait_for(lambda: not alive(tmp_path), timeout=PATIENCE_S, what="they did not end")
                assert batch.poll() is None
                assert (place / "journal.jsonl").read_bytes() == before
            finally:
                batch.kill()
                batch.wait()
                kill_trials_of(place)
