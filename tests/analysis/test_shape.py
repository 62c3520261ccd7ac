"""The shape of the objective over a parameter: verdict, sides and the exact values to add."""

import math
import random
from collections.abc import Sequence

import pytest

from tests.analysis.builders import (
    choice,
    curve,
    ended,
    issue_sweep,
    issue_trials,
    over,
    sweep_of,
)
from tuiswp.analysis.optimum import judge
from tuiswp.analysis.shape import Shape, numeric_swept, shape
from tuiswp.model.space import LogUniform, Params
from tuiswp.model.sweep import Goal, Sweep
from tuiswp.model.trial import Trial


def shape_of(sweep: Sweep, trials: Sequence[Trial]) -> Shape:
    return shape(sweep, judge(sweep, trials), numeric_swept(sweep)[0])


@pytest.mark.parametrize("baseline", [2.03, None])
def test_the_issues_own_numbers_are_a_full_u(baseline: float | None) -> None:
    found = shape_of(issue_sweep(), issue_trials(baseline))
    assert found.verdict == "full-u"
    assert found.log
    assert found.best is not None
    assert found.best.x == 1e-2
    assert found.expand == ()
    assert found.values_to_add == ()
    assert "left arm (under-trained) from 1e-4 (2.3500)" in found.message
    assert "floor at 1e-2 (2.0100)" in found.message
    assert "right arm (unstable or diverged) to 3e-2 (3.3700)" in found.message


NONE = None  # a trial that reported and left nothing finite
GRID = [1e-5, 3e-5, 1e-4, 3e-4, 1e-3, 3e-3]


@pytest.mark.parametrize(
    ("ys", "verdict", "add"),
    [
        ([2.40, 2.30, 2.20, 2.10, 2.05, 2.01], "monotone-falling", [1e-2, 3e-2]),
        ([2.01, 2.05, 2.10, 2.20, 2.30, 2.40], "monotone-rising", [1e-6, 3e-6]),
        ([2.40, 2.30, 2.20, 2.00, 2.005, 2.001], "right-edge", [1e-2, 3e-2]),
        ([2.001, 2.005, 2.00, 2.20, 2.30, 2.40], "left-edge", [1e-6, 3e-6]),
        ([2.40, 2.20, 2.00, 2.10, 2.20, 2.60], "full-u", []),
        ([2.40, 2.30, 2.20, 2.10, 2.00, NONE], "full-u", []),
        ([2.40, 2.30, 2.20, 2.10, 2.00, 1e30], "full-u", []),
        ([2.00, 2.10, 2.20, 2.50, 3.00, NONE], "monotone-rising", [1e-6, 3e-6]),
        ([2.000, 2.001, 2.002, NONE, NONE, NONE], "monotone-rising", [1e-6, 3e-6]),
        ([2.001, 2.002, 2.000, 2.003, 2.001, 2.002], "flat", [1e-6, 3e-6, 1e-2, 3e-2]),
        ([2.0, 3.0, 2.1, 3.0, 2.05, 3.0], "scattered", [1e-6, 3e-6]),
        ([3.0, 2.0, 3.0, 1.9, 3.0, 2.0], "scattered", []),
        ([2.0, 1.0], "too-few", [1e-4, 3e-4]),
        ([1.0, 2.0], "too-few", [1e-6, 3e-6]),
    ],
)  # fmt: skip
def test_each_shape_has_its_verdict_and_its_values_to_add(
    ys: list[float | None], verdict: str, add: list[float]
) -> None:
    found = shape_of(*curve(ys, GRID[: len(ys)]))
    assert found.verdict == verdict
    assert list(found.values_to_add) == pytest.approx(add)
    assert (found.suggestion is None) == (not add)


def test_at_the_top_of_the_recipes_range_the_ladder_goes_on() -> None:
    sweep, trials = issue_sweep(), issue_trials()
    trials[6] = ended(6, {"learning_rate": 3e-2, "steps": 60}, 1.99)
    found = shape_of(sweep, trials)
    assert found.verdict == "monotone-falling"
    assert list(found.values_to_add) == [1e-1, 3e-1]
    assert found.suggestion == "Add 1e-1, 3e-1 to learning_rate."


def test_an_off_grid_default_beyond_the_edge_does_not_break_the_ladder() -> None:
    sweep, trials = curve([2.4, 2.3, 2.2, 2.1], [1e-4, 3e-4, 1e-3, 3e-3])
    trials.append(ended(9, {"learning_rate": 2e-2}, 2.0, origin="baseline"))
    found = shape_of(sweep, trials)
    assert found.best_at == "right"
    assert list(found.values_to_add) == [3e-2, 1e-1]


def test_a_score_is_read_upside_down() -> None:
    sizes, name = [8, 16, 32, 64], "batch_size"
    good: Goal = "maximize"
    full = shape_of(*curve([0.5, 0.6, 0.7, 0.6], sizes, name=name, goal=good))
    assert full.verdict == "full-u"
    assert "peak at 32" in full.message
    rising = shape_of(*curve([0.5, 0.6, 0.7, 0.8], sizes, name=name, goal=good))
    assert rising.verdict == "monotone-falling"  # of badness
    assert "score rises all the way to the right" in rising.message
    assert list(rising.values_to_add) == [128, 256]


def test_the_natural_end_of_a_range_is_said_and_nothing_invented() -> None:
    found = shape_of(*curve([1.5, 1.6, 1.7, 1.9], [0.0, 0.1, 0.2, 0.3], name="dropout"))
    assert found.verdict == "monotone-rising"
    assert not found.log
    assert found.values_to_add == ()
    assert "natural end" in (found.suggestion or "")


def test_repeats_that_differ_only_by_seed_are_averaged() -> None:
    sweep = sweep_of(choice("lr", [1e-4, 1e-3, 1e-2]), choice("seed", [0, 1]))
    ys = {1e-4: (2.0, 2.2), 1e-3: (1.9, 1.7), 1e-2: (2.5, 2.7)}
    trials = [
        ended(2 * n + s, {"lr": lr, "seed": s}, ys[lr][s])
        for n, lr in enumerate(ys)
        for s in (0, 1)
    ]
    found = shape_of(sweep, trials)
    assert found.together == "mean"
    assert [point.y for point in found.points] == pytest.approx([2.1, 1.8, 2.6])
    assert found.points[0].trials == (0, 1)
    assert found.verdict == "full-u"


def test_with_other_parameters_swept_each_value_shows_its_best() -> None:
    sweep = sweep_of(choice("lr", [1e-4, 1e-3, 1e-2]), choice("wd", [0.0, 0.1]))
    trials = [
        ended(n, {"lr": lr, "wd": wd}, y)
        for n, (lr, wd, y) in enumerate(
            [(1e-4, 0.0, 2.2), (1e-4, 0.1, 2.9), (1e-3, 0.0, 1.8), (1e-3, 0.1, 2.0),
             (1e-2, 0.0, 3.0), (1e-2, 0.1, 2.6)]
        )
    ]  # fmt: skip
    found = shape(sweep, judge(sweep, trials), sweep.parameters[0])
    assert found.together == "best"
    assert [point.y for point in found.points] == [2.2, 1.8, 2.6]


def test_a_crash_that_reported_nothing_is_no_right_arm() -> None:
    sweep, trials = curve([2.4, 2.3, 2.2, 2.1, 2.0], GRID[:5])
    params: Params = {"learning_rate": 3e-3}
    oom = ended(5, params, None, state="failed", cause="gpu-oom", progress=None, step=None)
    found = shape_of(sweep, [*trials, oom])
    assert found.verdict == "monotone-falling"
    assert len(found.points) == 5
    nan = ended(5, params, None, state="failed", evidence="ValueError: loss is nan at step 3")
    assert shape_of(sweep, [*trials, nan]).verdict == "full-u"


@pytest.mark.parametrize("noise", [0.005, 0.01, 0.02])
def test_a_noisy_random_search_over_a_u_still_shows_a_u(noise: float) -> None:
    draw = random.Random(7)
    law = LogUniform(math.log(1e-4), math.log(10**-1.5))
    sweep = sweep_of(over("lr", law, "log_uniform_values"), method="random")
    full = 0
    for _ in range(40):
        xs = [10 ** draw.uniform(-4, -1.5) for _ in range(25)]
        ys = [
            (2 + 0.15 * (math.log10(x) + 2.3) ** 2 + (x > 0.02) * 1.5) * (1 + draw.gauss(0, noise))
            for x in xs
        ]
        pairs = enumerate(zip(xs, ys, strict=True))
        trials = [ended(n, {"lr": x}, y, origin="random") for n, (x, y) in pairs]
        full += shape_of(sweep, trials).verdict == "full-u"
    assert full >= 34, f"{full} of 40 read as a full U"


def test_nothing_finished_gives_no_verdict_and_no_failure() -> None:
    found = shape_of(*curve([NONE, NONE, NONE], GRID[:3]))
    assert found.verdict == "too-few"
    assert found.best is None
    assert found.values_to_add == ()


def test_hostile_names_are_inert_in_messages() -> None:
    found = shape_of(*curve([2.4, 2.2, 2.0], GRID[:3], name="lr\x1b[31m"))
    assert found.message.isprintable()
    assert (found.suggestion or "").isprintable()


def test_parameters_without_a_numeric_axis_and_seeds_have_no_shape() -> None:
    sweep = sweep_of(
        choice("opt", ["adam", "sgd"]),
        choice("flag", [True, False]),
        choice("seed", [1, 2]),
        choice("batch_size", [8, 16]),
        choice("lr", [1e-4, 1e-3]),
    )
    assert [parameter.name for parameter in numeric_swept(sweep)] == ["lr", "batch_size"]
