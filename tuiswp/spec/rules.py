"""Read `tuiswp.when`, `tuiswp.exclude` and `tuiswp.tie`: every fault of them told with its place.

Rules that leave nothing are a fault, rules that do nothing a note. What they mean is `constraints`.
"""

from collections.abc import Collection, Mapping, Sequence
from typing import Literal, TypeAlias, cast

from tuiswp.expression.checks import as_condition
from tuiswp.expression.faults import ExpressionError
from tuiswp.expression.parser import parse
from tuiswp.expression.tree import names
from tuiswp.model.space import Condition, Constraints, Parameter, Path, Tie
from tuiswp.spec.census import Census, take
from tuiswp.spec.constraints import cycle, name_of, rule_text
from tuiswp.spec.params import near_miss
from tuiswp.spec.reader import Section, kind_of
from tuiswp.spec.tree import Items, Keyed, Leaf
from tuiswp.text import visible

RULE_KEYS = ("when", "exclude", "tie")
_Type: TypeAlias = Literal["int", "float", "str", "bool"]
_TYPES = ("int", "float", "str", "bool")


def read_rules(section: Section, parameters: Sequence[Parameter], *, grid: bool) -> Constraints:
    """The rules between parameters, which were read without a fault."""
    if not any(key in section.node.entries for key in RULE_KEYS):
        return Constraints()
    before = len(section.reader.faults)
    known = {parameter.name: parameter.path for parameter in parameters}
    ties = _tie_paths(section, known)
    every = {**known, **ties}
    found = Constraints(
        when=_conditions(section, known, every),
        exclude=_exclusions(section, every),
        tie=_ties(section, ties, known, every),
    )
    if len(section.reader.faults) > before:
        return Constraints()
    if (ring := cycle(found)) is not None:
        shown = " → ".join(visible(name, limit=40) for name in ring)
        key = "tie" if found.tie else "when"
        section.fault(key, f"rules lead back to where they begin ({shown})", "break the ring")
        return Constraints()
    if found:
        _judge(section, found, take(parameters, found, grid=grid))
    return found


def _tie_paths(section: Section, known: Mapping[str, Path]) -> dict[str, Path]:
    """The names under `tie` and their paths; `opt.eps` lies in a group `opt` if there is one."""
    inner = section.section("tie")
    groups = {path[0] for path in known.values() if len(path) > 1}
    paths: dict[str, Path] = {}
    for name in inner.node.entries if inner is not None else ():
        parts = tuple(name.split("."))
        paths[name] = parts if parts[0] in groups and len(parts) > 1 else (name,)
    return paths


def _conditions(
    section: Section, known: Mapping[str, Path], every: Collection[str]
) -> tuple[Condition, ...]:
    inner = section.section("when")
    found: list[Condition] = []
    tied = section.section("tie")
    for name in inner.node.entries if inner is not None else ():
        assert inner is not None
        if tied is not None and name in tied.node.entries:
            inner.fault(name, "has both when and tie", "write tie: where(condition, a, b)")
        elif name not in known:
            inner.fault(name, "is no parameter of this sweep", near_miss(name, known))
        elif (text := inner.text(name)) is not None and _fits(inner, name, text, every):
            found.append(Condition(known[name], text))
        elif inner.get(name) is None:
            inner.fault(name, "is empty", "write a condition: \"scheduler == 'cosine'\"")
    return tuple(found)


def _exclusions(section: Section, every: Collection[str]) -> tuple[str, ...]:
    node = section.get("exclude")
    if node is None:
        return ()
    items = node.items if isinstance(node, Items) else (node,)
    found: list[str] = []
    for item in items:
        if not isinstance(item, Leaf) or not isinstance(item.value, str):
            what = f"{kind_of(item)} is no condition"
            hint = 'write a list of conditions: ["batch_size > 256 and lr > 0.1"]'
            section.reader.fault(item.line, section.at("exclude"), what, hint)
        elif (error := _problem(item.value, every)) is not None:
            what = f"{error.where}: {error.what}"
            section.reader.fault(item.line, section.at("exclude"), what, error.hint)
        else:
            found.append(item.value)
    return tuple(found)


def _ties(
    section: Section, ties: Mapping[str, Path], known: Mapping[str, Path], every: Collection[str]
) -> tuple[Tie, ...]:
    inner = section.section("tie")
    found: list[Tie] = []
    for name, path in ties.items():
        assert inner is not None
        if name in known:
            inner.fault(name, "is sampled as well", "remove it under `parameters:`")
            continue
        holder, key, kind = inner, name, None
        node = inner.get(name)
        if isinstance(node, Keyed):
            holder, key = Section(section.reader, node, inner.at(name)), "expr"
            holder.unknown(("expr", "type"))
            kind = holder.choice("type", _TYPES)
        if key not in holder:
            hint = "write what it is computed from: 64 / batch_size"
            inner.fault(name, "has no expression", hint)
        elif (text := holder.text(key)) is not None and _fits(holder, key, text, every):
            found.append(Tie(path, text, cast(_Type | None, kind)))
    return tuple(found)


def _fits(section: Section, key: str, text: str, every: Collection[str]) -> bool:
    """Whether the rule under `key` makes sense; what does not is told."""
    error = _problem(text, every)
    if error is not None:
        section.fault(key, f"{error.where}: {error.what}", error.hint)
    return error is None


def _problem(text: str, every: Collection[str]) -> ExpressionError | None:
    try:
        tree = as_condition(parse(text), every)
    except ExpressionError as error:
        return error
    if not names(tree):
        return ExpressionError("names no parameter", 1, "it would be the same at every point")
    return None


def _judge(section: Section, rules: Constraints, census: Census) -> None:
    """Rules that leave nothing are a fault; those that never or always do something are noted."""
    note = section.reader.note
    many = f"{census.looked_at:,} points" if census.complete else f"{census.looked_at:,} looked at"
    worst = max(census.fired, key=lambda rule: census.fired[rule], default="")
    if census.allowed == 0:
        what = f"rules forbid all of {many}, most often: {_shown(worst)}"
        if worst in census.problems:
            what += f" ({census.problems[worst][1]})"
        key = "exclude" if rules.exclude else "tie" if rules.tie else "when"
        if census.complete or census.total is None or not census.spread:
            section.fault(key, what, "loosen it")
            return
        note(f"tuiswp.{key}: {what}; there may be none left")
    for expr in rules.exclude:
        if expr not in census.fired:
            note(f"tuiswp.exclude: {_shown(expr)} forbids none of {many}")
    for one in rules.when:
        absent, name = census.fired.get(rule_text(one), 0), visible(name_of(one.path), limit=40)
        if absent == 0:
            note(f"tuiswp.when.{name}: {_shown(one.expr)} holds at all of {many}")
        elif absent == census.looked_at:
            note(f"tuiswp.when.{name}: {_shown(one.expr)} never holds at {many}: {name} is unused")
    for rule, (times, why) in census.problems.items():
        note(f"{_shown(rule)} has no value at {times:,} of {many} ({why}): they are left out")
    given = [key for key in RULE_KEYS if key in section]
    note(f"W&B does not know tuiswp.{', '.join(given)}: there the whole space is searched")


def _shown(text: str) -> str:
    return visible(text, limit=100)
