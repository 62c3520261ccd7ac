"""The search space as data: one distribution a parameter, parameters named by their path.

What the distributions mean (quantiles, grid values) is `spec.distributions`; here they only exist.
"""

from typing import TYPE_CHECKING, Any, Literal, TypeAlias

import msgspec

# What a sweep file can hold as a value, and what a trial is given.
if TYPE_CHECKING:
    Value: TypeAlias = "bool | int | float | str | list[Value] | dict[str, Value] | None"
else:  # msgspec decodes plain JSON values; it cannot name a recursive alias
    Value = Any
Params: TypeAlias = dict[str, Value]  # nested: {"opt": {"lr": 0.1}, "seed": 1}
Path: TypeAlias = tuple[str, ...]  # ("opt", "lr"); never joined, names may hold dots


class Constant(msgspec.Struct, frozen=True, tag="constant"):
    value: Value


class Categorical(msgspec.Struct, frozen=True, tag="categorical"):
    values: tuple[Value, ...]
    probabilities: tuple[float, ...] | None = None


class IntUniform(msgspec.Struct, frozen=True, tag="int_uniform"):
    """Whole numbers in [min, max], both ends in."""

    min: int
    max: int


class Uniform(msgspec.Struct, frozen=True, tag="uniform"):
    """Uniform on [min, max]; with `q`, rounded to its multiples (an int only when q is)."""

    min: float
    max: float
    q: float | int | None = None


class LogUniform(msgspec.Struct, frozen=True, tag="log_uniform"):
    """exp(U(low, high)); `low` and `high` are natural-log exponents, whatever the file gave.

    `inverse` keeps W&B's inv_log_* reading: 1/x is log-uniform (the same law for x). `limits`: min
    and max as the file gave them (the *_values kinds), so that the ends are met to the last bit.
    """

    low: float
    high: float
    q: float | int | None = None
    inverse: bool = False
    limits: tuple[float, float] | None = None


class Normal(msgspec.Struct, frozen=True, tag="normal"):
    mu: float = 0.0
    sigma: float = 1.0
    q: float | int | None = None


class LogNormal(msgspec.Struct, frozen=True, tag="log_normal"):
    """exp(N(mu, sigma)): mu and sigma are those of ln x."""

    mu: float = 0.0
    sigma: float = 1.0
    q: float | int | None = None


class Beta(msgspec.Struct, frozen=True, tag="beta"):
    a: float = 1.0
    b: float = 1.0
    q: float | int | None = None


Distribution: TypeAlias = (
    Constant | Categorical | IntUniform | Uniform | LogUniform | Normal | LogNormal | Beta
)


class Parameter(msgspec.Struct, frozen=True):
    """One leaf of the space.

    `kind` is the W&B name the file used or implied (`q_log_uniform_values`), for messages.
    `spelling` maps a value's type-true key (`spec.params.value_key`) to the author's text, so that
    `values: [1e-4]` reaches the training as `--lr=1e-4`.
    """

    path: Path
    distribution: Distribution
    kind: str
    spelling: dict[str, str] = {}
    line: int | None = None

    @property
    def name(self) -> str:
        """The path joined by dots: for people only, never a key (names may hold dots)."""
        return ".".join(self.path)


class Condition(msgspec.Struct, frozen=True):
    """The parameter at `path` exists only where `expr` holds."""

    path: Path
    expr: str


class Tie(msgspec.Struct, frozen=True):
    """A parameter that is not sampled but computed; `type` None: as it comes out."""

    path: Path
    expr: str
    type: Literal["int", "float", "str", "bool"] | None = None


class Constraints(msgspec.Struct, frozen=True):
    """The rules between parameters, as docs/expressions.md has them, checked; false without any.

    What they make of a point is `spec.constraints`.
    """

    when: tuple[Condition, ...] = ()
    exclude: tuple[str, ...] = ()
    tie: tuple[Tie, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.when or self.exclude or self.tie)
