"""`tuiswp status`: where every trial stands, for people or as one JSON object. Reads, never writes.

It answers within two seconds whatever is broken: no controller, a damaged journal, a silent NVML.
"""

import time
from argparse import ArgumentParser, Namespace
from collections.abc import Sequence

from tuiswp.analysis import tables, words
from tuiswp.analysis.axes import measured
from tuiswp.analysis.enough import nearness
from tuiswp.analysis.optimum import best_so_far, objective_text
from tuiswp.analysis.silence import SHORT, silence_text
from tuiswp.cli import arguments as args
from tuiswp.cli import doubt, output
from tuiswp.controller import elsewhere, foreign
from tuiswp.controller.client import Planned, SweepReader, SweepView
from tuiswp.controller.directory import SweepDirectory
from tuiswp.controller.health import held_back
from tuiswp.controller.steered import edits, phases, quarantines
from tuiswp.controller.story import time_left, trial_left
from tuiswp.errors import ExitCode, SweepHeld, TuiswpError
from tuiswp.gpu.environment import CPU
from tuiswp.model.ids import trial_id
from tuiswp.model.trial import Launching, Lease, Queued, Running, Trial, Wish
from tuiswp.spec.params import swept
from tuiswp.text import visible

GPU_DEADLINE_S = 1.0
METRICS_S = 0.4  # for reading what running trials have logged
EDITS = 3
SILENCES = 8


def add_arguments(parser: ArgumentParser, name: str) -> None:
    args.add_sweep(parser)
    parser.add_argument("--json", action="store_true", help="print one object")


def run(arguments: Namespace) -> int:
    path = args.find_sweep(arguments.sweep)
    view = SweepReader(path).refresh(budget_s=METRICS_S)
    if arguments.json:
        output.show_json(as_json(view))
    else:
        output.say(*_lines(view))
    return ExitCode.OK


def as_json(view: SweepView) -> dict[str, object]:
    """The object of `status --json`.

    `controller.pid` is None where none ever started, `alive` where nobody here can see it.
    """
    holder = view.controller or view.state.controller
    return {
        "sweep": view.sweep.name,
        "dir": str(view.directory),
        "state": view.word,
        "controller": {
            "pid": None if holder is None else holder.pid,
            "alive": None if view.elsewhere is not None else view.controller is not None,
            "host": view.state.controller_host or None,
        },
        "trouble": view.trouble,
        "counts": words.counts(view.trials),
        "trials": [_trial_json(view, trial) for trial in view.trials],
        "stop": _stop_json(view),
        "phases": _phases_json(view),
        "gpus": _gpus_json(),
        "edits": [
            {"at": one.at, "by": one.edit.by, "what": list(one.edit.what), "why": one.edit.why}
            for one in view.state.edits
        ],
        "quarantined": _quarantined_json(view),
        "left_s": _left(view),
    }


def _trial_json(view: SweepView, trial: Trial) -> dict[str, object]:
    value, step, progress = numbers(view, trial)
    gpus = [lease for lease in leases(trial) if lease.uuid != CPU]
    return {
        "id": trial.id,
        "state": trial.state,
        "cause": trial.cause,
        "params": trial.params,
        "value": value,
        "step": step,
        "progress": progress,
        "attempt": trial.attempts[-1].number if trial.attempts else None,
        "gpu": words.places(gpus) or None,
        "origin": trial.origin,
        "source": None if trial.wish is None else _source(trial.wish),
        "pinned": trial.pinned is not None,
        "interrupted": trial.interrupt is not None,
        "silent": _silent_json(trial),
        "slow": None if trial.slow is None else trial.slow.share,
        "left_s": None if trial.state != "running" else _trial_left(trial, progress),
    }


def _trial_left(trial: Trial, progress: float | None) -> float | None:
    """Seconds it still needs by its progress; None where that is unknown."""
    if not trial.attempts:  # something else launched it
        return None
    found = trial_left(trial, progress, None, now=time.time())
    return None if found is None else round(found, 1)


def _left(view: SweepView) -> float | None:
    """Seconds until the sweep is over; None if nobody can foresee it, or nobody runs it."""
    if view.controller is None or view.foreign:
        return None
    progress = {number: live.progress for number, live in view.live.items()}
    found = time_left(view.state, Planned().of(view), progress, now=time.time())
    return None if found is None else round(found, 1)


def _silent_json(trial: Trial) -> dict[str, object] | None:
    """Of a running trial that has reported nothing for too long, else None."""
    found = trial.silent
    if found is None:
        return None
    return {
        "kind": found.kind,
        "since": found.at - found.silent_s,
        "evidence": found.evidence,
        "where": found.where or None,
    }


def _source(wish: Wish) -> str | None:
    return None if wish.source is None else trial_id(wish.source)


def numbers(view: SweepView, trial: Trial) -> tuple[float | None, float | None, float | None]:
    """Value, step and progress: of a running trial as its files say, else as recorded."""
    live = view.live.get(trial.number)
    if live is None:
        return trial.value, trial.step, trial.progress
    return live.value, live.step, live.progress


def leases(trial: Trial) -> Sequence[Lease]:
    """Where it runs, or ran last."""
    if isinstance(trial.status, Launching | Running):
        return trial.status.leases
    return trial.attempts[-1].leases if trial.attempts else ()


def _quarantined_json(view: SweepView) -> list[dict[str, object]]:
    from tuiswp.cli.quarantine import as_json

    return as_json(view)


def _gpus_json() -> list[dict[str, object]]:
    from tuiswp import proc
    from tuiswp.cli.gpus import gpu_json
    from tuiswp.gpu.leases import LeaseBook
    from tuiswp.gpu.probe import read_once

    try:
        inventory = read_once(GPU_DEADLINE_S)
        held = LeaseBook(proc.runtime_dir() / "leases").held() if inventory.gpus else []
    except TuiswpError as error:  # the trials are still worth an answer
        output.warn(visible(str(error)))
        return []
    return [gpu_json(gpu, held) for gpu in inventory.gpus]


def _lines(view: SweepView) -> list[str]:
    notes = [*_silences(view), *_unread(view)]
    return [*header(view), *_table(view), *notes, *_gpu_lines(view), *_next(view)]


def _silences(view: SweepView) -> list[str]:
    """What is known of each trial that has reported nothing for too long."""
    silent = [trial for trial in view.trials if trial.silent is not None]
    lines = [
        output.paint(output.prose(f"{trial.id} {silence_text(trial.silent)}", indent="  "), "bad")
        for trial in silent[:SILENCES]
        if trial.silent is not None
    ]
    if len(silent) > SILENCES:
        lines.append(f"and {len(silent) - SILENCES} more are silent: `tuiswp explain` of each")
    return ["", *lines] if lines else []


def _unread(view: SweepView) -> list[str]:
    """Where trials stand that have logged more than can be read in the time an answer may take."""
    behind = [
        trial.id for trial in view.trials if (live := view.live.get(trial.number)) and live.behind
    ]
    if not behind:
        return []
    which = behind[0] if len(behind) == 1 else f"{behind[0]} and {len(behind) - 1} more"
    return [
        "",
        output.prose(
            f"{which}: logged too much to be read at once; the screen reads on", indent="  "
        ),
    ]


def header(view: SweepView, *, all_edits: bool = False) -> list[str]:
    """Name, state, counts, edits, best so far, and what is wrong with the sweep as a whole."""
    name = output.paint(visible(view.sweep.name), "strong")
    left = _left(view)
    soon = "" if left is None else f", about {words.duration(left)} left"
    lines = [f"{name}  {view.word}  {words.tally(words.counts(view.trials))}{soon}"]
    if not view.foreign:
        lines.append(f"{visible(str(view.directory))}  {_controller(view)}")
    if view.trouble is not None:
        text = visible(view.trouble, limit=1000)
        lines.append(output.paint(output.prose(text, indent="  "), "bad"))
    if view.state.paused is not None:
        paused = view.state.paused
        lines.append(f"paused by {visible(paused.by)}: {visible(paused.why)}")
    aside = quarantines(view.state, args.spoken(view.directory))
    aside += held_back(view.state.health, view.state.live()).values()
    lines += [output.paint(line, "bad") for line in aside]
    changes = edits(view.state)
    shown = changes if all_edits else changes[-EDITS:]
    if len(shown) < len(changes):
        lines.append(f"edited {len(changes)} times since it started, lately:")
    lines += [f"edited: {line}" for line in shown]
    lines += phases(view.sweep, view.state) if all_edits else _phase_now(view)
    lines += stop_lines(view)
    repeats = None if view.state.replication is None else _repeats(view)
    lines += [repeats] if repeats else []
    best = best_so_far(view.sweep, view.trials)
    if best is not None and best.value is not None and view.sweep.objective is not None:
        lines.append(
            f"best {best.id}  {objective_text(view.sweep.objective)} {measured(best.value)}  "
            f"{words.assignments(best.params, swept(view.sweep))}".rstrip()
        )
    return lines + [output.paint(line, "bad") for line in doubt.lines(view)]


def _repeats(view: SweepView) -> str | None:
    from tuiswp.controller.replicating import standing

    return standing(view.state)


def _phase_now(view: SweepView) -> list[str]:
    run = view.state.phase
    return [] if run is None else [phases(view.sweep, view.state)[run.index]]


def _phases_json(view: SweepView) -> list[dict[str, object]]:
    return [
        {
            "name": run.name,
            "began": run.began,
            "why": run.why,
            "ended": run.ended,
            "end": run.end,
            "start": None if run.start is None else trial_id(run.start),
            "best": None if run.best is None else trial_id(run.best),
            "trials": [trial.id for trial in view.trials if trial.phase == run.index],
        }
        for run in view.state.phases
    ]


def stop_lines(view: SweepView) -> list[str]:
    """The rule that stopped it, or how near each one is."""
    reached = view.state.reached
    if reached is not None:
        return [f"enough: {visible(reached.why)}"]
    if view.foreign or view.state.finished is not None:
        return []
    near = nearness(view.sweep, view.trials, time.time())
    off = view.state.rules_off
    parts = [f"{one.text}{' (off: resumed after it)' if one.rule in off else ''}" for one in near]
    return [output.prose(f"stops: {'; '.join(parts)}", indent="  ")] if parts else []


def _stop_json(view: SweepView) -> dict[str, object]:
    """The rule that ended it, and how near each one is."""
    reached = view.state.reached
    near = () if view.foreign else nearness(view.sweep, view.trials, time.time())
    return {
        "reached": None if reached is None else {"rule": reached.rule, "why": reached.why},
        "rules": [
            {"rule": one.rule, "text": one.text, "off": one.rule in view.state.rules_off}
            for one in near
        ],
    }


def _controller(view: SweepView) -> str:
    if view.controller is not None and view.elsewhere is not None:
        host = visible(view.elsewhere, limit=60)
        return f"controller pid {view.controller.pid} on {host}, cannot be seen from here"
    if view.controller is not None:
        return f"controller pid {view.controller.pid}"
    if view.state.finished is not None and not view.state.live():
        return f"over: {visible(view.state.finished)}"
    return "no controller runs"


def _table(view: SweepView) -> list[str]:
    if not view.trials:
        return []
    parameters = swept(view.sweep)
    objective = view.sweep.objective
    metric = objective_text(objective) if objective is not None else "value"
    runs = run_names(view)
    rows = []
    for trial in view.trials:
        value, step, progress = numbers(view, trial)
        rows.append(
            (
                trial.id,
                state_text(trial),
                words.assignments(trial.params, parameters),
                words.NONE if value is None else measured(value),
                words.step(step),
                words.share(progress),
                str(trial.attempts[-1].number) if trial.attempts else "",
                runs.get(trial.number) or words.places(leases(trial)),
            )
        )
    return [
        "",
        *tables.table(
            (
                "trial",
                "state",
                "parameters",
                metric,
                "step",
                "progress",
                "attempt",
                "run" if runs else "on",
            ),
            rows,
            width=output.width(),
            right=(3, 4, 5, 6),
        ),
    ]


def run_names(view: SweepView) -> dict[int, str]:
    """Directory names of runs that something else launched; empty for a sweep of ours."""
    if not view.foreign:
        return {}
    names = foreign.run_names(view.directory)
    return {number: visible(name, limit=60) for number, name in enumerate(names)}


def state_text(trial: Trial) -> str:
    """`running`, `failed (exit-code)`, `queued until 14:05:09`, `done, pinned`."""
    pin = "" if trial.pinned is None else ", pinned"
    if isinstance(trial.status, Queued) and trial.status.not_before > trial.status.since:
        return f"queued until {words.clock(trial.status.not_before)[11:]}{pin}"
    if trial.kill is not None:
        return f"{trial.state}, being ended"
    if trial.interrupt is not None and trial.state == "running":
        return f"running, interrupted{pin}"
    if trial.silent is not None:
        return f"running, {SHORT[trial.silent.kind]}{pin}"
    if trial.slow is not None and trial.state == "running":
        return f"running, slow{pin}"
    cause = trial.cause
    return (trial.state if cause in (None, "done") else f"{trial.state} ({cause})") + pin


def _gpu_lines(view: SweepView) -> list[str]:
    """The GPUs this sweep's running trials hold; NVML is not asked: `tuiswp gpus` does that."""
    held = [
        (lease, trial.id)
        for trial in view.state.live()
        for lease in leases(trial)
        if lease.uuid != CPU
    ]
    if not held:
        return []
    return [
        "",
        *(f"{visible(lease.name)}  {trial}  {visible(lease.uuid)}" for lease, trial in held),
    ]


def _next(view: SweepView) -> list[str]:
    name = visible(args.spoken(view.directory))
    match view.word:
        case "interrupted":
            return ["", f"no controller runs: `tuiswp {name}` goes on"]
        case "orphaned":
            many = words.several(len(view.state.live()), "trial")
            if far := _far(view):
                return ["", *far]
            return [
                "",
                f"no controller runs, {many} may still be running: `tuiswp {name}` takes over",
            ]
        case "paused":
            return ["", f"`tuiswp resume {name}` goes on"]
        case "finished" | "stopped":
            return ["", f"`tuiswp results {name}` shows the optimum and what it means"]
        case _:
            return []


def _far(view: SweepView) -> list[str]:
    """What keeps a controller from being started here, if something of it may run elsewhere."""
    try:
        elsewhere.check(SweepDirectory(view.directory), view.state)
    except SweepHeld as held:
        hint = [] if held.hint is None else [visible(held.hint, limit=1000)]
        return [f"no controller runs; {visible(held.what, limit=400)}", *hint]
    return []
