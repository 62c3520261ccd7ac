"""What is a checkpoint and what is not: nothing outside, no link, no metrics, no logs."""

import os
from pathlib import Path

import pytest

from tuiswp.controller.checkpoints import find, remove


@pytest.fixture
def trial(tmp_path: Path) -> Path:
    """A trial's directory as trainers leave it, and a model beside it that is somebody's."""
    trial = tmp_path / "t0007"
    for path in (
        "metrics.jsonl", "params.json", "config.json", "best.pt", "last.ckpt", "notes.txt",
        "out/model.safetensors", "out/checkpoint-10/model.bin", "out/checkpoint-10/config.json",
        "out/checkpoint-10/trainer_state.json", "out/checkpoint-10/sub/rng.state",
        "out/checkpoint-20/optimizer.pt", "attempts/1/output.log", "attempts/1/exit.json",
        "attempts/1/core.bin", "attempts/1/files/old.pt", "wandb/run-1/weights.pt", ".cache/x.pt",
        "logs/events.out.tfevents.1.bin", "metrics.bin.csv",
    ):  # fmt: skip
        (trial / path).parent.mkdir(parents=True, exist_ok=True)
        (trial / path).write_bytes(b"x" * 10)
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "precious.pt").write_bytes(b"mine")
    (trial / "checkpoint-99").symlink_to(tmp_path / "mine")
    (trial / "linked.pt").symlink_to(tmp_path / "mine" / "precious.pt")
    return trial


GONE = [
    "attempts/1/files/old.pt", "best.pt", "last.ckpt", "out/checkpoint-10/config.json",
    "out/checkpoint-10/model.bin", "out/checkpoint-10/sub/rng.state",
    "out/checkpoint-20/optimizer.pt", "out/model.safetensors",
]  # fmt: skip


def everything(top: Path) -> set[str]:
    return {str(path.relative_to(top)) for path in top.rglob("*") if not path.is_dir()}


def test_checkpoints_are_found_by_name_with_their_sizes(trial: Path) -> None:
    assert [(one.path, one.size) for one in find(trial)] == [(path, 10) for path in GONE]


def test_only_they_are_removed_and_what_links_lead_to_stays(trial: Path) -> None:
    before = everything(trial)
    done = remove(trial)
    assert sorted(one.path for one in done.gone) == GONE
    assert done.failed == ()
    assert everything(trial) == before - set(GONE)
    assert (trial.parent / "mine" / "precious.pt").read_bytes() == b"mine"
    assert not (trial / "out" / "checkpoint-20").exists()
    assert (trial / "out" / "checkpoint-10" / "trainer_state.json").exists()
    assert find(trial) == ()


def test_patterns_of_a_person_never_reach_metrics_logs_and_records(trial: Path) -> None:
    for patterns in (("*",), ("*/",), ("*.json", "*.jsonl", "*.log", "attempts/")):
        remove(trial, patterns)
    left = everything(trial)
    assert {
        "metrics.jsonl", "params.json", "config.json", "attempts/1/output.log",
        "attempts/1/exit.json", "out/checkpoint-10/trainer_state.json",
        "logs/events.out.tfevents.1.bin",
    } <= left  # fmt: skip


def test_a_trial_directory_that_is_a_link_is_not_entered(trial: Path, tmp_path: Path) -> None:
    link = tmp_path / "t0008"
    link.symlink_to(trial)
    assert find(link) == ()
    assert remove(link).gone == ()
    assert find(tmp_path / "none") == ()


def test_a_file_with_another_name_frees_nothing(trial: Path) -> None:
    os.link(trial / "best.pt", trial.parent / "kept.pt")
    assert next(one.size for one in find(trial) if one.path == "best.pt") == 0


@pytest.mark.skipif(os.getuid() == 0, reason="root may remove everything")
def test_what_cannot_be_removed_is_said(trial: Path) -> None:
    (trial / "out").chmod(0o500)
    done = remove(trial)
    (trial / "out").chmod(0o700)
    assert done.failed == ("out/model.safetensors: Permission denied",)
