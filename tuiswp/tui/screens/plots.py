"""From a snapshot to a plot: which curves, whose, in which colour. Pure; reads nothing."""

from collections.abc import Sequence

from tuiswp.model.ids import trial_id
from tuiswp.text import visible
from tuiswp.tui.plot import Line, Plot
from tuiswp.tui.snapshot import Snapshot


def overlay(
    snapshot: Snapshot,
    metric: str,
    numbers: Sequence[int],
    *,
    front: int | None = None,
    colour: bool = True,
    ascii: bool = False,
) -> Plot:
    """The curves of one metric of these trials, the most important first; `front` on top.

    A trial's number gives its colour and marker, so they stay its own whatever else is shown.
    """
    objective = snapshot.view.sweep.objective
    lines = []
    for number in numbers:
        curve = snapshot.curves.get((number, metric))
        if curve is not None:
            name = trial_id(number)
            lines.append(Line(number, name, curve.xs, curve.ys, slot=number, front=number == front))
    return Plot(
        title=visible(metric, limit=60),
        lines=tuple(lines),
        goal="minimize" if objective is None else objective.goal,
        colour=colour,
        ascii=ascii,
    )
