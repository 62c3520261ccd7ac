"""What `tuiswp advise` is told, by its options, a sweep file and this machine: read and checked."""

import math
import re
from argparse import Namespace
from collections.abc import Iterator
from pathlib import Path

import msgspec

from tuiswp.analysis.advice.axes import LEAST_RATE
from tuiswp.analysis.advice.file import Frame
from tuiswp.analysis.advice.inputs import Budget, Inputs, Machine, Tunable, Written
from tuiswp.analysis.space_checks import range_of
from tuiswp.analysis.trained import Model, model_of
from tuiswp.analysis.words import several
from tuiswp.errors import UsageError
from tuiswp.gpu.host import cpu_slots
from tuiswp.gpu.placement import capacity
from tuiswp.gpu.probe import read_once
from tuiswp.model.space import Categorical, Constant, IntUniform, Parameter
from tuiswp.model.stop import StopRules
from tuiswp.model.sweep import Objective, Resources, Run, Sweep, Tuning
from tuiswp.search.suggest import planned_trials
from tuiswp.spec.command import DEFAULT_COMMAND
from tuiswp.spec.distributions import distinct, grid_count, grid_values
from tuiswp.spec.model_size import billions, shown_size
from tuiswp.spec.own import seconds
from tuiswp.spec.params import baseline_params, flatten, swept
from tuiswp.spec.scalars import resolve
from tuiswp.spec.scale import is_logarithmic, names_learning_rate
from tuiswp.text import visible

GPU_DEADLINE_S = 2.0
_GPU_HOURS = re.compile(r"([0-9.]+)\s*gpu-?\s?h(?:ours?)?", re.IGNORECASE)
_CHANGE = re.compile(r"([1-9][0-9]{0,8}):([1-9][0-9]{0,8})")
_LISTED = 20  # values of a range that count as a grid


def inputs_of(arguments: Namespace, sweep: Sweep | None) -> Inputs:
    parameters, count = _parameters(arguments, sweep)
    values = _whole(arguments.values, "--values", least=2, most=100)
    return Inputs(
        parameters=parameters,
        count=count,
        values=values,
        minutes=_number(arguments.minutes_per_trial, "--minutes-per-trial", most=1e7),
        budget=_budget(arguments.budget),
        machine=_machine(arguments, sweep),
        model=_model(arguments, sweep),
        rate=_number(arguments.lr, "--lr", least=LEAST_RATE, most=1e6),
        batch=_change(arguments.batch, "--batch"),
        gpus_change=_change(arguments.scale_gpus, "--scale-gpus"),
        written=None
        if sweep is None
        else Written(
            Path(sweep.source).name, sweep.method, planned_trials(sweep), sweep.stopper is not None
        ),
    )


def _parameters(
    arguments: Namespace, sweep: Sweep | None
) -> tuple[tuple[Tunable, ...], int | None]:
    given: str | None = arguments.params
    if given is None:
        return () if sweep is None else tuple(_of_file(sweep)), None
    if sweep is not None:
        raise UsageError("--params beside a sweep file", hint="the file says what is tuned")
    if given.strip().isdecimal():
        return (), _whole(given, "--params", least=1, most=100)
    found = [_tunable(word) for word in given.split(",") if word.strip()]
    if not found:
        raise UsageError("--params is empty", hint="write --params lr,rank or --params 3")
    names = [one.name for one in found]
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise UsageError(f"--params names {visible(twice, limit=60)} twice")
    if len(found) > 100:
        raise UsageError(f"--params names {len(found)} parameters", hint="at most 100")
    return tuple(found), None


def _tunable(word: str) -> Tunable:
    name, equals, text = (part.strip() for part in word.partition("="))
    if not name or len(name) > 200 or (equals and not text):
        raise UsageError(
            f"--params: {visible(word, limit=60)!r} is neither NAME nor NAME=VALUE",
            hint="write --params lr=1e-4,rank=8",
        )
    default = resolve(text).value if equals else None
    if isinstance(default, float) and not math.isfinite(default):
        raise UsageError(f"--params: {visible(word, limit=60)!r} is not a finite number")
    is_rate = names_learning_rate(name.rpartition(".")[2])
    if is_rate and equals:
        default = _number(text, f"--params {visible(name, limit=60)}", least=LEAST_RATE, most=1e6)
    return Tunable(name, default)


def _of_file(sweep: Sweep) -> Iterator[Tunable]:
    baseline = baseline_params(sweep)
    defaults = {} if baseline is None else flatten(baseline, sweep.parameters)
    for one in swept(sweep):
        default = defaults.get(one.path)
        dist = one.distribution
        log = is_logarithmic(one)
        if isinstance(dist, Categorical):
            grid = tuple(distinct(dist))
            yield Tunable(one.name, default, grid, log=log, path=one.path)
        elif (count := grid_count(dist)) is not None and count <= _LISTED:
            yield Tunable(one.name, default, tuple(grid_values(dist)), log=log, path=one.path)
        else:
            yield _ranged(one, default, log)


def _ranged(one: Parameter, default: object, log: bool) -> Tunable:
    ends = range_of(one)
    if ends is not None and not all(map(math.isfinite, ends)):
        ends = None
    whole = isinstance(one.distribution, IntUniform)
    shown: tuple[float, float] | None = ends
    if whole and ends is not None:
        shown = int(ends[0]), int(ends[1])
    kept = default if isinstance(default, bool | int | float | str) else None
    return Tunable(one.name, kept, (), shown, log, whole, one.path)


def _model(arguments: Namespace, sweep: Sweep | None) -> Model:
    found = Model() if sweep is None else model_of(sweep)
    if arguments.lora and arguments.full:
        raise UsageError("--lora and --full at once", hint="give one of the two")
    size = found.size
    if arguments.model_size is not None:
        size = billions(arguments.model_size)
        if size is None:
            raise UsageError(
                f"--model-size: {visible(arguments.model_size, limit=40)!r} is not a model's size",
                hint="write 7B or 350M",
            )
    hidden = _whole(arguments.hidden_size, "--hidden-size", least=1, most=10**7)
    return Model(
        size,
        arguments.family or found.family,
        True if arguments.lora else False if arguments.full else found.lora,
        found.hidden_size if hidden is None else hidden,
    )


def _machine(arguments: Namespace, sweep: Sweep | None) -> Machine:
    """What trials run on: the GPUs named, else those found here, else CPU slots."""
    needs = Resources() if sweep is None else sweep.resources
    each = _whole(arguments.gpus_per_trial, "--gpus-per-trial", least=1, most=1024)
    if each is not None:
        needs = msgspec.structs.replace(needs, gpus_per_trial=each, trials_per_gpu=1)
    takes = needs.gpus_per_trial / needs.trials_per_gpu
    wanted = _whole(arguments.gpus, "--gpus", least=1, most=10**6)
    if wanted is not None:
        most = wanted * needs.trials_per_gpu // needs.gpus_per_trial
        most = most if needs.max_parallel is None else min(most, needs.max_parallel)
        return Machine(most, takes, _at_once(most, needs, several(wanted, "GPU")))
    inventory = read_once(GPU_DEADLINE_S)
    if inventory.source == "none":
        most = capacity(needs, inventory, cpu_slots(needs))
        return Machine(most, None, f"{most} at once in CPU slots: no GPU here")
    if inventory.problem is not None:
        why = visible(inventory.problem, limit=120)
        return Machine(None, takes, f"the GPUs cannot be read now: {why}")
    most = capacity(needs, inventory, cpu_slots(needs))
    kind = " (simulated)" if inventory.simulated else ""
    return Machine(most, takes, _at_once(most, needs, several(len(inventory.gpus), "GPU") + kind))


def _at_once(most: int, needs: Resources, found: str) -> str:
    if most == 0:
        return f"a trial needs {several(needs.gpus_per_trial, 'GPU')}, and {found} cannot give it"
    return f"{most} at once on {found}"


def frame_of(arguments: Namespace, sweep: Sweep | None, inputs: Inputs) -> Frame:
    size = inputs.model.size
    shown = None if size is None else shown_size(size)
    lora = inputs.model.lora
    tuning: Tuning | None = None if lora is None else "lora" if lora else "full"
    each = _whole(arguments.gpus_per_trial, "--gpus-per-trial", least=1, most=1024) or 1
    if sweep is None:
        return Frame(
            Path(arguments.write).stem or "sweep",
            arguments.program or "train.py",
            metric=arguments.metric or "loss",
            model_size=shown,
            tuning=tuning,
            gpus_per_trial=each,
        )
    if sweep.constraints or sweep.derived:
        raise UsageError(
            "has rules or metrics of its own, which a new file would lose",
            where=visible(sweep.source),
            hint="leave --write out and edit the file by hand",
        )
    constants = [one for one in sweep.parameters if one not in swept(sweep)]
    objective = sweep.objective
    return Frame(
        Path(arguments.write).stem or "sweep",
        arguments.program or sweep.run.program,
        () if sweep.run.command == DEFAULT_COMMAND else sweep.run.command,
        arguments.metric or (objective.metric if objective is not None else "loss"),
        objective.goal if objective is not None else "minimize",
        tuple((p.path, p.distribution.value) for p in constants
              if isinstance(p.distribution, Constant)),
        shown,
        tuning,
        max(each, sweep.resources.gpus_per_trial),
        _not_taken(sweep),
    )  # fmt: skip


def _not_taken(sweep: Sweep) -> tuple[str, ...]:
    """What the file sets beyond its search, by the keys a person knows."""
    run, plain = sweep.run, Run(sweep.run.command, None, sweep.run.cwd)
    resources = msgspec.structs.replace(sweep.resources, gpus_per_trial=1)
    objective = sweep.objective or Objective("")
    reduced = (objective.reduce, objective.window, objective.target)
    there = (
        ("description", sweep.description is not None),
        ("metric.target or tuiswp.objective", reduced != ("last", 1, None)),
        ("early_terminate or tuiswp.early_stop", sweep.stopper is not None),
        ("tuiswp.sampler", sweep.sampler is not None),
        ("tuiswp.stop", sweep.stop != StopRules()),
        ("tuiswp.length", bool(sweep.length)),
        ("tuiswp.env", bool(run.env)),
        ("tuiswp.cwd", run.cwd != str(Path.cwd())),
        ("tuiswp.seed", sweep.seed != 0),
        ("how GPUs are shared, max_parallel", resources != Resources()),
        ("stagger_s, retries, timeout, grace_s", (run.stagger_s, run.retries, run.timeout_s,
         run.grace_s) != (plain.stagger_s, plain.retries, plain.timeout_s, plain.grace_s)),
    )  # fmt: skip
    return tuple(key for key, is_there in there if is_there)


def _budget(text: str | None) -> Budget | None:
    if text is None:
        return None
    found = _GPU_HOURS.fullmatch(text.strip())
    if found is not None:
        hours = _number(found[1], "--budget", most=1e9)
        return None if hours is None else Budget(hours, "gpu")
    clock = seconds(text) if not text.strip().replace(".", "").isdecimal() else None
    if clock is None or not 0 < clock <= 3600e6:
        raise UsageError(
            f"--budget: {visible(text, limit=40)!r} is not a budget",
            hint="write 24h, 90m or 3d on the clock, or 200gpuh",
        )
    return Budget(clock / 3600)


def _change(text: str | None, option: str) -> tuple[int, int] | None:
    if text is None:
        return None
    found = _CHANGE.fullmatch(text.strip())
    if found is None:
        raise UsageError(
            f"{option}: {visible(text, limit=40)!r} is not OLD:NEW", hint="write 16:64"
        )
    return int(found[1]), int(found[2])


def _number(text: str | None, option: str, *, least: float = 0.0, most: float) -> float | None:
    """A number above 0. Raises UsageError."""
    if text is None:
        return None
    value = resolve(text.strip()).value
    if isinstance(value, bool) or not isinstance(value, int | float) or not least < value <= most:
        raise UsageError(
            f"{option}: {visible(text, limit=40)!r} is not a number",
            hint=f"it is above {least:g} and at most {most:g}",
        )
    return float(value)


def _whole(text: str | None, option: str, *, least: int, most: int) -> int | None:
    if text is None:
        return None
    word = text.strip()
    if not (word.isascii() and word.isdecimal() and len(word) < 12 and least <= int(word) <= most):
        raise UsageError(
            f"{option}: {visible(text, limit=40)!r} is not a whole number from {least} to {most:,}"
        )
    return int(word)
