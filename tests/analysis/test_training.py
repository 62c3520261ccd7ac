"""What a training log says: each illness shows in a log that has it, and in none that has not."""

import math
import random
from collections.abc import Callable

import pytest

from tuiswp.analysis.training import Curve, Health, State, as_diverged, choose, examine, weigh
from tuiswp.metrics.series import Series

STEPS = 200
Shape = Callable[[float], float]


def curve(shape: Shape, *, noise: float = 0.01, points: int = STEPS, seed: int = 0) -> Curve:
    """`shape` over 0..1 with relative noise, by step."""
    dice = random.Random(seed)
    values = [shape(n / points) * (1 + dice.gauss(0, noise)) for n in range(points)]
    return [float(n) for n in range(points)], values


def learned(x: float) -> float:
    return 1 + 3 * math.exp(-12 * x)


def louder(curve: Curve, *, since: int) -> Curve:
    """The same with a loss that jumps to and fro from a step on."""
    steps, values = curve
    return steps, [y * (1 + 0.2 * (-1) ** n * (n >= since)) for n, y in enumerate(values)]


def evaluated(shape: Shape) -> Curve:
    return curve(shape, noise=0.001, points=10)


ILL: list[tuple[State, Curve, Curve | None]] = [
    ("healthy", curve(learned), evaluated(lambda x: 1.2 + 3 * math.exp(-12 * x))),
    ("overfit", curve(learned), evaluated(lambda x: 1.2 + 2 * (x - 0.4) ** 2)),
    ("underfit", curve(lambda x: 4 - 3 * x), evaluated(lambda x: 4.1 - 3 * x)),
    ("unstable", louder(curve(learned), since=160), None),
    ("unstable", curve(learned, noise=0.2, points=25), None),  # too short to tell what it is
    ("stuck", curve(lambda x: 4 - 0.1 * x), None),
    ("diverged", curve(lambda x: 1 + 5 * x), None),
    ("diverged", ([*range(20)], [*[2.0] * 19, math.nan]), None),
    ("unknown", ([0, 1, 2], [3, 2, 1]), None),
]


@pytest.mark.parametrize(("state", "train", "tested"), ILL)
def test_the_verdict_is_the_illness(state: State, train: Curve, tested: Curve | None) -> None:
    health = weigh(train, tested)
    assert health.verdict == state, health
    assert health.is_ill == (state not in ("healthy", "unknown"))
    if health.is_ill:
        assert health.signs[0].code == state
        assert health.signs[0].suggestion


@pytest.mark.parametrize("noise", [0.03, 0.2])
@pytest.mark.parametrize("seed", range(20))
def test_a_healthy_training_is_not_called_unstable_because_batches_differ(
    noise: float, seed: int
) -> None:
    health = weigh(curve(learned, noise=noise, seed=seed), None)
    assert health.verdict == "healthy", health
    varies = health.numbers["variation"]
    assert varies is not None
    noisy = [sign.message for sign in health.signs if sign.code == "noisy"]
    assert len(noisy) == (varies > 0.1)
    if noisy:
        assert f"vary by {varies:.0%} of their mean (above 10%)" in noisy[0]


def test_noise_around_a_loss_that_does_not_fall_or_climbs_back_is_instability() -> None:
    flat = weigh(curve(lambda x: 2.0, noise=0.2, points=400), None)
    back = weigh(curve(lambda x: 4 - 3 * math.sin(3 * x), noise=0.2, points=400), None)
    assert flat.verdict == back.verdict == "unstable"


def test_what_the_sweep_knows_to_have_diverged_is_called_nothing_better() -> None:
    slow = weigh(curve(lambda x: 4 - 3 * x), None)
    told = as_diverged(slow, "it ended at 4, far above the rest")
    assert (slow.verdict, told.verdict) == ("underfit", "diverged")
    assert [sign.code for sign in told.signs] == ["diverged", "underfit"]
    assert "far above the rest" in told.signs[0].message
    assert as_diverged(told, "again") is told


def test_relative_overfit_is_the_end_against_the_best() -> None:
    health = weigh(None, ([10, 20, 30, 40], [2.0, 1.0, 1.04, 1.06]))
    assert health.numbers["relative_overfit"] == pytest.approx(0.06)
    assert health.numbers["best_eval_step"] == 20
    assert health.verdict == "overfit"
    assert "6.0% above its best of 1.0000 at step 20" in health.signs[0].message
    assert weigh(None, ([1, 2], [1.0, 1.049])).verdict == "unknown"


def test_a_fall_without_noise_is_no_instability_though_it_varies() -> None:
    steep = curve(lambda x: 4 * math.exp(-6 * x), noise=0.0, points=40)
    health = weigh(steep, None)
    assert health.verdict == "underfit"
    assert (health.numbers["variation"] or 0) < 0.1


def test_the_variation_of_noise_is_its_deviation_by_its_mean() -> None:
    health = weigh(curve(lambda x: 1.0, noise=0.15, points=2000, seed=3), None)
    found = health.numbers["variation"]
    assert found is not None and 0.08 < found < 0.25


def test_a_training_loss_that_falls_while_the_evaluation_lies_flat_is_not_underfit() -> None:
    falls = curve(lambda x: 4 - 2 * x)
    flat = weigh(falls, ([0, 50, 100, 150, 200], [4.0, 2.4, 2.31, 2.30, 2.29]))
    assert (flat.verdict, flat.signs) == ("healthy", ())
    assert (flat.numbers["falling"] or 0) > 0.05
    assert weigh(falls, ([0, 50, 100, 150, 200], [4.0, 3.4, 3.0, 2.6, 2.3])).verdict == "underfit"


def test_slow_and_early_descent_get_different_advice() -> None:
    slow = weigh(curve(lambda x: 4 - 3 * x), None).signs[0]
    early = weigh(curve(lambda x: 1 + 4 * math.exp(-3 * x)), None).signs[0]
    assert (slow.code, early.code) == ("underfit", "underfit")
    assert slow.suggestion.startswith("Raise the learning rate first")
    assert "by half time it had come 5" in slow.message
    assert early.suggestion.startswith("Train longer")


def test_losses_that_lie_flat_and_together_are_capacity_not_tuning() -> None:
    health = weigh(curve(learned), evaluated(lambda x: 1.02 + 3 * math.exp(-12 * x)))
    assert health.verdict == "healthy"
    assert [sign.code for sign in health.signs] == ["levelled-off"]
    assert "not tuning" in health.signs[0].suggestion


def test_a_spiky_start_is_told_beside_the_verdict() -> None:
    steps, values = curve(learned)
    values = [*values[:5], 9.0, *values[6:]]
    health = weigh((steps, values), None)
    assert (health.verdict, health.signs[0].code) == ("healthy", "spiky-start")
    assert "Warm up longer" in health.signs[0].suggestion


@pytest.mark.parametrize("seed", range(10))
def test_batches_that_differ_are_no_spikes(seed: int) -> None:
    health = weigh(curve(lambda x: 2.2 + 0.3 * math.exp(-9 * x), noise=0.05, seed=seed), None)
    assert "spiky-start" not in [sign.code for sign in health.signs]


def named(**points: int) -> dict[str, Series]:
    found = {}
    for name, count in points.items():
        series = found[name.replace("__", "/")] = Series()
        for n in range(count):
            series.append(n, 1.0)
    return found


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (named(loss=9, eval_loss=3, train_loss=1), ("loss", "eval_loss")),  # Hugging Face
        (named(train__loss=9, val__loss=3, val__acc=3), ("train/loss", "val/loss")),
        (named(train_mean_bpb=9, train_mean_nll=9, grad_norm=9), ("train_mean_nll", None)),
        (named(aux_loss=9, loss=9), ("loss", None)),
        (named(accuracy=9, learning_rate=9), (None, None)),
    ],
)
def test_the_losses_are_found_by_their_names(
    names: dict[str, Series], expected: tuple[str | None, str | None]
) -> None:
    assert choose(names) == expected


def test_a_person_can_say_which_metrics_to_take() -> None:
    names = named(energy=30, evaluation=5)
    assert examine(names).verdict == "unknown"
    health: Health = examine(names, train="energy", evaluated="evaluation")
    assert (health.train, health.evaluated, health.verdict) == ("energy", "evaluation", "stuck")


def test_a_loss_of_nothing_but_gaps_or_zeros_breaks_nothing() -> None:
    gaps = ([1.0, 2.0], [math.nan, math.nan])
    assert weigh(gaps, gaps).verdict == "diverged"
    zeros = ([float(n) for n in range(30)], [0.0] * 30)
    assert weigh(zeros, zeros).verdict == "unknown"
    assert weigh(([], []), ([], [])).verdict == "unknown"
