"""The parts of a running expression. Each takes rows in order and holds its newest value.

A signal ticks at a row if it has a point there; between its points its last value holds. A point
that is no number is a gap: every function leaves gaps out of what it remembers, and has a gap
where its argument has one. `value` None: no point yet. Nothing here knows text or trees.
"""

from collections import deque
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple, TypeAlias

from tuiswp.expression.functions import NAN, Numbers, why
from tuiswp.expression.windows import Moments, Ordered, Window, moment, united

Row: TypeAlias = Sequence[float | None]  # a value for each column; None: not logged at this step


class Reason(NamedTuple):
    """Why a value is no number: `at` is the character of the expression."""

    at: int
    what: str


class Signal:
    """A constant, and what all signals have in common."""

    def __init__(self, value: float | None = None) -> None:
        self.value = value
        self.ticked = False
        self.moves = False  # may change at a row without a tick
        self.reason: Reason | None = None  # of a `value` that is no number, if we made it so

    def advance(self, step: float, row: Row) -> None:
        """Take a row: set `ticked`, and on a tick `value` and `reason`."""

    def save(self) -> object:
        """What to give to `restore` to be as now; never changed afterwards."""
        return self.value, self.reason

    def restore(self, saved: Any) -> None:
        self.value, self.reason = saved


class Column(Signal):
    def __init__(self, slot: int) -> None:
        super().__init__()
        self._slot = slot

    def advance(self, step: float, row: Row) -> None:
        value = row[self._slot]
        if value is None:
            self.ticked = False
        else:
            self.value = value
            self.ticked = True


class Step(Signal):
    """The step of the row. It makes no point of its own."""

    def __init__(self) -> None:
        super().__init__()
        self.moves = True

    def advance(self, step: float, row: Row) -> None:
        self.value = step


class Computed(Signal):
    """A pure function of other signals: ticks whenever one of them does, once all have a value."""

    def __init__(self, compute: Numbers, sources: Sequence[Signal], name: str, at: int) -> None:
        super().__init__()
        self._compute, self._sources = compute, sources
        self._name, self._at = name, at
        self.moves = any(source.moves for source in sources)

    def advance(self, step: float, row: Row) -> None:
        ticked = False
        values: list[Any] = []
        for source in self._sources:
            ticked = ticked or source.ticked
            values.append(source.value)
        self.ticked = ticked and None not in values
        if not self.ticked and (None in values or not (self.moves or self.value is None)):
            return
        error: ArithmeticError | ValueError | None = None
        try:
            value = self._compute(*values)
        except (ArithmeticError, ValueError) as raised:
            value, error = NAN, raised
        self.value = value
        self.reason = None
        if value - value != 0.0:
            self.reason = self._why(values, error)

    def _why(self, values: list[Any], error: ArithmeticError | ValueError | None) -> Reason | None:
        for source, value in zip(self._sources, values, strict=True):
            if source.reason is not None and value - value != 0.0:
                return source.reason
        if error is None and any(value - value != 0.0 for value in values):
            return None
        return Reason(self._at, why(self._name, error))


class Chosen(Computed):
    """`where`: like any other, but what is wrong with the side not taken does not matter."""

    def _why(self, values: list[Any], error: ArithmeticError | ValueError | None) -> Reason | None:
        condition, then, otherwise = self._sources
        if values[0] != values[0]:
            return condition.reason
        return then.reason if values[0] else otherwise.reason


class Sampled(Signal):
    """`at`: the value of one signal, with a point whenever another has one."""

    def __init__(self, source: Signal, clock: Signal) -> None:
        super().__init__()
        self._source, self._clock = source, clock

    def advance(self, step: float, row: Row) -> None:
        self.ticked = self._clock.ticked and self._source.value is not None
        if self.ticked:
            self.value, self.reason = self._source.value, self._source.reason


class Follow(Signal):
    """A function over the points of one signal. `take` sees each; None from it: no point yet."""

    def __init__(self, source: Signal, at: int) -> None:
        super().__init__()
        self._source, self._at = source, at

    def advance(self, step: float, row: Row) -> None:
        source = self._source
        if not source.ticked:
            self.ticked = False
            return
        point = source.value
        assert point is not None  # it ticked
        gap = point - point != 0.0
        value = self.take(step, None if gap else point)
        self.ticked = value is not None
        self.value = value
        self.reason = None
        if value is not None and value - value != 0.0:
            self.reason = source.reason if gap else Reason(self._at, why("", None))

    def take(self, step: float, point: float | None) -> float | None:
        """The value after the next point; `point` None for a gap."""
        raise NotImplementedError

    def save(self) -> object:
        return self.value, self.reason, self.remember()

    def restore(self, saved: Any) -> None:
        self.value, self.reason, memory = saved
        self.recall(memory)

    def remember(self) -> object:
        raise NotImplementedError

    def recall(self, memory: Any) -> None:
        raise NotImplementedError


class Fold(Follow):
    """Running functions that remember one number: the smallest, the largest, the first, the last.

    `bridges`: at a gap the value stays what it was, instead of being a gap as well.
    """

    def __init__(
        self, source: Signal, at: int, fold: Callable[[float, float], float], *, bridges: bool
    ) -> None:
        super().__init__(source, at)
        self._fold, self._bridges = fold, bridges
        self._held: float | None = None

    def take(self, step: float, point: float | None) -> float | None:
        if point is None:
            return self._held if self._bridges and self._held is not None else NAN
        self._held = point if self._held is None else self._fold(self._held, point)
        return self._held

    def remember(self) -> object:
        return self._held

    def recall(self, memory: Any) -> None:
        self._held = memory


class Mean(Follow):
    def __init__(self, source: Signal, at: int, size: int) -> None:
        super().__init__(source, at)
        self._window: Window[tuple[float, int]] = Window(
            size, lambda a, b: (a[0] + b[0], a[1] + b[1])
        )

    def take(self, step: float, point: float | None) -> float | None:
        self._window.push(None if point is None else (point, 1))
        total = self._window.total()
        return NAN if point is None or total is None else total[0] / total[1]

    def remember(self) -> object:
        return self._window.save()

    def recall(self, memory: Any) -> None:
        self._window.restore(memory)


class Deviation(Follow):
    """The root of the mean squared distance from the mean."""

    def __init__(self, source: Signal, at: int, size: int) -> None:
        super().__init__(source, at)
        self._window: Window[Moments] = Window(size, united)

    def take(self, step: float, point: float | None) -> float | None:
        self._window.push(None if point is None else moment(step, point))
        total = self._window.total()
        if point is None or total is None:
            return NAN
        return self.result(total)

    def result(self, total: Moments) -> float:
        return float((total.yy / total.points) ** 0.5)

    def remember(self) -> object:
        return self._window.save()

    def recall(self, memory: Any) -> None:
        self._window.restore(memory)


class Slope(Deviation):
    """Least squares, per step; no point before the second, a gap with one number in the window."""

    def __init__(self, source: Signal, at: int, size: int) -> None:
        super().__init__(source, at, size)
        self._begun = False

    def take(self, step: float, point: float | None) -> float | None:
        value = super().take(step, point)
        if self._begun:
            return value
        self._begun = True
        return None

    def result(self, total: Moments) -> float:
        return total.xy / total.xx if total.xx > 0.0 else NAN

    def remember(self) -> object:
        return self._begun, super().remember()

    def recall(self, memory: Any) -> None:
        self._begun, window = memory
        super().recall(window)


class Median(Follow):
    def __init__(self, source: Signal, at: int, size: int) -> None:
        super().__init__(source, at)
        self._window = Ordered(size)

    def take(self, step: float, point: float | None) -> float | None:
        self._window.push(point)
        return NAN if point is None else self._window.median()

    def remember(self) -> object:
        return self._window.save()

    def recall(self, memory: Any) -> None:
        self._window.restore(memory)


class Lag(Follow):
    """The point `back` points ago; with `subtract`, how far the newest lies above it."""

    def __init__(self, source: Signal, at: int, back: int, *, subtract: bool) -> None:
        super().__init__(source, at)
        self._points: deque[float] = deque(maxlen=back + 1)
        self._back, self._subtract = back, subtract

    def take(self, step: float, point: float | None) -> float | None:
        self._points.append(NAN if point is None else point)
        if len(self._points) <= self._back:
            return None
        return self._points[-1] - self._points[0] if self._subtract else self._points[0]

    def remember(self) -> object:
        return self._points.copy()

    def recall(self, memory: Any) -> None:
        self._points = memory.copy()


class Ema(Follow):
    def __init__(self, source: Signal, at: int, share: float) -> None:
        super().__init__(source, at)
        self._share = share
        self._held: float | None = None

    def take(self, step: float, point: float | None) -> float | None:
        if point is None:
            return NAN
        held = self._held
        self._held = point if held is None else self._share * point + (1.0 - self._share) * held
        return self._held

    def remember(self) -> object:
        return self._held

    def recall(self, memory: Any) -> None:
        self._held = memory


class EndWeight(Follow):
    """sum(k^i x_i) / sum(k^i) over all points so far, i = 0, 1, … with gaps counted.

    Never with k^i itself, which overflows: for k >= 1 weights are told relative to the newest
    point's, for k < 1 relative to the first's, and the mean moves towards each point by its share.
    """

    def __init__(self, source: Signal, at: int, weight: float) -> None:
        super().__init__(source, at)
        self._ratio = weight
        self._newest = 1.0  # weight of the next point, relative to what is fixed
        self._sum = 0.0
        self._mean = 0.0

    def take(self, step: float, point: float | None) -> float | None:
        if self._ratio >= 1.0:
            self._sum /= self._ratio
        weight = self._newest
        if self._ratio < 1.0:
            self._newest *= self._ratio
        if point is None:
            return NAN
        self._sum += weight
        if self._sum > 0.0:  # not when k^i has vanished before the first point
            self._mean += (point - self._mean) * (weight / self._sum)
        return self._mean

    def remember(self) -> object:
        return self._newest, self._sum, self._mean

    def recall(self, memory: Any) -> None:
        self._newest, self._sum, self._mean = memory
