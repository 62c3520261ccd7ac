"""A sweep file to begin with: the advised search as text, with comments. Writes nothing.

What is not known stands in it as a comment, so that the file can be checked as it is.
"""

import json
from collections.abc import Iterator, Sequence

import msgspec

from tuiswp.analysis.advice import say
from tuiswp.analysis.advice.inputs import Advised, Axis, Search, Tunable
from tuiswp.errors import UsageError
from tuiswp.model.space import Path, Value
from tuiswp.model.sweep import Goal, Tuning
from tuiswp.spec.params import nest
from tuiswp.spec.scale import number, spell

_LISTED = 12  # values of a whole-number range that are written one by one


class Frame(msgspec.Struct, frozen=True):
    """What stands around the search; texts as they are. `fixed`: parameters with one value.

    `not_taken`: keys of another sweep file that the new one does not have.
    """

    name: str
    program: str | None = None
    command: tuple[str, ...] = ()
    metric: str = "loss"
    goal: Goal = "minimize"
    fixed: tuple[tuple[Path, Value], ...] = ()
    model_size: str | None = None
    tuning: Tuning | None = None
    gpus_per_trial: int = 1
    not_taken: tuple[str, ...] = ()


def sweep_file(advised: Advised, parameters: Sequence[Tunable], frame: Frame) -> str:
    """The text of a sweep file. Raises UsageError if nothing is known to try of any parameter."""
    search = advised.search
    ready = [axis for axis in search.axes if axis.grid]
    if not ready:
        asked = next((one.give for one in advised.questions if "learning rate" in one.to), None)
        raise UsageError(
            "no value to try is known for any parameter, so there is no file to write",
            hint=f"give {asked or '--params'}, or --params lr=1e-4 with the value of now",
        )
    lines = [*_head(search, ready, frame), *_space(search, ready, parameters, frame)]
    return "\n".join((*lines, *_own(ready, frame), ""))


def _head(search: Search, ready: Sequence[Axis], frame: Frame) -> Iterator[str]:
    whole = search.trials is not None and len(ready) == len(search.axes)
    trials = f", {search.trials} trials" if whole else ""
    yield f"# {search.method}{trials}, as `tuiswp advise` advises. Edit it, then `tuiswp check` it."
    if frame.not_taken:
        yield f"# Not taken over: {', '.join(frame.not_taken)}."
    yield ""
    yield f"name: {flow(frame.name)}"
    if frame.program is not None:
        yield f"program: {flow(frame.program)}    # your training script"
    if frame.command:
        yield f"command: [{', '.join(flow(token) for token in frame.command)}]"
    yield f"method: {search.method}"
    yield f"metric: {{name: {flow(frame.metric)}, goal: {frame.goal}}}    # what it logs"
    if search.method != "grid" and search.trials is not None:
        yield f"run_cap: {search.trials}"
    yield ""


def _space(
    search: Search, ready: Sequence[Axis], parameters: Sequence[Tunable], frame: Frame
) -> Iterator[str]:
    entries = [(axis.at, _entry(axis, search)) for axis in ready]
    entries += [(path, f"{{value: {flow(value)}}}") for path, value in frame.fixed]
    axes = {axis.name for axis in search.axes}
    left = [one for one in parameters if one.name not in axes]
    entries += [
        (one.at, f"{{value: {flow(one.default)}}}    # not tuned now")
        for one in left
        if one.default is not None
    ]
    yield "parameters:"
    yield from _grouped(entries, "  ")
    for axis in search.axes:
        if not axis.grid:
            yield f"  # {flow(axis.name)}: {{values: [ … ]}}    # no value to try is known"
    for one in left:
        if one.default is None:
            yield f"  # {flow(one.name)}: {{value: … }}    # not tuned now"


def _grouped(entries: Sequence[tuple[Path, str]], indent: str) -> Iterator[str]:
    """Entries in the nesting of the grammar: a group has its own `parameters:`."""
    heads = dict.fromkeys(path[0] for path, _ in entries)
    for head in heads:
        below = [(path[1:], text) for path, text in entries if path[0] == head]
        if not below[0][0]:
            yield f"{indent}{flow(head)}: {below[0][1]}"
            continue
        yield f"{indent}{flow(head)}:"
        yield f"{indent}  parameters:"
        yield from _grouped(below, f"{indent}    ")


def _entry(axis: Axis, search: Search) -> str:
    comment = f"    # {say.name(axis.source)}" if axis.source else ""
    return entry(axis, search) + comment


def entry(axis: Axis, search: Search) -> str:
    """What stands behind the name of a parameter: its range, or its values where it has none."""
    if search.method != "grid" and axis.low is not None and axis.high is not None:
        law = "log_uniform_values" if axis.log else "uniform"
        if axis.whole:
            law = "int_uniform"
        low, high = flow(axis.low), flow(axis.high)
        return f"{{distribution: {law}, min: {low}, max: {high}}}"
    return f"{{values: [{', '.join(flow(value) for value in axis.grid)}]}}"


def _own(ready: Sequence[Axis], frame: Frame) -> Iterator[str]:
    unknown = [axis.name for axis in ready if axis.default is None]
    baseline = nest([(axis.at, axis.default) for axis in ready])
    lines: list[str] = []
    if not unknown:
        lines.append(f"  baseline: {flow(baseline)}    # what you would use without a sweep")
    if frame.model_size is not None:
        lines.append(f"  model_size: {frame.model_size}")
    if frame.tuning is not None:
        lines.append(f"  tuning: {frame.tuning}")
    if frame.gpus_per_trial > 1:
        lines.append(f"  gpus_per_trial: {frame.gpus_per_trial}")
    yield ""
    yield "tuiswp:" if lines else "# tuiswp:"
    yield from lines
    if unknown:
        asked = ", ".join(f"{flow(name)}: …" for name in unknown[:6])
        yield f"  # baseline: {{{asked}}}    # what you would use without a sweep: fill it in"


def flow(value: Value) -> str:
    """A value as one line of YAML: texts as JSON has them, numbers as a person writes them."""
    match value:
        case dict():
            return f"{{{', '.join(f'{flow(key)}: {flow(one)}' for key, one in value.items())}}}"
        case list():
            return f"[{', '.join(map(flow, value))}]"
        case str():
            letters = value.replace("_", "a").replace("-", "a")
            plain = value.isascii() and letters.isalnum() and not value.isdigit()
            return value if plain and value[0].isalpha() and _is_text(value) else json.dumps(value)
    x = number(value)
    if x is None or isinstance(value, int):
        return json.dumps(value)
    short = spell(x, log=x < 1e-2)
    return short if float(short) == x and not short.isdigit() else repr(x)


def _is_text(word: str) -> bool:
    """No YAML reader, 1.1 or 1.2, takes this word for anything else."""
    return word.lower() not in {"true", "false", "yes", "no", "on", "off", "null", "y", "n", "nan"}
