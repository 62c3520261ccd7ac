"""W&B's hyperband: the worked cases of the grammar reference, 1.7."""

import math
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.search.stoppers.fields import field, reported
from tuiswp.model.stopper import Hyperband
from tuiswp.search.stoppers.base import Field
from tuiswp.search.stoppers.hyperband import HyperbandStopper, bands


def killed(rule: Hyperband, looked_at: Field) -> set[int]:
    return {verdict.trial for verdict in HyperbandStopper(rule).judge(looked_at)}


@pytest.mark.parametrize(
    ("top", "eta", "s", "expected"),
    [(27, 3, 2, [3, 9]), (27, 3, 5, [1, 3, 9]), (18, 3, 2, [2, 6]), (10, 2, 2, [2, 5]),
     (5, 2, 2, [1, 2]), (2, 3, 1, [])],
)  # fmt: skip
def test_bands_of_max_iter_and_s(top: int, eta: float, s: int, expected: list[int]) -> None:
    assert list(bands(Hyperband(None, top, s, eta))) == expected


def test_bands_of_min_iter_grow_by_eta_and_are_floored() -> None:
    assert bands(Hyperband(1, eta=1.5))[:7] == (1, 2, 3, 5, 7, 11, 17)
    assert bands(Hyperband(3))[:4] == (3, 9, 27, 81)


def test_bands_of_progress_are_not_floored() -> None:
    assert bands(Hyperband(0.1, eta=2, resource="progress"))[:3] == (0.1, 0.2, 0.4)


def test_one_run_alone_is_never_stopped() -> None:
    assert killed(Hyperband(1), field([9.0] * 30)) == set()


def test_the_worse_of_two_is_stopped_at_the_first_band_for_eta_above_two() -> None:
    assert killed(Hyperband(3, eta=3), field([1.0] * 3, [2.0] * 3)) == {1}
    assert killed(Hyperband(3, eta=2), field([1.0] * 3, [2.0] * 3)) == set()


def test_nobody_is_stopped_before_the_first_band() -> None:
    assert killed(Hyperband(3), field([1.0] * 2, [2.0] * 2)) == set()


def test_one_more_than_a_third_of_nine_live() -> None:
    nine = field(*([float(n)] * 3 for n in range(9)))
    assert killed(Hyperband(3, eta=3), nine) == {4, 5, 6, 7, 8}


def test_equal_values_all_live() -> None:
    assert killed(Hyperband(1), field(*([1.0] * 3 for _ in range(6)))) == set()


def test_maximize_stops_the_smallest() -> None:
    two = field([1.0] * 3, [2.0] * 3, goal="maximize")
    verdict = HyperbandStopper(Hyperband(3)).judge(two)[0]
    assert (verdict.trial, verdict.value, verdict.threshold) == (0, 1.0, 2.0)


def test_runs_of_every_state_count_in_the_threshold_and_only_running_ones_are_stopped() -> None:
    three = field([1.0] * 3, [2.0] * 3, [3.0] * 3, running=[1])
    assert killed(Hyperband(3), three) == set()
    four = field([1.0] * 3, [1.5] * 3, [2.0] * 3, running=[2])
    assert killed(Hyperband(3), four) == {2}


def test_strict_stops_a_run_that_has_recovered_since_and_relaxed_does_not() -> None:
    curves = ([1.0] * 4, [1.1] * 4, [9.0, 9.0, 9.0, 0.1])
    assert killed(Hyperband(3, strict=True), field(*curves)) == {2}
    assert killed(Hyperband(3, strict=False), field(*curves)) == set()


def test_a_run_is_judged_again_at_a_band_it_passed_when_better_ones_arrive() -> None:
    rule = Hyperband(2, eta=3)
    assert killed(rule, field([2.0] * 3)) == set()
    later = field([2.0] * 3, [1.0] * 2, [1.1] * 2)
    assert killed(rule, later) == {0}


def test_the_verdict_carries_its_evidence() -> None:
    nine = field(*([float(n)] * 4 for n in range(9)))
    verdict = HyperbandStopper(Hyperband(3)).judge(nine)[-1]
    assert (verdict.kill_point, verdict.position, verdict.value, verdict.threshold) == (3, 4, 8, 3)
    assert (verdict.rank, verdict.of, verdict.others) == (9, 9, (0, 1, 2, 3, 4, 5, 6, 7))


def test_the_outlook_names_the_next_band_before_it_acts() -> None:
    stopper = HyperbandStopper(Hyperband(3))
    seen = field([1.0] * 3, [1.5] * 3, [2.0] * 2)
    outlook = stopper.outlook(seen, 2)
    assert outlook is not None
    assert (outlook.kill_point, outlook.threshold, outlook.rank, outlook.of) == (3, 1.5, 3, 3)
    assert outlook.in_danger
    alone = stopper.outlook(field([1.0] * 2), 0)
    assert alone is not None
    assert (alone.threshold, alone.in_danger) == (None, False)


def test_the_plan_lists_the_bands_a_run_can_reach() -> None:
    stopper = HyperbandStopper(Hyperband(25, eta=2))
    assert stopper.plan(200).points == (25, 50, 100, 200)
    assert stopper.plan(24).points == ()


def as_wandb(rule: Hyperband, seen: Field) -> set[int]:
    """The rule in the letters of the reference, value lists and all."""
    sign = 1 if seen.goal == "minimize" else -1
    lists = {n: [sign * v for v in c.values] for n, c in seen.curves.items()}
    gone = set()
    for number in seen.stoppable:
        mine = lists[number]
        reached = [int(b) for b in bands(rule) if b <= len(mine)]
        if not reached:
            continue
        band = max(reached)
        there = sorted(values[band - 1] for values in lists.values() if len(values) >= band)
        limit = there[int((1 / rule.eta) * len(there))] if there else math.inf
        value = mine[band - 1] if rule.strict else min(mine)
        if value > limit:
            gone.add(number)
    return gone


@given(
    st.lists(st.lists(st.floats(-5, 5), max_size=30), max_size=12),
    st.integers(1, 6),
    st.sampled_from([1.5, 2.0, 3.0, 4.0]),
    st.booleans(),
    st.sampled_from(["minimize", "maximize"]),
)
def test_any_history_is_judged_as_wandb_judges_it(
    curves: list[list[float]], lowest: int, eta: float, strict: bool, goal: str
) -> None:
    rule = Hyperband(lowest, eta=eta, strict=strict)
    seen = field(*curves, goal="minimize" if goal == "minimize" else "maximize")
    assert killed(rule, seen) == as_wandb(rule, seen)


def test_the_order_in_which_trials_are_known_does_not_matter() -> None:
    draw = random.Random(5)
    curves = {n: reported([draw.random() for _ in range(9)]) for n in range(12)}
    shuffled = dict(draw.sample(list(curves.items()), len(curves)))
    rule = HyperbandStopper(Hyperband(1))
    one = rule.judge(Field(curves, "minimize", list(curves)))
    assert one == rule.judge(Field(shuffled, "minimize", list(shuffled)))
    assert one
