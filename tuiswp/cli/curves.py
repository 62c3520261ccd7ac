"""The objective over each swept parameter as lines of text, with what its shape says. Pure."""

from tuiswp.analysis.axes import shown_name
from tuiswp.analysis.braille import Mark, curve
from tuiswp.analysis.optimum import objective_text
from tuiswp.analysis.shape import Shape, numeric_swept, shape
from tuiswp.cli.verdict import Verdict

HEIGHT = 14
MOST = 6  # parameters drawn; more is a report's work
_LEAST_POINTS = 2


def curves(verdict: Verdict, *, width: int, ascii: bool) -> list[list[str]]:
    """One drawing a numeric parameter with at least two values, most important first."""
    sweep = verdict.sweep
    shapes = [shape(sweep, verdict.judgement, one) for one in numeric_swept(sweep)[:MOST]]
    return [
        _drawn(verdict, one, width=width, ascii=ascii)
        for one in shapes
        if sum(point.y is not None for point in one.points) >= _LEAST_POINTS
    ]


def _drawn(verdict: Verdict, one: Shape, *, width: int, ascii: bool) -> list[str]:
    assert verdict.sweep.objective is not None  # else no point has a value
    nan = float("nan")
    points = [(point.x, nan if point.y is None else point.y) for point in one.points]
    marks = _marks(verdict, one)
    words = {
        "best": f"{'#' if ascii else '★'} best",
        "baseline": f"{'o' if ascii else '○'} default",
    }
    legend = [words[mark] for mark in ("best", "baseline") if mark in marks.values()]
    if any(point.y is None for point in one.points):
        legend.append(f"{'x' if ascii else '×'} diverged")
    together = "" if one.together == "single" else f", {one.together} at each value"
    title = f"{objective_text(verdict.sweep.objective)} over {shown_name(one.parameter)}"
    return [
        "   ".join((f"{title} ({'log' if one.log else 'linear'} axis{together})", *legend)),
        *(
            row.rstrip()
            for row in curve(
                points, width=width, height=HEIGHT, log_x=one.log, marks=marks, ascii=ascii
            )
        ),
        # what a finding says already is not said twice
        *([] if any(one.message in said.message for said in verdict.diagnoses) else [one.message]),
    ]


def _marks(verdict: Verdict, one: Shape) -> dict[int, Mark]:
    """Which points are the optimum and the default; one that is both is the optimum."""
    judgement = verdict.judgement
    marks: dict[int, Mark] = {}
    for index, point in enumerate(one.points):
        if judgement.baseline is not None and judgement.baseline.number in point.trials:
            marks[index] = "baseline"
        if judgement.optimum is not None and judgement.optimum.number in point.trials:
            marks[index] = "best"
    return marks
