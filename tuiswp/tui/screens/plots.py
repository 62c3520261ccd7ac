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
    colour: bool = True,
    ascii: bool = False,
) -> Plot:
    """The curves of one metric of these trials; their place in `numbers` gives the colour."""
    objective = snapshot.view.sweep.objective
    lines = []
    for slot, number in enumerate(numbers):
        curve = snapshot.curves.get((number, metric))
        if curve is not None:
            lines.append(Line(number, trial_id(number), curve.xs, curve.ys, slot=slot))
    return Plot(
        title=visible(metric, limit=60),
        lines=tuple(lines),
        goal="minimize" if objective is None else objective.goal,
        colour=colour,
        ascii=ascii,
    )
