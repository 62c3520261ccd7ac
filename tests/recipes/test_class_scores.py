"""The metrics of a classifier, against numbers that can be worked out on paper."""

import math

import numpy as np
import pytest

from recipes.class_scores import GREATER, scores

pytestmark = pytest.mark.slow  # imports scikit-learn


def test_two_classes_are_scored_by_the_second_one() -> None:
    logits = [[2, 0], [0, 1], [1, 0], [0, 3]]
    found = scores(np.array(logits), np.array([0, 0, 1, 1]))
    assert found == {
        "accuracy": 0.5, "f1": 0.5, "precision": 0.5, "recall": 0.5, "roc_auc": 0.75,
    }  # fmt: skip
    assert {f"eval_{name}" for name in found} | {"eval_loss"} == GREATER.keys()


def test_many_classes_count_alike() -> None:
    logits = np.eye(3)[[0, 0, 0, 1, 2, 1]] * 4
    found = scores(logits, np.array([0, 0, 0, 1, 2, 2]))
    assert found["accuracy"] == pytest.approx(5 / 6)
    assert found["precision"] == pytest.approx((1 + 0.5 + 1) / 3)
    assert found["recall"] == pytest.approx((1 + 1 + 0.5) / 3)
    assert 0.8 < found["roc_auc"] < 1.0
    # A class that is not there to judge by has no curve; the others have theirs.
    assert scores(logits[:4], np.array([0, 0, 0, 1]))["roc_auc"] == 1.0


def test_a_model_that_diverged_has_no_area() -> None:
    found = scores(np.array([[math.nan, 0.0], [0.0, math.nan]]), np.array([0, 1]))
    assert math.isnan(found["roc_auc"])
