"""Load a model from a directory or the hub: to continue text, with LoRA, or to classify it.

What cannot be loaded or adapted is told on one line, with exit code 2. Trains nothing.
"""

import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from recipes.arguments import fail


def causal_lm(path: str, *, dtype: str = "auto") -> tuple[Any, Any]:
    """The model at `path` (directory or hub name) and its tokenizer, on the GPU if there is one.

    `dtype` "auto": bfloat16 on a GPU that has it, else float32. Leaves with exit code 2 if there is
    no model at `path`.
    """
    from transformers import AutoModelForCausalLM

    wanted = bfloat16_is_there() if dtype == "auto" else dtype == "bfloat16"
    return _loaded(AutoModelForCausalLM, path, "bfloat16" if wanted else "float32")


def classifier(path: str, labels: Sequence[str], *, trust: bool = False) -> tuple[Any, Any]:
    """The model at `path` with a head for `labels`, and its tokenizer; in float32, all of it is
    trained. The head is new unless the one that was saved has as many labels; the seed is the
    caller's.

    `trust`: run the code that the model comes with. Leaves with exit code 2 if there is no model at
    `path`, or if its kind has no way to classify a sequence.
    """
    from transformers import AutoModelForSequenceClassification

    model, tokenizer = _loaded(
        AutoModelForSequenceClassification,
        path,
        "float32",
        trust,
        num_labels=len(labels),
        id2label=dict(enumerate(labels)),
        label2id={label: place for place, label in enumerate(labels)},
        problem_type="single_label_classification",
        ignore_mismatched_sizes=True,
    )
    if tokenizer.pad_token is None:  # a model that continues text was never padded
        tokenizer.pad_token = tokenizer.eos_token or tokenizer.unk_token
    if tokenizer.pad_token is None:
        fail(f"model={path!r} has a tokenizer without a token to pad with")
    model.config.pad_token_id = tokenizer.pad_token_id
    return model, tokenizer


def _loaded(auto: Any, path: str, dtype: str, trust: bool = False, **how: Any) -> tuple[Any, Any]:
    """The model at `path` by the class `auto`, on the GPU if there is one, and its tokenizer."""
    import torch
    from transformers import AutoTokenizer
    from transformers.utils import logging

    logging.disable_progress_bar()
    logging.set_verbosity_error()  # a head that is new is what was asked for
    local = Path(path).expanduser()
    if not local.exists() and (path.startswith((".", "/", "~")) or path.count("/") > 1):
        fail(f"model={path!r} cannot be loaded: there is no such directory")
    place = str(local) if local.exists() else path
    try:
        tokenizer = AutoTokenizer.from_pretrained(place, trust_remote_code=trust)
        model = auto.from_pretrained(
            place, dtype=getattr(torch, dtype), trust_remote_code=trust, **how
        )
    except torch.OutOfMemoryError:
        raise
    except Exception as fault:  # what the libraries raise is what the damage happens to hit
        fail(f"model={path!r} cannot be loaded: {_one_line(fault)}")
    return model.to("cuda" if torch.cuda.is_available() else "cpu"), tokenizer


def bfloat16_is_there() -> bool:
    """Whether this machine's GPU computes in bfloat16; a CPU is not asked: it is slower so."""
    import torch

    return bool(torch.cuda.is_available() and torch.cuda.is_bf16_supported())


def with_lora(
    base: Any, rank: int, alpha: float, dropout: float, target_modules: str = "all-linear"
) -> Any:
    """`base` with a fresh adapter (in float32), scaled by alpha / rank, on its `target_modules`.

    `target_modules`: "all-linear", or names of layers with commas between them. Leaves with exit
    code 2, naming the layers there are, if none is met. The seed is the caller's.
    """
    from peft import LoraConfig, TaskType, get_peft_model

    names = [name.strip() for name in target_modules.split(",") if name.strip()]
    there = linear_layers(base)
    missing = [
        name
        for name in names
        if name != "all-linear" and not any(f".{full}".endswith(f".{name}") for full in there)
    ]
    if missing or not names:
        kinds = sorted({full.rpartition(".")[2] for full in there})
        what = ", ".join(missing) or "nothing"
        fail(f"target_modules={what} matches no layer of the model; it has: {', '.join(kinds)}")
    lora = LoraConfig(
        task_type=TaskType.CAUSAL_LM,
        target_modules="all-linear" if names == ["all-linear"] else names,
        r=rank,
        lora_alpha=alpha,
        lora_dropout=dropout,
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)  # between peft and transformers, not for us
        try:
            return get_peft_model(base, lora)
        except (TypeError, ValueError) as fault:
            fail(f"target_modules={target_modules!r} cannot be adapted: {_one_line(fault)}")


def with_saved_lora(base: Any, adapter: Path) -> Any:
    """`base` with the adapter that was saved in the directory `adapter`, ready to be used."""
    from peft import PeftModel

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)
        return PeftModel.from_pretrained(base, str(adapter)).eval()


def linear_layers(model: Any) -> list[str]:
    """The full names of the layers LoRA knows; `target_modules` names them by their last parts."""
    import torch
    from transformers.pytorch_utils import Conv1D

    kinds = (torch.nn.Linear, torch.nn.Embedding, torch.nn.Conv1d, torch.nn.Conv2d, Conv1D)
    return [name for name, module in model.named_modules() if isinstance(module, kinds)]


def _one_line(fault: BaseException) -> str:
    return " ".join(str(fault).split())[:400] or type(fault).__name__
