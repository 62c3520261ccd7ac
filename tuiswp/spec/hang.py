"""Read `tuiswp.hang`: when a trial that reports nothing is called silent, and what then.

A time is short for its `after`; `off` looks at nobody. Nothing is ever ended unless a file says so.
"""

from typing import Literal, cast

from tuiswp.model.sweep import Hang
from tuiswp.spec.own import seconds
from tuiswp.spec.reader import Section, kind_of
from tuiswp.spec.tree import Keyed, Leaf, Node

_KEYS = ("after", "first", "action")
_ACTIONS = ("flag", "kill")
_SYNONYMS = {
    "timeout": "write after; tuiswp.timeout ends one that runs too long",
    "silent": "write after", "limit": "write after", "start": "write first",
    "startup": "write first", "kill": "write action: kill", "on_hang": "write action",
}  # fmt: skip
_HINTS = {
    "terminate": "write kill", "stop": "write kill", "end": "write kill", "warn": "write flag",
    "restart": "write kill; tuiswp.retries says how often it is then tried again",
    "retry": "write kill; tuiswp.retries says how often it is then tried again",
    "none": "write flag, or hang: off", "ignore": "write hang: off", "off": "write hang: off",
}  # fmt: skip
_LEAST_S = 1.0


def read_hang(ours: Section) -> Hang:
    """What the file says of it, else the default: trials are flagged, and none is ended."""
    node = ours.get("hang")
    if node is None:
        return Hang()
    if not isinstance(node, Keyed):
        if isinstance(node, Leaf) and (node.value is False or node.text.lower() in ("off", "no")):
            return Hang(action="off")
        return Hang(after_s=_time(ours, "hang", node))
    section = Section(ours.reader, node, ours.at("hang"))
    section.unknown(_KEYS, _SYNONYMS)
    times = {
        key: None if (given := section.get(key)) is None else _time(section, key, given)
        for key in ("after", "first")
    }
    action = section.choice("action", _ACTIONS, _HINTS)
    return Hang(times["after"], times["first"], cast(Literal["flag", "kill"], action or "flag"))


def _time(section: Section, key: str, node: Node) -> float | None:
    found = seconds(node.text) if isinstance(node, Leaf) else None
    if found is None or not _LEAST_S <= found <= 10**9:
        section.fault(key, f"{kind_of(node)} is no time of a second or more", "write 30m or 2h")
        return None
    return found
