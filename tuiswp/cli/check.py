"""`tuiswp check`: read a sweep file, show what it would do, and say what is doubtful. Runs nothing.

Exit code 2 if the file is wrong or its program cannot be started.
"""

import os
from argparse import ArgumentParser, Namespace
from collections.abc import Iterator
from pathlib import Path

import msgspec

from tuiswp.analysis import tables, words
from tuiswp.analysis.enough import rule_lines
from tuiswp.analysis.findings import Diagnosis
from tuiswp.analysis.model_checks import safe_text
from tuiswp.analysis.optimum import objective_text
from tuiswp.analysis.silence import rule_text as silence_rule
from tuiswp.analysis.space_checks import warnings_before
from tuiswp.analysis.trained import model_of
from tuiswp.cli import arguments as args
from tuiswp.cli import otherwise, output
from tuiswp.controller import range_test
from tuiswp.controller.client import SweepReader
from tuiswp.controller.directory import SweepDirectory
from tuiswp.controller.frozen import current_sweep
from tuiswp.controller.opening import SWEEPS, SweepText
from tuiswp.controller.priors import gather
from tuiswp.controller.steered import edits
from tuiswp.errors import ExitCode, SpecError, UsageError
from tuiswp.expression.checks import columns
from tuiswp.gpu.host import cpu_slots
from tuiswp.gpu.placement import capacity
from tuiswp.gpu.probe import read_once
from tuiswp.metrics.derived import tree_of
from tuiswp.model.events import PhaseStarted
from tuiswp.model.ids import trial_id
from tuiswp.model.space import Parameter, Params
from tuiswp.model.stopper import Rule
from tuiswp.model.sweep import Sweep
from tuiswp.search.keys import point_key
from tuiswp.search.phase_plan import all_trials, phase_trials
from tuiswp.search.samplers.default import sampler_text
from tuiswp.search.stoppers.words import before_launch, never_fires, plan_lines, plan_of, rule_name
from tuiswp.search.suggest import first_params, learns, next_point, planned_trials, suggest
from tuiswp.spec.census import Census, take
from tuiswp.spec.command import CommandContext, default_interpreter, expand
from tuiswp.spec.constraints import rule_text
from tuiswp.spec.environment import environment_warnings, shown_environ, unset
from tuiswp.spec.names import safe_name
from tuiswp.spec.notify import notify_warnings
from tuiswp.spec.overriding import Overrides
from tuiswp.spec.params import baseline_params, describe, point_params, swept
from tuiswp.spec.phase_words import phase_words
from tuiswp.spec.phased import in_phase, measure, nothing_allowed, parameters_in, whole
from tuiswp.spec.program import program_problem, program_warnings
from tuiswp.spec.scale import is_logarithmic, is_numeric
from tuiswp.text import shell_line, visible

SHOWN = 3
EDITED = "edited: "
GPU_DEADLINE_S = 2.0


class Trial(msgspec.Struct, frozen=True):
    """One of the first trials, as it would be started."""

    id: str
    params: Params
    argv: tuple[str, ...]
    baseline: bool = False


class Plan(msgspec.Struct, frozen=True):
    """`trials`: None if it runs until stopped. `parallel` 0: a trial can never run here."""

    sweep: Sweep
    trials: int | None
    parallel: int
    place: str
    first: tuple[Trial, ...]
    problem: SpecError | None
    doubts: tuple[str, ...]
    findings: tuple[Diagnosis, ...]
    priors: tuple[str, ...] = ()

    @property
    def waves(self) -> int | None:
        if self.trials is None or self.parallel == 0:
            return None
        return -(-self.trials // self.parallel)


def add_arguments(parser: ArgumentParser, name: str) -> None:
    parser.add_argument("sweep", metavar="SWEEP", help="a sweep file, or a sweep directory")
    parser.add_argument("--json", action="store_true", help="print one object")
    otherwise.add_arguments(parser)


def run(arguments: Namespace) -> int:
    plan = make_plan(*_load(arguments.sweep, otherwise.given(arguments)))
    if arguments.json:
        output.show_json(as_json(plan))
    else:
        output.say(*_lines(plan))
    if plan.problem is not None:
        output.fail(plan.problem)
        return ExitCode.USAGE
    return ExitCode.OK


def _load(given: str, overrides: Overrides | None) -> tuple[Sweep, Path]:
    """The sweep, and the directory it has or would have. Raises SpecErrors."""
    path = Path(given)
    if path.is_dir() or (not path.exists() and path.suffix not in args.FILES):
        place = SweepDirectory(args.find_sweep(given))
        if overrides:
            raise UsageError(
                "--count, --metric, --goal and --fix go with a sweep file", where=visible(given)
            )
        if not place.exists():
            raise UsageError("is a folder of runs: there is no sweep file to check", where=given)
        state = SweepReader(place.root).refresh(with_metrics=False).state
        sweep = current_sweep(place, state)
        notes = (*sweep.notes, *(f"{EDITED}{line}" for line in edits(state)))
        return msgspec.structs.replace(sweep, notes=notes), place.root
    sweep = otherwise.applied(SweepText(path), overrides).sweep()
    return sweep, (SWEEPS / safe_name(sweep.name)).absolute()


def make_plan(sweep: Sweep, root: Path) -> Plan:
    """What a run of `sweep` in `root` would do on this machine now."""
    environ = {**os.environ, **sweep.run.env}
    parallel, place = _capacity(sweep)
    priors, missing = _priors(sweep)
    return Plan(
        sweep,
        all_trials(sweep) if sweep.phases else planned_trials(sweep),
        parallel,
        place,
        tuple(_first(sweep, root)),
        program_problem(sweep, environ) or never_fires(sweep) or nothing_allowed(sweep) or missing,
        (
            *program_warnings(sweep, environ),
            *notify_warnings(sweep, environ),
            *environment_warnings(sweep),
        ),
        tuple(warnings_before(whole(sweep))),
        priors,
    )


def _priors(sweep: Sweep) -> tuple[tuple[str, ...], SpecError | None]:
    """What of each earlier sweep is told and a range test suggests, or why it cannot be."""
    try:
        notes = gather(sweep).notes
        if sweep.points_from is not None:
            notes = (*notes, range_test.note(sweep, range_test.gather(sweep)[0]))
        return notes, None
    except SpecError as fault:
        return (), fault


def _first(sweep: Sweep, root: Path) -> Iterator[Trial]:
    """The first trials, in the order and with the numbers a new sweep gives them.

    None of a sweep that was edited: its first trials were those of its file.
    """
    if any(note.startswith(EDITED) for note in sweep.notes):
        return
    points: list[tuple[Params, bool]] = []
    sweep = _first_phase(sweep)
    baseline = baseline_params(sweep)
    points += [(params, params == baseline) for params in first_params(sweep)]
    tried = {point_key(params) for params, _ in points}
    most = SHOWN if sweep.run_cap is None else min(SHOWN, sweep.run_cap)
    points += [(params, False) for params in _proposed(sweep, most - len(points), tried)]
    environ = shown_environ({**os.environ, **sweep.run.env})
    for number, (params, is_baseline) in enumerate(points[:most]):
        name = trial_id(number)
        context = CommandContext(
            trial_dir=str(root / "trials" / name),
            sweep_id=SweepDirectory(root).id,
            run_id=f"{SweepDirectory(root).id}-{name}",
            interpreter=default_interpreter(environ),
            environ=environ,
        )
        yield Trial(name, params, expand(sweep, params, context).argv, is_baseline)


def _first_phase(sweep: Sweep) -> Sweep:
    """The sweep as its first phase searches it."""
    if not sweep.phases:
        return sweep
    first = sweep.phases[0]
    parameters = parameters_in(sweep, first, baseline_params(sweep))
    return in_phase(sweep, PhaseStarted(0, first.name, parameters))


def _proposed(sweep: Sweep, count: int, tried: set[str]) -> list[Params]:
    """The first points of the search, before any result is known."""
    if sweep.priors:
        return []  # the first are made of what earlier sweeps tell
    if learns(sweep):
        from tuiswp.search.samplers.first import first_points

        return first_points(sweep, count, tried)
    proposer, index = suggest(sweep), 0
    found: list[Params] = []
    while len(found) < count and (point := next_point(proposer, index, tried)) is not None:
        tried.add(point.key)
        index = point.index + 1
        found.append(point.params)
    return found


def parallel_text(sweep: Sweep) -> str:
    """`2 at once in CPU slots`: for the first lines of a run."""
    return _capacity(sweep)[1]


def _capacity(sweep: Sweep) -> tuple[int, str]:
    """How many trials can run at once here, and in words."""
    inventory = read_once(GPU_DEADLINE_S)
    slots = cpu_slots(sweep.resources)
    most = capacity(sweep.resources, inventory, slots)
    if inventory.source == "none" or sweep.resources.gpus_per_trial < 1:
        gpus = "no GPU here: " if inventory.source == "none" else ""
        return most, f"{gpus}{words.several(most, 'trial')} at once in CPU slots"
    if inventory.problem is not None:
        return most, f"the GPUs cannot be read now ({visible(inventory.problem)})"
    found = words.several(len(inventory.gpus), "GPU")
    each = words.several(sweep.resources.gpus_per_trial, "GPU")
    if most == 0:
        return 0, f"a trial needs {each}, and what {found} can give is not enough: none can run"
    simulated = " (simulated)" if inventory.simulated else ""
    return most, f"{words.several(most, 'trial')} at once on {found}{simulated}, {each} for each"


def as_json(plan: Plan) -> dict[str, object]:
    sweep = plan.sweep
    objective = sweep.objective
    return {
        "sweep": sweep.name,
        "file": sweep.source,
        "method": sweep.method,
        "sampler": sampler_text(sweep),
        "metric": None
        if objective is None
        else {
            "name": objective.metric,
            "goal": objective.goal,
            "reduce": objective.reduce,
            "window": objective.window,
            "target": objective.target,
        },
        "derived": [
            {"name": d.name, "expr": d.expr, "columns": list(columns(tree_of(d.expr)))}
            for d in sweep.derived
        ],
        "parameters": [
            {
                "name": one.name,
                "path": list(one.path),
                "kind": one.kind,
                "axis": _axis(one),
                "values": describe(one),
                "swept": one in swept(sweep),
                "line": one.line,
            }
            for one in sweep.parameters
        ],
        "rules": msgspec.to_builtins(_census(sweep)),
        "early_stop": _stopper_json(sweep, sweep.stopper),
        "phases": [
            {
                "name": phase.name,
                "trials": phase_trials(sweep, index),
                "early_stop": _stopper_json(sweep, phase.stopper or sweep.stopper),
            }
            for index, phase in enumerate(sweep.phases)
        ],
        "stop": msgspec.to_builtins(sweep.stop),
        "hang": msgspec.to_builtins(sweep.hang),
        "baseline": baseline_params(sweep),
        "points": list(point_params(sweep)),
        "prior": list(plan.priors),
        "trials": plan.trials,
        "parallel": plan.parallel,
        "waves": plan.waves,
        "place": plan.place,
        "env_from": [
            {"name": name, "from": source, "set": source not in unset(sweep.run, os.environ)}
            for name, source in sweep.run.env_from.items()
        ],
        "first": [
            {"id": t.id, "params": t.params, "argv": list(t.argv), "baseline": t.baseline}
            for t in plan.first
        ],
        "notes": list(sweep.notes),
        "problem": None if plan.problem is None else str(plan.problem),
        "doubts": list(plan.doubts),
        "warnings": [msgspec.to_builtins(one) for one in plan.findings],
    }


def _lines(plan: Plan) -> list[str]:
    sweep = plan.sweep
    lines = [f"{output.paint(visible(sweep.name), 'strong')}  {_method(sweep)}  {_goal(sweep)}"]
    if sweep.description:
        lines.append(visible(sweep.description, limit=200))
    lines += [
        "",
        *_parameters(sweep),
        "",
        *_amount(plan),
        *_stopping(sweep),
        *_enough(sweep),
        output.prose(silence_rule(sweep.hang), indent="  "),
        *_told(sweep),
        *_secrets(sweep),
        *_phases(plan),
        "",
    ]
    for metric in sweep.derived:
        over = visible(", ".join(columns(tree_of(metric.expr))), limit=200)
        lines.append(f"{visible(metric.name)} = {visible(metric.expr)}")
        lines += [output.paint(f"  computed as each trial runs, over {over}", "note"), ""]
    for trial in plan.first:
        name = trial.id
        if trial.baseline:
            name += ", the baseline"
        elif trial.params in point_params(sweep):
            name += ", a point of your own"
        lines.append(f"{name}:")
        lines.append(f"  {shell_line(trial.argv)}")
    if plan.first:
        lines.append(f"  in {visible(sweep.run.cwd)}")
    notes = [
        output.prose(f"note: {visible(note)}", indent="  ") for note in (*sweep.notes, *plan.doubts)
    ]
    for one in plan.findings:
        text = output.prose(f"{one.severity} {one.code}: {one.message}", indent="  ")
        notes.append(output.paint(text, "note"))
        notes.append(output.prose(f"  {one.suggestion}", indent="  "))
    return [*lines, "", *notes] if notes else lines


def _told(sweep: Sweep) -> list[str]:
    """Whom a sweep tells what."""
    if sweep.notify is None:
        return []
    on = ", ".join(sweep.notify.events)
    command = shell_line(sweep.notify.command)
    bell = " and the screen rings" if sweep.notify.bell else ""
    return [f"on {on}: {command}{bell}" if command else f"on {on}: the screen rings"]


def _secrets(sweep: Sweep) -> list[str]:
    """What `env_from` names, and whether this shell has it; never what it is."""
    given = sweep.run.env_from
    if not given:
        return []
    missing = unset(sweep.run, os.environ)
    names = [
        f"{name if name == source else f'{name} (from {source})'}"
        + (": not set in this shell" if source in missing else "")
        for name, source in given.items()
    ]
    return [f"the training is given {', '.join(names)}"]


def _axis(parameter: Parameter) -> str | None:
    """`log` or `linear`, as the curve will be drawn; None for what is not a number."""
    if not is_numeric(parameter):
        return None
    return "log" if is_logarithmic(parameter) else "linear"


def _method(sweep: Sweep) -> str:
    sampler = sampler_text(sweep)
    return sweep.method if sampler is None else f"{sweep.method} by {sampler}"


def _goal(sweep: Sweep) -> str:
    objective = sweep.objective
    if objective is None:
        return "no metric: nothing will be judged"
    target = "" if objective.target is None else f", ends at {objective.target:g}"
    return f"{objective.goal} {objective_text(objective)}{target}"


def _parameters(sweep: Sweep) -> list[str]:
    several = swept(sweep)
    rows = [
        (
            visible(one.name, limit=60),
            one.kind,
            describe(one).removeprefix(f"{one.kind} "),
            (_axis(one) or "") if one in several else "",
        )
        for one in sorted(sweep.parameters, key=lambda one: one not in several)
    ]
    return tables.table(("parameter", "kind", "values", "axis"), rows, width=output.width())


def _left(sweep: Sweep) -> list[str]:
    """What the rules between parameters leave of the space; nothing without rules."""
    found = _census(sweep)
    if found is None:
        return []
    rules = sweep.constraints
    shown = {f"not {expr}": expr for expr in rules.exclude}
    shown |= {rule_text(one): rule_text(one) for one in rules.when}
    shown |= {rule_text(one): rule_text(one) for one in rules.tie}
    left = f"{found.allowed:,} of {found.looked_at:,} points are left"
    if not found.complete:
        share = found.forbidden / found.looked_at
        left = f"about {share:.0%} of the points are forbidden ({found.looked_at:,} looked at)"
        if found.total is not None and planned_trials(sweep) == found.total:
            left += f"; {found.total:,} trials at most"
    lines = [f"with these rules {left}:"]
    for text, rule in shown.items():
        problem = found.problems.get(rule)
        lines.append(f"  {visible(text)}" + ("" if problem is None else f"  ({problem[1]})"))
    return lines


def _census(sweep: Sweep) -> Census | None:
    if not sweep.constraints:
        return None
    return take(sweep.parameters, sweep.constraints, grid=sweep.method == "grid")


def _stopper_json(sweep: Sweep, rule: Rule | None) -> dict[str, object] | None:
    if rule is None:
        return None
    plan = plan_of(rule, sweep.length)
    return {
        "rule": rule_name(rule),
        "resource": rule.resource,
        "kill_points": None if plan is None else list(plan.points),
        "every": None if plan is None else plan.every,
        "length": sweep.length,
    }


def _stopping(sweep: Sweep) -> list[str]:
    """Every kill point before anything runs, in all units that can be told."""
    first, *rest = before_launch(sweep) or [""]
    return [first, *(output.prose(line, indent="  ") for line in rest)] if first else []


def _phases(plan: Plan) -> list[str]:
    """Every phase with what it searches, how many trials it has and how it ends."""
    if not plan.sweep.phases:
        return []
    lines = ["", "in phases; each begins at the best so far:"]
    for index, phase in enumerate(plan.sweep.phases):
        head = f"{index + 1}. {visible(phase.name, limit=40)}: "
        trials = phase_trials(plan.sweep, index)
        many = "until its time is spent" if trials is None else words.several(trials, "trial")
        if trials is not None and plan.parallel:
            many += f", {words.several(-(-trials // plan.parallel), 'wave')}"
        text = f"{head}{'; '.join([*phase_words(plan.sweep, phase), many])}"
        lines.append(output.prose(text, indent="     "))
        if phase.stopper is not None:
            points = f"   {rule_name(phase.stopper)} looks at "
            points += " = ".join(plan_lines(phase.stopper, plan.sweep.length))
            lines.append(output.prose(points, indent="     "))
    held = measure(plan.sweep)
    if held:
        names = visible(", ".join(one.name for one in held), limit=100)
        text = f"trials that differ in {names} are not compared: the newest phase decides"
        lines.append(output.prose(text, indent="  "))
    return lines


def _enough(sweep: Sweep) -> list[str]:
    """The rules that end the sweep before its points do."""
    rules = rule_lines(sweep)
    if not rules:
        return []
    how = "running trials are ended too" if sweep.stop.now else "running trials come to their end"
    return [f"the sweep stops at the first of these, and {how}:", *(f"  {one}" for one in rules)]


def _amount(plan: Plan) -> list[str]:
    many = "trials until it is stopped" if plan.trials is None else None
    many = many or words.several(plan.trials or 0, "trial")
    waves = "" if plan.waves is None else f", {words.several(plan.waves, 'wave')}"
    baseline = baseline_params(plan.sweep)
    lines = [f"{many}; {plan.place}{waves}"]
    lines += _left(plan.sweep)
    lines += [f"{visible(note)}" for note in plan.priors]
    if plan.sweep.points:
        many = words.several(len(plan.sweep.points), "point")
        lines.append(f"{many} of your own first{' after the baseline' if baseline else ''}")
    if baseline is not None:  # without one, the warning `no-baseline` says so
        shown = words.assignments(baseline, swept(plan.sweep))
        lines.append(f"the baseline is {trial_id(0)}: {shown}")
    safe = safe_text(model_of(plan.sweep))
    return lines if safe is None else [*lines, safe]
