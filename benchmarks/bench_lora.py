"""`recipes/lora_search.yaml` as a person runs it, its best adapter's worth, and lora.py's cost."""

import json
import os
import statistics
import time
from pathlib import Path
from typing import Any

from benchmarks.rows import Row, at_least, at_most, exactly, failed, noted
from benchmarks.world import ROOT, private_world, state_of, tuiswp
from recipes import hf_training, lora
from recipes.base_model import ensure
from recipes.causal_trainer import CausalTrainer
from recipes.models import causal_lm
from recipes.pairs import padded

TRIALS = 8
STEPS = 40  # of one turn of the loop that is compared
TURNS = 3


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
    """Turn by turn, so that a busy moment of the machine meets both."""
    config = lora.Config(
        max_steps=STEPS, learning_rate=1e-3, gradient_accumulation_steps=1, eval_fraction=0.0,
        per_device_train_batch_size=16, early_stopping_patience=0,
    )  # fmt: skip
    model_path = str(ensure())
    ours, bare = [], []
    for turn in range(TURNS):
        directory = place / f"turn-{turn}"
        directory.mkdir()
        ours.append(_recipe(config, model_path, directory))
        bare.append(_bare(config, model_path))
    share = statistics.median(a / b for a, b in zip(ours, bare, strict=True))
    return [
        at_least("lora.py, tokens/s of a bare loop's", share, 0.9, "", places=3),
        noted("  lora.py", f"{statistics.median(ours):.0f} tokens/s"),
        noted("  the bare loop", f"{statistics.median(bare):.0f} tokens/s"),
    ]


def _recipe(config: lora.Config, model_path: str, directory: Path) -> float:
    """Tokens a second from the end of the first step to the end of the last, all costs included."""
    os.environ["TUISWP_METRICS"] = str(directory / "metrics.jsonl")
    given = lora.training_arguments(config, {"save_strategy": "no"})
    args = hf_training.arguments(directory, given, judged_by=None)
    model, tokenizer = lora.adapted_model(config, model_path)
    learn, _ = lora.examples(config, *lora.data_files(config), tokenizer, evaluates=False)
    hf_training.train(CausalTrainer(model, args, learn, None), directory)
    rows = [json.loads(line) for line in (directory / "metrics.jsonl").read_text().splitlines()]
    tokens = sum(row["num_tokens"] for row in rows[1:])
    return float(tokens / (rows[-1]["_timestamp"] - rows[0]["_timestamp"]))


def _bare(config: lora.Config, model_path: str) -> float:
    """The same model, batch and optimizer in the shortest loop there is."""
    import torch

    model, tokenizer = lora.adapted_model(config, model_path)
    learn, _ = lora.examples(config, *lora.data_files(config), tokenizer, evaluates=False)
    parameters = [p for p in model.parameters() if p.requires_grad]
    optimizer = torch.optim.AdamW(parameters, lr=config.learning_rate)
    model.train()
    order = torch.randperm(len(learn), generator=torch.Generator().manual_seed(0)).tolist()
    tokens, started = 0, 0.0
    for step in range(STEPS):
        chosen = order[step * 16 : (step + 1) * 16]
        batch = [learn[place] for place in chosen]
        _step(model, optimizer, parameters, padded(batch))
        if step == 0:
            started = time.monotonic()
        else:
            tokens += sum(len(example.ids) for example in batch)
    return tokens / (time.monotonic() - started)


def _step(model: Any, optimizer: Any, parameters: list[Any], batch: dict[str, Any]) -> None:
    import torch

    tensors = {name: tensor.to(model.device) for name, tensor in batch.items()}
    model(**tensors, use_cache=False).loss.backward()
    torch.nn.utils.clip_grad_norm_(parameters, 1.0)
    optimizer.step()
    optimizer.zero_grad()
