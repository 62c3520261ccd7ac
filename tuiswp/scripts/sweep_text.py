"""The sweep file of `tuiswp init`: what is proposed, why, and what was seen. Writes nothing.

All that comes from the script stands in it as JSON texts or, in comments, made visible.
"""

import math
from collections.abc import Iterator

import msgspec

from tuiswp.analysis.advice import say
from tuiswp.analysis.advice.file import entry, flow
from tuiswp.analysis.advice.inputs import Search
from tuiswp.analysis.words import bytes_size, memory, several
from tuiswp.model.space import Value
from tuiswp.model.sweep import Goal
from tuiswp.scripts.given import into_trial, without
from tuiswp.scripts.options import Interface
from tuiswp.scripts.probe import Probed
from tuiswp.scripts.proposal import Proposed, search_of
from tuiswp.text import shell_line, visible

_WIDTH = 100
_LISTED = 40  # options that are only named


class Draft(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that is known and was chosen. `interface`: None if nothing is known of options.

    `unswept`: proposals that were not taken; `remarks`: what went wrong, a line each.
    """

    argv: tuple[str, ...]
    name: str
    file: str
    interface: Interface | None
    chosen: tuple[Proposed, ...]
    unswept: tuple[Proposed, ...] = ()
    metric: str | None = None
    goal: Goal | None = None
    trials: int | None = None
    probed: Probed | None = None
    defaults_from: str | None = None
    remarks: tuple[str, ...] = ()


def sweep_text(draft: Draft) -> str:
    """The file as text, with a line feed at its end."""
    search = search_of(draft.chosen) if draft.chosen else Search("random", (), None, None)
    parts = (_about(draft), _head(draft, search), _space(draft, search), _own(draft))
    return "\n".join([*(line for part in parts for line in part), ""])


def command_of(draft: Draft) -> list[str]:
    """The words of `command:`: the person's own, without what the sweep gives, and its macros."""
    if draft.interface is None:
        return [*draft.argv, "${args}"]
    argv = without(draft.argv, draft.interface, {one.option.name for one in draft.chosen})
    kept, scratch = into_trial(argv, draft.interface)
    macro = [draft.interface.macro] if draft.interface.macro else []
    return [*kept, *scratch, *macro]


def _about(draft: Draft) -> Iterator[str]:
    name = visible(draft.file, limit=80)
    yield _comment(f"From: tuiswp init -- {shell_line(draft.argv)}")
    yield f"# Edit it, then: tuiswp check {name}, and tuiswp {name} to start it."
    yield "#"
    if draft.interface is not None:
        where = f"{draft.interface.family}, {several(len(draft.interface.options), 'option')}"
        if draft.defaults_from is not None:
            where += f"; defaults from the text of {visible(draft.defaults_from, limit=80)}"
        yield _comment(f"options: {where}")
    yield from (_comment(line) for line in seen_lines(draft.probed))
    yield from (_comment(line) for line in _hours(draft))
    yield from (_comment(f"note: {remark}") for remark in draft.remarks)
    yield ""


def seen_lines(probed: Probed | None) -> Iterator[str]:
    """What a probe saw, a fact a line."""
    if probed is None:
        return
    ended = "to its end" if probed.ended else f"for {probed.seconds:.0f} s"
    source = "metrics.jsonl" if probed.kind is None else f"{probed.kind} files"
    names = ", ".join(visible(name, limit=60) for name in probed.metrics[:_LISTED])
    logged = f"logs {names} ({source})" if names else "logged nothing that is read"
    yield f"probe, {ended}: {logged}"
    if probed.kind == "trainer_state":
        yield (
            "these values come with each checkpoint: sooner with a smaller --save_steps, at once "
            "with tuiswp.integrations.TuiswpCallback (docs/python.md)"
        )
    times = []
    if probed.step_s is not None:
        times.append(f"{probed.step_s:.2g} s a step")
    if probed.minutes is not None:
        times.append(f"about {_span(probed.minutes)} a trial")
    if times:
        yield f"time: {', '.join(times)}"
    if probed.peak_bytes is not None:
        gpu = "of a GPU: none was seen"
        if probed.gpu_mib is not None:
            gpu = f"{memory(probed.gpu_mib)} of GPUs"
        yield f"memory: {bytes_size(probed.peak_bytes)} of RAM; {gpu}"


def _hours(draft: Draft) -> Iterator[str]:
    minutes = None if draft.probed is None else draft.probed.minutes
    trials = draft.trials or (search_of(draft.chosen).trials if draft.chosen else None)
    if minutes is not None and trials is not None:
        clock = say.hours(trials * minutes / 60)
        yield f"together: {trials} × {_span(minutes)} = {clock}, one trial at a time"


def _span(minutes: float) -> str:
    return f"{minutes * 60:.2g} s" if minutes < 1 else say.hours(minutes / 60)


def _head(draft: Draft, search: Search) -> Iterator[str]:
    yield f"name: {flow(draft.name)}"
    words = ", ".join(map(flow, command_of(draft)))
    yield f"command: [{words}]"
    yield f"method: {search.method}"
    trials = draft.trials if draft.trials is not None else search.trials
    if trials is not None and (search.method != "grid" or draft.trials is not None):
        yield f"run_cap: {trials}    # trials at most"
    metric = draft.metric or "loss"
    goal = draft.goal or "minimize"
    seen = draft.probed is not None and draft.metric in draft.probed.metrics
    doubt = "" if draft.metric is not None else "    # not seen: write the name that it logs"
    if draft.goal is None and draft.metric is not None:
        doubt = "    # is less of it better? If more is: goal: maximize"
    elif draft.metric is not None and not seen:
        doubt = "    # not seen by a probe"
    yield f"metric: {{name: {flow(metric)}, goal: {goal}}}{doubt}"
    if not draft.probed or not draft.probed.metrics:
        yield "# How a script tells its metrics: tuiswp.report.log, or the files that W&B,"
        yield "# TensorBoard, Lightning and the Hugging Face Trainer write anyway: docs/sources.md"
    yield ""


def _space(draft: Draft, search: Search) -> Iterator[str]:
    axes = {axis.name: axis for axis in search.axes}
    if draft.chosen:
        yield "parameters:"
    else:
        yield "# No option to sweep is known. Name yours as the command takes them:"
        yield "# parameters:"
        yield "#   lr: {distribution: log_uniform_values, min: 1e-5, max: 1e-2}"
    for one in draft.chosen:
        yield f"  # {one.why}{_now(one)}"
        yield f"  {flow(one.option.name)}: {entry(axes[one.option.name], search)}"
    if draft.unswept:
        yield "  # Not swept. To sweep one too, take away its #, and add its default to baseline:"
        for one in draft.unswept:
            axis = search_of([one]).axes[0]
            yield f"  # {flow(one.option.name)}: {entry(axis, search)}    # {one.why}{_now(one)}"
    yield from _others(draft)
    yield ""


def _now(one: Proposed) -> str:
    if one.option.default is None:
        return "" if "default is not known" in one.why else "; its default is not known"
    return f"; default {flow(one.option.default)}"


def _others(draft: Draft) -> Iterator[str]:
    """Options that no rule knows, so that a person sees what else there is."""
    if draft.interface is None:
        return
    known = {one.option.name for one in (*draft.chosen, *draft.unswept)}
    rest = [
        one.name if one.default is None else f"{one.name}={visible(flow(one.default), limit=30)}"
        for one in draft.interface.options
        if one.name not in known and not one.flag
    ]
    if not rest:
        return
    more = f", and {len(rest) - _LISTED} more" if len(rest) > _LISTED else ""
    line = "  # Also taken by the script:"
    for word in [f"{name}," for name in rest[:_LISTED]]:
        if len(line) + len(word) + 1 > _WIDTH:
            yield line
            line = "  #  "
        line += f" {word}"
    yield line.rstrip(",") + more


def _own(draft: Draft) -> Iterator[str]:
    """Our own keys; as comments where a person has to fill something in."""
    if not draft.chosen:
        return
    baseline: dict[str, Value] = {one.option.name: one.option.default for one in draft.chosen}
    complete = None not in baseline.values()
    yield "tuiswp:" if complete else "# tuiswp:"
    mib = None if draft.probed is None else draft.probed.gpu_mib
    if mib is not None:
        yield "  # What the probe held on GPUs, and a tenth more: with trials_per_gpu, several fit."
        yield f"  # gpu_memory: {math.ceil(mib * 1.1)}MiB"
    if complete:
        yield "  # What it does without a sweep: trial 0, with which all others are compared."
        yield f"  baseline: {flow(dict(baseline))}"
        return
    asked = ", ".join(
        f"{flow(name)}: {'…' if value is None else flow(value)}" for name, value in baseline.items()
    )
    yield "  # What you use now becomes trial 0, if you fill it in here:"
    yield f"  # baseline: {{{asked}}}"


def _comment(text: str) -> str:
    return f"# {visible(text, limit=400)}"
