"""Every source against files that the real library wrote a moment ago, and as they grow.

Each library runs in a process of its own, once; none is loaded into this one.
"""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec
import pytest

from tests.contracts.source import points
from tests.end_to_end.harness import wait_for
from tuiswp.controller.environment import for_wandb
from tuiswp.metrics.file import MetricFile
from tuiswp.metrics.sources import event_file, wandb_run
from tuiswp.spec.params import wandb_config

pytestmark = pytest.mark.slow

# Each logs a loss of 1 / (step + 1), ten steps, and after five waits until it was seen.
WAIT = """
import time
from pathlib import Path

def seen(step):
    while step == 5 and not Path("seen").exists():
        time.sleep(0.05)
"""
WANDB = """
import wandb
run = wandb.init(config={"lr": 1})
assert dict(wandb.config) == {"lr": 0.5, "opt": {"name": "sgd"}}, dict(wandb.config)
for step in range(10):
    seen(step)
    if step == 0:
        run.define_metric("*", step_metric="train/global_step", step_sync=True)
    wandb.log({"loss": 1 / (step + 1), "val": {"acc": step}, "gap": float("nan"),
               "train/global_step": 10 * step,
               "h": wandb.Histogram([1.0, 2.0]), "note": "hello"})
run.finish()
from wandb.proto import wandb_internal_pb2 as pb
numbers = lambda message: {f.name: f.number for f in message.DESCRIPTOR.fields}
print("FIELDS", numbers(pb.Record)["history"],
      numbers(pb.HistoryRecord)["item"], numbers(pb.HistoryRecord)["step"],
      numbers(pb.HistoryStep)["num"], numbers(pb.HistoryItem)["key"],
      numbers(pb.HistoryItem)["nested_key"], numbers(pb.HistoryItem)["value_json"],
      *(numbers(pb.Record)[one] for one in ("config", "metric", "run", "exit")),
      numbers(pb.MetricRecord)["glob_name"], numbers(pb.MetricRecord)["step_metric"],
      numbers(pb.RunExitRecord)["exit_code"], numbers(pb.RunRecord)["config"],
      numbers(pb.ConfigRecord)["update"], numbers(pb.ConfigItem)["key"],
      numbers(pb.ConfigItem)["value_json"])
"""
TENSORBOARD = """
import numpy as np
from tensorboard.compat.proto import event_pb2, summary_pb2, tensor_pb2, tensor_shape_pb2
from tensorboard.plugins.scalar.summary_v2 import scalar_pb
from tensorboard.summary.writer.event_file_writer import EventFileWriter
writer = EventFileWriter("runs/here", flush_secs=1)
for step in range(10):
    seen(step)
    value = summary_pb2.Summary.Value(tag="loss", simple_value=1 / (step + 1))
    both = summary_pb2.Summary(value=[value])
    both.MergeFrom(scalar_pb("eval/loss", np.float32(step)))
    writer.add_event(event_pb2.Event(wall_time=time.time(), step=step, summary=both))
    writer.flush()
writer.close()
numbers = lambda message: {f.name: f.number for f in message.DESCRIPTOR.fields}
event, value, tensor = event_pb2.Event, summary_pb2.Summary.Value, tensor_pb2.TensorProto
meta = summary_pb2.SummaryMetadata
print("FIELDS", *(numbers(event)[one] for one in ("wall_time", "step", "summary")),
      numbers(summary_pb2.Summary)["value"],
      *(numbers(value)[one] for one in ("tag", "simple_value", "tensor", "metadata")),
      numbers(meta)["plugin_data"], numbers(meta.PluginData)["plugin_name"],
      *(numbers(tensor)[one] for one in ("dtype", "tensor_shape")),
      numbers(tensor_shape_pb2.TensorShapeProto)["dim"],
      *(numbers(tensor)[one]
        for one in ("tensor_content", "float_val", "double_val", "int_val", "int64_val")))
"""
LIGHTNING = """
import warnings
warnings.simplefilter("ignore")
from lightning.pytorch.loggers import CSVLogger
logger = CSVLogger(".", flush_logs_every_n_steps=1)
for step in range(10):
    seen(step)
    logger.log_metrics({"loss": 1 / (step + 1), "epoch": 0}, step=step)
    if step == 7:  # a new column: the file is written anew
        logger.log_metrics({"val/acc": 0.5}, step=step)
logger.finalize("success")
"""
TRAINER = """
import os
from transformers import TrainerState
state = TrainerState(max_steps=10)
for step in range(10):
    seen(step)
    state.log_history.append({"loss": 1 / (step + 1), "epoch": step / 10, "step": step})
    if step % 5 == 4:
        folder = f"out/checkpoint-{step + 1}"
        os.makedirs(folder)
        state.save_to_json(f"{folder}/trainer_state.json")
"""
SCRIPTS = {
    "wandb": WANDB, "tensorboard": TENSORBOARD, "lightning": LIGHTNING, "trainer_state": TRAINER,
}  # fmt: skip


class Recording:
    """One script that runs in a directory of its own, and the file that follows it."""

    def __init__(self, folder: Path, script: str) -> None:
        folder.mkdir()
        (folder / "wandb-params.yaml").write_bytes(
            msgspec.json.encode(wandb_config({"lr": 0.5, "opt": {"name": "sgd"}}))
        )
        self.folder = folder
        self.file = MetricFile(folder / "metrics.jsonl")
        with (folder / "said").open("wb") as said:
            self.process = subprocess.Popen(
                [sys.executable, "-c", WAIT + script],
                cwd=folder,
                env={
                    **for_wandb(dict(os.environ), folder, "s", "s-t0000-1"),
                    "OMP_NUM_THREADS": "1",
                },
                stdout=said,
                stderr=subprocess.STDOUT,
            )

    def said(self) -> str:
        return (self.folder / "said").read_text()

    def rows(self) -> int:
        assert self.process.poll() in (None, 0), self.said()
        self.file.poll()
        series = self.file.metrics.get("loss")
        return 0 if series is None else series.count


@pytest.fixture
def record(tmp_path: Path) -> Iterator[Callable[[str], Recording]]:
    made: list[Recording] = []

    def start(kind: str) -> Recording:
        made.append(Recording(tmp_path / kind, SCRIPTS[kind]))
        return made[-1]

    yield start
    for one in made:
        one.process.kill()
        one.process.wait()


w, e = wandb_run, event_file
FIELDS = {
    "wandb": [
        w.RECORD_HISTORY, w.HISTORY_ITEM, w.HISTORY_STEP, w.STEP_NUM, w.ITEM_KEY,
        w.ITEM_NESTED_KEY, w.ITEM_VALUE_JSON, w.RECORD_CONFIG, w.RECORD_METRIC, w.RECORD_RUN,
        w.RECORD_EXIT, w.METRIC_GLOB, w.METRIC_STEP, w.EXIT_CODE, w.RUN_CONFIG, w.CONFIG_UPDATE,
        w.ITEM_KEY, w.ITEM_VALUE_JSON,
    ],
    "tensorboard": [
        e.EVENT_WALL_TIME, e.EVENT_STEP, e.EVENT_SUMMARY, e.SUMMARY_VALUE, e.VALUE_TAG,
        e.VALUE_SIMPLE, e.VALUE_TENSOR, e.VALUE_METADATA, e.METADATA_PLUGIN, e.PLUGIN_NAME,
        e.TENSOR_DTYPE, e.TENSOR_SHAPE, e.SHAPE_DIM, e.TENSOR_CONTENT, e.TENSOR_FLOAT,
        e.TENSOR_DOUBLE, e.TENSOR_INT, e.TENSOR_INT64,
    ],
}  # fmt: skip


@pytest.mark.parametrize("kind", SCRIPTS)
def test_what_a_library_writes_is_seen_as_it_is_written_and_its_fields_are_those_we_read(
    record: Callable[[str], Recording], kind: str
) -> None:
    one = record(kind)
    wait_for(lambda: one.rows() == 5, timeout=90)
    (one.folder / "seen").touch()
    assert one.process.wait(60) == 0, one.said()
    one.file.poll(final=True)
    assert one.file.kind == kind
    assert one.file.flags.bad_lines == 0
    fresh = MetricFile(one.folder / "metrics.jsonl")
    fresh.poll(final=True)
    assert points(fresh) == points(one.file)
    loss = [value for _, value in points(fresh)["loss"]]
    assert loss == pytest.approx([1 / (step + 1) for step in range(10)], rel=1e-6)
    others = {name: len(found) for name, found in points(fresh).items() if name != "loss"}
    assert (
        others
        == {
            "wandb": {"val.acc": 10, "gap": 10, "train/global_step": 10},
            "tensorboard": {"eval/loss": 10},
            "lightning": {"val/acc": 1},
            "trainer_state": {},
        }[kind]
    )
    assert fresh.last_step == (90.0 if kind == "wandb" else 9.0)
    assert fresh.progress == {"wandb": 1.0, "trainer_state": 0.9}.get(kind)
    fields = [line.split()[1:] for line in one.said().splitlines() if line.startswith("FIELDS")]
    assert [list(map(int, line)) for line in fields] == ([FIELDS[kind]] if kind in FIELDS else [])
    if kind == "wandb":
        assert "run-s-t0000-1.wandb" in what_would_be_synced(one.folder)


def what_would_be_synced(folder: Path) -> str:
    """By W&B's own command, as far as it goes without a network."""
    done = subprocess.run(
        [sys.executable, "-m", "wandb", "sync", "--dry-run"],
        cwd=folder, capture_output=True, text=True, timeout=90, check=False,
    )  # fmt: skip
    return done.stdout + done.stderr


LIVE = """
import wandb
from tuiswp import report
report.wandb_live()
report.wandb_live()
run = wandb.init()
for step in range(3):
    wandb.log({"loss": 1 / (step + 1), "val": {"acc": step}, "h": wandb.Histogram([1.0])})
wandb.log({"a": 1.0}, step=10)
run.log({"b": 2.0}, step=10)
wandb.log({"c": 3.0}, commit=False)
wandb.log({"d": 4.0})
wandb.log({"e": 5.0}, step=20, commit=True)
wandb.log({"f": 6.0})
print("written", len(open("metrics.jsonl").readlines()))
run.finish()
"""


def test_one_line_makes_wandb_report_at_once_and_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "live"
    monkeypatch.setenv("TUISWP_METRICS", str(folder / "metrics.jsonl"))
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parents[2]))
    one = Recording(folder, LIVE)
    try:
        assert one.process.wait(90) == 0, one.said()
    finally:
        one.process.kill()
    assert "written 9" in one.said()
    one.file.poll(final=True)
    assert one.file.kind is None
    (folder / "metrics.jsonl").rename(folder / "aside")
    theirs = MetricFile(folder / "metrics.jsonl")
    theirs.poll(final=True)
    assert theirs.kind == "wandb"
    assert points(theirs) == points(one.file)
