"""What SWEEP and TRIAL mean."""

from pathlib import Path

import pytest

from tests.cli.world import SPEC, World, finished, myself_as_holder, run_folder
from tuiswp.cli import arguments
from tuiswp.controller.directory import Lock
from tuiswp.errors import UsageError


def test_a_directory_a_name_and_the_sweep_file_mean_the_same_sweep(here: Path) -> None:
    finished(here / "sweeps" / "lr")
    (here / "any.yaml").write_text(SPEC)
    for text in ("sweeps/lr", "lr", "any.yaml", str(here / "sweeps" / "lr")):
        assert arguments.find_sweep(text).resolve() == here / "sweeps" / "lr"


def test_a_name_with_odd_characters_finds_its_safe_directory(here: Path) -> None:
    from tuiswp.spec.names import safe_name

    finished(here / "sweeps" / safe_name("a b"))
    assert arguments.find_sweep("a b").name == safe_name("a b")


def test_a_folder_of_runs_is_accepted(here: Path) -> None:
    run_folder(here / "runs")
    assert arguments.find_sweep("runs") == Path("runs")


def test_left_out_it_is_the_only_sweep(here: Path) -> None:
    finished(here / "sweeps" / "one")
    assert arguments.find_sweep(None) == Path("sweeps/one")


def test_left_out_it_is_the_only_live_one(here: Path) -> None:
    finished(here / "sweeps" / "old")
    world = World(here / "sweeps" / "new")
    myself_as_holder(world)
    world.close()
    lock = Lock(world.directory)
    try:
        assert arguments.find_sweep(None) == Path("sweeps/new")
    finally:
        lock.release()


def test_left_out_inside_a_sweep_directory_it_is_this_one(
    here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    finished(here / "elsewhere")
    monkeypatch.chdir(here / "elsewhere")
    assert arguments.find_sweep(None) == Path()


def test_left_out_among_several_the_candidates_are_named(here: Path) -> None:
    finished(here / "sweeps" / "a")
    finished(here / "sweeps" / "b")
    with pytest.raises(UsageError, match=r"there are 2 sweeps here: a, b; name one of them"):
        arguments.find_sweep(None)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("nothing", "looked for a file or directory of that name, and for sweeps/nothing"),
        ("empty", "holds no sweep"),
        ("new.yaml", "has not been started"),
        ("\x1b[31m", "\u241b"),
        ("", "empty text"),
    ],
)
def test_a_sweep_that_is_not_there_says_what_was_looked_for(
    here: Path, text: str, says: str
) -> None:
    (here / "empty").mkdir()
    (here / "new.yaml").write_text(SPEC)
    with pytest.raises(UsageError) as caught:
        arguments.find_sweep(text)
    assert says in str(caught.value)
    assert "\x1b" not in str(caught.value)


@pytest.mark.parametrize(
    ("words", "meant"),
    [
        (["7"], (None, [7])),
        (["t7", "t0008"], (None, [7, 8])),
        (["lr", "7"], ("lr", [7])),
        (["./7"], ("./7", [])),
        (["lr"], ("lr", [])),
        ([], (None, [])),
        (["lr", "7", "t0007"], ("lr", [7])),
    ],
)
def test_trials_are_told_from_sweeps(
    words: list[str], meant: tuple[str | None, list[int]], here: Path
) -> None:
    (here / "7").mkdir()
    assert arguments.split(words) == meant


def test_a_word_that_is_no_trial_is_refused() -> None:
    with pytest.raises(UsageError, match="write it as 7, t7 or t0007"):
        arguments.split(["lr", "seven"])


def test_a_missing_trial_says_which_exist(here: Path) -> None:
    from tuiswp.controller.client import SweepReader

    finished(here / "lr")
    trials = SweepReader(here / "lr").refresh().state.trials
    with pytest.raises(UsageError, match="t0009 does not exist; there are t0000 to t0003"):
        arguments.one_trial(trials, 9)
    with pytest.raises(UsageError, match="no trial has been started yet"):
        arguments.one_trial({}, 9)
