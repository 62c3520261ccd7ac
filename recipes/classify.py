"""python -m recipes.classify learning_rate=1e-3 log_path=runs/first

Train a classifier of text or DNA by transformers' `Trainer`: `model=` is any directory or hub name
that can classify a sequence, `data=` a CSV, TSV, JSONL or Parquet file with a text and a label in
each row. Beside the arguments below, any field of `TrainingArguments` is one (`adam_beta2=0.95`);
`epochs` and `batch_size` are short for `num_train_epochs` and `per_device_train_batch_size`.

Without `data=` it tells comments from docstrings, by lines of English from the standard library;
without `model=` it trains a tiny BERT made on the spot (`model=embedded/dna`: one over k-mers).

Into `log_path` go `config.json`, a row of `metrics.jsonl` a step and an evaluation, `checkpoints/`,
and at the end `model/`, the best one by `metric`: the sweep's, if none is given. TERM or ctrl-c:
the step is finished, a checkpoint is saved, and the exit code is 143 or 130. The same command in
the same directory goes on as if it had never stopped; with another configuration it refuses.
Exit code 2: the arguments, the model, the data or the directory are wrong, and one line says how.
"""

import difflib
import os
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, NamedTuple

from recipes import lr_finder, stdlib_text, tiny_bert
from recipes.arguments import fail
from recipes.base_model import check_libraries
from recipes.class_scores import GREATER, scores
from recipes.hyperparams import get_lr
from recipes.labelled import Labelled, classes_of, read_labelled, split
from recipes.models import classifier
from recipes.run_directory import begin, opened
from recipes.trainer_config import TrainerConfig, judged, training_arguments
from recipes.training_args import parse_with_training

# torch and transformers load inside the functions below: a wrong argument is told at once.

KEPT = "model"
_FROM_NOTHING = 1e-3  # learning rate of an embedded model
_USUAL = 5e-5  # of a pretrained one outside the families that recipes.hyperparams knows


@dataclass(frozen=True)
class Config(TrainerConfig):
    """What every recipe with `Trainer` takes, and how data is read and a checkpoint chosen."""

    text_column: str = "text"
    label_column: str = "label"
    positive_label: str = ""  # of two: what f1, precision and recall are about; "": the last one
    metric: str = ""  # that chooses the checkpoint; "": the sweep's, else eval_loss
    trust_remote_code: bool = False  # run the code that comes with the model: some DNA models need

    max_eval_examples: int = 2000
    max_length: int = 128
    per_device_train_batch_size: int = 32
    per_device_eval_batch_size: int = 64
    gradient_accumulation_steps: int = 1
    lr_scheduler_type: str = "linear"
    warmup_ratio: float = 0.1
    weight_decay: float = 0.01


class Task(NamedTuple):
    """What there is to learn, to judge by, and to tell apart."""

    learn: list[Labelled]
    judge: list[Labelled]
    classes: list[str]


def main(argv: list[str]) -> None:
    """Train as `argv` says; returns when the best model is saved."""
    config, extra = parse_with_training(Config, argv, about=__doc__)
    check_libraries("sklearn")
    config = with_learning_rate(config)
    metric, greater = judged_by(config)
    evaluates = judged(config, extra)
    directory = opened(config.log_path)
    config = replace(config, log_path=str(directory), metric=metric)
    files = data_files(config)
    task = read(config, *files, evaluates=evaluates)
    model_path = tiny_bert.path_of(config.model)
    base = Path(model_path) / "sums.json" if config.model in tiny_bert.EMBEDDED else None
    behind = {"data": files[0], "eval_data": files[1], "base": base}
    if begin(directory, asdict(config) | extra, behind, KEPT):
        train(config, extra, model_path, task, directory, greater=greater)


def train(
    config: Config,
    extra: dict[str, Any],
    model_path: str,
    task: Task,
    directory: Path,
    *,
    greater: bool,
) -> None:
    """The run, from the checkpoint in `directory` or from the start, to the saved model."""
    from transformers import Trainer

    from recipes import hf_training

    args = hf_training.arguments(
        directory,
        training_arguments(config, extra),
        judged_by=config.metric if task.judge else None,
        greater=greater,
    )
    model, tokenizer = new_model(config, model_path, task.classes)
    collate = padding(tokenizer)
    learn, judge = (
        encoded(rows, tokenizer, task.classes, longest(config, model, tokenizer))
        for rows in (task.learn, task.judge)
    )
    positive = f" (positive: {task.classes[1]})" if len(task.classes) == 2 else ""
    print(
        f"{sum(p.numel() for p in model.parameters()):,} parameters on {args.device}, "
        f"classes {', '.join(task.classes)[:200]}{positive}, {len(learn)} examples to learn from, "
        f"{len(judge)} held out, learning rate {config.learning_rate:.3g}\n"
        f"{hf_training.effective_batch(args)}",
        flush=True,
    )
    trainer = Trainer(
        model=model,
        args=args,
        data_collator=collate,
        train_dataset=learn,
        eval_dataset=judge or None,
        compute_metrics=lambda found: scores(found.predictions, found.label_ids),
        preprocess_logits_for_metrics=_only_logits,
    )
    hf_training.train(
        trainer,
        directory,
        patience=config.early_stopping_patience if task.judge else 0,
        threshold=config.early_stopping_threshold,
    )

    def save(place: Path) -> None:
        model.save_pretrained(place)
        tokenizer.save_pretrained(place)

    hf_training.keep(trainer, directory / KEPT, save)


def with_learning_rate(config: Config) -> Config:
    """With a default learning rate where none was given."""
    if config.learning_rate:
        return config
    if config.model in tiny_bert.EMBEDDED:
        return replace(config, learning_rate=_FROM_NOTHING)
    try:
        return replace(config, learning_rate=get_lr(config.model, lora=False))
    except ValueError:  # another family
        return replace(config, learning_rate=_USUAL)


def judged_by(config: Config) -> tuple[str, bool]:
    """The metric that chooses the checkpoint, as `Trainer` calls it, and whether more is better.

    That of the arguments, else that of the sweep if it is one of an evaluation, else the loss.
    Leaves with exit code 2 for a metric that is never logged.
    """
    sweep = os.environ.get("TUISWP_METRIC", "").replace("/", "_")
    if config.metric:
        name = config.metric.replace("/", "_")
        name = name if name.startswith("eval_") else f"eval_{name}"
    else:
        name = sweep if sweep.startswith("eval_") else "eval_loss"
    if name not in GREATER:
        near = difflib.get_close_matches(name, GREATER, n=1, cutoff=0.5)
        hint = f"did you mean {near[0]!r}? " if near else ""
        fail(f"metric {name!r} is none of an evaluation; {hint}There are: {', '.join(GREATER)}")
    goal = os.environ.get("TUISWP_GOAL", "") if name == sweep else ""
    return name, goal == "maximize" if goal else GREATER[name]


def data_files(config: Config) -> tuple[Path, Path | None]:
    """What is learnt from, and what it is judged by if that is a file of its own."""
    if config.data:
        data = Path(config.data).expanduser()
        return data, Path(config.eval_data).expanduser() if config.eval_data else None
    if config.model == tiny_bert.DNA:
        fail(f"model={tiny_bert.DNA} needs data=FILE: the built-in data is English")
    if config.eval_data:
        fail("eval_data= without data=: the built-in data has its own")
    return stdlib_text.lines_files()


def read(config: Config, data: Path, evaluation: Path | None, *, evaluates: bool) -> Task:
    """The rows of the files, and their classes; leaves with exit code 2 at what is wrong."""
    columns = config.text_column, config.label_column
    try:
        learn, judge = read_labelled(data, *columns), []
        if evaluation is not None and evaluates:
            judge = read_labelled(evaluation, *columns)
            if len(judge) > config.max_eval_examples:
                _, judge = split(judge, 1.0, config.max_eval_examples)
    except OSError as fault:
        fail(f"{fault.filename or data}: {fault.strerror}")
    if evaluation is None and evaluates:
        learn, judge = split(learn, config.eval_fraction, config.max_eval_examples)
    classes = classes_of(learn, judge, data)
    if config.positive_label:
        if len(classes) != 2 or config.positive_label not in classes:
            fail(
                f"positive_label={config.positive_label!r} is not one of two classes; "
                f"there are: {', '.join(classes)[:200]}"
            )
        classes.sort(key=lambda label: label == config.positive_label)
    return Task(learn, judge, classes)


def new_model(config: Config, path: str, classes: Sequence[str]) -> tuple[Any, Any]:
    """The model at `path` with a head that the seed decides, and its tokenizer."""
    import torch

    torch.manual_seed(config.seed)
    return classifier(path, classes, trust=config.trust_remote_code)


def longest(config: Config, model: Any, tokenizer: Any) -> int:
    """Tokens of a text: `max_length`, or what the model can take if that is less."""
    positions = getattr(model.config, "max_position_embeddings", None) or config.max_length
    return int(min(config.max_length, tokenizer.model_max_length, positions))


def encoded(
    rows: Sequence[Labelled], tokenizer: Any, classes: Sequence[str], length: int
) -> list[dict[str, Any]]:
    """What the model takes of each row, not padded yet, with the number of its class."""
    if not rows:
        return []
    found = tokenizer([row.text for row in rows], truncation=True, max_length=length)
    number = {label: place for place, label in enumerate(classes)}
    return [
        {name: values[place] for name, values in found.items()} | {"labels": number[row.label]}
        for place, row in enumerate(rows)
    ]


def padding(tokenizer: Any) -> Any:
    """Makes tensors of a batch of what `encoded` gives."""
    from transformers import DataCollatorWithPadding

    return DataCollatorWithPadding(tokenizer)


def _only_logits(logits: Any, labels: Any) -> Any:
    """Some models give hidden states beside them, which would fill the memory."""
    return logits[0] if isinstance(logits, tuple) else logits


def lr_finder_parts(argv: list[str]) -> lr_finder.Parts:
    """What `recipes.lr_finder` trains for its test: model, batches and optimizer of this recipe."""
    config, extra = parse_with_training(Config, argv, about=__doc__)
    if extra:
        fail(f"{', '.join(extra)} would change nothing here: leave it out of a range test")
    check_libraries("sklearn")
    task = read(config, *data_files(config), evaluates=True)
    model, tokenizer = new_model(config, tiny_bert.path_of(config.model), task.classes)
    learn = encoded(task.learn, tokenizer, task.classes, longest(config, model, tokenizer))
    return lr_finder.parts(model, learn, padding(tokenizer), config)


if __name__ == "__main__":
    main(sys.argv[1:])
