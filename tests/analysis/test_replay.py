"""Recorded curves under a rule, against cases worked by hand."""

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.search.stoppers.fields import reported
from tuiswp.analysis.replay import Recorded, simulate
from tuiswp.model.stopper import Asha, Hyperband, Patience, Percentile, Rule
from tuiswp.model.sweep import Goal


def record(*curves: list[float], goal: Goal = "minimize", **more: object) -> Recorded:
    finals = {n: values[-1] for n, values in enumerate(curves)}
    found: dict[str, object] = {
        "curves": {n: reported(values) for n, values in enumerate(curves)},
        "goal": goal, "finals": finals, "final_goal": goal,
    }  # fmt: skip
    return Recorded(**{**found, **more})  # type: ignore[arg-type]


def flat(value: float, reports: int = 9) -> list[float]:
    return [value] * reports


def test_three_at_once_under_hyperband_by_hand() -> None:
    # Bands 1, 3, 9. Band 1: 0 meets nobody, 1 is worse than element int(2/3) = 0 of (2, 3) and
    # stops; 2 makes it (1, 2, 3), where element 1 is 2: 0 lives. Band 3: 0 is alone until 2 comes,
    # then element 0 of (1, 2) is better than it.
    found = simulate(record(flat(2.0), flat(3.0), flat(1.0)), Hyperband(1.0, eta=3.0), workers=3)
    stops = [(s.verdict.trial, s.verdict.kill_point, s.verdict.threshold) for s in found.stops]
    assert stops == [(1, 1.0, 2.0), (0, 3.0, 1.0)]
    assert [(s.spent, s.whole, s.final) for s in found.stops] == [(1, 9, 3), (3, 9, 2)]
    assert (found.spent, found.whole) == (13.0, 27.0)
    assert (found.best, found.kept, found.regret, found.rank) == (2, 2, 0.0, 1)


def test_a_stopped_trial_frees_its_worker_for_the_next() -> None:
    rule = Hyperband(1.0, eta=3.0)
    found = simulate(record(flat(1.0), flat(3.0), flat(2.0)), rule, workers=2)
    # 2 takes the worker of 1 after one tick, and stops at its third report.
    stops = [(stop.verdict.trial, stop.spent) for stop in found.stops]
    assert stops == [(1, 1.0), (2, 3.0)]
    assert [(one.trial, one.used) for one in found.survivors] == [(0, 13.0)]


def test_the_best_that_was_stopped_is_the_regret() -> None:
    late = [5.0, 5.0, 5.0, 0.0]
    found = simulate(record([1.0, 1.0, 1.0, 1.0], late), Hyperband(2.0, eta=3.0), workers=2)
    assert [stop.verdict.trial for stop in found.stops] == [1]
    assert (found.best, found.kept, found.regret, found.rank) == (1, 0, 1.0, 2)


def test_larger_is_better_where_the_goal_says_so() -> None:
    found = simulate(
        record(flat(0.9), flat(0.1), goal="maximize"), Hyperband(1.0, eta=3.0), workers=2
    )
    assert [stop.verdict.trial for stop in found.stops] == [1]
    assert found.regret == 0.0


def test_costs_count_where_they_are_known() -> None:
    costs = {0: [10.0 * (k + 1) for k in range(9)], 1: [1.0 * (k + 1) for k in range(9)]}
    found = simulate(record(flat(1.0), flat(2.0), costs=costs), Hyperband(3.0), workers=2)
    # Trial 1 reports its third value long before trial 0 and is judged again when that comes.
    assert found.whole == 99.0
    assert [stop.verdict.trial for stop in found.stops] == []


def test_who_is_spared_is_not_stopped_and_still_counts() -> None:
    curves = [flat(2.0), flat(3.0), flat(1.0)]
    found = simulate(record(*curves, spared={1}), Hyperband(1.0, eta=3.0), workers=3)
    assert found.stops == ()


def test_a_trial_cut_short_in_the_record_neither_wins_nor_is_finished() -> None:
    curves = [flat(3.0), [1.0, 1.0], flat(2.0)]
    found = simulate(record(*curves, finals={0: 3.0, 2: 2.0}), Percentile(startup=1, warmup=5.0))
    assert (found.best, found.kept) == (2, 2)
    assert (1, None) in [(one.trial, one.final) for one in found.survivors]


def test_another_metric_judges_the_survivors() -> None:
    curves = [flat(1.0), flat(2.0)]
    other = record(*curves, finals={0: 0.2, 1: 0.8}, final_goal="maximize")
    found = simulate(other, Hyperband(1.0, eta=3.0), workers=2)
    assert (found.best, found.kept) == (1, 0)
    assert found.regret is not None
    assert abs(found.regret - 0.6) < 1e-12


_RULES: st.SearchStrategy[Rule] = st.sampled_from(
    [Hyperband(1.0), Asha(1.0, eta=2.0), Percentile(startup=1, warmup=2.0), Patience(2.0)]
)
_CURVES = st.lists(
    st.lists(st.floats(-5, 5, allow_nan=False), min_size=1, max_size=9), min_size=1, max_size=9
)


@given(_CURVES, _RULES, st.integers(1, 5))
@settings(max_examples=200, deadline=None)
def test_every_trial_is_stopped_or_survives_and_nothing_costs_more_than_whole(
    curves: list[list[float]], rule: Rule, workers: int
) -> None:
    found = simulate(record(*curves), rule, workers=workers)
    ended = [s.verdict.trial for s in found.stops] + [s.trial for s in found.survivors]
    assert sorted(ended) == list(range(len(curves)))
    saved = sum(stop.whole - stop.spent for stop in found.stops)
    assert abs(found.whole - found.spent - saved) < 1e-9
    assert found.spent <= found.whole
    assert found.regret is None or found.regret >= 0
    assert found == simulate(record(*curves), rule, workers=workers)
