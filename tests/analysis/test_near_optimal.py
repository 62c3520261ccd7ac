"""Near-optimal values and where running curves head: right on known laws, silent where unknown."""

import math
import random

import pytest
from msgspec.structs import replace

from tests.analysis.builders import choice, curve, ended, over, sweep_of
from tuiswp.analysis.evidence import by_seeds, evidence_json, sentences, weigh
from tuiswp.analysis.near_optimal import near_optimal
from tuiswp.analysis.optimum import judge
from tuiswp.analysis.prospects import extrapolated, prospects
from tuiswp.model.space import LogUniform, Params, Uniform
from tuiswp.model.sweep import Sweep
from tuiswp.model.trial import Launching, Trial

LR = over("lr", LogUniform(math.log(1e-5), math.log(1e-1)), "log_uniform_values")
DROP = over("dropout", Uniform(0, 0.5))


def bowl(count: int, seed: int, noise: float) -> tuple[Sweep, list[Trial]]:
    """A floor at lr 1e-3; 0.02 (1 %) above it at a factor of 10^√0.2 = 2.8 on both sides."""
    draw = random.Random(seed)
    trials = []
    for n in range(count):
        lr, drop = 10 ** draw.uniform(-5, -1), draw.uniform(0, 0.5)
        loss = 2 + 0.1 * (math.log10(lr) + 3) ** 2 + draw.gauss(0, noise)
        params: Params = {"lr": lr, "dropout": drop}
        trials.append(ended(n, params, loss, origin="random"))
    return sweep_of(LR, DROP, method="random"), trials


def test_the_interval_of_a_known_bowl_is_found_on_the_log_axis() -> None:
    sweep, trials = bowl(40, 1, noise=0.002)
    rate, drop = near_optimal(sweep, judge(sweep, trials))
    assert rate.known == "told"
    assert rate.low == pytest.approx(1e-3 / 10 ** math.sqrt(0.2), rel=0.08)
    assert rate.high == pytest.approx(1e-3 * 10 ** math.sqrt(0.2), rel=0.08)
    assert rate.floor == pytest.approx(1e-3, rel=0.02)
    assert "1 % of the best" in rate.message
    assert drop.known != "told" or (drop.open_low and drop.open_high)


def test_the_floor_lies_in_its_interval_about_as_often_as_it_says() -> None:
    hits = 0
    for seed in range(60):
        sweep, trials = bowl(25, seed, noise=0.05)
        one = near_optimal(sweep, judge(sweep, trials))[0]
        hits += one.known == "told" and (one.floor_low or 0) <= 1e-3 <= (one.floor_high or 0)
    assert hits >= 48  # 90 % meant


def test_pure_noise_has_no_near_optimal_values() -> None:
    told = 0
    for seed in range(40):
        draw = random.Random(seed)
        sweep = sweep_of(LR, method="random")
        trials = [
            ended(n, {"lr": 10 ** draw.uniform(-5, -1)}, draw.gauss(2, 0.1)) for n in range(20)
        ]
        told += near_optimal(sweep, judge(sweep, trials))[0].known == "told"
    assert told <= 8


def test_a_floor_outside_of_what_was_tried_is_not_invented() -> None:
    sweep, trials = curve([2.40, 2.30, 2.20, 2.10, 2.05, 2.01, 1.97, 1.9])
    one = near_optimal(sweep, judge(sweep, trials))[0]
    assert one.known == "no-floor"
    assert "cannot be told" in one.message


def test_three_values_are_too_few_and_that_is_said() -> None:
    sweep, trials = curve([2.4, 2.0, 2.3])
    one = near_optimal(sweep, judge(sweep, trials))[0]
    assert one.known == "too-few"
    assert "six over four values are the least" in one.message
    assert sentences(weigh(sweep, judge(sweep, trials), trials, {}))[0][0] == "first-second"


def law(
    bend: float, seed: int, rows: int = 200, share: float = 0.5
) -> tuple[list[float], list[float]]:
    """c + a p^-b with noise, up to `share` of the run; its end is 2.5."""
    draw = random.Random(seed)
    places = [(n + 1) / rows * share for n in range(rows)]
    return places, [2 + 0.5 * p**-bend + draw.gauss(0, 0.03) for p in places]


@pytest.mark.parametrize("bend", [0.1, 0.5, 1.0, 2.0])
def test_the_end_of_a_power_law_lies_in_its_interval(bend: float) -> None:
    hits = 0
    for seed in range(40):
        ends = extrapolated(*law(bend, seed))
        assert ends is not None
        hits += ends[0] <= 2.5 <= ends[1]
    assert hits >= 36  # 95 % meant


def test_too_few_rows_say_nothing() -> None:
    assert extrapolated(*law(0.5, 0, rows=30)) is None


def running(number: int, progress: float) -> Trial:
    trial = ended(number, {"lr": 0.1}, None, progress=progress, step=100 * progress)
    return replace(trial, status=Launching(0.0, "token", ()), complete=False)


def test_only_a_trial_whose_better_end_is_worse_than_the_best_is_hopeless() -> None:
    sweep = sweep_of(choice("lr", [0.1, 0.2]))
    places, values = law(0.5, 1)
    curves = {1: ([100 * p for p in places], values)}
    for best, hopeless in ((1.5, True), (2.6, False)):
        trials = [ended(0, {"lr": 0.2}, best), running(1, 0.5)]
        (found,) = prospects(sweep, judge(sweep, trials), trials, curves)
        assert found.hopeless is hopeless
        assert f"t0001 at 50 % is heading for {found.low:.4f}" in found.told
    up = replace(sweep, objective=replace(sweep.objective, goal="maximize"))  # type: ignore[type-var]  # it has one
    curves = {1: (curves[1][0], [-value for value in values])}
    trials = [ended(0, {"lr": 0.2}, -1.5), running(1, 0.5)]
    assert prospects(up, judge(up, trials), trials, curves)[0].hopeless


def test_a_run_of_unknown_length_is_not_extrapolated() -> None:
    sweep = sweep_of(choice("lr", [0.1, 0.2]))
    places, values = law(0.5, 1)
    trials = [ended(0, {"lr": 0.2}, 1.0), replace(running(1, 0.5), progress=None)]
    assert prospects(sweep, judge(sweep, trials), trials, {1: (places, values)}) == ()


def test_the_evidence_is_plain_data_and_holds_the_requests_of_the_findings() -> None:
    from tuiswp.analysis.diagnosis import diagnose

    sweep, trials = curve([2.4, 2.3, 2.2, 2.1, 2.0, 1.9, 1.8])
    judgement = judge(sweep, trials)
    found = evidence_json(weigh(sweep, judgement, trials, {}), diagnose(sweep, trials, judgement))
    assert list(found) == ["repeats", "first_second", "near_optimal", "prospects", "remedies"]
    remedies = found["remedies"]
    assert isinstance(remedies, list)
    assert isinstance(remedies[0], dict)
    assert remedies[0]["code"] == "edge-of-range"
    assert remedies[0]["verb"] == "extend"


def test_what_seeds_decide_is_told_without_any_curve_and_only_where_something_was_repeated() -> (
    None
):
    sweep = sweep_of(choice("lr", [0.1, 0.2]))
    once = [ended(0, {"lr": 0.1}, 1.0), ended(1, {"lr": 0.2}, 2.0)]
    assert by_seeds(sweep, judge(sweep, once)) == []
    twice = [*once, ended(2, {"lr": 0.1}, 1.01), ended(3, {"lr": 0.2}, 2.02)]
    [told] = by_seeds(sweep, judge(sweep, twice))
    assert told.startswith("1.0050 ± ")
    assert told.endswith("decided.")
