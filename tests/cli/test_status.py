"""`status`: its JSON shape, its table, and answers in every kind of trouble."""

from pathlib import Path

import pytest

from tests.cli.conftest import Tuiswp
from tests.cli.world import NOBODY, World, finished, myself_as_holder, run_folder
from tuiswp import proc
from tuiswp.model.events import SweepPaused
from tuiswp.model.trial import Lease


def running(here: Path) -> World:
    """One trial done, one running on a GPU, one failed and to be tried later, one queued."""
    world = World(here / "sweeps" / "lr")
    for number, lr in enumerate((3e-4, 1e-4, 1e-3)):
        world.suggest(number, lr)
    world.launch(0)
    world.end(0, 2.5)
    world.launch(1, lease=Lease("GPU-1", 0, "G0"))
    world.metrics(1, [3.0, 2.75])
    return world


def test_json_has_exactly_the_promised_shape(tuiswp: Tuiswp, here: Path) -> None:
    running(here).close()
    found = tuiswp("status", "--json").json
    assert list(found) == [
        "sweep", "dir", "state", "controller", "trouble", "counts", "trials", "stop", "phases",
        "gpus", "edits", "quarantined", "left_s",
    ]  # fmt: skip
    assert found["sweep"] == "lr"
    assert found["dir"] == str(here / "sweeps" / "lr")
    assert found["state"] == "orphaned"
    assert found["controller"] == {"pid": None, "alive": False, "host": None}
    assert found["counts"] == {
        "queued": 1, "running": 1, "paused": 0, "done": 1,
        "failed": 0, "killed": 0, "pruned": 0, "lost": 0,
    }  # fmt: skip
    assert found["trials"][1] == {
        "id": "t0001", "state": "running", "cause": None, "params": {"lr": 1e-4},
        "value": 2.75, "step": 2.0, "progress": 1.0, "attempt": 1, "gpu": "G0",
        "origin": "grid", "source": None, "pinned": False, "interrupted": False,
            "silent": None, "slow": None, "left_s": 0.0,
    }  # fmt: skip
    assert found["trials"][2]["attempt"] is None
    assert found["gpus"] == []
    assert found["edits"] == found["quarantined"] == []


def test_a_live_controller_is_named(tuiswp: Tuiswp, here: Path) -> None:
    world = World(here / "sweeps" / "lr")
    me = myself_as_holder(world)
    world.close()
    told = tuiswp("status", "--json").json["controller"]
    assert told == {"pid": me.pid, "alive": True, "host": proc.hostname()}
    assert f"controller pid {me.pid}" in tuiswp("status").out


def test_a_dead_controller_is_said_with_what_next(
    tuiswp: Tuiswp, here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TUISWP_HOSTNAME", "host")  # its trials run here, not on another
    world = running(here)
    world.controller(NOBODY)
    world.close()
    said = tuiswp("status")
    assert said.code == 0
    assert "no controller runs, 1 trial may still be running: `tuiswp lr` takes over" in said.out


def test_simulated_gpus_show_up_in_json(
    tuiswp: Tuiswp, here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    finished(here / "sweeps" / "lr")
    monkeypatch.setenv("TUISWP_GPUS", "sim:2x80")
    gpus = tuiswp("status", "--json").json["gpus"]
    assert [gpu["label"] for gpu in gpus] == ["G0", "G1"]
    assert gpus[0]["memory_total_mib"] == 80 * 1024
    assert gpus[0]["leases"] == []


def test_a_wrong_setting_for_gpus_does_not_hide_the_trials(
    tuiswp: Tuiswp, here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    finished(here / "sweeps" / "lr")
    monkeypatch.setenv("TUISWP_GPUS", "seven")
    said = tuiswp("status", "--json")
    assert said.code == 0
    assert len(said.json["trials"]) == 4
    assert "TUISWP_GPUS" in said.err


def test_the_table_shows_every_trial(tuiswp: Tuiswp, here: Path) -> None:
    running(here).close()
    lines = tuiswp("status").out.splitlines()
    assert lines[0] == "lr  orphaned  1 done, 1 running, 1 queued"
    assert "best t0000  loss 2.5000  lr=3e-4" in lines
    rows = {line.split()[0]: line.split() for line in lines if line.startswith("t0")}
    assert rows["t0000"] == ["t0000", "done", "lr=3e-4", "2.5000", "3", "100", "%", "1", "cpu0"]
    assert rows["t0001"] == ["t0001", "running", "lr=1e-4", "2.7500", "2", "100", "%", "1", "G0"]
    assert rows["t0002"][:3] == ["t0002", "queued", "lr=1e-3"]


def test_a_failure_shows_its_cause(tuiswp: Tuiswp, here: Path) -> None:
    world = World(here / "sweeps" / "lr")
    world.suggest(0, 3e-4)
    world.launch(0)
    world.fail(0)
    world.close()
    assert "failed (exit-code)" in tuiswp("status").out


def test_a_paused_sweep_says_by_whom_and_how_to_go_on(tuiswp: Tuiswp, here: Path) -> None:
    world = World(here / "sweeps" / "lr")
    myself_as_holder(world)
    world.add(SweepPaused("ada, pid 1", "asked\x1b[2J"))
    world.close()
    said = tuiswp("status")
    assert "paused by ada, pid 1: asked␛[2J" in said.out
    assert "`tuiswp resume lr` goes on" in said.out


def test_a_damaged_journal_is_read_as_far_as_it_goes(tuiswp: Tuiswp, here: Path) -> None:
    journal = finished(here / "sweeps" / "lr").directory.journal
    lines = journal.read_bytes().splitlines(keepends=True)
    lines[4] = lines[4].replace(b"t", b"x", 1)
    journal.write_bytes(b"".join(lines))
    said = tuiswp("status")
    assert said.code == 0
    assert "damaged: journal.jsonl:5" in said.out
    assert "t0003" in said.out


def test_a_folder_of_runs_is_shown_with_the_names_of_its_runs(tuiswp: Tuiswp, here: Path) -> None:
    run_folder(here / "runs")
    said = tuiswp("status", "runs")
    assert said.out.splitlines()[0] == "runs  read-only  3 done"
    assert "run-2" in said.out
    assert tuiswp("status", "runs", "--json").json["state"] == "read-only"


def test_nothing_is_written_by_looking(tuiswp: Tuiswp, here: Path) -> None:
    root = running(here).close().directory.root
    before = sorted((path, path.stat().st_mtime_ns) for path in root.rglob("*"))
    for words in (["status"], ["status", "--json"], ["results"], ["explain"], ["explain", "1"]):
        assert tuiswp(*words).code == 0
    assert sorted((path, path.stat().st_mtime_ns) for path in root.rglob("*")) == before
