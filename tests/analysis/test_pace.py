"""Who is slow beside whom, and when that is nobody's fault."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tuiswp.analysis.pace import Pace, costly, pace_key, slow_gpus, stragglers
from tuiswp.model.space import Categorical, Parameter

RATES = st.floats(1e-3, 1e6)


def pace(number: int, rate: float, *, key: str = "a", running: bool = True, gpu: str = "") -> Pace:
    return Pace(number, (key,), rate, rate, running, gpu, gpu[-2:])


def parameter(name: str) -> Parameter:
    return Parameter((name,), Categorical((1, 2)), "categorical")


def test_one_at_less_than_half_the_median_of_its_like_is_slow() -> None:
    [found] = stragglers([pace(n, 10.0) for n in range(3)] + [pace(9, 4.0)], [parameter("bs")])
    assert (found.trial, found.share) == (9, 0.4)
    assert found.evidence == (
        "4 steps a second, 0.4 of the median 10 of 3 comparable trials beside it with the same bs"
    )


@given(st.lists(RATES, min_size=1, max_size=12), st.sampled_from([0.125, 0.5, 2.0, 64.0]))
def test_nobody_is_slow_for_what_slows_all_of_them(rates: list[float], factor: float) -> None:
    before = stragglers([pace(n, rate) for n, rate in enumerate(rates)], [])
    after = stragglers([pace(n, rate * factor) for n, rate in enumerate(rates)], [])
    assert {one.trial for one in before} == {one.trial for one in after}
    assert len(before) <= len(rates) / 2


def test_a_machine_that_is_shared_now_is_compared_as_it_is_now() -> None:
    alone = [pace(n, 100.0, running=False) for n in range(9)]
    together = [pace(10 + n, 20.0) for n in range(4)]
    assert stragglers([*alone, *together], []) == []


def test_a_larger_batch_is_no_straggler_and_too_few_are_no_company() -> None:
    others = [pace(n, 10.0) for n in range(5)]
    assert stragglers([*others, pace(9, 1.0, key="larger")], []) == []
    assert stragglers([*others[:2], pace(9, 1.0)], []) == []
    assert stragglers([*others, pace(9, 1.0, running=False)], []) == []


@pytest.mark.parametrize("name", ["lr", "optimizer.learning_rate", "seed", "weight-decay", "beta1"])
def test_what_costs_no_time_is_not_held_equal(name: str) -> None:
    one = parameter(name.rpartition(".")[2])
    assert costly([one, parameter("batch_size"), parameter("color")]) == (
        parameter("batch_size"),
        parameter("color"),
    )


def test_trials_of_the_same_cost_have_the_same_key() -> None:
    same = (parameter("batch_size"),)
    assert pace_key(same, {"lr": 1.0, "batch_size": 8}) == pace_key(
        same, {"lr": 2.0, "batch_size": 8}
    )
    assert pace_key(same, {"batch_size": 8}) != pace_key(same, {"batch_size": 16})


def test_a_gpu_on_which_everybody_is_slow_is_named() -> None:
    paces = [pace(n, 10.0, gpu="GPU-0") for n in range(4)]
    slow = [pace(10 + n, 4.0, gpu="GPU-3", running=n > 0) for n in range(2)]
    [found] = slow_gpus([*paces, *slow])
    assert (found.uuid, found.share) == ("GPU-3", 0.4)
    assert "trials on -3 run at 0.4 of the speed of the others (t0010, t0011, beside 4" in (
        found.message
    )
    assert slow_gpus([*paces, slow[0]]) == []
    assert slow_gpus([*paces, *slow, pace(20, 9.0, gpu="GPU-3")]) == []
