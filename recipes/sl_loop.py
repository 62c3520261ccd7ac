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
import signal
import sys
import time
import warnings
from dataclasses import asdict, dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple, TextIO

from recipes import base_model, stdlib_text
from recipes.arguments import fail, parse

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


class Example(NamedTuple):
    """One tokenised pair: ids of prompt and completion together, and where the completion is."""

    ids: list[int]
    prompt_tokens: int
    completion_bytes: int


def main(argv: list[str]) -> None:
    """Train as `argv` says; returns when the last step is done."""
    config = parse(Config, argv, about=__doc__)
    log_path = config.log_path or os.environ.get("TUISWP_TRIAL_DIR", "")
    if not log_path:
        fail("log_path=DIR is missing: where should config.json and metrics.jsonl go?")
    base_model.check_libraries()
    directory = Path(log_path).expanduser()
    config = replace(config, log_path=str(directory))
    try:
        directory.mkdir(parents=True, exist_ok=True)
        claim(directory, config)
    except OSError as fault:
        fail(f"{fault.filename}: {fault.strerror}")
    # Built now if the cache has them not, before torch takes its time and memory.
    model_path = Path(config.model).expanduser() if config.model else base_model.ensure()
    data = Path(config.data).expanduser() if config.data else stdlib_text.pairs_file()
    # config.json may say "" for both: what stands behind that must not change between restarts.
    sources = [data] if config.model else [data, model_path / "sums.json"]
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
    model, tokenizer = load_model(model_path, config)
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

    longest = max(len(example.ids) for example in batch)
    ids = torch.zeros(len(batch), longest, dtype=torch.long)  # (batch, longest), padded right
    labels = torch.full_like(ids, -100)  # -100: not scored
    seen = torch.zeros_like(ids)
    for row, example in enumerate(batch):
        length = len(example.ids)
        ids[row, :length] = torch.tensor(example.ids)
        seen[row, :length] = 1
        labels[row, example.prompt_tokens : length] = ids[row, example.prompt_tokens : length]
    ids, labels, seen = (t.to(model.device) for t in (ids, labels, seen))
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


# --- model -----------------------------------------------------------------------------------


def load_model(path: str, config: Config) -> tuple[Any, Any]:
    """The model at `path` with a fresh LoRA adapter on all its linear layers, and its tokenizer.

    On a GPU the base is held in bfloat16 (the adapter in float32), else in float32.
    """
    import torch
    from peft import LoraConfig, TaskType, get_peft_model
    from transformers import AutoModelForCausalLM, AutoTokenizer
    from transformers.utils.logging import disable_progress_bar

    disable_progress_bar()
    cuda = torch.cuda.is_available()
    dtype = torch.bfloat16 if cuda else torch.float32
    try:
        tokenizer = AutoTokenizer.from_pretrained(path)
        base = AutoModelForCausalLM.from_pretrained(path, dtype=dtype)
    except (OSError, ValueError) as fault:
        fail(f"model={path!r} cannot be loaded: {' '.join(str(fault).split())[:400]}")
    torch.manual_seed(config.seed)
    lora = LoraConfig(
        task_type=TaskType.CAUSAL_LM,
        target_modules="all-linear",
        r=config.lora_rank,
        lora_alpha=config.lora_alpha,
        lora_dropout=config.lora_dropout,
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)  # between peft and transformers, not for us
        model = get_peft_model(base.to("cuda" if cuda else "cpu"), lora)
    return model, tokenizer


# --- data ------------------------------------------------------------------------------------


def load_examples(file: Path, tokenizer: Any, max_length: int) -> list[Example]:
    """Every pair of `file`, tokenised and cut to `max_length`.

    Leaves with exit code 2 at the first bad line, quoted, and if nothing is left to learn from.
    """
    examples, without_completion = [], 0
    with file.open("rb") as lines:
        for number, line in enumerate(lines, start=1):
            if not line.strip():
                continue
            try:
                prompt, completion = read_pair(json.loads(line.decode("utf-8-sig")), tokenizer)
            except (ValueError, RecursionError) as fault:
                fail(f"{file}:{number}: {fault}: {line.rstrip()[:120]!r}")
            example = tokenised(prompt, completion, tokenizer, max_length)
            if example.prompt_tokens < len(example.ids):
                examples.append(example)
            else:
                without_completion += 1
    if without_completion:
        print(
            f"{without_completion} prompts fill max_length={max_length} and are left out",
            flush=True,
        )
    if not examples:
        fail(f"{file}: no line with a completion within max_length={max_length}")
    return examples


def read_pair(record: Any, tokenizer: Any) -> tuple[str, str]:
    """Prompt and completion of one JSON value; of messages, the completion is the last one, which
    must be the assistant's. Raises ValueError saying what is wrong."""
    match record:
        case {"prompt": str(prompt), "completion": str(completion)}:
            pass
        case {"messages": [*before, {"role": "assistant", "content": str(completion)}]}:
            for message in before:
                if not isinstance(message, dict):
                    raise ValueError("a message is not an object")
                if not all(isinstance(message.get(key), str) for key in ("role", "content")):
                    raise ValueError("a message needs role and content as text")
            prompt = rendered(before, tokenizer)
        case {"messages": _}:
            raise ValueError("messages must be a list that ends with the assistant's text")
        case _:
            raise ValueError("expected prompt and completion as text, or messages")
    if not completion:
        raise ValueError("the completion is empty")
    f"{prompt}{completion}".encode()  # half a character (`\\ud83d`) is a ValueError here
    return prompt, completion


def rendered(messages: list[dict[str, str]], tokenizer: Any) -> str:
    """The conversation so far as the model's chat template has it; without one, line by line."""
    if tokenizer.chat_template:
        try:
            return str(
                tokenizer.apply_chat_template(messages, tokenize=False, add_generation_prompt=True)
            )
        except Exception as fault:  # a template is a program of the model's author
            raise ValueError(f"the model's chat template refuses it ({fault})") from fault
    return "".join(f"{m['role']}: {m['content']}\n" for m in messages) + "assistant: "


def tokenised(prompt: str, completion: str, tokenizer: Any, max_length: int) -> Example:
    """Begin token if the model has one, prompt, completion, end token; cut to `max_length`."""
    before = tokenizer(prompt, add_special_tokens=False).input_ids
    begin = tokenizer.bos_token_id
    if begin is not None and before[:1] != [begin]:  # a chat template may have put it there
        before = [begin, *before]
    after = tokenizer(completion, add_special_tokens=False).input_ids
    room = max(0, max_length - len(before))
    if len(after) > room:
        after = after[:room]
        completion = tokenizer.decode(after)
    elif tokenizer.eos_token_id is not None and len(after) < room:
        after = [*after, tokenizer.eos_token_id]
    # Nothing stands before the first token to predict it from: it counts as prompt.
    prompt_tokens = max(1, len(before))
    return Example([*before, *after], prompt_tokens, len(completion.encode("utf-8", "replace")))


# --- directory and checkpoint ----------------------------------------------------------------


def claim(directory: Path, config: Config) -> None:
    """Write `config.json`; leave with exit code 2 if another configuration has begun in here.

    The path itself does not count: a directory may be moved.
    """
    file = directory / "config.json"
    metrics = directory / "metrics.jsonl"
    if not metrics.exists() or metrics.stat().st_size == 0:
        file.write_text(json.dumps(asdict(config), indent=2) + "\n")
        return
    try:
        before = dict(json.loads(file.read_text()))
    except (FileNotFoundError, TypeError, ValueError):
        fail(f"{directory} holds metrics of something else; use another log_path")
    now = asdict(config)
    keys = [key for key in now | before if key != "log_path" and before.get(key) != now.get(key)]
    if keys:
        changed = ", ".join(f"{key} {before.get(key)!r} → {now.get(key)!r}" for key in keys)
        fail(f"{directory} holds a run of another configuration ({changed}); use another log_path")


def digest(file: Path) -> bytes:
    with file.open("rb") as content:
        return hashlib.file_digest(content, "sha256").digest()


def open_to_append(file: Path) -> TextIO:
    """Open a JSONL file to append; a last line that a crash has cut is closed first."""
    with file.open("ab+") as handle:
        if handle.tell():
            handle.seek(-1, os.SEEK_END)
            if handle.read() != b"\n":
                handle.write(b"\n")
    return file.open("a", encoding="utf-8")


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


class StopRequest:
    """Remembers the first TERM or INT, to be obeyed after the step; a second one acts at once."""

    asked: int = 0

    def __init__(self) -> None:
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._remember)

    def _remember(self, number: int, frame: object) -> None:
        self.asked = number
        signal.signal(number, signal.SIG_DFL)


if __name__ == "__main__":
    main(sys.argv[1:])
