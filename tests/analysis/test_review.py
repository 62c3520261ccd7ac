"""The look back: importance as Optuna's, ranks as scipy's, gradients, groups, the unknown."""

import json
import math
import random
from pathlib import Path

import optuna
import pytest
from scipy import stats

from tests.analysis.builders import choice, ended, over, sweep_of
from tuiswp.analysis.gradients import clip_of, gradients, norm_column, rate_column
from tuiswp.analysis.html import report_html, write_report
from tuiswp.analysis.importance import importances
from tuiswp.analysis.optimum import Judgement, judge
from tuiswp.analysis.rank_agreement import agreements, correlations, fisher_interval
from tuiswp.analysis.review import Review, review, sections
from tuiswp.analysis.search_history import clusters, walks
from tuiswp.metrics.file import MetricFile, read_whole
from tuiswp.model.space import LogUniform, Params, Uniform
from tuiswp.model.stopper import Hyperband
from tuiswp.model.sweep import Sweep
from tuiswp.model.trial import Trial
from tuiswp.search.stoppers.base import Curve

pytestmark = pytest.mark.slow  # resampled statistics, and pictures

LR = over("lr", LogUniform(math.log(1e-5), math.log(1e-1)), "log_uniform_values")
DROP = over("dropout", Uniform(0, 0.5))
ACT = choice("act", ["relu", "gelu", "tanh"])
EVIL = "eval</p><script>x\x1b[2J"


def study(count: int, seed: int = 1) -> tuple[Sweep, list[Trial]]:
    """lr decides, dropout a little, act nothing."""
    draw = random.Random(seed)
    sweep = sweep_of(LR, DROP, ACT, method="random")
    trials = []
    for n in range(count):
        params: Params = {
            "lr": 10 ** draw.uniform(-5, -1), "dropout": draw.uniform(0, 0.5),
            "act": draw.choice(["relu", "gelu", "tanh"]),
        }  # fmt: skip
        x = math.log10(float(str(params["lr"])))
        loss = 2 + 0.1 * (x + 3) ** 2 + 0.05 * float(str(params["dropout"]))
        trials.append(ended(n, params, loss, origin="random"))
    return sweep, trials


def test_importance_agrees_with_optunas_ped_anova() -> None:
    sweep, trials = study(200)
    found = importances(sweep, judge(sweep, trials))
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    other = optuna.create_study()
    for trial in trials:
        x, drop = float(str(trial.params["lr"])), float(str(trial.params["dropout"]))
        other.add_trial(
            optuna.trial.create_trial(
                params={
                    "lr": (math.log10(x) + 5) / 4,
                    "dropout": 2 * drop,
                    "act": trial.params["act"],
                },
                distributions={
                    "lr": optuna.distributions.FloatDistribution(0, 1),
                    "dropout": optuna.distributions.FloatDistribution(0, 1),
                    "act": optuna.distributions.CategoricalDistribution(("relu", "gelu", "tanh")),
                },
                value=trial.value,
            )
        )
    wanted = optuna.importance.get_param_importances(
        other, evaluator=optuna.importance.PedAnovaImportanceEvaluator(target_quantile=0.1)
    )
    assert found.top == 20
    for one in found.found:
        assert one.share == pytest.approx(wanted[one.parameter.name], abs=0.05)
    first = found.found[0]
    assert (first.parameter.name, first.told) == ("lr", True)
    assert first.low <= first.share <= first.high
    assert "lr: " in first.message


def test_what_matters_not_is_rarely_told_apart_from_chance() -> None:
    told = 0
    for seed in range(12):
        sweep, trials = study(40, seed)
        found = importances(sweep, judge(sweep, trials)).found
        told += next(one.told for one in found if one.parameter.name == "act")
    assert told <= 3  # 5 % meant


@pytest.mark.parametrize(("count", "why"), [(19, "too few"), (0, "too few")])
def test_too_few_trials_have_no_importance(count: int, why: str) -> None:
    sweep, trials = study(count)
    found = importances(sweep, judge(sweep, trials))
    assert found.found == ()
    assert found.why is not None
    assert why in found.why


def test_a_single_parameter_or_equal_results_have_no_importance() -> None:
    sweep = sweep_of(LR, method="random")
    trials = [ended(n, {"lr": 1e-3}, 2.0) for n in range(30)]
    assert "single parameter" in (importances(sweep, judge(sweep, trials)).why or "")
    sweep = sweep_of(LR, DROP, method="random")
    trials = [ended(n, {"lr": 1e-3, "dropout": 0.1}, 2.0) for n in range(30)]
    assert importances(sweep, judge(sweep, trials)).why == "all results are the same"


def test_rank_correlations_are_scipys_and_their_interval_by_hand() -> None:
    xs, ys = [1.0, 2.0, 3.0, 4.0, 5.0], [1.0, 3.0, 2.0, 5.0, 4.0]
    assert correlations(xs, ys)[0] == pytest.approx(0.8)
    assert correlations(xs, ys)[1] == pytest.approx(0.6)
    assert correlations(xs, ys)[1] == pytest.approx(float(stats.kendalltau(xs, ys).statistic))
    low, high = fisher_interval(0.8, 28)
    reach = 1.96 * math.sqrt((1 + 0.32) / 25)
    assert low == pytest.approx(math.tanh(math.atanh(0.8) - reach))
    assert high == pytest.approx(math.tanh(math.atanh(0.8) + reach))
    assert fisher_interval(float("nan"), 9) == (-1.0, 1.0)
    assert math.isnan(correlations([1.0] * 5, ys)[0])


def test_who_would_have_survived_under_another_metric() -> None:
    finals = {n: float(n) for n in range(9)}  # t0 ends best
    own = {n: Curve([1.0, 2.0], [float(8 - n), float(n)]) for n in range(9)}
    other = {n: Curve([1.0, 2.0], [float(-n), float(-n)]) for n in range(9)}
    found = agreements(own, finals, [1.0, 2.0], "minimize", metric="a", others={"b": other})
    early, late, b_early, b_late = found
    assert early.spearman == pytest.approx(-1)
    assert late.spearman == pytest.approx(1)
    assert (early.best_rank, late.best_rank) == (9, 1)
    # b runs against the loss, so its sign is turned: it keeps t0, t1, t2 at both points.
    assert (b_early.kept, b_late.kept) == (0, 3)
    assert b_early.keep == 3
    assert b_early.spearman == pytest.approx(1)
    assert "0 of the 3 best are those of the stopping metric" in b_early.told("report")
    assert agreements(own, {0: 1.0}, [1.0], "minimize", metric="a") == ()


def test_gradients_are_binned_by_the_rate_of_the_same_step_and_clipping_is_counted() -> None:
    steps = list(range(40))
    rates = [1e-3] * 30 + [2e-2] * 10
    norms = [0.5] * 15 + [2.0] * 15 + [9.0] * 10
    found = gradients({0: ((steps, norms), (steps, rates))}, {0: 1.0}, norm="g", rate="lr")
    assert found is not None
    low, high = found.bins
    assert (low.rows, low.median, low.clipped, low.few) == (30, 1.25, 0.5, False)
    assert (high.rows, high.clipped, high.few) == (10, 1.0, True)
    assert low.low == pytest.approx(1e-3)
    assert "1 of them with under 20 rows" in found.told
    unknown = gradients({0: ((steps, norms), (steps, rates))}, {}, norm="g", rate="lr")
    assert unknown is not None
    assert "clipped share is unknown" in unknown.told
    shifted = ([step + 0.5 for step in steps], rates)
    assert gradients({0: ((steps, norms), shifted)}, {}, norm="g", rate="lr") is None


def test_columns_and_clips_are_known_by_their_names() -> None:
    assert norm_column(["loss", "train/grad_norm"]) == "train/grad_norm"
    assert norm_column(["layer_norm", "loss"]) is None
    assert rate_column(["loss", "train/learning_rate"]) == "train/learning_rate"
    assert clip_of({"max_grad_norm": 0.5}) == 0.5
    assert clip_of({"max_grad_norm": True, "lr": 1}) is None


def test_two_groups_of_survivors_are_found_and_one_is_not_split() -> None:
    sweep = sweep_of(LR, DROP, method="random")
    draw, trials = random.Random(2), []
    for n in range(80):
        good = n < 20
        centre = (-4.5, 0.05) if n % 2 else (-1.5, 0.45)
        x = draw.gauss(centre[0], 0.05) if good else draw.uniform(-5, -1)
        drop = draw.gauss(centre[1], 0.005) if good else draw.uniform(0, 0.5)
        trials.append(ended(n, {"lr": 10**x, "dropout": drop}, n / 100, origin="random"))
    found = clusters(sweep, judge(sweep, trials))
    assert [len(one.trials) for one in found.found] == [10, 10]
    assert found.silhouette is not None
    assert found.silhouette > 0.9
    assert "10 trials around t0000 (lr=" in found.found[0].told
    blob = [
        ended(n, {"lr": 10 ** draw.gauss(-3, 0.5), "dropout": draw.uniform(0, 0.5)}, n / 100)
        for n in range(80)
    ]
    assert "form one group" in (clusters(sweep, judge(sweep, blob)).why or "")
    assert "too few" in (clusters(sweep, judge(sweep, blob[:20])).why or "")


def test_a_search_that_narrows_shows_it() -> None:
    sweep = sweep_of(DROP, LR, method="random")
    trials = [
        ended(n, {"dropout": 0.25 + (0.2 if n % 2 else -0.2) * (1 - n / 30), "lr": 1e-3}, 1.0)
        for n in range(30)
    ]
    drop = walks(sweep, trials)[0]
    assert drop.spread_first is not None
    assert drop.spread_last is not None
    assert drop.spread_last < drop.spread_first / 2
    assert drop.places[0] == pytest.approx(0.1)


def test_choices_have_no_order_in_which_a_search_could_narrow() -> None:
    sweep, trials = study(30)
    act = walks(sweep, trials)[2]
    assert (act.ordered, act.spread_first) == (False, None)
    told = sections(review(sweep, judge(sweep, trials), trials, {}, {}))
    lines = [line for _, _, lines in told for line in lines]
    assert not any(line.startswith("act: the middle half") for line in lines)


def test_a_grid_of_few_values_has_no_more_groups_than_places_and_warns_of_nothing() -> None:
    sweep = sweep_of(choice("lr", [1e-3, 1e-2, 1e-1]))
    trials = [ended(n, {"lr": 10.0 ** (n % 3 - 3)}, 2.0 + n / 1000) for n in range(90)]
    found = clusters(sweep, judge(sweep, trials))
    assert found.found == ()
    assert found.why is not None


def files_of(trials: list[Trial], folder: Path, metric: str) -> dict[int, MetricFile]:
    found = {}
    for trial in trials:
        path = folder / f"{trial.number}.jsonl"
        rows = (
            {"step": n, metric: (trial.value or 0) + 1 / (n + 1), "grad_norm": 1.0, "lr": 1e-3}
            for n in range(30)
        )
        path.write_text("".join(json.dumps(row) + "\n" for row in rows))
        file = found[trial.number] = MetricFile(path)
        read_whole(file)
    return found


def hostile_review(tmp_path: Path) -> tuple[Sweep, list[Trial], Judgement, Review]:
    sweep, trials = study(30)
    objective = sweep_of(LR, metric=EVIL).objective
    from msgspec.structs import replace

    sweep = replace(sweep, objective=objective, stopper=Hyperband(min_iter=5))
    judgement = judge(sweep, trials)
    return sweep, trials, judgement, review(
        sweep, judgement, trials, {}, files_of(trials, tmp_path, EVIL)
    )  # fmt: skip


def test_the_report_tells_and_draws_the_look_back_with_inert_text(tmp_path: Path) -> None:
    sweep, trials, judgement, found = hostile_review(tmp_path)
    assert (found.unit, found.ruled) == ("report", True)
    assert [one.point for one in found.agreements][:2] == [5, 15]
    for _, _, lines in sections(found):
        assert all(line.isprintable() for line in lines)
    page = report_html(sweep, trials, judgement, (), review=found)
    assert "<script" not in page
    assert "\x1b" not in page
    for _, title, _ in sections(found):
        assert f"<h2>{title}</h2>" in page
    paths = write_report(tmp_path / "out", sweep, trials, judgement, (), review=found)
    names = {path.name for path in paths}
    assert {"importance.png", "search.svg", "parallel.png", "ranks.svg", "gradients.png"} <= names
    assert all(path.stat().st_size > 1000 for path in paths)


def test_a_sweep_without_results_has_a_report_all_the_same() -> None:
    sweep, _ = study(0)
    found = review(sweep, judge(sweep, []), [], {}, {})
    assert "Importance is not known" in report_html(sweep, [], judge(sweep, []), (), review=found)
