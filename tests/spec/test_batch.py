"""What parameters say of a batch, and what is offered to a trial that ran out of GPU memory."""

import pytest

from tuiswp.model.space import Constant, Parameter, Params
from tuiswp.spec.batch import effective_batch, halved, out_of_memory_remedy


def named(*names: str) -> list[Parameter]:
    return [Parameter((name,), Constant(1), "constant") for name in names]


BOTH = named("lr", "per_device_train_batch_size", "gradient_accumulation_steps")


def point(batch: int, accumulation: int = 2) -> Params:
    return {
        "lr": 0.1, "per_device_train_batch_size": batch, "gradient_accumulation_steps": accumulation
    }  # fmt: skip


def test_the_effective_batch_is_batch_times_accumulation() -> None:
    assert effective_batch(BOTH, point(8)) == 16
    assert effective_batch(named("bs"), {"bs": 8}) == 8
    assert effective_batch(named("lr"), {"lr": 0.1}) is None
    assert effective_batch(named("bs"), {"bs": True}) is None
    assert effective_batch(named("bs"), {"bs": 0.5}) is None


def test_half_the_batch_goes_with_twice_the_accumulation() -> None:
    assert halved(BOTH, point(8)) == {
        ("per_device_train_batch_size",): 4, ("gradient_accumulation_steps",): 4,
    }  # fmt: skip
    assert halved(named("train_bs", "bs"), {"train_bs": 3, "bs": 6}) == {("bs",): 3}
    assert halved(BOTH, point(1)) == {}
    assert halved(named("lr"), {"lr": 0.1}) == {}


@pytest.mark.parametrize(
    ("params", "says"),
    [
        (
            point(8),
            "clone it with per_device_train_batch_size=4 gradient_accumulation_steps=4 "
            "(the same effective batch)",
        ),
        (point(7), "(nearly the same effective batch)"),
        (point(1), "per_device_train_batch_size is 1 already"),
        ({"lr": 0.1}, "halve the batch, and double the accumulation"),
        ({"per_device_train_batch_size": 8}, "(the effective batch halves too"),
    ],
)
def test_the_remedy_is_said_in_words_that_can_be_typed(params: Params, says: str) -> None:
    assert says in out_of_memory_remedy(BOTH, params)
