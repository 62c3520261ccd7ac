"""python -m recipes.lora learning_rate=2e-4 lora_rank=16 log_path=runs/first

Fine-tune a causal language model with LoRA, by transformers' `Trainer` and peft. Beside the
arguments below, any field of `TrainingArguments` is one (`adam_beta2=0.95`); `epochs` and
`batch_size` are short for `num_train_epochs` and `per_device_train_batch_size`.

Into `log_path` go `config.json`, a row of `metrics.jsonl` a step and an evaluation, `checkpoints/`,
and at the end `adapter/`, the best one by the loss on held-out data. TERM or ctrl-c: the step is
finished, a checkpoint is saved, and the exit code is 143 or 130. The same command in the same
directory goes on from there as if it had never stopped; with another configuration it refuses.
Exit code 2: the arguments, the model, the data or the directory are wrong, and one line says how.
"""

import os
import random
import sys
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from typing import Any

from recipes import base_model, lr_finder, stdlib_text
from recipes.arguments import fail
from recipes.hyperparams import get_lr
from recipes.models import bfloat16_is_there, causal_lm, with_lora, with_saved_lora
from recipes.pairs import Example, held_out, load_examples, padded
from recipes.run_directory import claim, digest, opened
from recipes.training_args import parse_with_training

# torch, transformers and peft load inside the functions below: a wrong argument is told at once.


@dataclass(frozen=True)
class Config:
    """Everything that decides the result, and where it goes. A sweep may set any of it."""

    # Where everything is written; "" is the trial's directory when a sweep started us.
    log_path: str = ""

    # What is trained: a local directory or a hub name; "" is the embedded byte-level base.
    model: str = ""
    # What it learns: a JSONL file of prompt/completion or of messages; "" is signature → docstring
    # pairs of the standard library. It is judged by `eval_data`, or by a share held out of `data`.
    data: str = ""
    eval_data: str = ""
    eval_fraction: float = 0.1
    max_eval_examples: int = 128
    max_length: int = 512  # tokens of a sequence; what is longer is cut at the end

    learning_rate: float = 0.0  # 0: what recipes.hyperparams gives for the model
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

    lora_rank: int = 16
    lora_alpha: float = (
        0.0  # the adapter is scaled by alpha / rank; 0: rank × lora_alpha_multiplier
    )
    lora_alpha_multiplier: float = 2.0
    lora_dropout: float = 0.05
    target_modules: str = "all-linear"  # or names of layers with commas: q_proj,v_proj

    early_stopping_patience: int = 3  # evaluations without a better loss; 0: never stop early
    early_stopping_threshold: float = 0.001  # what counts as better
    eval_steps: float = (
        0.1  # steps between evaluations (and checkpoints); below 1: share of the run
    )

    seed: int = 0  # of the adapter's start, the order of the data and dropout

    def __post_init__(self) -> None:
        least: dict[str, float] = {
            "lora_rank": 1, "per_device_train_batch_size": 1, "per_device_eval_batch_size": 1,
            "gradient_accumulation_steps": 1, "max_length": 2, "max_eval_examples": 1,
        }  # fmt: skip
        for name in ("learning_rate", "num_train_epochs", "max_steps", "weight_decay",
                     "warmup_ratio", "max_grad_norm", "lora_alpha", "early_stopping_patience",
                     "early_stopping_threshold", "eval_fraction"):  # fmt: skip
            least[name] = 0
        for name, limit in least.items():
            if getattr(self, name) < limit:
                raise ValueError(f"{name}={getattr(self, name)} is below {limit:g}")
        for name in ("lora_dropout", "warmup_ratio", "eval_fraction"):
            if not 0 <= getattr(self, name) < 1:
                raise ValueError(f"{name}={getattr(self, name)} must be in 0..1, 1 left out")
        for name in ("eval_steps", "lora_alpha_multiplier"):
            if getattr(self, name) <= 0:
                raise ValueError(f"{name}={getattr(self, name)} must be above 0")
        if self.bf16.lower() not in ("auto", "true", "false"):
            raise ValueError(f"bf16={self.bf16!r} is not auto, true or false")
        if self.max_steps and self.num_train_epochs:
            raise ValueError("max_steps= and epochs= both say how long the run is; give one")

    @property
    def alpha(self) -> float:
        return self.lora_alpha or self.lora_rank * self.lora_alpha_multiplier


def main(argv: list[str]) -> None:
    """Train as `argv` says; returns when the best adapter is saved."""
    config, extra = parse_with_training(Config, argv, about=__doc__)
    base_model.check_libraries()
    config = with_learning_rate(config)
    evaluates = judged(config, extra)
    directory = opened(config.log_path)
    config = replace(config, log_path=str(directory))
    # Built now if the cache has them not, before torch takes its time and memory.
    model_path = base_model.path_of(config.model)
    data, evaluation = data_files(config)
    base = Path(model_path) / "sums.json" if config.model in base_model.EMBEDDED else None
    try:
        known = asdict(config) | extra | sums(data=data, eval_data=evaluation, base=base)
        claim(directory, known)
    except OSError as fault:
        fail(f"{fault.filename}: {fault.strerror}")
    os.environ.setdefault("TUISWP_METRICS", str(directory / "metrics.jsonl"))
    adapter = directory / "adapter"
    if adapter.exists():
        print(f"{adapter} is there: the run is done; nothing to do")
        return
    train(config, extra, model_path, data, evaluation, directory, evaluates=evaluates)


def train(
    config: Config,
    extra: dict[str, Any],
    model_path: str,
    data: Path,
    evaluation: Path | None,
    directory: Path,
    *,
    evaluates: bool,
) -> None:
    """The run, from the checkpoint in `directory` or from the start, to the saved adapter."""
    from recipes import hf_training
    from recipes.causal_trainer import CausalTrainer

    args = hf_training.arguments(
        directory, training_arguments(config, extra), judged_by="eval_loss" if evaluates else None
    )
    model, tokenizer = adapted_model(config, model_path)
    learn, judge = examples(config, data, evaluation, tokenizer, evaluates=evaluates)
    trainable = sum(p.numel() for p in model.parameters() if p.requires_grad)
    print(
        f"{trainable:,} trainable parameters on {args.device}, {len(learn)} examples to learn "
        f"from, {len(judge)} held out, learning rate {config.learning_rate:.3g}\n"
        f"{hf_training.effective_batch(args)}",
        flush=True,
    )
    trainer = CausalTrainer(model, args, learn, judge if evaluates else None)
    patience = None
    if evaluates and config.early_stopping_patience:
        patience = hf_training.Patience(
            config.early_stopping_patience, config.early_stopping_threshold
        )
    hf_training.train(trainer, directory, patience=patience)
    if not trainer.is_world_process_zero():
        return
    hf_training.keep(
        directory / "adapter",
        lambda place: model.save_pretrained(place, save_embedding_layers=False),
    )
    state = trainer.state
    if state.best_metric is not None:
        print(f"best eval_loss {state.best_metric:.6f} at step {state.best_global_step}: adapter/")


def with_learning_rate(config: Config) -> Config:
    """With the model's default learning rate where none was given."""
    if config.learning_rate:
        return config
    try:
        return replace(config, learning_rate=get_lr(config.model))
    except ValueError as fault:
        fail(f"learning_rate= is missing: {fault}")


def judged(config: Config, extra: dict[str, Any]) -> bool:
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
            "early_stopping_patience=0 to keep the last adapter"
        )
    return False


def training_arguments(config: Config, extra: dict[str, Any]) -> dict[str, Any]:
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
    return given | extra


def adapted_model(config: Config, path: str) -> tuple[Any, Any]:
    """The model at `path` with the adapter the configuration says, and its tokenizer."""
    import torch

    base, tokenizer = causal_lm(path)
    torch.manual_seed(config.seed)
    model = with_lora(
        base, config.lora_rank, config.alpha, config.lora_dropout, config.target_modules
    )
    return model, tokenizer


def data_files(config: Config) -> tuple[Path, Path | None]:
    """What is learnt from, and what it is judged by if that is a file of its own."""
    data = Path(config.data).expanduser() if config.data else stdlib_text.pairs_file()
    return data, Path(config.eval_data).expanduser() if config.eval_data else None


def sums(**files: Path | None) -> dict[str, str]:
    """What stands behind the names, for `config.json`: it must not change between restarts."""
    return {
        f"{name}_sha256": digest(file).hex() for name, file in files.items() if file is not None
    }


def examples(
    config: Config, data: Path, evaluation: Path | None, tokenizer: Any, *, evaluates: bool
) -> tuple[list[Example], list[Example]]:
    """The examples to learn from, and those to judge by."""
    found = load_examples(data, tokenizer, config.max_length)
    if evaluation is not None:
        return found, load_examples(evaluation, tokenizer, config.max_length)
    share = config.eval_fraction if evaluates else 0.0
    return held_out(found, share, config.max_eval_examples)


def lr_finder_parts(argv: list[str]) -> lr_finder.Parts:
    """What `recipes.lr_finder` trains for its test: model, batches and optimizer of this recipe."""
    import torch

    config, extra = parse_with_training(Config, argv, about=__doc__)
    if extra:
        fail(f"{', '.join(extra)} would change nothing here: leave it out of a range test")
    base_model.check_libraries()
    model, tokenizer = adapted_model(config, base_model.path_of(config.model))
    data, evaluation = data_files(config)
    try:
        learn, _ = examples(config, data, evaluation, tokenizer, evaluates=True)
    except OSError as fault:
        fail(f"{fault.filename}: {fault.strerror}")
    return lr_finder.Parts(
        model,
        batches(config, learn),
        lambda parameters, rate: torch.optim.AdamW(
            parameters, lr=rate, weight_decay=config.weight_decay
        ),
        config.max_grad_norm,
    )


def batches(config: Config, learn: Sequence[Example]) -> Iterator[list[dict[str, Any]]]:
    """The micro-batches of each optimizer step, without end, in an order that the seed decides."""
    size = config.per_device_train_batch_size
    order = random.Random(config.seed)
    pool: list[Example] = []
    while True:
        step = []
        for _ in range(config.gradient_accumulation_steps):
            while len(pool) < size:
                pool += order.sample(learn, len(learn))
            step.append(padded(pool[:size]))
            del pool[:size]
        yield step


def score(adapter: Path, model_path: str, judge: Sequence[Example], batch_size: int = 16) -> float:
    """The loss (nats a scored token) of a saved adapter on `judge`, without `Trainer`."""
    import torch

    base, _ = causal_lm(model_path)
    model = with_saved_lora(base, adapter)
    total, count = 0.0, 0
    with torch.no_grad():
        for start in range(0, len(judge), batch_size):
            found = padded(judge[start : start + batch_size])
            batch = {name: tensor.to(model.device) for name, tensor in found.items()}
            labels = batch.pop("labels")[:, 1:]
            logits = model(**batch, use_cache=False).logits[:, :-1].float()
            total += float(
                torch.nn.functional.cross_entropy(
                    logits.flatten(0, 1), labels.flatten(), reduction="sum"
                )
            )
            count += int((labels != -100).sum())
    return total / count


if __name__ == "__main__":
    main(sys.argv[1:])
