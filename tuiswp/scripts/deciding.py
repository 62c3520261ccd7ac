"""Which of the metrics a script logs decides, and whether less or more of it is better. Pure.

By names alone: what is measured on held-out data before what is measured on the training's own.
"""

import re
from collections.abc import Iterable

from tuiswp.metrics.names import EVALUATION
from tuiswp.model.sweep import Goal
from tuiswp.spec.scale import words

_MORE = {
    "accuracy", "acc", "f1", "auc", "auroc", "precision", "recall", "reward", "return", "score",
    "bleu", "rouge", "map", "iou", "miou", "psnr", "ssim", "correlation", "corr", "r2", "mcc",
    "spearman", "pearson", "kappa", "throughput", "success", "win", "dice", "top1", "top5",
}  # fmt: skip
_LESS = {
    "loss", "nll", "error", "err", "perplexity", "ppl", "mse", "mae", "rmse", "wer", "cer", "fid",
    "bpb", "bpc", "bits", "crossentropy", "entropy", "divergence", "regret", "cost",
}  # fmt: skip
# About the training, not of its success.
_BESIDE = {
    "lr", "rate", "norm", "time", "seconds", "runtime", "memory", "mem", "epoch", "step", "steps",
    "tokens", "samples", "flos", "speed", "utilization", "gpu", "cpu", "progress", "momentum",
    "scale", "timestamp", "throughput", "iter", "iteration",
}  # fmt: skip


def goal_of(name: str) -> Goal | None:
    """What its name says is better; None if it says nothing."""
    found = _words(name)
    if found & _LESS:
        return "minimize"
    return "maximize" if found & _MORE else None


def ranked(names: Iterable[str]) -> tuple[str, ...]:
    """The metrics that may decide, the likeliest first; the others in their order behind."""
    order = list(names)
    return tuple(sorted(order, key=lambda name: (_doubt(name), order.index(name))))


def _words(name: str) -> set[str]:
    return words(name) | set(re.split(r"[^a-z0-9]+", name.lower()))  # `f1` is one word here


def _doubt(name: str) -> int:
    """0: most likely what decides."""
    found = _words(name)
    held_out = bool(found & EVALUATION)
    if found & _BESIDE and not found & {"loss", "error"}:
        return 9
    if found & _LESS:
        return 0 if held_out and "loss" in found else 1 if held_out else 3
    if found & _MORE:
        return 2 if held_out else 4
    return 5
