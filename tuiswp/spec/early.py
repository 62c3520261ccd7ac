"""What is in the grammar but not yet run: `method: bayes` and `early_terminate`.

Both are read and checked in full, so that a file's other faults are found today. `comes_next` is
the one place that then refuses them; the release that runs them deletes it.
"""

import math

import msgspec

from tuiswp.spec.reader import Section

_KEYS = ("type", "min_iter", "max_iter", "s", "eta", "strict")


class Hyperband(msgspec.Struct, frozen=True):
    """`early_terminate`: stop a trial that is not among the best 1/eta at a band.

    Exactly one of `min_iter` and (`max_iter`, `s`) is set; counted in logged values.
    """

    min_iter: int | None
    max_iter: int | None
    s: int | None
    eta: float = 3.0
    strict: bool = True


def read_early_terminate(section: Section) -> Hyperband | None:
    """The stopping rule of a file; None after a fault, which the reader then holds."""
    section.unknown(_KEYS, {"metric": "the rule always judges metric.name"})
    before = len(section.reader.faults)
    if "type" not in section:
        section.fault("type", "is missing", "write type: hyperband")
    section.choice("type", ("hyperband",))
    min_iter = section.integer("min_iter", minimum=1)
    max_iter = section.integer("max_iter", minimum=1)
    s = section.integer("s", minimum=1)
    eta = section.number("eta", above=1)
    strict = section.boolean("strict")
    if "min_iter" not in section and not ("max_iter" in section and "s" in section):
        what = "needs min_iter, or max_iter and s"
        section.reader.fault(section.node.line, section.path, what, "write min_iter: 3")
    if len(section.reader.faults) > before:
        return None
    eta = 3.0 if eta is None else float(eta)
    by_max = max_iter is not None and s is not None
    if by_max and min_iter is not None:
        section.reader.note("early_terminate: max_iter and s are given, so min_iter is not used")
    elif min_iter is not None and (s is not None or max_iter is not None):
        section.reader.note("early_terminate: min_iter decides; s and max_iter need each other")
    if max_iter is not None and s is not None and not bands(max_iter, s, eta):
        section.fault("max_iter", f"{max_iter} / {eta:g} is below 1: no band", "raise max_iter")
        return None
    return Hyperband(
        None if by_max else min_iter,
        max_iter if by_max else None,
        s if by_max else None,
        eta,
        True if strict is None else strict,
    )


def bands(max_iter: int, s: int, eta: float) -> list[int]:
    """Kill points, ascending: max_iter divided by eta up to s times, floored, not below 1.

    >>> bands(27, 2, 3)
    [3, 9]
    """
    found: list[int] = []
    point = float(max_iter)
    for _ in range(min(s, 1000)):
        point /= eta
        if point < 1:
            break
        found.append(math.floor(point))
    return found[::-1]


def comes_next(method: str | None, section: Section) -> None:
    """Refuse what the next release runs, one line each."""
    if method == "bayes":
        section.fault("method", "bayes comes with the next release", "until then: random or grid")
    if "early_terminate" in section:
        hint = "until then remove it; every trial runs to its end"
        section.fault("early_terminate", "early stopping comes with the next release", hint)
