"""A mixed space and a smooth objective over it, for the samplers' tests."""

import math
from pathlib import Path

from tuiswp.model.space import Params
from tuiswp.model.sweep import Sweep
from tuiswp.search.cube import Cube
from tuiswp.search.history import History, Told
from tuiswp.search.samplers.base import Sampler
from tuiswp.spec.load import load_bytes

MIXED = """\
method: random
run_cap: 50
metric: {name: loss}
parameters:
  lr: {distribution: log_uniform_values, min: 1e-5, max: 1}
  dropout: {min: 0.0, max: 0.5}
  layers: {min: 1, max: 8}
  batch: {values: [8, 16, 32, 64]}
  optimizer: {values: [sgd, adam, lion]}
  noise: {distribution: normal, mu: 0, sigma: 1}
  steps: {value: 100}
"""


def space(text: str = MIXED) -> Sweep:
    where = Path("/")
    return load_bytes(text.encode(), shown_as="sweep.yaml", name="test", cwd=where, beside=where)


def loss(params: Params) -> float:
    """Best at lr 1e-3, no dropout, 4 layers, adam, no noise: 0."""
    rate, dropout, layers, noise = (params[k] for k in ("lr", "dropout", "layers", "noise"))
    assert isinstance(rate, float) and isinstance(dropout, float)
    assert isinstance(layers, int) and isinstance(noise, float)
    return (
        (math.log10(rate) + 3.0) ** 2
        + dropout
        + 0.1 * abs(layers - 4)
        + 0.5 * (params["optimizer"] != "adam")
        + 0.1 * noise**2
    )


def run(sampler: Sampler, cube: Cube, count: int) -> History:
    """`count` trials one after the other."""
    told: tuple[Told, ...] = ()
    for index in range(count):
        params = cube.params(sampler.ask(History(told), index))
        told = (*told, Told(index, params, "done", loss(params)))
    return History(told)
