"""`tuiswp advise`: what to tune first, how, and what it costs here. Starts nothing.

It writes only the file that `--write` names, and never over one that exists.
"""

from argparse import ArgumentParser, Namespace
from collections.abc import Iterator
from pathlib import Path

import msgspec

from tuiswp.analysis.advice.advisor import advise
from tuiswp.analysis.advice.file import sweep_file
from tuiswp.analysis.advice.inputs import (
    Advice,
    Advised,
)
from tuiswp.analysis.advice.search import ARITHMETIC
from tuiswp.analysis.scaling import EXPONENTS
from tuiswp.cli import output
from tuiswp.cli.advise_given import frame_of, inputs_of
from tuiswp.errors import EnvironmentFault, ExitCode, UsageError
from tuiswp.spec.load import load
from tuiswp.text import visible


def add_arguments(parser: ArgumentParser, name: str) -> None:
    add = parser.add_argument
    add(
        "sweep", nargs="?", metavar="SWEEP_FILE", help="take parameters and model from a sweep file"
    )
    add("--params", metavar="LIST", help="lr,rank,… or lr=1e-4,rank=8 (values of now), or a count")
    add("--values", metavar="K", help="values of each parameter in a grid (2 to 100)")
    add("--minutes-per-trial", metavar="M", help="how long one trial runs")
    add("--budget", metavar="B", help="24h or 3d on the clock, or 200gpuh")
    add("--gpus", metavar="N", help="plan for so many GPUs instead of those found here")
    add("--gpus-per-trial", metavar="N", help="GPUs that one trial takes")
    add("--model-size", metavar="SIZE", help="7B, 350M")
    add("--family", choices=sorted(EXPONENTS), help="of the model, for the default learning rate")
    add("--hidden-size", metavar="H", help="of the model, for the default learning rate")
    add("--lora", action="store_true", help="LoRA fine-tuning")
    add("--full", action="store_true", help="full fine-tuning")
    add("--lr", metavar="LR", help="the learning rate you use now")
    add("--batch", metavar="OLD:NEW", help="scale the learning rate to another batch size")
    add("--scale-gpus", metavar="OLD:NEW", help="scale it to another number of GPUs")
    add("--program", metavar="FILE", help="training script in the file of --write")
    add("--metric", metavar="NAME", help="metric in the file of --write")
    add("--write", metavar="FILE", help="write the advised sweep file, to be edited")
    add("--json", action="store_true", help="print one object")


def run(arguments: Namespace) -> int:
    sweep = None if arguments.sweep is None else load(Path(arguments.sweep))
    inputs = inputs_of(arguments, sweep)
    advised = advise(inputs)
    if arguments.write is not None:
        text = sweep_file(advised, inputs.parameters, frame_of(arguments, sweep, inputs))
        _write(Path(arguments.write), text)
    if arguments.json:
        output.show_json(as_json(advised))
    else:
        output.say(*_lines(advised))
        if arguments.write is not None:
            name = visible(arguments.write)
            output.say("", f"wrote {name}; edit it, then: tuiswp check {name}")
    return ExitCode.OK


def as_json(advised: Advised) -> dict[str, object]:
    plain: dict[str, object] = msgspec.to_builtins(advised)
    return plain


# ── what was said, in words ──────────────────────────────────────────────────────────────────────


def _lines(advised: Advised) -> Iterator[str]:
    wide = max(len(one.topic) for one in advised.advice) + 2
    for one in advised.advice:
        yield from _advice(one, wide)
    if advised.questions:
        yield ""
        yield "not known, and not guessed:"
        for question in advised.questions:
            yield output.prose(f"  give {question.give} to {question.to}", indent="  ")


def _advice(one: Advice, wide: int) -> Iterator[str]:
    topic = output.paint(f"{one.topic:{wide}}", "strong")
    indent = " " * wide
    yield topic + output.prose(f"{indent}{one.says}", indent=indent).removeprefix(indent)
    for line in one.arithmetic:
        yield output.prose(f"{indent}{line}", indent=f"{indent}  ")
    if one.source != ARITHMETIC:
        yield output.paint(f"{indent}from {one.source}", "dim")


def _write(path: Path, text: str) -> None:
    shown = visible(str(path))
    try:
        with path.open("x", encoding="utf-8") as file:
            file.write(text)
    except FileExistsError:
        raise UsageError(
            "exists, and is not written over", where=shown, hint="name another file"
        ) from None
    except (OSError, ValueError) as fault:
        reason = getattr(fault, "strerror", None) or "it is no file name"
        raise EnvironmentFault(f"cannot be written: {reason}", where=shown) from None
