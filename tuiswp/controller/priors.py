"""What earlier sweeps tell a sampler that learns: read once, when the sweep starts, and kept.

The sweep's directory keeps a copy, so that a resumed sweep proposes what the uninterrupted one
would have, whatever became of the others since. Changes nothing in them.
"""

from collections.abc import Sequence
from pathlib import Path

import msgspec

from tuiswp.analysis.words import several
from tuiswp.controller.client import SweepReader
from tuiswp.controller.directory import SweepDirectory, write_atomically
from tuiswp.errors import SpecError, TuiswpError
from tuiswp.metrics.names import same
from tuiswp.model.space import Params
from tuiswp.model.sweep import Objective, Sweep
from tuiswp.model.trial import Trial
from tuiswp.plain import read_plain
from tuiswp.search.history import Told
from tuiswp.spec.params import flatten, nest, swept
from tuiswp.spec.values import outside
from tuiswp.text import visible

MOST = 1_000  # trials told of one sweep, the newest


class Prior(msgspec.Struct, frozen=True):
    """`told`: numbered from -1 down, so that they are no trials of this sweep.

    `notes`: one a directory, with what could not be carried over.
    """

    told: tuple[Told, ...] = ()
    notes: tuple[str, ...] = ()


def gather(sweep: Sweep) -> Prior:
    """Read the earlier sweeps a file names. Raises SpecError where one is not there."""
    told: list[Told] = []
    notes = []
    for path in sweep.priors:
        try:
            view = SweepReader(Path(path)).refresh(with_metrics=False)
        except (TuiswpError, OSError) as error:
            what = error.what if isinstance(error, TuiswpError) else str(error.strerror)
            raise SpecError(
                f"{visible(path, limit=200)} {what}",
                where=_where(sweep),
                hint="correct or remove it under tuiswp.prior",
            ) from error
        found, note = _carried_over(sweep, view.sweep, view.trials)
        notes.append(f"prior {visible(path, limit=120)}: {note}")
        for params, value in found:
            told.append(Told(-1 - len(told), params, "done", value))
    return Prior(tuple(told), tuple(notes))


def keep(directory: SweepDirectory, prior: Prior) -> None:
    """Write down what the sweep knows from the start."""
    write_atomically(directory.priors, msgspec.json.encode(prior), durable=True)


def kept(directory: SweepDirectory) -> tuple[Told, ...]:
    """What the sweep knew when it started; nothing if it had no earlier ones."""
    try:
        data = read_plain(directory.priors)
    except FileNotFoundError:
        return ()
    return msgspec.json.decode(data, type=Prior).told


def _where(sweep: Sweep) -> str:
    line = sweep.lines.get("tuiswp")
    place = sweep.source if line is None else f"{sweep.source}:{line}"
    return f"{place}: tuiswp.prior"


def _carried_over(
    sweep: Sweep, before: Sweep, trials: Sequence[Trial]
) -> tuple[list[tuple[Params, float]], str]:
    """The trials of an earlier sweep as points of this one, and what to say of it."""
    here, there = sweep.objective, before.objective
    if here is None or there is None or not _alike(here, there):
        theirs = "no metric" if there is None else f"{there.goal} {visible(there.metric, limit=60)}"
        return [], f"it has {theirs}, so that nothing of it can be told"
    axes = swept(sweep)
    found: list[tuple[Params, float]] = []
    beyond = 0
    ended = [trial for trial in trials if trial.state == "done" and trial.value is not None]
    for trial in ended[-MOST:]:
        values = flatten(trial.params, axes)
        if not values:
            continue
        params = nest(values.items())
        if outside(axes, params):
            beyond += 1
        else:
            assert trial.value is not None
            found.append((params, trial.value))
    known = {path for trial in ended for path in flatten(trial.params, axes)}
    told = f"{len(found)} of {several(len(trials), 'trial')} told"
    parts = [f"{beyond} outside the ranges here"] if beyond else []
    lacking = [one.name for one in axes if one.path not in known]
    gone = [one.name for one in swept(before) if one.path not in {p.path for p in axes}]
    for names, what in ((lacking, "not recorded there"), (gone, "not swept here")):
        if names:
            parts.append(f"{visible(', '.join(names), limit=120)} {what}")
    return found, "; ".join([told, *parts])


def _alike(here: Objective, there: Objective) -> bool:
    return here.goal == there.goal and same(here.metric, there.metric)
