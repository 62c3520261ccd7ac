"""Every sampler that learns keeps one contract: pure, seeded, complete, better than chance."""

import random

import pytest
from msgspec.structs import replace

from tests.search.spaces import loss, run, space
from tuiswp.model.sweep import Sampler as Name
from tuiswp.search.cube import Cube
from tuiswp.search.history import Flying, History, Told, scores
from tuiswp.search.random import RandomProposer
from tuiswp.search.samplers.choose import sampler_of

pytestmark = pytest.mark.slow  # whole searches

NAMES: tuple[Name, ...] = ("tpe", "cmaes", "qmc")
LEARNING: tuple[Name, ...] = ("tpe", "cmaes")


def sampled(name: Name, count: int, seed: int = 0) -> History:
    sweep = replace(space(), sampler=name, seed=seed)
    return run(sampler_of(sweep), Cube(sweep.parameters), count)


@pytest.mark.parametrize("name", NAMES)
def test_every_axis_has_a_coordinate_inside_it(name: Name) -> None:
    cube = Cube(space().parameters)
    for told in sampled(name, 25).told:
        point = cube.point(told.params)
        assert list(point) == [axis.name for axis in cube.axes]


@pytest.mark.parametrize("name", NAMES)
def test_a_resumed_search_goes_on_as_the_uninterrupted_one(name: Name) -> None:
    whole = sampled(name, 24).told
    sweep = replace(space(), sampler=name)
    cube = Cube(sweep.parameters)
    told = whole[:14]
    for index in range(14, 24):  # a new process each time
        params = cube.params(sampler_of(sweep).ask(History(told), index))
        told = (*told, Told(index, params, "done", loss(params)))
    assert told == whole


@pytest.mark.parametrize("name", NAMES)
def test_another_seed_gives_other_points(name: Name) -> None:
    assert sampled(name, 3).told != sampled(name, 3, seed=1).told


@pytest.mark.parametrize("name", LEARNING)
def test_it_finds_better_points_than_chance(name: Name) -> None:
    searched = [sampled(name, 60, seed) for seed in range(5)]
    found = sorted(min(one.value or 0.0 for one in history.told) for history in searched)
    drawn = [RandomProposer(replace(space(), seed=seed)) for seed in range(5)]
    chance = sorted(min(loss(p.point(i) or {}) for i in range(60)) for p in drawn)
    assert found[2] < chance[2]


def test_a_trial_in_flight_is_not_proposed_beside_itself() -> None:
    """Constant liar: eight at once spread out."""
    sweep = replace(space(), sampler="tpe")
    cube, sampler = Cube(sweep.parameters), sampler_of(replace(space(), sampler="tpe"))
    history = sampled("tpe", 20)
    flying: tuple[Flying, ...] = ()
    for index in range(20, 28):
        params = cube.params(sampler.ask(replace(history, flying=flying), index))
        flying = (*flying, Flying(index, params))
    assert len({str(one.params) for one in flying}) == 8


@pytest.mark.parametrize("name", LEARNING)
def test_failures_steer_away_and_are_no_trouble_when_there_is_nothing_else(name: Name) -> None:
    sweep = replace(space(), sampler=name)
    sampler, cube = sampler_of(sweep), Cube(sweep.parameters)
    proposer = RandomProposer(sweep)
    failed = tuple(Told(i, proposer.point(i) or {}, "failed") for i in range(15))
    assert cube.params(sampler.ask(History(failed), 15))
    draw = random.Random(3)
    mixed = []
    for number in range(60):
        params = dict(proposer.point(number) or {})
        crashes = params["optimizer"] == "lion"
        value = None if crashes else loss(params) + 0.01 * draw.random()
        mixed.append(Told(number, params, "failed" if crashes else "done", value))
    asked = [cube.params(sampler.ask(History(tuple(mixed)), 60 + k)) for k in range(12)]
    if name == "tpe":  # to CMA-ES a choice is chance
        assert sum(params["optimizer"] == "lion" for params in asked) <= 3


def test_history_that_is_told_otherwise_begins_anew() -> None:
    sweep = replace(space(), sampler="tpe")
    sampler = sampler_of(sweep)
    first = sampled("tpe", 15)
    sampler.ask(first, 15)
    other = History(first.told[3:])
    assert sampler.ask(other, 15) == sampler_of(sweep).ask(other, 15)


def test_a_failure_counts_as_the_worst_until_then_and_a_pruned_trial_never_as_the_best() -> None:
    told = (
        Told(0, {}, "failed"),
        Told(1, {}, "done", 2.0),
        Told(2, {}, "failed"),
        Told(3, {}, "pruned", 5.0),
        Told(4, {}, "pruned", 0.5),
        Told(5, {}, "failed", 0.1),
        Told(6, {}, "done", float("inf")),
    )
    assert scores(told, "minimize") == [None, 2.0, 2.0, 5.0, 2.0, 5.0, 5.0]
    assert scores(told, "maximize")[:5] == [None, -2.0, -2.0, -2.0, -0.5]


@pytest.mark.slow
def test_the_gaussian_process_keeps_the_contract_too() -> None:
    whole = sampled("gp", 14).told
    sweep = replace(space(), sampler="gp")
    again = sampler_of(sweep).ask(History(whole[:13]), 13)
    assert Cube(sweep.parameters).params(again) == whole[13].params
