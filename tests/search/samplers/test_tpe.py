"""The quicker TPE proposes what Optuna's own class does: the same numbers, not similar ones."""

import random

import pytest
from msgspec.structs import replace
from optuna.samplers import BaseSampler, TPESampler

from tests.search.spaces import MIXED, loss, space
from tuiswp.search.cube import Cube
from tuiswp.search.history import Flying, History, Told
from tuiswp.search.random import RandomProposer
from tuiswp.search.samplers.optuna_study import StudySampler, space_of
from tuiswp.search.samplers.tpe import KnownSpace

pytestmark = pytest.mark.slow  # loads Optuna


def plain(seed: int) -> BaseSampler:
    return TPESampler(seed=seed, n_startup_trials=0, multivariate=True, constant_liar=True)


def trials(count: int) -> list[Told]:
    proposer = RandomProposer(space())
    points = [proposer.point(index) or {} for index in range(count)]
    return [Told(n, params, "done", loss(params)) for n, params in enumerate(points)]


def both(text: str = MIXED) -> tuple[StudySampler, StudySampler]:
    cube = Cube(space(text).parameters)
    return (
        StudySampler(cube, "minimize", 1, KnownSpace(space_of(cube)).sampler),
        StudySampler(cube, "minimize", 1, plain),
    )


# Edited: what some trials chose is no choice any more, so that they lack a parameter.
@pytest.mark.parametrize("choices", ["[sgd, adam, lion]", "[sgd, adam]"], ids=["whole", "edited"])
def test_it_proposes_what_optunas_own_proposes(choices: str) -> None:
    quick, stock = both(MIXED.replace("[sgd, adam, lion]", choices))
    draw = random.Random(0)
    todo = trials(40)
    told = [todo.pop(0)]
    flying: list[Flying] = []
    for index in range(60):
        if todo and draw.random() < 0.6:
            one = todo.pop(0)
            if draw.random() < 0.3:
                flying.append(Flying(one.number, one.params))
            else:
                how = draw.choice(["done", "done", "pruned", "failed"])
                told.append(replace(one, how=how))
        if flying and draw.random() < 0.2:
            flying.pop(0)
        history = History(tuple(told), tuple(flying))
        assert quick.ask(history, index) == stock.ask(history, index)


def test_it_begins_anew_with_another_history() -> None:
    quick, stock = both()
    ended = trials(30)
    for told in (ended[:20], ended[5:25], ended):
        history = History(tuple(told))
        assert quick.ask(history, 30) == stock.ask(history, 30)
