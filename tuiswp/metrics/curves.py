"""The curves of one trial: rows in, one series a metric out, and the derived ones. No files.

What a trial wrote may lie in several files. Those of one run complete each other; a later run (a
restart that began anew, or the next of several runs of one script) takes the place of what came
before, unless it goes on behind it.
"""

from collections.abc import Collection, Mapping, Sequence
from types import MappingProxyType

from tuiswp.metrics.bulk import Block
from tuiswp.metrics.derived import Derivation, DerivedFault, needed
from tuiswp.metrics.names import normal
from tuiswp.metrics.rows import NAME_MAX, Row
from tuiswp.metrics.series import Series
from tuiswp.model.sweep import DerivedMetric

METRICS_MAX = 4_096  # names of one trial


class Curves:
    """See `metrics.file.MetricFile` for `only`, `derived` and the rest."""

    def __init__(
        self, *, only: Collection[str] | None = None, derived: Sequence[DerivedMetric] = ()
    ) -> None:
        self.progress: float | None = None
        self.last_step: float | None = None  # of the row written last
        self.stamp: float | None = None  # wall clock of the row read last on its own
        self.revision = 0  # grows with whatever is new
        self.epoch = 0  # grows when every point is forgotten
        self._only: Collection[str] | None = None
        if only is not None:
            self._only, computed = needed(only, derived)
            derived = [one for one in derived if one.name in computed]
        self._derived = derived
        self._derivation = Derivation(derived) if derived else None
        self._series: dict[str, Series] = {}
        self._beside: dict[str, Series] = {}
        self._every: tuple[int, dict[str, Series]] = -1, {}  # with the derived; of which revision
        self._run = 0
        self._first: float | None = None  # the lowest step with which a file of a run began

    @property
    def metrics(self) -> Mapping[str, Series]:
        if self._derivation is None:
            return MappingProxyType(self._series)
        if self._every[0] != self.revision:
            self._every = self.revision, self._derivation.update(self._series)
        return MappingProxyType(self._every[1])

    @property
    def derived_faults(self) -> tuple[DerivedFault, ...]:
        return () if self._derivation is None or not self.metrics else self._derivation.faults

    @property
    def derived_missing(self) -> Mapping[str, tuple[str, ...]]:
        if self._derivation is None:
            return {}
        self._every = self.revision, self._derivation.update(self._series)
        return self._derivation.missing

    @property
    def beside(self) -> Mapping[str, Series]:
        return MappingProxyType(self._beside)

    def wanted(self, name: str) -> bool:
        return self._only is None or normal(name) in self._only

    def clear(self) -> None:
        """Forget every point; the series that were handed out grow no more."""
        self._run = 0
        self.epoch += 1
        self._series.clear()
        self._beside.clear()
        self._derivation = Derivation(self._derived) if self._derived else None
        self.progress = self.last_step = self.stamp = self._first = None
        self.revision += 1

    def begin(self, run: int, step: float) -> bool:
        """A row at `step` comes from this run; False if a later run has taken its place."""
        if run < self._run:
            return False
        if run > self._run:
            if self._first is not None and step <= self._first:
                self.clear()
            self._run = run
        if self._first is None:
            self._first = step
        return True

    def take_row(self, step: float, row: Row) -> int:
        """Write a row; the number of values whose name is too long or one too many."""
        self.last_step = step
        self.revision += 1
        if row.progress is not None:
            self.progress = row.progress
        dropped = 0
        for name, value in row.values.items():
            series = self._series.get(name)
            if series is None:
                if not self.wanted(name):
                    continue
                series = self._new_series(name)
            if series is None:
                dropped += 1
            else:
                series.append(step, value)
        for name, value in row.beside.items():
            if name == "_timestamp":
                self.stamp = value
            if self.wanted(name):
                self._beside.setdefault(name, Series()).append(step, value)
        return dropped

    def take_block(self, block: Block) -> int:
        """Write many rows; the number of values that were dropped, as `take_row` says."""
        self.last_step = block.last_step
        self.revision += 1
        if block.progress is not None:
            self.progress = block.progress
        dropped = 0
        for name, steps, values in block.columns:
            series = self._series.get(name) or self._new_series(name)
            if series is None:
                dropped += len(steps)
            else:
                series.extend(steps, values, ordered=block.ordered)
        for name, steps, values in block.beside:
            self._beside.setdefault(name, Series()).extend(steps, values, ordered=block.ordered)
        return dropped

    def _new_series(self, name: str) -> Series | None:
        """A new curve; None if it would be one too many."""
        if len(self._series) >= METRICS_MAX or len(name) > NAME_MAX:
            return None
        series = self._series[name] = Series()
        return series
