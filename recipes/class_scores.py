"""How good a classifier is: accuracy, f1, precision, recall and roc_auc, by scikit-learn.

Of two classes, the second is the positive one. Of more, each counts alike (macro average), and
roc_auc is that of each class against the rest.
"""

from typing import Any

import numpy as np

# What a checkpoint can be judged by, and whether more is better.
GREATER = {
    "eval_loss": False, "eval_accuracy": True, "eval_f1": True, "eval_precision": True,
    "eval_recall": True, "eval_roc_auc": True,
}  # fmt: skip


def scores(logits: Any, labels: Any) -> dict[str, float]:
    """The five of `logits`, an array (examples, classes), against `labels`, (examples).

    A model that diverged has no roc_auc: NaN.
    """
    from sklearn.metrics import accuracy_score, precision_recall_fscore_support

    logits = np.asarray(logits, dtype=np.float64)
    predicted = logits.argmax(axis=1)
    classes = list(range(logits.shape[1]))
    binary = len(classes) == 2
    precision, recall, f1, _ = precision_recall_fscore_support(
        labels,
        predicted,
        labels=[1] if binary else classes,
        average="macro",
        zero_division=0.0,
    )
    return {
        "accuracy": float(accuracy_score(labels, predicted)),
        "f1": float(f1),
        "precision": float(precision),
        "recall": float(recall),
        "roc_auc": _roc_auc(logits, np.asarray(labels)),
    }


def _roc_auc(logits: Any, labels: Any) -> float:
    """The mean over the classes that can be told from the rest: those that some examples are."""
    from scipy.special import softmax
    from sklearn.metrics import roc_auc_score

    if not np.isfinite(logits).all():
        return float("nan")
    shares = softmax(logits, axis=1)
    wanted = [1] if logits.shape[1] == 2 else range(logits.shape[1])
    found = [
        float(roc_auc_score(labels == one, shares[:, one]))
        for one in wanted
        if 0 < (labels == one).sum() < len(labels)
    ]
    return sum(found) / len(found) if found else float("nan")
