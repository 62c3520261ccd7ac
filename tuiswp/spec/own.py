"""Our own keys, all under one `tuiswp:`, so that the file stays a W&B sweep file.

Memory: `40GB` (10^9 bytes), `40GiB` or `40G` (2^30), `40960MiB` or `M`; a bare number is MiB.
Time: seconds, or `2h`, `30m`, `1h30m`, `45s`, `1d`. `cwd` is relative to where tuiswp was started,
as W&B's programs are, never to the sweep file.
"""

import math
import re
from pathlib import Path
from typing import NamedTuple, cast, get_args

from tuiswp.model.stopper import Resource
from tuiswp.model.sweep import DerivedMetric, Goal, MetricsFrom, Reduce, Resources, Tuning
from tuiswp.spec.derived import OBJECTIVE, read_one
from tuiswp.spec.model_size import billions
from tuiswp.spec.params import shown
from tuiswp.spec.reader import Section, kind_of
from tuiswp.spec.scalars import as_number
from tuiswp.spec.tree import Keyed, Leaf, Node

OWN_KEYS = (
    "gpus_per_trial", "trials_per_gpu", "gpu_memory", "max_parallel", "share_busy", "stagger_s",
    "retries", "timeout", "grace_s", "env", "env_from", "cwd", "baseline", "objective", "metrics",
    "metrics_from", "complete_at", "seed", "when", "exclude", "tie", "early_stop", "length",
    "sampler", "model_size", "tuning", "stop", "phases", "points", "points_from",
    "prior", "notify", "hang",
)  # fmt: skip
_SYNONYMS = {
    "stagger": "write stagger_s",
    "grace": "write grace_s",
    "memory": "write gpu_memory",
    "gpus": "write gpus_per_trial",
    "parallel": "write max_parallel",
    "defaults": "write baseline",
    "default": "write baseline",
}

GOALS = {
    "max": "write maximize", "min": "write minimize", "higher": "write maximize",
    "lower": "write minimize", "up": "write maximize", "down": "write minimize",
}  # fmt: skip

_MEMORY = re.compile(r"([0-9.]+(?:e[0-9]+)?)\s*([kmgt]?)(i?)(b?)", re.IGNORECASE)
_POWERS = {"k": 1, "m": 2, "g": 3, "t": 4}
_DURATION = re.compile(
    r"(?:([0-9.]+)\s*d)?\s*(?:([0-9.]+)\s*h)?\s*(?:([0-9.]+)\s*m(?:in)?)?\s*(?:([0-9.]+)\s*s)?",
    re.IGNORECASE,
)
_OBJECTIVE = re.compile(r"(mean|median)(?:\s+of)?(?:\s+(?:the\s+)?last)?\s+([0-9]+)", re.IGNORECASE)
_FIRST_MEMORY = 256  # MiB; below it, somebody meant GiB


class Timing(NamedTuple):
    """How trials are started and ended; None: not given, the model's default holds."""

    stagger_s: float | None = None
    retries: int | None = None
    timeout_s: float | None = None
    grace_s: float | None = None


def read_resources(section: Section) -> Resources:
    """GPUs, shares, memory and parallelism of a trial."""
    default = Resources()
    gpus = section.integer("gpus_per_trial", minimum=1, maximum=1024)
    share = section.integer("trials_per_gpu", minimum=1, maximum=1024)
    memory = _memory(section)
    parallel = section.integer("max_parallel", minimum=1)
    busy = section.boolean("share_busy")
    if (gpus or 1) > 1 and (share or 1) > 1:
        what = f"{share} trials on a GPU, and {gpus} GPUs for a trial"
        section.fault("trials_per_gpu", what, "only one of the two can be above 1")
    return Resources(
        gpus or default.gpus_per_trial,
        share or default.trials_per_gpu,
        memory,
        parallel,
        default.share_busy if busy is None else busy,
    )


def _memory(section: Section) -> int | None:
    node = section.get("gpu_memory")
    if node is None:
        return None
    mib = mebibytes(node.text) if isinstance(node, Leaf) else None
    if mib is None or mib < 1:
        hint = "write 40GiB, 40GB, 40960MiB or a number of MiB"
        section.fault("gpu_memory", f"{kind_of(node)} is not an amount of memory", hint)
        return None
    if mib < _FIRST_MEMORY and isinstance(node, Leaf) and as_number(node.text) is not None:
        section.reader.note(
            f"line {node.line}: tuiswp.gpu_memory: {node.text} means {mib} MiB; "
            f"for gigabytes write {node.text}GiB"
        )
    return mib


def mebibytes(text: str) -> int | None:
    """MiB of `40GB`, `40GiB`, `40G`, `40960`, rounded up; None if it is no amount.

    >>> mebibytes("40G"), mebibytes("1GB"), mebibytes("512")
    (40960, 954, 512)
    """
    found = _MEMORY.fullmatch(text.strip().replace("_", ""))
    number = as_number(found[1]) if found else None
    if found is None or number is None:
        return None
    _, unit, binary, byte = found.groups()
    if not unit:
        return None if binary or byte else math.ceil(number)
    base = 1000 if byte and not binary else 1024
    size = number * float(base) ** _POWERS[unit.lower()] / 2**20
    return math.ceil(size) if size < 2**40 else None


def read_model_size(section: Section) -> float | None:
    """Billions of parameters of the model, from `7B` or a count of parameters."""
    node = section.get("model_size")
    if node is None:
        return None
    size = billions(node.text) if isinstance(node, Leaf) else None
    if size is None:
        section.fault("model_size", f"{kind_of(node)} is not a model's size", "write 7B or 350M")
    return size


def read_tuning(section: Section) -> Tuning | None:
    """Whether LoRA adapters or all weights are trained; None: not said."""
    hints = {"qlora": "write lora", "peft": "write lora", "full_finetuning": "write full"}
    return cast(Tuning | None, section.choice("tuning", ("lora", "full"), hints))


def read_metrics_from(section: Section) -> MetricsFrom | None:
    """The one kind of file that metrics are read from."""
    hints = {
        "jsonl": "write metrics.jsonl", "metrics": "write metrics.jsonl", "w&b": "write wandb",
        "tfevents": "write tensorboard", "csv": "write lightning", "metrics.csv": "write lightning",
        "huggingface": "write trainer_state", "trainer_state.json": "write trainer_state",
    }  # fmt: skip
    kinds = get_args(MetricsFrom)
    return cast(MetricsFrom | None, section.choice("metrics_from", kinds, hints))


def read_timing(section: Section) -> Timing:
    """Stagger, retries, timeout and grace, in seconds."""
    return Timing(
        _seconds(section, "stagger_s", zero=True),
        section.integer("retries", minimum=0, maximum=1000),
        _seconds(section, "timeout"),
        _seconds(section, "grace_s", zero=True),
    )


def _seconds(section: Section, key: str, zero: bool = False) -> float | None:
    node = section.get(key)
    if node is None:
        return None
    value = seconds(node.text) if isinstance(node, Leaf) else None
    if value is None:
        hint = "write seconds, or 2h, 30m, 1h30m, 45s"
        section.fault(key, f"{kind_of(node)} is not a time", hint)
    elif value < 0 or (value == 0 and not zero):
        section.fault(key, f"must be above 0, got {value:g}")
    elif value > 10**9:
        section.fault(key, f"{value:g} seconds are more than 30 years")
    else:
        return value
    return None


def seconds(text: str) -> float | None:
    """Seconds of `90`, `2h`, `1h30m`, `45s`, `1d`; None if it is no time.

    >>> seconds("1h30m"), seconds("0.5h"), seconds("90")
    (5400.0, 1800.0, 90.0)
    """
    text = text.strip()
    plain = as_number(text)
    if plain is not None:
        return float(plain)
    found = _DURATION.fullmatch(text)
    if not text or found is None:
        return None
    total = 0.0
    for part, unit in zip(found.groups(), (86400, 3600, 60, 1), strict=True):
        if part is not None:
            number = as_number(part)
            if number is None:
                return None
            total += number * unit
    return total


def read_length(section: Section) -> dict[Resource, float]:
    """How long one run is, `{step: 2000, report: 200}`: only so that kill points can be told."""
    inner = section.section("length")
    if inner is None:
        return {}
    names: tuple[Resource, ...] = ("report", "step", "epoch")
    inner.unknown(names, {"progress": "it always ends at 1", "steps": "write step",
                          "reports": "write report", "epochs": "write epoch"})  # fmt: skip
    found = {name: inner.number(name, above=0) for name in names}
    return {name: float(number) for name, number in found.items() if number is not None}


def read_cwd(section: Section, started_in: Path) -> Path:
    """The folder trials run in, absolute. That it exists is checked before the first launch."""
    text = section.text("cwd")
    if text is None:
        return started_in
    try:
        return started_in / Path(text).expanduser()
    except RuntimeError:  # ~somebody who is not known here
        section.fault("cwd", f"{shown(text)} names no home directory")
        return started_in


class Rule(NamedTuple):
    """How a curve becomes one number: `mean` of the last `window` values.

    `computed`: the curve is not metric.name but this; `goal` and `target` are then its own.
    """

    reduce: Reduce = "last"
    window: int = 1
    computed: DerivedMetric | None = None
    goal: Goal | None = None
    target: float | None = None


_NAMED_RULES: dict[str, Reduce] = {
    "last": "last", "best": "best", "mean": "mean", "median": "median",
}  # fmt: skip


def read_rule(section: Section) -> Rule | None:
    """`objective:` as `last`, `best`, `mean 10`, or {reduce: mean, last: 10}; None: absent."""
    node = section.get("objective")
    if node is None:
        return None
    if isinstance(node, Keyed):
        return _rule_of_mapping(Section(section.reader, node, section.at("objective")))
    text = node.text.strip() if isinstance(node, Leaf) else ""
    if text.lower() in ("last", "best"):
        return Rule(_NAMED_RULES[text.lower()])
    found = _OBJECTIVE.fullmatch(text)
    if found and int(found[2][:9]) >= 1:
        return Rule(_NAMED_RULES[found[1].lower()], int(found[2][:9]))
    hint = "write last, best, mean 10 or median 10 (of the last ten values)"
    section.fault("objective", f"{kind_of(node)} is no rule", hint)
    return None


def _computed_rule(section: Section) -> Rule | None:
    """{expr: "mean(loss, 10)", goal: minimize}: reduced like any other, by default its last."""
    section.unknown(("expr", "goal", "target", "reduce", "last"))
    computed = read_one(section, "expr", OBJECTIVE)
    goal = section.choice("goal", ("minimize", "maximize"), GOALS)
    target = section.number("target")
    rule = _reduction(section) if "reduce" in section or "last" in section else Rule()
    if rule is None or computed is None:
        return None
    return rule._replace(
        computed=computed,
        goal=cast(Goal | None, goal),
        target=None if target is None else float(target),
    )


def _rule_of_mapping(section: Section) -> Rule | None:
    if "expr" in section.node.entries:
        return _computed_rule(section)
    hint = "the metric is metric.name, its goal is metric.goal"
    section.unknown(("reduce", "last", "expr"), {"metric": hint, "name": hint, "goal": hint})
    return _reduction(section)


def _reduction(section: Section) -> Rule | None:
    reduce = section.choice("reduce", _NAMED_RULES)
    window = section.integer("last", minimum=1)
    if "reduce" not in section:
        section.reader.fault(section.node.line, section.path, "reduce is missing", "reduce: mean")
    if reduce is None:
        return None
    named = _NAMED_RULES[reduce]
    if named in ("last", "best"):
        if window is not None and window > 1:
            section.fault("last", f"does not belong to {named}", "use reduce: mean or median")
        return Rule(named)
    if "last" not in section:
        section.reader.fault(section.node.line, section.path, "last is missing", "last: 10")
    return Rule(named, window or 1)


def spare_shape(node: Node) -> Keyed:
    """An empty mapping at a node's place: `tuiswp:` absent or not a mapping."""
    return Keyed({}, {}, node.line, 1, 0)
