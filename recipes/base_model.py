"""python -m recipes.base_model

The embedded base of the recipes: a tiny Llama-style language model over bytes, trained once on the
standard library's sources, in at most a minute on two cores, and kept in the cache. The first
trial that needs it builds it; this command builds it beforehand. `model=embedded/large` is a second
one, half as wide again, which takes some minutes.

What comes out is an ordinary Hugging Face directory (0.9M parameters, ByT5's byte tokenizer), so a
recipe loads it as it loads any other model. `training.json` in it says how it was trained.
"""

import json
import os
import platform
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from hashlib import sha256
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from recipes.arguments import fail, parse
from recipes.cache import cache_home, cached
from recipes.stdlib_text import sources

_VERSION = 1  # raise it when the training below changes: the cache is keyed by it
_WARMUP = 20  # steps
_COOLDOWN = 0.3  # the last part of training, over which the learning rate falls to zero
_FIRST_BYTE = 3  # ByT5's ids: 0 pad, 1 end, 2 unknown, then the 256 bytes


@dataclass(frozen=True)
class Base:
    """Sizes and training of the base. The default is what the figures of the sweep are about."""

    hidden_size: int = 128
    layers: int = 4
    heads: int = 4
    steps: int = 400
    batch_size: int = 8
    context: int = 128  # bytes of a training sequence
    learning_rate: float = 3e-3
    seconds: float = 50.0  # at most: a slow machine does fewer steps, and says so
    seed: int = 0


LARGE = Base(hidden_size=192, layers=6, heads=6, seconds=300.0)
EMBEDDED = {"": Base(), "embedded/small": Base(), "embedded/large": LARGE}


def path_of(model: str) -> str:
    """Where `model` can be loaded from: an embedded one is built if need be, others are as given.

    Leaves with exit code 2 for an embedded one that there is not.
    """
    if model in EMBEDDED:
        return str(ensure(EMBEDDED[model]))
    if model.startswith("embedded/"):
        fail(f"model={model!r} is none; there are: {', '.join(name for name in EMBEDDED if name)}")
    return model


def ensure(base: Base | None = None) -> Path:
    """The directory of the trained base, built now if the cache does not have it whole."""
    check_libraries()
    base = base or Base()
    name = cache_name(base)

    def make(directory: Path) -> None:
        if build(base, directory) < base.steps:
            print(
                "the machine was too slow or too busy for the other steps; remove "
                f"{cache_home() / name} to have the base trained again",
                flush=True,
            )

    return cached(name, make)


def check_libraries(*names: str) -> None:
    """Leave with exit code 2 and what to install if torch, transformers or one of `names` is
    missing; no names: peft."""
    needed = ("torch", "transformers", *(names or ("peft",)))
    missing = [name for name in needed if find_spec(name) is None]
    if missing:
        fail(f"not installed: {', '.join(missing)}; pip install 'tuiswp[recipes]'")


def cache_name(base: Base) -> str:
    """What `base` is called in the cache: another recipe, Python or torch makes another base."""
    key = json.dumps([_VERSION, platform.python_version(), version("torch"), asdict(base)])
    return f"base-{sha256(key.encode()).hexdigest()[:12]}"


def build(base: Base, directory: Path) -> int:
    """Train the base from scratch, save it and its tokenizer into `directory`; return the steps."""
    # Threads that spin while they wait for one another are slow beyond measure on busy cores. Read
    # when torch is loaded, so it must stand before that.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    import torch
    from transformers import ByT5Tokenizer, LlamaConfig, LlamaForCausalLM
    from transformers.utils.logging import disable_progress_bar

    disable_progress_bar()
    print("training the embedded base model on the standard library (once)", flush=True)
    torch.manual_seed(base.seed)
    text = torch.frombuffer(bytearray("\n\n".join(sources()).encode()), dtype=torch.uint8)
    tokenizer = ByT5Tokenizer(extra_ids=0)
    model = LlamaForCausalLM(
        LlamaConfig(
            vocab_size=len(tokenizer),
            hidden_size=base.hidden_size,
            intermediate_size=3 * base.hidden_size,
            num_hidden_layers=base.layers,
            num_attention_heads=base.heads,
            max_position_embeddings=2048,
            tie_word_embeddings=True,
            pad_token_id=tokenizer.pad_token_id,
            eos_token_id=tokenizer.eos_token_id,
            bos_token_id=None,
        )
    )
    with _all_cores():
        done = _train(base, model, text)
    model.save_pretrained(directory)
    tokenizer.save_pretrained(directory)
    (directory / "training.json").write_text(json.dumps({**asdict(base), "done": done}, indent=1))
    print(
        f"base model: {done['steps']} of {base.steps} steps, {done['seconds']:.0f} s, "
        f"loss {done['loss']:.3f} nats a byte, {done['parameters']:,} parameters",
        flush=True,
    )
    return int(done["steps"])


def _train(base: Base, model: Any, text: Any) -> dict[str, float]:
    """Train `model` on random crops of `text`, a 1-D tensor of bytes; return what was done.

    Warm-up, constant, then linear to zero. When the pace shows that the plan does not fit into
    `base.seconds`, the plan is cut, so that the fall to zero is always part of it.
    """
    import torch

    optimizer = torch.optim.AdamW(
        model.parameters(), lr=base.learning_rate, betas=(0.9, 0.95), weight_decay=0.1
    )
    crops = torch.Generator().manual_seed(base.seed)
    offsets = torch.arange(base.context)
    started = time.monotonic()
    total, step, losses = base.steps, 0, []
    while step < total and (elapsed := time.monotonic() - started) < base.seconds:
        if step < (1 - _COOLDOWN) * total and elapsed > (1 - _COOLDOWN) * base.seconds:
            total = max(step + 1, int(step / (1 - _COOLDOWN)))
        warm = min(1.0, (step + 1) / _WARMUP)
        cool = min(1.0, (1 - step / total) / _COOLDOWN)
        optimizer.param_groups[0]["lr"] = base.learning_rate * warm * cool
        starts = torch.randint(len(text) - base.context, (base.batch_size, 1), generator=crops)
        ids = text[starts + offsets].long() + _FIRST_BYTE  # (batch, context)
        logits = model(input_ids=ids[:, :-1], use_cache=False).logits
        loss = torch.nn.functional.cross_entropy(logits.flatten(0, 1), ids[:, 1:].flatten())
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        optimizer.zero_grad()
        losses.append(loss.item())
        step += 1
        if step % 20 == 0:
            print(f"  base step {step}/{total}  loss {losses[-1]:.3f}", flush=True)
    return {
        "steps": step,
        "seconds": time.monotonic() - started,
        "loss": sum(losses[-10:]) / len(losses[-10:]),
        "parameters": sum(p.numel() for p in model.parameters()),
    }


@contextmanager
def _all_cores() -> Iterator[None]:
    """Use every core this process may run on, even under OMP_NUM_THREADS=1: the others wait."""
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(len(os.sched_getaffinity(0)))
    try:
        yield
    finally:
        torch.set_num_threads(before)


if __name__ == "__main__":
    print(ensure(parse(Base, sys.argv[1:], about=__doc__)))
