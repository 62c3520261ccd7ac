"""What a chart costs: drawing it from nothing, and drawing it again when every trial moved on.

    python -m benchmarks.bench_chart

CPU time of this process, the best of many rounds: what others do on the machine only adds to it.
The cells are what a new plot gives the terminal to write; all of them would be the whole chart.
"""

import math
import random
import time
from array import array
from collections.abc import Callable

from benchmarks.rows import Row, at_most, noted
from tuiswp.metrics.series import Series
from tuiswp.tui.along import Along, Ruler
from tuiswp.tui.decimate import Thinner
from tuiswp.tui.draw import draw
from tuiswp.tui.plot import Drawing, Line, Plot

ROUNDS = 60
POINTS = 400
LONG = 1_000_000
BUCKETS = 256  # for a chart of 100 columns


def main() -> list[Row]:
    """Print one line a measurement and return them."""
    one, fifty = plot(1, POINTS), plot(50, POINTS)
    before = plot(50, POINTS - 1)
    small, large = draw(one, 36, 12), draw(before, 100, 30)
    moved = changed(large, draw(fifty, 100, 30, large))
    longer = best(lambda: draw(fifty, 100, 30, large))
    rows = [
        at_most(
            "chart 36x12, 1 line of 400 points",
            best(lambda: draw(one, 36, 12)),
            0.3,
            "ms",
            places=2,
        ),
        at_most(
            "chart 100x30, 50 lines of 400 points", best(lambda: draw(fifty, 100, 30)), 12, "ms"
        ),
        noted(
            "the same chart again, nothing new",
            f"{best(lambda: draw(before, 100, 30, large)):.1f} ms",
        ),
        noted("the same chart, every line longer", f"{longer:.1f} ms"),
        noted("the same chart, one point more on all 50", f"{moved} of 3000 cells differ"),
        noted("chart 36x12 again, nothing new", f"{best(lambda: draw(one, 36, 12, small)):.2f} ms"),
    ]
    rows += million()
    for row in rows:
        print(*row[:3])
    return rows


def million() -> list[Row]:
    """A curve of a million points that was read: seen first, seen again, smoothed, and by time."""
    values = array("d", [3.0 / (1.0 + n / 1e4) + n * 7919 % 1009 / 2e4 for n in range(LONG)])
    series, clock = Series(), Series()
    series.extend(array("d", range(LONG)), values, ordered=True)
    clock.extend(
        array("d", range(LONG)), array("d", [1.8e9 + n for n in range(LONG)]), ordered=True
    )
    series.steps(), clock.steps()  # settled, as after any reading

    def shown(thinner: Thinner) -> Drawing:
        xs, ys, smoothed = thinner.thin()
        whole = Line(0, "t0000", xs, ys, smoothed=smoothed, smooth=0.9, count=LONG)
        smooth = 0.9 if smoothed is not None else 0.0
        return draw(Plot("loss", (whole,), smooth=smooth), 100, 30)

    kept = Thinner(series, BUCKETS)
    by_time = Along(series, Ruler(clock, "clock"))
    return [
        at_most(
            "1e6 points, first seen", best(lambda: shown(Thinner(series, BUCKETS)), 5), 100, "ms"
        ),
        at_most("1e6 points, seen again", best(lambda: shown(kept)), 10, "ms"),
        noted(
            "1e6 points, first seen smoothed",
            f"{best(lambda: shown(Thinner(series, BUCKETS, smooth=0.9)), 5):.0f} ms",
        ),
        noted(
            "1e6 points, first seen by time",
            f"{once(lambda: shown(Thinner(by_time, BUCKETS))):.0f} ms",
        ),
    ]


def plot(count: int, points: int) -> Plot:
    """Loss curves of trials that are not at the same step; the first is the best."""
    return Plot("loss", tuple(line(key, points - 3 * key) for key in range(count)))


def line(key: int, count: int) -> Line:
    chance = random.Random(key)
    xs = [5.0 * n for n in range(count)]
    ys = [3.0 * math.exp(-n / 60.0) + key / 20.0 + chance.gauss(0.0, 0.05) for n in range(count)]
    return Line(key, f"t{key:04}", xs, ys, slot=key, front=key == 0)


def best(work: Callable[[], Drawing], rounds: int = ROUNDS) -> float:
    """Least CPU milliseconds of one call."""
    return min(once(work) for _ in range(rounds))


def once(work: Callable[[], Drawing]) -> float:
    began = time.process_time()
    work()
    return (time.process_time() - began) * 1e3


def changed(old: Drawing, new: Drawing) -> int:
    """How many cells differ."""
    pairs = zip(cells(old), cells(new), strict=True)
    return sum(before != after for before, after in pairs)


def cells(drawing: Drawing) -> list[tuple[str, str]]:
    return [(char, ink) for row in drawing.rows for text, ink in row for char in text]


if __name__ == "__main__":
    main()
