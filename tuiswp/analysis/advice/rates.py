"""The learning rate to start from, its range, what is safe, and how it scales: A1, A2, E8."""

import math
from collections.abc import Iterator

from tuiswp.analysis.advice import say
from tuiswp.analysis.advice.axes import (
    A1,
    E8,
    FILE,
    RATE,
    axis_of,
    formula_rate,
    in_order,
    known_rate,
    role,
)
from tuiswp.analysis.advice.inputs import Advice, Axis, Inputs, Question, Tunable
from tuiswp.analysis.scaling import safe_range, scaled, sizes_known
from tuiswp.spec.model_size import shown_size
from tuiswp.spec.scale import spell


def rates_for(inputs: Inputs) -> Iterator[Advice | Question]:
    """Everything about the learning rate."""
    yield from _default(inputs)
    yield from _range(inputs)
    yield from _safe(inputs)
    yield from _scaled(inputs, "batch", inputs.batch)
    yield from _scaled(inputs, "GPUs", inputs.gpus_change)


def rate_axis(inputs: Inputs) -> Axis:
    """The values to try of the learning rate, whether or not it is among what is tuned."""
    named = next((p for p in in_order(inputs.parameters) if role(p.name) == RATE), None)
    return axis_of(named or Tunable("learning_rate"), inputs)


def _default(inputs: Inputs) -> Iterator[Advice | Question]:
    model = inputs.model
    found = formula_rate(model)
    if found is not None:
        rate, text, source = found
        kind = "LoRA" if model.lora else "full fine-tuning"
        what = f"default {spell(float(f'{rate:.3g}'), log=True)} for {kind}, {model.family}"
        yield Advice("learning rate", what, (f"5e-5 · M · (2000/H)^P: {text}",), source)
        return
    if model == type(model)() and not any(role(p.name) == RATE for p in inputs.parameters):
        return
    missing = [
        option
        for option, value in (
            ("--family llama or qwen", model.family),
            ("--hidden-size", model.hidden_size),
            ("--lora or --full", model.lora),
        )
        if value is None
    ]
    if known_rate(inputs) is None or model.family is not None or model.hidden_size is not None:
        yield Question(", ".join(missing), "get a default learning rate by formula")


def _range(inputs: Inputs) -> Iterator[Advice]:
    axis = rate_axis(inputs)
    if not axis.grid:
        return
    lines = [f"{_centre(axis)} rounded to 1-3-10, and an order of magnitude to each side"]
    if axis.off_grid:
        default = say.value(axis.default, log=True)
        lines.append(f"and {default}, your default, as a trial of its own")
    if axis.source == FILE:
        lines = []
    yield Advice("range", f"try {say.name(axis.name)} at {say.values(axis)}", tuple(lines),
                 axis.source)  # fmt: skip


def _centre(axis: Axis) -> str:
    if axis.default is not None:
        return say.value(axis.default, log=True)
    return "the middle (geometric mean) of that range"


def _safe(inputs: Inputs) -> Iterator[Advice | Question]:
    model = inputs.model
    if model.size is None and model.lora is not False:
        if model != type(model)():
            yield Question("--model-size", "see the learning rates that are safe for it")
        return
    kinds = (True, False) if model.lora is None else (model.lora,)
    size = "" if model.size is None else f" for {shown_size(model.size)}"
    for lora in kinds:
        kind = "LoRA" if lora else "full fine-tuning"
        safe = safe_range(model.size, lora=lora)
        if safe is None:
            yield Advice("safe range", f"none is known{size} with {kind}",
                         (f"known for {sizes_known()}",), E8)  # fmt: skip
            continue
        ends = f"{spell(safe.low, log=True)} to {spell(safe.high, log=True)}"
        lines = [f"row: {safe.row}"]
        lines += _against(rate_axis(inputs), safe.low, safe.high)
        yield Advice("safe range", f"{ends}{size} with {kind}", tuple(lines), E8)


def _against(axis: Axis, low: float, high: float) -> Iterator[str]:
    rates = [x for x in axis.grid if isinstance(x, int | float) and not isinstance(x, bool)]
    outside = [x for x in rates if not low * 0.999 <= x <= high * 1.001]
    if outside:
        beyond = [x for x in outside if x > high]
        above = f", {len(beyond)} of them above: those may diverge" if beyond else ""
        name = say.name(axis.name)
        yield f"{len(outside)} of the {len(rates)} values of {name} lie outside{above}"


def _scaled(
    inputs: Inputs, what: str, change: tuple[int, int] | None
) -> Iterator[Advice | Question]:
    if change is None:
        return
    old, new = change
    factor = math.sqrt(new / old)
    root = f"√({new} / {old}) = {factor:.4g}"
    found = known_rate(inputs)
    if found is None:
        yield Advice("scaling", f"{what} {old} to {new}: learning rate × {factor:.4g}", (root,), A1)
        yield Question(
            "--lr", f"see the learning rate for {new} {what}".replace("batch", "a batch")
        )
        return
    rate = found[0]
    after = scaled(rate, old, new)
    shown = spell(float(f"{after:.3g}"), log=True)
    says = f"{what} {old} to {new}: learning rate {shown}"
    yield Advice("scaling", says, (f"{rate:.4g} × {root.rpartition(' = ')[0]} = {after:.4g}",), A1)
