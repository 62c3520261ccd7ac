"""What a screen shows as plain data: the JSON of `tuiswp --once`. Pure; no text for people.

Parameters are as recorded; every other text is safe to show. Unknown is null.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path

from msgspec import to_builtins
from msgspec.structs import asdict

from tuiswp.analysis.summary import results_json
from tuiswp.controller.here import FoundSweep
from tuiswp.model.trial import Trial
from tuiswp.text import visible
from tuiswp.tui import actions
from tuiswp.tui.plane import kinds
from tuiswp.tui.screens.compare import at_same_step
from tuiswp.tui.screens.facts import command_of, leaves
from tuiswp.tui.screens.landscape import axes
from tuiswp.tui.snapshot import Snapshot, TrialRow


def content(screen: str, snapshot: Snapshot, trials: Sequence[int] = ()) -> dict[str, object]:
    """One object: what every screen has, then what this one shows."""
    match screen:
        case "trial":
            own = _trial(snapshot, trials[0])
        case "compare":
            own = _compare(snapshot, trials)
        case "results":
            view = snapshot.view
            judged = snapshot.judgement
            own = dict(results_json(view.sweep, judged, snapshot.diagnoses, judged.trials))
        case "landscape":
            own = _landscape(snapshot)
        case "events":
            own = {"events": to_builtins(snapshot.events[::-1])}
        case "help":
            own = {"actions": [_action(action) for action in actions.ACTIONS]}
        case _:
            own = _sweep(snapshot)
    return {**_head(screen, snapshot), **own}


def home_content(folder: Path, found: Sequence[FoundSweep], at: float) -> dict[str, object]:
    """What lies in a folder, as `tuiswp --json` tells it; names and paths as they are."""
    sweeps = [{**asdict(one), "where": str(one.where)} for one in found]
    return {"screen": "home", "dir": str(folder), "at": at, "sweeps": sweeps}


def _head(screen: str, snapshot: Snapshot) -> dict[str, object]:
    view = snapshot.view
    return {
        "screen": screen,
        "sweep": view.sweep.name,
        "dir": str(view.directory),
        "state": view.word,
        "at": snapshot.at,
        "data_age_s": snapshot.data_age_s,
    }


def _sweep(snapshot: Snapshot) -> dict[str, object]:
    objective, best = snapshot.view.sweep.objective, snapshot.judgement.optimum
    known = snapshot.view.state.trials
    return {
        "metric": None if objective is None else {"name": objective.metric, "goal": objective.goal},
        "planned": snapshot.planned,
        "eta_s": snapshot.eta_s,
        "optimum": None if best is None else best.id,
        "columns": snapshot.columns,
        "trials": [_row(row, known.get(row.number)) for row in snapshot.rows],
        "gpus": _gpus(snapshot),
        **_seen(snapshot),
    }


def _trial(snapshot: Snapshot, number: int) -> dict[str, object]:
    view = snapshot.view
    trial = view.state.trials.get(number)
    row = next(row for row in snapshot.rows if row.number == number)
    return {
        "trial": _row(row, trial),
        "attempts": [] if trial is None else to_builtins(trial.attempts),
        "command": None if trial is None else command_of(view, trial),
        **_seen(snapshot),
    }


def _compare(snapshot: Snapshot, numbers: Sequence[int]) -> dict[str, object]:
    known = snapshot.view.state.trials
    flat = {number: dict(leaves(known[number].params)) for number in numbers if number in known}
    paths = dict.fromkeys(path for one in flat.values() for path in one)
    rows = {row.number: row for row in snapshot.rows}
    return {
        "trials": [_row(rows[number], known.get(number)) for number in numbers if number in rows],
        "differing": {
            ".".join(path): {rows[number].id: one.get(path) for number, one in flat.items()}
            for path in paths
            if len({repr(one.get(path, paths)) for one in flat.values()}) > 1
        },
        "at_step": [
            {
                "metric": one.metric,
                "step": one.step,
                "values": {rows[number].id: value for number, value in one.values.items()},
                "best": None if one.best is None else rows[one.best].id,
            }
            for one in at_same_step(snapshot, numbers)
        ],
        **_seen(snapshot),
    }


def _landscape(snapshot: Snapshot) -> dict[str, object]:
    """Every trial with what the map shows it as, and the parameters that can be its axes."""
    view, best = snapshot.view, snapshot.judgement.optimum
    shown = kinds(snapshot.judgement, view.trials)
    return {
        "axes": [visible(parameter.name) for parameter in axes(view.sweep)],
        "optimum": None if best is None else best.id,
        "trials": [
            {
                **_row(row, view.state.trials.get(row.number)),
                "shown_as": None if (kind := shown.get(row.number)) is None else kind.about,
            }
            for row in snapshot.rows
        ],
    }


def _row(row: TrialRow, trial: Trial | None) -> dict[str, object]:
    return {
        "id": row.id,
        "state": row.state,
        "cause": row.cause or None,
        "params": {} if trial is None else trial.params,
        "value": row.value,
        "step": row.step,
        "progress": row.progress,
        "eta_s": row.eta_s,
        "gpu": row.place or None,
        "age_s": row.age_s,
        "attempt": row.attempt,
        "flags": row.flags,
    }


def _seen(snapshot: Snapshot) -> dict[str, object]:
    """Curves as they are drawn, and the output beside them."""
    ids: Mapping[int, str] = {row.number: row.id for row in snapshot.rows}
    return {
        "curves": [
            {
                "trial": ids.get(number),
                "metric": metric,
                "points": curve.count,
                "steps": list(curve.xs),
                "values": list(curve.ys),
            }
            for (number, metric), curve in snapshot.curves.items()
        ],
        "log": None if snapshot.log is None else list(snapshot.log.lines),
    }


def _gpus(snapshot: Snapshot) -> list[dict[str, object]] | None:
    if snapshot.inventory is None:
        return None
    return [{"label": gpu.label, **to_builtins(gpu)} for gpu in snapshot.inventory.gpus]


def _action(action: actions.Action) -> dict[str, object]:
    return {
        "id": action.id,
        "keys": action.keys,
        "place": action.scope,
        "help": action.help,
        "touches_process": action.touches_process,
        "command": action.command,
    }
