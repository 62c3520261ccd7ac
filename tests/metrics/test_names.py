"""Two spellings of one metric are one metric; near misses are named."""

import pytest

from tuiswp.metrics.names import find, near, same


@pytest.mark.parametrize(
    ("a", "b", "equal"),
    [
        ("eval/roc_auc", "eval_roc_auc", True),
        ("eval/micro f1 score", "eval_micro f1 score", True),
        ("loss", "loss", True),
        ("Loss", "loss", False),
        ("eval.loss", "eval_loss", False),
        ("eval/loss", "loss", False),
    ],
)
def test_slash_and_underscore_are_the_same(a: str, b: str, equal: bool) -> None:
    assert same(a, b) is equal


def test_the_exact_name_wins_over_an_equal_one() -> None:
    assert find("eval/loss", ["eval_loss", "eval/loss"]) == "eval/loss"
    assert find("eval/loss", ["x", "eval_loss"]) == "eval_loss"
    assert find("eval/loss", ["loss"]) is None


def test_near_misses_come_best_first() -> None:
    logged = ["step_time", "train_mean_nll", "val_loss", "learning_rate"]
    assert near("train_nll", logged) == ["train_mean_nll"]
    assert near("train/val_loss", logged)[0] == "val_loss"
    assert near("train/loss", ["loss", "lr"]) == ["loss"]
    assert near("zzz", logged) == []
