"""`tuiswp replay`: whom an early-stopping rule would have stopped, on the curves there are.

Reads only: a sweep, running or over, or a folder of runs.
"""

from argparse import ArgumentParser, ArgumentTypeError, Namespace
from collections.abc import Mapping

import msgspec

from tuiswp.analysis import tables, words
from tuiswp.analysis.replay import Recorded, Replay, Stop, is_rising, simulate
from tuiswp.cli import arguments as args
from tuiswp.cli import output
from tuiswp.cli.verdict import metrics_path
from tuiswp.controller.client import SweepReader, SweepView
from tuiswp.errors import ExitCode, UsageError
from tuiswp.metrics.file import MetricFile, read_whole
from tuiswp.metrics.names import find, near, same
from tuiswp.metrics.objective import reduce
from tuiswp.metrics.resource import curve, seconds
from tuiswp.model.ids import trial_id
from tuiswp.model.stopper import Rule
from tuiswp.model.sweep import Goal, Objective
from tuiswp.model.trial import Trial
from tuiswp.search.stoppers.base import Curve
from tuiswp.search.stoppers.rules import stopper_for
from tuiswp.search.stoppers.words import rule_name
from tuiswp.spec.early import rule_of
from tuiswp.text import visible

OPTION = "--early-terminate"
_AT_ONCE = 4


class Question(msgspec.Struct, frozen=True):
    """What is replayed: `rule` looks at `metric` to `goal`; `objective` says who is best."""

    rule: Rule
    metric: str
    goal: Goal
    objective: Objective
    workers: int
    unit: str  # of the compute


def add_arguments(parser: ArgumentParser, name: str) -> None:
    args.add_sweep(parser)
    parser.add_argument(
        OPTION,
        dest="rule",
        metavar="RULE",
        help="asha:min_resource=3,eta=3, or as in a sweep file: '{type: asha, min_resource: 3}' "
        "(default: the sweep's own rule)",
    )
    parser.add_argument("--metric", metavar="M", help="what the rule looks at (default: as before)")
    parser.add_argument("--goal", choices=("minimize", "maximize"), help="the goal of that metric")
    parser.add_argument(
        "--workers", type=_count, metavar="N", help="trials at once (default: as it ran, else 4)"
    )
    parser.add_argument("--json", action="store_true", help="print one object")


def _count(text: str) -> int:
    if text.isdecimal() and 0 < int(text[:6]) <= 100_000:
        return int(text)
    raise ArgumentTypeError(f"{visible(text, limit=40)!r} is no number of workers")


def run(arguments: Namespace) -> int:
    rule = None if arguments.rule is None else rule_of(arguments.rule)
    view = SweepReader(args.find_sweep(arguments.sweep)).refresh()
    if not view.trials:
        raise UsageError(f"{visible(view.sweep.name)} has no trial yet: nothing to replay")
    if rule is None and arguments.rule is not None:
        raise UsageError("no rule stops nobody: there is nothing to replay", where=OPTION)
    rule = rule or view.sweep.stopper
    if rule is None:
        hint = f"{OPTION} asha:min_resource=3"
        raise UsageError("the sweep has no rule of its own, and none is given", hint=hint)
    files = _read(view)
    metric, goal, objective = _judged(view, files, arguments.metric, arguments.goal)
    recorded, unit = record(view, files, rule, metric, goal, objective)
    _check(rule, metric, recorded)
    workers = arguments.workers or _at_once(view) or _AT_ONCE
    asked = Question(rule, metric, goal, objective, workers, unit)
    found = simulate(recorded, rule, workers=workers, order=_order(view))
    if arguments.json:
        output.show_json(as_json(view, asked, found))
    else:
        output.say(*_lines(view, asked, found))
    return ExitCode.OK


def _read(view: SweepView) -> dict[int, MetricFile]:
    files = {}
    for trial in view.trials:
        path = metrics_path(view, trial.number)
        file = files[trial.number] = MetricFile(path, derived=view.sweep.derived)
        read_whole(file)
    return files


def _judged(
    view: SweepView, files: Mapping[int, MetricFile], metric: str | None, goal: Goal | None
) -> tuple[str, Goal, Objective]:
    objective = view.sweep.objective
    if objective is None:
        if metric is None:
            raise UsageError("the sweep names no metric", hint="add --metric NAME")
        objective = Objective(metric, goal or "minimize")
    name = metric or objective.metric
    known = sorted({one for file in files.values() for one in file.metrics})
    if find(name, known) is None:
        close = near(name, known)
        hint = f"did you mean {visible(close[0])!r}?" if close else None
        listed = ", ".join(visible(one, limit=60) for one in known[:12]) or "nothing"
        raise UsageError(f"no trial logged {visible(name)!r}", hint=hint or f"logged: {listed}")
    default: Goal = objective.goal if same(name, objective.metric) else "minimize"
    return name, goal or default, objective


def record(
    view: SweepView,
    files: Mapping[int, MetricFile],
    rule: Rule,
    metric: str,
    goal: Goal,
    objective: Objective,
) -> tuple[Recorded, str]:
    """The curves of every trial over what the rule counts in, and the unit of their costs."""
    curves, finals, costs = {}, {}, {}
    for trial in view.trials:
        file = files[trial.number]
        positions, values = curve(file, metric, rule.resource)
        if not positions:
            continue
        curves[trial.number] = Curve(positions, values)
        began = trial.attempts[0].started_at if len(trial.attempts) == 1 else None
        took = seconds(file, metric, values, began) if len(trial.attempts) < 2 else None
        if took is not None and is_rising(took):
            costs[trial.number] = took
        name = find(objective.metric, file.metrics)
        if trial.state == "done" and name is not None:
            final = reduce(file.metrics[name], objective)
            if final is not None:
                finals[trial.number] = final
    clocked = len(costs) == len(curves)
    spared = [trial.number for trial in view.trials if _is_spared(trial)]
    found = Recorded(
        curves, goal, finals, objective.goal, costs if clocked else {}, frozenset(spared)
    )
    return found, "second" if clocked else "report"


def _is_spared(trial: Trial) -> bool:
    return trial.origin == "baseline" or trial.pinned is not None


def _check(rule: Rule, metric: str, recorded: Recorded) -> None:
    """Raises UsageError where such a rule says nothing about these curves."""
    if not recorded.curves:
        beside = f" with {rule.resource}" if rule.resource in ("progress", "epoch") else ""
        raise UsageError(
            f"no trial reported {visible(metric)}{beside}: there are no curves to replay",
            hint="count in another resource, for example {…, resource: report}" if beside else None,
        )
    end = max(one.positions[-1] for one in recorded.curves.values())
    stopper = stopper_for(rule)
    plan = stopper.plan(end)
    if not plan.points and plan.complete:
        first = next(iter(stopper.plan(1e18).points), None)
        beyond = "" if first is None else f"its first kill point is {rule.resource} {first:g}; "
        what = f"{rule_name(rule)} can never stop a trial here: {beyond}"
        raise UsageError(f"{what}the longest curve ends at {rule.resource} {end:g}")


def _order(view: SweepView) -> list[int]:
    """The trials as they were launched."""
    at = {t.number: t.attempts[0].launched_at for t in view.trials if t.attempts}
    return sorted(
        (trial.number for trial in view.trials), key=lambda n: (at.get(n, float("inf")), n)
    )


def _at_once(view: SweepView) -> int | None:
    """How many trials ran at once at most; None: nobody wrote it down."""
    ends = [
        edge
        for trial in view.trials
        for one in trial.attempts
        if one.started_at is not None and one.ended_at is not None
        for edge in ((one.started_at, 1), (one.ended_at, -1))
    ]
    most = now = 0
    for _, step in sorted(ends):
        now += step
        most = max(most, now)
    return most or None


def own_stops(view: SweepView) -> list[int]:
    """Whom early stopping ended while the sweep ran."""
    return [trial.number for trial in view.trials if trial.state == "pruned"]


def as_json(view: SweepView, asked: Question, found: Replay) -> dict[str, object]:
    own = view.sweep.stopper
    return {
        "sweep": view.sweep.name,
        "rule": msgspec.to_builtins(asked.rule),
        "resource": asked.rule.resource,
        "metric": {"name": asked.metric, "goal": asked.goal},
        "objective": {"name": asked.objective.metric, "goal": asked.objective.goal},
        "workers": asked.workers,
        "compute": {
            "unit": asked.unit,
            "spent": found.spent,
            "whole": found.whole,
            "saved": found.saved,
        },
        "best": None if found.best is None else trial_id(found.best),
        "kept": None if found.kept is None else trial_id(found.kept),
        "regret": found.regret,
        "rank": found.rank,
        "stopped": [_stop_json(one) for one in found.stops],
        "survivors": [
            {"trial": trial_id(one.trial), "final": one.final} for one in found.survivors
        ],
        "own": {
            "rule": None if own is None else rule_name(own),
            "stopped": [trial_id(number) for number in own_stops(view)],
        },
    }


def _stop_json(stop: Stop) -> dict[str, object]:
    one = stop.verdict
    return {
        "trial": trial_id(one.trial),
        "kill_point": one.kill_point,
        "position": one.position,
        "value": one.value,
        "threshold": one.threshold,
        "rank": one.rank,
        "of": one.of,
        "others": [trial_id(number) for number in one.others[:16]],
        "final": stop.final,
        "spent": stop.spent,
        "whole": stop.whole,
    }


def _lines(view: SweepView, asked: Question, found: Replay) -> list[str]:
    many = len(found.stops) + len(found.survivors)
    name, metric = rule_name(asked.rule), visible(asked.metric, limit=60)
    head = f"{name} on {metric}: {len(found.stops)} of {words.several(many, 'trial')} stopped"
    lines = [output.paint(head, "strong")]
    lines.append(
        f"compute {_amounts(found, asked.unit)}, {found.saved:.0%} saved; {asked.workers} at once"
    )
    lines += [output.prose(text, indent="  ") for text in (*_regret(asked, found),)]
    if found.stops:
        lines += ["", *_table(asked, found)]
    notes = _notes(view, found)
    return [*lines, "", *(output.prose(text, indent="  ") for text in notes)] if notes else lines


def _amounts(found: Replay, unit: str) -> str:
    if unit == "second":
        return f"{words.duration(found.spent)} of {words.duration(found.whole)}"
    return f"{found.spent:,.0f} of {found.whole:,.0f} reports"


def _regret(asked: Question, found: Replay) -> list[str]:
    if found.best is None:
        return ["no trial came to its end: what stopping costs is not known"]
    best = trial_id(found.best)
    if found.kept is None:
        return [f"{best}, the best of all, would have been stopped, and with it every trial whose "
                "end is known"]  # fmt: skip
    if found.kept == found.best:
        return [f"{best}, the best of all, survives: no regret"]
    name = visible(asked.objective.metric, limit=60)
    return [
        f"{best}, the best of all, would have been stopped; the best survivor is "
        f"{trial_id(found.kept)}, rank {found.rank}: regret {found.regret:.4g} in {name}"
    ]


def _table(asked: Question, found: Replay) -> list[str]:
    final = visible(asked.objective.metric, limit=24)
    headers = ("trial", f"at {asked.rule.resource}", "value", "limit", "rank", f"final {final}")
    rows = [
        (
            trial_id(stop.verdict.trial),
            f"{stop.verdict.kill_point:g}",
            f"{stop.verdict.value:.5g}",
            f"{stop.verdict.threshold:.5g}",
            f"{stop.verdict.rank} of {stop.verdict.of}",
            "unknown" if stop.final is None else f"{stop.final:.5g}",
        )
        for stop in found.stops
    ]
    return tables.table(headers, rows, width=output.width(), right=(1, 2, 3, 5))


def _notes(view: SweepView, found: Replay) -> list[str]:
    notes = []
    own = own_stops(view)
    if view.sweep.stopper is not None:
        too = len(set(own) & {stop.verdict.trial for stop in found.stops})
        both = f", {too} of them are stopped here too" if own else ""
        notes.append(
            f"the sweep's own rule, {rule_name(view.sweep.stopper)}, stopped {len(own)}{both}"
        )
    cut = [one.trial for one in found.survivors if one.final is None]
    if cut:
        shown = ", ".join(trial_id(number) for number in sorted(cut)[:8])
        more = f" and {len(cut) - 8} more" if len(cut) > 8 else ""
        notes.append(
            f"{shown}{more} did not come to a proper end in the record: what they would have "
            "become is not known"
        )
    return notes
