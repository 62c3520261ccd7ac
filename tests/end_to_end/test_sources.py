"""Scripts that know nothing of tuiswp, swept as they are: one of W&B's, one of Hugging Face's."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.end_to_end.harness import state_of, tuiswp
from tuiswp.controller.opening import place_for
from tuiswp.controller.reducer import SweepState

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

# The loss depends on x alone, so what is proposed and who is stopped depends on no clock. Those two
# that are stopped at their third report wait for it: W&B writes out what it has each second.
WANDB = """
import time, wandb
wandb.init(config={"x": 100.0})
loss = (wandb.config.x - 0.3) ** 2
for step in range(4):
    wandb.log({"loss": loss})
    if step == 2 and loss > 1.8:
        time.sleep(120)
"""
OURS = """
import sys, time
from tuiswp import report
loss = (float(sys.argv[1].partition("=")[2]) - 0.3) ** 2
for step in range(4):
    report.log(step=step, loss=loss)
    if step == 2 and loss > 1.8:
        time.sleep(120)
"""
SWEEP = """
program: {program}
method: bayes
run_cap: 4
metric: {{name: loss, goal: minimize}}
early_terminate: {{type: hyperband, min_iter: 3}}
parameters:
  x: {{min: -2.0, max: 2.0}}
command: [{python}, "${{program}}", "${{args}}"]
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parents[2]))
    return tmp_path


def outcome(state: SweepState) -> list[tuple[Any, ...]]:
    """What became of each trial, and why: nothing in it depends on where the values were read."""
    return [
        (trial.params, trial.state, trial.value, trial.step, trial.attempts[-1].evidence)
        for trial in state.trials.values()
    ]


def test_a_wandb_sweep_runs_as_it_is_and_decides_as_one_that_reports_to_us(folder: Path) -> None:
    (folder / "ours.py").write_text(OURS)
    (folder / "theirs.py").write_text(WANDB)
    running = []
    for name in ("ours", "theirs"):
        (folder / f"{name}.yaml").write_text(
            SWEEP.format(program=f"{name}.py", python=json.dumps(sys.executable))
        )
        running.append(
            subprocess.Popen(
                [sys.executable, "-m", "tuiswp.cli.main", "--batch", f"{name}.yaml"],
                cwd=folder, stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
            )
        )  # fmt: skip
    said = [process.communicate(timeout=280)[0] for process in running]
    assert [process.returncode for process in running] == [0, 0], said
    ours, theirs = (
        state_of(place_for(folder / f"{name}.yaml", name=None, directory=None).root)
        for name in ("ours", "theirs")
    )
    assert outcome(theirs) == outcome(ours)
    stopped = [trial for trial in theirs.trials.values() if trial.state == "pruned"]
    assert len(stopped) == 2
    assert all("hyperband at report 3" in trial.attempts[-1].evidence for trial in stopped)
    assert theirs.best is not None and ours.best is not None
    assert (theirs.best.trial, theirs.best.value) == (ours.best.trial, ours.best.value)


TRAINER = """
import torch
from dataclasses import dataclass, field
from transformers import HfArgumentParser, Trainer, TrainingArguments

@dataclass
class ModelArguments:
    hidden_size: int = field(default=4)

class Net(torch.nn.Module):
    def __init__(self, hidden):
        super().__init__()
        self.layers = torch.nn.Sequential(torch.nn.Linear(2, hidden), torch.nn.Linear(hidden, 1))
    def forward(self, x, labels):
        return {"loss": torch.nn.functional.mse_loss(self.layers(x)[:, 0], labels)}

parser = HfArgumentParser((ModelArguments, TrainingArguments))
model_args, args = parser.parse_args_into_dataclasses()
torch.manual_seed(args.seed)
data = [{"x": torch.tensor([i / 8, 1.0]), "labels": torch.tensor(i / 4)} for i in range(16)]
trainer = Trainer(Net(model_args.hidden_size), args, train_dataset=data, eval_dataset=data[:4])
if args.do_train:
    trainer.train()
"""
TRAINER_SWEEP = """
program: run_net.py
method: grid
metric: {{name: eval/loss, goal: minimize}}
parameters:
  learning_rate: {{values: [1e-2, 1e-6]}}
  hidden_size: {{value: 8}}
tuiswp: {{max_parallel: 2, env: {{OMP_NUM_THREADS: "1"}}}}
command: [{python}, "${{program}}", "${{args_no_equals}}",
  --do_train, --max_steps, 6, --save_steps, 3, --eval_strategy, steps, --eval_steps, 3,
  --logging_steps, 1, --use_cpu, --report_to, none,
  --output_dir, "${{trial_dir}}/out"]
"""


def test_a_script_of_hugging_faces_kind_runs_by_macros_alone(folder: Path) -> None:
    (folder / "run_net.py").write_text(TRAINER)
    source = folder / "trainer.yaml"
    source.write_text(TRAINER_SWEEP.format(python=json.dumps(sys.executable)))
    run = tuiswp("--batch", source, cwd=folder, timeout=240)
    assert run.returncode == 0, run.stdout + run.stderr
    state = state_of(place_for(source, name=None, directory=None).root)
    assert all(trial.progress == 1.0 and trial.step == 6.0 for trial in state.trials.values())
    values = {trial.value for trial in state.trials.values() if trial.value is not None}
    assert len(values) == 2  # the learning rate arrived, and `eval_loss` is the file's eval/loss
    assert state.best is not None and state.best.value == min(values)
