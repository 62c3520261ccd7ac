"""Stop rules against cases worked out by hand."""

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from tests.analysis.builders import choice, ended, queued, sweep_of
from tuiswp.analysis.enough import gpu_hours_used, hours_used, nearness, rule_lines, why_enough
from tuiswp.model.stop import StopRules
from tuiswp.model.sweep import Goal, Objective, Sweep
from tuiswp.model.trial import Attempt, Ended, Lease, Trial

NOW = 1e9


def with_rules(goal: Goal = "minimize", target: float | None = None, **rules: object) -> Sweep:
    sweep = sweep_of(choice("x", [1, 2]))
    objective = Objective("loss", goal, target=target)
    return replace(sweep, objective=objective, stop=StopRules(**rules))  # type: ignore[arg-type]


def history(values: Sequence[float | str | None]) -> list[Trial]:
    """Trials that end one a second; a word is a state without a value."""
    trials = []
    for number, value in enumerate(values):
        if isinstance(value, str):
            trial = ended(number, {}, None, state=value, evidence="exit 1: boom")  # type: ignore[arg-type]
        else:
            trial = ended(number, {}, value)
        assert isinstance(trial.status, Ended)
        trials.append(replace(trial, status=replace(trial.status, at=float(number))))
    return trials


def ran(number: int, spans: Sequence[tuple[float, float | None]], *uuids: str) -> Trial:
    leases = tuple(Lease(uuid, 0, uuid) for uuid in uuids)
    attempts = tuple(
        Attempt(n, begin * 3600, ended_at=None if end is None else end * 3600, leases=leases)
        for n, (begin, end) in enumerate(spans, 1)
    )
    return replace(queued(number, {}), attempts=attempts)


def why(sweep: Sweep, trials: Sequence[Trial], now: float = NOW) -> str | None:
    found = why_enough(sweep, trials, now)
    return None if found is None else found.why


def test_the_same_best_for_n_trials() -> None:
    sweep = with_rules(same_best=3)
    assert why(sweep, history([2.0, 0.4312, 0.5, 0.4312])) is None
    assert why(sweep, history([2.0, 0.4312, 0.5, 0.4312, "pruned"])) == (
        "the best, t0001 0.4312, has not changed for 3 trials"
    )
    # What failed or was killed says nothing of the search.
    assert why(sweep, history([2.0, 0.4312, "failed", "killed", 0.5, "lost", 0.6])) is None
    assert nearness(sweep, history([2.0, 0.4, 0.5]), NOW)[0].text == "same best for 1 of 3 trials"


def test_the_last_n_are_all_worse_failed_ones_too_and_a_tie_is_not() -> None:
    sweep = with_rules(all_worse=3)
    assert why(sweep, history([1.0, 2.0, "failed", 1.0, 2.0, 2.0])) is None
    assert why(sweep, history([1.0, 2.0, "failed", "killed", None])) == (
        "the last 3 trials, failed ones included, were all worse than t0000 1.0000"
    )
    assert why(sweep, history(["failed", "failed", "failed", "failed"])) is None


def test_the_improvement_per_trial_is_counted_over_the_last_n() -> None:
    # From 1.0 to 0.99 over five trials: 1 % in all, 0.2 % each.
    values = [1.0, 1.2, 0.99, 1.1, 1.3, 1.4]
    assert why(with_rules(min_improvement=0.0019, over=5), history(values)) is None
    assert why(with_rules(min_improvement=0.0021, over=5), history(values)) == (
        "the last 5 trials improved the best by 0.2% each, less than 0.21% per trial: t0002 0.9900"
    )
    assert why(with_rules(min_improvement=0.5, over=6), history(values)) is None  # none before


def test_a_goal_to_maximize_turns_every_rule_round() -> None:
    assert why(with_rules("maximize", same_best=2), history([0.1, 0.9, 0.5, 0.6])) is not None
    assert why(with_rules("maximize", same_best=2), history([0.1, 0.2, 0.5, 0.6])) is None
    assert why(with_rules("maximize", all_worse=2), history([0.1, 0.9, 0.5, 0.6])) is not None
    assert why(with_rules("maximize", min_improvement=0.01, over=2), history([1, 2, 3])) is None


def test_the_target_names_who_reached_it() -> None:
    assert why(with_rules(target=0.5), history([0.6])) is None
    assert why(with_rules(target=0.5), history([0.6, 0.45])) == (
        "target reached: t0001 has loss 0.4500, asked was loss 0.5"
    )
    assert why(with_rules("maximize", target=0.5), history([0.45])) is None


def test_hours_count_while_something_ran() -> None:
    trials = [ran(0, [(0, 2), (10, 11)]), ran(1, [(1, 3)]), ran(2, [(20, None)])]
    assert hours_used(trials, 21.5 * 3600) == pytest.approx(3 + 1 + 1.5)
    assert why(with_rules(hours=5.5), trials, 21.4 * 3600) is None
    assert why(with_rules(hours=5.5), trials, 21.5 * 3600) == "5.5 of 5.5 hours are spent"


def test_gpu_hours_are_those_of_gpus_however_many_share_one() -> None:
    trials = [
        ran(0, [(0, 2)], "GPU-a"),
        ran(1, [(1, 3)], "GPU-a"),  # beside t0000 for an hour
        ran(2, [(0, 1)], "GPU-b", "GPU-c"),
        ran(3, [(0, 9)], "cpu"),
    ]
    assert gpu_hours_used(trials, NOW) == pytest.approx(3 + 1 + 1)
    assert why(with_rules(gpu_hours=5), trials) == "5 of 5 GPU-hours are spent"
    assert why(with_rules(gpu_hours=5.1), trials) is None


def test_failures_quote_what_most_of_them_said() -> None:
    sweep = with_rules(failures=3)
    trials = history(["failed", 1.0, "lost", "failed"])
    assert why(sweep, trials[:3]) is None
    assert why(sweep, trials) == "3 trials failed, all alike: exit 1: boom (t0000)"
    other = Ended(2.0, "lost", "unknown", "it \x1b[31mvanished")
    trials[2] = replace(trials[2], status=other)
    assert why(sweep, trials) == "3 trials failed, 2 of them alike: exit 1: boom (t0000)"


def test_a_rule_that_a_person_went_on_after_holds_no_more() -> None:
    sweep = with_rules(same_best=1, failures=1)
    trials = history([1.0, 2.0, "failed"])
    first = why_enough(sweep, trials, NOW)
    assert first is not None and first.rule == "same_best"
    second = why_enough(sweep, trials, NOW, {"same_best"})
    assert second is not None and second.rule == "failures"
    assert why_enough(sweep, trials, NOW, {"same_best", "failures"}) is None


def test_check_lists_every_rule() -> None:
    rules = with_rules(
        target=0.1, min_improvement=0.001, same_best=20, all_worse=30, hours=12, gpu_hours=40,
        failures=5,
    )  # fmt: skip
    assert len(rule_lines(rules)) == len(nearness(rules, [], NOW)) == 7
    assert why(rules, []) is None
    assert rule_lines(with_rules()) == []


@given(st.lists(st.sampled_from([1.0, 2.0, 3.0, None, "failed", "pruned"]), max_size=12))
def test_no_rule_depends_on_the_order_in_which_trials_are_given(
    values: list[float | str | None],
) -> None:
    rules = with_rules(min_improvement=0.01, over=2, same_best=2, all_worse=2, failures=2)
    trials = history(values)
    assert nearness(rules, trials[::-1], NOW) == nearness(rules, trials, NOW)
