"""The objective over each swept parameter as lines of text, with what its shape says. Pure."""

from collections.abc import Sequence

from tuiswp.analysis.axes import shown_name
from tuiswp.analysis.braille import Mark, curve
from tuiswp.analysis.findings import Diagnosis
from tuiswp.analysis.optimum import Judgement, objective_text
from tuiswp.analysis.shape import Shape, numeric_swept, shape
from tuiswp.model.sweep import Sweep

HEIGHT = 14
MOST = 6  # parameters drawn; more is a report's work
_LEAST_POINTS = 2


def curves(
    sweep: Sweep,
    judgement: Judgement,
    diagnoses: Sequence[Diagnosis],
    *,
    width: int,
    height: int = HEIGHT,
    ascii: bool = False,
) -> list[list[str]]:
    """One drawing a numeric parameter with at least two values, most important first.

    Each is a title, `height` lines and what the shape says, unless one of `diagnoses` says it.
    """
    drawings = []
    for one in drawable(sweep, judgement)[:MOST]:
        lines = drawing(sweep, judgement, one, width=width, height=height, ascii=ascii)
        if not any(one.message in said.message for said in diagnoses):
            lines.append(one.message)
        drawings.append(lines)
    return drawings


def drawable(sweep: Sweep, judgement: Judgement) -> list[Shape]:
    """The shape over each numeric parameter with at least two values, most important first."""
    shapes = [shape(sweep, judgement, parameter) for parameter in numeric_swept(sweep)]
    return [s for s in shapes if sum(p.y is not None for p in s.points) >= _LEAST_POINTS]


def drawing(
    sweep: Sweep,
    judgement: Judgement,
    one: Shape,
    *,
    width: int,
    height: int = HEIGHT,
    ascii: bool = False,
) -> list[str]:
    """A title with its legend, and `height` lines."""
    assert sweep.objective is not None  # else no point has a value
    nan = float("nan")
    points = [(point.x, nan if point.y is None else point.y) for point in one.points]
    marks = _marks(judgement, one)
    words = {
        "best": f"{'#' if ascii else '★'} best",
        "baseline": f"{'o' if ascii else '○'} default",
    }
    legend = [words[mark] for mark in ("best", "baseline") if mark in marks.values()]
    if any(point.y is None for point in one.points):
        legend.append(f"{'x' if ascii else '×'} diverged")
    together = "" if one.together == "single" else f", {one.together} at each value"
    title = f"{objective_text(sweep.objective)} over {shown_name(one.parameter)}"
    rows = curve(points, width=width, height=height, log_x=one.log, marks=marks, ascii=ascii)
    legend += [
        f"{arrow} off the scale"
        for arrow in ("^v" if ascii else "▲▼")
        if any(arrow in row for row in rows)
    ]
    return [
        "   ".join((f"{title} ({'log' if one.log else 'linear'} axis{together})", *legend)),
        *(row.rstrip() for row in rows),
    ]


def _marks(judgement: Judgement, one: Shape) -> dict[int, Mark]:
    """Which points are the optimum and the default; one that is both is the optimum."""
    marks: dict[int, Mark] = {}
    for index, point in enumerate(one.points):
        if judgement.baseline is not None and judgement.baseline.number in point.trials:
            marks[index] = "baseline"
        if judgement.optimum is not None and judgement.optimum.number in point.trials:
            marks[index] = "best"
    return marks
