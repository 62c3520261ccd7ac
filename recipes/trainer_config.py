"""The arguments that every recipe with `Trainer` takes, and what `Trainer` makes of them.

A recipe's own configuration extends `TrainerConfig`. Loads torch and transformers only to make
`TrainingArguments` of it; trains nothing.
"""

import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any

from recipes.arguments import fail
from recipes.models import bfloat16_is_there


@dataclass(frozen=True)
class TrainerConfig:
    """Everything that decides the result, and where it goes. A sweep may set any of it."""

    # Where everything is written; "" is the trial's directory when a sweep started us.
    log_path: str = ""

    # What is trained: a local directory or a hub name; "" is the recipe's embedded one.
    model: str = ""
    # What it learns: a file; "" is the recipe's own data, drawn from the standard library. It is
    # judged by `eval_data`, or by a share held out of `data`.
    data: str = ""
    eval_data: str = ""
    eval_fraction: float = 0.1
    max_eval_examples: int = 128
    max_length: int = 512  # tokens of a sequence; what is longer is cut at the end

    learning_rate: float = 0.0  # 0: the recipe's default for the model
    num_train_epochs: float = 0.0  # 0: once, unless max_steps says otherwise
    max_steps: int = 0
    per_device_train_batch_size: int = 8
    per_device_eval_batch_size: int = 16
    gradient_accumulation_steps: int = 2
    lr_scheduler_type: str = "cosine"  # or linear, constant, ...
    warmup_ratio: float = 0.03  # share of the steps
    weight_decay: float = 0.0
    max_grad_norm: float = 1.0
    bf16: str = "auto"  # auto: where the GPU has it; true, false

    early_stopping_patience: int = 3  # evaluations that are no better; 0: never stop early
    early_stopping_threshold: float = 0.001  # what counts as better
    eval_steps: float = (
        0.1  # steps between evaluations (and checkpoints); below 1: share of the run
    )

    seed: int = 0  # of what is new in the model, the order of the data and dropout

    def __post_init__(self) -> None:
        least: dict[str, float] = {
            "per_device_train_batch_size": 1, "per_device_eval_batch_size": 1,
            "gradient_accumulation_steps": 1, "max_length": 2, "max_eval_examples": 1,
        }  # fmt: skip
        for name in ("learning_rate", "num_train_epochs", "max_steps", "weight_decay",
                     "warmup_ratio", "max_grad_norm", "early_stopping_patience",
                     "early_stopping_threshold", "eval_fraction"):  # fmt: skip
            least[name] = 0
        for name, limit in least.items():
            if getattr(self, name) < limit:
                raise ValueError(f"{name}={getattr(self, name)} is below {limit:g}")
        for name in ("warmup_ratio", "eval_fraction"):
            if getattr(self, name) >= 1:
                raise ValueError(f"{name}={getattr(self, name)} must be in 0..1, 1 left out")
        if self.eval_steps <= 0:
            raise ValueError(f"eval_steps={self.eval_steps} must be above 0")
        if self.bf16.lower() not in ("auto", "true", "false"):
            raise ValueError(f"bf16={self.bf16!r} is not auto, true or false")
        if self.max_steps and self.num_train_epochs:
            raise ValueError("max_steps= and epochs= both say how long the run is; give one")


def judged(config: TrainerConfig, extra: Mapping[str, Any]) -> bool:
    """Whether there is data to judge by. Leaves with exit code 2 if something needs it and none is.

    What needs it: early stopping, and a sweep whose metric is one of an evaluation.
    """
    if str(extra.get("eval_strategy", "")) != "no" and (config.eval_data or config.eval_fraction):
        return True
    metric = os.environ.get("TUISWP_METRIC", "")
    if metric.replace("/", "_").startswith("eval_"):
        fail(f"no eval data, and the sweep decides by {metric}: give eval_data= or eval_fraction=")
    if config.early_stopping_patience:
        fail(
            "no eval data, and early stopping needs it: give eval_data=FILE or eval_fraction=, or "
            "early_stopping_patience=0 to keep what the last step leaves"
        )
    return False


def training_arguments(config: TrainerConfig, extra: Mapping[str, Any]) -> dict[str, Any]:
    """The fields of `TrainingArguments` that the configuration gives."""
    from transformers import TrainingArguments

    shared = {field.name for field in fields(TrainingArguments)} & asdict(config).keys()
    given: dict[str, Any] = {name: getattr(config, name) for name in shared}
    given["bf16"] = (
        bfloat16_is_there() and not extra.get("use_cpu") and not extra.get("fp16")
        if config.bf16.lower() == "auto"
        else config.bf16.lower() == "true"
    )
    given["num_train_epochs"] = config.num_train_epochs or 1.0
    given["max_steps"] = config.max_steps or -1
    given["warmup_steps"] = config.warmup_ratio  # below 1 it is a share
    if config.warmup_ratio and config.lr_scheduler_type == "constant":
        given["lr_scheduler_type"] = "constant_with_warmup"  # `constant` would not warm up at all
    return given | dict(extra)
