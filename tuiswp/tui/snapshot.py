"""What a screen draws, frozen: one value the feed thread makes and every widget reads.

Texts in here are already safe to show (`tuiswp.text.visible`); numbers are raw, None is unknown.
"""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Literal, TypeAlias

import msgspec

from tuiswp.model.sweep import Objective
from tuiswp.model.trial import State
from tuiswp.tui.along import XKind

if TYPE_CHECKING:  # the first frame is drawn before anything is read or judged
    from tuiswp.analysis.diagnosis import Diagnosis
    from tuiswp.analysis.optimum import Judgement
    from tuiswp.analysis.review import Part
    from tuiswp.analysis.shape import Shape
    from tuiswp.analysis.training import Health
    from tuiswp.controller.client import SweepView
    from tuiswp.gpu.inventory import Inventory
    from tuiswp.tui.idle import Idle
    from tuiswp.tui.lookback import Looked
    from tuiswp.tui.what_if import WhatIf

CurveKey: TypeAlias = tuple[int, str]  # (trial number, metric name)


class Curve(msgspec.Struct, frozen=True):
    """A curve thinned to what a screen can show; extremes are kept, NaN in `ys` is a gap.

    `xs` ascending, in what was wanted of the x axis; empty if the script logged nothing that places
    its points there. `count`: points before thinning. `smoothed`: at each point the moving average
    of all of them, with the weight `smooth`.
    """

    xs: Sequence[float]
    ys: Sequence[float]
    count: int
    x: XKind = "step"
    smoothed: Sequence[float] | None = None
    smooth: float = 0.0


class KillPoint(msgspec.Struct, frozen=True):
    """Where on the x axis trials are judged early: `at`, in the measure `x`."""

    at: float
    label: str
    x: XKind = "step"


class SameStep(msgspec.Struct, frozen=True):
    """A running trial beside the best one, where it is now: both values of the objective at `step`.

    `better`: the share of the best one's value by which the trial is better, negative if it is
    worse; None where that says nothing.
    """

    trial: int
    step: float
    value: float
    best: int
    best_value: float
    better: float | None


class TrialRow(msgspec.Struct, frozen=True):
    """One line of the trials table.

    `params`: labels of the varying parameters, in the order of `Snapshot.columns`. `flags`: BEST,
    BASE, PIN, INT (interrupted, and goes on), STALL, SLOW, NaN, DIVERG, EXPR, RETRY. `queue`: the
    place of one that waits, from 1. `spark`: the objective's curve, at most 40 finite values.
    `age_s`: since the last new metric (running; 0, 10, 30, 60 s, whole minutes) or since the end.
    `eta_s`: to the end, by progress. `logged`: the last value of each of `Snapshot.logged`.
    """

    number: int
    id: str
    state: State
    cause: str
    params: tuple[str, ...]
    value: float | None
    step: float | None
    progress: float | None
    eta_s: float | None
    place: str
    age_s: float | None
    attempt: int
    flags: tuple[str, ...]
    spark: tuple[float, ...]
    logged: tuple[float | None, ...] = ()
    queue: int | None = None


class EventLine(msgspec.Struct, frozen=True):
    """One fact of the journal for people: `kind` in a word, `trial` None for the sweep.

    `command`: what was run, raw, for the clipboard; its text is in `text`. "": nothing was.
    """

    seq: int
    at: float
    kind: str
    trial: int | None
    text: str
    tone: Literal["plain", "good", "bad", "note"] = "plain"
    command: str = ""


class LogTail(msgspec.Struct, frozen=True):
    """The end of what one attempt printed; `lines` newest last."""

    trial: int
    attempt: int
    lines: tuple[str, ...]


class ProcessLine(msgspec.Struct, frozen=True):
    """One process; None is unknown. `gpu_mib` 0: none on a GPU. `command` is safe to show."""

    pid: int
    depth: int
    age_s: float | None
    cpu_percent: float | None
    rss_mib: int | None
    gpu_mib: int | None
    command: str


class ProcessTree(msgspec.Struct, frozen=True):
    """What runs of an attempt, each after its parent. `note`: why there is none, or not all.

    `stack`: where it stood when it was found silent, lines safe to show.
    """

    trial: int
    attempt: int
    lines: tuple[ProcessLine, ...]
    note: str = ""
    stack: tuple[str, ...] = ()


class AsOf(msgspec.Struct, frozen=True):
    """A moment of the past: `at`, `end` where the past ends, both wall seconds.

    `approximate`: a curve had no clock of its own and was cut in proportion to its trial's time.
    """

    at: float
    end: float
    approximate: bool = False


class Snapshot(msgspec.Struct, frozen=True):
    """Everything a screen may show at one moment.

    `columns`: names of the varying parameters. `metrics`: names logged, the objective first.
    `curves`: what was wanted, by trial and metric. `kill_points`: where early stopping judges;
    `outlook`: what awaits the trial that was to be compared. `same_step`: that trial, if it runs
    and another is the best. `data_age_s`: seconds since any running trial's
    file grew (None: nothing runs). `at`: wall time of the reading. `what_if`: the ranking by the
    rule that was wanted. `logged`: the metrics that were wanted as columns, as they were named.
    `shapes`: of the parameters the results draw, None: not made yet, or for another judgement.
    `trouble`: why this may be no more how it stands: the journal is damaged, nothing can be read.
    `as_of`: this is the past; nothing can be asked of it. `idle`: trials that let a GPU idle.
    `look`: the part of the look back that was wanted. `health`: what the logs of ended trainings
    say, as far as they were looked at.
    """

    view: "SweepView"
    rows: tuple[TrialRow, ...]
    columns: tuple[str, ...]
    metrics: tuple[str, ...]
    curves: Mapping[CurveKey, Curve]
    judgement: "Judgement"
    diagnoses: "tuple[Diagnosis, ...]"
    events: tuple[EventLine, ...]
    log: LogTail | None
    inventory: "Inventory | None"
    planned: int | None
    eta_s: float | None
    data_age_s: float | None
    at: float
    logged: tuple[str, ...] = ()
    kill_points: tuple[KillPoint, ...] = ()
    outlook: str | None = None
    same_step: SameStep | None = None
    what_if: "WhatIf | None" = None
    processes: ProcessTree | None = None
    trouble: str = ""
    as_of: AsOf | None = None
    idle: "tuple[Idle, ...]" = ()
    shapes: "tuple[Shape, ...] | None" = None
    look: "Looked | None" = None
    health: "Mapping[int, Health]" = {}

    @property
    def unattended(self) -> bool:
        """The sweep is not over, and no controller runs it now."""
        return self.as_of is None and self.view.word in ("orphaned", "interrupted")


class Want(msgspec.Struct, frozen=True):
    """What the screen is about to show, so that the feed reads that and no more.

    `metrics`: which curves; empty: the objective only. `trials`: whose; None: every running one and
    the best. `x`, `log_x`: the axis of the charts. `span`: the part of it in sight, None for all.
    `smooth`: the weight of the moving average, 0 for none. `compare`: whom to put beside the best.
    `log_of`: whose output. `points`: about how many columns of dots a chart has. `what_if`: another
    rule to rank by. `processes_of`: whose processes. `logged`: metrics whose last value every row
    must have. `as_of`: a moment of the past, None for now. `part`: of the look back.
    """

    metrics: tuple[str, ...] = ()
    trials: tuple[int, ...] | None = None
    span: tuple[float, float] | None = None
    log_of: int | None = None
    points: int = 512
    logged: tuple[str, ...] = ()
    x: XKind = "step"
    log_x: bool = False
    smooth: float = 0.0
    compare: int | None = None
    what_if: Objective | None = None
    processes_of: int | None = None
    as_of: float | None = None
    part: "Part | None" = None
