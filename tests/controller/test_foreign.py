"""A folder of runs that something else launched: nothing guessed, nothing written."""

import json
import os
import time
from pathlib import Path

import msgspec
import pytest

from tests.metrics import writers
from tuiswp.analysis.optimum import judge
from tuiswp.controller import foreign
from tuiswp.controller.client import SweepReader
from tuiswp.controller.directory import is_run_folder
from tuiswp.errors import UsageError
from tuiswp.model.trial import Ended, Queued


def run(
    folder: Path,
    name: str,
    config: dict[str, object],
    losses: list[float],
    *,
    progress: float | None = None,
    age_s: float = 3600.0,
) -> Path:
    place = folder / name
    place.mkdir(parents=True)
    (place / "config.json").write_text(json.dumps(config))
    rows = []
    for step, loss in enumerate(losses):
        row: dict[str, float] = {
            "step": step,
            "train_mean_nll": loss,
            "learning_rate": 0.5 / (step + 1),
        }
        if progress is not None:
            row["progress"] = progress * (step + 1) / len(losses)
        rows.append(json.dumps(row) + "\n")
    (place / "metrics.jsonl").write_text("".join(rows))
    then = time.time() - age_s
    os.utime(place / "metrics.jsonl", (then, then))
    return place


def test_runs_become_trials_with_what_varies_as_parameters(tmp_path: Path) -> None:
    for rate, loss in [(1e-4, 3.0), (3e-4, 2.0), (1e-3, 2.5)]:
        config = {"learning_rate": rate, "batch_size": 8, "log_path": f"/x/lr-{rate}"}
        run(tmp_path, f"lr-{rate}", config, [4.0, loss], progress=1.0)
    view = SweepReader(tmp_path).refresh()
    assert [parameter.name for parameter in view.sweep.parameters] == ["learning_rate"]
    assert view.sweep.objective is not None
    assert view.sweep.objective.metric == "train_mean_nll"
    best = judge(view.sweep, view.trials).optimum
    assert best is not None
    # From config.json, never from the decayed column of the metrics.
    assert best.params == {"learning_rate": 3e-4}
    assert view.foreign
    assert view.word == "read-only"


def test_a_run_that_stopped_short_is_lost_not_done(tmp_path: Path) -> None:
    run(tmp_path, "short", {"lr": 1}, [3.0, 1.0], progress=0.5)
    run(tmp_path, "whole", {"lr": 2}, [3.0, 2.0], progress=0.99)
    view = SweepReader(tmp_path).refresh()
    assert [trial.state for trial in view.trials] == ["lost", "done"]
    best = judge(view.sweep, view.trials).optimum
    assert best is not None
    assert best.params == {"lr": 2}


def test_a_final_checkpoint_is_a_sign_of_the_end(tmp_path: Path) -> None:
    """`progress` of a finished run of 49 steps or fewer never reaches 98 %."""
    place = run(tmp_path, "short", {"lr": 1}, [3.0, 1.0], progress=0.97)
    (place / "checkpoints.jsonl").write_text('{"name": "000020"}\n{"name": "final"}\n')
    [trial] = SweepReader(tmp_path).refresh().trials
    assert (trial.state, trial.complete) == ("done", True)


def test_a_run_that_grew_a_moment_ago_is_running(tmp_path: Path) -> None:
    run(tmp_path, "live", {"lr": 1}, [3.0], progress=0.1, age_s=1.0)
    view = SweepReader(tmp_path).refresh()
    assert view.trials[0].state == "running"
    assert view.live[0].progress == pytest.approx(0.1)


@pytest.mark.parametrize("config", ["", "{", "[]", "null", "[" * 100_000])
def test_a_config_that_is_none_leaves_the_run_readable(tmp_path: Path, config: str) -> None:
    place = run(tmp_path, "a", {}, [1.0], progress=1.0)
    (place / "config.json").write_text(config)
    run(tmp_path, "b", {"lr": 2}, [2.0], progress=1.0)
    assert [trial.value for trial in SweepReader(tmp_path).refresh().trials] == [1.0, 2.0]


def test_values_of_every_kind_can_vary(tmp_path: Path) -> None:
    for n, value in enumerate([None, "None", True, 1, [1, 2], {"a": 1}]):
        run(tmp_path, f"r{n}", {"x": value}, [float(n)], progress=1.0)
    view = SweepReader(tmp_path).refresh()
    assert [trial.params["x"] for trial in view.trials] == [None, "None", True, 1, [1, 2], {"a": 1}]
    assert len({trial.key for trial in view.trials}) == 6


def test_a_folder_of_something_else_is_refused_with_what_would_do(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("")
    with pytest.raises(UsageError, match="folder of runs"):
        SweepReader(tmp_path)


def test_reading_writes_nothing(tmp_path: Path) -> None:
    run(tmp_path, "a", {"lr": 1}, [1.0], progress=1.0)
    before = sorted(tmp_path.rglob("*"))
    SweepReader(tmp_path).refresh()
    assert sorted(tmp_path.rglob("*")) == before


def test_without_a_known_metric_nothing_is_chosen(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "metrics.jsonl").write_text('{"step": 1, "quux": 2}\n')
    sweep, _, _ = foreign.read(tmp_path)
    assert sweep.objective is None


@pytest.mark.parametrize("config", [None, "{", "[]"])
def test_a_config_that_cannot_be_read_makes_no_constant_a_parameter(
    tmp_path: Path, config: str | None
) -> None:
    for rate in (1, 2):
        run(tmp_path, f"r{rate}", {"lr": rate, "batch_size": 8}, [1.0], progress=1.0)
    place = run(tmp_path, "unknown", {}, [1.0], progress=1.0)
    (place / "config.json").unlink()
    if config is not None:
        (place / "config.json").write_text(config)
    view = SweepReader(tmp_path).refresh()
    assert [parameter.name for parameter in view.sweep.parameters] == ["lr"]
    assert [trial.params for trial in view.trials] == [{"lr": 1}, {"lr": 2}, {}]


def test_a_setting_that_only_some_runs_name_varies_by_the_values_it_has() -> None:
    configs = [{"lr": 1, "seed": 0, "rank": 4}, {"lr": 2, "seed": 0}, {"lr": 2, "rank": 8}]
    assert [parameter.name for parameter in foreign.varying(configs)] == ["lr", "rank"]


def progressing(folder: Path, steps: int, total: int, *, age_s: float, first: int = 0) -> None:
    """A run that logs progress (step + first) / total and ended after `steps` steps."""
    place = run(folder, "r", {"lr": 1}, [1.0])
    rows = [{"step": n, "loss": 1.0, "progress": (n + first) / total} for n in range(steps)]
    (place / "metrics.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    then = time.time() - age_s
    os.utime(place / "metrics.jsonl", (then, then))


@pytest.mark.parametrize("total", [2, 3, 12, 49])
def test_a_quiet_run_whose_progress_ends_one_step_below_1_is_done(
    tmp_path: Path, total: int
) -> None:
    progressing(tmp_path, total, total, age_s=3600)
    [trial] = SweepReader(tmp_path).refresh().trials
    assert (trial.state, trial.complete) == ("done", True)
    assert isinstance(trial.status, Ended)
    assert f"at step {total - 1}, its last" in trial.status.evidence


@pytest.mark.parametrize(("steps", "first"), [(11, 0), (6, 0), (11, 1), (6, 1)])
def test_a_quiet_run_that_has_steps_left_is_lost(tmp_path: Path, steps: int, first: int) -> None:
    progressing(tmp_path, steps, 12, age_s=10_800, first=first)
    [trial] = SweepReader(tmp_path).refresh().trials
    assert (trial.state, trial.complete) == ("lost", False)
    assert isinstance(trial.status, Ended)
    assert "silent for 3 h" in trial.status.evidence


def test_a_run_at_its_last_step_is_running_until_it_is_quiet(tmp_path: Path) -> None:
    progressing(tmp_path, 12, 12, age_s=1)
    [trial] = SweepReader(tmp_path).refresh().trials
    assert trial.state == "running"


def test_a_large_folder_read_bit_by_bit_ends_as_one_read_at_once(tmp_path: Path) -> None:
    for number in range(40):
        progress = 1.0 if number % 3 else 0.5
        run(
            tmp_path,
            f"r{number:02}",
            {"lr": number / 8},
            [3.0, 1.0 / (1 + number)],
            progress=progress,
        )
    folder = foreign.RunFolder(tmp_path)
    seen: list[int] = []
    while not seen or folder.unread:
        sweep, state, _ = folder.refresh(budget_s=0.0)
        seen.append(len(state.trials))
        assert len(state.trials) + folder.unread == 40
    whole_sweep, whole, _ = foreign.RunFolder(tmp_path).refresh()
    assert seen == list(range(1, 41))
    assert (sweep.parameters, sweep.objective) == (whole_sweep.parameters, whole_sweep.objective)
    assert [msgspec.structs.replace(t, status=Queued(0)) for t in state.trials.values()] == [
        msgspec.structs.replace(t, status=Queued(0)) for t in whole.trials.values()
    ]
    assert [t.state for t in state.trials.values()] == [t.state for t in whole.trials.values()]
    assert folder.refresh()[1] is state  # nothing was written since


def test_runs_that_come_and_go_keep_the_order_of_their_names(tmp_path: Path) -> None:
    for name in ("b", "d"):
        run(tmp_path, name, {"lr": name}, [1.0])
    folder = foreign.RunFolder(tmp_path)
    folder.refresh()
    run(tmp_path, "c", {"lr": "c"}, [1.0])
    _, state, _ = folder.refresh()
    assert [trial.params for trial in state.trials.values()] == [{"lr": name} for name in "bcd"]
    (tmp_path / "b" / "metrics.jsonl").unlink()
    folder.refresh()
    _, state, _ = folder.refresh()
    assert [trial.params for trial in state.trials.values()] == [{"lr": name} for name in "cd"]


def test_a_folder_of_wandb_runs_is_read_with_its_settings_and_its_ends(tmp_path: Path) -> None:
    for number, (lr, code) in enumerate([(0.1, 0), (0.2, 0), (0.3, 1)]):
        run = tmp_path / f"offline-run-20260101_00000{number}-r{number}"
        run.mkdir()
        (run / f"run-r{number}.wandb").write_bytes(
            writers.wandb_file(
                [
                    writers.settings({"_wandb": {}, "lr": lr, "epochs": 3}),
                    *(writers.history({"_step": n, "loss": lr / (n + 1)}) for n in range(3)),
                    writers.finished(code),
                ]
            )
        )
        long_ago = time.time() - 1_000
        os.utime(run / f"run-r{number}.wandb", (long_ago, long_ago))
    (tmp_path / "latest-run").symlink_to("offline-run-20260101_000002-r2")
    (tmp_path / "debug.log").write_text("")
    sweep, state, growing = foreign.read(tmp_path)
    assert [one.path for one in sweep.parameters] == [("lr",)]
    trials = list(state.trials.values())
    assert [one.params for one in trials] == [{"lr": 0.1}, {"lr": 0.2}, {"lr": 0.3}]
    assert [one.state for one in trials] == ["done", "done", "lost"]
    assert [one.value for one in trials] == pytest.approx([0.1 / 3, 0.2 / 3, 0.3 / 3])
    assert not growing


def test_a_folder_of_other_things_holds_no_runs(tmp_path: Path) -> None:
    for name in ("src", "data"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "notes.csv").write_text("a,b\n")
    assert not is_run_folder(tmp_path)
    (tmp_path / "data" / "metrics.csv").write_text("step,loss\n1,2\n")
    assert is_run_folder(tmp_path)
    (tmp_path / "data" / "metrics.csv").unlink()
    (tmp_path / "checkpoint-3").mkdir()
    (tmp_path / "checkpoint-3" / "trainer_state.json").write_text("{}")
    assert not is_run_folder(tmp_path)  # it is one run
