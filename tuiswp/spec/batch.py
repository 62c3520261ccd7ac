"""What a trial's parameters say of its batch: its size, how often gradients are accumulated. Pure.

Known by their names, as scripts have them; what is not named is not known, and never guessed.
"""

from collections.abc import Sequence

from tuiswp.model.space import Parameter, Params, Path, Value
from tuiswp.spec.params import flatten
from tuiswp.text import visible

BATCH = frozenset({
    "batch", "bs", "batch_size", "batchsize", "train_batch_size", "per_device_train_batch_size",
})  # fmt: skip
ACCUMULATION = frozenset({
    "gradient_accumulation_steps", "gradient_accumulation", "grad_accumulation_steps",
    "grad_accumulation", "grad_accum_steps", "grad_accum", "accumulation_steps",
    "accumulate_grad_batches",
})  # fmt: skip

Sizes = tuple[tuple[Path, int] | None, tuple[Path, int] | None]


def sizes(parameters: Sequence[Parameter], params: Params) -> Sizes:
    """Batch size and accumulation with their paths; None for what the parameters do not say."""
    flat = flatten(params, parameters)
    return _first(flat, BATCH), _first(flat, ACCUMULATION)


def effective_batch(parameters: Sequence[Parameter], params: Params) -> int | None:
    """Sequences to one step of the optimizer, on one GPU; None: not known."""
    batch, accumulation = sizes(parameters, params)
    if batch is None:
        return None
    return batch[1] * (1 if accumulation is None else accumulation[1])


def halved(parameters: Sequence[Parameter], params: Params) -> dict[Path, int]:
    """Values that need less memory: half the batch and, where it is named, twice the accumulation.

    Empty where no batch is named or it cannot be halved.
    """
    batch, accumulation = sizes(parameters, params)
    if batch is None or batch[1] < 2:
        return {}
    found = {batch[0]: batch[1] // 2}
    if accumulation is not None:
        found[accumulation[0]] = accumulation[1] * 2
    return found


def out_of_memory_remedy(parameters: Sequence[Parameter], params: Params) -> str:
    """What to change after an end for want of GPU memory, in words; safe to show."""
    batch, accumulation = sizes(parameters, params)
    if batch is None:
        return "halve the batch, and double the accumulation of gradients to keep its effect"
    if batch[1] < 2:
        name = visible(".".join(batch[0]), limit=60)
        return f"{name} is {batch[1]} already: shorten sequences, or take a smaller model"
    changes = halved(parameters, params)
    told = " ".join(f"{visible('.'.join(path), limit=60)}={n}" for path, n in changes.items())
    if accumulation is None:
        return f"clone it with {told} (the effective batch halves too: accumulate twice as often)"
    if batch[1] % 2:
        return f"clone it with {told} (nearly the same effective batch)"
    return f"clone it with {told} (the same effective batch)"


def _first(flat: dict[Path, Value], names: frozenset[str]) -> tuple[Path, int] | None:
    for path, value in flat.items():
        whole = isinstance(value, int) and not isinstance(value, bool)
        if whole and path[-1].lower() in names and value > 0:  # type: ignore[operator]  # an int
            return path, value  # type: ignore[return-value]
    return None
