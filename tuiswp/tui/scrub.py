"""The whole sweep as it was at a moment: states, ranks, places, curves cut there. Draws nothing.

Facts are exact. A curve is cut by its rows' own clock (`_timestamp`) where they have one, else in
proportion to the time its trial had run, which is said to be approximate.
"""

from array import array
from bisect import bisect_right
from collections.abc import Mapping, Sequence

from msgspec.structs import replace

from tuiswp.analysis.diagnosis import Diagnosis, diagnose
from tuiswp.analysis.optimum import Judgement, judge
from tuiswp.controller.client import SweepView
from tuiswp.controller.journal import JournalReader, no_collection
from tuiswp.metrics.file import MetricFile
from tuiswp.metrics.objective import reduce
from tuiswp.metrics.series import Series
from tuiswp.model.trial import Trial
from tuiswp.tui.past import Past
from tuiswp.tui.rows import SPARK, RowMaker, objective_series
from tuiswp.tui.snapshot import AsOf, Curve, Snapshot, TrialRow

_STAMP = "_timestamp"


class Scrubber:
    """From a live snapshot to that of a moment. One is kept while somebody looks at the past.

    It follows the journal for itself: nobody else needs its records once they are replayed.
    """

    def __init__(self, journal: JournalReader) -> None:
        self.past = Past()
        self._journal = journal
        self._rows = RowMaker()
        self._judged: tuple[int, Judgement, tuple[Diagnosis, ...]] | None = None

    def snapshot(self, live: Snapshot, files: Mapping[int, MetricFile], moment: float) -> Snapshot:
        """`live` as it was at `moment`; what nobody wrote down of then is unknown."""
        with no_collection():
            self.past.add(self._journal.poll())
        state = self.past.at(moment)
        then = replace(live.view, state=state, controller=state.controller, live={})
        ends = {
            trial.number: found
            for trial in then.trials
            if (found := _end(trial, live, files.get(trial.number), moment)) is not None
        }
        trials = [_as_it_was(then, t, files.get(t.number), ends.get(t.number)) for t in then.trials]
        judgement, diagnoses = self._judge(then, trials, self.past.count(moment))
        best = None if judgement.optimum is None else judgement.optimum.number
        now = {row.number: row for row in live.rows}
        rows = tuple(
            self._row(then, trial, files, ends, now.get(trial.number), best, moment, live.logged)
            for trial in trials
        )
        exact = all(ends[n][1] for n in {number for number, _ in live.curves} & ends.keys())
        return replace(
            live,
            view=then,
            rows=rows,
            curves={
                key: _cut(curve, files.get(key[0]), ends.get(key[0]))
                for key, curve in live.curves.items()
                if key[0] in state.trials
            },
            judgement=judgement,
            diagnoses=diagnoses,
            events=tuple(event for event in live.events if event.at <= moment),
            log=None,
            inventory=None,
            eta_s=None,
            data_age_s=None,
            at=moment,
            same_step=None,
            processes=None,
            what_if=None,
            look=None,
            idle=(),
            as_of=AsOf(moment, end_of(live), approximate=not exact),
        )

    def _judge(
        self, view: SweepView, trials: Sequence[Trial], count: int
    ) -> tuple[Judgement, tuple[Diagnosis, ...]]:
        if self._judged is None or self._judged[0] != count:
            judgement = judge(view.sweep, trials)
            self._judged = count, judgement, diagnose(view.sweep, trials, judgement)
        return self._judged[1:]

    def _row(
        self,
        view: SweepView,
        trial: Trial,
        files: Mapping[int, MetricFile],
        ends: Mapping[int, tuple[float, bool]],
        now: TrialRow | None,
        best: int | None,
        moment: float,
        logged: Sequence[str],
    ) -> TrialRow:
        row = self._rows.row(view, trial, None, best, moment, logged)
        if trial.number not in ends:  # it had ended by then as it has now
            return replace(row, spark=now.spark if now is not None and trial.attempts else ())
        series = objective_series(view, files.get(trial.number))
        values = [] if series is None else _until(series, ends[trial.number][0]).values()
        finite = [value for value in values if value - value == 0.0]
        every = max(1, len(finite) // SPARK)
        return replace(row, spark=tuple(finite[::every][-SPARK:]))


def end_of(live: Snapshot) -> float:
    """Where the past ends: now, or the newest fact of a sweep in which nothing happens any more."""
    over = live.view.word in ("finished", "stopped") or live.view.controller is None
    return live.view.state.at if over and not live.view.state.live() else live.at


def _end(
    trial: Trial, live: Snapshot, file: MetricFile | None, moment: float
) -> tuple[float, bool] | None:
    """The last step `trial` had written by then, and whether that is exact; None: all of its file.

    That is so when it has ended by then and was not launched again.
    """
    now = live.view.state.trials.get(trial.number)
    if file is None or now is None or not now.attempts:
        return None
    if trial.state not in ("running", "queued", "paused") and len(trial.attempts) == len(
        now.attempts
    ):
        return None
    stamps = file.beside.get(_STAMP)
    if stamps is not None and stamps.count:
        written = bisect_right(stamps.values(), moment)
        return (stamps.steps()[written - 1] if written else float("-inf")), True
    begun = [a.started_at or a.launched_at for a in now.attempts]
    ended = [a.ended_at if a.ended_at is not None else live.at for a in now.attempts]
    ran = sum(max(0.0, min(moment, e) - b) for b, e in zip(begun, ended, strict=True))
    whole = sum(max(0.0, e - b) for b, e in zip(begun, ended, strict=True))
    steps = [s for series in file.metrics.values() if (s := series.steps())]
    if not steps or not ran or not whole:
        return float("-inf"), False
    first, last = min(s[0] for s in steps), max(s[-1] for s in steps)
    return first + (last - first) * min(1.0, ran / whole), False


def _as_it_was(
    view: SweepView, trial: Trial, file: MetricFile | None, end: tuple[float, bool] | None
) -> Trial:
    """A trial that ran then with what its file said; of how far it was only the step is known."""
    objective = view.sweep.objective
    if trial.state != "running" or file is None or end is None:
        return trial
    series = objective_series(view, file)
    value = None
    if series is not None and objective is not None:
        value = reduce(_until(series, end[0]), objective)
    progress = file.beside.get("progress")
    step = end[0] if end[0] - end[0] == 0.0 else None
    return replace(
        trial,
        value=value,
        step=step if end[1] else None if step is None else float(int(step)),
        progress=None if progress is None else _until(progress, end[0]).last,
    )


def _until(series: Series, step: float) -> Series:
    """The points up to and with a step."""
    count = bisect_right(series.steps(), step)
    part = Series()
    part.extend(
        array("d", series.steps()[:count]), array("d", series.values()[:count]), ordered=True
    )
    return part


def _cut(curve: Curve, file: MetricFile | None, end: tuple[float, bool] | None) -> Curve:
    """The part of a thinned curve that was there; by steps, else by the share of the steps."""
    if end is None or file is None:
        return curve
    if curve.x == "step":
        count = bisect_right(curve.xs, end[0])
    else:
        longest = max((series.steps() for series in file.metrics.values()), key=len, default=())
        share = bisect_right(longest, end[0]) / len(longest) if longest else 0.0
        count = round(share * len(curve.xs))
    smoothed = None if curve.smoothed is None else curve.smoothed[:count]
    return replace(curve, xs=curve.xs[:count], ys=curve.ys[:count], count=count, smoothed=smoothed)
