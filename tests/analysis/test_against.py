"""Two searches of one space: the same best, different ones, and what would prove nothing."""

import pytest
from msgspec.structs import replace

from tests.analysis.builders import ended, over, sweep_of
from tuiswp.analysis.against import against
from tuiswp.analysis.optimum import Judgement, judge
from tuiswp.errors import UsageError
from tuiswp.model.space import Params, Uniform
from tuiswp.model.sweep import Sweep
from tuiswp.search.keys import point_key

SWEEP = sweep_of(over("a", Uniform(0, 1)), over("b", Uniform(0, 1)), method="random")


def search(best: float, shift: float, sweep: Sweep = SWEEP) -> Judgement:
    """Eleven random trials; the best has a = b = `best`."""
    points: list[Params] = [{"a": best, "b": best}]
    points += [{"a": 0.9 + shift * n, "b": 0.05} for n in range(10)]
    trials = [
        replace(ended(n, params, 1.0 + n, origin="random"), key=point_key(params))
        for n, params in enumerate(points)
    ]
    return judge(sweep, trials)


def test_two_searches_with_one_best_speak_for_it() -> None:
    found = against(SWEEP, search(0.5, 0.001), replace(SWEEP, name="other"), search(0.53, 0.002))
    assert (found.code, found.severity) == ("found-twice", "info")
    assert "t0000 here (1.0000) and t0000 of other (1.0000)" in found.message
    assert "once in 27 times" in found.message  # (1 - 0.9²)² = 0.0361


def test_two_searches_with_different_bests_name_both_places() -> None:
    found = against(SWEEP, search(0.5, 0.001), replace(SWEEP, name="other"), search(0.8, 0.002))
    assert found.code == "found-apart"
    assert "a 0.5 and 0.8; b 0.5 and 0.8" in found.message


def test_what_proves_nothing_is_refused_with_its_reason() -> None:
    assert SWEEP.objective is not None
    ours, theirs = search(0.5, 0.001), search(0.5, 0.002)
    with pytest.raises(UsageError, match="the same points"):
        against(SWEEP, ours, SWEEP, ours)
    other = replace(SWEEP, objective=replace(SWEEP.objective, goal="maximize"))
    with pytest.raises(UsageError, match="another metric or goal"):
        against(SWEEP, ours, other, theirs)
    with pytest.raises(UsageError, match="no optimum yet"):
        against(SWEEP, ours, SWEEP, judge(SWEEP, []))
    wider = sweep_of(*SWEEP.parameters, over("c", Uniform(0, 1)), method="random")
    with pytest.raises(UsageError, match="has no value of c"):
        against(wider, ours, SWEEP, theirs)
