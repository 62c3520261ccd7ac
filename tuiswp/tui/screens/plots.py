"""From a snapshot to a plot: which curves, whose, in which colour. Pure; reads nothing."""

from collections.abc import Sequence

from tuiswp.analysis import words as say
from tuiswp.analysis.axes import measured
from tuiswp.metrics.names import find
from tuiswp.model.ids import trial_id
from tuiswp.text import visible
from tuiswp.tui.along import XKind
from tuiswp.tui.plot import Line, Plot
from tuiswp.tui.readout import says
from tuiswp.tui.snapshot import Curve, SameStep, Snapshot

_LOGGED: dict[XKind, str] = {"step": "data", "time": "times", "progress": "progress"}


def overlay(
    snapshot: Snapshot,
    metric: str,
    numbers: Sequence[int],
    *,
    x: XKind = "step",
    front: int | None = None,
    reference: int | None = None,
    colour: bool = True,
    ascii: bool = False,
) -> Plot:
    """The curves of one metric of these trials, the most important first; `front` on top.

    `x`: of the axis wanted; the snapshot's curves decide. `reference`: the trial that others are
    compared with, drawn over all of them; None: they are compared with the best. A trial's number
    gives its colour and marker, so they stay its own whatever else is shown.
    """
    objective = snapshot.view.sweep.objective
    trials = snapshot.view.state.trials
    best = snapshot.judgement.optimum
    judged = objective is not None and find(objective.metric, [metric]) is not None
    if reference is not None:
        to_beat: int | None = reference
    else:
        to_beat = None if best is None else best.number
    order = [number for number in dict.fromkeys(numbers) if number != reference]
    if reference is not None:
        order.append(reference)  # among those in front the last is drawn last
    lines: list[Line] = []
    curves: list[Curve] = []
    for number in order:
        curve = snapshot.curves.get((number, metric))
        if curve is None:
            continue
        curves.append(curve)
        if curve.xs:
            trial = trials.get(number)
            in_front = number in (front, reference)
            lines.append(
                Line(
                    number,
                    trial_id(number),
                    curve.xs,
                    curve.ys,
                    slot=number,
                    front=in_front,
                    smoothed=curve.smoothed,
                    smooth=curve.smooth,
                    count=curve.count,
                    pruned=trial is not None and trial.state == "pruned",
                )
            )
    shown = curves[0].x if curves else x
    without = sum(curve.count > 0 for curve in curves) - len(lines)
    missing = f"{without} without {_LOGGED[shown]}" if without > 0 and lines else ""
    return Plot(
        title=visible(metric, limit=60),
        lines=tuple(lines),
        x=shown,
        kill_points=snapshot.kill_points if judged else (),
        goal="minimize" if objective is None else objective.goal,
        reference=to_beat if judged else None,  # of other metrics nobody said what is better
        note=missing,
        empty=f"no {_LOGGED[shown]} logged" if without > 0 else "no data yet",
        colour=colour,
        ascii=ascii,
    )


def beside(same: SameStep) -> str:
    """How a running trial does where it is now: a sentence for one line."""
    best = trial_id(same.best)
    told = "" if same.better is None else f": {says(same.better)}"
    return (
        f"{trial_id(same.trial)} at step {say.step(same.step)}: {measured(same.value)}, "
        f"{best} had {measured(same.best_value)}{told}"
    )
