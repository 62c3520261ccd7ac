"""The terminal rings for what the file wants told, once in a while, and never for the past."""

import pytest
from msgspec.structs import replace

from tests.analysis.builders import issue_sweep
from tests.tui.loops import in_a_loop
from tests.tui.snapshots import failed, lr_trials, snapshot
from tests.tui.test_app import Desk, ready
from tuiswp.controller.reducer import SweepState
from tuiswp.model.events import BestChanged, SweepPaused
from tuiswp.model.notify import NEWS, Notify
from tuiswp.model.trial import Silent
from tuiswp.tui.bell import GAP_S, Bell, news_between
from tuiswp.tui.snapshot import AsOf, Snapshot

RINGS = Notify(events=("best", "failed"))
BEFORE = SweepState(seq=1)


def moment(state: SweepState, notify: Notify | None = RINGS) -> Snapshot:
    return snapshot(sweep=replace(issue_sweep(), notify=notify), state=state)


BEST = SweepState(seq=2, best=BestChanged(1, 2.0))


def test_what_is_new_between_two_states() -> None:
    trials = {one.number: one for one in [*lr_trials()[:2], failed(2, {})]}
    trials[7] = replace(lr_trials()[7], silent=Silent(1.0, "hang", 31.0, "silent for 31 s"))
    after = SweepState(
        seq=9, best=BestChanged(1, 2.0), paused=SweepPaused("tuiswp", "x"), finished="x",
        trials=trials,
    )  # fmt: skip
    assert news_between(BEFORE, after) == set(NEWS)
    assert news_between(after, after) == set()
    by_a_person = SweepState(seq=2, paused=SweepPaused("anna, pid 1", "asked"))
    assert news_between(BEFORE, by_a_person) == set()


def test_it_rings_for_what_the_file_names_and_not_without_it() -> None:
    assert Bell().rings(moment(BEFORE), moment(BEST), 100.0)
    assert not Bell().rings(None, moment(BEST), 100.0)
    assert not Bell().rings(moment(BEFORE), moment(BEST, None), 100.0)
    assert not Bell().rings(moment(BEFORE), moment(BEST, Notify(bell=False)), 100.0)
    assert not Bell().rings(moment(BEFORE), moment(SweepState(seq=2, finished="x")), 100.0)


def test_a_storm_rings_once_in_a_while_and_the_past_never() -> None:
    bell = Bell()
    assert bell.rings(moment(BEFORE), moment(BEST), 100.0)
    assert not bell.rings(moment(BEFORE), moment(BEST), 100.0 + GAP_S / 2)
    assert bell.rings(moment(BEFORE), moment(BEST), 100.0 + GAP_S)
    past = replace(moment(BEST), as_of=AsOf(1.0, 2.0))
    assert not Bell().rings(moment(BEFORE), past, 100.0)


class Ringing(Desk):
    def __init__(self) -> None:
        super().__init__()
        self.rang = 0

    def bell(self) -> None:
        self.rang += 1


@pytest.mark.slow
@in_a_loop
async def test_the_screen_rings_when_a_new_best_arrives() -> None:
    app = Ringing()
    async with app.run_test() as pilot:
        await ready(pilot)
        app.take(moment(BEFORE))
        assert app.rang == 0
        app.take(moment(BEST))
        assert app.rang == 1


@pytest.mark.slow
@in_a_loop
async def test_why_tuiswp_itself_starts_nothing_is_said_once() -> None:
    class Saying(Desk):
        said: tuple[str, ...] = ()

        def say(self, text: str, *, bad: bool = False) -> None:
            self.said += (text,)

    app = Saying()
    async with app.run_test() as pilot:
        await ready(pilot)
        paused = SweepState(seq=2, paused=SweepPaused("tuiswp", "HF_TOKEN is not set"))
        for state in (BEFORE, paused, paused, BEFORE):
            app.take(moment(state))
        app.take(moment(SweepState(seq=3, paused=SweepPaused("anna, pid 1", "asked"))))
        assert app.said.count("paused by tuiswp: HF_TOKEN is not set") == 1
        assert not [text for text in app.said if "asked" in text]
