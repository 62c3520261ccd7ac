"""python -m recipes.lr_study --learning_rate=0.3 --batch_size=64

A learning-rate study in miniature: a small network learns to predict the next byte of the standard
library, with linear warm-up and cosine decay, and is evaluated on held-out text every so many
iterations. It takes W&B's default arguments (`--name=value`), reports to `metrics.jsonl`, and is
fast enough on one core that a search with early stopping can be watched from beginning to end.

Logged each iteration: the current learning rate, the training loss and the norm of the gradient
before it is clipped; each evaluation adds `eval_loss`. Losses are nats a byte. TERM ends it at
once: a run is shorter than what a checkpoint is good for.
"""

import math
import os
import sys
import time
from dataclasses import dataclass
from itertools import islice
from typing import Any

from recipes import base_model, stdlib_text
from recipes.arguments import fail, parse
from tuiswp import report

_TRAIN_BYTES, _EVAL_BYTES = 1_000_000, 20_000


@dataclass(frozen=True)
class Config:
    """Everything that decides the result. A sweep may set any of it."""

    learning_rate: float = 0.1  # the peak, after warm-up; above 3 it diverges
    iterations: int = 1000
    warmup: int = 100  # iterations
    eval_every: int = 50  # iterations

    batch_size: int = 64
    momentum: float = 0.9
    weight_decay: float = 0.0
    clip: float = 1.0  # largest norm of the gradient
    optimizer: str = "sgd"  # or adamw

    hidden: int = 128
    dropout: float = 0.0
    context: int = 12  # bytes seen

    seed: int = 0

    def __post_init__(self) -> None:
        for name in ("iterations", "eval_every", "batch_size", "hidden", "context"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name}={getattr(self, name)} is below 1")
        for name in ("learning_rate", "clip"):
            if getattr(self, name) <= 0:
                raise ValueError(f"{name}={getattr(self, name)} must be above 0")
        if self.optimizer not in ("sgd", "adamw"):
            raise ValueError(f"optimizer={self.optimizer!r} is neither sgd nor adamw")
        if not 0 <= self.dropout < 1:
            raise ValueError(f"dropout={self.dropout} must be in 0..1, 1 left out")


def main(argv: list[str]) -> None:
    """Train as `argv` says; returns when the last iteration is done."""
    config = parse(Config, argv, about=__doc__)
    if not os.environ.get("TUISWP_METRICS"):
        fail("TUISWP_METRICS is not set: where should metrics.jsonl go?")
    base_model.check_libraries()
    train(config)


def train(config: Config) -> None:
    """The loop. One thread: the matrices are small."""
    import torch

    torch.set_num_threads(1)
    torch.manual_seed(config.seed)
    device = "cuda" if torch.cuda.is_available() else "cpu"
    training, held_out = (part.to(device) for part in text_bytes())
    model = network(config).to(device)
    optimizer = make_optimizer(model, config)
    order = torch.Generator().manual_seed(config.seed)
    held_x, held_y = windows(held_out, torch.arange(0, len(held_out) - config.context, 7), config)
    for step in range(1, config.iterations + 1):
        rate = learning_rate_at(step, config)
        for group in optimizer.param_groups:
            group["lr"] = rate
        places = torch.randint(
            len(training) - config.context, (config.batch_size,), generator=order
        )
        x, y = windows(training, places, config)
        started = time.monotonic()
        loss = torch.nn.functional.cross_entropy(model(x), y)
        optimizer.zero_grad()
        loss.backward()
        norm = torch.nn.utils.clip_grad_norm_(model.parameters(), config.clip)
        optimizer.step()
        row = {
            "learning_rate": rate,
            "train_loss": float(loss.detach()),
            "grad_norm": float(norm),
            "time_total": time.monotonic() - started,
        }
        if step % config.eval_every == 0 or step == config.iterations:
            row["eval_loss"] = evaluate(model, held_x, held_y)
            print(f"{step}/{config.iterations}  eval_loss {row['eval_loss']:.4f}", flush=True)
        report.log(row | {"step": step, "progress": step / config.iterations})


def learning_rate_at(step: int, config: Config) -> float:
    """Linear warm-up to the peak, then half a cosine down to zero; `step` counts from 1."""
    if step <= config.warmup:
        return config.learning_rate * step / config.warmup
    share = (step - config.warmup) / max(1, config.iterations - config.warmup)
    return config.learning_rate * 0.5 * (1.0 + math.cos(math.pi * share))


def text_bytes() -> tuple[Any, Any]:
    """Bytes of the standard library to train on, and others to evaluate on; uint8 each."""
    import torch

    text = "\n".join(islice(stdlib_text.sources(), 120)).encode()[: _TRAIN_BYTES + _EVAL_BYTES]
    whole = torch.frombuffer(bytearray(text), dtype=torch.uint8)
    return whole[:-_EVAL_BYTES], whole[-_EVAL_BYTES:]


def windows(text: Any, places: Any, config: Config) -> tuple[Any, Any]:
    """Contexts (places, context) at those places, and the byte after each (places), as indices."""
    import torch

    offsets = torch.arange(config.context)
    x = text[places[:, None] + offsets].long()
    return x, text[places + config.context].long()


def network(config: Config) -> Any:
    """Embedded bytes through two hidden layers."""
    from torch import nn

    return nn.Sequential(
        nn.Embedding(256, 16),
        nn.Flatten(),
        nn.Linear(16 * config.context, config.hidden),
        nn.ReLU(),
        nn.Dropout(config.dropout),
        nn.Linear(config.hidden, config.hidden),
        nn.ReLU(),
        nn.Linear(config.hidden, 256),
    )


def make_optimizer(model: Any, config: Config) -> Any:
    """SGD with momentum, or AdamW."""
    import torch

    if config.optimizer == "adamw":
        return torch.optim.AdamW(
            model.parameters(), lr=config.learning_rate, weight_decay=config.weight_decay
        )
    return torch.optim.SGD(
        model.parameters(),
        lr=config.learning_rate,
        momentum=config.momentum,
        weight_decay=config.weight_decay,
    )


def evaluate(model: Any, x: Any, y: Any) -> float:
    """Mean loss on the held-out windows."""
    import torch

    model.eval()
    with torch.no_grad():
        loss = torch.nn.functional.cross_entropy(model(x), y)
    model.train()
    return float(loss)


if __name__ == "__main__":
    main(sys.argv[1:])
