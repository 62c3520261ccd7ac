"""Who else could have put something here: directories, files, programs; and root among people."""

import os
import stat
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.controller.bench import Bench
from tuiswp import proc, trust
from tuiswp.controller import requests
from tuiswp.controller.directory import Lock, SweepDirectory, own_folder
from tuiswp.controller.opening import open_or_create, root_note, run_controller
from tuiswp.errors import EnvironmentFault, JournalError, TuiswpError
from tuiswp.launchers.tmux import TmuxLauncher

NOBODY = 65534
as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can be root and nobody")


@pytest.fixture
def directory(tmp_path: Path) -> SweepDirectory:
    place = SweepDirectory(tmp_path / "sweeps" / "lr")
    place.create()
    return place


@pytest.mark.parametrize("which", ["", "..", "../.."])
def test_a_place_that_others_can_write_or_exchange_is_refused(
    directory: SweepDirectory, which: str
) -> None:
    folder = (directory.root / which).resolve()
    folder.chmod(0o777)
    for attempt in (directory.check, lambda: Lock(directory)):
        with pytest.raises(EnvironmentFault, match=r"chmod (go|o)-w"):
            attempt()
    folder.chmod(0o1777 if which else 0o700)  # as /tmp
    directory.check()
    Lock(directory).release()


def test_what_is_made_on_the_way_cannot_be_written_by_others_under_any_umask(
    tmp_path: Path,
) -> None:
    before = os.umask(0)
    try:
        SweepDirectory(tmp_path / "sweeps" / "of" / "mine").create()
    finally:
        os.umask(before)
    made = [path for path in tmp_path.rglob("*") if path.stat().st_mode & 0o022]
    assert made == []


def test_a_runtime_directory_that_anybody_can_exchange_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "run").mkdir(mode=0o700)
    monkeypatch.setenv("TUISWP_RUNTIME_DIR", str(tmp_path / "run"))
    assert proc.runtime_dir() == tmp_path / "run"
    tmp_path.chmod(0o777)
    with pytest.raises(TuiswpError, match="everybody may put another directory in its place"):
        proc.runtime_dir()


def test_a_group_is_others_unless_it_is_ones_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tmp_path.chmod(0o770)
    monkeypatch.setattr(trust, "_is_own_group", lambda group: False)
    assert trust.others_can_write(tmp_path.stat())
    assert trust.shared_parent(tmp_path / "sweep") == tmp_path
    assert trust.open_parent(tmp_path / "sweep") is None
    monkeypatch.setattr(trust, "_is_own_group", lambda group: True)
    assert not trust.others_can_write(tmp_path.stat())
    assert trust.shared_parent(tmp_path / "sweep") != tmp_path


def hard(path: Path) -> None:
    os.link(path, path.with_name("another"))


@pytest.mark.parametrize(
    ("spoil", "said"),
    [(hard, "has a second name"), (lambda path: path.chmod(0o666), "can be written by others")],
)
def test_a_journal_and_a_sweep_file_that_others_could_change_decide_nothing(
    tmp_path: Path, spoil: Callable[[Path], None], said: str
) -> None:
    bench = Bench(tmp_path)
    bench.controller.core.journal.close()
    spoil(bench.place.journal)
    with pytest.raises(JournalError, match=f"{said}.*install -m 600"):
        bench.new()
    spoil(bench.place.sweep_file) if spoil is not hard else os.link(
        bench.place.sweep_file, tmp_path / "third"
    )
    with pytest.raises(EnvironmentFault, match=f"sweep.yaml: {said}.*install -m 600"):
        run_controller(bench.place, batch=True)


def test_a_request_with_a_second_name_is_not_believed(directory: SweepDirectory) -> None:
    requests.submit(directory, requests.new_request("kill", (1,)))
    [path] = directory.requests.iterdir()
    hard(path)
    path.with_name("another").rename(directory.root / "elsewhere")
    [(_, why)] = requests.pending(directory)
    assert isinstance(why, str) and "second name" in why


def test_a_link_where_a_trial_is_to_be_is_not_followed(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    (tmp_path / "elsewhere").mkdir()
    bench.place.trial(0).symlink_to(tmp_path / "elsewhere")
    bench.step()
    assert list((tmp_path / "elsewhere").iterdir()) == []
    assert "is not a directory; move it away" in bench.trials()[0].attempts[-1].evidence


def test_a_folder_of_ours_is_made_private_and_one_that_is_open_is_refused(tmp_path: Path) -> None:
    own_folder(tmp_path / "a")
    own_folder(tmp_path / "a")
    assert stat.S_IMODE((tmp_path / "a").stat().st_mode) == 0o700
    (tmp_path / "a").chmod(0o777)
    with pytest.raises(EnvironmentFault, match="others can write it"):
        own_folder(tmp_path / "a")


def test_the_directory_that_is_locked_is_the_one_that_is_worked_in(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    lock = Lock(bench.place)
    bench.place.root.rename(tmp_path / "moved")
    SweepDirectory(bench.place.root).create()
    bench.controller.stays_in(lock.home)
    with pytest.raises(EnvironmentFault, match="was moved or removed"):
        bench.controller.step()
    lock.release()


@pytest.mark.parametrize("name", ["tmux", "git", "py-spy", "tail"])
def test_no_tool_is_taken_from_a_relative_folder_or_one_that_everybody_can_write(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for folder in ("open", "mine"):
        (tmp_path / folder).mkdir(mode=0o700)
        (tmp_path / folder / name).write_text("#!/bin/sh\n")
        (tmp_path / folder / name).chmod(0o700)
    (tmp_path / "open").chmod(0o777)
    monkeypatch.chdir(tmp_path / "open")
    path = f".::../open:{tmp_path}/open:{tmp_path}/mine"
    assert trust.program(name, {"PATH": path}) == f"{tmp_path}/mine/{name}"
    assert trust.program(name, {"PATH": f".:{tmp_path}/open"}) is None
    assert trust.left_out({"PATH": path}) == [".", "", "../open", f"{tmp_path}/open"]


def test_what_tmux_itself_runs_is_fixed_by_its_path(tmp_path: Path) -> None:
    from tuiswp.launchers.tmux import _keeper

    assert _keeper()[0].startswith("/")
    assert (TmuxLauncher("x")._tmux or "/").startswith("/")
    assert Path(sys.executable).is_absolute()


# ── root and other people ────────────────────────────────────────────────────────────────────────

FILE = "method: grid\nparameters: {x: {values: [1]}}\ncommand: [sh, -c, 'true']\n"


@pytest.fixture
def theirs() -> Iterator[Path]:
    """A directory of nobody, on a way that nobody may go: pytest's own is for its owner alone."""
    with tempfile.TemporaryDirectory(prefix="tuiswp-nobody-", dir="/tmp") as name:
        folder = Path(name)
        (folder / "sweep.yaml").write_text(FILE)
        folder.chmod(0o755)
        os.chown(folder, NOBODY, NOBODY)
        yield folder


def as_nobody(work: Callable[[], object]) -> str:
    """What `work` says, or what it raises, in a process that is nobody."""
    out, back = os.pipe()
    pid = os.fork()
    if pid == 0:
        try:
            os.setgroups([])
            os.setgid(NOBODY)
            os.setuid(NOBODY)
            said = str(work())
        except TuiswpError as error:
            said = str(error)
        except BaseException as error:  # told by the parent
            said = repr(error)
        os.write(back, said.encode())
        os._exit(0)
    os.close(back)
    os.waitpid(pid, 0)
    with os.fdopen(out) as file:
        return file.read()


@as_root
def test_root_in_a_persons_directory_is_told_what_that_leaves_and_owns_nothing_anew(
    theirs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(theirs)
    before = (theirs / "sweep.yaml").stat().st_uid
    place, _, notes = open_or_create(theirs / "sweep.yaml")
    assert "this is root, and " in notes[0] and "`sudo -u nobody tuiswp …`" in notes[0]
    assert (theirs / "sweep.yaml").stat().st_uid == before
    assert root_note(SweepDirectory(Path("/root/x"))) == []
    # The person meets what root left there, and is told how to have it.
    said = as_nobody(place.check)
    assert f"`sudo chown -R nobody {theirs}/sweeps` gives it to you" in said
    (theirs / "sweeps").chmod(0o755)
    said = as_nobody(place.check)
    assert f"{place.root}: belongs to another user (root); was it made with sudo?" in said
    assert f"`sudo chown -R nobody {place.root}` gives it to you" in said


@as_root
def test_root_is_refused_in_a_persons_sweep_and_asks_nothing_of_it(
    theirs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(theirs)
    place = SweepDirectory(theirs / "mine")
    assert as_nobody(place.create) == "None"
    for attempt in (
        place.check,
        lambda: Lock(place),
        lambda: requests.submit(place, requests.new_request("kill", (1,))),
    ):
        with pytest.raises(EnvironmentFault, match="sudo -u nobody tuiswp"):
            attempt()
    assert {path.owner() for path in theirs.joinpath("mine").rglob("*")} == {"nobody"}
