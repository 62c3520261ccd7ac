"""`clone add extend set pin front interrupt` as a person types them, while no controller runs."""

import json
from pathlib import Path

import pytest

from tests.cli.conftest import Tuiswp
from tests.cli.world import World, finished
from tuiswp.cli import requests
from tuiswp.controller.client import SweepReader, SweepView
from tuiswp.controller.directory import SweepDirectory
from tuiswp.model.events import SweepResumed


@pytest.fixture(autouse=True)
def started(monkeypatch: pytest.MonkeyPatch) -> list[SweepDirectory]:
    """Sweeps for which a controller would have been started."""
    found: list[SweepDirectory] = []

    def start(directory: SweepDirectory) -> int:
        found.append(directory)
        return 4242

    monkeypatch.setattr(requests, "start_in_background", start)
    return found


def view(here: Path) -> SweepView:
    return SweepReader(here / "sweeps" / "lr").refresh(with_metrics=False)


def test_a_clone_waits_and_a_controller_is_started_for_it(
    tuiswp: Tuiswp, here: Path, started: list[SweepDirectory]
) -> None:
    finished(here / "sweeps" / "lr")
    said = tuiswp("clone", "lr", "t2", "lr=3e-3", "--why", "between the best two")
    assert said.code == 0, said.err
    first, second = said.out.splitlines()
    assert (
        first == "t0004 is cloned from t0002 with lr=3e-3; lr lies outside one of 1e-4, 1e-3, 1e-2"
    )
    assert "controller was started for it (pid 4242)" in second
    assert len(started) == 1
    told = tuiswp("explain", "t4").out
    assert "cloned from t0002 with lr=3e-3 by " in told
    assert ": between the best two; lr outside the range" in told


def test_points_come_from_a_file(tuiswp: Tuiswp, here: Path) -> None:
    finished(here / "sweeps" / "lr")
    Path("points.csv").write_text("lr\n2e-3\n\n5e-3\n")
    Path("points.jsonl").write_text('{"lr": 0.006}\n{}\n')
    assert tuiswp("add", "--from", "points.csv").code == 0
    assert tuiswp("add", "lr", "lr=4e-3", "--from", "points.jsonl").code == 0
    added = [trial.params["lr"] for trial in view(here).trials[4:]]
    assert added == [2e-3, 5e-3, 4e-3, 6e-3, 3e-4]  # the last is the baseline


@pytest.mark.parametrize(
    ("name", "text", "says"),
    [
        ("p.csv", "lr\n1e-3\nhigh\n", "p.csv:3: lr: 'high' does not fit"),
        ("p.csv", "rate\n1\n", "p.csv:1: no parameter is called 'rate'"),
        ("p.csv", "lr\n1,2\n", "p.csv:2: 2 cells for 1 names"),
        ("p.jsonl", "[1]\n", "p.jsonl:1: is not a JSON object"),
        ("p.jsonl", "{\n", "p.jsonl:1: is not JSON"),
        ("p.jsonl", "", "p.jsonl: holds no points"),
        ("p.csv", "lr\n", "p.csv: holds no points"),
    ],
)
def test_a_faulty_file_is_refused_with_its_line(
    tuiswp: Tuiswp, here: Path, name: str, text: str, says: str
) -> None:
    finished(here / "sweeps" / "lr")
    Path(name).write_text(text)
    said = tuiswp("add", "--from", name)
    assert (said.code, said.out) == (2, "")
    assert says in said.err
    assert len(view(here).trials) == 4


def test_an_extended_sweep_goes_on_and_says_how_it_was_edited(
    tuiswp: Tuiswp, here: Path, started: list[SweepDirectory]
) -> None:
    finished(here / "sweeps" / "lr")
    said = tuiswp("extend", "lr+=3e-3", "--why", "the edge won")
    assert said.out.startswith("lr: 1e-4, 1e-3, 1e-2 → 1e-4, 1e-3, 1e-2, 3e-3; the sweep goes on\n")
    assert len(started) == 1
    assert view(here).word == "interrupted"  # and no longer finished
    for command in (["status"], ["explain"], ["check", "lr"], ["results"]):
        out = " ".join(tuiswp(*command).out.split())
        assert "edited: lr: 1e-4, 1e-3, 1e-2 → 1e-4, 1e-3, 1e-2, 3e-3 (" in out
        assert ": the edge won)" in out
    assert "t0001:\n" not in tuiswp("check", "lr").out  # another grid began with it
    [edit] = tuiswp("status", "--json").json["edits"]
    assert (edit["what"], edit["why"]) == (
        ["lr: 1e-4, 1e-3, 1e-2 → 1e-4, 1e-3, 1e-2, 3e-3"],
        "the edge won",
    )
    assert "4 of 5 trials have been proposed so far" in tuiswp("explain").out


def test_an_extension_with_nothing_new_starts_nothing(
    tuiswp: Tuiswp, here: Path, started: list[SweepDirectory]
) -> None:
    finished(here / "sweeps" / "lr")
    assert "there is nothing new to try" in tuiswp("extend", "lr-=1e-4").out
    assert tuiswp("set", "max_parallel=4").out == "max_parallel: 2 → 4\n"
    assert tuiswp("extend", "--count", "9").out == (
        "run_cap: no limit → 9; there is nothing new to try\n"
    )
    assert started == []
    assert view(here).word == "finished"
    assert view(here).sweep.resources.max_parallel == 4


def test_a_sweep_file_with_another_range_names_the_command_that_carries_it_over(
    tuiswp: Tuiswp, here: Path, started: list[SweepDirectory]
) -> None:
    place = finished(here / "sweeps" / "lr")
    text = place.directory.sweep_file.read_text()
    Path("lr.yaml").write_text(text.replace("1e-2]", "1e-2, 3e-2]"))
    said = tuiswp("--batch", "lr.yaml")
    assert said.code == 2
    command = said.err.partition("carry it over with `")[2].partition("`")[0]
    assert command == "tuiswp extend lr lr=1e-4,1e-3,1e-2,3e-2"
    assert tuiswp(*command.split()[1:]).code == 0
    assert [one.id for one in started and view(here).trials] == [
        "t0000", "t0001", "t0002", "t0003",
    ]  # fmt: skip
    again = tuiswp("check", "lr").out
    assert "1e-4, 1e-3, 1e-2, 3e-2" in again


def test_a_pin_and_the_front_of_the_queue_need_no_controller(
    tuiswp: Tuiswp, here: Path, started: list[SweepDirectory]
) -> None:
    world = World(here / "sweeps" / "lr")
    for number in range(3):
        world.suggest(number, 10.0**-number)
    world.add(SweepResumed("anna"))
    world.close()
    assert tuiswp("pin", "1", "2").out == (
        "t0001 is pinned: it is never pruned; t0002 is pinned: it is never pruned\n"
    )
    assert tuiswp("unpin", "1").out == "t0001 is no longer pinned\n"
    assert tuiswp("front", "2", "1").out == "t0002, t0001 are next\n"
    assert [trial.number for trial in view(here).state.queued()] == [2, 1, 0]
    assert "pinned by " in tuiswp("explain", "2").out
    assert tuiswp("status").out.count("queued, pinned") == 1
    trials = json.loads(json.dumps(tuiswp("status", "--json").json["trials"]))
    assert [trial["pinned"] for trial in trials] == [False, False, True]
    assert tuiswp("interrupt", "1").code == 2
    assert started == []


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["clone", "9"], "t0009 does not exist; there are t0000 to t0003"),
        (["clone", "1", "rate=3"], "no parameter is called 'rate'"),
        (["add", "lr=big"], "lr: 'big' does not fit; it takes one of 1e-4, 1e-3, 1e-2"),
        (["add", "3", "lr=1"], "add takes no trial"),
        (["extend", "lr=1..2"], "lr: it has a list of values, not a range"),
        (["extend", "--count", "many"], "run_cap: 'many' is not a number"),
        (["set", "paralel=3"], "'paralel' is no setting that can be changed"),
    ],
)
def test_a_wrong_call_changes_nothing(
    tuiswp: Tuiswp, here: Path, words: list[str], says: str
) -> None:
    finished(here / "sweeps" / "lr")
    said = tuiswp(*words)
    assert (said.code, said.out) == (2, "")
    assert says in said.err
    assert (len(view(here).trials), view(here).state.edits) == (4, ())
