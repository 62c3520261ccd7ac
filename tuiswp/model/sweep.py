"""A sweep as the file describes it: typed, frozen, complete. `spec.load` makes one."""

from typing import Literal, TypeAlias

import msgspec

from tuiswp.model.notify import Notify
from tuiswp.model.space import Constraints, Parameter, Params, Path, Value
from tuiswp.model.stop import StopRules
from tuiswp.model.stopper import Resource, Rule

Goal: TypeAlias = Literal["minimize", "maximize"]
Method: TypeAlias = Literal["grid", "random", "bayes"]
Sampler: TypeAlias = Literal["tpe", "gp", "cmaes", "qmc"]
Tuning: TypeAlias = Literal["lora", "full"]
Reduce: TypeAlias = Literal["last", "best", "mean", "median"]


class Objective(msgspec.Struct, frozen=True):
    """The metric that decides, its goal, and the rule that reduces a curve to one number.

    `window`: for mean and median, how many of the last values count.
    `target`: the sweep ends when a finished trial reaches it.
    """

    metric: str
    goal: Goal = "minimize"
    reduce: Reduce = "last"
    window: int = 1
    target: float | None = None


class DerivedMetric(msgspec.Struct, frozen=True):
    """A metric computed from logged ones; `expr` as docs/expressions.md has it, checked."""

    name: str
    expr: str


class Resources(msgspec.Struct, frozen=True):
    """What one trial needs and how many may run; `gpu_memory_mib` None: no claim on free memory."""

    gpus_per_trial: int = 1
    trials_per_gpu: int = 1
    gpu_memory_mib: int | None = None
    max_parallel: int | None = None
    share_busy: bool = False


# What metrics can be read from.
MetricsFrom: TypeAlias = Literal[
    "metrics.jsonl", "wandb", "tensorboard", "lightning", "trainer_state"
]


class Run(msgspec.Struct, frozen=True):
    """How a trial is started and supervised. Times in seconds.

    `command` holds the tokens as the file has them, macros unexpanded; `program` likewise.
    `cwd` is absolute. `env` adds to the controller's environment; `env_from` says which variable of
    it, which must be set, the training finds under which name. `retries`: relaunches of a failed
    attempt; None (not in the file): one after an end that is the machine's fault (signal, lost),
    none after an exit code. Out of GPU memory, timeouts and launch errors are never retried.
    `metrics_from`: the one kind of file that metrics are read from (None: whichever is there).
    `beside`: the folder of the sweep file, only so that a message can say where a missing program
    lies instead.
    """

    command: tuple[str, ...]
    program: str | None
    cwd: str
    env: dict[str, str] = {}
    env_from: dict[str, str] = {}
    stagger_s: float = 0.0
    retries: int | None = None
    timeout_s: float | None = None
    grace_s: float = 30.0
    metrics_from: MetricsFrom | None = None
    beside: str | None = None


class Hang(msgspec.Struct, frozen=True):
    """When a trial that reports nothing is called silent, and what then. Times in seconds.

    `after_s`: never before (None: the default of the action). `first_s`: never before, while it has
    not reported at all (None: by its siblings). `action` off: nobody looks.
    """

    after_s: float | None = None
    first_s: float | None = None
    action: Literal["flag", "kill", "off"] = "flag"


class Refine(msgspec.Struct, frozen=True):
    """Narrow every searched range to the surroundings of the best: the wider the axis, the more."""

    factor: float = 3.0


class Validate(msgspec.Struct, frozen=True):
    """Run the best `top` settings again, with `seeds` new values of the parameter at `seed`."""

    seed: Path
    top: int = 3
    seeds: int = 3


class Transfer(msgspec.Struct, frozen=True):
    """Run the best `top` settings once more as the phase has it, `adjust`ed by expressions."""

    top: int = 3
    adjust: tuple[tuple[Path, str], ...] = ()


class Phase(msgspec.Struct, frozen=True):
    """A part of a sweep with a question of its own; it begins at the best so far.

    `method`, `sampler`, `stopper`: None is the sweep's. `searches`: None is every parameter that
    varies; the others are fixed at the best, `set` before it. `ranges` are those of the phase where
    they are not the sweep's. `trials`, `hours`, `gpu_hours` end it. `keep_if`: by what share it has
    to be better, else the best before it stays. `only_if`: a condition on results.
    """

    name: str
    method: Method | None = None
    sampler: Sampler | None = None
    searches: tuple[Path, ...] | None = None
    ranges: tuple[Parameter, ...] = ()
    set: tuple[tuple[Path, Value], ...] = ()
    refine: Refine | None = None
    validate: Validate | None = None
    transfer: Transfer | None = None
    trials: int | None = None
    hours: float | None = None
    gpu_hours: float | None = None
    stopper: Rule | None = None
    keep_if: float | None = None
    only_if: str | None = None


class Sweep(msgspec.Struct, frozen=True):
    """Everything a controller needs to know of a sweep.

    `baseline`: parameters of the default trial, complete or a part (the rest is then taken from the
    space); None: no baseline. `complete_at`: progress from which a trial counts as complete; exit
    code 0 also does. `sampler`: what proposes under `bayes`; None: the default. `points`: tried
    first, after the baseline, each as the person gave it. `points_from`: where a range test lies
    whose suggestion is tried first (absolute). `priors`: directories of earlier sweeps (absolute)
    whose trials a sampler that learns is told. `stopper`: the early-stopping rule.
    `stop`: when the sweep has found enough. `length`: how long one run is, as far as the file says.
    `notes`: what was read differently from its letter, one line each. `source` is the sweep file as
    messages show it; `lines` gives the line of each of its top-level keys. `derived`: metrics of
    the person's own, each after those it builds on. `constraints`: what makes of a point of the
    space the parameters of a trial. `model_size`: of the model that is trained, in billions of
    parameters; `tuning`: how. None: not said. `phases`: in their order. `phase`: the one it is in.
    `notify`: what a person is told; None: nothing. `listed`: the points to try, in place of what a
    method proposes. `hang`: what becomes of a trial that reports nothing.
    """

    name: str
    method: Method
    parameters: tuple[Parameter, ...]
    objective: Objective | None
    resources: Resources
    run: Run
    seed: int = 0
    run_cap: int | None = None
    baseline: Params | None = None
    complete_at: float = 0.98
    sampler: Sampler | None = None
    points: tuple[Params, ...] = ()
    points_from: str | None = None
    priors: tuple[str, ...] = ()
    stopper: Rule | None = None
    stop: StopRules = StopRules()
    length: dict[Resource, float] = {}
    description: str | None = None
    notes: tuple[str, ...] = ()
    source: str = "sweep.yaml"
    lines: dict[str, int] = {}
    derived: tuple[DerivedMetric, ...] = ()
    constraints: Constraints = Constraints()
    model_size: float | None = None
    tuning: Tuning | None = None
    phases: tuple[Phase, ...] = ()
    notify: Notify | None = None
    hang: Hang = Hang()
    phase: int | None = None
    listed: tuple[Params, ...] | None = None
