"""The findings: which code for which results, what it names, what it tells to do."""

import re
from collections.abc import Sequence

import pytest

from tests.analysis.builders import (
    choice,
    curve,
    ended,
    issue_sweep,
    issue_trials,
    over,
    queued,
    sweep_of,
)
from tuiswp.analysis.diagnosis import Diagnosis, diagnose, warnings_before
from tuiswp.analysis.optimum import judge
from tuiswp.expression.curve import Fault
from tuiswp.metrics.derived import DerivedFault
from tuiswp.model.space import Categorical, IntUniform, LogUniform, Parameter, Params, Uniform
from tuiswp.model.sweep import Sweep
from tuiswp.model.trial import Launching, Trial

COMMANDS = {
    "check", "status", "results", "explain", "attach", "logs", "kill", "restart", "pause",
    "resume", "stop", "gpus", "doctor", "report", "--batch", "extend",
}  # fmt: skip
GRID = [1e-5, 3e-5, 1e-4, 3e-4, 1e-3, 3e-3]


def far_default() -> list[Trial]:
    """The issue's trials with a default far from the optimum, in its place on the left arm."""
    return issue_trials(2.29, default=2e-4)


def found(sweep: Sweep, trials: Sequence[Trial], **more: object) -> dict[str, Diagnosis]:
    diagnoses = diagnose(sweep, trials, judge(sweep, trials), **more)  # type: ignore[arg-type]  # passed on
    for one in diagnoses:
        assert one.message.isprintable()
        assert one.suggestion.isprintable()
        assert one.suggestion
        for command in re.findall(r"`tuiswp (\S+?)[` ]", one.suggestion):
            assert command in COMMANDS, one.suggestion
    return {one.code: one for one in diagnoses}


def test_a_full_u_that_gains_under_1_percent_is_inside_noise() -> None:
    codes = found(issue_sweep(), issue_trials(2.03))
    assert set(codes) == {"within-noise", "next-step"}
    assert "0.98 %" in codes["within-noise"].message or "0.99 %" in codes["within-noise"].message
    assert "inside noise" in codes["within-noise"].message


def test_a_gain_between_1_and_2_percent_says_stop_here() -> None:
    codes = found(issue_sweep(), issue_trials(2.04))
    assert "under 2 %" in codes["within-noise"].message
    assert "Stop here" in codes["within-noise"].suggestion


def test_a_clear_gain_leads_to_the_next_step_only() -> None:
    codes = found(issue_sweep(), far_default())
    assert set(codes) == {"next-step"}
    step = codes["next-step"]
    assert "learning_rate=1e-2" in step.message
    assert "full budget" in step.message
    for name in ("batch size", "warm-up", "weight decay", "LoRA rank"):
        assert name in step.suggestion


def test_the_default_winning_is_said_and_is_not_called_noise() -> None:
    codes = found(issue_sweep(), issue_trials(1.99))
    assert "t0000" in codes["baseline-wins"].message
    assert "within-noise" not in codes


def test_a_best_at_the_edge_names_the_values_to_add() -> None:
    codes = found(*curve([2.40, 2.30, 2.20, 2.10, 2.05, 2.01], GRID))
    assert "3e-3" in codes["edge-of-range"].message
    assert codes["edge-of-range"].suggestion == (
        "Add 1e-2, 3e-2 to the values of learning_rate: `tuiswp extend learning_rate+=1e-2,3e-2`."
    )
    assert "right arm" in codes["no-u-shape"].message
    assert "edge" in codes["next-step"].message


def test_an_edge_is_not_called_while_a_trial_beyond_it_is_to_come() -> None:
    sweep, trials = curve([2.40, 2.30, 2.20, 2.10], GRID[:4])
    waiting = queued(9, {"learning_rate": 1e-3})
    codes = found(sweep, [*trials, waiting])
    assert "edge-of-range" not in codes
    assert "next-step" not in codes
    assert codes["no-u-shape"].message.startswith("So far:")
    assert codes["incomplete-trials"].severity == "info"


def test_an_edge_is_not_called_where_a_trial_beyond_it_was_stopped_early() -> None:
    sweep, trials = curve([2.40, 2.30, 2.20, 2.10], GRID[:4])
    pruned = ended(9, {"learning_rate": 1e-3}, 2.6, state="pruned", cause="pruned", progress=0.3)
    assert "edge-of-range" in found(sweep, trials)
    assert "edge-of-range" not in found(sweep, [*trials, pruned])


def test_the_bound_of_a_continuous_range_counts_as_its_edge() -> None:
    law = LogUniform(-11.512925464970229, -2.302585092994046)  # 1e-5 .. 1e-1
    sweep = sweep_of(over("lr", law, "log_uniform_values"), method="random", run_cap=5)
    ys = [(1e-4, 2.4), (1e-3, 2.2), (2e-2, 2.1), (0.08, 2.0)]
    trials = [ended(n, {"lr": x}, y, origin="random") for n, (x, y) in enumerate(ys)]
    codes = found(sweep, trials)
    assert codes["edge-of-range"].suggestion == (
        "Set max of lr to 3e-1: `tuiswp extend lr=..3e-1`."
    )


def test_trials_left_out_are_named_with_their_reason_and_the_better_one_is_pointed_at() -> None:
    sweep, trials = issue_sweep(), far_default()
    params: Params = {"learning_rate": 1e-3, "steps": 60}
    trials[3] = ended(3, params, 1.5, state="killed", cause="killed-by-user", progress=0.61)
    message = found(sweep, trials)["incomplete-trials"]
    assert "t0003 killed at 61 %" in message.message
    assert "better than the optimum so far (1.5000)" in message.message
    assert "tuiswp restart t0003" in message.suggestion
    assert message.severity == "warning"


def test_trials_that_were_stopped_early_are_counted_and_no_warning() -> None:
    sweep, trials = issue_sweep(), far_default()
    for number in (2, 3, 4, 6):
        params = trials[number].params
        trials[number] = ended(number, params, 9.0, state="pruned", cause="pruned", progress=0.2)
    found_now = found(sweep, trials)["incomplete-trials"]
    assert found_now.message == (
        "Left out of the verdict: 4 stopped early (t0002, t0003, t0004 and 1 more)."
    )
    assert found_now.severity == "info"
    assert "tuiswp explain t0002" in found_now.suggestion


def test_gaps_of_an_expression_flag_their_trials_with_column_and_reason() -> None:
    sweep, trials = issue_sweep(), far_default()
    zero = DerivedFault("own", Fault(6, "division by zero", 3.0, 1))
    codes = found(sweep, trials, faults={0: (zero,), 2: (zero,), 3: ()})
    assert codes["expression-faults"].message == (
        "own has gaps in t0000, t0002: column 6: division by zero."
    )
    assert "tuiswp explain t0000" in codes["expression-faults"].suggestion
    assert "expression-faults" not in found(sweep, trials)


def test_a_running_trial_is_information_not_a_warning() -> None:
    sweep, trials = issue_sweep(), far_default()
    trials[6] = Trial(6, {"learning_rate": 3e-2}, "k", "grid", Launching(0.0, "", ()))
    codes = found(sweep, trials)
    assert codes["incomplete-trials"].severity == "info"
    assert "t0006" in codes["incomplete-trials"].message


def test_a_diverged_trial_is_named_with_its_learning_rate() -> None:
    sweep, trials = issue_sweep(), far_default()
    params: Params = {"learning_rate": 3e-2, "steps": 60}
    trials[6] = ended(6, params, None, state="failed", evidence="loss is nan")
    codes = found(sweep, trials)
    assert "t0006 diverged at learning_rate 3e-2" in codes["diverged"].message
    assert "no-u-shape" not in codes


def test_a_trial_that_ends_above_its_start_has_diverged() -> None:
    sweep, trials = issue_sweep(), far_default()
    starts = {trial.number: 2.72 for trial in trials}
    assert "diverged" not in found(sweep, trials)
    codes = found(sweep, trials, first_values=starts)
    assert "t0006 diverged" in codes["diverged"].message
    assert "from 2.72" in codes["diverged"].message


def test_a_finite_value_far_above_the_rest_has_diverged_only_right_of_the_best() -> None:
    right = found(*curve([2.40, 2.30, 2.20, 2.10, 2.00, 1e9], GRID))
    assert "t0005 diverged at learning_rate 3e-3" in right["diverged"].message
    assert "far above the rest" in right["diverged"].message
    left = found(*curve([9.0, 2.02, 2.01, 2.00, 2.01, 2.05], GRID))
    assert "diverged" not in left, "left of the best it is under-trained"
    other = found(*curve([0.4, 0.3, 0.2, 0.1, 0.0, 1e9], [1, 2, 3, 4, 5, 6], name="layers"))
    assert "diverged" not in other


def test_a_finished_trial_without_a_value_is_named() -> None:
    sweep, trials = curve([2.40, 2.30, 2.20], GRID[:3])
    trials.append(ended(3, {"learning_rate": 3e-4}, None, progress=None, step=None))
    message = found(sweep, trials)["incomplete-trials"].message
    assert "t0003 has no finite value of train_mean_nll" in message


def test_a_full_disk_is_not_divergence() -> None:
    sweep, trials = issue_sweep(), far_default()
    trials[6] = ended(6, {"learning_rate": 3e-2}, None, state="failed", cause="disk-full")
    assert "diverged" not in found(sweep, trials)


def test_a_missing_metric_is_told_with_the_names_logged_and_the_near_miss() -> None:
    sweep, trials = curve([2.40, None, 2.20, 2.10], GRID[:4])
    codes = found(sweep, trials, seen_metrics={1: ["train/mean_nl", "x\x1b[31m"], 2: []})
    assert "t0001 finished without train_mean_nll" in codes["metric-missing"].message
    assert "metric.name: train/mean_nl" in codes["metric-missing"].suggestion
    assert "diverged" not in codes, "a name that is not there is no divergence"


def test_the_other_spelling_of_a_metric_is_not_missing() -> None:
    sweep, trials = curve([2.40, None, 2.20], GRID[:3])
    codes = found(sweep, trials, seen_metrics={1: ["train/mean/nll"]})
    assert "metric-missing" not in codes
    assert "diverged" in codes


def test_nothing_valid_is_an_error_with_a_command_to_see_why() -> None:
    sweep, _ = curve([None], GRID[:1])
    trials = [ended(0, {"learning_rate": 1e-5}, None, state="failed", evidence="ImportError")]
    codes = found(sweep, trials)
    assert codes["no-valid-result"].severity == "error"
    assert "ImportError" in codes["no-valid-result"].message
    assert "tuiswp explain t0000" in codes["no-valid-result"].suggestion


def test_nothing_ended_yet_is_not_a_failure() -> None:
    sweep, _ = curve([None], GRID[:1])
    codes = found(sweep, [queued(0, {"learning_rate": 1e-5})])
    assert "no-valid-result" not in codes


def test_no_trial_at_all_and_no_metric_are_said() -> None:
    sweep, _ = curve([None], GRID[:1])
    assert "no trial has been started" in found(sweep, [])["no-valid-result"].message
    nameless = sweep_of(choice("lr", GRID), metric=None)
    codes = found(nameless, [ended(0, {"lr": 1e-5}, 1.0)])
    assert "names no metric" in codes["no-valid-result"].message


def test_equal_best_values_are_flagged() -> None:
    codes = found(*curve([2.40, 2.00, 2.00, 2.30], GRID[:4]))
    assert "t0002 reached exactly the best value too; the first, t0001" in codes["tie"].message


def test_the_same_result_for_different_values_means_they_never_arrive() -> None:
    codes = found(*curve([2.0, 2.0, 2.0, 2.0], GRID[:4]))
    assert "never reaches the training" in codes["identical-values"].message


def test_a_sampler_that_repeats_itself_is_noticed() -> None:
    law = LogUniform(-11.5, -2.3)
    sweep = sweep_of(over("lr", law, "log_uniform_values"), method="random", run_cap=3)
    trials = [ended(n, {"lr": 1e-3}, 2.0 + n, origin="random") for n in range(3)]
    assert "took the same lr" in found(sweep, trials)["identical-values"].message


def test_a_coin_that_falls_alike_three_times_is_not_suspicious() -> None:
    sweep = sweep_of(choice("flag", [0, 1]), method="random", run_cap=3)
    trials = [ended(n, {"flag": 1}, 2.0 + n, origin="random") for n in range(3)]
    assert "identical-values" not in found(sweep, trials)


def test_results_all_within_half_a_percent_are_noise() -> None:
    codes = found(*curve([2.001, 2.003, 2.000, 2.004, 2.002, 2.001], GRID))
    assert "within 0.5 %" in codes["within-noise"].message
    assert "lie within noise" in codes["no-u-shape"].message


def before(sweep: Sweep) -> dict[str, Diagnosis]:
    return {one.code: one for one in warnings_before(sweep)}


def test_a_good_sweep_file_has_no_warning() -> None:
    assert before(issue_sweep()) == {}


def test_a_learning_rate_over_less_than_two_orders_is_narrow() -> None:
    narrow = before(sweep_of(choice("lr", [1e-4, 3e-4, 1e-3]), baseline={"lr": 2.86e-4}))
    assert "1.0 orders" in narrow["narrow-range"].message
    assert "1e-5, 3e-5, 1e-4, 3e-4, 1e-3, 3e-3" in narrow["narrow-range"].suggestion
    exactly_two = sweep_of(choice("lr", [1e-4, 1e-3, 1e-2]), baseline={"lr": 1e-3})
    assert before(exactly_two) == {}
    assert "narrow-range" not in before(sweep_of(choice("batch_size", [8, 16])))


@pytest.mark.parametrize(
    ("name", "law", "warned"),
    [
        ("lr", Uniform(1e-5, 1e-1), True),
        ("lr", Uniform(0.0, 0.1), True),
        ("units", IntUniform(8, 512), True),
        ("dropout", Uniform(0.0, 0.5), False),
        ("momentum", Uniform(0.8, 0.99), False),
        ("lr", LogUniform(-11.5, -2.3), False),
    ],
)
def test_uniform_sampling_over_orders_of_magnitude_is_warned_of(
    name: str, law: Uniform | IntUniform | LogUniform, warned: bool
) -> None:
    sweep = sweep_of(over(name, law), method="random", run_cap=9, baseline={name: 1})
    assert ("linear-scale" in before(sweep)) is warned


def test_the_share_of_samples_at_the_low_end_is_the_real_one() -> None:
    sweep = sweep_of(over("lr", Uniform(1e-5, 1e-1)), method="random", run_cap=9)
    warning = before(sweep)["linear-scale"]
    assert "only 0.09 % of the samples fall below 1e-4" in warning.message
    assert "log_uniform_values, min: 1e-5, max: 1e-1" in warning.suggestion
    whole = sweep_of(over("units", IntUniform(8, 512)), method="random", run_cap=9)
    assert "q_log_uniform_values, q: 1" in before(whole)["linear-scale"].suggestion


def test_evenly_spaced_learning_rates_are_warned_of() -> None:
    sweep = sweep_of(choice("lr", [1e-4, 2e-4, 3e-4, 4e-4]))
    assert "evenly spaced" in before(sweep)["linear-scale"].message
    assert "linear-scale" not in before(sweep_of(choice("layers", [2, 4, 6])))


def test_several_hyperparameters_at_once_are_confounded_but_seeds_are_not() -> None:
    random = sweep_of(choice("lr", GRID), choice("wd", [0, 0.1]), method="random", run_cap=3)
    assert before(random)["confounded"].severity == "warning"
    assert "lr, wd" in before(random)["confounded"].message
    seeds = sweep_of(choice("lr", GRID), choice("seed", [0, 1]))
    assert "confounded" not in before(seeds)


def test_what_the_end_will_lack_is_said_before_the_launch() -> None:
    assert "no-baseline" in before(sweep_of(choice("lr", GRID)))
    nested = Parameter(("opt", "wd"), Categorical((0.0, 0.1)), "categorical")
    both = before(sweep_of(choice("lr", GRID), nested))
    assert "{baseline: {lr: …, opt: {wd: …}}}" in both["no-baseline"].suggestion
    assert "endless" in before(sweep_of(choice("lr", GRID), method="random"))
    assert "single-value" in before(sweep_of(choice("lr", [1e-3])))
    assert "no-metric" in before(sweep_of(choice("lr", GRID), metric=None))
