"""Learning rates by size and family: the published figures, the ranges, and what is not known."""

import math

import pytest

from recipes import hyperparams
from tuiswp.analysis.scaling import (
    EXPONENTS,
    NOT_FITTED,
    SafeRange,
    default_rate,
    family_of,
    safe_range,
    scaled,
)


@pytest.mark.parametrize("family", ["llama", "qwen"])
@pytest.mark.parametrize("hidden", [128, 2048, 4096, 8192])
@pytest.mark.parametrize("lora", [True, False])
def test_the_tool_and_the_recipes_give_the_same_rate(family: str, hidden: int, lora: bool) -> None:
    name = f"some/{family}-of-mine"
    expected = hyperparams.get_lr(name, lora=lora, hidden_size=hidden)
    assert default_rate(family, hidden, lora=lora) == expected


def test_the_tool_and_the_recipes_know_the_same_families() -> None:
    assert EXPONENTS == hyperparams.EXPONENTS
    assert NOT_FITTED == hyperparams._NOT_FITTED
    assert family_of("meta-llama/Llama-3.1-8B") == "llama"
    assert family_of("nvidia/Llama-3.3-Nemotron-Super") is None
    assert family_of("mistral") is None


def test_the_rate_follows_the_root_of_batch_and_gpus() -> None:
    assert scaled(1e-4, 16, 64) == hyperparams.scale_lr_for_batch(1e-4, 16, 64) == 2e-4
    assert scaled(1e-4, 4, 1) == pytest.approx(5e-5)
    assert scaled(3e-4, 7, 7) == 3e-4
    assert scaled(scaled(1e-3, 3, 11), 11, 3) == pytest.approx(1e-3)


@pytest.mark.parametrize(
    ("size", "ends"),
    [(7.0, (1e-4, 3e-4)), (8.0, (1e-4, 3e-4)), (13.0, (5e-5, 2e-4)), (14.0, (5e-5, 2e-4)),
     (70.0, (1e-5, 5e-5)), (72.0, (1e-5, 5e-5)), (32.0, (1e-5, 2e-4))],
)  # fmt: skip
def test_a_size_has_the_range_of_its_row_or_of_both_neighbours(
    size: float, ends: tuple[float, float]
) -> None:
    safe = safe_range(size, lora=True)
    assert safe is not None
    assert (safe.low, safe.high) == ends


@pytest.mark.parametrize("size", [0.35, 1.0, 3.0, 120.0, 405.0, None])
def test_far_from_every_row_no_range_is_invented(size: float | None) -> None:
    assert safe_range(size, lora=True) is None


def test_full_fine_tuning_has_one_range_for_all() -> None:
    assert safe_range(7.0, lora=False) == SafeRange(1e-6, 5e-6, "full fine-tuning")
    assert safe_range(None, lora=False) is not None


def test_every_range_is_one() -> None:
    for size in (10**n for n in (0.7, 0.85, 1, 1.1, 1.3, 1.5, 1.8, 2)):
        safe = safe_range(size, lora=True)
        assert safe is not None
        assert 0 < safe.low < safe.high < math.inf
