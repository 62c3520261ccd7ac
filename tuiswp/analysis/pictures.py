"""Pictures of the results in files: the objective over each parameter, and the learning curves.

What they are drawn on is `canvas`.
"""

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, TypeAlias

from tuiswp.analysis.axes import shown_name, spell
from tuiswp.analysis.canvas import (
    BEST,
    DEFAULT,
    GRID,
    LINE,
    LOST,
    PALE,
    Axes,
    Figure,
    drawable,
    drawing,
    put_text,
    rendered,
    say,
)
from tuiswp.analysis.curve_panel import Panel, panels
from tuiswp.analysis.lines import headline
from tuiswp.analysis.optimum import Judgement, objective_text
from tuiswp.analysis.series_range import shown_range, smoothed, thinned
from tuiswp.errors import UsageError
from tuiswp.model.sweep import Sweep
from tuiswp.text import visible

Curves: TypeAlias = Mapping[int, tuple[Sequence[float], Sequence[float]]]

SUFFIXES = (".png", ".svg")
_MAX_PANELS = 12
_MAX_NAMED = 9  # curves named in the legend; more would hide the picture


def objective_curve(sweep: Sweep, judgement: Judgement, path: Path) -> None:
    """Draw the objective over each swept parameter into `path`, PNG or SVG by its suffix.

    Raises UsageError for another suffix or without matplotlib, EnvironmentFault when it cannot be
    written.
    """
    _write(path, objective_image(sweep, judgement, _suffix(path)))


def learning_curves(sweep: Sweep, judgement: Judgement, curves: Curves, path: Path) -> None:
    """Draw the objective's metric over the steps of every trial; `curves` by trial number."""
    _write(path, curves_image(sweep, judgement, curves, _suffix(path)))


def objective_image(
    sweep: Sweep, judgement: Judgement, suffix: str, *, framed: bool = True
) -> bytes:
    """`objective_curve` as bytes. Not `framed`: no title, no background, for use in a page."""
    with drawing("objective") as make:
        found = panels(sweep, judgement)[:_MAX_PANELS]
        count = max(1, len(found))
        across = min(3, count)
        down = math.ceil(count / across)
        size = (8.0, 5.0) if count == 1 else (4.6 * across, 3.9 * down)
        figure = make(size)
        grid = list(figure.subplots(down, across, squeeze=False).flat)
        handles: dict[str, Any] = {}
        for panel, axes in zip(found, grid, strict=False):
            handles |= _draw_panel(axes, panel, sweep)
        for axes in grid[len(found) :]:
            axes.set_axis_off()
        if not found:
            say(grid[0], "Nothing numeric or named is swept: there is no curve to draw.")
        _finish(figure, sweep, judgement, handles, framed=framed)
        return rendered(figure, suffix, framed=framed)


def curves_image(
    sweep: Sweep, judgement: Judgement, curves: Curves, suffix: str, *, framed: bool = True
) -> bytes:
    """`learning_curves` as bytes."""
    with drawing("learning") as make:
        figure = make((8.0, 4.6))
        axes = figure.subplots()
        handles = _draw_curves(axes, sweep, judgement, curves)
        if not handles:
            say(axes, "No trial has reported this metric yet.")
        _finish(figure, sweep, judgement, handles, framed=framed)
        return rendered(figure, suffix, framed=framed)


def _draw_panel(axes: Axes, panel: Panel, sweep: Sweep) -> dict[str, Any]:
    """Draw one parameter; return what the legend has to explain, by its text."""
    handles: dict[str, Any] = {}
    if panel.log:
        axes.set_xscale("log")
    if panel.line:
        xs, ys = zip(*panel.line, strict=True)
        axes.plot(xs, ys, color=LINE, linewidth=1.8, alpha=0.85, zorder=2)
    for style, text, points in (
        ({"marker": "o", "color": LINE, "s": 42, "zorder": 3}, "complete trial", panel.complete),
        (
            {"marker": "o", "facecolors": "none", "edgecolors": PALE, "s": 46, "zorder": 3},
            "incomplete (cannot win)",
            panel.partial,
        ),
    ):
        if points:
            xs, ys = zip(*points, strict=True)
            handles[text] = axes.scatter(xs, ys, linewidths=1.4, **style)
    edge = 0.97 if panel.minimize else 0.03
    for color, text, places in (
        (LOST, "diverged or off the scale", panel.diverged),
        (PALE, "failed", panel.failed),
    ):
        if places:
            handles[text] = axes.scatter(
                places, [edge] * len(places), marker="x", s=58, linewidths=2.2, color=color,
                transform=axes.get_xaxis_transform(), zorder=4, clip_on=False,
            )  # fmt: skip
    if panel.default is not None:
        handles[f"default: {panel.default_text}"] = axes.scatter(
            [panel.default[0]], [panel.default[1]], marker="D", s=66, color=DEFAULT, zorder=5,
        )  # fmt: skip
    if panel.best is not None:
        x, y = panel.best
        axes.axhline(y, color=BEST, linestyle=(0, (5, 4)), linewidth=1.2, zorder=1)
        handles[f"best: {panel.best_text}"] = axes.scatter(
            [x], [y], marker="*", s=210, color=BEST, zorder=6
        )
    if panel.y_range is not None:
        axes.set_ylim(*panel.y_range)
    _ticks(axes, panel)
    put_text(axes.set_xlabel, shown_name(panel.parameter) + (" (log scale)" if panel.log else ""))
    if sweep.objective is not None:
        put_text(axes.set_ylabel, objective_text(sweep.objective))
    axes.grid(color=GRID, alpha=0.28, linewidth=0.7)
    return handles


def _ticks(axes: Axes, panel: Panel) -> None:
    if panel.labels:
        axes.set_xticks(range(len(panel.labels)))
        names = [drawable(visible(text, limit=18)) for text in panel.labels]
        turned = {"rotation": 30, "ha": "right"} if max(map(len, names)) > 6 else {}
        axes.set_xticklabels(names, parse_math=False, **turned)
        axes.set_xlim(-0.5, len(names) - 0.5)
    elif panel.ticks:
        axes.set_xticks(panel.ticks, [spell(x, log=panel.log) for x in panel.ticks])
        axes.tick_params(axis="x", which="minor", bottom=False, labelbottom=False)
        axes.xaxis.grid(visible=False, which="minor")
        axes.set_xlim(*panel.x_range)


def _draw_curves(axes: Axes, sweep: Sweep, judgement: Judgement, curves: Curves) -> dict[str, Any]:
    from matplotlib import colormaps

    order = [trial.number for trial in judgement.ranked]
    best = order[0] if order else None
    baseline = None if judgement.baseline is None else judgement.baseline.number
    by_number = {trial.number: trial for trial in judgement.trials}
    drawn = sorted(
        (n for n in curves if len(curves[n][0])), key=lambda n: (n == best, n == baseline, -n)
    )
    palette = colormaps["viridis"]
    handles: dict[str, Any] = {}
    thin = {n: thinned(*curves[n]) for n in drawn}
    for at, number in enumerate(drawn):
        xs, ys = thin[number]
        if number == best:
            style: dict[str, Any] = {"color": BEST, "linewidth": 2.4, "zorder": 6}
            text = "best: "
        elif number == baseline:
            style = {"color": DEFAULT, "linewidth": 2.0, "zorder": 5}
            text = "default: "
        else:
            share = at / max(1, len(drawn) - 1)
            style = {"color": palette(0.05 + 0.5 * share), "linewidth": 1.3, "alpha": 0.85}
            text = ""
        calm = smoothed(ys)
        if calm is not None:
            axes.plot(xs, ys, **{**style, "linewidth": 0.7, "alpha": 0.25})
        (line,) = axes.plot(xs, ys if calm is None else calm, **style)
        if text or len(drawn) <= _MAX_NAMED:
            trial = by_number.get(number)
            handles[text + (f"t{number:04d}" if trial is None else _named(sweep, trial))] = line
    found = shown_range([ys for _, ys in thin.values()])
    if found is not None:
        axes.set_ylim(*found)
    put_text(axes.set_xlabel, "step")
    if sweep.objective is not None:
        put_text(axes.set_ylabel, visible(sweep.objective.metric, limit=80))
    axes.grid(color=GRID, alpha=0.28, linewidth=0.7)
    return dict(sorted(handles.items(), key=lambda item: (":" not in item[0], item[0])))


def _named(sweep: Sweep, trial: Any) -> str:
    from tuiswp.spec.params import flatten, swept, value_label

    parameters = swept(sweep)
    flat = flatten(trial.params, parameters)
    values = [value_label(p, flat[p.path], limit=14) for p in parameters if p.path in flat]
    shown = ", ".join(values[:3]) + (", …" if len(values) > 3 else "")
    return f"{trial.id}  {shown}" if shown else str(trial.id)


def _finish(
    figure: Figure, sweep: Sweep, judgement: Judgement, handles: Mapping[str, Any], *, framed: bool
) -> None:
    if framed:
        # The layout makes room for one title only: its empty first line is the name's place.
        width = 98 if len(figure.get_axes()) == 1 else 160
        figure.suptitle(
            "\n".join([" ", *map(drawable, _filled(headline(sweep, judgement), width))]),
            x=0.012, ha="left", fontsize=9.5, linespacing=1.9, parse_math=False,
        )  # fmt: skip
        top = 1 - 4 / (72 * figure.get_figheight())
        figure.text(
            0.012, top, drawable(visible(sweep.name, limit=60)), fontsize=14.5,
            fontweight="bold", ha="left", va="top", parse_math=False,
        )  # fmt: skip
    if handles:
        legend = figure.legend(
            list(handles.values()), [drawable(text) for text in handles],
            loc="outside lower center", ncols=min(len(handles), 3), fontsize=9.5,
            handletextpad=0.4, columnspacing=1.8,
        )  # fmt: skip
        for text in legend.get_texts():
            text.set_parse_math(False)


def _filled(lines: Sequence[str], width: int) -> list[str]:
    """The lines one after another, broken before they run out of the picture."""
    out = [""]
    for line in lines:
        short = line if len(line) <= width else line[: width - 1] + "…"
        joined = f"{out[-1]}  ·  {short}" if out[-1] else short
        out[-1:] = [joined] if len(joined) <= width else [out[-1], short]
    return out[:4]


def _suffix(path: Path) -> str:
    suffix = path.suffix.lower()
    if suffix not in SUFFIXES:
        raise UsageError(f"cannot draw a {suffix or 'nameless'} file", hint="use .png or .svg")
    return suffix


def _write(path: Path, data: bytes) -> None:
    from tuiswp.analysis.files import write_atomically

    write_atomically(path, data)
