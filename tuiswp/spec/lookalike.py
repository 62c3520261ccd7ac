"""Files called sweep.yaml that are something else: say which, and the nearest correct form.

One line instead of a list of unknown keys. Guesses only from the shape of the top level.
"""

from tuiswp.spec.reader import kind_of
from tuiswp.spec.tree import Items, Keyed, Leaf, Node
from tuiswp.text import visible

_FORM = "a sweep file is: method: grid, parameters: {lr: {values: [1e-4, 1e-3]}}"
_SWEEP_AI = frozenset(
    {"gha_enabled", "rules", "blocked_dirs", "branch", "sandbox", "draft", "docs"}
)
_TYPED = frozenset(
    {"type", "_type", "log", "low", "high", "choices", "bounds", "distribution_type"}
)


def whole_file(node: Node) -> tuple[str, str] | None:
    """What a document that is not a mapping is, and what to write; None for a mapping."""
    match node:
        case Keyed():
            return None
        case Items():
            return "is a list, not a mapping", _FORM
        case Leaf(value=str(text)) if ":" in text and ": " not in text:
            return "is one text, not a mapping", "write a space after each colon"
    return f"is {kind_of(node)}, not a mapping", _FORM


def something_else(top: Keyed) -> tuple[str, str] | None:
    """What a mapping without `method` and `parameters` is, and what to write instead."""
    keys = set(top.entries)
    if "method" in keys or "parameters" in keys or not keys:
        return None
    if len(keys & _SWEEP_AI) >= 2:
        return "is a configuration of Sweep AI, not a hyperparameter sweep", _FORM
    if keys & {"hydra", "defaults"}:
        return (
            "is a Hydra configuration, not a sweep file",
            "list the swept parameters under `parameters:`; `${args_no_hyphens}` passes key=value",
        )
    for name, value in top.entries.items():
        if isinstance(value, Keyed) and {"method", "parameters"} <= set(value.entries):
            shown = visible(name, limit=40)
            return f"holds the sweep under `{shown}:`", "move it to the top level"
    values = list(top.entries.values())
    if any(isinstance(v, Keyed) and set(v.entries) & _TYPED for v in values):
        name = next(n for n, v in top.entries.items() if isinstance(v, Keyed))
        return (
            "is not in W&B's form (`type: float, log: true` and the like)",
            f"write method: random, parameters: {{{visible(name, limit=40)}: "
            "{distribution: log_uniform_values, min: 1e-5, max: 1e-1}}",
        )
    if any(isinstance(v, Items) for v in values) and not keys & {"metric", "program", "command"}:
        name = next(n for n, v in top.entries.items() if isinstance(v, Items))
        return (
            "is a bare mapping of lists, not a sweep file",
            f"write method: grid, parameters: {{{visible(name, limit=40)}: {{values: […]}}}}",
        )
    if any(isinstance(v, Keyed) and set(v.entries) & {"min", "max", "value"} for v in values):
        return "holds parameters at the top level", "put them under `parameters:`, add `method:`"
    listed = ", ".join(visible(key, limit=30) for key in list(top.entries)[:5])
    if keys & {"metric", "program", "command", "early_terminate"}:
        return None  # a sweep file that lacks its two main keys: those faults say more
    return f"is not a sweep file (its keys: {listed})", _FORM
