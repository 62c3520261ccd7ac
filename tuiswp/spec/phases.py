"""Read `tuiswp.phases`: the parts of a sweep, in their order. Every fault is told with its line.

What a phase makes of the sweep is `spec.phased`.
"""

from collections.abc import Mapping, Sequence
from typing import cast, get_args

from tuiswp.expression.checks import as_condition
from tuiswp.expression.faults import ExpressionError
from tuiswp.expression.parser import parse
from tuiswp.expression.tree import names
from tuiswp.model.space import Categorical, Constant, Parameter, Path, Value
from tuiswp.model.sweep import Method, Phase, Refine, Sampler, Transfer, Validate
from tuiswp.spec.distributions import grid_count, support_count
from tuiswp.spec.early import read_rule
from tuiswp.spec.parameters import read_parameters
from tuiswp.spec.params import describe, is_swept, near_miss, only_value
from tuiswp.spec.reader import Section, kind_of
from tuiswp.spec.scale import words
from tuiswp.spec.stopping import read_hours, read_share
from tuiswp.spec.tree import Items, Keyed, Leaf, Node
from tuiswp.text import visible

PHASE_KEYS = (
    "name", "method", "sampler", "parameters", "set", "refine", "validate", "transfer", "trials",
    "hours", "gpu_hours", "early_stop", "keep_if", "only_if",
)  # fmt: skip
_HINTS = {
    "run_cap": "write trials", "count": "write trials", "fixed": "write set", "run": "write set",
    "seeds": "write validate: {top: 3, seeds: 3, seed_parameter: seed}",
    "top": "write validate: {top: 3, seeds: 3, seed_parameter: seed}",
    "adjust": "write transfer: {top: 3, adjust: {lr: 0.5 * lr}}",
    "around": "write refine: {around: best, factor: 3}", "if": "write only_if",
    "budget": "write trials, hours or gpu_hours", "steps": "write set: {steps: …}",
}  # fmt: skip
# What `only_if` can ask for.
FACTS: Mapping[str, str] = {
    "best": "value of the best so far",
    "previous_best": "value at which the last phase began",
    "improvement": "percent by which the last phase improved it",
    "trials": "trials so far",
    "spikiness": "largest rise of the best in the first tenth of its run, by its whole descent",
    "spiky": "spikiness above 0.1",
}


def read_phases(
    ours: Section, parameters: Sequence[Parameter], *, method: str | None, based: bool, judged: bool
) -> tuple[Phase, ...]:
    """The phases; `parameters` were read without a fault. `based`: there is a baseline."""
    node = ours.get("phases")
    if node is None:
        if "phases" in ours.node.entries:
            ours.fault("phases", "is empty", "remove it, or list phases below it")
        return ()
    if not isinstance(node, Items) or not node.items:
        ours.fault(
            "phases", f"must be a list of phases, not {_kind(node)}", "write - name: explore"
        )
        return ()
    if not judged:
        ours.fault("phases", "need a metric", "add metric: {name: …, goal: …}")
        return ()
    found: list[Phase] = []
    for number, item in enumerate(node.items):
        if not isinstance(item, Keyed) or not item.entries:
            what = f"phase {number + 1} is {'empty' if isinstance(item, Keyed) else kind_of(item)}"
            ours.reader.fault(item.line, ours.at("phases"), what, "write name: explore and so on")
            continue
        section = Section(ours.reader, item, (*ours.at("phases"), str(number + 1)))
        phase = _Reading(section, parameters, method or "random", first=number == 0, based=based)
        one = phase.read()
        if one is not None:
            if any(one.name == other.name for other in found):
                section.fault("name", f"there are two phases {visible(one.name, limit=40)}")
            found.append(one)
            phase.compare(found)
    return tuple(found)


def _kind(node: Node) -> str:
    return "an empty list" if isinstance(node, Items) else kind_of(node)


class _Reading:
    """One phase on its way."""

    def __init__(
        self,
        section: Section,
        parameters: Sequence[Parameter],
        method: str,
        *,
        first: bool,
        based: bool,
    ) -> None:
        self.section, self.parameters, self.method = section, parameters, method
        self.first, self.based = first, based
        self.known = {parameter.name: parameter for parameter in parameters}

    def read(self) -> Phase | None:
        section, before = self.section, len(self.section.reader.faults)
        section.unknown(PHASE_KEYS, _HINTS)
        if "name" not in section:
            section.reader.fault(
                section.node.line, section.path, "has no name", "write name: explore"
            )
        method = section.choice("method", get_args(Method))
        searches, ranges = self.searches()
        phase = Phase(
            name=section.text("name") or "",
            method=cast(Method | None, method),
            sampler=cast(Sampler | None, self.sampler(method)),
            searches=searches,
            ranges=ranges,
            set=self.fixed(searches),
            refine=self.refine(),
            validate=self.validate(),
            transfer=self.transfer(),
            trials=section.integer("trials", minimum=1),
            hours=read_hours(section, "hours"),
            gpu_hours=read_hours(section, "gpu_hours"),
            stopper=read_rule(None, section.section("early_stop")),
            keep_if=self.keep_if(),
            only_if=self.only_if(),
        )
        if len(section.reader.faults) > before:
            return None
        self.beginning(phase)
        self.ending(phase)
        return phase if len(section.reader.faults) == before else None

    def fault(self, what: str, hint: str | None = None) -> None:
        self.section.reader.fault(self.section.node.line, self.section.path, what, hint)

    def sampler(self, method: str | None) -> str | None:
        name = self.section.choice("sampler", get_args(Sampler))
        under = method or self.method
        if name is not None and (under == "grid" or (under == "random" and name != "qmc")):
            self.section.fault("sampler", f"{name} does not go with method {under}")
        return name

    def searches(self) -> tuple[tuple[Path, ...] | None, tuple[Parameter, ...]]:
        """What is searched, and the ranges that are the phase's own."""
        node = self.section.get("parameters")
        at = self.section.at("parameters")
        if node is None:
            return None, ()
        if isinstance(node, Items):
            paths = []
            for item in node.items:
                text = item.text if isinstance(item, Leaf) else kind_of(item)
                if (one := self.parameter(text, item.line, at)) is not None:
                    paths.append(one.path)
            return tuple(paths), ()
        if not isinstance(node, Keyed):
            hint = "write parameters: [lr], or parameters: {lr: {min: 1e-5, max: 1e-3}}"
            self.section.fault(
                "parameters", f"must be a list or a mapping, not {kind_of(node)}", hint
            )
            return None, ()
        own = tuple(read_parameters(self.section.reader, node, at)) if node.entries else ()
        for one in own:
            self.parameter(one.name, one.line or node.line, at)
        return tuple(one.path for one in own), own

    def parameter(self, name: str, line: int, at: Path) -> Parameter | None:
        if name in self.known:
            return self.known[name]
        what = f"{visible(name, limit=60)} is no parameter of this sweep"
        self.section.reader.fault(line, at, what, near_miss(name, self.known))
        return None

    def fixed(self, searches: tuple[Path, ...] | None) -> tuple[tuple[Path, Value], ...]:
        inner = self.section.section("set")
        found: list[tuple[Path, Value]] = []
        for name, node in (inner.node.entries if inner is not None else {}).items():
            assert inner is not None
            one = self.parameter(name, inner.line(name), inner.path)
            if one is None:
                continue
            if searches is not None and one.path in searches:
                inner.fault(name, "is set, and searched in the same phase", "do one of the two")
                continue
            value = inner.reader.value(node, inner.at(name), one.spelling)
            number = isinstance(value, int | float) and not isinstance(value, bool)
            if not number and not isinstance(one.distribution, Categorical | Constant):
                what = f"takes {describe(one)}, not {kind_of(node)}"
                inner.fault(name, what, "write a number, or search it")
                continue
            found.append((one.path, value))
        return tuple(found)

    def refine(self) -> Refine | None:
        inner = self.section.section("refine")
        if inner is None:
            return None
        inner.unknown(("around", "factor"))
        inner.choice("around", ("best",))
        factor = inner.number("factor", above=1)
        return Refine() if factor is None else Refine(float(factor))

    def validate(self) -> Validate | None:
        inner = self.section.section("validate")
        if inner is None:
            return None
        inner.unknown(("top", "seeds", "seed_parameter"), {"seed": "write seed_parameter"})
        for key in ("method", "sampler", "parameters", "refine", "keep_if", "trials"):
            if key in self.section:
                self.section.fault(key, "does not go with validate", "it runs the best again")
        name = inner.text("seed_parameter") or "seed"
        line = inner.line("seed_parameter")
        one = self.known.get(name)
        if one is None:
            what = f"{visible(name, limit=60)} is no parameter of this sweep"
            hint = f"add parameters: {{{visible(name, limit=60)}: {{value: 0}}}}"
            inner.reader.fault(line, inner.at("seed_parameter"), what, hint)
            return None
        if "seed" not in words(one.path[-1]):
            hint = "results know repeats by it; name it seed"
            inner.reader.fault(line, inner.at("seed_parameter"), "has no `seed` in its name", hint)
        top = inner.integer("top", minimum=1, maximum=100)
        seeds = inner.integer("seeds", minimum=2, maximum=100)
        default = Validate(one.path)
        return Validate(one.path, top or default.top, seeds or default.seeds)

    def transfer(self) -> Transfer | None:
        inner = self.section.section("transfer")
        if inner is None:
            return None
        inner.unknown(("top", "adjust"))
        for key in ("method", "sampler", "parameters", "refine", "validate", "keep_if", "trials"):
            if key in self.section:
                self.section.fault(key, "does not go with transfer", "it runs the best again")
        top = inner.integer("top", minimum=1, maximum=100)
        holder, fixed = inner.section("adjust"), self.section.section("set")
        found: list[tuple[Path, str]] = []
        for name in holder.node.entries if holder is not None else {}:
            assert holder is not None
            one = self.parameter(name, holder.line(name), holder.path)
            text = holder.text(name)
            if one is None or text is None:
                continue
            if fixed is not None and name in fixed.node.entries:
                holder.fault(name, "is set, and adjusted in the same phase", "do one of the two")
            try:
                as_condition(parse(text), self.known)
            except ExpressionError as error:
                holder.fault(name, f"{error.where}: {error.what}", error.hint)
                continue
            found.append((one.path, text))
        return Transfer(top or Transfer().top, tuple(found))

    def keep_if(self) -> float | None:
        """`better by 2%`, or `2%`."""
        return read_share(self.section, "keep_if", after="better by")

    def only_if(self) -> str | None:
        text = self.section.text("only_if")
        if text is None:
            return None
        try:
            tree = parse(text)
        except ExpressionError as error:
            self.section.fault("only_if", f"{error.where}: {error.what}", error.hint)
            return None
        strange = [name for name in names(tree) if name not in FACTS]
        if strange:
            what = f"{visible(strange[0], limit=60)} is nothing it can ask for"
            self.section.fault("only_if", what, near_miss(strange[0], FACTS))
        elif not names(tree):
            self.section.fault("only_if", "asks for nothing", f"known: {', '.join(FACTS)}")
        return text

    def beginning(self, phase: Phase) -> None:
        """The first phase has no best to begin at."""
        if not self.first or self.based:
            return
        hint = "add tuiswp: {baseline: {…}}, or begin with a phase that searches"
        if phase.refine is not None:
            self.section.fault("refine", "there is nothing before the first phase to be near", hint)
        elif phase.validate is not None:
            self.section.fault("validate", "there is nothing before the first phase", hint)
        elif phase.transfer is not None:
            self.section.fault("transfer", "there is nothing before the first phase", hint)
        elif phase.keep_if is not None:
            self.section.fault("keep_if", "there is nothing before the first phase to beat", hint)
        elif phase.only_if is not None:
            self.section.fault("only_if", "there is nothing before the first phase to ask", hint)
        elif phase.searches is not None:
            given = {path for path, _ in phase.set} | set(phase.searches)
            left = [one.name for one in self.parameters if is_swept(one) and one.path not in given]
            if left:
                named = visible(", ".join(left[:6]), limit=100)
                self.fault(f"leaves {named} open, and there is no baseline to take it from", hint)

    def ending(self, phase: Phase) -> None:
        """A phase that never ends keeps the next from beginning."""
        if phase.validate is not None or phase.transfer is not None:
            return
        given, own = {path for path, _ in phase.set}, {one.path: one for one in phase.ranges}
        here = [
            own.get(one.path, one)
            for one in self.parameters
            if one.path not in given and (phase.searches is None or one.path in phase.searches)
        ]
        method = phase.method or self.method
        if method == "grid":
            for one in here:
                if grid_count(one.distribution) is None:
                    what = (
                        f"a grid cannot go over {visible(one.name, limit=60)}, which is {one.kind}"
                    )
                    self.fault(what, "give it values: […] here, or method: random")
            return
        budget = (phase.trials, phase.hours, phase.gpu_hours)
        endless = [one for one in here if support_count(one.distribution) is None]
        if budget == (None, None, None) and endless and not all(map(only_value, here)):
            self.fault("would never end", "give it trials, hours or gpu_hours")

    def compare(self, found: Sequence[Phase]) -> None:
        """`keep_if` needs results that can be compared with those before."""
        if len(found) < 2 or found[-1].keep_if is None:
            return
        searched = {path for one in found for path in one.searches or ()}
        before, now = dict(found[-2].set), dict(found[-1].set)
        for path in (before.keys() | now.keys()) - searched:
            if before.get(path) != now.get(path):
                name = visible(".".join(path), limit=60)
                what = f"{name} is not what it is in phase {visible(found[-2].name, limit=40)}"
                self.section.fault("keep_if", f"compares nothing: {what}", "set it alike in both")
