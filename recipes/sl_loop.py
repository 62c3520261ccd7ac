"""python -m recipes.sl_loop learning_rate=0.003 log_path=runs/lr-0.003

Supervised fine-tuning with LoRA: one configuration and one loop, read from top to bottom.

Into `log_path` go `config.json` at the start, one line of `metrics.jsonl` a step, `checkpoint.pt`
now and then, and `adapter/` (a PEFT adapter) at the end. TERM or ctrl-c: the step is finished, a
checkpoint is saved, and the exit code is 143 or 130. The same command in the same directory goes
on from there, exactly as if it had never stopped; with another configuration it refuses.
Exit code 2: the arguments, the data or the directory are wrong, and one line says how.
"""

import hashlib
import json
import math
import os
import random
import sys
import time
from dataclasses import asdict, dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Any, TextIO

from recipes import base_model, stdlib_text
from recipes.arguments import fail, parse
from recipes.models import causal_lm, with_lora
from recipes.pairs import Example, load_examples, padded
from recipes.run_directory import StopRequest, claim, digest, open_to_append, opened

# torch, transformers and peft load inside the functions below: a wrong argument is told at once.


@dataclass(frozen=True)
class Config:
    """Everything that decides the result, and where it goes. A sweep may set any of it."""

    # Where everything is written; "" is the trial's directory when a sweep started us.
    log_path: str = ""

    # What is trained: a local directory or a hub name; "" is the embedded byte-level base.
    model: str = ""
    # What it learns: a JSONL file of prompt/completion or of messages; "" is signature → docstring
    # pairs of the standard library.
    data: str = ""

    batch_size: int = 16  # sequences a step
    max_length: int = 1024  # tokens of a sequence; what is longer is cut at the end
    max_steps: int = 60  # 0: once through the data
    learning_rate: float = 4.3e-3  # python -m recipes.hyperparams MODEL says what to try
    warmup_steps: int = 0
    weight_decay: float = 0.0
    clip: float = 1.0  # largest norm of the gradient

    lora_rank: int = 32
    lora_alpha: float = 32.0  # the adapter is scaled by alpha / rank
    lora_dropout: float = 0.0

    seed: int = 0  # of the adapter's start, the order of the data and dropout
    save_every: int = 20  # steps between checkpoints; 0: only at the end

    def __post_init__(self) -> None:
        least = {"batch_size": 1, "max_length": 2, "lora_rank": 1}
        least |= dict.fromkeys(("max_steps", "warmup_steps", "save_every", "weight_decay"), 0)
        for name, limit in least.items():
            if getattr(self, name) < limit:
                raise ValueError(f"{name}={getattr(self, name)} is below {limit}")
        for name in ("learning_rate", "clip", "lora_alpha"):
            if getattr(self, name) <= 0:
                raise ValueError(f"{name}={getattr(self, name)} must be above 0")
        if not 0 <= self.lora_dropout < 1:
            raise ValueError(f"lora_dropout={self.lora_dropout} must be in 0..1, 1 left out")


def main(argv: list[str]) -> None:
    """Train as `argv` says; returns when the last step is done."""
    config = parse(Config, argv, about=__doc__)
    base_model.check_libraries()
    directory = opened(config.log_path)
    config = replace(config, log_path=str(directory))
    try:
        claim(directory, asdict(config))
    except OSError as fault:
        fail(f"{fault.filename}: {fault.strerror}")
    # Built now if the cache has them not, before torch takes its time and memory.
    model_path = Path(base_model.path_of(config.model)).expanduser()
    data = Path(config.data).expanduser() if config.data else stdlib_text.pairs_file()
    # config.json may say "" for both: what stands behind that must not change between restarts.
    embedded = config.model in base_model.EMBEDDED
    sources = [data, model_path / "sums.json"] if embedded else [data]
    try:
        origin = hashlib.sha256(b"".join(digest(file) for file in sources)).hexdigest()
        metrics = open_to_append(directory / "metrics.jsonl")
    except OSError as fault:
        fail(f"{fault.filename}: {fault.strerror}")
    with metrics:
        train(config, str(model_path), data, origin, metrics)


def train(config: Config, model_path: str, data: Path, origin: str, metrics: TextIO) -> None:
    """The loop: from the checkpoint in `log_path`, or from the start, to the last step.

    `origin` stands for data and base; a checkpoint of another origin is refused.
    """
    import torch

    directory = Path(config.log_path)
    base, tokenizer = causal_lm(model_path)
    torch.manual_seed(config.seed)
    model = with_lora(base, config.lora_rank, config.lora_alpha, config.lora_dropout)
    examples = load_examples(data, tokenizer, config.max_length)
    steps = config.max_steps or math.ceil(len(examples) / config.batch_size)
    parameters = [p for p in model.parameters() if p.requires_grad]
    optimizer = torch.optim.AdamW(
        parameters, lr=config.learning_rate, betas=(0.9, 0.95), weight_decay=config.weight_decay
    )
    checkpoint = directory / "checkpoint.pt"
    first = load_checkpoint(checkpoint, model, optimizer, origin)
    if first >= steps:
        print(f"{directory}: all {steps} steps are done; nothing to do")
        return
    print(
        f"{sum(p.numel() for p in parameters):,} trainable parameters on {model.device}, "
        f"{len(examples)} examples, steps {first + 1} to {steps}",
        flush=True,
    )
    model.train()
    stop = StopRequest()  # from here on there is something to save
    for step in range(first, steps):
        started = time.monotonic()
        # Linear decay: 1 at step 0, 1/steps at the last one.
        warmup = min(1.0, (step + 1) / (config.warmup_steps + 1))
        learning_rate = config.learning_rate * warmup * (1 - step / steps)
        optimizer.param_groups[0]["lr"] = learning_rate

        batch = batch_at(step, examples, config)
        nll, tokens = completion_nll(model, batch)
        (nll / tokens).backward()
        grad_norm = torch.nn.utils.clip_grad_norm_(parameters, config.clip)
        optimizer.step()
        optimizer.zero_grad()

        nats = float(nll.detach())
        row = {
            "step": step,
            "learning_rate": learning_rate,
            "train_mean_nll": nats / tokens,
            "train_mean_bpb": nats / math.log(2) / sum(e.completion_bytes for e in batch),
            "grad_norm": float(grad_norm),
            "num_sequences": len(batch),
            "num_tokens": sum(len(example.ids) for example in batch),
            "progress": (step + 1) / steps,
            "time_total": time.monotonic() - started,
        }
        metrics.write(json.dumps(row) + "\n")
        metrics.flush()
        print(
            f"step {step + 1}/{steps}  nll {row['train_mean_nll']:.4f}  lr {learning_rate:.2e}  "
            f"{row['time_total']:.2f} s",
            flush=True,
        )
        last = step + 1 == steps
        if last:
            model.save_pretrained(directory / "adapter", save_embedding_layers=False)
        if last or stop.asked or (config.save_every and (step + 1) % config.save_every == 0):
            save_checkpoint(checkpoint, step + 1, model, optimizer, origin)
        if stop.asked and not last:
            print(f"asked to stop: saved after step {step + 1}; run it again to go on", flush=True)
            raise SystemExit(128 + stop.asked)


def completion_nll(model: Any, batch: list[Example]) -> tuple[Any, int]:
    """Summed negative log-likelihood in nats of the completions' tokens (a scalar tensor), and how
    many they are. Prompts and padding are seen but not scored."""
    import torch

    tensors = {name: tensor.to(model.device) for name, tensor in padded(batch).items()}
    ids, labels, seen = (tensors[name] for name in ("input_ids", "labels", "attention_mask"))
    logits = model(input_ids=ids, attention_mask=seen, use_cache=False).logits
    # The token at i + 1 is predicted at i; a sequence's first token is never predicted.
    scored = labels[:, 1:]
    nll = torch.nn.functional.cross_entropy(
        logits[:, :-1].flatten(0, 1).float(), scored.flatten(), reduction="sum"
    )
    return nll, int((scored != -100).sum())


def batch_at(step: int, examples: list[Example], config: Config) -> list[Example]:
    """The examples of one step, by seed and step alone, so that a resumed run sees the same.

    Each pass over the data has its own order; a batch may span two passes.
    """
    size = len(examples)
    chosen = []
    for position in range(step * config.batch_size, (step + 1) * config.batch_size):
        epoch, index = divmod(position, size)
        chosen.append(examples[order_of(epoch, size, config.seed)[index]])
    return chosen


@lru_cache(maxsize=2)
def order_of(epoch: int, size: int, seed: int) -> list[int]:
    return random.Random(f"{seed}/{epoch}").sample(range(size), size)


# --- checkpoint ------------------------------------------------------------------------------


def save_checkpoint(file: Path, step: int, model: Any, optimizer: Any, origin: str) -> None:
    """Write all that the rest of the run depends on; a crash meanwhile leaves the one before."""
    import torch
    from peft import get_peft_model_state_dict

    state = {
        "step": step,
        "origin": origin,
        "adapter": get_peft_model_state_dict(model, save_embedding_layers=False),
        "optimizer": optimizer.state_dict(),
        "rng": torch.get_rng_state(),
        "cuda_rng": torch.cuda.get_rng_state_all() if torch.cuda.is_available() else [],
    }
    fresh = file.with_name(f"{file.name}.new")
    with fresh.open("wb") as handle:
        torch.save(state, handle)
        handle.flush()
        os.fsync(handle.fileno())
    fresh.replace(file)


def load_checkpoint(file: Path, model: Any, optimizer: Any, origin: str) -> int:
    """Put model, optimizer and random numbers where `file` left them; return the steps done.

    0 if there is no file. Leaves with exit code 2 if it cannot be read or has another origin.
    """
    import torch
    from peft import set_peft_model_state_dict

    if not file.exists():
        return 0
    try:
        state = torch.load(file, map_location="cpu", weights_only=True)
    except Exception as fault:  # torch raises what the damage happens to hit
        fail(f"{file} cannot be read ({type(fault).__name__}); remove it to start from step 0")
    if state["origin"] != origin:
        fail(f"{file}: its base model or data has changed; use another log_path")
    set_peft_model_state_dict(model, state["adapter"])
    optimizer.load_state_dict(state["optimizer"])
    torch.set_rng_state(state["rng"])
    if state["cuda_rng"]:
        torch.cuda.set_rng_state_all(state["cuda_rng"])
    return int(state["step"])


if __name__ == "__main__":
    main(sys.argv[1:])
