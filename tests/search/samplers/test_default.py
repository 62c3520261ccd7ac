"""Which sampler a sweep gets that names none, and how `check` says it."""

import pytest
from msgspec.structs import replace

from tests.search.spaces import MIXED, space
from tuiswp.model.sweep import Sweep
from tuiswp.search.cube import Point
from tuiswp.search.history import History, Told
from tuiswp.search.samplers import default
from tuiswp.search.samplers.choose import Warmed
from tuiswp.search.samplers.default import begins_with_gp, sampler_text

pytestmark = pytest.mark.slow  # loads scipy

NUMBERS = """\
method: bayes
metric: {name: loss}
parameters:
  lr: {distribution: log_uniform_values, min: 1e-5, max: 1}
  batch: {values: [8, 16, 32, 64]}
"""


class Named:
    """A sampler that only says that it was asked."""

    def __init__(self, name: str) -> None:
        self._name = name

    def ask(self, history: History, index: int) -> Point:
        return {self._name: 0}


def bayes(text: str = MIXED.replace("method: random", "method: bayes")) -> Sweep:
    return space(text)


def test_a_few_numbers_begin_with_a_gaussian_process() -> None:
    assert begins_with_gp(bayes(NUMBERS))
    more = "".join(f"  x{k}: {{min: 0.0, max: 1.0}}\n" for k in range(4))
    assert begins_with_gp(bayes(NUMBERS + more))
    assert not begins_with_gp(bayes(NUMBERS + more + "  x5: {min: 0.0, max: 1.0}\n"))


def test_choices_conditions_and_a_person_who_names_one_do_not() -> None:
    assert not begins_with_gp(bayes())
    assert not begins_with_gp(replace(bayes(NUMBERS), sampler="tpe"))
    conditional = NUMBERS + "tuiswp: {when: {batch: 'lr > 0.1'}}\n"
    assert not begins_with_gp(bayes(conditional))


def test_check_says_who_proposes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(default, "has_torch", lambda: True)
    assert sampler_text(bayes(NUMBERS)) == "gp until 50 trials have ended, then tpe"
    assert sampler_text(bayes()) == "tpe"
    assert sampler_text(replace(bayes(), sampler="cmaes")) == "cmaes"
    assert sampler_text(space()) is None
    monkeypatch.setattr(default, "has_torch", lambda: False)
    assert (
        sampler_text(bayes(NUMBERS)) == "tpe (gp for the first 50 trials if torch were installed)"
    )


def test_one_sampler_follows_another_as_trials_end() -> None:
    sampler = Warmed(Named("even"), Warmed(Named("gp"), Named("tpe"), startup=4), startup=2)
    told = tuple(Told(n, {}, "done", 1.0) for n in range(5))
    asked = [*(next(iter(sampler.ask(History(told[:n]), n))) for n in range(6))]
    assert asked == ["even", "even", "gp", "gp", "tpe", "tpe"]
