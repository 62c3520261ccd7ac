"""The rows of many trials: made again where something changed, and the same as if all were made."""

from msgspec.structs import replace

from tests.tui.rows import row
from tuiswp.model.trial import Ended, Trial
from tuiswp.tui.ledger import Ledger
from tuiswp.tui.ordering import Ordering
from tuiswp.tui.snapshot import TrialRow


def trial(number: int, value: float = 1.0) -> Trial:
    return Trial(number, {}, str(number), "grid", Ended(0.0, "done", "done", ""), value=value)


class Maker:
    """Makes rows of the age `now`, and remembers of which trials."""

    def __init__(self) -> None:
        self.now = 0.0
        self.made: list[int] = []

    def __call__(self, one: Trial) -> TrialRow:
        self.made.append(one.number)
        return replace(row(one.number), value=one.value, age_s=self.now)


def until(one: Trial, now: float) -> float:
    """Each trial's age reads otherwise at a moment of its own."""
    return now // 10 * 10 + 10 + one.number


def test_only_what_changed_is_made_again() -> None:
    ledger, make = Ledger(), Maker()
    trials = [trial(number) for number in range(5)]

    def take(*touched: int, made_for: object = "x", now: float = 0.0) -> list[int]:
        make.made.clear()
        make.now = now
        rows = ledger.rows(
            trials, make, touched=touched, made_for=made_for, now=now, shown_until=until
        )
        assert [one.number for one in rows] == [one.number for one in trials]
        assert [one.value for one in rows] == [one.value for one in trials]
        return sorted(make.made)

    assert take() == [0, 1, 2, 3, 4]
    assert take() == []
    trials[2] = trial(2, value=7.0)
    assert take() == [2]
    assert take(4, 99) == [4]
    trials.append(trial(5))
    assert take() == [5]
    assert take(now=10.5) == [0]
    assert take(now=11.5) == [1]
    assert take(made_for="y", now=11.5) == [0, 1, 2, 3, 4, 5]
    del trials[0]
    assert take(made_for="y", now=11.5) == [1, 2, 3, 4, 5]
    assert take(1, made_for="y", now=11.5) == [1]


def test_rows_that_only_grew_older_are_not_put_in_order_again() -> None:
    ordering = Ordering()
    rows = [row(number, value=float(-number)) for number in range(6)]
    ordering.show(rows, (), "minimize", 0.0)
    order = ordering.order
    assert order == [5, 4, 3, 2, 1, 0]
    older = [replace(one, age_s=900.0) for one in rows]
    assert ordering.show(older, (), "minimize", 100.0) == older
    assert ordering.order is order
    older[2] = replace(older[2], value=-9.0)
    ordering.show(older, (), "minimize", 200.0)
    assert ordering.order == [2, 5, 4, 3, 1, 0]
    ordering.sort_by("age")
    older[0] = replace(older[0], age_s=1.0)
    ordering.show(older, (), "minimize", 300.0)
    assert ordering.order[0] == 0
    ordering.filter("age<=10")
    older[3] = replace(older[3], age_s=2.0)
    ordering.show(older, (), "minimize", 400.0)
    assert ordering.order == [0, 3]
