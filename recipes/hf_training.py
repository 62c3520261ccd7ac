"""What every recipe that trains with transformers' `Trainer` shares: reporting, stopping, resuming.

Imports transformers, so a recipe imports it only once its arguments are known to be right. Knows no
model and no data.
"""

import json
import resource
import shutil
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import torch
from transformers import EarlyStoppingCallback, Trainer, TrainerCallback, TrainingArguments
from transformers.trainer_callback import PrinterCallback
from transformers.utils import logging

from recipes.arguments import fail
from recipes.run_directory import StopRequest
from tuiswp import report

CHECKPOINTS = "checkpoints"
_STATE = "trainer_state.json"


class Patience(EarlyStoppingCallback):  # type: ignore[misc]  # transformers is untyped here
    """Early stopping; its count is part of the checkpoint."""

    @property
    def exhausted(self) -> bool:
        return bool(self.early_stopping_patience_counter >= self.early_stopping_patience)


def arguments(
    directory: Path, given: Mapping[str, Any], *, judged_by: str | None, greater: bool = False
) -> TrainingArguments:
    """What `Trainer` is told: `given`, and what makes runs comparable and resumable.

    `judged_by`: the metric that picks the best checkpoint; None: nothing is evaluated. Leaves with
    exit code 2 where the fields do not go together.
    """
    defaults: dict[str, Any] = {
        "logging_steps": 1,
        "logging_nan_inf_filter": False,  # a run that diverged must look like it
        "include_num_input_tokens_seen": "non_padding",
        "restore_callback_states_from_checkpoint": True,
        "save_total_limit": 2,  # the best and the last
        "disable_tqdm": True,
        "dataloader_pin_memory": torch.cuda.is_available(),
        "data_seed": given.get("seed", 0),
        "remove_unused_columns": False,
        "label_names": ["labels"],
        "save_strategy": given.get("eval_strategy", "steps"),
        "eval_strategy": "steps",
    }
    if judged_by is None:
        defaults |= {"eval_strategy": "no", "save_strategy": "steps"}
        given = {name: value for name, value in given.items() if name != "eval_strategy"}
    if "eval_steps" in given:
        defaults["save_steps"] = given["eval_steps"]
    managed = {
        "output_dir": str(directory / CHECKPOINTS),
        "report_to": "none",
        "load_best_model_at_end": judged_by is not None,
        "metric_for_best_model": judged_by,
        "greater_is_better": None if judged_by is None else greater,
    }
    logging.set_verbosity_error()
    try:
        return TrainingArguments(**{**defaults, **given, **managed})
    except (ImportError, TypeError, ValueError) as fault:
        fail(f"TrainingArguments: {' '.join(str(fault).split())[:400]}")


def effective_batch(args: TrainingArguments) -> str:
    """`effective batch 16 = 8 per device x 2 accumulated x 1 device`."""
    devices = max(1, args.n_gpu) * max(1, args.world_size)
    per, accumulated = args.per_device_train_batch_size, args.gradient_accumulation_steps
    return (
        f"effective batch {per * accumulated * devices} = {per} per device × {accumulated} "
        f"accumulated × {devices} device{'s' if devices > 1 else ''}"
    )


def train(trainer: Trainer, directory: Path, *, patience: int = 0, threshold: float = 0.0) -> None:
    """Train from the newest whole checkpoint, or from the start, to the end; report all the way.

    `patience`: evaluations that are not better by `threshold` until it stops early; 0: never.
    TERM or ctrl-c: the step is finished, a checkpoint saved, and SystemExit 143 or 130 raised.
    """
    stop = StopRequest()
    trainer.remove_callback(PrinterCallback)
    early = [Patience(patience, threshold)] if patience else []
    for callback in (_Report(), _End(stop), *early):
        trainer.add_callback(callback)
    start = newest_checkpoint(directory / CHECKPOINTS)
    if start is not None:
        print(f"going on from {start.name}", flush=True)
    trainer.train(resume_from_checkpoint=None if start is None else str(start))
    state = trainer.state
    # The callbacks that Trainer restores from a checkpoint are not the ones it was given.
    spent = [
        one.early_stopping_patience
        for one in trainer.callback_handler.callbacks
        if isinstance(one, Patience) and one.exhausted
    ]
    if stop.asked and state.global_step < state.max_steps and not spent:
        print(f"asked to stop: saved after step {state.global_step}; run it again to go on")
        raise SystemExit(128 + stop.asked)
    if spent and state.global_step < state.max_steps:
        print(f"no better for {spent[0]} evaluations: stopped early", flush=True)


def newest_checkpoint(place: Path) -> Path | None:
    """The newest checkpoint that was written to its end; None if there is none.

    `Trainer` writes the state last, so one that can be read stands for the whole.
    """
    found = []
    for file in place.glob(f"checkpoint-*/{_STATE}"):
        try:
            found.append((int(json.loads(file.read_text())["global_step"]), file.parent))
        except (OSError, ValueError, KeyError, TypeError):
            continue
    return max(found)[1] if found else None


def keep(trainer: Trainer, directory: Path, save: Callable[[Path], Any]) -> None:
    """Have `save(empty_directory)` write the result to `directory`; seen whole or not at all.

    Says what the best checkpoint was. Of several processes the first one does it.
    """
    if not trainer.is_world_process_zero():
        return
    fresh = directory.with_name(f"{directory.name}.new")
    if fresh.exists():
        shutil.rmtree(fresh)
    fresh.mkdir()
    save(fresh)
    fresh.rename(directory)
    state, metric = trainer.state, trainer.args.metric_for_best_model
    if metric is not None and state.best_global_step:
        print(
            f"best {metric} {state.best_metric:.6f} at step {state.best_global_step}: "
            f"{directory.name}/",
            flush=True,
        )


class _Report(TrainerCallback):  # type: ignore[misc]  # transformers is untyped here
    """Every logged step and every evaluation becomes a row of `metrics.jsonl`."""

    def __init__(self) -> None:
        self.began = 0.0
        self.seconds = 0.0  # spent in steps since the last row: evaluating and saving left out
        self.tokens = 0  # seen by then

    def on_train_begin(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        self.tokens = state.num_input_tokens_seen

    def on_step_begin(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        self.began = time.monotonic()

    def on_step_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        self.seconds += time.monotonic() - self.began

    def on_log(self, args: Any, state: Any, control: Any, **how: Any) -> None:
        if not state.is_world_process_zero:
            return
        logs = dict(how["logs"])
        evaluated = {name: logs[name] for name in logs if name.startswith("eval_")}
        if evaluated:
            timings = ("_runtime", "_per_second", "_time")
            shown = {k: v for k, v in evaluated.items() if not k.endswith(timings)}
            report.log(shown, step=state.global_step, epoch=state.epoch)
            told = "  ".join(f"{name} {value:.4f}" for name, value in shown.items())
            print(f"step {state.global_step}/{state.max_steps}  {told}", flush=True)
        elif "loss" in logs:
            self._trained(state, logs)

    def _trained(self, state: Any, logs: dict[str, Any]) -> None:
        tokens = state.num_input_tokens_seen - self.tokens
        rate = tokens / self.seconds if tokens and self.seconds > 0 else None
        self.tokens, self.seconds = state.num_input_tokens_seen, 0.0
        row = {
            "train_loss": logs["loss"],
            "learning_rate": logs.get("learning_rate"),
            "grad_norm": logs.get("grad_norm"),
            "num_tokens": tokens,
            "tokens_per_second": rate,
            "peak_memory_mib": peak_memory_mib(),
            "epoch": state.epoch,
        }
        report.log(
            {name: value for name, value in row.items() if value is not None},
            step=state.global_step,
            progress=state.global_step / state.max_steps,
        )
        pace = "" if rate is None else f"  {rate:.0f} tokens/s"
        print(
            f"step {state.global_step}/{state.max_steps}  loss {logs['loss']:.4f}  "
            f"lr {logs.get('learning_rate', 0.0):.2e}{pace}",
            flush=True,
        )


class _End(TrainerCallback):  # type: ignore[misc]  # transformers is untyped here
    """Evaluates at the last step; after a request to stop, saves and leaves."""

    def __init__(self, stop: StopRequest) -> None:
        self.stop = stop

    def on_step_end(self, args: Any, state: Any, control: Any, **_: Any) -> Any:
        if state.global_step >= state.max_steps:
            control.should_evaluate = args.eval_strategy != "no"
        elif self.stop.asked:
            control.should_save = control.should_training_stop = True
        return control


def peak_memory_mib() -> float:
    """The most memory this process has held: of the GPU if it has one, else of the host."""
    if torch.cuda.is_available():
        return float(torch.cuda.max_memory_reserved()) / 2**20
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024  # Linux counts in KiB
