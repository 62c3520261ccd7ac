"""A fixed list of points, each tried once: what a phase runs that validates or transfers."""

from collections.abc import Iterator

from tuiswp.model.space import Params
from tuiswp.model.sweep import Sweep
from tuiswp.model.trial import Origin
from tuiswp.search.keys import different
from tuiswp.spec.constraints import Rules


class ListedProposer:
    """The points of `sweep.listed`, in their order."""

    def __init__(self, sweep: Sweep) -> None:
        phase = None if sweep.phase is None else sweep.phases[sweep.phase]
        repeats = phase is None or phase.transfer is None
        self.origin: Origin = "replicate" if repeats else "point"
        self._points = sweep.listed or ()
        self.resolve = Rules(sweep.parameters, sweep.constraints).resolve

    @property
    def size(self) -> int:
        return sum(1 for _ in self.every_point())

    def point(self, index: int) -> Params | None:
        return self._points[index] if 0 <= index < len(self._points) else None

    def every_point(self) -> Iterator[Params]:
        return different(self.resolve(params) for params in self._points)
