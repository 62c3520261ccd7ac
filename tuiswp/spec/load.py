"""A sweep file → a Sweep. Every fault of a file is found in one pass and raised together.

The grammar is W&B's (`wandb/sweeps`, config/schema.json) plus one key of ours, `tuiswp:`. What only
the W&B service understands is accepted and noted. Reads one file, changes nothing.
"""

import os
import shlex
import stat
from collections.abc import Sequence
from pathlib import Path
from typing import cast, get_args

from tuiswp.errors import SpecError, SpecErrors
from tuiswp.model.space import Constraints, Parameter, Params
from tuiswp.model.stopper import Rule
from tuiswp.model.sweep import DerivedMetric, Goal, Method, Objective, Phase, Run, Sampler, Sweep
from tuiswp.spec import own, start
from tuiswp.spec.command import DEFAULT_COMMAND, examine
from tuiswp.spec.constraints import name_of
from tuiswp.spec.derived import OBJECTIVE, ordered, read_derived
from tuiswp.spec.distributions import grid_count, support_count
from tuiswp.spec.early import read_rule
from tuiswp.spec.environment import read_environment
from tuiswp.spec.hang import read_hang
from tuiswp.spec.lookalike import something_else, whole_file
from tuiswp.spec.notify import read_notify
from tuiswp.spec.parameters import read_parameters
from tuiswp.spec.params import near_miss
from tuiswp.spec.phases import read_phases
from tuiswp.spec.reader import Reader, Section, kind_of
from tuiswp.spec.rules import read_rules
from tuiswp.spec.stopping import read_stop
from tuiswp.spec.tree import MAX_BYTES, Items, Keyed, Leaf, decode, parse
from tuiswp.text import visible

MAX_GRID = 100_000
_FAULTS_AT_MOST = 50

_ELSEWHERE = (
    "project", "entity", "controller", "apiVersion", "kind", "job", "image_uri", "scheduler",
)  # fmt: skip
_KEYS = (
    "program", "method", "metric", "metrics", "parameters", "command", "run_cap",
    "early_terminate", "name", "description", *_ELSEWHERE, "tuiswp",
)  # fmt: skip
_METRIC_KEYS = ("name", "goal", "target", "impute", "impute_while_running")
_IMPUTE = ("latest", "best", "worst")
_SYNONYMS = {
    "count": "write run_cap", "max_runs": "write run_cap", "num_trials": "write run_cap",
    "script": "write program", "params": "write parameters", "objective": "write metric",
    "early_stopping": "write early_terminate", "args": "write command",
    **{key: f"write it under `tuiswp:` as {key}" for key in own.OWN_KEYS if key != "objective"},
}  # fmt: skip


def load(
    path: Path,
    *,
    cwd: Path | None = None,
    shown_as: str | None = None,
    unnamed: str | None = None,
) -> Sweep:
    """Read the sweep file at `path`; `cwd` is where trials run (default: the current directory).

    `shown_as` names the file in messages (default: the path as given); `unnamed` is the sweep's
    name if the file gives none (default: the file's stem). Raises SpecErrors.
    """
    shown = visible(str(path) if shown_as is None else shown_as, limit=200)
    data = read_file(path, shown_as=shown)
    where = Path.cwd() if cwd is None else cwd
    name = path.stem if unnamed is None else unnamed
    return load_bytes(data, shown_as=shown, name=name, cwd=where, beside=path.parent)


def read_file(path: Path, *, shown_as: str | None = None) -> bytes:
    """What `load` reads: the bytes of the sweep file at `path`. Raises SpecErrors."""
    shown = visible(str(path), limit=200) if shown_as is None else shown_as
    try:
        return _read(path, shown)
    except SpecError as fault:
        raise SpecErrors([fault]) from None


def _read(path: Path, shown: str) -> bytes:
    """The bytes of a regular file, never more than the limit."""
    try:
        found = path.stat()
        if stat.S_ISDIR(found.st_mode):
            raise SpecError("is a directory, not a sweep file", where=shown)
        if not stat.S_ISREG(found.st_mode):
            raise SpecError("is not a regular file", where=shown, hint="write it to a file first")
        if found.st_size > MAX_BYTES:
            raise SpecError(
                f"is {found.st_size:,} bytes; a sweep file has at most {MAX_BYTES:,}",
                where=shown,
                hint="is this a data file?",
            )
        with path.open("rb") as file:
            return file.read(MAX_BYTES + 1)
    except FileNotFoundError:
        raise SpecError("does not exist", where=shown, hint=_others(path)) from None
    except OSError as fault:
        reason = os.strerror(fault.errno) if fault.errno else str(fault)
        raise SpecError(f"cannot be read: {reason}", where=shown) from None
    except ValueError:  # NUL in the name
        raise SpecError("is no file name", where=shown) from None


def _others(path: Path) -> str | None:
    try:
        names = [p.name for p in path.parent.iterdir() if p.suffix in (".yaml", ".yml", ".json")]
    except OSError:
        return "the folder does not exist either" if not path.parent.exists() else None
    if not names:
        return None
    hint = near_miss(path.name, names[:200])
    return hint if hint.startswith("did") else f"here: {hint.removeprefix('known: ')}"


def load_bytes(data: bytes, *, shown_as: str, name: str, cwd: Path, beside: Path) -> Sweep:
    """The Sweep in `data`; `name` if the file gives none, `beside` is the file's folder.

    Raises SpecErrors with every fault found.
    """
    reader = Reader(shown_as)
    try:
        root, faults = parse(decode(data, shown_as), shown_as)
    except SpecErrors:
        raise
    except SpecError as fault:
        raise SpecErrors([fault]) from None
    reader.faults.extend(faults)
    other = something_else(root) if isinstance(root, Keyed) else whole_file(root)
    if other is not None or not isinstance(root, Keyed):
        what, hint = other or ("is not a sweep file", None)
        raise SpecErrors([*faults, SpecError(what, where=shown_as, hint=hint)])
    sweep = _Loader(reader, root).sweep(name, cwd.absolute(), beside.absolute())
    if reader.faults:
        raise SpecErrors(_shortened(sorted(reader.faults, key=reader.line_of), shown_as))
    return sweep


def _shortened(faults: list[SpecError], source: str) -> list[SpecError]:
    """A file of another kind can have thousands of faults; nobody reads them."""
    more = len(faults) - _FAULTS_AT_MOST
    if more <= 1:
        return faults
    return [*faults[:_FAULTS_AT_MOST], SpecError(f"and {more:,} more faults", where=source)]


class _Loader:
    """One pass over the top level."""

    def __init__(self, reader: Reader, root: Keyed) -> None:
        self.reader, self.root = reader, root
        self.top = Section(reader, root, ())
        self.ours = self.top.section("tuiswp") or Section(reader, own.spare_shape(root), ())

    def sweep(self, name: str, cwd: Path, beside: Path) -> Sweep:
        top, reader = self.top, self.reader
        top.unknown(_KEYS, _SYNONYMS)
        self.ours.unknown(own.OWN_KEYS)
        method = self.method()
        run_cap = top.integer("run_cap", minimum=1)
        objective, derived = self.judged()
        before = len(reader.faults)
        parameters = self.parameters()
        complete = len(reader.faults) == before
        rules = self.rules(method, parameters) if complete else Constraints()
        run = self.run(parameters, rules, cwd, beside)
        stopper = self.stopper()
        self.elsewhere()
        baseline = start.read_baseline(self.ours, parameters, complete, rules)
        phases = self.phases(parameters, method, baseline, objective) if complete else ()
        seed, complete_at = self.ours.integer("seed"), self.ours.number("complete_at", maximum=1)
        if complete_at is not None and complete_at <= 0:
            self.ours.fault("complete_at", "must be above 0 and at most 1")
        if complete and not phases:  # a phase is counted for itself
            self.size(method, parameters, run_cap)
        return Sweep(
            name=top.text("name") or name,
            method=cast(Method, method if method in ("grid", "random", "bayes") else "random"),
            parameters=parameters,
            objective=objective,
            resources=own.read_resources(self.ours),
            run=run,
            seed=seed or 0,
            run_cap=run_cap,
            baseline=baseline,
            points=start.read_points(self.ours, parameters, complete, rules),
            points_from=start.read_points_from(self.ours, cwd),
            priors=start.read_priors(self.ours, cwd, method == "bayes"),
            complete_at=0.98 if complete_at is None else float(complete_at),
            sampler=self.sampler(method),
            stopper=stopper,
            phases=phases,
            stop=read_stop(self.ours, judged=objective is not None),
            length=own.read_length(self.ours),
            description=top.text("description"),
            notes=reader.closing_notes(),
            source=reader.source,
            lines=dict(self.root.lines),
            derived=derived,
            constraints=rules,
            model_size=own.read_model_size(self.ours),
            tuning=own.read_tuning(self.ours),
            notify=read_notify(self.ours),
            hang=read_hang(self.ours),
        )

    def method(self) -> str | None:
        top = self.top
        if "method" not in top:
            hint = "write method: grid, random or bayes"
            self.reader.fault(top.line("method"), ("method",), "is missing", hint)
            return None
        hints = {"bayesian": "write bayes", "tpe": "write bayes", "optuna": "write bayes"}
        method = top.choice("method", ("grid", "random", "bayes", "custom"), hints)
        if method == "custom":
            top.fault("method", "custom runs on the W&B service only", "use grid or random")
        if method == "bayes" and "metric" not in top:
            top.fault("method", "bayes needs a metric", "add metric: {name: …, goal: …}")
        return method

    def sampler(self, method: str | None) -> Sampler | None:
        hints = {"bayes": "write tpe or gp", "sobol": "write qmc", "cma": "write cmaes",
                 "optuna": "write tpe", "random": "write method: random without a sampler",
                 "grid": "write method: grid without a sampler"}  # fmt: skip
        name = self.ours.choice("sampler", get_args(Sampler), hints)
        if name is None:
            return None
        if method == "grid" or (method == "random" and name != "qmc"):
            hint = "write method: bayes" + ("" if name != "qmc" else " or random")
            self.ours.fault("sampler", f"{name} does not go with method {method}", hint)
        return cast(Sampler, name)

    def judged(self) -> tuple[Objective | None, tuple[DerivedMetric, ...]]:
        """What decides, and the metrics of the person's own in the order they build on."""
        rule = own.read_rule(self.ours)
        derived = read_derived(self.ours)
        objective = self.metric(rule)
        if rule is not None and rule.computed is not None:
            if OBJECTIVE in derived:
                self.ours.fault("metrics", "objective is what tuiswp.objective.expr is called")
            derived[OBJECTIVE] = rule.computed
            objective = self.computed(rule, objective)
        elif objective is not None and objective.metric in derived:
            self.reader.note(
                f"metric.name is computed here (tuiswp.metrics.{visible(objective.metric)}); "
                "W&B would need it logged"
            )
        return objective, ordered(derived, self.ours)

    def computed(self, rule: own.Rule, metric: Objective | None) -> Objective:
        """The objective of `tuiswp.objective: {expr: …}`, whatever `metric` names."""
        if metric is not None:
            self.reader.note(
                f"tuiswp.objective.expr decides here; metric.name ({visible(metric.metric)}) is "
                "what W&B would use"
            )
        elif rule.goal is None:
            self.reader.note("tuiswp.objective.goal is not given: minimize")
        goal = rule.goal or ("minimize" if metric is None else metric.goal)
        return Objective(OBJECTIVE, goal, rule.reduce, rule.window, rule.target)

    def metric(self, rule: own.Rule | None) -> Objective | None:
        top = self.top
        if "metrics" in top:
            hint = "name the one that decides under `metric:`"
            top.fault("metrics", "several metrics need W&B's method custom", hint)
        node = top.get("metric")
        if node is None:
            if rule is not None and rule.computed is None:
                self.ours.fault("objective", "reduces metric.name, and there is no metric")
            return None
        if isinstance(node, Leaf):
            hint = f"write metric: {{name: {visible(node.text, limit=40)}, goal: minimize}}"
            top.fault("metric", f"must be a mapping, not {kind_of(node)}", hint)
            return None
        section = top.section("metric")
        if section is None:
            return None
        section.unknown(_METRIC_KEYS)
        if "name" not in section:
            top.fault("metric", "name is missing", "write name: loss")
        name = section.text("name")
        goal = section.choice("goal", ("minimize", "maximize"), own.GOALS)
        if "goal" not in section:
            self.reader.note("metric.goal is not given: minimize, as in W&B")
        target = section.number("target")
        section.choice("impute", _IMPUTE)
        section.choice("impute_while_running", (*_IMPUTE, "false"))
        if not name:
            return None
        rule = rule or own.Rule()
        number = None if target is None else float(target)
        return Objective(name, cast(Goal, goal or "minimize"), rule.reduce, rule.window, number)

    def stopper(self) -> Rule | None:
        early, ours = self.top.section("early_terminate"), self.ours.section("early_stop")
        for section, key in ((self.top, "early_terminate"), (self.ours, "early_stop")):
            if key in section and "metric" not in self.top:
                section.fault(key, "needs a metric", "add metric: {name: …, goal: …}")
        return read_rule(early, ours)

    def phases(
        self,
        parameters: Sequence[Parameter],
        method: str | None,
        baseline: Params | None,
        objective: Objective | None,
    ) -> tuple[Phase, ...]:
        return read_phases(
            self.ours,
            parameters,
            method=method,
            based=baseline is not None,
            judged=objective is not None,
        )

    def parameters(self) -> tuple[Parameter, ...]:
        node = self.root.entries.get("parameters")
        if node is None:
            hint = "write parameters: {lr: {values: [1e-4, 1e-3]}}"
            self.reader.fault(self.root.line, ("parameters",), "is missing", hint)
            return ()
        return tuple(read_parameters(self.reader, node, ("parameters",)))

    def rules(self, method: str | None, parameters: Sequence[Parameter]) -> Constraints:
        """The rules between parameters. A grid that cannot be one is told elsewhere."""
        grid = method == "grid" and None not in [grid_count(p.distribution) for p in parameters]
        return read_rules(self.ours, parameters, grid=grid)

    def run(
        self, parameters: Sequence[Parameter], rules: Constraints, cwd: Path, beside: Path
    ) -> Run:
        command, lines = self.command()
        names = {p.path[0] for p in parameters} | {p.name for p in parameters}
        names |= {name_of(tie.path) for tie in rules.tie}
        for finding in examine(command, names):
            line = lines[finding.token] if lines else self.top.line("program")
            if finding.is_fault:
                self.reader.fault(line, ("command",), finding.what, finding.hint)
            elif lines:  # of the default command there is nothing to say
                self.reader.note(f"line {line}: command: {finding.what}")
        environment = read_environment(self.ours, command)
        timing = own.read_timing(self.ours)
        given = {key: value for key, value in timing._asdict().items() if value is not None}
        return Run(
            command=command,
            program=self.top.text("program"),
            cwd=str(own.read_cwd(self.ours, cwd)),
            env=environment.env,
            env_from=environment.env_from,
            metrics_from=own.read_metrics_from(self.ours),
            beside=str(beside),
            **given,
        )

    def command(self) -> tuple[tuple[str, ...], list[int]]:
        """The tokens as text, and the line of each; the default command has no lines."""
        node = self.top.get("command")
        if node is None:
            return DEFAULT_COMMAND, []
        if not isinstance(node, Items):
            hint = "write it as a list, one argument an item"
            if isinstance(node, Leaf):
                hint = f"write it as a list: {_as_list(node.text)}"
            self.top.fault("command", f"must be a list, not {kind_of(node)}", hint)
            return DEFAULT_COMMAND, []
        tokens: list[str] = []
        lines: list[int] = []
        for item in node.items:
            if not isinstance(item, Leaf) or (item.value is None and not item.text):
                hint = "remove it" if isinstance(item, Leaf) else "put it in quotes"
                self.reader.fault(item.line, ("command",), f"an argument is {kind_of(item)}", hint)
                continue
            written = item.spelled or isinstance(item.value, str)
            tokens.append(item.text if written else str(item.value))
            lines.append(item.line)
        if not node.items:
            self.top.fault("command", "is an empty list", "remove it for the default command")
        return tuple(tokens), lines

    def elsewhere(self) -> None:
        """Keys that only the W&B service acts on: check their shape, note them once."""
        top = self.top
        controller, scheduler = top.section("controller"), top.section("scheduler")
        if controller is not None:
            controller.unknown(("type",))
            controller.choice("type", ("local", "cloud"))
        if scheduler is not None:
            scheduler.unknown(("engine", "source", "optimizer", "search_space"))
            if scheduler.choice("engine", ("optuna", "ax", "wandb")) in ("optuna", "ax"):
                what = "only W&B's own engine is understood"
                scheduler.fault("engine", what, "remove `scheduler:`; method decides here")
        top.choice("kind", ("sweep",))
        if "job" in top and "image_uri" in top:
            top.fault("image_uri", "stands beside job", "W&B allows one of the two")
        named = [key for key in _ELSEWHERE if key in top]
        if named:
            self.reader.note(f"only the W&B service acts on {', '.join(named)}: not used here")

    def size(
        self, method: str | None, parameters: tuple[Parameter, ...], run_cap: int | None
    ) -> None:
        """Count the search by arithmetic; refuse a grid without end, note a random one."""
        if method in ("random", "bayes") and run_cap is None:
            counts = [support_count(parameter.distribution) for parameter in parameters]
            if None in counts:
                self.reader.note(f"{method} without run_cap: runs until it is stopped")
            return
        if method != "grid":
            return
        total, factors, countable = 1, [], True
        for parameter in parameters:
            count = grid_count(parameter.distribution)
            if count is None:
                countable = False
                self.no_grid(parameter)
            elif count > 1:
                total *= count
                factors.append(f"{visible(parameter.name, limit=40)} {count:,}")
        if countable and total > MAX_GRID and run_cap is None:
            amount = f"{total:,}" if total < 10**24 else f"more than 10^{len(str(total)) - 1}"
            self.top.fault(
                "parameters",
                f"the grid has {amount} points ({' × '.join(factors[:12])})",
                f"above {MAX_GRID:,} give run_cap, fewer values, or method: random",
            )

    def no_grid(self, parameter: Parameter) -> None:
        path = ("parameters", *parameter.path)
        if parameter.kind == "categorical_w_probabilities":
            what, hint = "a grid has no use for probabilities", "remove them, or use method: random"
        else:
            what = f"{parameter.kind} is continuous and has no grid"
            hint = "give values: […], distribution: q_uniform, or method: random"
        self.reader.fault(parameter.line, path, what, hint)


def _as_list(text: str) -> str:
    try:
        words = shlex.split(text)
    except ValueError:
        return '["${env}", "python", "train.py", "${args}"]'
    return visible("[" + ", ".join(f'"{word}"' for word in words[:20]) + "]", limit=300)
