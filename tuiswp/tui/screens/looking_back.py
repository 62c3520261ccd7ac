"""The look back as lines of the results screen: how sure, what mattered, the search. Pure.

The words are the report's and the drawings those of `tuiswp results --review`.
"""

from collections.abc import Mapping, Sequence

from tuiswp.analysis.contest import Contest, contest
from tuiswp.analysis.evidence import by_seeds
from tuiswp.analysis.review import PARTS, TITLES, Part, section
from tuiswp.analysis.review_text import beside, blocks
from tuiswp.controller.replicating import standing
from tuiswp.tui.pieces import Line
from tuiswp.tui.snapshot import Snapshot
from tuiswp.tui.widgets.prose import wrapped

SHORT: Mapping[Part, str] = {
    "sure": "sure?",
    "mattered": "mattered",
    "search": "search",
    "early": "early",
    "gradients": "gradients",
}
_NOTHING: Mapping[Part, str] = {
    "sure": "Nothing can be said yet: there is no optimum, or nothing to hold it against.",
    "mattered": "Nothing can be said yet.",
    "search": "Nothing is swept, so there is nowhere to have looked.",
    "early": "Too few trials came to their end and logged the metric on the way: five are the "
    "least.",
    "gradients": "No trial logs both a gradient norm (grad_norm) and the learning rate "
    "(learning_rate, lr) at the same steps.",
}


def tabs(shown: Part | None) -> str:
    """`[1 answer] 2 sure? 3 mattered …`; None: the answer."""
    names: list[tuple[Part | None, str]] = [(None, "answer"), *((p, SHORT[p]) for p in PARTS)]
    return " ".join(
        f"[{n} {name}]" if part == shown else f"{n} {name}"
        for n, (part, name) in enumerate(names, start=1)
    )


def part_lines(snapshot: Snapshot, part: Part, width: int, *, ascii: bool = False) -> list[Line]:
    """One part: what it says, then its drawings."""
    lines: list[Line] = [((TITLES[part], "accent"),), ()]
    look = snapshot.look
    if snapshot.as_of is not None:
        return [*lines, *wrapped("Of the past none is made; esc comes back to now.", width, "dim")]
    if look is None or look.part != part or look.found is None:
        note = "" if look is None or look.part != part or not look.note else f": {look.note}"
        return [*lines, (((f"is being made{note} …"), "dim"),)]
    said = section(part, look.found)
    drawn = blocks(part, look.found, snapshot.judgement, width=width, ascii=ascii)
    for text in beside(part, said, drawn) or (_NOTHING[part],):
        lines += wrapped(_shown(text, ascii=ascii), width, indent=2)
    if part == "sure":
        lines += [(), *repeat_lines(snapshot, width)]
    for title, *rows in drawn:
        lines += [(), *wrapped(title, width, "strong"), *(((row, "plain"),) for row in rows)]
    return lines


def contest_lines(snapshot: Snapshot, width: int, *, ascii: bool = False) -> list[Line]:
    """First against second in a sentence, and how repeats of them stand or are asked for."""
    found = _contest(snapshot)
    told: Sequence[str] = () if found is None else (found.told,)
    if found is None or not _looked(snapshot):  # no curve was looked at: only seeds count
        told = by_seeds(snapshot.view.sweep, snapshot.judgement)
    lines = [line for t in told for line in wrapped(_shown(t, ascii=ascii), width, indent=2)]
    return lines + repeat_lines(snapshot, width)


def repeat_lines(snapshot: Snapshot, width: int) -> list[Line]:
    """How far repeats are; else, while first against second is open, the key that asks for them."""
    if snapshot.view.foreign or snapshot.as_of is not None:
        return []
    going = standing(snapshot.view.state)
    if going is not None:
        return wrapped(going, width, "run", indent=2)
    found = _contest(snapshot)
    if found is None or found.ruling == "decided":
        return []
    offer = "R repeats the best with other seeds until the first beats the second beyond noise."
    return wrapped(offer, width, "accent", indent=2)


def _looked(snapshot: Snapshot) -> bool:
    look = snapshot.look
    return look is not None and look.part == "sure" and look.found is not None


def _contest(snapshot: Snapshot) -> Contest | None:
    """As the look back has it, the curves compared; until that is there, by seeds alone."""
    look = snapshot.look
    if look is not None and look.part == "sure" and look.found is not None:
        return look.found.evidence.contest
    return contest(snapshot.view.sweep, snapshot.judgement)


def _shown(text: str, *, ascii: bool) -> str:
    return text.replace("±", "+/-") if ascii else text
