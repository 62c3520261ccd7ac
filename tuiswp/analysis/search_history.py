"""How the search went: where it looked over time, and in which groups its best trials lie. Pure.

Places are those of the search itself (`search.cube`): 0 to 1 along each axis, by the law of its
range, so that a learning rate counts by its order of magnitude.
"""

import warnings
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import msgspec

from tuiswp.analysis.axes import is_seed, shown_name
from tuiswp.analysis.optimum import Judgement
from tuiswp.model.space import Parameter
from tuiswp.model.sweep import Sweep
from tuiswp.model.trial import Trial
from tuiswp.search.cube import Cube
from tuiswp.spec.params import flatten, value_label

if TYPE_CHECKING:
    import numpy as np

_SURVIVORS = 0.25  # of the trials that may win
_LEAST = 12  # survivors to look for groups among
_MOST = 4
_CLEAR = 0.5
_MOST_SURVIVORS = 100
_EVEN = 40  # even clouds to compare with


class Walk(msgspec.Struct, frozen=True):
    """One parameter over the search: trial numbers and places, and how the search narrowed.

    `spread_first`, `spread_last`: between the quartiles of the first and the last third; None with
    fewer than nine trials.
    """

    parameter: Parameter
    numbers: tuple[int, ...]
    places: tuple[float, ...]
    ordered: bool = True  # False for choices, whose places have no order to narrow in
    spread_first: float | None = None
    spread_last: float | None = None

    @property
    def told(self) -> str:
        """Safe to print."""
        name = shown_name(self.parameter)
        if self.spread_first is None or self.spread_last is None:
            return f"{name}: too few trials to see the search narrow"
        return (
            f"{name}: the middle half of the trials took {100 * self.spread_first:.0f} % of the "
            f"range in the first third, {100 * self.spread_last:.0f} % in the last"
        )


class Cluster(msgspec.Struct, frozen=True):
    """A group of survivors: who, its best, and what is in its middle. `told`: safe to print."""

    trials: tuple[Trial, ...]
    best: Trial
    told: str


class Clusters(msgspec.Struct, frozen=True):
    """`found` best first, with the mean silhouette; empty with `why`, safe to print."""

    found: tuple[Cluster, ...] = ()
    silhouette: float | None = None
    why: str | None = None


def walks(sweep: Sweep, trials: Sequence[Trial]) -> tuple[Walk, ...]:
    """Where each trial lies on each axis, by number."""
    cube, by_path = _cube(sweep)
    places = [(trial.number, cube.point(trial.params)) for trial in trials]
    found = []
    for axis in cube.axes:
        size = max(1, len(axis.values) - 1)
        known = [
            (number, float(place[axis.name]) / (1 if axis.kind == "unit" else size))
            for number, place in places
            if axis.name in place
        ]
        numbers, along = tuple(n for n, _ in known), tuple(p for _, p in known)
        first = last = None
        ordered = axis.kind != "choice"
        if ordered and len(known) >= 9:
            third = len(known) // 3
            first, last = _spread(along[:third]), _spread(along[-third:])
        found.append(Walk(by_path[axis.path], numbers, along, ordered, first, last))
    return tuple(found)


def _spread(places: Sequence[float]) -> float:
    ordered = sorted(places)
    return ordered[(3 * len(ordered)) // 4] - ordered[len(ordered) // 4]


def clusters(sweep: Sweep, judgement: Judgement) -> Clusters:
    """k-means groups of the best quarter (at most 100), where there are any.

    k of 2 to 4 by the mean silhouette (Rousseeuw 1987). It has to reach 0.5 (below, Kaufman &
    Rousseeuw 1990 call a structure weak) and to beat 95 % of as many points drawn uniformly from
    the same box, as a gap statistic asks (Tibshirani et al. 2001): an even cloud splits well too.
    """
    count = min(int(_SURVIVORS * len(judgement.ranked)), _MOST_SURVIVORS)
    if count < _LEAST:
        least = int(_LEAST / _SURVIVORS)
        return Clusters(
            why=f"{len(judgement.ranked)} complete trials are too few: {least} at least"
        )
    import numpy as np

    survivors = judgement.ranked[:count]
    points = _matrix(sweep, survivors)
    if points.shape[1] == 0 or not np.ptp(points, axis=0).any():
        return Clusters(why="the best trials do not differ in anything numeric")
    score, labels = _grouped(points)
    draw = np.random.default_rng(0)
    low, high = points.min(axis=0), points.max(axis=0)
    even = sorted(_grouped(draw.uniform(low, high, points.shape))[0] for _ in range(_EVEN))
    bar = max(_CLEAR, even[int(0.95 * _EVEN)])
    if labels is None or score <= bar:
        shown = "" if labels is None else f" (silhouette {score:.2f}; over {bar:.2f} would be more)"
        return Clusters(
            silhouette=None if labels is None else score,
            why=f"the best {count} trials form one group{shown}",
        )
    groups = [
        [trial for trial, label in zip(survivors, labels, strict=True) if label == k]
        for k in sorted(set(labels.tolist()))
    ]
    groups.sort(key=lambda group: survivors.index(group[0]))
    return Clusters(tuple(_cluster(sweep, group) for group in groups), score)


def _grouped(points: Any) -> tuple[float, Any]:
    """The best mean silhouette over k, and its labels; None where no k gave groups."""
    import numpy as np
    from scipy.cluster.vq import kmeans2

    best: tuple[float, Any] = (-1.0, None)
    places = len(np.unique(points, axis=0))  # as many groups as places, and each is its own
    for k in range(2, min(_MOST, places - 1) + 1):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # an empty group: that k is left out
            _, labels = kmeans2(points, k, minit="++", rng=np.random.default_rng(0))
        if len(set(labels.tolist())) == k:
            best = max(best, (silhouette(points, labels), labels), key=lambda pair: pair[0])
    return best


def silhouette(points: Any, labels: Any) -> float:
    """Mean of (b − a)/max(a, b): a to one's own group, b to the nearest other, on average."""
    import numpy as np

    distances = np.linalg.norm(points[:, None, :] - points[None, :, :], axis=2)
    groups = np.unique(labels)
    scores = []
    for at, label in enumerate(labels):
        own = (labels == label).sum() - 1
        if not own:
            scores.append(0.0)
            continue
        a = distances[at, labels == label].sum() / own
        b = min(distances[at, labels == other].mean() for other in groups if other != label)
        scores.append((b - a) / max(a, b, 1e-300))
    return float(np.mean(scores))


def _matrix(sweep: Sweep, trials: Sequence[Trial]) -> "np.ndarray[Any, np.dtype[np.float64]]":
    """Places of the numeric axes; a trial without one stands in the middle of it."""
    import numpy as np

    cube, _ = _cube(sweep)
    axes = [axis for axis in cube.axes if axis.kind != "choice"]
    rows = [cube.point(trial.params) for trial in trials]
    columns = [
        [float(row.get(axis.name, 0.5 * scale)) / scale for row in rows]
        for axis in axes
        for scale in [1.0 if axis.kind == "unit" else float(max(1, len(axis.values) - 1))]
    ]
    return np.array(columns, dtype=float).T.reshape(len(trials), len(axes))


def _cluster(sweep: Sweep, group: Sequence[Trial]) -> Cluster:
    best = group[0]
    cube, by_path = _cube(sweep)
    values = flatten(best.params, sweep.parameters)
    shown = ", ".join(
        f"{shown_name(by_path[axis.path])}={value_label(by_path[axis.path], values[axis.path])}"
        for axis in cube.axes[:6]
        if axis.path in values
    )
    many = "1 trial" if len(group) == 1 else f"{len(group)} trials"
    return Cluster(tuple(group), best, f"{many} around {best.id} ({shown})")


def _cube(sweep: Sweep) -> tuple[Cube, dict[tuple[str, ...], Parameter]]:
    parameters = [parameter for parameter in sweep.parameters if not is_seed(parameter)]
    return Cube(parameters), {parameter.path: parameter for parameter in parameters}
