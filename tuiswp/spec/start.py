"""What a sweep begins with: the baseline, the person's own points, and earlier sweeps.

Read under `tuiswp:`. No other file is read: who opens an earlier sweep finds out whether it is
there.
"""

from pathlib import Path

from tuiswp.model.space import Constraints, Parameter, Params, Value
from tuiswp.model.space import Path as ParamPath
from tuiswp.spec.constraints import Rules
from tuiswp.spec.params import complete_params, near_miss, nest, only_value, shown
from tuiswp.spec.reader import Reader, Section, kind_of
from tuiswp.spec.tree import Items, Keyed, Leaf
from tuiswp.text import visible


def read_baseline(
    section: Section, parameters: tuple[Parameter, ...], complete: bool, rules: Constraints
) -> Params | None:
    """Parameters of the default trial; values outside the space are fine, unknown names are not.

    `complete`: the parameters were read without a fault, so that missing names can be told. A
    parameter that exists only under a condition may be left out.
    """
    inner = section.section("baseline")
    if inner is None:
        return None
    if not complete:
        return {}
    params, missing = _point(inner, parameters, rules)
    if missing:
        hint = "give the default of each swept parameter"
        section.fault("baseline", f"leaves out {missing}", hint)
    return params


def read_points(
    section: Section, parameters: tuple[Parameter, ...], complete: bool, rules: Constraints
) -> tuple[Params, ...]:
    """Points to try first; like the baseline, but none that a rule of the sweep forbids."""
    hint = "write points: [{lr: 1e-3}]"
    node = section.get("points")
    if node is None:
        return ()
    if not isinstance(node, Items):
        section.fault("points", f"must be a list of points, not {kind_of(node)}", hint)
        return ()
    found: list[Params] = []
    path = section.at("points")
    known = Rules(parameters, rules) if complete else None
    for item in node.items:
        if not isinstance(item, Keyed):
            section.reader.fault(item.line, path, f"a point is {kind_of(item)}", hint)
            continue
        if known is None:
            continue
        before = len(section.reader.faults)
        params, missing = _point(Section(section.reader, item, path), parameters, rules)
        if missing:
            what = f"the point leaves out {missing}"
            section.reader.fault(item.line, path, what, "give each swept parameter a value")
        if len(section.reader.faults) > before:
            continue
        whole = complete_params(parameters, params)
        if known.resolve(whole) is None:
            section.reader.fault(item.line, path, "the point is one that tuiswp.exclude forbids")
        found.append(params)
    return tuple(found)


def read_points_from(section: Section, started_in: Path) -> str | None:
    """Where a range test left its result, absolute. Whether it did is checked when it starts."""
    node = section.get("points_from")
    if node is None:
        return None
    text = node.text if isinstance(node, Leaf) else ""
    if not text.strip():
        hint = "write points_from: lr_finder, where python -m recipes.lr_finder wrote into"
        section.fault("points_from", f"{kind_of(node)} is no directory", hint)
        return None
    try:
        return str((started_in / Path(text).expanduser()).absolute())
    except RuntimeError:  # ~somebody who is not known here
        section.fault("points_from", f"{shown(text)} names no home directory")
        return None


def read_priors(section: Section, started_in: Path, learns: bool) -> tuple[str, ...]:
    """Directories of earlier sweeps, absolute. Whether they exist is checked when it starts."""
    node = section.get("prior")
    if node is None:
        return ()
    items = node.items if isinstance(node, Items) else [node]
    found = []
    for item in items:
        text = item.text if isinstance(item, Leaf) else ""
        if not text.strip():
            hint = "write prior: [sweeps/first]"
            section.fault("prior", f"{kind_of(item)} is no directory", hint)
            continue
        try:
            found.append(str((started_in / Path(text).expanduser()).absolute()))
        except RuntimeError:  # ~somebody who is not known here
            section.fault("prior", f"{shown(text)} names no home directory")
    if found and not learns:
        section.fault("prior", "is for a sampler that learns", "write method: bayes")
    return tuple(dict.fromkeys(found))


def _point(
    inner: Section, parameters: tuple[Parameter, ...], rules: Constraints
) -> tuple[Params, str]:
    """The values given at a place, and the names of the swept parameters that are missing."""
    found: dict[ParamPath, Value] = {}
    spellings = {parameter.path: parameter.spelling for parameter in parameters}
    _walk(inner.reader, inner.node, inner.path, (), spellings, found)
    optional = {rule.path for rule in rules.when}
    missing = [
        p.name
        for p in parameters
        if p.path not in found and p.path not in optional and only_value(p) is None
    ]
    return nest(found.items()), visible(", ".join(missing), limit=200)


def _walk(
    reader: Reader,
    node: Keyed,
    path: ParamPath,
    above: ParamPath,
    spellings: dict[ParamPath, dict[str, str]],
    found: dict[ParamPath, Value],
) -> None:
    dotted = {".".join(known): known for known in spellings}
    groups = {known[: len(above) + 1] for known in spellings if known[: len(above)] == above}
    for name, entry in node.entries.items():
        here: ParamPath | None = (*above, name)
        group = here in groups
        if here not in spellings and not group:
            here = dotted.get(name) if not above else None  # opt.lr for {opt: {lr: …}}
        if here in spellings:
            found[here] = reader.value(entry, (*path, name), spellings[here])
        elif group and isinstance(entry, Keyed):
            _walk(reader, entry, (*path, name), (*above, name), spellings, found)
        elif group:
            hint = "give a mapping of its parameters"
            reader.fault(node.lines[name], (*path, name), f"is {kind_of(entry)}", hint)
        else:
            known = {p[len(above)] for p in spellings if p[: len(above)] == above}
            hint = near_miss(name, known)
            reader.fault(node.lines[name], (*path, name), "is no parameter of this sweep", hint)
