"""Marked trials beside each other: only what differs, and their curves at the same step."""

import math
from bisect import bisect_right
from collections.abc import Sequence
from typing import ClassVar

import msgspec
from msgspec.structs import replace
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.screen import Screen
from textual.widgets import Static

from tuiswp.analysis import tables
from tuiswp.analysis import words as say
from tuiswp.analysis.axes import measured
from tuiswp.metrics.names import find
from tuiswp.model.ids import trial_id
from tuiswp.model.sweep import Goal
from tuiswp.model.trial import Trial
from tuiswp.text import visible
from tuiswp.tui import actions
from tuiswp.tui.along import XKind
from tuiswp.tui.pieces import Line
from tuiswp.tui.screens.facts import differing
from tuiswp.tui.screens.steering import elsewhere, toggle_full
from tuiswp.tui.snapshot import Curve, Snapshot, Want
from tuiswp.tui.units import unit
from tuiswp.tui.widgets.chart_grid import ChartGrid
from tuiswp.tui.widgets.prose import Prose, wrapped

_COMPARED = 8  # metrics in the table


class AtStep(msgspec.Struct, frozen=True):
    """The values of one metric at the largest step that all who logged it have reached, by trial.

    None: no number there. `best`: the trial whose value is best by the goal; None without a goal.
    """

    metric: str
    step: float
    values: dict[int, float | None]
    best: int | None = None
    x: XKind = "step"

    @property
    def place(self) -> str:
        """Where that is, on the axis the curves are on: `60`, `12 min`, `50%`."""
        return say.step(self.step) if self.x == "step" else unit(self.x, self.step).text(self.step)


class CompareScreen(Screen[None]):
    """`numbers`: the trials that were marked."""

    DEFAULT_CSS = """
    CompareScreen { layout: vertical; overflow: hidden; }
    CompareScreen .compare--title { height: 1; width: 100%; text-style: bold; }
    CompareScreen Prose { height: 1fr; width: 100%; }
    CompareScreen ChartGrid { height: 1fr; width: 100%; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        *actions.bindings("compare", "view", "chart"),
        Binding("left", "do('left')", show=False),
        Binding("right", "do('right')", show=False),
        Binding("escape", "do('back')", "back"),
        Binding("q", "do('back')", "back"),
        Binding("tab", "app.focus_next", show=False),
        Binding("shift+tab", "app.focus_previous", show=False),
    ]
    AUTO_FOCUS = "Prose"

    def __init__(
        self,
        numbers: Sequence[int],
        snapshot: Snapshot | None = None,
        *,
        colour: bool = True,
        ascii: bool = False,
    ) -> None:
        super().__init__()
        self.numbers = tuple(dict.fromkeys(numbers))
        self.snapshot = snapshot
        self.colour, self.ascii = colour, ascii

    def compose(self) -> ComposeResult:
        yield Static(classes="compare--title", markup=False)
        yield Prose(colour=self.colour, ascii=self.ascii)
        yield ChartGrid(colour=self.colour, ascii=self.ascii)

    def on_mount(self) -> None:
        self.redraw()

    @property
    def wants(self) -> Want:
        """What the feed should read for this screen."""
        names = () if self.snapshot is None else tuple(self.snapshot.metrics)
        charts = self.query_one(ChartGrid).wants(self.numbers)
        metrics = tuple(dict.fromkeys((*names[:_COMPARED], *charts.metrics)))
        return replace(charts, metrics=metrics, span=None)  # the table is of whole curves

    @property
    def selected(self) -> tuple[int, ...]:
        """Whom an action touches here."""
        return self.numbers

    def update(self, snapshot: Snapshot) -> None:
        """Draw another moment; where the person has scrolled to stays."""
        self.snapshot = snapshot
        self.redraw()

    def redraw(self) -> None:
        if self.snapshot is None or not self.is_mounted or not self.size.width:
            return
        trials = say.several(len(self.numbers), "trial")
        title = Content(f"Compare {trials}   n N metric   esc back")
        self.query_one(".compare--title", Static).update(title, layout=False)
        pane = self.query_one(Prose)
        lines = compare_lines(self.snapshot, self.numbers, max(1, pane.text_width))
        pane.show(lines)
        height = max(3, min(len(lines) + 1, self.size.height // 2))
        if pane.styles.height is None or pane.styles.height.value != height:
            pane.styles.height = height  # no more than it needs: the curves get the rest
        self.query_one(ChartGrid).show(self.snapshot, self.numbers)

    def on_chart_grid_changed(self, event: ChartGrid.Changed) -> None:
        """The feed is asked at once for what is now in sight."""
        event.stop()
        want = getattr(self.app, "want", None)
        if want is not None and self.is_mounted:
            want(self.wants)

    def on_resize(self) -> None:
        self.call_after_refresh(self.redraw)  # when the panes have their new widths

    def action_do(self, action_id: str) -> None:
        """One action of the registry; what is not this screen's own is the app's."""
        match action_id:
            case "full_pane":
                toggle_full(self)
            case "back" if self.maximized is not None:
                self.minimize()
            case "back":
                self.dismiss()
            case _:
                if not self.query_one(ChartGrid).do(action_id):
                    elsewhere(self, action_id)


def compare_lines(snapshot: Snapshot, numbers: Sequence[int], width: int) -> list[Line]:
    """What differs and the values at the same step: one column a trial, or one row where they are
    too many for that."""
    known = snapshot.view.state.trials
    trials = [known[number] for number in numbers if number in known]
    if len(trials) < 2:
        return wrapped("Mark two trials or more (space) to compare them.", width)
    rows: list[tuple[str, ...]] = [("state", *(trial.state for trial in trials))]
    parameters = differing(trials, snapshot.view.sweep.parameters)
    rows += [(name, *values) for name, values in (*parameters, *surroundings(trials, snapshot.at))]
    notes: list[str] = []
    shown = [trial.number for trial in trials]
    for at in at_same_step(snapshot, shown):
        name = visible(at.metric, limit=40)
        rows.append((f"{name} @{at.place}", *(_cell(at, number) for number in shown)))
        if at.best is not None:
            notes.append(f"At {'step ' if at.x == 'step' else ''}{at.place} {_ranked(at)}.")
    lines = _table(rows, [trial.id for trial in trials], width)
    if not parameters:
        lines.append((("They have the same parameters.", "dim"),))
    for note in notes:
        lines += [(), *wrapped(note, width, indent=2)]
    return lines


def _table(rows: Sequence[Sequence[str]], ids: Sequence[str], width: int) -> list[Line]:
    headers: Sequence[str] = ("", *ids)
    widths = [max(len(row[n]) for row in (headers, *rows)) for n in range(len(headers))]
    if sum(widths) + 2 * len(ids) > width and len(ids) > len(rows):
        columns = list(zip(headers, *rows, strict=True))
        headers, rows = ("trial", *columns[0][1:]), columns[1:]
    head, *body = tables.table(headers, rows, width=width)
    return [((head, "accent"),), *(((line, "plain"),) for line in body)]


def surroundings(trials: Sequence[Trial], now: float) -> list[tuple[str, tuple[str, ...]]]:
    """What else is recorded of how they ran and differs: place, host, tries, origin, time."""
    newest = [trial.attempts[-1] if trial.attempts else None for trial in trials]
    rows = [
        ("GPU", tuple(say.places(one.leases) if one else "" for one in newest)),
        ("host", tuple(visible(one.host, limit=30) if one else "" for one in newest)),
        ("attempts", tuple(str(len(trial.attempts)) for trial in trials)),
        ("origin", tuple(trial.origin for trial in trials)),
    ]
    rows = [(name, cells) for name, cells in rows if len(set(cells)) > 1]
    took = tuple(
        say.duration((one.ended_at or now) - one.started_at) if one and one.started_at else ""
        for one in newest
    )
    return [*rows, ("took", took)] if any(took) else rows


def _cell(at: AtStep, number: int) -> str:
    value = at.values[number]
    text = "-" if value is None else measured(value)
    return f"{text} *" if number == at.best else text


def _ranked(at: AtStep) -> str:
    assert at.best is not None
    others = [
        f"{trial_id(number)} {measured(value)}"
        for number, value in at.values.items()
        if number != at.best and value is not None
    ]
    best = at.values[at.best]
    assert best is not None
    name = visible(at.metric, limit=60)
    return f"{trial_id(at.best)} is best in {name}: {measured(best)} against {', '.join(others)}"


def at_same_step(snapshot: Snapshot, numbers: Sequence[int]) -> list[AtStep]:
    """Each metric that two or more logged, at the largest step that all of those have reached."""
    objective = snapshot.view.sweep.objective
    judged = None if objective is None else find(objective.metric, list(snapshot.metrics))
    found = []
    for metric in snapshot.metrics:
        curves = {number: snapshot.curves.get((number, metric)) for number in numbers}
        whole = {number: one for number, one in curves.items() if one is not None and one.xs}
        if len(whole) < 2:
            continue
        step = min(one.xs[-1] for one in whole.values())
        values = {n: value_at(whole[n], step) if n in whole else None for n in numbers}
        goal = objective.goal if objective is not None and metric == judged else None
        x = next(iter(whole.values())).x
        found.append(AtStep(metric, step, values, _best(values, goal), x))
    return found


def value_at(curve: Curve, step: float) -> float | None:
    """The last value at or before `step`; None if there is none, or it is not a number."""
    index = bisect_right(curve.xs, step) - 1
    value = curve.ys[index] if index >= 0 else math.nan
    return value if math.isfinite(value) else None


def _best(values: dict[int, float | None], goal: Goal | None) -> int | None:
    """The one trial with the best value; None without a goal, a rival, or on a tie."""
    finite = {number: value for number, value in values.items() if value is not None}
    if goal is None or len(finite) < 2:
        return None
    pick = min if goal == "minimize" else max
    best = pick(finite.values())
    winners = [number for number, value in finite.items() if value == best]
    return winners[0] if len(winners) == 1 else None
