"""python -m recipes.hyperparams meta-llama/Llama-3.1-8B

(and hidden_size= exponent= lora=false where they are needed; no name: the embedded base)

The default learning rate of a model and the range to sweep around it. Arithmetic on names and
local config files only: nothing is downloaded, no library is loaded.

    LR = 5e-5 · M · (2000 / H)^P      M = 10 for LoRA, 1 for full fine-tuning; H = hidden size

P was fitted for two families (llama 0.781, qwen 0.0775; Thinking Machines' tinker-cookbook). It
does not depend on the LoRA rank. For another family there is no figure, so none is invented.
"""

import json
import math
import sys
from dataclasses import dataclass
from pathlib import Path

from recipes.arguments import fail, parse

EXPONENTS = {"llama": 0.781, "qwen": 0.0775}

# Families whose names may also hold a known word ("Llama-3.3-Nemotron") but were not fitted.
_NOT_FITTED = ("deepseek-v3", "gpt-oss", "inkling", "kimi", "nemotron")

# Longest first, so that a name is met by its most exact entry.
_HIDDEN_SIZES = dict(
    sorted(
        {
            "llama-3.2-1b": 2048,
            "llama-3.2-3b": 3072,
            "llama-3.1-8b": 4096,
            "llama-3.1-70b": 8192,
            "llama-3.3-70b": 8192,
            "qwen3-4b": 2560,
            "qwen3-8b": 4096,
            "qwen3-30b-a3b": 2048,
            "qwen3-32b": 5120,
            "qwen3-235b-a22b": 4096,
            "qwen3.5-4b": 2560,
            "qwen3.5-9b": 4096,
            "qwen3.5-27b": 5120,
            "qwen3.5-35b-a3b": 2048,
        }.items(),
        key=lambda item: -len(item[0]),
    )
)

# Family and hidden size of the models of recipes.base_model.
_EMBEDDED = {"": 128, "embedded/small": 128, "embedded/large": 192}


def get_lr(
    model: str,
    *,
    lora: bool = True,
    hidden_size: int | None = None,
    exponent: float | None = None,
) -> float:
    """The default learning rate of `model`: a hub name, a local directory, or "" (embedded base).

    `hidden_size` and `exponent` replace what is known of the model. Raises ValueError, naming what
    to pass, if the family is outside the two fitted ones or the hidden size is unknown.

    >>> get_lr("meta-llama/Llama-3.1-8B")
    0.0002856415043086949
    """
    family, size = _known(model)
    if exponent is None:
        if family is None:
            raise ValueError(
                f"no learning rate was fitted for {model!r}; pass exponent= "
                f"(llama has {EXPONENTS['llama']}, qwen {EXPONENTS['qwen']})"
            )
        exponent = EXPONENTS[family]
    hidden_size = size if hidden_size is None else hidden_size
    if hidden_size is None:
        raise ValueError(
            f"the hidden size of {model!r} is not known; pass hidden_size=, or the path of a local "
            "copy with its config.json"
        )
    if hidden_size < 1:
        raise ValueError(f"hidden_size={hidden_size} is not a size")
    return float(5e-5 * (10 if lora else 1) * (2000 / hidden_size) ** exponent)


def scale_lr_for_batch(lr: float, old: int, new: int) -> float:
    """The learning rate for `new` sequences a batch, where `lr` is good for `old`: LR ∝ √batch."""
    if old < 1 or new < 1:
        raise ValueError(f"a batch has at least one sequence, got {old} and {new}")
    return lr * math.sqrt(new / old)


def scale_lr_for_gpus(lr: float, old: int, new: int) -> float:
    """The same rule for more GPUs at the same batch on each: LR · √(new/old)."""
    return scale_lr_for_batch(lr, old, new)


def lr_range(default: float) -> list[float]:
    """Six values to sweep: `default` rounded to 1-3-10 (in log), three below it, two above.

    >>> lr_range(2.86e-4)
    [1e-05, 3e-05, 0.0001, 0.0003, 0.001, 0.003]
    """
    if not 0 < default < math.inf:
        raise ValueError(f"a learning rate is a number above zero, got {default}")
    decade = math.floor(math.log10(default))
    near = [_grid(2 * decade + i) for i in range(-1, 4)]
    nearest = min(range(len(near)), key=lambda i: abs(math.log(near[i] / default)))
    centre = 2 * decade - 1 + nearest
    return [_grid(i) for i in range(centre - 3, centre + 3)]


def _grid(index: int) -> float:
    """Value number `index` of … 0.1, 0.3, 1, 3, 10 …; number 0 is 1. Read from text, so exact."""
    return float(f"{(1, 3)[index % 2]}e{index // 2}")


def _known(model: str) -> tuple[str | None, int | None]:
    """Family and hidden size of `model`, each None if unknown."""
    if model in _EMBEDDED:
        return "llama", _EMBEDDED[model]
    config = Path(model).expanduser() / "config.json"
    if config.is_file():
        try:
            found = json.loads(config.read_text())
            nested = found.get("text_config") or {}
            size = found.get("hidden_size", nested.get("hidden_size"))
            kind = found.get("model_type") or nested.get("model_type") or ""
        except (AttributeError, ValueError) as fault:
            raise ValueError(f"{config} is not a model's config.json: {fault}") from fault
        return _family(str(kind)), size if isinstance(size, int) else None
    name = model.rstrip("/").rpartition("/")[2].lower()
    for entry, size in _HIDDEN_SIZES.items():
        if name == entry or name.startswith(f"{entry}-"):
            return _family(name), size
    return _family(name), None


def _family(name: str) -> str | None:
    name = name.lower()
    if any(word in name for word in _NOT_FITTED):
        return None
    return next((family for family in EXPONENTS if family in name), None)


@dataclass(frozen=True)
class Question:
    """What the command may be told beside the name; 0 means what is known of the model."""

    hidden_size: int = 0
    exponent: float = 0.0
    lora: bool = True


def main(argv: list[str]) -> None:
    """Print the default learning rate and the range of the model named first in `argv`."""
    named = [token for token in argv if "=" not in token and not token.startswith("-")]
    asked = parse(Question, [token for token in argv if token not in named], about=__doc__)
    if len(named) > 1:
        fail(f"one model at a time, got {' '.join(named)}")
    try:
        default = get_lr(
            named[0] if named else "",
            lora=asked.lora,
            hidden_size=asked.hidden_size or None,
            exponent=asked.exponent or None,
        )
    except ValueError as fault:
        fail(str(fault))
    print(f"default  {default:.6g}")
    print("range    " + " ".join(f"{value:g}" for value in lr_range(default)))


if __name__ == "__main__":
    main(sys.argv[1:])
