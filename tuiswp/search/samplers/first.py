"""What a sampler that learns proposes before it has learned anything. For a look ahead only."""

from collections.abc import Collection

from tuiswp.model.space import Params
from tuiswp.model.sweep import Sweep
from tuiswp.search.cube import Cube
from tuiswp.search.history import History
from tuiswp.search.keys import point_key
from tuiswp.search.samplers.sobol import SobolSampler
from tuiswp.spec.constraints import Rules


def first_points(sweep: Sweep, count: int, tried: Collection[str]) -> list[Params]:
    """The first points a new sweep gets, while trials end without a value yet.

    Every sampler begins quasi-random, so these are known without it.
    """
    cube = Cube(sweep.parameters)
    sampler = SobolSampler(cube, sweep.seed)
    rules = Rules(sweep.parameters, sweep.constraints)
    found: list[Params] = []
    seen = set(tried)
    for index in range(16 * max(0, count)):
        if len(found) == count:
            break
        params = rules.resolve(cube.params(sampler.ask(History(), index)))
        if params is not None and (key := point_key(params)) not in seen:
            seen.add(key)
            found.append(params)
    return found
