"""Signs that a search is sound or not: each with the numbers it claims, and silent without them."""

import math
import random

import pytest
from msgspec.structs import replace
from scipy import stats

from tests.analysis.builders import choice, constant, curve, ended, over, sweep_of
from tuiswp.analysis import red_flags
from tuiswp.analysis.agreement import tolerance
from tuiswp.analysis.diagnosis import Diagnosis, diagnose, warnings_before
from tuiswp.analysis.noise import row_noise, variation
from tuiswp.analysis.optimum import judge
from tuiswp.model.edits import RangeEdit
from tuiswp.model.space import Constraints, LogUniform, Tie, Uniform
from tuiswp.model.sweep import Sweep
from tuiswp.model.trial import Trial

LR = over("lr", LogUniform(math.log(1e-5), math.log(1e-1)), "log_uniform_values")


def found(sweep: Sweep, trials: list[Trial], **more: object) -> dict[str, Diagnosis]:
    diagnoses = diagnose(sweep, trials, judge(sweep, trials), **more)  # type: ignore[arg-type]  # passed on
    assert all(one.message.isprintable() and one.suggestion for one in diagnoses)
    return {one.code: one for one in diagnoses}


def before(sweep: Sweep) -> dict[str, Diagnosis]:
    return {one.code: one for one in warnings_before(sweep)}


def test_the_noise_of_rows_is_not_enlarged_by_a_slope() -> None:
    draw = random.Random(3)
    noise = [draw.gauss(0, 0.1) for _ in range(4000)]
    flat = row_noise(noise)
    steep = row_noise([0.01 * n + x for n, x in enumerate(noise)])
    assert flat == pytest.approx(0.1, rel=0.05)
    assert steep == pytest.approx(flat, rel=0.01)


def test_the_noise_of_rows_by_hand() -> None:
    values = [1.0, 3.0, 1.0, 3.0, 1.0, 3.0, 1.0, 3.0]
    assert row_noise(values) == pytest.approx(math.sqrt(7 * 4 / 14))
    assert variation(values) == pytest.approx(math.sqrt(2) / 2)
    assert row_noise(values[:7]) is None


def test_a_gap_smaller_than_one_row_wobbles_is_called_noisy() -> None:
    sweep, trials = curve([2.0, 2.004, 2.5], [1e-4, 1e-3, 1e-2])
    wobbling = {n: [2.0 + 0.05 * (-1) ** k for k in range(40)] for n in range(3)}
    one = found(sweep, trials, curves=wobbling)["noisy-loss"]
    assert "wobbles by 0.0707" in one.message
    assert "first and second are 0.004 apart" in one.message
    assert "objective: mean 10" in one.suggestion
    assert "noisy-loss" not in found(sweep, trials)  # without curves it is not claimed
    calm = {n: [2.0 + 0.0005 * (-1) ** k for k in range(40)] for n in range(3)}
    assert "noisy-loss" not in found(sweep, trials, curves=calm)


def test_nine_of_ten_pruned_is_said_with_both_numbers() -> None:
    sweep = sweep_of(LR, method="random")
    trials = [ended(n, {"lr": 1e-3}, 2.0, state="pruned", cause="pruned") for n in range(18)]
    trials += [ended(18, {"lr": 1e-3}, 1.0), ended(19, {"lr": 1e-4}, 1.5)]
    one = found(sweep, trials)["mostly-pruned"]
    assert "18 of 20 ended trials (90 %) were pruned, and 2 came to the end" in one.message
    assert "mostly-pruned" not in found(sweep, trials[1:])  # 17 of 19
    assert "mostly-pruned" not in found(sweep, trials[:9])  # too few to say


def test_who_died_in_the_first_epoch_is_named_and_the_range_is_lowered_in_one_request() -> None:
    sweep = sweep_of(LR, method="random")
    trials = [ended(n, {"lr": lr}, 2.0 + n / 10) for n, lr in enumerate((1e-4, 1e-3, 4e-3))]
    for n, lr in enumerate((2e-2, 5e-2), 3):
        trials.append(ended(n, {"lr": lr}, None, state="failed", evidence="loss is nan"))
    one = found(sweep, trials, epochs={0: 3.0, 1: 3.0, 2: 3.0, 3: 0.2, 4: 0.1})["died-early"]
    assert "2 of 5 ended trials died in the first epoch (2 diverged): t0003, t0004" in one.message
    assert one.remedy is not None
    assert one.remedy.edits == (RangeEdit(("lr",), "range", high=0.0089),)  # √(4e-3 · 2e-2)


def test_a_late_crash_or_one_of_unknown_progress_is_no_early_death() -> None:
    sweep = sweep_of(LR, method="random")
    trials = [ended(0, {"lr": 1e-3}, 2.0), ended(1, {"lr": 1e-4}, 2.5, state="failed")]
    assert "died-early" not in found(sweep, trials)
    trials[1] = replace(trials[1], progress=None)
    assert "died-early" not in found(sweep, trials)
    trials[1] = replace(trials[1], progress=0.02)
    one = found(sweep, trials)["died-early"]
    assert "1 of 2 ended trials died in the first 5 % of the run (1 crashed): t0001" in one.message
    assert "tuiswp logs t0001" in one.suggestion


def test_a_binomial_tail_is_scipys() -> None:
    for least, count in ((1, 10), (3, 40), (5, 1000)):
        wanted = float(stats.binom.sf(least - 1, count, 0.01))
        assert red_flags.binomial_tail(least, count, 0.01) == pytest.approx(wanted, rel=1e-6)


def test_proposals_piled_at_an_end_are_counted_against_chance() -> None:
    sweep = sweep_of(LR, method="random")
    piled = [ended(n, {"lr": 0.0999}, 2.0, origin="random") for n in range(5)]
    rest = [ended(n, {"lr": 1e-3 * n}, 2.0, origin="random") for n in range(5, 30)]
    one = found(sweep, piled + rest)["at-bound"]
    assert "5 of 30 trials took a lr within 1 % of its high end, 1e-1" in one.message
    assert "at-bound" not in found(sweep, piled[:1] + rest)
    repeats = [replace(one, origin="replicate") for one in piled[1:]]
    assert "at-bound" not in found(sweep, piled[:1] + repeats + rest)


def halves(gap: float) -> tuple[Sweep, list[Trial]]:
    """Two parameters; the bests of even and odd trials lie `gap` of a range apart."""
    sweep = sweep_of(over("a", Uniform(0, 1)), over("b", Uniform(0, 1)), method="random")
    trials = [ended(n, {"a": 0.9, "b": 0.1}, 3.0 + n / 100, origin="random") for n in range(2, 20)]
    trials.append(ended(0, {"a": 0.5, "b": 0.5}, 1.0, origin="random"))
    trials.append(ended(1, {"a": 0.5 + gap, "b": 0.5}, 1.1, origin="random"))
    return sweep, trials


def test_the_same_best_found_by_two_independent_halves_is_good_news() -> None:
    one = found(*halves(0.05))["found-twice"]
    assert one.severity == "info"
    assert "t0000 and t0001" in one.message
    assert "once in 27 times" in one.message  # (1 - 0.9²)² = 0.0361
    assert "found-twice" not in found(*halves(0.3))


def test_halves_of_a_grid_are_not_independent_and_prove_nothing() -> None:
    sweep, trials = halves(0.0)
    assert "found-twice" not in found(replace(sweep, method="grid"), trials)


def test_how_close_is_one_place_keeps_chance_at_a_twentieth() -> None:
    alone = tolerance([over("a", Uniform(0, 1))])
    assert alone is not None
    assert alone[0] == pytest.approx(1 - math.sqrt(0.95))
    assert alone[1] == pytest.approx(0.05)
    assert tolerance([choice("a", [1, 2, 3])]) is None  # a third is no proof
    assert tolerance([choice("a", list(range(40)))]) == (0.0, 1 / 40)


def test_a_batch_size_swept_with_a_fixed_rate_and_the_reverse() -> None:
    sizes, rates = choice("batch_size", [8, 32, 128]), choice("lr", [1e-5, 1e-4, 1e-3])
    swept_batch = before(sweep_of(sizes, constant("lr", 3e-4)))["co-tune"]
    assert swept_batch.severity == "warning"
    assert "by 4 over this range" in swept_batch.message
    assert 'lr: "3e-4 * sqrt(batch_size / 8)"' in swept_batch.suggestion
    swept_rate = before(sweep_of(rates, constant("batch_size", 16)))["co-tune"]
    assert swept_rate.severity == "info"
    assert "sqrt(B/16)" in swept_rate.suggestion
    assert "co-tune" not in before(sweep_of(rates, sizes))
    assert "co-tune" not in before(sweep_of(rates))  # the script's own batch is not known


def test_a_tied_learning_rate_is_not_a_fixed_one() -> None:
    tied = Constraints(tie=(Tie(("lr",), "1e-4 * batch_size"),))
    sweep = replace(sweep_of(choice("batch_size", [8, 32])), constraints=tied)
    assert "co-tune" not in before(sweep)


def test_warm_up_and_learning_rate_depend_on_each_other() -> None:
    warmups, rates = choice("warmup_ratio", [0.0, 0.1]), choice("lr", [1e-5, 1e-4, 1e-3])
    one = before(sweep_of(warmups, constant("lr", 3e-4)))["co-tune"]
    assert "warmup_ratio is swept with lr fixed at 3e-4" in one.message
    assert "co-tune" in before(sweep_of(rates, constant("warmup_steps", 100)))
    assert "co-tune" not in before(sweep_of(rates, warmups))


@pytest.mark.parametrize(
    ("name", "low", "high", "odd"),
    [
        ("lr", 1e-4, 30.0, True), ("lr", 1e-12, 1e-3, True), ("lr", 1e-6, 1.0, False),
        ("dropout", 0.0, 1.0, True), ("dropout", 0.0, 0.5, False), ("momentum", 0.8, 1.1, True),
        ("warmup_ratio", 0.0, 0.8, True), ("alpha", -5.0, 500.0, False),
    ],
)  # fmt: skip
def test_a_range_its_name_cannot_mean_is_pointed_out(
    name: str, low: float, high: float, odd: bool
) -> None:
    sweep = sweep_of(over(name, Uniform(low, high)), method="random", run_cap=5)
    assert ("odd-range" in before(sweep)) is odd


def test_uniform_over_orders_says_how_many_draws_fall_below_the_geometric_middle() -> None:
    sweep = sweep_of(over("lr", Uniform(1e-5, 1e-1)), method="random", run_cap=9)
    assert "0.99 % below the geometric middle, 1e-3" in before(sweep)["linear-scale"].message


def test_an_edge_carries_the_request_that_widens_the_range() -> None:
    sweep, trials = curve([2.40, 2.30, 2.20, 2.10], [1e-5, 3e-5, 1e-4, 3e-4])
    remedy = found(sweep, trials)["edge-of-range"].remedy
    assert remedy is not None
    assert remedy.verb == "extend"
    assert remedy.edits == (RangeEdit(("learning_rate",), "add", values=(1e-3, 3e-3)),)
