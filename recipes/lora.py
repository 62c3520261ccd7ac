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

import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from recipes import base_model, lr_finder, stdlib_text
from recipes.arguments import fail
from recipes.hyperparams import get_lr
from recipes.models import causal_lm, with_lora, with_saved_lora
from recipes.pairs import Example, held_out, load_examples, padded
from recipes.run_directory import begin, opened
from recipes.trainer_config import TrainerConfig, judged, training_arguments
from recipes.training_args import parse_with_training

# torch, transformers and peft load inside the functions below: a wrong argument is told at once.

ADAPTER = "adapter"


@dataclass(frozen=True)
class Config(TrainerConfig):
    """What every recipe with `Trainer` takes, and the adapter.

    `model=""` is the embedded byte-level base; data is a JSONL file of prompt/completion or of
    messages, `data=""` signature → docstring pairs of the standard library.
    """

    lora_rank: int = 16
    lora_alpha: float = (
        0.0  # the adapter is scaled by alpha / rank; 0: rank × lora_alpha_multiplier
    )
    lora_alpha_multiplier: float = 2.0
    lora_dropout: float = 0.05
    target_modules: str = "all-linear"  # or names of layers with commas: q_proj,v_proj

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.lora_rank < 1:
            raise ValueError(f"lora_rank={self.lora_rank} is below 1")
        if self.lora_alpha < 0:
            raise ValueError(f"lora_alpha={self.lora_alpha} is below 0")
        if not 0 <= self.lora_dropout < 1:
            raise ValueError(f"lora_dropout={self.lora_dropout} must be in 0..1, 1 left out")
        if self.lora_alpha_multiplier <= 0:
            raise ValueError(f"lora_alpha_multiplier={self.lora_alpha_multiplier} must be above 0")

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
    files = {"data": data, "eval_data": evaluation, "base": base}
    if begin(directory, asdict(config) | extra, files, ADAPTER):
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
    hf_training.train(
        trainer,
        directory,
        patience=config.early_stopping_patience if evaluates else 0,
        threshold=config.early_stopping_threshold,
    )
    hf_training.keep(
        trainer,
        directory / ADAPTER,
        lambda place: model.save_pretrained(place, save_embedding_layers=False),
    )


def with_learning_rate(config: Config) -> Config:
    """With the model's default learning rate where none was given."""
    if config.learning_rate:
        return config
    try:
        return replace(config, learning_rate=get_lr(config.model))
    except ValueError as fault:
        fail(f"learning_rate= is missing: {fault}")


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
    return lr_finder.parts(model, learn, padded, config)


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
