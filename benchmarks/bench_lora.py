"""`recipes/lora_search.yaml` as a person runs it, its best adapter's worth, and lora.py's cost."""

import json
import os
import time
from collections import deque
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from transformers import TrainerCallback

from benchmarks.rows import Row, at_least, at_most, exactly, failed, noted
from benchmarks.world import ROOT, private_world, state_of, tuiswp
from recipes import hf_training, lora
from recipes.base_model import ensure
from recipes.causal_trainer import CausalTrainer
from recipes.models import causal_lm
from recipes.pairs import Example, padded
from recipes.trainer_config import training_arguments

TRIALS = 8
STEPS = 60  # of the loops that are compared
WARM = 3  # of them, that do not count


def main() -> list[Row]:
    """The search takes minutes; the comparison half a minute after it."""
    ensure()  # the base model is built once on a machine: not part of a search
    with private_world() as place:
        return [*_search(place / "lora-search"), *_overhead(place)]


def _search(sweep: Path) -> list[Row]:
    started = time.monotonic()
    done = tuiswp("--batch", "--dir", sweep, "recipes/lora_search.yaml", cwd=ROOT)
    minutes = (time.monotonic() - started) / 60
    trials = list(state_of(sweep).trials.values()) if sweep.exists() else []
    ended = sum(trial.state in ("done", "pruned") for trial in trials)
    rows = [
        at_most(f"lora_search.yaml, {TRIALS} trials", minutes, 10, "min", places=2),
        exactly("  trials done or stopped early", ended, TRIALS),
        exactly("  exit code", done.returncode, 0),
    ]
    found = json.loads(tuiswp("results", sweep, "--json", cwd=ROOT).stdout)
    if found["optimum"] is None:
        return [*rows, failed("  best adapter", "no optimum")]
    best = found["optimum"]
    config = lora.Config()
    model_path = str(ensure())
    _, tokenizer = causal_lm(model_path)
    _, judge = lora.examples(config, *lora.data_files(config), tokenizer, evaluates=True)
    score = lora.score(sweep / "trials" / best["trial"] / "adapter", model_path, judge)
    return [
        *rows,
        at_most(
            "  best adapter by peft alone, off the reported loss",
            abs(score - best["value"]), 1e-4, "nats", places=7,
        ),
        noted("  its trial and loss", f"{best['trial']} {best['value']:.6f}"),
    ]  # fmt: skip


def _overhead(place: Path) -> list[Row]:
    """Step by step in turn, on the same batches: a busy moment of the machine meets both."""
    config = lora.Config(
        max_steps=STEPS, learning_rate=1e-3, gradient_accumulation_steps=1, eval_fraction=0.0,
        per_device_train_batch_size=16, early_stopping_patience=0,
    )  # fmt: skip
    os.environ["TUISWP_METRICS"] = str(place / "metrics.jsonl")
    model_path = str(ensure())
    args = hf_training.arguments(
        place, training_arguments(config, {"save_strategy": "no"}), judged_by=None
    )
    model, tokenizer = lora.adapted_model(config, model_path)
    learn, _ = lora.examples(config, *lora.data_files(config), tokenizer, evaluates=False)
    trainer = CausalTrainer(model, args, learn, None)
    bare = _Bare(lora.adapted_model(config, model_path)[0], config.learning_rate)
    trainer.data_collator = bare.remember
    trainer.add_callback(bare)
    hf_training.train(trainer, place)
    share = bare.seconds / bare.theirs
    return [
        at_least("lora.py, tokens/s of a bare loop's", share, 0.9, "", places=3),
        noted("  lora.py", f"{bare.tokens / bare.theirs:.0f} tokens/s"),
        noted("  the bare loop", f"{bare.tokens / bare.seconds:.0f} tokens/s"),
    ]


class _Bare(TrainerCallback):  # type: ignore[misc]  # transformers is untyped here
    """The same model, batch and optimizer in the shortest loop there is, a step at a time.

    `seconds`: its own; `theirs`: of the recipe from one step's begin to the next, all included.
    """

    def __init__(self, model: Any, rate: float) -> None:
        self.model = model.train()
        self.parameters = [p for p in model.parameters() if p.requires_grad]
        self.optimizer = torch.optim.AdamW(self.parameters, lr=rate)
        self.batches: deque[dict[str, Any]] = deque()
        self.seconds = self.theirs = 0.0
        self.tokens = self.steps = 0
        self.left: float | None = None

    def remember(self, batch: Sequence[Example]) -> dict[str, Any]:
        self.batches.append(padded(batch))
        return padded(batch)

    def on_step_begin(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        now = time.perf_counter()
        batch = self.batches.popleft()
        if self.left is not None and self.steps > WARM:
            self.theirs += now - self.left
        began = time.perf_counter()
        tensors = {name: tensor.to(self.model.device) for name, tensor in batch.items()}
        self.model(**tensors, use_cache=False).loss.backward()
        torch.nn.utils.clip_grad_norm_(self.parameters, 1.0)
        self.optimizer.step()
        self.optimizer.zero_grad()
        self.left = time.perf_counter()
        if WARM <= self.steps < args.max_steps - 1:
            self.seconds += self.left - began
            self.tokens += int(batch["attention_mask"].sum())
        self.steps += 1
