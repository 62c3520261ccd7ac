"""What a rule remembers of ended trials changes no verdict: any history, judged look by look."""

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.search.stoppers.fields import reported
from tuiswp.model.stopper import Asha, Bound, Hyperband, Percentile, Rule, Schedule
from tuiswp.model.sweep import Goal
from tuiswp.search.stoppers.base import Curve, Field
from tuiswp.search.stoppers.ranking import Ranking
from tuiswp.search.stoppers.rules import stopper_for

RULES: tuple[Rule, ...] = (
    Hyperband(1.0, eta=2.0),
    Hyperband(2.0, eta=3.0, strict=False),
    Asha(1.0, eta=2.0),
    Percentile(startup=1, warmup=1.0),
    Percentile(25.0, startup=2, warmup=2.0, interval=2.0),
    Schedule((Bound(1.0, 0.5), Bound(3.0, 0.1)), resource="report"),
)
_VALUES = st.sampled_from([0.0, 0.5, 1.0, 1.5, 2.0, -1.0])
# (trial, what it reports next) or (trial, None): it ends; ended, it is begun anew.
_HISTORIES = st.lists(st.tuples(st.integers(0, 6), _VALUES | st.none()), max_size=40)


@given(st.sampled_from(RULES), st.sampled_from(["minimize", "maximize"]), _HISTORIES, st.data())
@settings(max_examples=300, deadline=None)
def test_a_rule_that_remembers_says_what_a_new_one_would(
    rule: Rule, goal: Goal, history: list[tuple[int, float | None]], data: st.DataObject
) -> None:
    remembering = stopper_for(rule)
    values: dict[int, list[float]] = {}
    ended: dict[int, Curve] = {}
    finished: set[int] = set()
    for number, value in history:
        if value is not None:
            if ended.pop(number, None) is not None:
                values[number] = []  # restarted from the beginning
                finished.discard(number)
            values.setdefault(number, []).append(value)
        elif values.get(number) and number not in ended:
            ended[number] = reported(values[number])
            if data.draw(st.booleans()):
                finished.add(number)
        curves = {n: reported(v) for n, v in values.items()} | ended
        running = curves.keys() - ended.keys()
        seen = Field(curves, goal, running, finished, settled=ended.keys())
        anew = Field(curves, goal, running, finished)
        assert remembering.judge(seen) == stopper_for(rule).judge(anew)
        for trial in running:
            outlook = remembering.outlook(seen, trial)
            assert outlook == stopper_for(rule).outlook(anew, trial)


def test_an_ended_trial_is_looked_at_once_a_point() -> None:
    asked: list[float] = []

    def value(curve: Curve, point: float) -> float | None:
        asked.append(point)
        return curve.at(point)

    ranking = Ranking(value)
    curves = {n: reported([float(n), 1.0]) for n in range(5)}
    for _ in range(3):
        ranking.follow(Field(curves, "minimize", [], settled=curves.keys()))
        assert ranking.at(1.0) == [(float(n), n) for n in range(5)]
    assert asked == [1.0] * 5
    curves = {**curves, 5: reported([2.5])}
    ranking.follow(Field(curves, "minimize", [], settled=curves.keys()))
    assert [trial for _, trial in ranking.at(1.0)] == [0, 1, 2, 5, 3, 4]
    assert asked == [1.0] * 6
