"""python -m recipes.lr_finder recipe=lora model=some/model data=pairs.jsonl log_path=lr_finder

A range test before a sweep: train for 100 steps while the learning rate rises exponentially from
1e-6 to 1e-2, and see where the loss falls fastest. Every other argument is the recipe's own and
means what it means there. Stops early once the smoothed loss is 4 times its best, or not finite.

Into `log_path` go `metrics.jsonl`, `lr_finder.json` (the curve, the suggestion and the values to
sweep) and, with matplotlib, `lr_finder.png`. `tuiswp: {points_from: LOG_PATH}` in a sweep file
has the suggestion tried first. Exit code 2: an argument is wrong, and one line says how; 3: the
loss fell nowhere, so nothing is suggested.
"""

import importlib
import json
import math
import os
import random
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any, NamedTuple

from recipes.arguments import fail, parse
from recipes.hyperparams import lr_range
from recipes.run_directory import opened
from recipes.trainer_config import TrainerConfig
from tuiswp import report

RESULT = "lr_finder.json"
PICTURE = "lr_finder.png"
NOTHING = 3  # exit code: no descent

_MEMORY = 0.9  # of the smoothed loss that can end the test
_REACH = 4  # points on each side of one that its slope is told by
_FALL = 0.02  # share of the first loss by which it has to fall to have fallen


@dataclass(frozen=True)
class Range:
    """What the finder itself takes; anything else goes to the recipe."""

    recipe: str = "lora"
    log_path: str = ""
    low: float = 1e-6
    high: float = 1e-2
    steps: int = 100
    stop_at: float = 4.0  # times the best smoothed loss

    def __post_init__(self) -> None:
        if not 0 < self.low < self.high:
            raise ValueError(f"low={self.low:g} and high={self.high:g}: 0 < low < high is needed")
        if self.steps < 2 * _REACH + 2:
            raise ValueError(f"steps={self.steps} is below {2 * _REACH + 2}: too few for a slope")
        if self.stop_at <= 1:
            raise ValueError(f"stop_at={self.stop_at:g} must be above 1")


class Parts(NamedTuple):
    """What a recipe gives to be tested: its `lr_finder_parts(argv)` returns one.

    Each of `steps` is the micro-batches of one optimizer step, as the model takes them (`labels`
    among them). `optimizer(parameters, rate)` makes what the recipe trains with. `clip` 0: none.
    """

    model: Any
    steps: Iterator[Sequence[dict[str, Any]]]
    optimizer: Callable[[Sequence[Any], float], Any]
    clip: float = 1.0


class Finding(NamedTuple):
    """The curve as far as it went; `suggestion` None: the loss fell nowhere."""

    rates: list[float]
    losses: list[float]
    smoothed: list[float]
    suggestion: float | None
    ended: str


def main(argv: list[str]) -> None:
    """Test as `argv` says, write the result down, and print it."""
    asked, parts_of, rest = read(argv)
    directory = opened(asked.log_path)
    if (directory / RESULT).exists():
        fail(f"{directory} holds the result of a finder; use another log_path")
    os.environ["TUISWP_METRICS"] = str(directory / "metrics.jsonl")
    finding = find(parts_of(rest), asked)
    rates = [] if finding.suggestion is None else lr_range(finding.suggestion)
    result = {"parameter": "learning_rate", "values": rates, **finding._asdict()}
    result |= {"asked": asdict(asked), "arguments": rest}
    (directory / RESULT).write_text(json.dumps(result, indent=1) + "\n")
    drawn = draw(finding, directory / PICTURE)
    print(f"{len(finding.rates)} of {asked.steps} steps: {finding.ended}")
    if finding.suggestion is None:
        print("the loss fell nowhere in this range: nothing is suggested", flush=True)
        raise SystemExit(NOTHING)
    print(f"suggestion  {finding.suggestion:.3g}   (where the loss falls fastest)")
    print(f"to sweep    values: [{', '.join(f'{rate:g}' for rate in rates)}]")
    print(f"curve       {directory / PICTURE if drawn else 'needs matplotlib to be drawn'}")


def read(argv: Sequence[str]) -> tuple[Range, Callable[[list[str]], Parts], list[str]]:
    """The finder's own arguments, the recipe's way to make `Parts`, and the recipe's arguments."""
    own = {field.name for field in fields(Range)}
    ours: list[str] = []
    rest: list[str] = []
    for token in argv:
        key = token.removeprefix("--").partition("=")[0]
        (ours if key in own or key in ("help", "-h") else rest).append(token)
    asked = parse(Range, ours, about=__doc__)
    known = sorted(
        file.stem
        for file in Path(__file__).parent.glob("*.py")
        if "def lr_finder_parts(" in file.read_text("utf-8") and file.stem != "lr_finder"
    )
    if asked.recipe not in known:
        fail(f"recipe={asked.recipe!r} has no learning-rate finder; known: {', '.join(known)}")
    return asked, importlib.import_module(f"recipes.{asked.recipe}").lr_finder_parts, rest


def find(parts: Parts, asked: Range) -> Finding:
    """Train `parts.model`, each step at a higher rate than the one before; log each step."""
    import torch

    from recipes.models import bfloat16_is_there

    model = parts.model
    parameters = [p for p in model.parameters() if p.requires_grad]
    optimizer = parts.optimizer(parameters, asked.low)
    device = next(model.parameters()).device
    rates: list[float] = []
    losses: list[float] = []
    average, best, ended = 0.0, math.inf, "the range was gone through"
    model.train()
    for step, batches in zip(range(asked.steps), parts.steps, strict=False):
        rate = asked.low * (asked.high / asked.low) ** (step / (asked.steps - 1))
        for group in optimizer.param_groups:
            group["lr"] = rate
        loss = 0.0
        for batch in batches:
            tensors = {name: tensor.to(device) for name, tensor in batch.items()}
            with torch.autocast(device.type, torch.bfloat16, enabled=bfloat16_is_there()):
                part = model(**tensors).loss / len(batches)
            part.backward()
            loss += float(part.detach())
        if parts.clip:
            torch.nn.utils.clip_grad_norm_(parameters, parts.clip)
        optimizer.step()
        optimizer.zero_grad()
        average = _MEMORY * average + (1 - _MEMORY) * loss
        smoothed = average / (1 - _MEMORY ** (step + 1))
        row = {"learning_rate": rate, "train_loss": loss, "smoothed_loss": smoothed}
        report.log(row, step=step + 1, progress=(step + 1) / asked.steps)
        print(f"step {step + 1}/{asked.steps}  lr {rate:.2e}  loss {loss:.4f}", flush=True)
        if not math.isfinite(loss):
            ended = f"the loss is not finite at {rate:.2e}"
            break
        rates.append(rate)
        losses.append(loss)
        best = min(best, smoothed)
        if smoothed > asked.stop_at * best:
            ended = f"the loss is {asked.stop_at:g} times its best at {rate:.2e}"
            break
    return Finding(rates, losses, levelled(losses), suggest(rates, losses), ended)


def parts(
    model: Any,
    learn: Sequence[Any],
    collate: Callable[[list[Any]], dict[str, Any]],
    config: TrainerConfig,
) -> Parts:
    """What the recipes around `Trainer` give: its batches, and AdamW as it would make it."""
    import torch

    steps = batches(
        learn,
        collate,
        size=config.per_device_train_batch_size,
        accumulated=config.gradient_accumulation_steps,
        seed=config.seed,
    )
    return Parts(
        model,
        steps,
        lambda parameters, rate: torch.optim.AdamW(
            parameters, lr=rate, weight_decay=config.weight_decay
        ),
        config.max_grad_norm,
    )


def batches(
    learn: Sequence[Any],
    collate: Callable[[list[Any]], dict[str, Any]],
    *,
    size: int,
    accumulated: int,
    seed: int,
) -> Iterator[list[dict[str, Any]]]:
    """The micro-batches of each optimizer step, without end, in an order that the seed decides."""
    order = random.Random(seed)
    pool: list[Any] = []
    while True:
        step = []
        for _ in range(accumulated):
            while len(pool) < size:
                pool += order.sample(learn, len(learn))
            step.append(collate(pool[:size]))
            del pool[:size]
        yield step


def levelled(losses: Sequence[float]) -> list[float]:
    """Each loss as the mean of its neighbours on both sides: smooth, and not late."""
    found = []
    for place in range(len(losses)):
        near = losses[max(0, place - _REACH) : place + _REACH + 1]
        found.append(sum(near) / len(near))
    return found


def suggest(rates: Sequence[float], losses: Sequence[float]) -> float | None:
    """The rate at which the smoothed loss falls most steeply over the logarithm of the rate.

    Looked for from the start to the lowest loss; None where the loss falls by less than 2 %.
    """
    smooth = levelled(losses)
    if len(smooth) < 2 * _REACH + 2:
        return None
    lowest = min(range(len(smooth)), key=smooth.__getitem__)
    if smooth[0] - smooth[lowest] < _FALL * abs(smooth[0]):
        return None
    places = range(_REACH, max(_REACH + 1, min(lowest + 1, len(smooth) - _REACH)))
    logs = [math.log(rate) for rate in rates]
    steepest = min(places, key=lambda place: _slope(logs, smooth, place))
    return float(rates[steepest])


def _slope(x: Sequence[float], y: Sequence[float], place: int) -> float:
    """Of the straight line through the points near `place`, by least squares."""
    near = range(place - _REACH, place + _REACH + 1)
    mean_x, mean_y = sum(x[i] for i in near) / len(near), sum(y[i] for i in near) / len(near)
    spread = sum((x[i] - mean_x) ** 2 for i in near)
    return sum((x[i] - mean_x) * (y[i] - mean_y) for i in near) / spread


def draw(finding: Finding, file: Path) -> bool:
    """The curve with its suggestion as a picture; False without matplotlib."""
    try:
        from matplotlib.figure import Figure
    except ImportError:
        return False
    figure = Figure(figsize=(7, 4), layout="constrained")
    axes = figure.subplots()
    axes.plot(finding.rates, finding.losses, color="0.75", linewidth=1, label="loss")
    axes.plot(finding.rates, finding.smoothed, linewidth=2, label="smoothed")
    if finding.suggestion is not None:
        text = f"suggestion {finding.suggestion:.2g}"
        axes.axvline(finding.suggestion, linestyle="--", color="0.3", label=text)
    axes.set(xscale="log", xlabel="learning rate", ylabel="training loss")
    axes.legend()
    figure.savefig(file, dpi=120)
    return True


if __name__ == "__main__":
    main(sys.argv[1:])
