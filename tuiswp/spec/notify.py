"""Read `tuiswp.notify`: what is run, and whether the screen rings, when something has happened.

A list is short for its command. Macros in it become values inside one argument; no shell is run.
"""

import re
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import cast

from tuiswp import trust
from tuiswp.model.notify import NEWS, News, Notify
from tuiswp.model.sweep import Sweep
from tuiswp.nearest import near_miss
from tuiswp.spec.own import seconds
from tuiswp.spec.reader import Section, kind_of
from tuiswp.spec.tree import Items, Leaf, Node
from tuiswp.text import visible

MACROS = ("event", "sweep", "trial", "value", "metric", "count", "message", "dir")
_KEYS = ("command", "events", "bell", "timeout")
_SYNONYMS = {
    "on": "write events", "when": "write events", "run": "write command", "cmd": "write command",
    "timeout_s": "write timeout",
}  # fmt: skip
_EVENTS = {
    "new_best": "write best", "done": "write finished", "finish": "write finished",
    "failure": "write failed", "error": "write failed", "pause": "write paused",
    "hang": "write silent", "stall": "write silent",
}  # fmt: skip
_MACRO = re.compile(r"\$\{([^{}]*)\}")
_LONGEST_S = 600.0
_WORDS = ("sweep", "metric", "message", "dir")  # the others are numbers and ids
_INTERPRETER = re.compile(r"(?:ba|da|z|k|fi|tc)?sh|python[0-9.]*|perl|ruby|node|ssh|su|eval|awk")
_RUNS_TEXT = re.compile(r"-[a-zA-Z]*[ce]|--eval|--command")


def read_notify(ours: Section) -> Notify | None:
    """What the file says of it; None: nothing is run and nothing rings."""
    node = ours.get("notify")
    if node is None:
        return None
    if isinstance(node, Items):
        return Notify(command=_command(ours, "notify", node))
    section = ours.section("notify")
    if section is None:
        return None
    section.unknown(_KEYS, _SYNONYMS)
    given = section.get("command")
    command = () if given is None else _command(section, "command", given)
    bell = section.boolean("bell")
    if not command and not bell and "command" not in section:
        section.fault("command", "is missing", 'write command: ["notify-send", "${message}"]')
    events = _events(section)
    return Notify(
        command=command,
        events=NEWS if events is None else events,
        bell=True if bell is None else bell,
        timeout_s=_timeout(section),
    )


def notify_warnings(sweep: Sweep, environ: Mapping[str, str]) -> list[str]:
    """A program that is not there, said before the sweep runs for hours; never an error."""
    if sweep.notify is None or not sweep.notify.command:
        return []
    program = sweep.notify.command[0]
    place = str(Path(sweep.run.cwd, program)) if "/" in program else program
    if (shutil.which(place) if "/" in program else trust.program(place, environ)) is not None:
        return []
    return [f"notify: {visible(program, limit=80)} is no program that is found; nothing is told"]


def _command(section: Section, key: str, node: Node) -> tuple[str, ...]:
    if not isinstance(node, Items) or not node.items:
        hint = 'write it as a list: ["notify-send", "tuiswp", "${message}"]'
        what = "is an empty list" if isinstance(node, Items) else f"is {kind_of(node)}"
        section.fault(key, what, hint)
        return ()
    tokens: list[str] = []
    for item in node.items:
        text = section.reader.text(item, section.at(key))
        if text is None:
            continue
        tokens.append(text)
        for name in _MACRO.findall(text):
            if name not in MACROS:
                shown = visible(name, limit=40)
                section.fault(key, f"unknown macro ${{{shown}}}", near_miss(name, MACROS))
    for name in _in_a_program_text(tokens):
        section.fault(
            key,
            f"${{{name}}} stands within the text of a program, which would run what it says",
            f'write "$TUISWP_{name.upper()}" there (of the environment), or hand it over as an '
            "argument of its own",
        )
    return tuple(tokens)


def _in_a_program_text(tokens: list[str]) -> list[str]:
    """Macros with words of others in what an interpreter is told to run: `sh -c "… ${message}"`."""
    found: dict[str, None] = {}
    program = ""
    for before, token in zip(["", *tokens], tokens, strict=False):
        program = Path(token).name if _INTERPRETER.fullmatch(Path(token).name) else program
        if program and _RUNS_TEXT.fullmatch(before):
            found |= dict.fromkeys(name for name in _MACRO.findall(token) if name in _WORDS)
    return list(found)


def _events(section: Section) -> tuple[News, ...] | None:
    node = section.get("events")
    if node is None:
        return None
    items = node.items if isinstance(node, Items) else [node]
    found = [section.reader.choice(item, section.at("events"), NEWS, _EVENTS) for item in items]
    if not found:
        section.fault("events", "is an empty list", f"write some of {', '.join(NEWS)}")
    return tuple(cast(News, one) for one in dict.fromkeys(found) if one is not None)


def _timeout(section: Section) -> float:
    node = section.get("timeout")
    if node is None:
        return Notify().timeout_s
    found = seconds(node.text) if isinstance(node, Leaf) else None
    if found is None or not 0 < found <= _LONGEST_S:
        section.fault("timeout", f"{kind_of(node)} is no time up to 10m", "write 30s")
        return Notify().timeout_s
    return found
