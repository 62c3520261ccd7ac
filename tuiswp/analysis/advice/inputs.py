"""What an adviser is told, and what it says: data. Whatever is None was not told, and is asked for.

Nothing here judges; every text in an `Advice` is safe to print.
"""

from typing import Literal, TypeAlias

import msgspec

from tuiswp.analysis.trained import Model
from tuiswp.model.space import Path, Value
from tuiswp.model.sweep import Method

Kind: TypeAlias = Literal["wall", "gpu"]


class Budget(msgspec.Struct, frozen=True):
    """Hours on the clock, or GPU-hours."""

    hours: float
    kind: Kind = "wall"


class Machine(msgspec.Struct, frozen=True):
    """`parallel`: trials at once; 0: none fits here; None: not known. `gpus_per_trial`: a share of
    a GPU counts as its part; None: trials run without a GPU. `words`: the same as a sentence.
    """

    parallel: int | None
    gpus_per_trial: float | None
    words: str


class Tunable(msgspec.Struct, frozen=True):
    """A parameter to tune. `default`: its value without a sweep.

    From a sweep file: its `path`, and `grid`, its values, or `ends`, its range; `whole` numbers,
    and whether its scale is `log`.
    """

    name: str
    default: Value = None
    grid: tuple[Value, ...] = ()
    ends: tuple[float, float] | None = None
    log: bool = False
    whole: bool = False
    path: Path = ()

    @property
    def at(self) -> Path:
        """Where it stands in a sweep file."""
        return self.path or (self.name,)


class Written(msgspec.Struct, frozen=True):
    """The sweep file as it stands: its method, its trials (None: until it is stopped).

    `stops`: it has a rule for early stopping.
    """

    name: str
    method: Method
    trials: int | None
    stops: bool = False


class Inputs(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that was told. `count`: of parameters without a name; None: names or nothing.

    `values`: grid values of each parameter (the k of kⁿ). `rate`: the learning rate in use.
    `batch`, `gpus_change`: from and to.
    """

    parameters: tuple[Tunable, ...] = ()
    count: int | None = None
    values: int | None = None
    minutes: float | None = None
    budget: Budget | None = None
    machine: Machine
    model: Model = Model()
    rate: float | None = None
    batch: tuple[int, int] | None = None
    gpus_change: tuple[int, int] | None = None
    written: Written | None = None


class Advice(msgspec.Struct, frozen=True):
    """One piece of advice: its arithmetic line by line, and where the rule comes from."""

    topic: str
    says: str
    arithmetic: tuple[str, ...]
    source: str


class Question(msgspec.Struct, frozen=True):
    """What is not known: `give` is an option as it is typed, `to` what it would show."""

    give: str
    to: str


class Axis(msgspec.Struct, frozen=True):
    """The values to try of one parameter: `grid` for a grid, else its range if it has one.

    `grid` empty: nothing is known to try. `default` is tried as well. `log`: on a log scale.
    """

    name: str
    grid: tuple[Value, ...]
    low: float | None = None
    high: float | None = None
    log: bool = False
    default: Value = None
    source: str = ""
    whole: bool = False
    path: Path = ()

    @property
    def at(self) -> Path:
        """Where it stands in a sweep file."""
        return self.path or (self.name,)

    @property
    def off_grid(self) -> bool:
        """The default is a value of its own."""
        return self.default is not None and self.default not in self.grid


class Search(msgspec.Struct, frozen=True):
    """The search that is advised. `axes`: what is tuned in it; `points` of the
    full grid.

    `trials`: all of them, the default's included; None: not known. `hours` on the clock,
    `gpu_hours` of all trials; None: not known, or without a GPU.
    """

    method: Method
    axes: tuple[Axis, ...]
    points: int | None
    trials: int | None
    waves: int | None = None
    hours: float | None = None
    gpu_hours: float | None = None


class Share(msgspec.Struct, frozen=True):
    """One part of the budget: how many full runs it is worth, and GPU-hours of the whole."""

    part: str
    runs: float
    percent: float
    hours: float | None


class Advised(msgspec.Struct, frozen=True):
    """Everything that is said; what could not be said is in `questions`."""

    advice: tuple[Advice, ...]
    questions: tuple[Question, ...]
    search: Search
    budget: tuple[Share, ...]
