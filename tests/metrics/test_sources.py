"""Every source of metrics against the same promises, and what is its own of each."""

import json
import os
import time
from pathlib import Path
from typing import Any

import pytest

from tests.contracts.source import Points, SourceContract, points, read
from tests.metrics import writers
from tuiswp.metrics.file import MetricFile
from tuiswp.metrics.resource import Growing
from tuiswp.metrics.sources.note import FILE

STEPS = range(200)
LOSS = [(float(n), 1 / (n + 1)) for n in STEPS]
RUN = "wandb/offline-run-20260101_000000-s-t0000-1/run-s-t0000-1.wandb"
EVENTS = "runs/host/events.out.tfevents.1700000000.host.1.0"


def halves(values: list[tuple[float, float]]) -> list[tuple[float, float]]:
    """As a float of four bytes keeps them: powers of two are kept."""
    return [(step, 2.0 ** -(step % 30)) for step, _ in values]


class TestJsonLines(SourceContract):
    name, kind = "metrics.jsonl", None

    def data(self) -> bytes:
        return b"".join(b'{"step": %d, "loss": %r}\n' % (n, 1 / (n + 1)) for n in STEPS)

    def expected(self) -> Points:
        return {"loss": LOSS}


class TestWandb(SourceContract):
    name, kind = RUN, "wandb"

    def data(self) -> bytes:
        rows: list[writers.Row] = [{"loss": 1 / (n + 1), ("val", "acc"): n} for n in STEPS]
        return writers.wandb_run(rows, padding=700)

    def expected(self) -> Points:
        return {"loss": LOSS, "val.acc": [(float(n), float(n)) for n in STEPS]}


class TestTensorBoard(SourceContract):
    name, kind = EVENTS, "tensorboard"

    def data(self) -> bytes:
        return writers.event_file(
            [
                writers.event(n, tag, 2.0 ** -(n % 30), tensor=tag == "eval/loss")
                for n in STEPS
                for tag in ("loss", "eval/loss")
            ]
        )

    def expected(self) -> Points:
        return {"loss": halves(LOSS), "eval/loss": halves(LOSS)}


class TestLightning(SourceContract):
    name, kind = "lightning_logs/version_0/metrics.csv", "lightning"

    def data(self) -> bytes:
        rows = [{"epoch": n // 50, "step": n, "loss": 1 / (n + 1)} for n in STEPS]
        return writers.lightning_csv(("epoch", "loss", "step"), rows)

    def expected(self) -> Points:
        return {"loss": LOSS}


class TestTrainerState(SourceContract):
    name, kind, whole = "out/checkpoint-200/trainer_state.json", "trainer_state", True

    def data(self) -> bytes:
        return writers.trainer_state([{"step": n, "loss": 1 / (n + 1)} for n in STEPS])

    @pytest.mark.parametrize("seed", range(3))
    def test_a_file_that_grows_gives_the_same_as_one_read_at_once(
        self, path: Path, folder: Path, seed: int
    ) -> None:
        file = MetricFile(folder / "metrics.jsonl")
        for upto in range(50 + seed, len(STEPS), 50):
            rows = [{"step": n, "loss": 1 / (n + 1)} for n in range(upto)]
            path.write_bytes(writers.trainer_state(rows)[: None if upto % 2 else 3_000])
            file.poll(final=True)
        path.write_bytes(self.data())
        file.poll()
        assert points(file) == self.expected()
        assert file.flags.bad_lines == 0

    def expected(self) -> Points:
        return {"loss": LOSS}


def put(path: Path, data: bytes) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    return path


def test_metrics_jsonl_counts_wherever_it_is_and_then_alone(tmp_path: Path) -> None:
    put(tmp_path / RUN, writers.wandb_run([{"loss": 1.0}, {"loss": 2.0}]))
    file = MetricFile(tmp_path / "metrics.jsonl")
    file.poll()
    before, seen = file.metrics["loss"], [file.kind]
    put(tmp_path / "metrics.jsonl", b'{"step": 5, "loss": 9}\n')
    file.poll()
    assert [*seen, file.kind] == ["wandb", None]
    assert points(file) == {"loss": [(5.0, 9.0)]}
    assert file.metrics["loss"] is not before


def test_a_restart_that_begins_anew_takes_the_place_of_the_run_before(tmp_path: Path) -> None:
    put(tmp_path / RUN, writers.wandb_run([{"loss": 9.0}] * 5))
    file, growing = MetricFile(tmp_path / "metrics.jsonl"), Growing("loss", "report")
    file.poll(final=True)
    growing.update(file)
    assert growing.values == [9.0] * 5
    later = RUN.replace("000000-s-t0000-1", "000100-s-t0000-2").replace("run-s-t0000-1", "run-x")
    put(tmp_path / later, writers.wandb_run([{"loss": 1.0}, {"loss": 2.0}]))
    file.poll(final=True)
    growing.update(file)
    assert points(file) == {"loss": [(0.0, 1.0), (1.0, 2.0)]} == points(read(tmp_path))
    assert growing.values == [1.0, 2.0]


def test_a_run_that_goes_on_behind_another_completes_it(tmp_path: Path) -> None:
    for version, steps in ((0, range(3)), (1, range(2, 5)), (10, range(5, 6))):
        rows = [{"step": n, "loss": version} for n in steps]
        put(
            tmp_path / f"lightning_logs/version_{version}/metrics.csv",
            writers.lightning_csv(("loss", "step"), rows),
        )
    loss = points(read(tmp_path))["loss"]
    assert loss == [(0.0, 0.0), (1.0, 0.0), (2.0, 1.0), (3.0, 1.0), (4.0, 1.0), (5.0, 10.0)]


def test_the_parts_of_a_tensorboard_run_lie_side_by_side(tmp_path: Path) -> None:
    name = "events.out.tfevents.1700000000.host.1"
    put(tmp_path / f"logs/train/{name}.0", writers.event_file([writers.event(1, "loss", 1.0)]))
    put(tmp_path / f"logs/validation/{name}.1", writers.event_file([writers.event(1, "loss", 2.0)]))
    put(tmp_path / f"logs/{name}.2", writers.event_file([writers.event(1, "lr", 0.5)]))
    put(tmp_path / f"logs/f1_val/{name}.3", writers.event_file([writers.event(1, "f1", 0.25)]))
    assert points(read(tmp_path)) == {
        "train/loss": [(1.0, 1.0)],
        "validation/loss": [(1.0, 2.0)],
        "lr": [(1.0, 0.5)],
        "f1/val": [(1.0, 0.25)],
    }


def test_the_newest_trainer_state_is_read_and_tells_the_progress(tmp_path: Path) -> None:
    for last in (10, 20):
        entries = [{"step": n, "loss": 1.0, "epoch": n / 20} for n in range(1, last + 1)]
        put(
            tmp_path / f"out/checkpoint-{last}/trainer_state.json",
            writers.trainer_state([*entries, {"step": last, "eval_loss": 0.5}], max_steps=20),
        )
        os.utime(tmp_path / f"out/checkpoint-{last}/trainer_state.json", (last, last))
    file = read(tmp_path)
    assert len(file.read_from) == 1
    assert (file.last_step, file.progress) == (20.0, 1.0)
    assert file.metrics["eval_loss"].last == 0.5


def test_the_metric_that_a_script_defines_as_the_step_of_all_is_its_step(tmp_path: Path) -> None:
    step_of_all = writers.field(12, writers.field(2, b"*") + writers.field(4, b"global"))
    rows = [{"_step": n, "loss": n, "global": 100 * n} for n in range(3)]
    rows.append({"_step": 3, "late": 1})  # belongs to the step before
    put(tmp_path / RUN, writers.wandb_file([step_of_all, *map(writers.history, rows)]))
    found = points(read(tmp_path))
    assert found["loss"] == [(0.0, 0.0), (100.0, 1.0), (200.0, 2.0)]
    assert found["late"] == [(200.0, 1.0)]


def test_media_and_text_of_wandb_are_no_metrics_and_a_gap_is_a_gap(tmp_path: Path) -> None:
    rows: list[writers.Row] = [
        {
            "loss": float("nan"),
            ("h", "_type"): "histogram",
            ("h", "count"): 3,
            "picture": {"_type": "image-file", "width": 3},
            "old": {"way": {"acc": 0.5}, "flag": True},
            "note": "hello",
            "flag": True,
            "nothing": None,
            "epoch": 2,
        }
    ]
    put(tmp_path / RUN, writers.wandb_run(rows))
    file = read(tmp_path)
    assert sorted(file.metrics) == ["loss", "old.way.acc"]
    assert file.metrics["loss"].last is None
    assert file.flags.non_finite == 1
    assert file.beside["epoch"].last == 2.0


def test_the_age_is_that_of_the_newest_value_and_not_of_its_file(tmp_path: Path) -> None:
    now = time.time()
    put(tmp_path / RUN, writers.wandb_run([{"loss": 1.0, "_timestamp": now - 300}]))
    file = read(tmp_path)
    assert file.last_change is not None
    assert time.monotonic() - file.last_change == pytest.approx(300, abs=60)
    path = put(tmp_path / "other" / "metrics.jsonl", b'{"loss": 1}\n')
    os.utime(path, (now - 600, now - 600))
    file = read(path.parent)
    assert file.last_change is not None
    assert time.monotonic() - file.last_change == pytest.approx(600, abs=60)


def test_what_a_trial_names_is_read_and_nothing_else(tmp_path: Path) -> None:
    put(tmp_path / "metrics.jsonl", b'{"loss": 9}\n')
    put(tmp_path / RUN, writers.wandb_run([{"loss": 1.0}]))
    put(tmp_path / EVENTS, writers.event_file([writers.event(3, "loss", 0.5)]))
    (tmp_path / FILE).write_text('{"kind": "tensorboard"}')
    file = read(tmp_path)
    assert (file.kind, points(file)) == ("tensorboard", {"loss": [(3.0, 0.5)]})
    (tmp_path / FILE).write_text('{"kind": "lightning"}')
    assert not read(tmp_path).metrics
    (tmp_path / FILE).write_text("{")
    assert points(read(tmp_path)) == {"loss": [(0.0, 9.0)]}


def test_a_run_of_this_trial_is_found_in_a_directory_of_many(tmp_path: Path) -> None:
    place, trial = tmp_path / "wandb", tmp_path / "t0000"
    for run in ("s-t0000-1", "s-t0001-1"):
        name = f"offline-run-20260101_000000-{run}/run-{run}.wandb"
        put(place / name, writers.wandb_run([{"loss": 1.0 if run == "s-t0000-1" else 2.0}]))
    trial.mkdir()
    (trial / FILE).write_text(json.dumps({"wandb": [[str(place), "s-t0000-1"]]}))
    assert points(read(trial)) == {"loss": [(0.0, 1.0)]}


def test_links_and_what_attempts_hold_are_not_looked_into(tmp_path: Path) -> None:
    outside = put(tmp_path / "outside" / RUN, writers.wandb_run([{"loss": 1.0}]))
    trial = tmp_path / "t0000"
    put(trial / "attempts/1/files" / RUN, writers.wandb_run([{"loss": 1.0}]))
    (trial / "link").symlink_to(outside.parents[2])
    (trial / "run-x.wandb").symlink_to(outside)
    file = read(trial)
    assert (file.kind, dict(file.metrics)) == (None, {})


def test_damage_in_the_middle_of_a_wandb_file_costs_its_block_and_says_where(
    tmp_path: Path,
) -> None:
    data = bytearray(writers.wandb_run([{"loss": float(n)} for n in range(400)], padding=700))
    data[70_000] ^= 0xFF
    put(tmp_path / RUN, bytes(data))
    file = read(tmp_path)
    bad = file.flags.first_bad
    assert bad is not None and "torn at byte" in bad.reason
    assert bad.reason.endswith("read on at byte 98304")
    assert 320 < file.metrics["loss"].count < 400
    assert file.metrics["loss"].last == 399.0


def test_a_header_in_the_middle_of_a_csv_names_the_cells_below_it(tmp_path: Path) -> None:
    text = b"step,loss\n0,1\n1,2\nloss,step,acc\n3,2,9\n"
    put(tmp_path / "metrics.csv", text)
    file = read(tmp_path)
    assert points(file) == {"loss": [(0, 1), (1, 2), (2, 3)], "acc": [(2, 9)]}
    assert file.trouble is None


@pytest.mark.timeout(60)
def test_a_hole_in_an_event_file_is_passed_over_at_once(tmp_path: Path) -> None:
    events = [writers.event(n, "loss", 1.0) for n in range(4)]
    before, behind = writers.event_file(events[:2]), writers.event_file(events[2:])
    put(tmp_path / EVENTS, before + bytes(64 << 20) + behind)
    file = read(tmp_path)
    assert [step for step, _ in points(file)["loss"]] == [0, 1, 2, 3]
    assert file.flags.bad_lines == 1


def test_a_row_of_nothing_but_media_has_no_metric_at_any_depth(tmp_path: Path) -> None:
    row: dict[Any, object] = {}
    for n in range(2_000):
        row |= {(f"m{n}", "_type"): "image", (f"m{n}", "size", "x"): 1.0, f"n{n}": 2.0}
    put(tmp_path / RUN, writers.wandb_run([row]))
    file = read(tmp_path)
    assert set(file.metrics) == {f"n{n}" for n in range(2_000)}


@pytest.mark.timeout(20)
def test_a_path_that_begins_with_two_slashes_is_a_path(tmp_path: Path) -> None:
    put(tmp_path / "events.out.tfevents.1.h", writers.event_file([writers.event(0, "loss", 1.0)]))
    assert set(read(Path(f"/{tmp_path}")).metrics) == {"loss"}
