"""Pictures of the look back: importance, search over time, parallel coordinates, ranks, gradients.

Each is bytes of PNG or SVG; None where there is nothing to draw. What they show is `review`'s.
"""

import math
from collections.abc import Callable, Mapping
from typing import Any

from tuiswp.analysis.axes import shown_name
from tuiswp.analysis.canvas import (
    BEST,
    GRID,
    LINE,
    LOST,
    PALE,
    drawable,
    drawing,
    put_text,
    rendered,
)
from tuiswp.analysis.optimum import Judgement
from tuiswp.analysis.review import Review
from tuiswp.text import visible

_MOST_AXES = 12
_MOST_TRIALS = 400


def pictures_of(found: Review, judgement: Judgement) -> Mapping[str, Callable[[str], bytes]]:
    """By file name without suffix, a maker of each picture that has something to show."""
    makers: dict[str, Callable[[str], bytes]] = {}
    if found.importances.found:
        makers["importance"] = lambda suffix: importance_image(found, suffix)
    if any(len(walk.numbers) > 1 for walk in found.walks):
        makers["search"] = lambda suffix: search_image(found, judgement, suffix)
    if len(found.walks) > 1 and judgement.ranked:
        makers["parallel"] = lambda suffix: parallel_image(found, judgement, suffix)
    if found.agreements:
        makers["ranks"] = lambda suffix: ranks_image(found, suffix)
    if found.gradients is not None:
        makers["gradients"] = lambda suffix: gradients_image(found, suffix)
    return makers


def importance_image(found: Review, suffix: str) -> bytes:
    """A bar a parameter, with its interval; pale where chance would do."""
    rows = found.importances.found[:_MOST_AXES][::-1]
    with drawing("importance") as make:
        figure = make((7.0, 0.9 + 0.42 * len(rows)))
        axes = figure.subplots()
        for place, one in enumerate(rows):
            axes.barh(place, 100 * one.share, color=LINE if one.told else PALE, height=0.6)
            axes.plot([100 * one.low, 100 * one.high], [place, place], color=LOST, linewidth=1.6)
        names = [drawable(shown_name(one.parameter)) for one in rows]
        axes.set_yticks(range(len(rows)), names, parse_math=False)
        axes.set_xlim(0, 100)
        put_text(axes.set_xlabel, "share of importance, % (line: 90 %; grey: chance would do)")
        _grid(axes)
        return rendered(figure, suffix, framed=suffix == ".png")


def search_image(found: Review, judgement: Judgement, suffix: str) -> bytes:
    """Where each trial lies on each axis, over trial numbers: exploring, then narrowing or not."""
    walks = found.walks[:_MOST_AXES]
    ranks = {trial.number: place for place, trial in enumerate(judgement.ranked)}
    best = None if judgement.optimum is None else judgement.optimum.number
    with drawing("search") as make:
        figure = make((8.0, 0.6 + 1.7 * len(walks)))
        for axes, walk in zip(
            figure.subplots(len(walks), 1, squeeze=False).flat, walks, strict=True
        ):
            shades = [_shade(ranks.get(number), len(ranks)) for number in walk.numbers]
            axes.scatter(walk.numbers, walk.places, c=shades, s=22, linewidths=0)
            for number, place in zip(walk.numbers, walk.places, strict=True):
                if number == best:
                    axes.scatter([number], [place], marker="*", s=150, color=BEST, zorder=5)
            axes.set_ylim(-0.04, 1.04)
            put_text(axes.set_ylabel, shown_name(walk.parameter)[:24])
            axes.set_yticks([0, 1], ["low", "high"])
            _grid(axes)
        put_text(axes.set_xlabel, "trial number (dark: good, grey: no result, star: best)")
        return rendered(figure, suffix, framed=suffix == ".png")


def parallel_image(found: Review, judgement: Judgement, suffix: str) -> bytes:
    """A line a trial over all axes, the best on top."""
    walks = found.walks[:_MOST_AXES]
    places = [dict(zip(walk.numbers, walk.places, strict=True)) for walk in walks]
    ranked = judgement.ranked[:_MOST_TRIALS]
    with drawing("parallel") as make:
        figure = make((max(6.0, 1.5 * len(walks)), 4.2))
        axes = figure.subplots()
        for rank in range(len(ranked) - 1, -1, -1):
            number = ranked[rank].number
            line = [place.get(number, math.nan) for place in places]
            if rank == 0:
                axes.plot(range(len(walks)), line, color=BEST, linewidth=2.6)
            else:
                shade = _shade(rank, len(ranked))
                axes.plot(range(len(walks)), line, color=shade, linewidth=1.0, alpha=0.8)
        names = [drawable(shown_name(walk.parameter)[:18]) for walk in walks]
        axes.set_xticks(range(len(walks)), names, parse_math=False)
        axes.set_yticks([0, 1], ["low", "high"])
        axes.grid(axis="x", color=GRID, alpha=0.5)
        return rendered(figure, suffix, framed=suffix == ".png")


def ranks_image(found: Review, suffix: str) -> bytes:
    """Spearman's correlation with the end, at each point, with its interval."""
    with drawing("ranks") as make:
        figure = make((7.0, 4.0))
        axes = figure.subplots()
        metrics = list(dict.fromkeys(one.metric for one in found.agreements))
        for place, metric in enumerate(metrics):
            rows = [one for one in found.agreements if one.metric == metric]
            xs, ys = [one.point for one in rows], [one.spearman for one in rows]
            color = LINE if not place else PALE
            axes.plot(xs, ys, color=color, marker="o", markersize=4)
            if not place:
                lows, highs = [one.low for one in rows], [one.high for one in rows]
                axes.fill_between(xs, lows, highs, color=LINE, alpha=0.15, linewidth=0)
            name = drawable(visible(metric, limit=24))
            axes.text(xs[-1], ys[-1], f" {name}", va="center", fontsize=9, parse_math=False)
        axes.set_ylim(-1.05, 1.05)
        axes.axhline(0, color=GRID, linewidth=1)
        put_text(axes.set_xlabel, found.unit)
        put_text(axes.set_ylabel, "Spearman with the end (band: 95 %)")
        _grid(axes)
        return rendered(figure, suffix, framed=suffix == ".png")


def gradients_image(found: Review, suffix: str) -> bytes:
    """Median and 90 % of the norm by rate, the clipped share below; hollow: few rows."""
    assert found.gradients is not None
    bins = found.gradients.bins
    xs = [math.sqrt(one.low * one.high) for one in bins]
    with drawing("gradients") as make:
        figure = make((7.5, 5.2))
        upper, lower = figure.subplots(2, 1, sharex=True, height_ratios=[2, 1])
        for ys, color in (([b.median for b in bins], LINE), ([b.p90 for b in bins], LOST)):
            upper.plot(xs, ys, color=color, linewidth=1.4)
            for x, y, one in zip(xs, ys, bins, strict=True):
                face = "none" if one.few else color
                upper.scatter([x], [y], s=30, edgecolors=color, facecolors=face, zorder=3)
        upper.set_xscale("log")
        if all(one.median > 0 for one in bins):
            upper.set_yscale("log")
        put_text(upper.set_ylabel, visible(found.gradients.norm, limit=40))
        for x, one in zip(xs, bins, strict=True):
            if one.clipped is not None:
                width = 0.4 * (one.high - one.low)
                lower.bar(x, 100 * one.clipped, width=width, color=PALE if one.few else LINE)
        lower.set_ylim(0, 100)
        put_text(lower.set_ylabel, "clipped, %")
        put_text(
            lower.set_xlabel,
            f"{visible(found.gradients.rate, limit=40)} then (blue: median, red: 90 %; hollow, "
            "grey: under 20 rows)",
        )
        for axes in (upper, lower):
            _grid(axes)
        return rendered(figure, suffix, framed=suffix == ".png")


def _shade(rank: int | None, count: int) -> Any:
    """Dark for a good rank, pale for a bad one, grey for none."""
    if rank is None:
        return PALE
    share = rank / max(1, count - 1)
    return (0.10 + 0.72 * share, 0.22 + 0.60 * share, 0.45 + 0.45 * share)


def _grid(axes: Any) -> None:
    axes.grid(color=GRID, alpha=0.28, linewidth=0.7)
