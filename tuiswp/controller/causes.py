"""What follows from each cause of an end: one table, read by everything that decides. Pure.

Who may try again, at whose cost, and whether the end says something against its GPU or the sweep.
`docs/failures.md` prints this table, and a test compares the two.
"""

from collections.abc import Iterator, Mapping
from typing import Literal, TypeAlias

import msgspec

from tuiswp.model.trial import Cause

# "once": relaunched once, or as often as `retries` says. "asked": only as `retries` says.
# "free": again at no cost to the trial. "never": the same configuration would meet it again.
# "over": there is nothing to repeat.
Again: TypeAlias = Literal["once", "asked", "free", "never", "over"]


class Rule(msgspec.Struct, frozen=True):
    """`meaning`: for people. `evidence`: what it takes to be called so.

    `blames_gpu`: an end in a row of failures that can quarantine a GPU. `counts`: a failure among
    those that pause the sweep.
    """

    meaning: str
    evidence: str
    again: Again
    blames_gpu: bool = False
    counts: bool = False


CAUSES: Mapping[Cause, Rule] = {
    "done": Rule("came to its end", "exit code 0", "over"),
    "diverged": Rule(
        "the objective ran away to NaN or infinity: a result, not a fault",
        "the last value logged of the metric is not finite, or its last words say so",
        "never",
    ),
    "pruned": Rule("ended early as hopeless", "the rule, its kill point and threshold", "over"),
    "exit-code": Rule(
        "the training failed by itself", "its exit code and last words", "asked", True, True
    ),
    "signal": Rule(
        "killed, and not by tuiswp", "the signal, which nobody here sent", "once", True, True
    ),
    "gpu-oom": Rule(
        "out of GPU memory", "what CUDA, ROCm, torch or JAX print then", "never", False, True
    ),
    "host-oom": Rule(
        "killed by the kernel for memory",
        "SIGKILL (or 137 of a shell) while the kernel's oom_kill counter rose",
        "once",
        False,
        True,
    ),
    "gpu-fault": Rule(
        "the GPU or its driver failed",
        "a CUDA, cuDNN or NVML error that is not about memory, or an Xid",
        "once",
        True,
        True,
    ),
    "hang": Rule(
        "silent for too long, ended as the file asks", "for how long, by its rhythm", "asked",
        True, True,
    ),
    "timeout": Rule("ran longer than `timeout`", "the limit", "never", False, True),
    "disk-full": Rule(
        "no room left on a disk", "`No space left` or `quota exceeded` in its last words", "free"
    ),
    "launch-error": Rule(
        "the program could not be started", "what the system said of it", "never", False, True
    ),
    "reboot": Rule("the machine was restarted", "another boot id", "free"),
    "unknown": Rule(
        "gone, and nobody saw how: the trial is `lost`", "no exit.json, and no process of it lives",
        "once", True, True,
    ),
    "killed-by-user": Rule("`kill` or `restart`", "who asked, and the signal it ended by", "over"),
    "paused-by-user": Rule("`pause`; it keeps its place", "who asked", "over"),
    "interrupted-by-user": Rule("`interrupt`, and it left for it", "who asked, and how", "over"),
    "sweep-stopped": Rule("`stop --now`, or a stop rule", "who asked, or the rule", "over"),
}  # fmt: skip

_AGAIN: Mapping[Again, str] = {
    "once": "once, or `retries` times",
    "asked": "`retries` times, 0 if not said",
    "free": "yes, at no cost",
    "never": "no",
    "over": "",
}


def retries_of(cause: Cause, asked: int | None) -> int:
    """How often a trial may be relaunched after such an end; `asked`: `retries` of the file."""
    match CAUSES[cause].again:
        case "once":
            return 1 if asked is None else asked
        case "asked":
            return asked or 0
        case _:
            return 0


def table() -> Iterator[str]:
    """The table as Markdown, a line at a time."""
    yield "| cause | what it means | the evidence for it | tried again | against its GPU |"
    yield "|---|---|---|---|---|"
    for cause, rule in CAUSES.items():
        against = "yes" if rule.blames_gpu else ""
        yield (
            f"| `{cause}` | {rule.meaning} | {rule.evidence} | {_AGAIN[rule.again]} | {against} |"
        )
