"""One entry under `parameters:` → one distribution: the nineteen W&B kinds, named or implied.

The first definition that fits wins, in W&B's own order, and none allows further keys; where nothing
fits, the message names the nearest form instead of "does not match schema".
"""

import math
import re
from collections.abc import Iterator

from tuiswp.model.space import (
    Beta,
    Categorical,
    Constant,
    Distribution,
    IntUniform,
    LogNormal,
    LogUniform,
    Normal,
    Parameter,
    Path,
    Uniform,
    Value,
)
from tuiswp.spec.distributions import SIGMAS, value_key
from tuiswp.spec.params import near_miss
from tuiswp.spec.reader import Reader, Section, kind_of
from tuiswp.spec.tree import Items, Keyed, Leaf, Node
from tuiswp.text import visible

_LIMITS = ("min", "max")
_LAW = ("mu", "sigma")

# kind → (required keys, optional keys), `distribution` aside.
KINDS: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "constant": (("value",), ()),
    "categorical": (("values",), ()),
    "categorical_w_probabilities": (("values", "probabilities"), ()),
    "int_uniform": (_LIMITS, ()),
    "uniform": (_LIMITS, ()),
    "q_uniform": (_LIMITS, ("q",)),
    "log_uniform": (_LIMITS, ()),
    "log_uniform_values": (_LIMITS, ()),
    "q_log_uniform": (_LIMITS, ("q",)),
    "q_log_uniform_values": (_LIMITS, ("q",)),
    "inv_log_uniform": (_LIMITS, ()),
    "inv_log_uniform_values": (_LIMITS, ()),
    "normal": ((), _LAW),
    "q_normal": ((), (*_LAW, "q")),
    "log_normal": ((), _LAW),
    "q_log_normal": ((), (*_LAW, "q")),
    "beta": ((), ("a", "b")),
    "q_beta": ((), ("a", "b", "q")),
}
_EXPONENTS = ("log_uniform", "inv_log_uniform", "q_log_uniform")
_KEYS = {"distribution"}.union(*(set(a) | set(b) for a, b in KINDS.values()))
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]*")

# What other tools call these things.
_FOREIGN = {
    "type": "W&B infers it from the keys, or takes `distribution:`",
    "_type": "this is NNI's form; write values: […] or distribution, min, max",
    "_value": "this is NNI's form; write values: […] or distribution, min, max",
    "log": "write distribution: log_uniform_values with min and max",
    "log_scale": "write distribution: log_uniform_values with min and max",
    "low": "write min",
    "high": "write max",
    "lower": "write min",
    "upper": "write max",
    "bounds": "write min and max",
    "range": "write min and max",
    "choices": "write values",
    "options": "write values",
    "step": "write distribution: q_uniform with min, max and q",
    "default": "give the default trial under tuiswp.baseline",
    "mean": "write mu",
    "std": "write sigma",
    "stddev": "write sigma",
    "probs": "write probabilities",
    "weights": "write probabilities",
}


def read_parameters(reader: Reader, node: Node, path: Path) -> list[Parameter]:
    """Every leaf below `parameters:`, in the order of the file; faults go to the reader."""
    if not isinstance(node, Keyed):
        hint = "write parameters: {lr: {values: [1e-4, 1e-3]}}"
        reader.fault(node.line, path, f"must be a mapping, not {kind_of(node)}", hint)
        return []
    if not node.entries:
        reader.fault(node.line, path, "names no parameter", "write lr: {values: [1e-4, 1e-3]}")
    return list(_walk(reader, node, path, ()))


def _walk(reader: Reader, node: Keyed, path: Path, above: Path) -> Iterator[Parameter]:
    for name, entry in node.entries.items():
        here, line = (*path, name), node.lines[name]
        if not name:
            reader.fault(line, here, "a parameter has no name")
            continue
        if not _NAME.fullmatch(name):
            reader.note(
                f"line {line}: {visible('.'.join(here), limit=80)}: W&B refuses this name; "
                "it is passed on as it is"
            )
        if not isinstance(entry, Keyed):
            reader.fault(line, here, f"is {kind_of(entry)}, not a mapping", _instead(entry))
            continue
        inner = entry.entries.get("parameters")
        if inner is not None and set(entry.entries) == {"parameters"}:
            if isinstance(inner, Keyed):
                yield from _walk(reader, inner, (*here, "parameters"), (*above, name))
                continue
            reader.fault(line, (*here, "parameters"), f"must be a mapping, not {kind_of(inner)}")
            continue
        spelling: dict[str, str] = {}
        found = _Entry(Section(reader, entry, here), line, spelling).read()
        if found is not None:
            kind, distribution = found
            yield Parameter((*above, name), distribution, kind, spelling, line)


def _instead(entry: Node) -> str:
    if isinstance(entry, Items):
        return "write values: […]"
    if kind_of(entry) == "nothing":
        return "write value: … or values: […] below it"
    return "write value: … for a constant"


class _Entry:
    """One parameter's mapping on its way to a distribution."""

    def __init__(self, section: Section, line: int, spelling: dict[str, str]) -> None:
        self.section, self.line, self.spelling = section, line, spelling
        self.keys = set(section.node.entries)

    def fault(self, what: str, hint: str | None = None) -> None:
        self.section.reader.fault(self.line, self.section.path, what, hint)

    def read(self) -> tuple[str, Distribution] | None:
        kind = self.kind()
        if kind is None or not self.fits(kind):
            return None
        before = len(self.section.reader.faults)
        distribution = self.build(kind)
        return None if len(self.section.reader.faults) > before else _named(kind, distribution)

    def kind(self) -> str | None:
        """The kind named or implied; None after a fault."""
        if self.keys & _FOREIGN.keys():
            self.foreign()
            return None
        if "parameters" in self.keys:
            listed = ", ".join(sorted(visible(key, limit=40) for key in self.keys))
            self.fault(f"has {listed} side by side", "a nested group holds `parameters:` alone")
            return None
        if self.keys == {"value"}:
            return "constant"  # of any kind: W&B takes an object whole, and so does the script
        if self.keys and all(isinstance(v, Keyed) for v in self.section.node.entries.values()):
            hint = "put a key `parameters:` between them"
            self.fault("holds parameters without saying so", hint)
            return None
        if "distribution" in self.keys:
            named = self.section.get("distribution")
            if named is None:
                self.section.fault("distribution", "is empty", "name one, or remove the line")
                return None
            return self.section.reader.choice(named, self.section.at("distribution"), KINDS)
        if "values" in self.keys:
            return "categorical_w_probabilities" if "probabilities" in self.keys else "categorical"
        if "value" in self.keys:
            return "constant"
        if self.keys >= {"min", "max"}:
            # With q no kind is implied; q_uniform is what is meant far more often than not.
            return None if self.needs_name() else self.range_kind()
        self.nothing_fits()
        return None

    def foreign(self) -> None:
        """Another tool's form: one line with the same range in ours."""
        entries = self.section.node.entries
        strange = [visible(key, limit=30) for key in entries if key not in _KEYS]
        ends = [
            next((e.text for n in names if isinstance(e := entries.get(n), Leaf)), "…")
            for names in (("min", "low", "lower"), ("max", "high", "upper"))
        ]
        log = entries.get("log", entries.get("log_scale"))
        logarithmic = isinstance(log, Leaf) and log.value is True
        known = [_FOREIGN[key] for key in entries if key in _FOREIGN]
        hint = known[-1]
        if ends != ["…", "…"] and strange != ["default"]:
            name = "distribution: log_uniform_values, " if logarithmic else ""
            ends = [visible(end, limit=30) for end in ends]
            hint = f"write {{{name}min: {ends[0]}, max: {ends[1]}}}"
        is_are = "is no key" if len(strange) == 1 else "are no keys"
        self.fault(f"{', '.join(strange)} {is_are} of a W&B parameter", hint)

    def needs_name(self) -> bool:
        extra = sorted(self.keys & {"q", "mu", "sigma", "a", "b"})
        if extra:
            hint = "write distribution: q_uniform" if extra == ["q"] else "name a distribution"
            self.fault(f"{' and '.join(extra)} beside min and max names no distribution", hint)
        return bool(extra)

    def range_kind(self) -> str | None:
        low, high = self.section.number("min"), self.section.number("max")
        if low is None or high is None:
            for key in _LIMITS:
                if key not in self.section:
                    self.section.fault(key, "is empty", "give both min and max")
            return None
        return "int_uniform" if isinstance(low, int) and isinstance(high, int) else "uniform"

    def nothing_fits(self) -> None:
        """Say what the keys come nearest to."""
        strange = self.keys - _KEYS
        known = self.keys & _KEYS
        if not self.keys:
            self.fault("is an empty mapping", "write value: … or values: […]")
        elif strange and (known or any(near_miss(k, _KEYS).startswith("did") for k in strange)):
            self.section.unknown(_KEYS)
        elif strange:
            hint = "nested parameters go under a key `parameters:`; a constant under `value:`"
            self.fault("is neither a distribution nor a nested group", hint)
        elif known & {"min", "max"}:
            missing = "max" if "min" in known else "min"
            self.fault(f"{missing} is missing", "give both min and max")
        else:
            likely = "normal" if known & {"mu", "sigma"} else "beta" if known & {"a", "b"} else "…"
            listed = ", ".join(sorted(known))
            self.fault(f"{listed} alone names no distribution", f"write distribution: {likely}")

    def fits(self, kind: str) -> bool:
        """Check the keys of `kind`: all required there, nothing else."""
        required, optional = KINDS[kind]
        fine = True
        for key in required:
            if key not in self.keys:
                self.fault(f"{kind} needs {key}", self.missing(kind, key))
                fine = False
        allowed = {"distribution", *required, *optional}
        for key in sorted(self.keys - allowed):
            fine = False
            if key not in _KEYS:
                self.section.fault(key, "unknown key", near_miss(key, allowed))
            elif f"q_{kind}" in KINDS and key == "q":
                self.section.fault(key, f"{kind} has no q", f"write distribution: q_{kind}")
            elif kind == "categorical" and key == "probabilities":
                self.section.fault(
                    key, "plain categorical has no probabilities",
                    "write distribution: categorical_w_probabilities, or leave distribution out",
                )  # fmt: skip
            else:
                self.section.fault(key, f"does not belong to {kind}", f"it takes {_listed(kind)}")
        return fine

    def missing(self, kind: str, key: str) -> str | None:
        if key in _LIMITS and {"mu", "sigma"} & self.keys:
            return "mu and sigma belong to normal"
        if kind == "constant" and "values" in self.keys:
            return "write distribution: categorical for a list of values"
        if kind == "categorical" and "value" in self.keys:
            return "write values: […]"
        return f"it takes {_listed(kind)}"

    def build(self, kind: str) -> Distribution | None:
        required, optional = KINDS[kind]
        if kind == "constant":
            return self.constant()
        if "values" in required:
            return self.choice("probabilities" in required)
        if "min" in required:
            return self.range(kind, "q" in optional)
        return self.law(kind)

    def constant(self) -> Constant:
        node = self.section.node.entries["value"]
        return Constant(self.section.reader.value(node, self.section.at("value"), self.spelling))

    def choice(self, weighted: bool) -> Categorical | None:
        node, path = self.section.node.entries["values"], self.section.at("values")
        if not isinstance(node, Items):
            hint = "write value: … for one value, values: […] for several"
            self.section.fault("values", f"must be a list, not {kind_of(node)}", hint)
            return None
        if not node.items:
            self.section.fault("values", "is an empty list", "give at least one value")
            return None
        reader = self.section.reader
        values = tuple(reader.value(item, path, self.spelling) for item in node.items)
        self.mention_repeats(values)
        if not weighted:
            return Categorical(values)
        probabilities = self.probabilities(len(values))
        return None if probabilities is None else Categorical(values, probabilities)

    def mention_repeats(self, values: tuple[Value, ...]) -> None:
        repeated = len(values) - len({value_key(value) for value in values})
        if repeated:
            name = visible(".".join(self.section.path), limit=80)
            self.section.reader.note(
                f"line {self.line}: {name}: {repeated} repeated value(s) give no trial of their own"
            )

    def probabilities(self, count: int) -> tuple[float, ...] | None:
        node, path = self.section.node.entries["probabilities"], self.section.at("probabilities")
        if not isinstance(node, Items):
            self.section.fault("probabilities", f"must be a list, not {kind_of(node)}")
            return None
        numbers: list[float] = []
        for item in node.items:
            number = self.section.reader.number(item, path)
            if number is None:
                return None
            if number < 0:
                self.section.fault("probabilities", f"{number} is negative")
                return None
            numbers.append(float(number))
        if len(numbers) != count:
            what = f"{len(numbers)} probabilities for {count} values"
            self.section.fault("probabilities", what, "give one for each value")
            return None
        total = math.fsum(numbers)
        if not math.isclose(total, 1.0, rel_tol=1e-5, abs_tol=1e-8):
            hint = None if total == 0 else f"divide each by {total:.6g}"
            self.section.fault("probabilities", f"sum to {total:.6g}, not to 1", hint)
            return None
        return tuple(numbers)

    def q(self, has_q: bool) -> float | int | None:
        if not has_q:
            return None
        given = self.section.number("q", above=0)
        return 1.0 if given is None else given

    def range(self, kind: str, has_q: bool) -> Distribution | None:
        low, high = self.section.number("min"), self.section.number("max")
        for key in _LIMITS:
            if key not in self.section:
                self.section.fault(key, "is empty", "give both min and max")
        q = self.q(has_q)
        if low is None or high is None:
            return None
        if low > high:
            self.fault(f"min {low} is above max {high}", "swap them")
            return None
        if low == high:
            self.fault(f"min and max are both {low}", f"write value: {low}")
            return None
        if kind == "int_uniform":
            if low != int(low) or high != int(high):
                self.fault(f"int_uniform needs whole numbers, got {low} and {high}", "use uniform")
                return None
            return IntUniform(int(low), int(high))
        if kind in ("uniform", "q_uniform"):
            return Uniform(low, high, q)
        inverse = kind.startswith("inv_")
        return (
            self.exponents(kind, low, high, q, inverse)
            if kind in _EXPONENTS
            else self.log_limits(kind, low, high, q, inverse)
        )

    def exponents(
        self, kind: str, low: float, high: float, q: float | None, inverse: bool
    ) -> LogUniform | None:
        if inverse:
            low, high = -high, -low
        if high > 709 or low < -745:
            what = f"min and max of {kind} are exponents, and e^{high if high > 709 else low:g}"
            self.fault(f"{what} is not a number", f"for limits write {kind}_values")
            return None
        name = visible(".".join(self.section.path), limit=80)
        text = (
            f"line {self.line}: {name}: min and max of {kind} are exponents of e: values from "
            f"{math.exp(low):.4g} to {math.exp(high):.4g}"
        )
        given = (-high, -low) if inverse else (low, high)
        if given[0] > 0 and (given[1] <= 1 or given[1] / given[0] >= 10):
            text += f"; if {given[0]:g} and {given[1]:g} are the limits, write {kind}_values"
        self.section.reader.note(text)
        return LogUniform(low, high, q, inverse)

    def log_limits(
        self, kind: str, low: float, high: float, q: float | None, inverse: bool
    ) -> LogUniform | None:
        if low <= 0:
            exponents = kind.removesuffix("_values")
            hint = f"use uniform if {low:g} must be reachable"
            if low < 0 and high <= 20:
                hint = f"for exponents of e write {exponents}; {hint}"
            self.fault(f"{kind} needs 0 < min < max, got min {low:g}, max {high:g}", hint)
            return None
        return LogUniform(math.log(low), math.log(high), q, inverse, (float(low), float(high)))

    def law(self, kind: str) -> Distribution | None:
        q = self.q(kind.startswith("q_"))
        if kind.endswith("beta"):
            a = self.section.number("a", minimum=0)
            b = self.section.number("b", minimum=0)
            return Beta(1.0 if a is None else a, 1.0 if b is None else b, q)
        mu = self.section.number("mu")
        sigma = self.section.number("sigma", minimum=0)
        mu, sigma = 0.0 if mu is None else mu, 1.0 if sigma is None else sigma
        if not kind.endswith("log_normal"):
            return Normal(mu, sigma, q)
        if mu + SIGMAS * sigma > 709:
            what = f"mu {mu:g} and sigma {sigma:g} are those of ln x, and e^{mu + SIGMAS * sigma:g}"
            self.fault(f"{what} is not a number", "give them as logarithms")
        return LogNormal(mu, sigma, q)


def _named(kind: str, distribution: Distribution | None) -> tuple[str, Distribution] | None:
    return None if distribution is None else (kind, distribution)


def _listed(kind: str) -> str:
    required, optional = KINDS[kind]
    return ", ".join((*required, *(f"{key} (optional)" for key in optional)))
